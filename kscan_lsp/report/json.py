"""The report as JSON, for programs: the contract that `docs/schemas/report.schema.json` publishes.

Keys come in one order and lists in the report's, so that two scans of the same text are the same bytes.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kscan_lsp import __version__
from kscan_lsp.report.drift_data import drift_data
from kscan_lsp.report.spreading import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import (
        ControlResult,
        FileRange,
        FixEdit,
        FixOption,
        RelatedLocation,
        Report,
        Reported,
        Rule,
    )
    from kscan_lsp.report.spreading import Spread
    from kscan_lsp.report.standards import FrameworkScore, StandardChange

SCHEMA_VERSION = 2


def render(report: Report) -> str:
    """The report as a JSON text."""
    return "".join(pieces(report))


def pieces(report: Report, spread: Spread = in_turn) -> Iterator[str]:
    """The report as a JSON text, piece by piece: one line for each part, and in lists one for each item.

    That is good to search and to compare line by line, and much faster to write than indented text.

    Args:
        report: the report.
        spread: what makes the lines of findings, which are nearly all of it.
    """
    before = "{\n"
    for key, value in _parts(report).items():
        yield f'{before}  "{key}": '
        before = ",\n"
        if key == "findings":
            yield from _list(spread(_finding_lines, report.findings))
        else:
            yield from _list(map(_line, value)) if isinstance(value, list) else (_line(value),)
    yield "\n}\n"


def _finding_lines(entries: Iterable[Reported]) -> Iterator[str]:
    return map(_FindingTexts().line, entries)


def _list(lines: Iterable[str]) -> Iterator[str]:
    before = "[\n    "
    for line in lines:
        yield before + line
        before = ",\n    "
    yield "[]" if before.startswith("[") else "\n  ]"


def _line(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # YAML can write half of a character
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_short_path: Final = lru_cache(4_096)(_line)


def _parts(report: Report) -> dict[str, Any]:
    """The parts of the report; the findings are left to `_FindingTexts`."""
    statuses = [said.status for entry in report.findings if (said := entry.finding.disposition) is not None]
    return {
        "schema": SCHEMA_VERSION,
        "tool": {"name": "kscan", "version": __version__},
        "summary": {
            "files": report.files,
            "resources": report.resources,
            "findings": {severity.label: count for severity, count in report.by_severity().items()},
            "suppressed": statuses.count("accepted"),
            "baseline": statuses.count("baseline"),
            "skipped": report.skipped_by_reason(),
            "frameworks": [_framework(framework) for framework in report.frameworks],
            **_answered(report),
        },
        "controls": [_control(result) for result in report.controls],
        "packs": [*map(str, report.circumstances.packs)],
        "changes": [{"change": one.what, **_change(one)} for one in report.changes],
        "skipped": [{"file": s.file, "reason": s.reason, "hint": s.hint} for s in report.skipped],
        "kindsNotJudged": [
            {"kind": one.kind, "apiVersion": one.api_version, "count": one.objects, "meant": one.meant}
            for one in report.kinds_not_judged
        ],
        "notScanned": [{"file": n.file, "line": n.line, "reason": n.reason} for n in report.not_scanned],
        "problems": [
            {"file": p.file, "line": p.range.start.line, "column": p.range.start.column, "message": p.message}
            for p in report.problems
        ],
        "findings": (),
        "drift": [drift_data(one) for one in report.drift],
        "images": [_image(one) for one in report.images],
    }


def _answered(report: Report) -> dict[str, Any]:
    """How many findings policies answer that change objects; nothing where none is asked to."""
    found = [{"policy": policy, "findings": count} for policy, count in report.answered]
    return {"answered": found} if found else {}


def _image(image: ReportedImage) -> dict[str, Any]:
    return {
        "reference": image.reference,
        "digest": image.digest,
        "source": image.source or None,
        "made": image.made and image.made.isoformat(),
        "ageDays": image.age_days,
        "system": image.system,
        "endOfLife": image.end_of_life,
        "counts": image.counts,
        "exposure": list(image.exposure),
        "workloads": [
            {
                "resource": _resource(place.resource),
                "container": place.container,
                "file": place.file,
                "line": place.line,
                "exposure": list(place.exposure),
            }
            for place in image.places
        ],
        "vulnerabilities": [_vulnerability(one) for one in (*image.vulnerabilities, *image.settled)],
    }


def _vulnerability(one: Vulnerability) -> dict[str, Any]:
    return {
        "id": one.id,
        "aliases": list(one.aliases),
        "severity": one.severity.label if one.severity else None,
        "package": one.package,
        "purl": one.purl,
        "installed": one.installed,
        "fixed": list(one.fixed),
        "vector": one.vector,
        "score": one.score or None,
        "epss": one.epss,
        "kev": one.kev,
        "title": one.title,
        "url": one.url,
        "status": one.status or None,
        "reason": one.reason,
    }


def _framework(framework: FrameworkScore) -> dict[str, Any]:
    changed = {what: [_change(one) for one in framework.changed(what)] for what in _CHANGES}
    replaced_by = framework.replaced_by
    return {
        "id": framework.id,
        "score": framework.score if framework.judged else None,
        "scoreAccepted": framework.score_accepted if framework.judged else None,
        "replacedBy": replaced_by and {"file": replaced_by.file, "line": replaced_by.line},
        "controls": {"run": framework.run, **changed, "notEvaluated": list(framework.not_evaluated)},
    }


_CHANGES = ("excluded", "replaced", "lowered")


def _change(change: StandardChange) -> dict[str, Any]:
    data: dict[str, Any] = {"id": change.id, "file": change.file or None, "line": change.line or None}
    return {**data, "detail": change.detail} if change.detail else data


def _control(result: ControlResult) -> dict[str, Any]:
    missing = None
    if result.not_evaluated:
        reasons = [
            {"file": r.file, "line": r.line, "path": r.path, "reason": r.reason} for r in result.reasons
        ]
        missing = {"count": result.not_evaluated, "reasons": reasons}
    return {
        "id": result.id,
        "evaluated": result.evaluated,
        "failed": result.failed,
        "accepted": result.accepted,
        "notEvaluated": missing,
    }


_OPEN: Final = '"status":"open","accepted":null,"baseline":null,"renderedWith":[]'
MAX_RULES: Final = 1_024
"""Controls of which it is remembered what lines say of them. All are forgotten when it is full."""
_SHORT: Final = 256
"""Characters that a text has at most of which it is remembered how it is written."""


class _FindingTexts:
    """Makes the lines of findings, nearly all of a report.

    Making each as data and then a text of that took twice as long: most of a line is that of the line before, of
    another line about the control, or of one about the same place in another object.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[int, int], tuple[Rule, str, str]] = {}
        """What stands before and behind what is said of an object; by the rule, kept with it, and the severity."""
        self._resource: ResourceId | None = None
        self._file = ""
        self._who = ""
        """The object of the line before, and its file."""

    def line(self, entry: Reported) -> str:
        """A finding as JSON."""
        finding = entry.finding
        rule = self._rules.get((id(entry.rule), finding.severity)) or self._of_rule(entry.rule, finding)
        if finding.resource is not self._resource or entry.file is not self._file:
            self._resource, self._file = finding.resource, entry.file
            self._who = f'{_line(_resource(finding.resource))},"file":{_line(entry.file)},'
        place = entry.range
        related = _line([_related(place) for place in entry.related]) if entry.related else "[]"
        fix = _fix(entry.fixes) if entry.fixes else "null"
        plain = finding.disposition is None and not entry.rendered_with
        return (
            f"{rule[1]}{self._who}"
            f'"range":{{"start":{{"line":{place.line},"column":{place.column}}},"end":{{"line":{place.end_line},"column":{place.end_column}}}}},'
            f'"path":{_path(finding.printed_path)},"message":{_line(finding.message)},{rule[2]}{related},"fix":{fix},'
            f'"fingerprint":"{entry.fingerprint}",{_OPEN if plain else _status(entry)}}}'
        )

    def _of_rule(self, rule: Rule, finding: Finding) -> tuple[Rule, str, str]:
        head = {
            "control": finding.control,
            "title": rule.title,
            "severity": finding.severity.label,
            "score": rule.score,
        }
        found = (
            rule,
            f'{_line(head)[:-1]},"resource":',
            f'"remediation":{_line(rule.remediation)},"related":',
        )
        if len(self._rules) >= MAX_RULES:
            self._rules.clear()
        self._rules[id(rule), finding.severity] = found
        return found


