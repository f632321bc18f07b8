"""What a baseline says, and drift from it, in each form: text, JSON, Markdown, and a page for who audits."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from kscan_lsp.dispositions.baseline import order_of
from kscan_lsp.dispositions.baseline import render as render_file
from kscan_lsp.findings import Severity
from kscan_lsp.report import html
from kscan_lsp.report.drift_data import drift_data
from kscan_lsp.report.drift_text import full_text, percent

if TYPE_CHECKING:
    from kscan_lsp.dispositions.baseline import Baseline
    from kscan_lsp.report.model import Report


def render_drift(report: Report, form: str) -> str:
    """What became different, in a form: `text`, `json`, `markdown` or `html`."""
    if form == "json":
        return json.dumps([drift_data(one) for one in report.drift], indent=2, ensure_ascii=False) + "\n"
    if form == "text":
        return full_text(report.drift)
    if form == "html":
        return html.render(report)
    raise NotImplementedError


def render_baseline(baseline: Baseline, name: str, form: str) -> str:
    """What a baseline says, in a form: `text`, `json`, `markdown` or `html`."""
    if form == "json":
        return render_file(baseline)
    return "".join(f"{line}\n" for line in _text(baseline, name))


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
