"""Copies of this process, and the pipes to them: messages about what each makes, and about what it needs to know.

Left out on purpose: when copies pay (`processes.py`), and what they do (`exchange.py`, `turns.py`).
"""

from __future__ import annotations

import gc
import logging
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
INT_BYTES: Final = 8
"""Bytes of an integer in a message, or beside it: unsigned, the lowest first."""


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
        header = number.to_bytes(INT_BYTES, "little") + len(data).to_bytes(INT_BYTES, "little")
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
        header, waiting = 2 * INT_BYTES, self._waiting
        while len(waiting) >= header:
            end = header + int.from_bytes(waiting[INT_BYTES:header], "little")
            if len(waiting) < end:
                return
            number, data = int.from_bytes(waiting[:INT_BYTES], "little"), bytes(waiting[header:end])
            del waiting[:end]
            yield number, data

    def close(self) -> None:
        """Hear and say nothing more."""
        os.close(self.reading)
        os.close(self._writing)


@contextmanager
def copies(number: int, task: Callable[[int, Channel], None]) -> Iterator[list[Channel]]:
    """Copies of this process at work, by the channels to them; with an error here, they are ended.

    Args:
        number: how many; there may be fewer, where the system allows no more.
        task: what each does, given its number, from 1, and its channel to this process.
    """
    gc.freeze()  # a collection in a copy would write to, and so copy, every page that there is
    running: dict[int, Channel] = {}
    try:
        for one in range(1, number + 1):
            try:
                _start(one, task, running)
            except OSError:
                break  # the system allows no more: there are others, or who asked, to do its part
        yield list(running.values())
    except BaseException:
        for process in running:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        raise
    finally:
        gc.unfreeze()
        for channel in running.values():
            channel.close()
        for process in running:
            with suppress(ChildProcessError):  # whoever started this may have it ignore that they end
                os.waitpid(process, 0)


def is_left_alone(parent: int) -> bool:
    """Whether nobody waits any more for what this copy of a process makes."""
    return os.getppid() != parent


def _start(number: int, task: Callable[[int, Channel], None], running: dict[int, Channel]) -> None:
    """Add a copy to those that are running.

    Raises:
        OSError: the system allows no more pipes, or no more processes.
    """
    parent = os.getpid()
    here, there = _channels()
    # until the copy has said that it ignores Ctrl-C, and this process knows of the copy, neither hears of it
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = os.fork()
        if process:
            running[process] = here
    except OSError:
        here.close()
        there.close()
        raise
    finally:
        if os.getpid() == parent:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    if process:
        there.close()
        return
    status = 1
    try:
        # Ctrl-C goes to all that a terminal has started, and is for the parent to answer
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        for channel in (*running.values(), here):
            channel.close()
        if not is_left_alone(parent):
            task(number, there)
        status = 0
    except BrokenPipeError:
        pass  # nobody waits any more
    except Exception:
        # for a log that was asked for, which shows no secrets, and for no other
        text = "a copy of this process has ended; what it had to do is done by others"
        logging.getLogger("kscan").info(text, exc_info=True)
    finally:
        # nothing that the parent meant for its own end, nor what it has not written yet
        os._exit(status)


def _channels() -> tuple[Channel, Channel]:
    """Both ends of a channel."""
    hearing, saying = _pipe()
    try:
        others_hearing, others_saying = _pipe()
    except OSError:
        os.close(hearing)
        os.close(saying)
        raise
    return Channel(hearing, others_saying), Channel(others_hearing, saying)


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    with suppress(OSError):  # more than the system allows
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, AHEAD)
    return reading, writing
