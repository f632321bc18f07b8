"""The report as workflow commands: what GitHub Actions shows beside the lines of a pull request, without any upload.

A step may show 10 errors, 10 warnings and 10 notices; GitHub drops the others without a word. So the worst findings
come first, and the last line, which is no command, says how many more there are. What was not scanned is an error
before all findings: a list of findings without it would pass for all there is.
Source: GitHub's pages on workflow commands; actions/toolkit, packages/core/src/command.ts, for what is escaped.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Severity
from kscan_lsp.report.exchange import one_line, repository_name, worst_first
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.model import Report, Reported

MAX_EACH: Final = 10
"""Annotations of each kind that one step shows."""

_COMMANDS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}


def render(report: Report) -> str:
    """The report as commands, one a line, and a line that counts what they leave out."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    first = [*_unscanned(report)]
    yield from first
    left: list[str] = []
    ordered = worst_first(report.open())
    for command, group in groupby(ordered, key=lambda entry: _COMMANDS[entry.finding.severity]):
        entries = [*group]
        room = MAX_EACH - (len(first) if command == "error" else 0)
        for entry in entries[:room]:
            yield _finding(report, command, entry)
        if more := len(entries) - room if len(entries) > room else 0:
            left.append(counted(more, command))
    if left:
        yield (
            f"kscan: {', '.join(left)} more, which GitHub would not show: it takes {MAX_EACH} of each from a step. "
            "Write another report, such as --output report.html, to see all."
        )
    if not ordered and not first:
        yield f"kscan: nothing was found in {counted(report.files, 'file')}"


def _unscanned(report: Report) -> Iterator[str]:
    if report.not_scanned:
        place = report.not_scanned[0]
        others = len(report.not_scanned) - 1
        more = f" (and {counted(others, 'other place')})" if others else ""
        properties = {
            "file": _name(report, place.file),
            "line": str(place.line),
            "title": "Not scanned",
        }
        yield _command("warning" if report.gate.unscanned else "error", properties, f"{place.reason}{more}")


def _finding(report: Report, command: str, entry: Reported) -> str:
    start, end, finding = entry.range.start, entry.range.end, entry.finding
    properties = {"file": _name(report, entry.file), "line": str(start.line)}
    if start.line == end.line:  # on several lines columns mean nothing to GitHub
        properties |= {"endLine": str(end.line), "col": str(start.column), "endColumn": str(end.column)}
    else:
        properties["endLine"] = str(end.line)
    properties["title"] = f"{finding.control} {one_line(entry.rule.title)} ({finding.severity.label})"
    fix = f"\nHow to fix it: {one_line(entry.rule.remediation)}" if entry.rule.remediation else ""
    return _command(command, properties, f"{one_line(finding.message)}{fix}")


def _name(report: Report, file: str) -> str:
    """A file's name, which goes to a log that people read at a terminal, too."""
    return one_line(repository_name(report, file))


def _command(name: str, properties: dict[str, str], message: str) -> str:
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
