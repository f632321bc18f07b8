"""Copies of this process, and the pipes to them: messages about what each makes, and about what it needs to know.

Left out on purpose: when copies pay (`processes.py`), and what they do (`exchange.py`, `turns.py`).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if sys.platform == "linux":
    import fcntl  # Windows has none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AHEAD: Final = 1 << 20
"""Bytes that a process may be ahead of who reads them, which is all that systems allow everybody."""
COUNTER: Final = 8
"""Bytes of the number of a message, and of its length."""


class Channel:
    """A process's end of the pipes to another: numbered messages, in both directions."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading = reading
        self._writing = writing
        self._waiting = bytearray()

    def send(self, number: int, data: bytes) -> None:
        """Send a message; wait until the other one has room for it.

        Raises:
            BrokenPipeError: the other one has ended.
        """
        header = number.to_bytes(COUNTER, "little") + len(data).to_bytes(COUNTER, "little")
        for part in (header, data):
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(self._writing, rest) :]

    def arrived(self) -> list[tuple[int, bytes]] | None:
        """The messages that have arrived as a whole, after waiting for more of them; None when there is no more."""
        data = os.read(self.reading, AHEAD)
        if not data:
            return None
        self._waiting += data
        return [*self._whole()]

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Messages as they come, as long as any do."""
        while (arrived := self.arrived()) is not None:
            yield from arrived

    def _whole(self) -> Iterator[tuple[int, bytes]]:
        header, waiting = 2 * COUNTER, self._waiting
        while len(waiting) >= header:
            end = header + int.from_bytes(waiting[COUNTER:header], "little")
            if len(waiting) < end:
                return
            number, data = int.from_bytes(waiting[:COUNTER], "little"), bytes(waiting[header:end])
            del waiting[:end]
            yield number, data

    def close(self) -> None:
        """Hear and say nothing more."""
        os.close(self.reading)
        os.close(self._writing)


@contextmanager
def copies(number: int, task: Callable[[int, Channel], None]) -> Iterator[list[Channel]]:
    """So many copies of this process at work, by the channels to them; with an error here, they are ended.

    Args:
        number: how many.
        task: what each does, given its number, from 1, and its channel to this process.
    """
    gc.freeze()  # a collection in a copy would write to, and so copy, every page that there is
    running: dict[int, Channel] = {}
    try:
        for one in range(1, number + 1):
            process, channel = _start(one, task, list(running.values()))
            running[process] = channel
        yield list(running.values())
    except BaseException:
        for process in running:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        raise
    finally:
        gc.unfreeze()
        for process, channel in running.items():
            channel.close()
            os.waitpid(process, 0)


def is_left_alone(parent: int) -> bool:
    """Whether nobody waits any more for what this copy of a process makes."""
    return os.getppid() != parent


def _start(number: int, task: Callable[[int, Channel], None], others: list[Channel]) -> tuple[int, Channel]:
    """A copy, and the channel to it."""
    hearing, saying = _pipe(), _pipe()
    parent = os.getpid()
    process = os.fork()
    if process:
        os.close(hearing[1])
        os.close(saying[0])
        return process, Channel(hearing[0], saying[1])
    try:
        # Ctrl-C goes to all that a terminal has started, and is for the parent to answer
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for channel in (*others, Channel(hearing[0], saying[1])):
            channel.close()
        if not is_left_alone(parent):
            task(number, Channel(saying[0], hearing[1]))
    finally:
        # nothing that the parent meant for its own end, nor what it has not written yet
        os._exit(0)


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    with suppress(OSError):  # more than the system allows
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, AHEAD)
    return reading, writing
