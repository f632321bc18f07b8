"""Which work is done when: one task for each folder takes step after step until it has caught up.

Buffers come before files on disk. Most steps run in a thread of our own, so that reading messages and cancelling
requests never wait; a buffer that takes next to no time is checked on the event loop, also while a file is being read.
What there is to do is known to the session, what comes of it is shown by the publisher.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from kscan_lsp.lsp.session.around import today
from kscan_lsp.lsp.session.charts import TakeChart, take_chart
from kscan_lsp.lsp.session.control_files import control_snapshot
from kscan_lsp.lsp.session.over_budget import over_budget_after
from kscan_lsp.lsp.session.overlay_builds import TakeOverlays, take_overlays
from kscan_lsp.lsp.session.snapshot import SettingsSnapshot
from kscan_lsp.lsp.session.steps import (
    CheckRequest,
    JudgeAgain,
    ReadFile,
    ReadPast,
    check,
    find_files,
    judge_again,
    read_file,
    read_past,
    settle_files,
)
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.workspace.places import is_exceptions_file
from kscan_lsp.workspace.rego_beside import RegoBeside

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.lsp.server.charts import ChartRenderer
    from kscan_lsp.lsp.server.overlays import OverlayBuilder
    from kscan_lsp.lsp.server.progress import ProgressReporter
    from kscan_lsp.lsp.server.publisher import Publisher
    from kscan_lsp.lsp.server.settings_reader import SettingsReader
    from kscan_lsp.lsp.server.tasks import BackgroundTasks, Executors, Signal
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.lsp.session.snapshot import ControlSnapshot, DocumentSnapshot
    from kscan_lsp.lsp.session.steps import CheckResult, Step
    from kscan_lsp.lsp.session.workspace import Workspace

logger: Final = logging.getLogger(__name__)

MAX_SURVEYED: Final = 1_000
"""Files of a folder that are judged although nobody asked what is wrong in those that are not open."""


class Scheduler:
    """Has folders worked on, and waits for what requests need."""

    def __init__(
        self,
        *,
        session: Session,
        publisher: Publisher,
        settings: SettingsReader,
        executors: Executors,
        charts: ChartRenderer,
        overlays: OverlayBuilder,
        reporter: ProgressReporter,
        background: BackgroundTasks,
        changed: Signal,
    ) -> None:
        self._session = session
        self._publisher = publisher
        self._settings = settings
        self._executors = executors
        self.charts = charts
        self.overlays = overlays
        self._reporter = reporter
        self._background = background
        self._changed = changed
        self.tasks: dict[Path | None, asyncio.Task[None]] = {}
        self._rego = RegoBeside(self._answered)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading: set[Path | None] = set()
        """The folders of which a file is being read, which leaves time for buffers."""

    def _answered(self) -> None:
        """Answers of Rego have come, which is said in the thread that asks."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._take_answers)

    def _take_answers(self) -> None:
        """Have said what waits for answers."""
        heard = self._rego.take_news()
        for root, workspace in self._session.workspaces.items():
            workspace.heard = workspace.heard or (heard and bool(workspace.project.ruleset.rego))
            if waiting := workspace.project.waiting.difference(workspace.unsettled):
                workspace.unsettled = [*waiting, *workspace.unsettled]
            if workspace.unsettled or workspace.heard:
                self.work_on(root)

    def document_changed(self, uri: str) -> None:
        """Do what a new text of a document asks for: check it, or everything by it if it holds settings."""
        document = self._session.documents.get(uri)
        if document is None:
            return
        if self._session.is_configuration_file(document.path) or self._session.day != today():
            self.reconfigure()
        self.charts.document_changed(document, self.work_on)
        self.overlays.document_changed(document, self.work_on)
        self.work_on(document.root)

    def document_closed(self, uri: str) -> None:
        """Show nothing more of a document, and forget its folder if nothing else is known there."""
        session = self._session
        document = session.close(uri)
        if document is None:
            return
        self.charts.document_changed(document, self.work_on, closed=True)
        self.overlays.document_changed(document, self.work_on, closed=True)
        if session.is_configuration_file(document.path):
            self.reconfigure()  # what is on disk holds again
        else:
            self._publisher.publish(uri, None, ())
        if session.is_used(document.root):
            self.work_on(document.root)
        elif workspace := session.workspaces.pop(document.root, None):
            self._publisher.clear_folder(workspace)

    def look_at_commits(self) -> None:
        """There may be another commit: look, where policies asked what objects were."""
        for root, workspace in self._session.workspaces.items():
            if workspace.looked:
                workspace.looked = False
                self.work_on(root)

    def set_folders(self, folders: list[Path]) -> None:
        """These are the folders of the workspace now."""
        for workspace in self._session.set_folders(folders):
            self._publisher.clear_folder(workspace)
        self.reconfigure()

    def reconfigure(self) -> None:
        """Read all settings again and check everything by them; old results stay until the new ones are there."""
        self._session.outdate_settings()
        for root in self._session.used_roots():
            self.work_on(root)

    def work_on(self, root: Path | None) -> None:
        """Have a folder worked on until everything that is known of it is up to date."""
        self._loop = asyncio.get_running_loop()
        if root not in self.tasks:
            self.tasks[root] = self._background.start(self._work(root))
        elif root in self._reading:
            asyncio.get_running_loop().call_soon(self._check_while_reading, root)

    async def _work(self, root: Path | None) -> None:
        try:
            while self._session.is_used(root):
                await self._settings.configuration(root)
                if self._session.configuration(root) is None:
                    continue  # the settings changed again before this task had its turn
                step = self._session.take_next_step(root)
                if step is None:
                    self._finish(root)
                    break
                await self._do(step)
        finally:
            del self.tasks[root]  # nothing waits between the last look at the session and this line
            self._changed.notify()

    async def _do(self, step: Step) -> None:
        """Check one buffer, read one file or settle some, and show what is different."""
        session = self._session
        try:
            if isinstance(step, CheckRequest):
                # a change of thread would double what takes next to no time
                self._rego.typed()
                # a page of Markdown is judged apart, and nobody would say later what is to be said of it
                work = partial(check, step) if step.markdown else partial(self._rego.during, check, step)
                result = work() if step.quick else await self._executors.run_check(work)
                session.accept(step, result)
                self._set_aside(step, result)
            elif isinstance(step, ReadFile | ReadPast):
                await self._read(step)
            elif isinstance(step, JudgeAgain):
                project, left = await self._executors.run_check(self._rego.during, judge_again, step)
                session.keep(step, project)
                workspace = session.workspaces.get(step.root)
                if workspace is not None and workspace.configuration is step.configuration:
                    workspace.untold = [*left, *workspace.untold]
            elif isinstance(step, TakeChart):
                session.keep(step, await self._executors.run_check(take_chart, step))
            elif isinstance(step, TakeOverlays):
                session.keep(step, await self._executors.run_check(take_overlays, step))
            else:
                session.keep(step, await self._executors.run_check(self._rego.during, settle_files, step))
        except Exception:  # a defect of ours must not take everything else down with it
            logger.exception("%s could not be checked", step.key)
            session.give_up(step)
        if not isinstance(step, CheckRequest):
            self._set_aside(step)
        self._publisher.publish_folder(step.root)

    def _set_aside(self, step: Step, result: CheckResult | None = None) -> None:
        """Go on without the controls that took too much in a step."""
        workspace = self._session.workspaces.get(step.root)
        if workspace is None or workspace.configuration is not step.configuration:
            return
        if over := over_budget_after(step, workspace, result):
            self._session.set_aside |= over
            self.reconfigure()

    async def _read(self, step: ReadFile | ReadPast) -> None:
        self._reading.add(step.root)
        try:
            if isinstance(step, ReadPast):  # a repository can be large
                outcome = await self._executors.run_answer(read_past, step)
            else:
                outcome = await self._executors.run_check(read_file, step)
        finally:
            self._reading.discard(step.root)
        project = self._session.project_for(step)
        if project is None:
            self._session.retry(step)
        elif project.whole or isinstance(step, ReadPast):
            # what others rest on can have many of them judged again
            self._session.keep(step, await self._executors.run_check(self._rego.during, outcome, project))
        else:
            self._session.keep(step, outcome(project))

    def _check_while_reading(self, root: Path | None) -> None:
        """Check a buffer while a file is being read: what comes of that does not depend on it."""
        if root not in self._reading or self._session.configuration(root) is None:
            return
        request = self._session.buffer_to_check(root)
        if request is None or not request.quick or request.markdown:
            return
        self._rego.typed()
        try:
            result = self._rego.during(check, request)
            self._session.accept(request, result)
            self._set_aside(request, result)
        except Exception:  # as above
            logger.exception("%s could not be checked", request.key)
            self._session.give_up(request)
        self._publisher.publish_folder(root)

    def _finish(self, root: Path | None) -> None:
        """Nothing is left to read: what rests on other objects can be said, and the rest be looked for."""
        workspace = self._session.workspaces[root]
        self.charts.look_again(root, self.work_on)
        self.overlays.look_again(root, self.work_on)
        self._publisher.publish_folder(root)
        self._publisher.tell_status()
        if root is not None and workspace.wants_search(exploring=self._session.exploring):
            workspace.searching = True
            self._background.start(self._search(root, workspace))

    async def _search(self, root: Path, workspace: Workspace) -> None:
        """Find the files of a folder and have them read, with progress; the user may stop it."""
        stopped, session = threading.Event(), self._session
        async with self._reporter.report(f"Reading {root.name}", None, stopped.set):
            configuration, top = workspace.configuration, workspace.top
            found, partials = await self._executors.run_answer(find_files, root, configuration, top)
            workspace.set_files(found, partials)
            if len(found.files) > MAX_SURVEYED and not (session.judging or session.shows_all(workspace)):
                workspace.judging = False  # nobody has asked for that much
            if self._session.set_nested(found.settings, ()):
                self.reconfigure()
            while workspace.waiting and self._session.workspaces.get(root) is workspace:
                if stopped.is_set():
                    workspace.stop()
                self.work_on(root)
                await self._changed.wait()
        self.work_on(root)

    async def judge_everything(self) -> None:
        """Read the files of the workspace anew and judge them all, those that are not open, too; from now on."""
        session = self._session
        session.judging = True
        session.outdate_files()
        self.reconfigure()
        while not (
            all(session.is_settled(root) for root in session.judged_roots())
            and self.overlays.is_settled()
            and not self._rego.is_asking
        ):
            await self._changed.wait()
        for uri in list(session.documents):
            await self.snapshot(uri)

    async def explore(self) -> None:
        """Have it known what the files of the workspace declare; from now on."""
        session = self._session
        if not session.exploring:
            session.exploring = True
            for root in session.used_roots():
                self.work_on(root)
        while not all(session.is_settled(root) for root in session.folders):
            await self._changed.wait()

    async def snapshot(self, uri: str) -> DocumentSnapshot | None:
        """The checked version of a document's latest text; None for one that is not open, or holds settings."""
        session = self._session
        while (document := session.documents.get(uri)) and not session.is_current(document):
            self.work_on(document.root)
            await self._changed.wait()
        return session.snapshot(document) if document else None

    async def settings_snapshot(self, uri: str) -> SettingsSnapshot | None:
        """An open settings file with what holds by its latest text; None for any other document."""
        document = self._session.documents.get(uri)
        path = document.path if document else None
        if document is None or path is None or not (path.name in FILE_NAMES or is_exceptions_file(path)):
            return None
        configuration = await self._settings.configuration(document.root)
        return SettingsSnapshot(uri, document.index, configuration, self._session.capabilities)

    async def control_snapshot(self, uri: str) -> ControlSnapshot | None:
        """An open file of a control or a pack with what holds by its latest text; None for any other document."""
        document = self._session.documents.get(uri)
        if document is None or document.path is None:
            return None
        # which files have controls is known when the settings have been read
        configuration = await self._settings.configuration(document.root)
        return control_snapshot(self._session, document, configuration)
