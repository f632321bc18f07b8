"""This process and copies of it at work on parts of what there is to do; what a copy makes is sent here through a pipe.

What a copy does not answer is done here: it may have been too much for the machine.
"""

from __future__ import annotations

import gc
import mmap
import os
import selectors
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Final, Generic, NoReturn, Protocol, TypeVar

if sys.platform == "linux":
    import fcntl  # Windows has none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_T = TypeVar("_T")
_R = TypeVar("_R")

_AHEAD: Final = 1 << 20
"""Bytes that a copy may be ahead of who reads them, which is all that systems allow everybody."""
_LOOK: Final = 0.1
"""Seconds between two looks at how far the copies are."""
_COUNTER: Final = 8
"""Bytes of a count, a length or the number of a chunk."""
_AT_ONCE: Final = 32
"""Results that a copy sends together: it keeps no more, and they have in common what results of one kind have."""


class Packing(Protocol):
    """How what a copy made gets here."""

    def packed(self, value: object) -> bytes:
        """A value as bytes."""

    def unpacked(self, data: bytes) -> list[object]:
        """The value."""


class FileProgress(Protocol):
    """What is told on the way."""

    def files(self, done: int, of: int) -> None:
        """So many of the files are judged."""


class _Queue:
    """The numbers of chunks, each given to whoever asks first: a pipe that all processes read."""

    def __init__(self, chunks: int) -> None:
        self._reading, writing = os.pipe()
        # all of it at once: there are few enough for the smallest pipe
        os.write(writing, b"".join(number.to_bytes(_COUNTER, "little") for number in range(chunks)))
        os.close(writing)

    def __iter__(self) -> Iterator[int]:
        # what is read at once lies in the pipe as a whole, and the system lets one process read at a time
        while number := os.read(self._reading, _COUNTER):
            yield int.from_bytes(number, "little")

    def close(self) -> None:
        """Give nothing more."""
        os.close(self._reading)


