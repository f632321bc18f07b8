"""A fleet as one HTML page: a table of teams, one of projects that sorts by any column, and a fold for each project.

The page stands alone, as that of one scan does. Its only script sorts tables, and the policy in its head allows that
one and no other, by its hash; without scripts the tables are there, the worst first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.report.fleet.model import SEVERITIES, VERDICTS, added
from kscan_lsp.report.fleet.table import worst_first
from kscan_lsp.report.page.shell import page
from kscan_lsp.report.page.text import code, fold, heading, name, quiet, table, text
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.report.fleet.model import Fleet, FleetRow

SCRIPT: Final = """
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th button").forEach((button, column) => {
    button.addEventListener("click", () => {
      const head = button.parentElement;
      const down = head.getAttribute("aria-sort") !== "descending";
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key;
      const rows = [...body.rows].sort((one, two) => {
        const [a, b] = [key(one), key(two)];
        const order = head.dataset.text === undefined ? Number(a) - Number(b) : a.localeCompare(b);
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });
}
"""
_TONES: Final = {0: "good", 1: "high", 2: "critical", 3: "critical"}


def render(fleet: Fleet) -> str:
    """The fleet as a page."""
    return page("kscan fleet", _body(fleet), SCRIPT)


def _body(fleet: Fleet) -> Iterator[str]:
    rows = worst_first(fleet.rows)
    passed = sum(row.status == 0 for row in rows)
    yield f'<h1>kscan fleet</h1><p class="quiet">{counted(len(rows), "project")}, {text(fleet.date)}</p>'
    yield '<ul class="tiles">'
    yield f'<li class="good"><strong>{passed}</strong>passed</li>'
    yield f'<li class="high"><strong>{len(rows) - passed}</strong>did not</li>'
    for label, count in zip(SEVERITIES, added(rows), strict=True):
        yield f'<li class="{label}{"" if count else " none"}"><strong>{count}</strong>{label}</li>'
    yield "</ul>"
    if teams := fleet.teams:
        yield heading("Teams", "teams")
        yield quiet("A score is the mean of those of the projects.")
        columns = ("team", "projects", "passed", *SEVERITIES, *fleet.frameworks)
        yield from _sortable(
            columns,
            (
                [
                    (text(team.name or "(none)"), team.name),
                    *(_number(n) for n in (len(team.rows), team.passed, *team.open)),
                    *(_score(team.score(one)) for one in fleet.frameworks),
                ]
                for team in teams
            ),
        )
    yield heading("Projects", "projects")
    columns = ("project", "team", "verdict", "objects", *SEVERITIES, *fleet.frameworks)
    anchors = {id(row): f"project-{number}" for number, row in enumerate(rows)}
    yield from _sortable(
        columns,
        (
            [
                (f'<a href="#{anchors[id(row)]}">{name(row.project.name)}</a>', row.project.name),
                (text(row.project.team), row.project.team),
                (
                    f'<span class="{_TONES[row.status]} tone">{VERDICTS[row.status]}</span>',
                    VERDICTS[row.status],
                ),
                *(_number(n) for n in (row.resources, *row.open)),
                *(_score(row.score(one)) for one in fleet.frameworks),
            ]
            for row in rows
        ),
    )
    yield heading("By project", "by-project")
    for row in rows:
        yield from _project(row, anchors[id(row)])


def _project(row: FleetRow, anchor: str) -> Iterator[str]:
    found = [f"{n} {label}" for n, label in zip(row.open, SEVERITIES, strict=True) if n]
    summary = (
        f"<b>{name(row.project.name)}</b>"
        f'<span class="tag">{text(", ".join(found) or "nothing found")}</span>'
        f'<span class="tag">{VERDICTS[row.status]}</span>'
    )
    yield from fold(summary, _inside(row, anchor), tone=_TONES[row.status])


def _inside(row: FleetRow, anchor: str) -> Iterator[str]:
    # a link to what lies in a fold unfolds it
    yield f'<div id="{anchor}"></div>'
    if row.problem:
        yield f'<p class="notice">{text(row.problem)}</p>'
    made_of = [
        counted(row.files, "file"),
        counted(row.resources, "object"),
        *([f"commit {row.commit[:12]}"] if row.commit else []),
        *([f"{row.accepted} accepted"] if row.accepted else []),
        *([f"{row.baseline} in the baseline"] if row.baseline else []),
        *([f"{row.not_scanned} not scanned"] if row.not_scanned else []),
    ]
    yield f"<p>{code(row.project.path)}</p>"
    yield quiet(text(", ".join(made_of)))
    if row.controls:
        yield "<h3>Controls with open findings</h3>"
        yield from table(
            (code(one.id), text(one.title), f"{one.findings} {one.severity}") for one in row.controls
        )
    if row.worst:
        left = sum(row.open) - len(row.worst)
        yield f"<h3>The worst findings{f', {left} more are left out' if left > 0 else ''}</h3>"
        yield from table(
            (f'<span class="place">{name(one.file)}:{one.line}</span>', code(one.control), text(one.message))
            for one in row.worst
        )


def _sortable(columns: Sequence[str], rows: Iterator[list[tuple[str, str]]]) -> Iterator[str]:
    yield '<table class="sortable"><thead><tr>'
    for column in columns:
        is_text = ' data-text=""' if column in {"team", "project", "verdict"} else ""
        yield f'<th{is_text}><button type="button">{text(column)}</button></th>'
    yield "</tr></thead><tbody>"
    for row in rows:
        cells = (
            f'<td data-key="{text(key)}" data-label="{text(column)}">{shown}</td>'
            for column, (shown, key) in zip(columns, row, strict=True)
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"


def _number(number: int) -> tuple[str, str]:
    return str(number), str(number)


def _score(score: float | None) -> tuple[str, str]:
    """A score, and what it sorts by: none is less than any."""
    return ("-", "-1") if score is None else (f"{score:.1f}%", f"{score:.6f}")
