"""Findings as results of SARIF, each with its place, its identities, what it rests on, and what would fix it.

GitHub shows a related place where the message has a link to it, and the steps of a code flow one below the other. So
a message links what the finding rests on, and where that is a way from one kind of object to the next (a role, what
binds it, the account, the workload) it is a code flow, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.regex import regex
from kscan_lsp.report.exchange import identified, named, one_line
from kscan_lsp.report.printable import printable
from kscan_lsp.report.sarif.images import image_properties, images_by_place
from kscan_lsp.report.sarif.line_hash import LineHashes
from kscan_lsp.report.sarif.places import artifact, exact_region, physical
from kscan_lsp.report.sarif.rules import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.report.model import FixOption, RelatedLocation, Report, Reported

MAX_RELATED: Final = 100
"""Locations of a result that GitHub keeps."""
MAX_STEPS: Final = 10
"""More related places than this are a list, and no way that anybody follows."""

_STEPS: Final = {"ClusterRole": 0, "Role": 0, "ClusterRoleBinding": 1, "RoleBinding": 1, "ServiceAccount": 2}
"""Where on its way a right comes by which kind; what else there is stays in the order of the finding."""
_LINE_HASH: Final = "primaryLocationLineHash"
_FINGERPRINT: Final = "kscanFingerprint/v1"
_IN_SOURCE: Final = frozenset({"comment", "annotation"})
"""How a finding is accepted in the manifest itself."""
_BRACKETS: Final = regex(r"([\\\[\]])")


def results(report: Report, entries: Iterable[Reported], indices: Mapping[str, int]) -> list[dict[str, Any]]:
    """Findings as results.

    Args:
        report: the report that they are of.
        entries: the findings.
        indices: the number of each control among the rules of the run.
    """
    maker = _Maker(report, indices)
    return [maker.result(identity, entry) for identity, entry in identified(entries)]


class _Maker:
    """Makes results of one report; remembers the hashes of lines of each file."""

    def __init__(self, report: Report, indices: Mapping[str, int]) -> None:
        self.report = report
        self.indices = indices
        self.hashes: dict[str, LineHashes] = {}
        self.images = images_by_place(report.images)

    def result(self, identity: str, entry: Reported) -> dict[str, Any]:
        finding = entry.finding
        related = entry.related[:MAX_RELATED]
        made: dict[str, Any] = {
            "ruleId": finding.control,
            "ruleIndex": self.indices[finding.control],
            "level": LEVELS[finding.severity],
            "message": {"text": _message(finding.message, related)},
            "locations": [
                {
                    "physicalLocation": physical(self.report, entry.file, entry.range),
                    "logicalLocations": [_logical(finding.resource)],
                }
            ],
            "partialFingerprints": {**self.line_hash(entry), _FINGERPRINT: identity},
            "properties": {
                "severity": finding.severity.label,
                "score": entry.rule.score,
                "path": printable(finding.printed_path),
                **image_properties(entry, self.images),
            },
        }
        if related:
            made["relatedLocations"] = [self.related(i, place) for i, place in enumerate(related, 1)]
        if _is_way(entry):
            made["codeFlows"] = [{"threadFlows": [{"locations": [*self.steps(entry)]}]}]
        if fixes := [*self.fixes(entry)]:
            made["fixes"] = fixes
        if finding.status == "baseline":
            made["baselineState"] = "unchanged"
        elif self.report.drift and finding.status == "open":
            made["baselineState"] = "new"
        if finding.disposition is not None:
            made["suppressions"] = [self.suppression(entry)]
        return made

    def line_hash(self, entry: Reported) -> dict[str, str]:
        """The hash that code scanning tells alerts apart by; none where a secret would be part of it."""
        text = self.report.texts.get(entry.file)
        if text is None:
            return {}
        if entry.file not in self.hashes:
            self.hashes[entry.file] = LineHashes(text.written)
        hashes, line = self.hashes[entry.file], entry.range.start.line
        return {} if text.has_secret(hashes.reads(line)) else {_LINE_HASH: hashes.of(line)}

    def related(self, number: int, place: RelatedLocation) -> dict[str, Any]:
        return {"id": number, **self.step(place)}

    def step(self, place: RelatedLocation) -> dict[str, Any]:
        return {
            "physicalLocation": physical(self.report, place.file, place.range),
            "logicalLocations": [_logical(place.resource)],
            "message": {"text": _escaped(_what(place))},
        }

    def steps(self, entry: Reported) -> Iterator[dict[str, Any]]:
        """The way to a finding, a place at a time: from what is granted to who has it."""
        for place in sorted(entry.related, key=lambda place: _STEPS.get(place.resource.kind, len(_STEPS))):
            yield {"location": self.step(place)}
        yield {
            "location": {
                "physicalLocation": physical(self.report, entry.file, entry.range),
                "logicalLocations": [_logical(entry.finding.resource)],
                "message": {"text": _escaped(named(entry.finding.resource))},
            }
        }

    def fixes(self, entry: Reported) -> Iterator[dict[str, Any]]:
        """The fixes whose edits were worked out."""
        for option in entry.fixes:
            if option.edits:
                yield {
                    "description": {"text": _escaped(_title(option))},
                    "artifactChanges": [
                        {
                            "artifactLocation": artifact(self.report, entry.file),
                            "replacements": [
                                {
                                    "deletedRegion": exact_region(edit.range),
                                    "insertedContent": {"text": edit.text},
                                }
                                for edit in option.edits
                            ],
                        }
                    ],
                }

    def suppression(self, entry: Reported) -> dict[str, Any]:
        """Who accepts a finding, where, and why."""
        said = entry.finding.disposition
        assert said is not None  # noqa: S101 -- asked about accepted findings alone
        in_source = said.by in _IN_SOURCE
        reasons = (
            said.reason,
            said.owner and f"owner: {said.owner}",
            said.until and f"until {said.until}",
            said.ticket and f"ticket: {said.ticket}",
            said.approved_by and f"approved by {said.approved_by}",
            said.file and f"said in {entry.accepted_file}, line {entry.accepted_line}",
            said.since and f"in the baseline since {said.since}",
        )
        made: dict[str, Any] = {
            "kind": "inSource" if in_source else "external",
            "status": "accepted",
            "justification": one_line("; ".join(reason for reason in reasons if reason))
            or f"{said.by}, without a reason",
        }
        if entry.accepted_line:
            made["location"] = {
                "physicalLocation": {
                    "artifactLocation": artifact(self.report, entry.accepted_file),
                    "region": {"startLine": entry.accepted_line},
                }
            }
        return made


def _message(message: str, related: Sequence[RelatedLocation]) -> str:
    """What was found, with a link to each place that it rests on."""
    links = ", ".join(f"[{_escaped(_what(place))}]({i})" for i, place in enumerate(related, 1))
    said = _escaped(one_line(message)).removesuffix(".")
    return f"{said} ({links})." if links else f"{said}."


def _what(place: RelatedLocation) -> str:
    """What a related place is; the object, too, unless the message names it."""
    who = place.resource
    if not place.message:
        return named(who)
    said = one_line(place.message)
    return said if who.shown_name in place.message else f"{said}: {named(who)}"


def _is_way(entry: Reported) -> bool:
    """Whether the related places are steps on a way: several, each at another kind of object."""
    kinds = [place.resource.kind for place in entry.related]
    return 1 < len(kinds) <= MAX_STEPS and len({*kinds, entry.finding.resource.kind}) == len(kinds) + 1


def _title(option: FixOption) -> str:
    return one_line(option.title) + (
        "" if option.safe else " (review it: it can change what the workload does)"
    )


def _logical(who: ResourceId) -> dict[str, str]:
    path = "/".join(part for part in (who.api_version, who.kind, who.namespace, who.shown_name) if part)
    return {"name": printable(who.shown_name), "fullyQualifiedName": printable(path), "kind": "resource"}


def _escaped(text: str) -> str:
    """Text in which nothing is a link."""
    return _BRACKETS.sub(r"\\\1", text)
