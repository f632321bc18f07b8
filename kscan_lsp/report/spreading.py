"""How the texts of findings are made for a form of the report: one after the other here, or several at once elsewhere.

Which of both is for whoever writes the report to know; a form says what the text of a finding is, each by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from kscan_lsp.report.model import Reported

    Spread: TypeAlias = Callable[
        [Callable[[Sequence[Reported]], Iterable[str]], Sequence[Reported]], Iterable[str]
    ]
    """From what makes texts of findings, and findings, to the texts, in the same order."""


def in_turn(
    work: Callable[[Sequence[Reported]], Iterable[str]], entries: Sequence[Reported]
) -> Iterable[str]:
    """One after the other, as they are asked for."""
    return work(entries)
