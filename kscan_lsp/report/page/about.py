"""What the page is about: the head with date, commit and counts, and at its end the settings it was made under."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kscan_lsp import __version__
from kscan_lsp.report.gates import gate_failures
from kscan_lsp.report.page.text import code, heading, name, table, text
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.circumstances import CheckedOut
    from kscan_lsp.report.model import Report
    from kscan_lsp.report.page.text import PlaceLinks

_SHORT_ID = 12


def head(report: Report) -> Iterator[str]:
    """What was checked when, and how much was found."""
    made = report.circumstances
    commits = [_commit(one, alone=len(made.commits) == 1) for one in made.commits]
    day = [made.day.isoformat()] if made.day else []
    skipped = ", ".join(f"{count} {reason}" for reason, count in report.skipped_by_reason().items() if count)
    yield "<h1>kscan report</h1>"
    yield f'<p class="quiet">{" &middot; ".join([*day, *commits, f"kscan {__version__}"])}</p>'
    yield (
        f'<p class="quiet">{counted(report.files, "file")} and {counted(report.resources, "resource")} checked'
        f"{f'; left alone: {skipped}' if skipped else ''}</p>"
    )
    yield '<ul class="tiles">'
    for severity, count in report.by_severity().items():
        yield _tile(severity.label, count, severity.label)
    statuses = Counter(entry.finding.status for entry in report.findings)
    for status in ("accepted", "baseline"):
        if statuses[status]:
            yield _tile(status, statuses[status], "")
    yield "</ul>"
    if not report.files and not report.not_scanned:
        yield '<p class="notice">No Kubernetes manifest was found: nothing is known about these files.</p>'
    for failure in gate_failures(report):
        yield f'<p class="notice high">The gate fails: {text(failure.why)}. {text(failure.advice)}.</p>'


def made_of(report: Report, places: PlaceLinks) -> Iterator[str]:
    """When, of what and under which settings the report was made."""
    made = report.circumstances
    rows = [("date", "", text(made.day.isoformat()))] if made.day else []
    for one in made.commits:
        branch = f", branch {code(one.branch)}" if one.branch else ", no branch"
        rows.append(("commit", name(one.folder), f"{code(one.id)}{branch}"))
    if report.requested:
        rows.append(("scanned", "", ", ".join(map(code, report.requested))))
    if level := report.gate.fail_on:
        rows.append(("gate", "", f"fails from {level.label} on"))
    for framework, least in report.gate.compliance:
        with_it = f" with {text(framework)}" if framework else ""
        rows.append(("gate", "", f"fails below {least:g}% compliance{with_it}"))
    if report.gate.unscanned:
        rows.append(("gate", "", "passes where something was not scanned"))
    for used in made.settings:
        where = places.link(used.file, name(used.file), (1, 1)) if used.file else "settings, of no file"
        rows += [
            ("" if number else where, text(key), text(value))
            for number, (key, value) in enumerate(used.values)
        ]
    if rows:
        yield heading("How this was made", "made")
        yield from table(rows)


def _commit(one: CheckedOut, *, alone: bool) -> str:
    """The commit that is checked out; files that were changed since are read as they are."""
    folder = "" if alone else f" in {name(one.folder)}"
    branch = f" ({text(one.branch)})" if one.branch else ""
    return f"commit {code(one.id[:_SHORT_ID])}{branch}{folder}"


def _tile(label: str, count: int, tone: str) -> str:
    return f'<li class="{tone if count else "none"}"><strong>{count}</strong>{label}</li>'
