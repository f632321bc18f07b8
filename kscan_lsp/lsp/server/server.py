"""The language server: handlers of a few lines between the protocol and pure functions.

A notification changes the session and has its folder worked on; one task per folder then takes step after step until
it has caught up, buffers before files on disk, in a thread of our own, so that reading messages and cancelling requests
never wait. Requests take their snapshot first and work on it beside that.

pygls reads standard input on its own thread pool and logs whole messages at INFO, secrets included: neither that pool
nor that level is ever used here. Its text mirror is not used either (see `protocol.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from kscan_lsp import __version__
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.settings_file import SettingsView
from kscan_lsp.lsp.server import progress
from kscan_lsp.lsp.server.protocol import Protocol
from kscan_lsp.lsp.session import published as pull
from kscan_lsp.lsp.session.session import OpenDocument, Session, today
from kscan_lsp.lsp.session.snapshot import View
from kscan_lsp.lsp.session.workspace import (
    Reading,
    Settling,
    Snapshot,
    Workspace,
    check,
    read,
    search,
    settle,
)
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.configuration import Configuration, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from kscan_lsp.policy.memo import PolicyMemo
    from kscan_lsp.workspace.project import Project

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Server(LanguageServer):
    """The server of one editor: its session, and the thread that checks."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__(
            "kscan", __version__, protocol_cls=Protocol, converter_factory=default_converter, max_workers=2
        )
        self.session = Session()
        self.texts = convert.DiagnosticTexts(self.session.client)
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-check")
        self.desk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-answer")
        self.background: set[asyncio.Future[Any]] = set()
        self.tasks: dict[Path | None, asyncio.Task[None]] = {}
        self.reading: set[Path | None] = set()
        """The folders of which a file is being read, which leaves time for buffers."""
        self.loading: dict[Path | None, asyncio.Task[None]] = {}
        self.generation = 0
        self.said: set[str] = set()
        self.news = asyncio.Event()

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
        if document is None:
            return
        if self.session.configures(document.path) or self.session.day != today():
            self.reconfigure()
        self.work_on(self.session.root_of(document.path))

    def work_on(self, root: Path | None) -> None:
        """Have a folder worked on until everything that is known of it is up to date."""
        if root not in self.tasks:
            self.tasks[root] = asyncio.get_running_loop().create_task(self._work(root))
            self.tasks[root].add_done_callback(self._ended)
        elif root in self.reading:
            asyncio.get_running_loop().call_soon(self._meanwhile, root)

    def forget(self, root: Path | None) -> None:
        """A folder is no longer part of the workspace: nothing is shown of its files that are not open."""
        workspace = self.session.workspaces.pop(root, None)
        buffers = self.session.keys()
        for key in workspace.published if workspace else ():
            if key not in buffers:
                self.publish(key, None, ())

    async def _work(self, root: Path | None) -> None:
        try:
            while True:
                await self._configured(root)
                if root not in self.session.configurations:
                    continue  # the settings changed again before this task had its turn
                step = self.session.next_work(root)
                if step is None:
                    self._finish(root)
                    break
                await self._step(root, step)
        finally:
            del self.tasks[root]  # nothing waits between the last look at the session and this line
            self._tell()

    async def _step(self, root: Path | None, step: Snapshot | Reading | Settling) -> None:
        """Check one buffer, read one file or settle some, and show what is different."""
        session = self.session
        try:
            if isinstance(step, Snapshot):
                # a change of thread would double what takes next to no time
                session.accept(step, check(step) if step.quick else await self.in_worker(check, step))
            elif isinstance(step, Reading):
                await self._read(root, step)
            else:
                session.keep(step, await self.in_worker(settle, step))
        except Exception:  # a defect of ours must not take everything else down with it
            logger.exception("%s could not be checked", step.key)
            session.give_up(step)
        self._show(root)

    async def _read(self, root: Path | None, step: Reading) -> None:
        self.reading.add(root)
        try:
            outcome = await self.in_worker(read, step)
        finally:
            self.reading.discard(root)
        if project := self.session.project_for(step):
            # a file that others rest on can have many of them judged again
            self.session.keep(
                step, await self.in_worker(outcome, project) if project.whole else outcome(project)
            )

    def _meanwhile(self, root: Path | None) -> None:
        """Check a buffer while a file is being read: what comes of that does not depend on it."""
        if root not in self.reading or root not in self.session.configurations:
            return
        step = self.session.next_buffer(root)
        if step is not None and step.quick:
            try:
                self.session.accept(step, check(step))
            except Exception:  # as above
                logger.exception("%s could not be checked", step.key)
                self.session.give_up(step)
            self._show(root)

    def _finish(self, root: Path | None) -> None:
        """Nothing is left to read: what rests on other objects can be said, and the rest be looked for."""
        workspace = self.session.workspaces[root]
        self._show(root)
        if root is not None and workspace.begin_search():
            self.in_background(self._search(root, workspace))

    async def _search(self, root: Path, workspace: Workspace) -> None:
        """Find the files of a folder and have them read, with progress; the user may stop it."""
        stopped = threading.Event()
        async with progress.shown(self, f"Reading {root.name}", None, stopped.set):
            found, partials = await asyncio.get_running_loop().run_in_executor(
                self.desk, search, root, workspace.configuration
            )
            workspace.found(found, partials)
            while workspace.waiting and self.session.workspaces.get(root) is workspace:
                if stopped.is_set():
                    workspace.stop()
                self.work_on(root)
                await self.told()
        self.work_on(root)

    async def judge_everything(self) -> None:
        """Read the files of the workspace anew and judge them all, those that are not open, too; from now on."""
        session = self.session
        session.judging = True
        for workspace in session.workspaces.values():
            workspace.stale = True
        self.reconfigure()
        while not all(session.settled(root) for root in session.folders):
            await self.told()
        for uri in list(session.documents):
            await self.view(uri)

    def _show(self, root: Path | None) -> None:
        """Publish what was found in a folder and is not shown yet."""
        session = self.session
        workspace = session.workspaces.get(root)
        if workspace is None or root not in session.configurations:
            return
        changed = session.unshown(root)
        if any(document.sent and document.sent[0] == document.version for document in changed):
            self._ask_again()  # the editor asks when it has changed the text, but this was not the text
        for document in changed:
            self._publish(document, workspace.project)
        for document in session.current(root):
            # what it points at in another file may have moved
            if document not in changed and self.texts.points_elsewhere(document.checked):
                self._publish(document, workspace.project)
        for key, file in workspace.news(session.keys(), shown=session.shows_all(root)):
            found = self.texts.of_file(key, file, workspace.project, closed=True) if file else ()
            self.publish(key, None, found)
        self._tell()

    def _publish(self, document: OpenDocument, project: Project) -> None:
        diagnostics = self.texts.of_file(document.uri, document.checked, project)
        if (document.version, diagnostics) != document.sent:
            document.sent = (document.version, diagnostics)
            self.publish(document.uri, document.version, diagnostics)

    def publish(self, uri: str, version: int | None, diagnostics: convert.Diagnostics) -> None:
        """Show the diagnostics of a document, or have them ready for a client that asks."""
        if not self.session.client.pull:
            self.send(convert.notification(uri, version, diagnostics))
            return
        if diagnostics or version is not None:
            self.session.shown[uri] = pull.shown(version, convert.array(diagnostics))
        else:
            self.session.shown.pop(uri, None)
        self._tell()

    def _ask_again(self) -> None:
        """Have the editor ask again for what it has asked for about open documents."""
        client = self.session.client
        if client.code_lens and client.code_lens_refresh:
            self.in_background(self.workspace_code_lens_refresh_async(None))
        if client.pull and client.pull_refresh:
            self.in_background(self.workspace_diagnostic_refresh_async(None))

    def _tell(self) -> None:
        """Wake those who wait for `told`."""
        self.news.set()
        self.news = asyncio.Event()

    async def told(self) -> None:
        """Wait until anything more is known of any folder."""
        await self.news.wait()

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
                configuration, words = await self.in_worker(
                    _configuration, root, section, buffers, self.session.policies
                )
                if generation == self.generation:  # else the settings changed while they were read
                    break
            self.session.configure(root, configuration)
            gc.freeze()  # what was read is there to stay; looking through it took 30 to 70 ms now and then
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
        self.session.day = today()
        self.session.configurations.clear()
        roots = {self.session.root_of(document.path) for document in self.session.documents.values()}
        for root in {*roots, *self.session.folders}:
            self.work_on(root)

    def _publish_configuration_problems(self) -> None:
        files: dict[str, list[Any]] = {}
        for configuration in self.session.configurations.values():
            if configuration.settings_path is not None:
                files.setdefault(configuration.settings_path.as_uri(), [])
            for path, document, problem in configuration.problems:
                files.setdefault(path.absolute().as_uri(), []).append((document, problem))
        for uri in self.session.reported - files.keys():
            self.publish(uri, None, ())
        for uri, problems in files.items():
            if problems or uri in self.session.reported:
                self.publish(uri, None, convert.of_problems(problems, self.session.client.encoding))
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
        while (document := self.session.documents.get(uri)) and not self.session.is_current(document):
            self.work_on(self.session.root_of(document.path))
            await self.told()
        if document is None or document.configuration is None:
            return None
        workspace = self.session.workspaces[self.session.root_of(document.path)]
        return View(
            document.uri,
            document.path,
            document.version,
            document.key,
            workspace.project,
            document.configuration,
            document.checked,
            LineIndex(document.checked.text),
            self.session.client,
        )


def _configuration(
    root: Path | None, section: Any, buffers: dict[Path, str], memo: PolicyMemo
) -> tuple[Configuration, tuple[str, ...]]:
    return configure(root, section=section, buffers=buffers, memo=memo)