class Copies(Generic[_T, _R]):
    """This process and copies of it at work on chunks of the items."""

    def __init__(
        self,
        work: Callable[[Sequence[_T]], Iterable[_R]],
        items: Sequence[_T],
        chunks: Sequence[range],
        processes: int,
        *,
        packing: Packing,
        progress: FileProgress,
    ) -> None:
        self.work = work
        self.items = items
        self.chunks = chunks
        self.processes = processes
        self.packing = packing
        self.progress = progress
        self.done = mmap.mmap(-1, _COUNTER * self.processes)
        """How many items each is done with, in memory that all of them have."""

    def run(self) -> list[_R]:
        """The results in the order of the items. What a copy that does not answer leaves out is done here."""
        queue = _Queue(len(self.chunks))
        try:
            with self._running([queue] * self.processes) as pipes:
                answers = self._answers(queue, pipes)
        finally:
            queue.close()
        results: list[_R] = []
        for chunk, answer in zip(self.chunks, answers, strict=True):
            results += answer
            if left := chunk[len(answer) :]:
                results += self.work(self.items[left.start : left.stop])
        return results

    def in_turn(self) -> Iterator[_R]:
        """The results in the order of the items as they come, where one makes a chunk, and then it is another's turn.

        Nothing of them is kept: a copy that is ahead waits. What one that does not answer leaves out is done here.
        """
        turns = [range(number, len(self.chunks), self.processes) for number in range(self.processes)]
        done = 0
        with self._running(turns) as pipes:
            answers = [self._sent(pipe) for pipe in pipes]
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

    @contextmanager
    def _running(self, chunks: Sequence[Iterable[int]]) -> Iterator[list[int]]:
        """The copies at work, by the pipes that they answer through; with an error, they are ended.

        Args:
            chunks: what each process does, this one first.
        """
        gc.freeze()  # a collection in a copy would write to, and so copy, every page that there is
        running: dict[int, int] = {}
        try:
            for number in range(1, self.processes):
                process, reading = self._start(number, chunks[number], list(running.values()))
                running[process] = reading
            yield list(running.values())
        except BaseException:
            for process in running:
                with suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            raise
        finally:
            gc.unfreeze()
            for process, reading in running.items():
                os.close(reading)
                os.waitpid(process, 0)
            self.done.close()

    def _start(self, number: int, chunks: Iterable[int], others: list[int]) -> tuple[int, int]:
        reading, writing = os.pipe()
        with suppress(OSError):  # more than the system allows
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _AHEAD)
        parent = os.getpid()
        process = os.fork()
        if not process:
            for one in (*others, reading):
                os.close(one)
            self._be_a_copy(number, chunks, writing, parent)
        os.close(writing)
        return process, reading

    def _be_a_copy(self, number: int, chunks: Iterable[int], writing: int, parent: int) -> NoReturn:
        try:
            # Ctrl-C goes to all that a terminal has started, and is for the parent to answer
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with open(writing, "wb") as pipe:
                for chunk in chunks:
                    results: list[_R] = []
                    for result in self._made(number, chunk):
                        results.append(result)
                        if len(results) == _AT_ONCE:
                            self._send(chunk, results, pipe)
                        if os.getppid() != parent:
                            break  # nobody waits any more
                    if results:
                        self._send(chunk, results, pipe)
        finally:
            # nothing that the parent meant for its own end, nor what it has not written yet
            os._exit(0)

    def _made(self, number: int, chunk: int) -> Iterator[_R]:
        """The results of a chunk, counted by the process with this number."""
        at, items = _COUNTER * number, self.chunks[chunk]
        done = int.from_bytes(self.done[at : at + _COUNTER], "little")
        for result in self.work(self.items[items.start : items.stop]):
            done += 1
            self.done[at : at + _COUNTER] = done.to_bytes(_COUNTER, "little")
            yield result

    def _send(self, chunk: int, results: list[_R], pipe: BinaryIO) -> None:
        """Send what there is of a chunk, behind its number and the length, and forget it."""
        packed = self.packing.packed(results)
        results.clear()
        pipe.write(chunk.to_bytes(_COUNTER, "little") + len(packed).to_bytes(_COUNTER, "little"))
        pipe.write(packed)
        pipe.flush()

    def _answers(self, queue: Iterable[int], pipes: list[int]) -> list[list[_R]]:
        """What came of each chunk: here, and in the copies, which send until there is no more."""
        answers: list[list[_R]] = [[] for _ in self.chunks]
        waiting = {pipe: bytearray() for pipe in pipes}
        with selectors.DefaultSelector() as selector:
            for pipe in pipes:
                selector.register(pipe, selectors.EVENT_READ)

            def take(seconds: float) -> None:
                for key, _ in selector.select(seconds):
                    if data := os.read(key.fd, _AHEAD):
                        waiting[key.fd] += data
                        for chunk, packed in _whole(waiting[key.fd]):
                            answers[chunk] += self.packing.unpacked(packed)  # type: ignore[arg-type]
                    else:
                        selector.unregister(key.fd)
                self.progress.files(self._counted(), len(self.items))

            for chunk in queue:
                for result in self._made(0, chunk):
                    answers[chunk].append(result)
                    take(0)
            while selector.get_map():
                take(_LOOK)
        return answers

    def _sent(self, pipe: int) -> Iterator[list[_R]]:
        """What a copy sends, as often as it does."""
        waiting = bytearray()
        while data := os.read(pipe, _AHEAD):
            waiting += data
            for _, packed in _whole(waiting):
                yield self.packing.unpacked(packed)  # type: ignore[misc]

    def _counted(self) -> int:
        starts = range(0, len(self.done), _COUNTER)
        return sum(int.from_bytes(self.done[at : at + _COUNTER], "little") for at in starts)


def _whole(waiting: bytearray) -> Iterator[tuple[int, bytes]]:
    """What has arrived as a whole, with the number of its chunk, taken out of what has arrived."""
    header = 2 * _COUNTER
    while len(waiting) >= header:
        end = header + int.from_bytes(waiting[_COUNTER:header], "little")
        if len(waiting) < end:
            return
        packed = bytes(waiting[header:end])
        chunk = int.from_bytes(waiting[:_COUNTER], "little")
        del waiting[:end]
        yield chunk, packed
