"""The `fleet` command: projects judged, and their report written in each form that was asked for."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from kscan_lsp.cli.fleet.projects import projects_of
from kscan_lsp.cli.fleet.spreading import Progress, judged_here
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.terminal import print_error
from kscan_lsp.report.fleet import data, page, table
from kscan_lsp.report.fleet.model import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kscan_lsp.cli.fleet.judging import FleetRequest
    from kscan_lsp.report.fleet.model import FleetProject, FleetRow

    Spread = Callable[[Sequence[FleetProject], FleetRequest, Progress], list[FleetRow]]

FORMS: Final[dict[str, Callable[[Fleet], str]]] = {
    "text": table.render,
    "json": data.render_json,
    "jsonl": data.render_lines,
    "html": page.render,
}
"""Every form that is text; Parquet, which is not, can only be written to a file."""
PARQUET: Final = ".parquet"
_ENDINGS: Final = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".html": "html", ".htm": "html"}


class _Counter(Progress):
    """How far it is, on a terminal."""

    def done(self, number: int, of: int) -> None:
        end = "\n" if number == of else ""
        sys.stderr.write(f"\r{number} of {of} projects{end}")
        sys.stderr.flush()


def fleet_of(names: Sequence[str], request: FleetRequest, spread: Spread | None, jobs: int) -> Fleet:
    """The report of a fleet.

    Args:
        names: folders and lists.
        request: how projects are judged.
        spread: what judges them, where that is not this machine.
        jobs: how many processes do at most; 0 for one a core.

    Raises:
        UsageError: what is named leads to no project.
    """
    projects = projects_of(names)
    progress = _Counter() if sys.stderr.isatty() else Progress()
    spread = spread or partial(judged_here, jobs=jobs)
    return Fleet(tuple(spread(projects, request, progress)), request.day)


def form_of(path: Path | None, chosen: str) -> str:
    """The name of the form that a file is written in.

    Raises:
        UsageError: there is no such form.
    """
    if chosen and chosen not in FORMS:
        raise UsageError(
            f"'{chosen}' is not one of {', '.join(FORMS)}; Parquet is written by --output FILE.parquet"
        )
    return chosen or _ENDINGS.get(path.suffix.lower() if path else "", "text")


def told(fleet: Fleet, written: Sequence[Path]) -> None:
    """Say on standard error what came of it, where the report went to files."""
    last = table.render(fleet).rstrip().rpartition("\n")[2]
    print_error(f"{last}\nwritten: {', '.join(map(str, written))}")
