"""Standard input and output for pygls, with one thread that does nothing but read, and one that does nothing but write.

pygls hands every line of a header and every body to a thread pool and waits for each: three changes of thread for a
message, which took half of the time that a keystroke spends in the protocol. Here that thread cuts whole messages from
what arrives, and the event loop gets those.

An editor may stop reading for a while, or for good. The event loop never waits for it: what the system does not take at
once waits, and of the diagnostics of a document only the latest do, so that it is no more than the editor could show.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import logging
import os
import re
import socket
import stat
import sys
import threading
import typing
from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex

if sys.platform == "linux":
    import fcntl
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from kscan_lsp.lsp.server.protocol import Protocol

logger = logging.getLogger(__name__)

_CHUNK: Final = 1 << 16
"""Bytes asked for at once, and in a header at most."""
_END: Final = b"\r\n\r\n"
_LENGTH: Final = regex(rb"content-length[ \t]*:[ \t]*([0-9]{1,10})[ \t]*(?:\r?\n|\Z)", re.IGNORECASE)
"""Looked for anywhere: before the header of a message may stand what is left of one that was cut short."""
MAX_MESSAGE: Final = 1 << 28
"""Bytes of a message. The largest text that is read is 20 million characters, of which JSON may make six bytes each."""
_PATIENCE: Final = 2.0
"""Seconds that an editor has to take the last messages when it says goodbye."""


class ByteSource(typing.Protocol):
    """What bytes are read from: as many as there are, none at the end."""

    def read(self, size: int, /) -> bytes:
        """Wait for bytes."""


class ByteSink(typing.Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Wait until they are taken."""

    def flush(self) -> object:
        """Wait until they are on their way."""


def serve(protocol: Protocol) -> None:
    """Serve on standard input and output until the editor says goodbye or hangs up."""
    # unbuffered: a thread that waits inside of a buffered reader would not let the process end
    with (
        open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(_serve(protocol, source, sys.stdout.buffer))


async def _serve(protocol: Protocol, source: FileIO, sink: ByteSink) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(ended.set)

    def read() -> None:
        with contextlib.suppress(RuntimeError):
            try:
                for body in messages(source):
                    loop.call_soon_threadsafe(protocol.receive, body)
            except ValueError:
                if not source.closed:  # else whoever ends all this has closed it, while we were about to read
                    raise
            finally:
                end()

    protocol.set_writer(Outbox(sink, end, taker(sys.stdout.fileno())))
    threading.Thread(target=read, name="kscan-read", daemon=True).start()
    await ended.wait()


class Outbox:
    """What is to be sent, in order, and the thread that sends it."""

    def __init__(
        self, sink: ByteSink, failed: Callable[[], None], take: Callable[[bytes], int] = lambda _: 0
    ) -> None:
        """Make one that is empty.

        Args:
            sink: where messages go.
            failed: called when nobody takes them any more.
            take: sends as many bytes of a message as can be sent without waiting, and says how many that were; nearly
                always all of them, which saves a change of thread at each keystroke.
        """
        self._sink = sink
        self._failed = failed
        self._take = take
        self._waiting: dict[object, bytes] = {}
        """In order; by what is replaced by a newer one, or by a number."""
        self._number = 0
        self._news = threading.Condition()
        self._busy = self._broken = False
        self._thread: threading.Thread | None = None

    def write(self, data: bytes, replaces: str | None = None) -> None:
        """Have a message sent.

        Args:
            data: the whole of it.
            replaces: what it is about; of several about one thing that have not been sent yet, only the last is.
        """
        with self._news:
            if self._broken:
                return
            self._number += 1
            key: object = self._number if replaces is None else replaces
            if not (self._waiting or self._busy) and (taken := self._taken(data)):
                if taken == len(data):
                    return
                key, data = self._number, data[taken:]  # a message that has begun must end
            self._waiting.pop(key, None)  # what answers came meanwhile may rest on the order
            self._waiting[key] = data
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, name="kscan-write", daemon=True)
                self._thread.start()
            self._news.notify_all()

    def _taken(self, data: bytes) -> int:
        try:
            return self._take(data)
        except OSError:  # the thread will meet it, too, and say so
            return 0

    def close(self) -> None:
        """Give the editor a moment to take what is left."""
        with self._news:
            self._news.wait_for(lambda: self._broken or not (self._waiting or self._busy), _PATIENCE)

    def _send(self) -> None:
        while True:
            with self._news:
                self._busy = False
                self._news.notify_all()
                self._news.wait_for(lambda: self._waiting)
                data = self._waiting.pop(next(iter(self._waiting)))
                self._busy = True
            try:
                self._sink.write(data)
                self._sink.flush()
            except (OSError, ValueError):  # the editor has gone, or the disk is full that its log is on
                with self._news:
                    self._broken = True
                    self._waiting.clear()
                    self._news.notify_all()
                self._failed()
                return


def taker(handle: int) -> Callable[[bytes], int]:
    """What sends without waiting, as far as the system has that for a file: nothing else of it is changed."""
    mode = os.fstat(handle).st_mode
    if stat.S_ISSOCK(mode) and hasattr(socket, "MSG_DONTWAIT"):
        connection = socket.socket(fileno=os.dup(handle))

        def send(data: bytes) -> int:
            try:
                return connection.send(data, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return 0

        return send
    if stat.S_ISFIFO(mode) and sys.platform == "linux":

        def put(data: bytes) -> int:
            unread = array.array("i", [0])
            fcntl.ioctl(handle, termios.FIONREAD, unread)
            fits = not unread[0] and len(data) <= fcntl.fcntl(handle, fcntl.F_GETPIPE_SZ)
            return os.write(handle, data) if fits else 0

        return put
    return lambda _: 0


def messages(source: ByteSource) -> Iterator[bytes]:
    """The messages of a source without their headers, up to its end. What is no message is passed over."""
    buffer = bytearray()
    lost = False
    while chunk := source.read(_CHUNK):
        buffer += chunk
        while (end := buffer.find(_END)) >= 0:
            length = _length(bytes(buffer[:end]))
            end += len(_END)
            if len(buffer) < end + length:
                break  # until the rest is here
            if length:
                lost = False
                yield bytes(buffer[end : end + length])
            elif not lost:
                lost = True
                logger.warning("what comes from the editor is no message, and is passed over")
            del buffer[: end + length]
        else:
            if len(buffer) > _CHUNK:
                if not lost:
                    lost = True
                    logger.warning("what comes from the editor is no message, and is passed over")
                del buffer[:-_CHUNK]


def _length(header: bytes) -> int:
    """The length of the body; 0 where the header does not say, or says what nobody would send."""
    found = [int(number) for number in _LENGTH.findall(header)]
    return found[-1] if found and found[-1] <= MAX_MESSAGE else 0
