"""What a command does about controls that took too much: it sets them aside, and judges everything again without them.

So it does not matter which file was judged first, or in which process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.cli.to_judge import ChartToJudge, FileToJudge, OverlayToJudge
from kscan_lsp.files.manifest import display_name
from kscan_lsp.report.model import FileProblem, NotScanned
from kscan_lsp.report.places import problem_in
from kscan_lsp.workspace.budgets import over_budget, set_aside
from kscan_lsp.workspace.configuration import Configuration, distinct_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kscan_lsp.cli.judged import ScannedFile

_T = TypeVar("_T", FileToJudge, ChartToJudge, OverlayToJudge)


class ToJudge(Struct, frozen=True):
    """What a command came to, and the settings that hold for it, each once."""

    configurations: list[Configuration]
    files: list[FileToJudge]
    declared: list[FileToJudge]
    charts: list[ChartToJudge]
    overlays: list[OverlayToJudge]


class WithinBudget(NamedTuple):
    """What came of it."""

    files: tuple[ScannedFile, ...]
    asked: ToJudge
    """What was judged in the end: with settings that name no control which took too much."""
    problems: tuple[FileProblem, ...] = ()
    """What is said of these, in their files."""

    @property
    def not_scanned(self) -> list[NotScanned]:
        """The same, for a gate must not take it for clean."""
        return [NotScanned(one.file, one.range.start.line, one.message) for one in self.problems]


def within_budget(asked: ToJudge, judge: Callable[[ToJudge], tuple[ScannedFile, ...]]) -> WithinBudget:
    """Judge what a command came to, without the controls that took too much."""
    files = judge(asked)
    over = over_budget({id(one.project): one.project for one in files}.values())
    if not over:
        return WithinBudget(files, asked)
    now = {id(one): set_aside(one, over) for one in asked.configurations}

    def moved(some: Sequence[_T]) -> list[_T]:
        return [replace(one, configuration=now[id(one.configuration)]) for one in some]

    again = ToJudge(
        [*now.values()], moved(asked.files), moved(asked.declared), moved(asked.charts), moved(asked.overlays)
    )
    known = {(one.path, one.problem) for one in distinct_problems(asked.configurations)}
    new = [one for one in distinct_problems(now.values()) if (one.path, one.problem) not in known]
    said = tuple(problem_in(display_name(one.path), one.document, one.problem) for one in new)
    return WithinBudget(judge(again), again, said)
