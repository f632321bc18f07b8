"""Work in two steps on many items, with an all-gather between: the second needs to know what the first found in all.

This process and copies of it take chunks of the items, and each keeps what it made of them: what the others need to
know is a small part of that. So an item stays where it was begun, and only what comes of it in the end is sent here.
What a copy does not answer is done here: it may have been too much for the machine.
"""

from __future__ import annotations

import mmap
import os
import selectors
from contextlib import closing, suppress
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, Protocol, Self, TypeVar

from kscan_lsp.cli.copies import INT_BYTES, copies, is_left_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.cli.copies import Channel

_T = TypeVar("_T")
_T_contra = TypeVar("_T_contra", contravariant=True)
_K = TypeVar("_K")
_R = TypeVar("_R")
_E = TypeVar("_E")

_LOOK: Final = 0.1
"""Seconds between two looks at how far the copies are."""
_FIRST_DONE: Final = (1 << 8 * INT_BYTES) - 1
"""The number of the message that ends what is shown: to a copy it has what this process shows, from one nothing."""
_ALL_KNOWN: Final = _FIRST_DONE - 1
"""The number of the message with what is known besides, with which the second step begins."""


class Steps(Protocol[_T_contra, _K, _R]):
    """What is done with items; each process has its own, which comes to know more on the way."""

    def first(self, items: Sequence[_T_contra]) -> Iterable[_K]:
        """What the first step makes of each of some items."""

    def shown(self, items: Sequence[_T_contra], made: Sequence[_K]) -> bytes:
        """What the other processes need to know of what it made."""

    def know(self, items: Sequence[_T_contra], made: Sequence[_K], shown: Iterable[bytes]) -> None:
        """Come to know of items: what the first step made of them here, and what others have shown of theirs."""

    def complete(self) -> None:
        """Come to know what there is besides items, in the process that began."""

    def besides(self) -> bytes:
        """The same for the copies, in the form of what is shown; may be nothing."""

    def second(self, items: Sequence[_T_contra], made: Sequence[_K]) -> Iterable[_R]:
        """What comes of each of some items that the first step was done with here, when all are known."""

    def packed(self, results: Sequence[_R]) -> bytes:
        """Results as bytes, for the process that began."""

    def unpacked(self, data: bytes) -> list[_R]:
        """The results."""


class FileProgress(Protocol):
    """What is told on the way."""

    def files(self, done: int, of: int) -> None:
        """So many of the files are judged; one that is through the first step counts as half of one."""


class _Queue:
    """The numbers of chunks, each given to whoever asks first: a pipe that all processes read."""

    def __init__(self, chunks: int) -> None:
        self._reading, writing = os.pipe()
        # all of it at once: there are few enough for the smallest pipe, of a page (`processes.py`)
        os.write(writing, b"".join(number.to_bytes(INT_BYTES, "little") for number in range(chunks)))
        os.close(writing)

    def __iter__(self) -> Iterator[int]:
        # what is read at once lies in the pipe as a whole, and the system lets one process read at a time
        while number := os.read(self._reading, INT_BYTES):
            yield int.from_bytes(number, "little")

    def close(self) -> None:
        """Give nothing more."""
        os.close(self._reading)


