"""The server of one editor, put together: the session, what is done when, what is shown, and what takes long.

pygls reads standard input on its own thread pool and logs whole messages at INFO, secrets included: neither that pool
nor that level is ever used here. Its text mirror is not used either (see `protocol.py`).
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from kscan_lsp import __version__
from kscan_lsp.lsp.server.charts import ChartRenderer
from kscan_lsp.lsp.server.overlays import OverlayBuilder
from kscan_lsp.lsp.server.progress import ProgressReporter
from kscan_lsp.lsp.server.protocol import Protocol
from kscan_lsp.lsp.server.publisher import Publisher
from kscan_lsp.lsp.server.scheduler import Scheduler
from kscan_lsp.lsp.server.settings_reader import SettingsReader
from kscan_lsp.lsp.server.tasks import BackgroundTasks, Executors, Signal
from kscan_lsp.lsp.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.lsp.server.image_scans import ImageScans
    from kscan_lsp.lsp.server.renderer import RendererParts

T = TypeVar("T")

logger: Final = logging.getLogger(__name__)


class Server(LanguageServer):
    """A server without handlers (see `main.py`)."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__(
            "kscan", __version__, protocol_cls=Protocol, converter_factory=default_converter, max_workers=2
        )
        self.session = Session()
        self.changed = Signal()
        self.background = BackgroundTasks()
        self.executors = Executors()
        self.reporter = ProgressReporter(self.session, self.work_done_progress, self.background)
        self.publisher = Publisher(self.session, self, self.background, self.changed)
        self.settings = SettingsReader(self.session, self.executors, self.publisher, self.warn)
        self.images: ImageScans | None = None
        """Scans images in the background, where the editor asks for that."""
        parts: RendererParts = {
            "session": self.session,
            "settings": self.settings,
            "executors": self.executors,
            "background": self.background,
            "warn": self.warn,
            "changed": self.changed,
        }
        self.charts = ChartRenderer(**parts)
        self.overlays = OverlayBuilder(**parts)
        self.scheduler = Scheduler(
            session=self.session,
            publisher=self.publisher,
            settings=self.settings,
            executors=self.executors,
            charts=self.charts,
            overlays=self.overlays,
            reporter=self.reporter,
            background=self.background,
            changed=self.changed,
        )

    def scan_images(self) -> None:
        """Have images scanned from now on, if the editor asks for that."""
        options = self.session.capabilities.image_scanning
        if options is None:
            return
        from kscan_lsp.lsp.server.image_scans import ImageScans  # most editors never ask for it

        self.images = ImageScans(
            options,
            session=self.session,
            scheduler=self.scheduler,
            publisher=self.publisher,
            reporter=self.reporter,
            background=self.background,
            changed=self.changed,
            warn=self.warn,
        )

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what went wrong; a pop-up for each failed keystroke would only be in the way."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    def warn(self, message: str) -> None:
        """Show the user a warning."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    async def answer(
        self, title: str, work: Callable[..., T], *args: Any, token: types.ProgressToken | None = None
    ) -> T:
        """Run what a request asks for beside the checks; `work` is told by its last argument when to give up.

        It takes a title, and the request's token if there is one, to show progress by.
        """
        stop = threading.Event()
        try:
            async with self.reporter.report(title, token, stop.set):
                return await self.executors.run_answer(partial(work, *args, stop.is_set))
        finally:
            stop.set()
