"""The report as a table, for spreadsheets: a row for each finding, accepted ones included, as their status says.

What a manifest says must not become a formula in somebody's spreadsheet: a cell that begins with what starts one gets
an apostrophe in front, which spreadsheets do not show. Rows end as RFC 4180 wants it.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from kscan_lsp.report.exchange import one_line
from kscan_lsp.report.spreading import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.report.model import Report, Reported
    from kscan_lsp.report.spreading import Spread

COLUMNS: Final = (
    "status", "severity", "score", "control", "title", "kind", "namespace", "name", "apiVersion", "file", "line",
    "column", "endLine", "endColumn", "path", "message", "remediation", "fix", "fingerprint", "acceptedBy", "reason",
    "owner", "until", "since", "ticket", "approvedBy", "acceptedIn",
)  # fmt: skip
"""The head of the table."""

_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
"""What a cell must not begin with: programs take it for a formula, or for a command of another program (OWASP, CSV
injection). The wide forms count, too."""


def render(report: Report) -> str:
    """The table as text."""
    return "".join(pieces(report))


def pieces(report: Report, spread: Spread = in_turn) -> Iterator[str]:
    """The table as text, row by row; `spread` makes those of findings."""
    yield from _written((COLUMNS,))
    yield from spread(_finding_rows, report.findings)


def _finding_rows(entries: Iterable[Reported]) -> Iterator[str]:
    return _written(map(cell, row) for row in _rows(entries))


def _written(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    for row in rows:
        writer.writerow(row)
        yield written.getvalue()
        written.seek(0)
        written.truncate()


def _rows(entries: Iterable[Reported]) -> Iterator[tuple[object, ...]]:
    for entry in entries:
        finding, rule, who, place = entry.finding, entry.rule, entry.finding.resource, entry.range
        yield (
            finding.status, finding.severity.label, rule.score, finding.control, rule.title, who.kind, who.namespace,
            who.shown_name, who.api_version, entry.file, place.line, place.column, place.end_line, place.end_column,
            finding.printed_path, finding.message, rule.remediation, _fix(entry), entry.fingerprint, *_accepted(entry),
        )  # fmt: skip


def _fix(entry: Reported) -> str:
    return entry.fixes[0].title if entry.fixes else ""


def _accepted(entry: Reported) -> tuple[str, ...]:
    said = entry.finding.disposition
    if said is None:
        return ("",) * 8
    where = f"{entry.accepted_file}:{entry.accepted_line}" if entry.accepted_file else ""
    return (said.by, said.reason, said.owner, said.until, said.since, said.ticket, said.approved_by, where)


def cell(value: object) -> object:
    """A value as a cell that is nothing but text; numbers are our own and stay numbers."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
