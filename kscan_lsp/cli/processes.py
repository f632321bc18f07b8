"""Work on many files spread over processes: this one, and copies of it that do a part and send back what came of it.

A copy (`fork`) begins with all that was imported, read and compiled here, so nothing is handed to it and it begins at
once; it only pays to have any where there is much to do. What is done here need not be sent, and what was remembered on
the way, the next copies have. Where the system makes no copies, or other threads run, which would be missing in a copy,
all is done here. So is what a copy does not answer: it may have been too much for the machine.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Final, Generic, NoReturn, Protocol, TypeVar

if sys.platform == "linux":
    import fcntl  # Windows has none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_T = TypeVar("_T")
_R = TypeVar("_R")

PAYS_FROM: Final = 150_000
"""Characters to judge from which copies pay: about half a second of work."""
EACH: Final = 60_000
"""Characters for each at least."""
TEXT: Final = 10
"""What it costs to write about one item, as if so many characters were judged."""
MOST: Final = 16
"""Processes at most: each keeps what it has compiled."""
_AHEAD: Final = 1 << 20
"""Bytes that a copy may be ahead of who reads them, which is all that systems allow everybody."""
_LOOK: Final = 0.1
"""Seconds between two looks at how far the copies are."""
_COUNTER: Final = 8
"""Bytes of a count."""
_AT_ONCE: Final = 32
"""Results that a copy sends together: it keeps no more, and they have in common what results of one kind have."""
TURN: Final = 16 * _AT_ONCE
"""Texts that one makes before it is another one's turn: what it sends together never goes over its turn."""


class Packing(Protocol):
    """How what a copy made gets here."""

    def packed(self, value: object) -> bytes:
        """A value as bytes."""

    def unpacked(self, data: bytes) -> list[object]:
        """The value."""


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


