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

    from kscan_lsp.cli.copies import FileProgress, Packing

_T = TypeVar("_T")
_R = TypeVar("_R")

PAYS_FROM: Final = 100_000
"""Characters to judge from which copies pay: about a sixth of a second of work."""
EACH: Final = 40_000
"""Characters for each at least."""
TEXT: Final = 16
"""What it costs to write about one item, as if so many characters were judged."""
MOST: Final = 16
"""Processes at most: each keeps what it has compiled."""
_SHARES: Final = 32
"""Chunks of work for each process: who is done with one takes the next, so that all end at about the same time."""
TURN: Final = 512
"""Texts that one makes before it is another one's turn."""


class PlainPacking:
    """For results that refer to nothing of here."""

    def packed(self, value: object) -> bytes:
        """A value as bytes."""
        import pickle

        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)

    def unpacked(self, data: bytes) -> list[object]:
        """The value, which a copy of this process has packed."""
        import pickle

        found: list[object] = pickle.loads(data)  # noqa: S301
        return found


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
        self.jobs = min(jobs or cores(), MOST)
        self.progress: FileProgress = progress or NoProgress()

    def map(
        self,
        work: Callable[[Sequence[_T]], Iterable[_R]],
        items: Sequence[_T],
        weights: Sequence[int],
        packing: Callable[[], Packing],
        *,
        told: bool = False,
    ) -> list[_R]:
        """What comes of each item.

        Args:
            work: what is to be done: a result for each of some items, in their order; asked about all in several calls.
            items: all items.
            weights: what each costs, as if so many characters were judged.
            packing: how results get here; asked where copies are made.
            told: whether the items are the files that progress is about.
        """
        if processes := self._processes(weights):
            chunks = _chunks(weights, processes * _SHARES)
            progress = self.progress if told else NoProgress()
            from kscan_lsp.cli.copies import Copies

            return Copies(work, items, chunks, processes, packing=packing(), progress=progress).run()
        results: list[_R] = []
        for result in work(items):
            results.append(result)
            if told:
                self.progress.files(len(results), len(items))
        return results

    def spread(self, work: Callable[[Sequence[_T]], Iterable[str]], items: Sequence[_T]) -> Iterator[str]:
        """Texts about items, in their order, to be written and forgotten: where copies pay, each makes some in turn."""
        processes = self._processes([TEXT] * len(items))
        if not processes:
            yield from work(items)
            return
        from kscan_lsp.cli.copies import Copies

        turns = [range(start, min(start + TURN, len(items))) for start in range(0, len(items), TURN)]
        yield from Copies(
            work, items, turns, processes, packing=PlainPacking(), progress=NoProgress()
        ).in_turn()

    def _processes(self, weights: Sequence[int]) -> int:
        """How many pay, this one included; 0 where it is all to be done here."""
        number = min(self.jobs, sum(weights) // EACH, len(weights))
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
