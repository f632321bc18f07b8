"""The report as JUnit XML, for every pipeline that shows tests: a suite for each file, a failed test for each finding.

A file in which nothing was found is a test that passes, and what was not scanned is one with an error. There is no one
schema: the text fits both that of Ant's task, which asks for the most, and that of Jenkins, which most programs follow.

Left out on purpose: accepted findings. Neither schema has a test that is skipped for a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct, field

from kscan_lsp import __version__
from kscan_lsp.report.exchange import named, one_line
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.model import FileProblem, NotScanned, Report, Reported

_NO_DAY: Final = "1970-01-01"


class _Suite(Struct):
    """What there is to say about one file."""

    found: list[Reported] = field(default_factory=list)
    not_scanned: list[NotScanned] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)


def render(report: Report) -> str:
    """The report as an XML document."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    day = report.circumstances.day
    stamp = f"{day.isoformat() if day else _NO_DAY}T00:00:00"
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield "<testsuites>"
    for number, (file, suite) in enumerate(_suites(report).items()):
        failures, errors = len(suite.found), len(suite.not_scanned)
        yield (
            f'<testsuite id="{number}" package="kscan" name={_attribute(file)} hostname="localhost" '
            f'timestamp="{stamp}" tests="{failures + errors or 1}" failures="{failures}" errors="{errors}" time="0">'
        )
        packs = "".join(
            f'<property name="pack" value={_attribute(str(one))}/>' for one in report.circumstances.packs
        )
        yield f'<properties><property name="tool" value="kscan {__version__}"/>{packs}</properties>'
        yield from _cases(file, suite)
        yield "<system-out></system-out>"
        said = "\n".join(f"{problem.range.start.line}: {problem.message}" for problem in suite.problems)
        yield f"<system-err>{_text(said)}</system-err>"
        yield "</testsuite>"
    yield "</testsuites>"


def _suites(report: Report) -> dict[str, _Suite]:
    """Files that were scanned, and others that there is something to say about."""
    suites = {file: _Suite() for file in report.texts}
    for entry in report.open():
        suites.setdefault(entry.file, _Suite()).found.append(entry)
    for place in report.not_scanned:
        suites.setdefault(place.file, _Suite()).not_scanned.append(place)
    for problem in report.problems:
        suites.setdefault(problem.file, _Suite()).problems.append(problem)
    return suites


def _cases(file: str, suite: _Suite) -> Iterator[str]:
    if not suite.found and not suite.not_scanned:
        yield f'<testcase name="no findings" classname={_attribute(file)} time="0"/>'
    for entry in suite.found:
        finding = entry.finding
        title = (
            f"{finding.control} {entry.rule.title}: {named(finding.resource)} {finding.printed_path}".rstrip()
        )
        severity, message = finding.severity.label, _attribute(finding.message)
        yield f'<testcase name={_attribute(title)} classname={_attribute(file)} time="0">'
        yield f'<failure type="{severity}" message={message}>{_text(_details(entry))}</failure>'
        yield "</testcase>"
    for place in suite.not_scanned:
        title = f"scanned in full, line {place.line}"
        yield f'<testcase name="{title}" classname={_attribute(file)} time="0">'
        yield f'<error type="not scanned" message={_attribute(place.reason)}/>'
        yield "</testcase>"


def _details(entry: Reported) -> str:
    start = entry.range.start
    lines = [f"{entry.file}:{start.line}:{start.column}: {entry.finding.message}"]
    lines += [f"{place.file}:{place.range.start.line}: {place.message}" for place in entry.related]
    if entry.rule.remediation:
        lines.append(f"How to fix it: {entry.rule.remediation}")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    return quoteattr(one_line(text))


def _text(text: str) -> str:
    return escape(printable(text))
