"""The lines of findings in the JSON report, each by itself: nearly all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.paths import Path
    from kscan_lsp.report.model import FileRange, FixEdit, FixOption, RelatedLocation, Reported, Rule

_K = TypeVar("_K")
_OPEN: Final = '"status":"open","accepted":null,"baseline":null,"renderedWith":[]'
MAX_RULES: Final = 1_024
"""Controls of which it is remembered what lines say of them. All are forgotten when it is full."""
MAX_TEXTS: Final = 4_096
"""Paths, and fixes, of which it is remembered how they are written. All are forgotten when it is full."""
_SHORT: Final = 512
"""Characters that what is remembered has at most."""


class FindingLines:
    """Makes the lines of findings, nearly all of a report.

    Making each as data and then a text of that took twice as long: most of a line is that of the line before, of
    another line about the control, or of one about the same place in another object.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[int, int], tuple[Rule, str, str]] = {}
        """What stands before and behind what is said of an object; by the rule, kept with it, and the severity."""
        self._paths: dict[Path, str] = {}
        """Paths as they are written: objects of one kind have findings at the same."""
        self._fixes: dict[tuple[FixOption, ...], str] = {}
        """Fixes as they are written: many objects have the same ones."""
        self._resource: ResourceId | None = None
        self._file = ""
        """The object of the line before, and its file."""
        self._who = ""
        """Both as JSON."""

    def line(self, entry: Reported) -> str:
        """A finding as JSON."""
        finding = entry.finding
        rule = self._rules.get((id(entry.rule), finding.severity)) or self._of_rule(entry.rule, finding)
        if finding.resource is not self._resource or entry.file is not self._file:
            self._resource, self._file = finding.resource, entry.file
            self._who = f'{json_of(resource_data(finding.resource))},"file":{json_of(entry.file)},'
        place = entry.range
        path = self._paths.get(finding.path) or _keep(
            self._paths, finding.path, json_of(finding.printed_path)
        )
        related = json_of([_related(place) for place in entry.related]) if entry.related else "[]"
        fixes = entry.fixes
        fix = (self._fixes.get(fixes) or _keep(self._fixes, fixes, _fix(fixes))) if fixes else "null"
        plain = finding.disposition is None and not entry.rendered_with
        return (
            f"{rule[1]}{self._who}"
            f'"range":{{"start":{{"line":{place.line},"column":{place.column}}},"end":{{"line":{place.end_line},"column":{place.end_column}}}}},'
            f'"path":{path},"message":{json_of(finding.message)},{rule[2]}{related},"fix":{fix},'
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
            f'{json_of(head)[:-1]},"resource":',
            f'"remediation":{json_of(rule.remediation)},"related":',
        )
        if len(self._rules) >= MAX_RULES:
            self._rules.clear()
        self._rules[id(rule), finding.severity] = found
        return found


def _keep(known: dict[_K, str], key: _K, text: str) -> str:
    """Remember how something is written, if that is short."""
    if len(text) <= _SHORT:
        if len(known) >= MAX_TEXTS:
            known.clear()
        known[key] = text
    return text


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
    return json_of(data)[1:-1]


def _related(place: RelatedLocation) -> dict[str, Any]:
    return {
        "resource": resource_data(place.resource),
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
        return json_of({"title": option.title, "safe": option.safe})
    edits = [_edit(edit) for edit in option.edits]
    return json_of({"title": option.title, "safe": option.safe, "edits": edits})


def _edit(edit: FixEdit) -> dict[str, Any]:
    return {"range": _range(edit.range), "newText": edit.text}


def resource_data(resource: ResourceId) -> dict[str, str]:
    """What an object is called."""
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


def json_of(value: object) -> str:
    """A value on one line."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # YAML can write half of a character
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
