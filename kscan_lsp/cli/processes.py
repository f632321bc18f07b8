"""Work on many files spread over processes: this one, and copies of it (`copies.py`), where that pays.

A copy (`fork`) begins with all that was imported, read and compiled here, so nothing is handed to it and it begins at
once; it only pays to have any where there is much to do. What is done here need not be sent, and what was remembered on
the way, the next copies have. Where the system makes no copies, or other threads run, which would be missing in a copy,
all is done here.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.cli.exchange import FileProgress, Steps

_T = TypeVar("_T")
_K = TypeVar("_K")
_R = TypeVar("_R")

PAYS_FROM: Final = 100_000
"""Characters to judge from which copies pay: about a sixth of a second of work."""
MIN_EACH: Final = 40_000
"""Characters for each at least."""
LINE_WEIGHT: Final = 16
"""What it costs to write about one item, as if so many characters were judged."""
MAX_PROCESSES: Final = 16
"""Processes at most: each keeps what it has compiled."""
_SHARES: Final = 32
"""Chunks of work for each process: who is done with one takes the next, so that all end at about the same time."""
MAX_TURN: Final = 512
"""Results that one makes at most before it is another one's turn."""


class NoProgress:
    """Tells nothing."""

    def files(self, done: int, of: int) -> None:
        """So many of the files are judged."""


def cores() -> int:
    """The processors that this process may use."""
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Processes:
    """How many there may be, and who is told how far they are."""

    def __init__(self, jobs: int = 1, progress: FileProgress | None = None) -> None:
        """At most so many processes, 0 for one a processor."""
        self.jobs = min(jobs or cores(), MAX_PROCESSES)
        self.progress: FileProgress = progress or NoProgress()

    def exchange(self, steps: Steps[_T, _K, _R], items: Sequence[_T], weights: Sequence[int]) -> list[_R]:
        """What comes of each item in two steps.

        Args:
            steps: what is done; progress is told of both.
            items: all of them.
            weights: what each costs, as if so many characters were judged.
        """
        if processes := self._processes(weights):
            from kscan_lsp.cli.exchange import Exchange

            chunks = _chunks(weights, processes * _SHARES)
            return Exchange(steps, items, chunks, processes, self.progress).run()
        made: list[_K] = []
        results: list[_R] = []
        for one in steps.first(items):
            made.append(one)
            self.progress.files(len(made) // 2, len(items))
        steps.know(items, made, ())
        steps.complete()
        for result in steps.second(items, made):
            results.append(result)
            self.progress.files((len(made) + len(results)) // 2, len(items))
        return results

    def spread(
        self,
        work: Callable[[Sequence[_T]], Iterable[_R]],
        items: Sequence[_T],
        weights: Sequence[int] | None = None,
    ) -> Iterator[_R]:
        """What comes of each item, in their order, where that refers to nothing of here: to be written and forgotten.

        Args:
            work: a result for each of some items, in their order; where copies pay, each process makes some in turn.
            items: all items.
            weights: what each costs, as if so many characters were judged; that of a line of text where it is not said.
        """
        weights = [LINE_WEIGHT] * len(items) if weights is None else weights
        if processes := self._processes(weights):
            from kscan_lsp.cli.turns import Turns

            turns = max(processes * _SHARES, len(items) // MAX_TURN)
            yield from Turns(work, items, _chunks(weights, turns), processes).run()
        else:
            yield from work(items)

    def _processes(self, weights: Sequence[int]) -> int:
        """How many pay, this one included; 0 where it is all to be done here."""
        number = min(self.jobs, sum(weights) // MIN_EACH, len(weights))
        return number if number > 1 and sum(weights) >= PAYS_FROM and _can_fork() else 0


ALONE: Final = Processes()
"""All is done here."""


def _can_fork() -> bool:
    # others have system libraries that do not bear it
    return sys.platform == "linux" and threading.active_count() == 1


def _chunks(weights: Sequence[int], number: int) -> list[range]:
    """The numbers of items in so many chunks, or fewer, that cost about the same, in their order.

    Those of a chunk follow each other, for so do they in memory: a copy that looked at every other one would come to
    have every page for itself.
    """
    whole, so_far, start = sum(weights) or 1, 0, 0
    ends: dict[int, int] = {}
    for item, weight in enumerate(weights):
        middle = so_far + weight / 2
        ends[min(int(number * middle / whole), number - 1)] = item + 1
        so_far += weight
    chunks = []
    for end in ends.values():
        chunks.append(range(start, end))
        start = end
    return chunks
