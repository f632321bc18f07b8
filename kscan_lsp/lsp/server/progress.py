"""Progress of what takes long, shown where the editor can, and stopped from there.

Most answers take milliseconds, and a progress bar that flickers is worse than none: what the editor did not ask to
see begins to be shown only after a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Final

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from concurrent.futures import Future

    from kscan_lsp.lsp.server.server import Server

GRACE: Final = 0.5
"""Seconds that work may take unseen."""


@contextlib.asynccontextmanager
async def shown(
    server: Server, title: str, token: types.ProgressToken | None, stop: Callable[[], None]
) -> AsyncIterator[None]:
    """Show progress for as long as the context lasts.

    Args:
        server: whose editor shows it.
        title: what is being done.
        token: what the editor gave to report by; without one, it is asked whether it will show something.
        stop: called when the user presses cancel.
    """
    teller = asyncio.create_task(_tell(server, title, token, stop))
    try:
        yield
    finally:
        teller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await teller


async def _tell(
    server: Server, title: str, token: types.ProgressToken | None, stop: Callable[[], None]
) -> None:
    progress = server.work_done_progress
    if token is None:
        await asyncio.sleep(GRACE)
        if not server.session.client.progress:
            return
        token = str(uuid.uuid4())
        await asyncio.shield(server.in_background(progress.create_async(token)))

    def ended(future: Future[None]) -> None:
        if future.cancelled():
            stop()

    progress.begin(token, types.WorkDoneProgressBegin(title=f"kscan: {title}", cancellable=True))
    progress.tokens[token].add_done_callback(ended)
    try:
        await asyncio.Event().wait()  # until the work is done, which cancels this task
    finally:
        del progress.tokens[token]
        progress.end(token, types.WorkDoneProgressEnd())
