"""A fleet as text for a terminal: teams, then projects, the worst first, and what kept any from being judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.report.fleet.model import SEVERITIES, VERDICTS, added
from kscan_lsp.report.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.report.fleet.model import Fleet, FleetRow


def render(fleet: Fleet) -> str:
    """The fleet as lines."""
    return printable("\n".join(_lines(fleet)) + "\n")


def worst_first(rows: Sequence[FleetRow]) -> list[FleetRow]:
    """Projects by what is open in them, those that could not be judged before all others."""
    return sorted(rows, key=lambda row: (-(row.status > 1), *(-n for n in row.open), row.project.name))


def _lines(fleet: Fleet) -> Iterator[str]:
    names = fleet.frameworks[:3]
    if teams := fleet.teams:
        head = ("team", "projects", "passed", *SEVERITIES, *names)
        yield from _table([
            head,
            *(
                (t.name or "(none)", len(t.rows), t.passed, *t.open, *(_percent(t.score(n)) for n in names))
                for t in teams
            ),
        ])  # fmt: skip
        yield ""
    rows = worst_first(fleet.rows)
    head = ("project", "verdict", *SEVERITIES, *names)
    yield from _table([
        head,
        *((r.project.name, VERDICTS[r.status], *r.open, *(_percent(r.score(n)) for n in names)) for r in rows),
    ])  # fmt: skip
    if wrong := [row for row in rows if row.problem]:
        yield ""
        yield from (f"{row.project.name}: {row.problem}" for row in wrong)
    yield ""
    statuses = [row.status for row in rows]
    said = [f"{statuses.count(status)} {word}" for status, word in VERDICTS.items() if status in statuses]
    found = [f"{n} {label}" for n, label in zip(added(rows), SEVERITIES, strict=True) if n]
    yield f"{counted(len(rows), 'project')}: {', '.join(said)}; found {', '.join(found) or 'nothing'}"


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{score:.1f}%"


def _table(rows: Sequence[Sequence[object]]) -> Iterator[str]:
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *rest = zip(row, widths, strict=True)
        yield "  ".join([f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in rest)]).rstrip()
