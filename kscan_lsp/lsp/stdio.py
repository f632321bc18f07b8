"""Standard input and output for pygls, with one thread that does nothing but read.

pygls hands every line of a header and every body to a thread pool and waits for each: three changes of thread for a
message, which took half of the time that a keystroke spends in the protocol. Here whatever has arrived is handed to the
event loop in one go, and lines and bodies are cut from it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from typing import TYPE_CHECKING, Final, Protocol

from pygls.io_ import StdoutWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kscan_lsp.lsp.server import Server

logger = logging.getLogger(__name__)

_CHUNK: Final = 1 << 16


class Source(Protocol):
    """What bytes are read from: as many as there are, none at the end."""

    def read(self, size: int, /) -> bytes | None:
        """Wait for bytes."""


def serve(server: Server) -> None:
    """Run a server on standard input and output until the editor says goodbye or hangs up."""
    server.protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    # unbuffered: a thread that waits inside of a buffered reader would not let the process end
    with (
        open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source,
        contextlib.suppress(BrokenPipeError, KeyboardInterrupt),
    ):
        asyncio.run(_serve(server, source))


async def _serve(server: Server, source: Source) -> None:
    async for body in messages(reader(source)):
        server.protocol.receive(body)


async def messages(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The messages of a stream without their headers, up to its end, or to what is no message."""
    length = 0
    try:
        while line := await stream.readline():
            name, _, value = line.strip().partition(b":")
            if name.lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
            elif not name and length:
                yield await stream.readexactly(length)
                length = 0
    except asyncio.IncompleteReadError:
        pass  # the editor is gone
    except ValueError:
        logger.error("what comes from the editor is no message: a line of its header has no end")  # noqa: TRY400


def reader(source: Source) -> asyncio.StreamReader:
    """A stream of what a thread of its own reads from a source."""
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader(limit=_CHUNK)

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            try:
                while chunk := source.read(_CHUNK):
                    loop.call_soon_threadsafe(stream.feed_data, chunk)
            finally:
                loop.call_soon_threadsafe(stream.feed_eof)

    threading.Thread(target=read, name="kscan-read", daemon=True).start()
    return stream