class Exchange(Generic[_T, _K, _R]):
    """This process and copies of it at both steps of chunks of the items."""

    def __init__(
        self,
        steps: Steps[_T, _K, _R],
        items: Sequence[_T],
        chunks: Sequence[range],
        processes: int,
        progress: FileProgress,
    ) -> None:
        self.steps = steps
        self.items = items
        self.chunks = chunks
        self.processes = processes
        self.progress = progress
        self._numbers = range(len(chunks))
        self._parent = os.getpid()

    def run(self) -> list[_R]:
        """The results in the order of the items."""
        with (
            closing(_Queue(len(self.chunks))) as self._queue,
            # how many steps each is through with, in memory that all of them have
            mmap.mmap(-1, INT_BYTES * self.processes) as self._done,
            copies(self.processes - 1, self._copy) as channels,
        ):
            made, shown = self._first(channels)
            own = self.steps.shown(*self._of(made))
            for channel in channels:
                others = [(number, data) for number, (by, data) in shown.items() if by is not channel]
                _tell(channel, (*others, (_FIRST_DONE, own)))
            self.steps.know(*self._of(made), [data for _, data in shown.values()])
            self.steps.complete()
            besides = self.steps.besides()
            for channel in channels:
                _tell(channel, [(_ALL_KNOWN, besides)])
            results = self._second(channels, made)
        if lost := {number: self._chunk(number) for number in self._numbers if number not in results}:
            anew = {number: [*self.steps.first(items)] for number, items in lost.items()}
            self.steps.know(*self._of(anew), ())
            results |= {number: [*self.steps.second(items, anew[number])] for number, items in lost.items()}
        return [result for number in self._numbers for result in results[number]]

    def _first(
        self, channels: Iterable[Channel]
    ) -> tuple[dict[int, list[_K]], dict[int, tuple[Channel, bytes]]]:
        """The first step: by chunk what was made here, and who has shown what of all others."""
        made: dict[int, list[_K]] = {}
        shown: dict[int, tuple[Channel, bytes]] = {}

        def hear(channel: Channel, messages: Iterable[tuple[int, bytes]]) -> bool:
            shown.update((number, (channel, data)) for number, data in messages if number != _FIRST_DONE)
            return all(number != _FIRST_DONE for number, _ in messages)

        with _Hearing(channels, hear) as hearing:
            for number in self._queue:
                made[number] = []
                for one in self._counted(0, self.steps.first(self._chunk(number))):
                    made[number].append(one)
                    self._tell_progress()
                hearing.hear()
            while hearing.goes_on:
                hearing.hear(_LOOK)
                self._tell_progress()
        for number in self._numbers:
            if number not in made and number not in shown:
                made[number] = [*self.steps.first(self._chunk(number))]
        return made, shown

    def _second(self, channels: Iterable[Channel], made: Mapping[int, list[_K]]) -> dict[int, list[_R]]:
        """The second step: results by chunk; those of a copy that ended before it was through are missing."""
        results: dict[int, list[_R]] = {}

        def hear(_: Channel, messages: Iterable[tuple[int, bytes]]) -> bool:
            results.update((number, self.steps.unpacked(data)) for number, data in messages)
            return True

        with _Hearing(channels, hear) as hearing:
            for number, one in made.items():
                results[number] = [*self._counted(0, self.steps.second(self._chunk(number), one))]
                hearing.hear()
                self._tell_progress()
            while hearing.goes_on:
                hearing.hear(_LOOK)
                self._tell_progress()
        return results

    def _copy(self, number: int, channel: Channel) -> None:
        """Both steps in a copy."""
        made: dict[int, list[_K]] = {}
        for chunk in self._queue:
            items = self._chunk(chunk)
            made[chunk] = [*self._counted(number, self.steps.first(items))]
            channel.send(chunk, self.steps.shown(items, made[chunk]))
        channel.send(_FIRST_DONE, b"")
        messages = channel.messages()
        self.steps.know(*self._of(made), _until(_FIRST_DONE, messages))
        self.steps.know((), (), _until(_ALL_KNOWN, messages))
        for chunk, one in made.items():
            results = [*self._counted(number, self.steps.second(self._chunk(chunk), one))]
            channel.send(chunk, self.steps.packed(results))

    def _chunk(self, number: int) -> Sequence[_T]:
        chunk = self.chunks[number]
        return self.items[chunk.start : chunk.stop]

    def _of(self, made: Mapping[int, Sequence[_K]]) -> tuple[list[_T], list[_K]]:
        """All items of some chunks, and what was made of them."""
        items = [item for number in made for item in self._chunk(number)]
        return items, [*chain.from_iterable(made.values())]

    def _counted(self, number: int, results: Iterable[_E]) -> Iterator[_E]:
        """What a step makes in the process with this number, counted; no more when nobody waits for it."""
        at = INT_BYTES * number
        done = int.from_bytes(self._done[at : at + INT_BYTES], "little")
        for result in results:
            done += 1
            self._done[at : at + INT_BYTES] = done.to_bytes(INT_BYTES, "little")
            if number and is_left_alone(self._parent):
                return
            yield result

    def _tell_progress(self) -> None:
        starts = range(0, len(self._done), INT_BYTES)
        done = sum(int.from_bytes(self._done[at : at + INT_BYTES], "little") for at in starts)
        self.progress.files(done // 2, len(self.items))


class _Hearing:
    """Hears what copies send, while they and this process are at work."""

    def __init__(
        self, channels: Iterable[Channel], hear: Callable[[Channel, Sequence[tuple[int, bytes]]], bool]
    ) -> None:
        """Hear some channels; `hear` is told what comes, and says whether more is to come from there."""
        self._hear = hear
        self._selector = selectors.DefaultSelector()
        for channel in channels:
            self._selector.register(channel.reading, selectors.EVENT_READ, channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    @property
    def goes_on(self) -> bool:
        """Whether more is to come from any."""
        return bool(self._selector.get_map())

    def hear(self, seconds: float = 0) -> None:
        """Hear what has come, or comes in so many seconds."""
        for key, _ in self._selector.select(seconds):
            arrived = key.data.arrived()
            if arrived is None or not self._hear(key.data, arrived):
                self._selector.unregister(key.fd)


def _until(last: int, messages: Iterator[tuple[int, bytes]]) -> list[bytes]:
    """What comes up to the message with a number."""
    found: list[bytes] = []
    for number, data in messages:
        found.append(data)
        if number == last:
            break
    return [data for data in found if data]


def _tell(channel: Channel, messages: Iterable[tuple[int, bytes]]) -> None:
    """Send messages; who has ended hears none."""
    with suppress(BrokenPipeError):
        for number, data in messages:
            channel.send(number, data)
