"""Work on many items whose results are written and forgotten: this process and copies of it make a chunk each in turn.

Nothing is kept: a copy that is ahead waits. Once one does not answer, the rest is done here.
"""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from kscan_lsp.cli.copies import copies, is_left_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.cli.copies import Channel

_T = TypeVar("_T")
_R = TypeVar("_R")

_AT_ONCE: Final = 32
"""Results that a copy sends together: it keeps no more, and they have in common what results of one kind have."""


class Turns(Generic[_T, _R]):
    """Chunks of items, each of which the next process makes, this one the first (round robin)."""

    def __init__(
        self,
        work: Callable[[Sequence[_T]], Iterable[_R]],
        items: Sequence[_T],
        chunks: Sequence[range],
        processes: int,
    ) -> None:
        self.work = work
        self.items = items
        self.chunks = chunks
        self.processes = processes
        self._parent = os.getpid()

    def run(self) -> Iterator[_R]:
        """The results in the order of the items, as they come."""
        done = 0
        with copies(self.processes - 1, self._copy) as channels:
            answers: list[Iterator[list[_R]]] = [_sent(channel) for channel in channels]
            answers += [iter(())] * (self.processes - 1 - len(channels))  # the system allowed no more
            for number, chunk in enumerate(self.chunks):
                if number % self.processes == 0:
                    yield from self.work(self.items[chunk.start : chunk.stop])
                    done = chunk.stop
                    continue
                while done < chunk.stop and (sent := next(answers[number % self.processes - 1], None)):
                    yield from sent
                    done += len(sent)
                if done < chunk.stop:
                    break
        if done < len(self.items):
            yield from self.work(self.items[done:])

    def _copy(self, number: int, channel: Channel) -> None:
        for chunk in self.chunks[number :: self.processes]:
            results: list[_R] = []
            for result in self.work(self.items[chunk.start : chunk.stop]):
                results.append(result)
                if len(results) == _AT_ONCE:
                    channel.send(0, pickle.dumps(results, pickle.HIGHEST_PROTOCOL))
                    results.clear()
                if is_left_alone(self._parent):
                    return
            if results:
                channel.send(0, pickle.dumps(results, pickle.HIGHEST_PROTOCOL))


def _sent(channel: Channel) -> Iterator[list[_R]]:
    """What a copy of this process sends, as often as it does."""
    for _, packed in channel.messages():
        yield pickle.loads(packed)  # noqa: S301
