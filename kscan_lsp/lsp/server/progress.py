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

    from pygls.progress import Progress

    from kscan_lsp.lsp.server.tasks import BackgroundTasks
    from kscan_lsp.lsp.session.session import Session

GRACE: Final = 0.5
"""Seconds that work may take unseen."""


class ProgressReporter:
    """Shows the progress of work in the editor."""

    def __init__(self, session: Session, progress: Progress, background: BackgroundTasks) -> None:
        self._session = session
        self._progress = progress
        self._background = background

    @contextlib.asynccontextmanager
    async def report(
        self, title: str, token: types.ProgressToken | None, stop: Callable[[], None]
    ) -> AsyncIterator[Callable[[str], None]]:
        """Show progress for as long as the context lasts; what it gives is told how far the work is.

        Args:
            title: what is being done.
            token: what the editor gave to report by; without one, it is asked whether it will show something.
            stop: called when the user presses cancel.
        """
        shown: list[types.ProgressToken] = []

        def tell(message: str) -> None:
            for one in shown:
                self._progress.report(one, types.WorkDoneProgressReport(message=message))

        reporting = asyncio.create_task(self._report(title, token, stop, shown))
        try:
            yield tell
        finally:
            reporting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reporting

    async def _report(
        self,
        title: str,
        token: types.ProgressToken | None,
        stop: Callable[[], None],
        shown: list[types.ProgressToken],
    ) -> None:
        progress = self._progress
        if token is None:
            await asyncio.sleep(GRACE)
            if not self._session.capabilities.progress:
                return
            token = str(uuid.uuid4())
            # a request to the client must not be given up because one of the client's is cancelled
            await asyncio.shield(self._background.start(progress.create_async(token)))

        def ended(future: Future[None]) -> None:
            if future.cancelled():
                stop()

        progress.begin(token, types.WorkDoneProgressBegin(title=f"kscan: {title}", cancellable=True))
        progress.tokens[token].add_done_callback(ended)
        shown.append(token)
        try:
            await asyncio.Event().wait()  # until the work is done, which cancels this task
        finally:
            shown.clear()
            del progress.tokens[token]
            progress.end(token, types.WorkDoneProgressEnd())