class FileProgress(Protocol):
    """What is told on the way."""

    def files(self, done: int, of: int) -> None:
        """So many of the files are judged."""


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
            work: what is to be done: a result for each of some items, in their order.
            items: all items.
            weights: what each costs, as if so many characters were judged.
            packing: how results get here; asked where copies are made.
            told: whether the items are the files that progress is about.
        """
        if processes := self._processes(weights):
            parts = _parts(weights, processes)
            return _Copies(work, items, parts, packing(), self.progress if told else NoProgress()).run()
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
        turns: list[list[int]] = [[] for _ in range(processes)]
        for number, start in enumerate(range(0, len(items), TURN)):
            turns[number % processes] += range(start, min(start + TURN, len(items)))
        yield from _Copies(work, items, turns, PlainPacking(), NoProgress()).in_turn(TURN)

    def _processes(self, weights: Sequence[int]) -> int:
        """How many pay, this one included; 0 where it is all to be done here."""
        number = min(self.jobs, sum(weights) // EACH, len(weights))
        return number if number > 1 and sum(weights) >= PAYS_FROM and _can_fork() else 0


ALONE: Final = Processes()
"""All is done here."""


def _can_fork() -> bool:
    # others have system libraries that do not bear it
    return sys.platform == "linux" and threading.active_count() == 1


def _parts(weights: Sequence[int], number: int) -> list[list[int]]:
    """The numbers of items in so many parts, or fewer, that cost about the same, in their order.

    Those of a part follow each other, for so do they in memory: a copy that looked at every other one would come to
    have every page for itself.
    """
    whole, so_far = sum(weights) or 1, 0
    parts: list[list[int]] = [[] for _ in range(number)]
    for item, weight in enumerate(weights):
        middle = so_far + weight / 2
        parts[min(int(number * middle / whole), number - 1)].append(item)
        so_far += weight
    return [part for part in parts if part]


class _Copies(Generic[_T, _R]):
    """This process and copies of it at work on parts of the items; the first part is done here."""

    def __init__(
        self,
        work: Callable[[Sequence[_T]], Iterable[_R]],
        items: Sequence[_T],
        parts: list[list[int]],
        packing: Packing,
        progress: FileProgress,
    ) -> None:
        self.work = work
        self.items = items
        self.parts = parts
        self.packing = packing
        self.progress = progress
        import mmap  # as below: small scans make no copies

        self.done = mmap.mmap(-1, _COUNTER * len(parts))
        """How many items each is done with, in memory that all of them have."""

    def run(self) -> list[_R]:
        """The results in the order of the items. What a copy that does not answer leaves out is done here."""
        with self._running() as pipes:
            answers = self._answers(pipes)
        results: list[_R] = []
        for part, answer in zip(self.parts, answers, strict=True):
            results += answer
            if left := part[len(answer) :]:
                results += self.work([self.items[number] for number in left])
        return results

    def in_turn(self, turn: int) -> Iterator[_R]:
        """The results in the order of the items as they come, where each makes so many in its turn.

        Nothing of them is kept: a copy that is ahead waits. What one that does not answer leaves out is done here.
        """
        done = 0
        with self._running() as pipes:
            answers = [self._sent(pipe) for pipe in pipes]
            while done < len(self.items):
                number = done // turn % len(self.parts)
                if number == 0:
                    own = self.items[done : done + turn]
                    yield from self.work(own)
                    done += len(own)
                    continue
                results = next(answers[number - 1], None)
                if results is None:
                    break
                yield from results
                done += len(results)
        if done < len(self.items):
            yield from self.work(self.items[done:])

    @contextmanager
    def _running(self) -> Iterator[list[int]]:
        """The copies at work, by the pipes that they answer through; with an error, they are ended."""
        gc.freeze()  # a collection in a copy would write to, and so copy, every page that there is
        running: dict[int, int] = {}
        try:
            for number in range(1, len(self.parts)):
                process, reading = self._start(number, list(running.values()))
                running[process] = reading
            yield list(running.values())
        except BaseException:
            import signal

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

    def _start(self, number: int, others: list[int]) -> tuple[int, int]:
        reading, writing = os.pipe()
        with suppress(OSError):  # more than the system allows
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _AHEAD)
        parent = os.getpid()
        process = os.fork()
        if not process:
            for one in (*others, reading):
                os.close(one)
            self._be_a_copy(number, writing, parent)
        os.close(writing)
        return process, reading

    def _be_a_copy(self, number: int, writing: int, parent: int) -> NoReturn:
        try:
            # Ctrl-C goes to all that a terminal has started, and is for the parent to answer
            import signal

            signal.signal(signal.SIGINT, signal.SIG_IGN)
            results: list[_R] = []
            with open(writing, "wb") as pipe:
                for result in self._part(number):
                    results.append(result)
                    if len(results) == _AT_ONCE:
                        self._send(results, pipe)
                    if os.getppid() != parent:
                        break  # nobody waits any more
                else:
                    self._send(results, pipe)
        finally:
            # nothing that the parent meant for its own end, nor what it has not written yet
            os._exit(0)

    def _part(self, number: int) -> Iterator[_R]:
        """The results of a part, counted."""
        at = _COUNTER * number
        work = self.work([self.items[n] for n in self.parts[number]])
        for done, result in enumerate(work, start=1):
            self.done[at : at + _COUNTER] = done.to_bytes(_COUNTER, "little")
            yield result

    def _send(self, results: list[_R], pipe: BinaryIO) -> None:
        """Send what there is, behind its length, and forget it."""
        packed = self.packing.packed(results)
        results.clear()
        pipe.write(len(packed).to_bytes(_COUNTER, "little"))
        pipe.write(packed)
        pipe.flush()

    def _answers(self, pipes: list[int]) -> list[list[_R]]:
        """What comes of the part that is done here, and what each copy sends until it ends."""
        import selectors

        own: list[_R] = []
        answers: dict[int, list[_R]] = {pipe: [] for pipe in pipes}
        waiting = {pipe: bytearray() for pipe in pipes}
        with selectors.DefaultSelector() as selector:
            for pipe in pipes:
                selector.register(pipe, selectors.EVENT_READ)

            def take(seconds: float) -> None:
                for key, _ in selector.select(seconds):
                    if data := os.read(key.fd, _AHEAD):
                        waiting[key.fd] += data
                        for packed in _whole(waiting[key.fd]):
                            answers[key.fd] += self.packing.unpacked(packed)  # type: ignore[arg-type]
                    else:
                        selector.unregister(key.fd)
                self.progress.files(self._counted(), len(self.items))

            for result in self._part(0):
                own.append(result)
                take(0)
            while selector.get_map():
                take(_LOOK)
        return [own, *answers.values()]

    def _sent(self, pipe: int) -> Iterator[list[_R]]:
        """What a copy sends, as often as it does."""
        waiting = bytearray()
        while data := os.read(pipe, _AHEAD):
            waiting += data
            for packed in _whole(waiting):
                yield self.packing.unpacked(packed)  # type: ignore[misc]

    def _counted(self) -> int:
        starts = range(0, len(self.done), _COUNTER)
        return sum(int.from_bytes(self.done[at : at + _COUNTER], "little") for at in starts)


def _whole(waiting: bytearray) -> Iterator[bytes]:
    """What has arrived as a whole, taken out of what has arrived."""
    while len(waiting) >= _COUNTER:
        end = _COUNTER + int.from_bytes(waiting[:_COUNTER], "little")
        if len(waiting) < end:
            return
        packed = bytes(waiting[_COUNTER:end])
        del waiting[:end]
        yield packed
