"""The report for GitLab: as Code Quality, which every merge request shows, and as a security report, for dashboards.

Both know a finding by its id and show one finding for each, so no two here have the same. Code Quality finds nothing
to show where the end of the lines is left out.
Source: GitLab's pages on the Code Quality report format and on security scanner integration, and
sast-report-format.json 15.0.4 of its security report schemas; every later 15 takes what that does.

Left out on purpose: accepted findings. GitLab has its own way to dismiss one, and would show them as open.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from kscan_lsp import __version__
from kscan_lsp.findings import Severity
from kscan_lsp.report.exchange import (
    identified,
    named,
    one_line,
    repository_name,
    shortened,
    web_addresses,
)
from kscan_lsp.report.gates import exit_status
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.report.model import Report, Reported

SCHEMA_VERSION: Final = "15.0.4"
_QUALITY: Final = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}
_SIGNATURE: Final = "hash"
"""One of the three kinds of signatures that GitLab knows; with any other the finding is known by its lines."""
_MAX_NAME: Final = 255
_MAX_DESCRIPTION: Final = 1_048_576
_MAX_SOLUTION: Final = 7_000
_MAX_MESSAGES: Final = 1_000
_NO_DAY: Final = "1970-01-01"


def code_quality(report: Report) -> str:
    """The findings that count, as a Code Quality report."""
    return _listed(_quality(report))


def sast(report: Report) -> str:
    """The findings that count, as a security report of type `sast`."""
    head = json.dumps({"version": SCHEMA_VERSION, "scan": _scan(report)}, ensure_ascii=False)
    found = _listed(_vulnerability(report, i, entry) for i, entry in identified(report.open()))
    return f'{head[:-1]},\n"vulnerabilities": {found.rstrip()}}}\n'


def _listed(items: Iterable[dict[str, Any]]) -> str:
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def _quality(report: Report) -> Iterator[dict[str, Any]]:
    for identity, entry in identified(report.open()):
        finding, start, end = entry.finding, entry.range.start, entry.range.end
        yield {
            "type": "issue",
            "check_name": finding.control,
            "description": f"{finding.control} {one_line(entry.rule.title)}: {one_line(finding.message)}",
            "categories": ["Security"],
            "severity": _QUALITY[finding.severity],
            "fingerprint": identity.removeprefix("v1:"),
            "location": {
                "path": repository_name(report, entry.file),
                "lines": {"begin": start.line, "end": end.line},
            },
        }


def _scan(report: Report) -> dict[str, Any]:
    day = report.circumstances.day
    stamp = f"{day.isoformat() if day else _NO_DAY}T00:00:00"
    tool = {"id": "kscan", "name": "kscan", "version": __version__, "vendor": {"name": "kscan"}}
    return {
        "analyzer": tool,
        "scanner": tool,
        "type": "sast",
        "start_time": stamp,
        "end_time": stamp,
        "status": "failure" if exit_status(report) >= 2 else "success",
        "messages": [*_messages(report)],
    }


def _messages(report: Report) -> Iterator[dict[str, str]]:
    said = [("warn", place.file, place.line, f"not scanned: {place.reason}") for place in report.not_scanned]
    said += [
        ("warn" if problem.is_fault else "info", problem.file, problem.range.start.line, problem.message)
        for problem in report.problems
    ]
    for level, file, line, text in said[:_MAX_MESSAGES]:
        yield {"level": level, "value": one_line(f"{repository_name(report, file)}:{line}: {text}")}
    if len(said) > _MAX_MESSAGES:
        yield {"level": "warn", "value": f"and {len(said) - _MAX_MESSAGES:,} more"}


def _vulnerability(report: Report, identity: str, entry: Reported) -> dict[str, Any]:
    finding, rule = entry.finding, entry.rule
    file = repository_name(report, entry.file)
    addresses = web_addresses(rule.references)
    identifier = {"type": "kscan", "name": f"kscan {finding.control}", "value": finding.control}
    if addresses:
        identifier["url"] = addresses[0]
    title = one_line(rule.title)
    place = {"file": file, "start_line": entry.range.line, "end_line": entry.range.end_line}
    return {
        "id": str(uuid5(NAMESPACE_URL, f"kscan:{identity}")),
        "name": shortened(title, _MAX_NAME),
        "description": shortened(
            printable(f"{finding.message}\n\n{rule.description}").strip(), _MAX_DESCRIPTION
        ),
        "severity": finding.severity.label.capitalize(),
        "solution": shortened(printable(rule.remediation), _MAX_SOLUTION),
        "identifiers": [identifier],
        "links": [{"url": address} for address in addresses],
        "location": {
            **place,
            "class": named(finding.resource),
            "method": one_line(finding.printed_path),
        },
        "tracking": {
            "type": "source",
            "items": [{**place, "signatures": [{"algorithm": _SIGNATURE, "value": identity}]}],
        },
    }
