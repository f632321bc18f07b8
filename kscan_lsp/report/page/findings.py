"""What was found: by control with the worst first, by file, and what somebody accepted."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Severity
from kscan_lsp.report.page.text import also, fold, heading, name, prose, quiet, resource, table, text
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.report.model import FixOption, LineColumn, Report, Reported
    from kscan_lsp.report.page.text import PlaceLinks

_UNFOLDED: Final = 40
"""Up to so many findings, all are to be seen at once; of more, first the controls."""


def by_control(report: Report, places: PlaceLinks) -> Iterator[str]:
    """Open findings, the worst first, each control in a fold of its own."""
    ordered = sorted(report.open(), key=_worst_first)
    grouped = [list(group) for _, group in groupby(ordered, key=_worst_first)]
    yield heading("Findings by control", "findings")
    if not grouped:
        found = "Nothing new was found." if report.drift else "Nothing was found."
        yield quiet(found if report.files else "Nothing was checked.")
    for entries in grouped:
        first, finding = entries[0], entries[0].finding
        label = finding.severity.label
        summary = (
            f'<span class="tag">{label}</span>'
            f'<b>{text(first.rule.title)} <code class="quiet">{text(finding.control)}</code></b>'
            f'<span class="tag">{counted(len(entries), "finding")}</span>'
        )
        rows = table(_row(entry, places, _fix(entry.fixes)) for entry in entries)
        yield from fold(
            summary,
            (quiet(prose(first.rule.remediation)), *rows),
            unfolded=len(ordered) <= _UNFOLDED,
            tone=label,
        )


def by_file(report: Report, places: PlaceLinks) -> Iterator[str]:
    """How many open findings of each severity every file has, the worst first."""
    found: dict[str, Counter[Severity]] = {}
    first: dict[str, LineColumn] = {}
    for entry in report.open():
        found.setdefault(entry.file, Counter())[entry.finding.severity] += 1
        first[entry.file] = min(first.get(entry.file, entry.range.start), entry.range.start)
    if not found:
        return
    levels = sorted(Severity, reverse=True)
    worst = sorted(found, key=lambda file: ([-found[file][level] for level in levels], file))
    heads = "".join(f'<th class="count" scope="col">{level.label}</th>' for level in levels)
    yield heading("Findings by file", "files")
    yield f'<table class="counts"><thead><tr><th scope="col">file</th>{heads}</tr></thead><tbody>'
    for file in worst:
        cells = "".join(
            f'<td class="count {level.label}" data-label="{level.label}">{found[file][level] or ""}</td>'
            for level in levels
        )
        yield f"<tr><td>{places.link(file, name(file), first[file])}</td>{cells}</tr>"
    yield "</tbody></table>"


def accepted(report: Report, places: PlaceLinks) -> Iterator[str]:
    """Findings that somebody accepted, with who says so."""
    entries = [entry for entry in report.findings if entry.finding.status == "accepted"]
    if entries:
        yield heading("Accepted", "accepted")
        rows = table(_row(entry, places, _disposition(entry, places)) for entry in entries)
        yield from fold(f"<b>{counted(len(entries), 'finding')}</b>", rows)


def in_baseline(report: Report, places: PlaceLinks) -> Iterator[str]:
    """Findings that were there when a baseline was written, with since when."""
    entries = [entry for entry in report.findings if entry.finding.status == "baseline"]
    if entries:
        yield heading("In the baseline", "baseline")
        rows = table(_row(entry, places, _since(entry)) for entry in sorted(entries, key=_worst_first))
        yield from fold(f"<b>{counted(len(entries), 'finding')}</b>", rows)


def _since(entry: Reported) -> str:
    known = entry.finding.disposition
    parts = [entry.finding.severity.label, entry.finding.control]
    if known is not None:
        parts += [f"since {known.since}" if known.since else "", known.owner, known.reason]
    return also(", ".join(part for part in parts if part))


def _worst_first(entry: Reported) -> tuple[int, str]:
    return -entry.finding.severity, entry.finding.control


def _row(entry: Reported, places: PlaceLinks, more: str) -> tuple[str, str, str]:
    start = entry.range.start
    related = "".join(
        f'<span class="also quiet">{text(other.message)}: '
        f"{places.place(other.file, other.range.start.line, other.range.start.column)}</span>"
        for other in entry.related
    )
    message = f"{text(entry.finding.message)}{related}{more}"
    return places.place(entry.file, start.line, start.column), resource(entry.finding.resource), message


def _fix(options: Sequence[FixOption]) -> str:
    if not options:
        return ""
    others = f", or {counted(len(options) - 1, 'other value')}" if len(options) > 1 else ""
    note = "safe fix" if options[0].safe else "fix to review"
    return f'<span class="fix">{note}: {text(options[0].title)}{others}</span>'


def _disposition(entry: Reported, places: PlaceLinks) -> str:
    disposition = entry.finding.disposition
    if disposition is None:
        return ""
    until = f" until {disposition.until}" if disposition.until else ""
    who = f", {disposition.owner}" if disposition.owner else ""
    ticket = f" ({disposition.ticket})" if disposition.ticket else ""
    approved = f", approved by {disposition.approved_by}" if disposition.approved_by else ""
    why = disposition.reason or "no reason given"
    said = also(f"{entry.finding.control}, {disposition.by}{who}{until}: {why}{ticket}{approved}")
    if disposition.by != "exception":
        return said
    where = places.place(entry.accepted_file, entry.accepted_line, 1)
    return f'{said}<span class="also quiet">said in {where}</span>'