def _path(text: str) -> str:
    """A path, which objects of one kind have in common, as JSON."""
    return _short_path(text) if len(text) <= _SHORT else _line(text)


def _status(entry: Reported) -> str:
    """What became of a finding, and what it was rendered with: the last keys of a line."""
    finding = entry.finding
    disposition = finding.disposition
    data = {
        "status": finding.status,
        "accepted": {
            "by": disposition.by,
            "reason": disposition.reason,
            "owner": disposition.owner,
            "until": disposition.until,
            "ticket": disposition.ticket,
            "approvedBy": disposition.approved_by,
            "file": entry.accepted_file,
            "line": entry.accepted_line,
        }
        if disposition and finding.status == "accepted"
        else None,
        "baseline": {"since": disposition.since, "owner": disposition.owner, "reason": disposition.reason}
        if disposition and finding.status == "baseline"
        else None,
        "renderedWith": list(entry.rendered_with),
    }
    return _line(data)[1:-1]


def _related(place: RelatedLocation) -> dict[str, Any]:
    return {
        "resource": _resource(place.resource),
        "file": place.file,
        "range": _range(place.range),
        "path": place.path,
        "message": place.message,
    }


def _fix(options: Sequence[FixOption]) -> str:
    """The first way to fix it; where the user has a choice, all of them beside it."""
    first = _option(options[0])
    if len(options) == 1:
        return first
    return f'{first[:-1]},"alternatives":[{",".join(map(_option, options))}]}}'


def _option(option: FixOption) -> str:
    if option.edits is None:
        return _named(option.title, option.safe)
    edits = [_edit(edit) for edit in option.edits]
    return _line({"title": option.title, "safe": option.safe, "edits": edits})


@lru_cache(4_096)
def _named(title: str, safe: bool) -> str:
    """A fix by its name: many objects have the same ones."""
    return _line({"title": title, "safe": safe})


def _edit(edit: FixEdit) -> dict[str, Any]:
    return {"range": _range(edit.range), "newText": edit.text}


def _resource(resource: ResourceId) -> dict[str, str]:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.shown_name,
    }


def _range(span: FileRange) -> dict[str, dict[str, int]]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }
