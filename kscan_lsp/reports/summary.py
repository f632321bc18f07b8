"""The end of the pretty report: how much was found, how much was looked at, and what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.text import Text

from kscan_lsp.findings import Severity
from kscan_lsp.reports.plain import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from kscan_lsp.report import Gate, Report

STYLES: Final = {
    Severity.CRITICAL: "bold magenta",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
"""Colours of severities."""

_MAX_LISTED: Final = 20


def show_summary(console: Console, report: Report, gate: Gate, asked: Sequence[str]) -> None:
    """Write the summary of a report."""
    scanned = f"{_count(report.files, 'file')}, {_count(report.resources, 'resource')}"
    _row(console, "scanned", Text(scanned))
    if skipped := ", ".join(f"{count} {reason}" for reason, count in report.skipped.items() if count):
        _row(console, "skipped", Text(skipped))
    for n, left in enumerate(report.not_scanned[:_MAX_LISTED]):
        text = Text(printable(f"{left.file}:{left.line}: {left.reason}"), style="bold yellow")
        _row(console, "not scanned" if n == 0 else "", text)
    if len(report.not_scanned) > _MAX_LISTED:
        _row(console, "", Text(f"and {len(report.not_scanned) - _MAX_LISTED} more"))
    missing = [c for c in report.controls if c.not_evaluated]
    for n, coverage in enumerate(missing[:_MAX_LISTED]):
        first = coverage.reasons[0]
        more = f" (and {coverage.not_evaluated - 1} more)" if coverage.not_evaluated > 1 else ""
        said = f"{coverage.id} at {first.file}:{first.line}: {first.reason}{more}"
        _row(console, "not judged" if n == 0 else "", Text(printable(said), style="yellow"))
    if len(missing) > _MAX_LISTED:
        _row(console, "", Text(f"and {len(missing) - _MAX_LISTED} more controls"))
    _row(console, "found", _found(report))
    if report.frameworks and report.resources:  # nothing judged is no compliance
        scores = ", ".join(f"{framework.id} {framework.score:.1f}%" for framework in report.frameworks)
        _row(console, "compliance", Text(scores))
    objections = gate.objections(report)
    if objections:
        _row(console, "failed", Text(printable("; ".join(objections)), style="bold red"))
    for n, step in enumerate(_next_steps(report, asked)):
        _row(console, "next" if n == 0 else "", step)


def _found(report: Report) -> Text:
    counted = {severity: count for severity, count in report.by_severity().items() if count}
    if not counted:
        text = Text("nothing", style="" if report.not_scanned or not report.files else "bold green")
    else:
        text = Text(", ").join(Text(f"{n} {s.label}", style=STYLES[s]) for s, n in counted.items())
    statuses = Counter(entry.finding.status for entry in report.findings)
    for status in ("suppressed", "baseline"):
        if statuses[status]:
            text.append(f", {statuses[status]} {status}", style="dim")
    return text


def _next_steps(report: Report, asked: Sequence[str]) -> list[Text]:
    steps: list[Text] = []
    if not report.files and not report.not_scanned:
        return [Text("no Kubernetes manifest was found here; name a file or a folder that has some")]
    single = [entry.fixes[0] for entry in report.open() if len(entry.fixes) == 1]
    safe = sum(option.safe for option in single)
    where = "" if list(asked) == ["."] else " " + " ".join(shlex.quote(path) for path in asked)
    if safe:
        steps.append(
            _step(f"kscan fix{where}", f"show {_count(safe, 'safe fix', 'safe fixes')}, --write makes them")
        )
    if len(single) > safe:
        rest = _count(len(single) - safe, "fix", "fixes")
        steps.append(_step(f"kscan fix --unsafe{where}", f"show {rest} to review"))
    level = max((entry.finding.severity for entry in report.open()), default=None)
    worst = Counter(entry.finding.control for entry in report.open() if entry.finding.severity is level)
    if worst:
        control = min(worst, key=lambda c: (-worst[c], c))
        steps.append(_step(f"kscan explain {control}", "why it matters and how to satisfy it"))
    return steps


def _step(command: str, purpose: str) -> Text:
    return Text.assemble((printable(command), "bold"), f"  {purpose}")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def _row(console: Console, label: str, text: Text) -> None:
    for n, line in enumerate(text.wrap(console, max(console.width - 13, 20))):
        line.rstrip()
        row = Text.assemble((f"{label if n == 0 else '':<13}", "dim"), line)
        row.rstrip()
        console.print(row, no_wrap=True, overflow="ignore", crop=False)
