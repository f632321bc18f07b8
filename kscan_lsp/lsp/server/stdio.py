"""Standard input and output for pygls, with one thread that does nothing but read.

pygls hands every line of a header and every body to a thread pool and waits for each: three changes of thread for a
message, which took half of the time that a keystroke spends in the protocol. Here that thread cuts whole messages from
what arrives, and the event loop gets those.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import typing
from typing import TYPE_CHECKING, Final

from pygls.io_ import StdoutWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.lsp.server.protocol import Protocol

logger = logging.getLogger(__name__)

_CHUNK: Final = 1 << 16
"""Bytes asked for at once, and in a header at most."""
_END: Final = b"\r\n\r\n"


class ByteSource(typing.Protocol):
    """What bytes are read from: as many as there are, none at the end."""

    def read(self, size: int, /) -> bytes:
        """Wait for bytes."""


def serve(protocol: Protocol) -> None:
    """Serve on standard input and output until the editor says goodbye or hangs up."""
    protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    # unbuffered: a thread that waits inside of a buffered reader would not let the process end
    with (
        open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source,
        contextlib.suppress(BrokenPipeError, KeyboardInterrupt),
    ):
        asyncio.run(_serve(protocol, source))


async def _serve(protocol: Protocol, source: ByteSource) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            try:
                for body in messages(source):
                    loop.call_soon_threadsafe(protocol.receive, body)
            finally:
                loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, name="kscan-read", daemon=True).start()
    await ended.wait()


def messages(source: ByteSource) -> Iterator[bytes]:
    """The messages of a source without their headers, up to its end, or to what is no message."""
    buffer = bytearray()
    while chunk := source.read(_CHUNK):
        buffer += chunk
        while (end := buffer.find(_END)) >= 0:
            length = _length(bytes(buffer[:end]))
            end += len(_END)
            if len(buffer) < end + length:
                break  # until the rest is here
            if length:
                yield bytes(buffer[end : end + length])
            del buffer[: end + length]
        else:
            if len(buffer) > _CHUNK:
                logger.error("what comes from the editor is no message: its header has no end")
                return


def _length(header: bytes) -> int:
    """The length of the body; 0 where the header does not say."""
    found = 0
    for line in header.splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            found = int(value)
    return found
