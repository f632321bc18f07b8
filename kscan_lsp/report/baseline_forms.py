"""What a baseline says, and drift from it, in each form: text, JSON, Markdown, and a page for who audits."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp.dispositions.baseline import order_of
from kscan_lsp.dispositions.baseline import render as render_file
from kscan_lsp.findings import Severity
from kscan_lsp.report import html
from kscan_lsp.report.comment import plain
from kscan_lsp.report.drift_data import drift_data
from kscan_lsp.report.drift_text import brief_drift, full_text, percent
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from kscan_lsp.dispositions.baseline import Baseline
    from kscan_lsp.report.model import GoneFinding, Report, Reported


_MAX_LINE: Final = 2_000
"""Characters of a line."""
_MAX_ROWS: Final = 50
"""Rows of a table in a comment."""


def render_drift(report: Report, form: str) -> str:
    """What became different, in a form: `text`, `json`, `markdown` or `html`."""
    if form == "json":
        return json.dumps([drift_data(one) for one in report.drift], indent=2, ensure_ascii=False) + "\n"
    if form == "text":
        return full_text(report.drift)
    return html.render(report) if form == "html" else markdown_drift(report)


def markdown_drift(report: Report) -> str:
    """What became different as Markdown, for a comment on a pull request."""
    lines: list[str] = []
    for one in report.drift:
        lines += [
            f"### kscan: since {plain(one.date or one.name)}",
            "",
            f"{plain(brief_drift(one), _MAX_LINE)}.",
            "",
        ]
        lines += _table("New", [_reported_cells(entry) for entry in one.new])
        lines += _table("Fixed", [_gone_cells(gone) for gone in one.fixed])
        lines += _table("Moved", [_reported_cells(known.reported) for known in one.moved])
        lines += _table("Of another severity", [_reported_cells(known.reported) for known in one.severity])
        lines += _table("Accepted since", [_reported_cells(known.reported) for known in one.suppressed])
        lines += _table("Left out since", [_gone_cells(gone) for gone in one.excluded])
        lines += _table("Not judged this time", [_gone_cells(gone) for gone in one.unjudged])
        if one.scores:
            scores = (f"{s.framework} {percent(s.before)} → {percent(s.now)}" for s in one.scores)
            lines += [f"Compliance: {plain(', '.join(scores))}", ""]
    return "".join(f"{line}\n" for line in lines)


def _table(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    shown = [f"| {' | '.join(map(plain, row))} |" for row in rows[:_MAX_ROWS]]
    more = [f"| and {len(rows) - _MAX_ROWS} more | | | |"] if len(rows) > _MAX_ROWS else []
    head = [
        f"<details><summary>{len(rows)} {title.lower()}</summary>",
        "",
        "| severity | control | where | what |",
    ]
    return [*head, "| --- | --- | --- | --- |", *shown, *more, "", "</details>", ""]


def _reported_cells(entry: Reported) -> tuple[str, ...]:
    finding = entry.finding
    where = f"{entry.file}:{entry.range.start.line}"
    return finding.severity.label, finding.control, where, finding.message


def _gone_cells(gone: GoneFinding) -> tuple[str, ...]:
    entry = gone.entry
    why = f": {gone.why}" if gone.why else ""
    return entry.severity, entry.control, gone.file, f"{entry.object} {entry.path}{why}"


def render_baseline(baseline: Baseline, name: str, form: str) -> str:
    """What a baseline says, in a form: `text`, `json`, `markdown` or `html`."""
    if form == "json":
        return render_file(baseline)
    if form == "html":
        return html.render_baseline(baseline, name)
    if form == "markdown":
        return "".join(f"{plain(line.strip(), _MAX_LINE)}  \n" for line in _text(baseline, name))
    return "".join(f"{printable(line)}\n" for line in _text(baseline, name))


def _text(baseline: Baseline, name: str) -> list[str]:
    counts: Counter[str] = Counter()
    for entry in baseline.findings:
        counts[entry.severity] += entry.count
    severities = [severity.label for severity in sorted(Severity, reverse=True)]
    found = ", ".join(f"{counts[one]} {one}" for one in severities if counts[one]) or "nothing"
    lines = [f"{name}: of {baseline.date or 'no date'}, written by kscan {baseline.tool}", f"found: {found}"]
    if baseline.frameworks:
        scores = ", ".join(f"{one.id} {percent(one.score)}" for one in baseline.frameworks)
        lines.append(f"compliance: {scores}")
    file = ""
    for entry in sorted(baseline.findings, key=order_of):
        if entry.file != file:
            file = entry.file
            lines += ["", file]
        times = f" ({entry.count} times)" if entry.count > 1 else ""
        who = f", {entry.owner}" if entry.owner else ""
        why = f": {entry.reason}" if entry.reason else ""
        lines.append(
            f"  {entry.severity} {entry.control} {entry.object} {entry.path}{times}, since {entry.since}{who}{why}"
        )
    return lines
