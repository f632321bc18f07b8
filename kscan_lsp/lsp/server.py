"""The language server: handlers of a few lines between the protocol and pure functions.

A notification changes the session and schedules a check; one task per document then checks until it has caught up
with the editor, in a thread of our own, so that reading messages and cancelling requests never wait. Requests take
their snapshot first and work on it there, too.

pygls reads standard input on its own thread pool and logs whole messages at INFO, secrets included: neither that pool
nor that level is ever used here. Its text mirror is not used either (see `session.py`), hence the protocol class.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.protocol.language_server import lsp_method

from kscan_lsp import __version__
from kscan_lsp.configuration import Configuration, configure
from kscan_lsp.lsp import convert, progress
from kscan_lsp.lsp.session import Session, Snapshot, check
from kscan_lsp.lsp.settings_file import SettingsView
from kscan_lsp.lsp.view import View
from kscan_lsp.settings import FILE_NAMES
from kscan_lsp.text import LineIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from pathlib import Path

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Protocol(LanguageServerProtocol):
    """pygls' protocol without its text mirror, which is slow on large files and wrong on some line separators."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class Server(LanguageServer):
    """The server of one editor: its session, and the thread that checks."""

    def __init__(self) -> None:
        super().__init__(
            "kscan", __version__, protocol_cls=Protocol, converter_factory=default_converter, max_workers=2
        )
        self.session = Session()
        self.texts = convert.DiagnosticTexts(self.session.client)
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-check")
        self.desk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-answer")
        self.background: set[asyncio.Future[Any]] = set()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.loading: dict[Path | None, asyncio.Task[None]] = {}
        self.generation = 0
        self.said: set[str] = set()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what went wrong; a pop-up for each failed keystroke would only be in the way."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    async def in_worker(self, work: Callable[..., T], *args: Any) -> T:
        """Run a pure function outside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, work, *args)

    async def answer(
        self, title: str, work: Callable[..., T], *args: Any, token: types.ProgressToken | None = None
    ) -> T:
        """Run what a request asks for beside the checks; `work` is told by its last argument when to give up.

        It takes a title, and the request's token if there is one, to show progress by.
        """
        stop = threading.Event()
        answer = asyncio.get_running_loop().run_in_executor(self.desk, partial(work, *args, stop.is_set))
        try:
            async with progress.shown(self, title, token, stop.set):
                return await answer
        finally:
            stop.set()

    def in_background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let something run that nobody has to wait for."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self.background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("the editor refused a request: %s", error)

    def renew(self, uri: str) -> None:
        """Do what a new text of a document asks for: check it, or everything by it if it holds settings."""
        document = self.session.documents.get(uri)
        if document is not None and self.session.configures(document.path):
            self.reconfigure()
        self.refresh(uri)

    def refresh(self, uri: str) -> None:
        """Have a document checked until its result is that of its latest text."""
        if uri not in self.tasks and uri in self.session.documents:
            self.tasks[uri] = asyncio.get_running_loop().create_task(self._refresh(uri))

    async def _refresh(self, uri: str) -> None:
        try:
            while True:
                if document := self.session.documents.get(uri):
                    await self._configured(self.session.root_of(document.path))
                snapshot = self.session.snapshot(uri)
                if snapshot is None:
                    if self.session.waits_for_settings(uri):
                        continue  # they changed again before this task had its turn
                    break
                known = self.session.documents[uri].checked_version
                checked = await self.in_worker(check, snapshot)
                if self.session.accept(snapshot, checked):
                    self._publish(snapshot, self.texts.of_file(uri, checked, snapshot.configuration.ruleset))
                    if known == snapshot.version and self.session.client.code_lens_refresh:
                        # the editor asks again when the text changes, but this was not the text
                        self.in_background(self.workspace_code_lens_refresh_async(None))
        finally:
            del self.tasks[uri]  # nothing waits between the last look at the session and this line

    async def configuration(self, path: Path | None = None) -> Configuration:
        """What holds for a file, or in the first folder."""
        root = self.session.root_of(path)
        while root not in self.session.configurations:
            await self._configured(root)
        return self.session.configurations[root]

    async def _configured(self, root: Path | None) -> None:
        """Have the settings of a folder read."""
        if root not in self.session.configurations:
            if root not in self.loading:
                self.loading[root] = asyncio.create_task(self._configure(root))
            await asyncio.shield(self.loading[root])

    async def _configure(self, root: Path | None) -> None:
        try:
            while True:
                generation = self.generation
                section, buffers = self.session.section, self.session.buffers()
                configuration, words = await self.in_worker(_configuration, root, section, buffers)
                if generation == self.generation:  # else the settings changed while they were read
                    break
            self.session.configurations[root] = configuration
            self.session.configured |= configuration.files
        finally:
            del self.loading[root]
        self._publish_configuration_problems()
        for text in set(words) - self.said:  # not again at every keystroke in a settings file
            self.window_show_message(
                types.ShowMessageParams(types.MessageType.Warning, f"kscan settings: {text}")
            )
        self.said = set(words)

    def reconfigure(self) -> None:
        """Read all settings again and check everything by them; old results stay until the new ones are there."""
        self.generation += 1
        self.session.configurations.clear()
        for uri in self.session.documents:
            self.refresh(uri)

    def _publish(self, snapshot: Snapshot, diagnostics: str) -> None:
        self.send(convert.notification(snapshot.uri, snapshot.version, diagnostics))

    def _publish_configuration_problems(self) -> None:
        files: dict[str, list[Any]] = {}
        for configuration in self.session.configurations.values():
            if configuration.settings_path is not None:
                files.setdefault(configuration.settings_path.as_uri(), [])
            for path, document, problem in configuration.problems:
                files.setdefault(path.absolute().as_uri(), []).append((document, problem))
        for uri in self.session.reported - files.keys():
            self.send(convert.notification(uri, None, ""))
        for uri, problems in files.items():
            if problems or uri in self.session.reported:
                text = convert.problems_text(problems, self.session.client.encoding)
                self.send(convert.notification(uri, None, text))
        self.session.reported = {uri for uri, problems in files.items() if problems}

    def send(self, message: bytes) -> None:
        """Write a whole message to the editor."""
        writer = self.protocol.writer
        if writer is not None:
            with contextlib.suppress(BrokenPipeError):  # the editor has gone; the reader will notice
                writer.write(message)

    async def settings_view(self, uri: str) -> SettingsView | None:
        """An open settings file with what holds by its latest text; None for any other document."""
        document = self.session.documents.get(uri)
        if document is None or document.path is None or document.path.name not in FILE_NAMES:
            return None
        configuration = await self.configuration(document.path)
        return SettingsView(uri, document.index, configuration, self.session.client)

    async def view(self, uri: str) -> View | None:
        """The checked version of a document's latest text."""
        while (task := self.tasks.get(uri)) is not None:
            await asyncio.shield(task)
        document = self.session.documents.get(uri)
        if document is None or document.checked is None or document.configuration is None:
            return None
        snapshot = Snapshot(
            uri, document.path, document.checked_version, document.checked.text, document.json, document.configuration,
            self.session.today(), document.checked,
        )  # fmt: skip
        return View(snapshot, document.checked, LineIndex(document.checked.text), self.session.client)


def _configuration(
    root: Path | None, section: Any, buffers: dict[Path, str]
) -> tuple[Configuration, tuple[str, ...]]:
    return configure(root, section=section, buffers=buffers)
