"""Images scanned in the background, where the user's own editor asks for that.

It is done when a file is opened or saved, never for a keystroke: each image once, a few at a time, in threads and
processes of their own. What comes of it is told to the projects in steps that an edit waits for no longer than for
others (`session/workspace.py`), and kept on disk for the next start. What fails is said once, and is not tried again
before its file is saved anew.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from kscan_lsp.lsp.session.around import today
from kscan_lsp.lsp.session.scanned import MAX_IMAGES, ScannedImages
from kscan_lsp.report.printable import counted, printable
from kscan_lsp.workspace.image_cache import ImageCache, cache_path
from kscan_lsp.workspace.image_scanner import STOPPED, Scanner, find_scanner
from kscan_lsp.workspace.image_scans import kept_reports, keyed, scanned_report, wanted_images
from kscan_lsp.workspace.image_uses import images_run_by
from kscan_lsp.workspace.images import evidence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.lsp.capabilities import ImageScanning
    from kscan_lsp.lsp.server.progress import ProgressReporter
    from kscan_lsp.lsp.server.publisher import Publisher
    from kscan_lsp.lsp.server.scheduler import Scheduler
    from kscan_lsp.lsp.server.tasks import BackgroundTasks, Signal
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.image_scans import KeyedScan
    from kscan_lsp.workspace.results import CheckedFile

T = TypeVar("T")

WORKERS: Final = 2
"""Scans at a time; each takes a core."""
CALM: Final = 0.3
"""Seconds without an edit until it is looked up what is known of the images that a text has now."""
PATIENCE: Final = 60.0
"""Seconds until something that failed is tried again when its file is saved, or the scanner is asked what it is."""
GATHER: Final = 0.2
"""Seconds in which what several scans found is told at once."""
OPTION: Final = "imageScans.scanner (in VS Code kscan.server.imageScanner, in the user's settings)"
"""Where the user names a scanner."""


class ScanRound(NamedTuple):
    """Images to scan, with what each is kept by, and where to ask whether the user still wants it."""

    todo: Mapping[str, KeyedScan]
    stop: threading.Event
    fresh: bool = False
    """Whether what a scan before has left does not count."""


class ImageScans:
    """Has images scanned, and tells the session what is known of them."""

    def __init__(
        self,
        options: ImageScanning,
        *,
        session: Session,
        scheduler: Scheduler,
        publisher: Publisher,
        reporter: ProgressReporter,
        background: BackgroundTasks,
        changed: Signal,
        warn: Callable[[str], None],
    ) -> None:
        self._options = options
        self._session = session
        self._scheduler = scheduler
        self._publisher = publisher
        self._reporter = reporter
        self._background = background
        self._changed = changed
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        # one more than scan by themselves: what the user asks for does not wait for forty others
        self._scans = ThreadPoolExecutor(WORKERS + 1, thread_name_prefix="kscan-image")
        self._facts = ThreadPoolExecutor(1, thread_name_prefix="kscan-facts")
        self._places = asyncio.Semaphore(WORKERS)
        self._cache = ImageCache(cache_path(), self._warn_later)
        self._scanner: Scanner | None = None
        self._asked = -PATIENCE
        self._images = ScannedImages()
        self._said: set[str] = set()
        self._scanning: set[str] = set()
        self._pending: list[tuple[str, bool]] = []
        self._working = False
        self._telling = False
        self._untold = False
        self._timer: asyncio.TimerHandle | None = None
        self._rounds: set[threading.Event] = set()
        session.scanned = ()

    def look(self, uri: str, *, saved: bool = False) -> None:
        """A document was opened or saved: see to the images that nothing is known of."""
        self._pending.append((uri, saved))
        if not self._working:
            self._working = True
            self._background.start(self._work())

    def edited(self, uri: str) -> None:
        """A document was edited: once that is over, find what is known of its images, and scan none."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(CALM, lambda: self._background.start(self._look_up(uri)))

    async def again(self, image: str) -> str:
        """Have an image scanned anew, whatever is known of it; what went wrong, or nothing."""
        scanner = await self._current_scanner()
        if scanner is None:
            return "there is no scanner that works"
        found = await self._think(keyed, [image], self._configurations(), scanner)
        round_ = ScanRound(found, threading.Event(), fresh=True)
        for one in found.values():
            await self._think(self._cache.drop, one.key)
        await self._scan(round_, scanner)
        known = self._images.known.get(image)
        return known.problem if known else "it is no reference that a scanner can be given"

    def stop(self) -> None:
        """Have everything end that is under way."""
        for stop in self._rounds:
            stop.set()
        for pool in (self._scans, self._facts):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        session = self._session
        try:
            while self._pending:
                looked_at, self._pending = self._pending, []
                scanner = await self._current_scanner()
                if scanner is None:
                    continue
                for uri, saved in dict.fromkeys(looked_at):
                    snapshot = await self._scheduler.snapshot(uri)
                    if snapshot is not None and saved:
                        long_ago = time.monotonic() - PATIENCE
                        self._images.forget_failures(images_run_by(snapshot.checked), long_ago)
                # what the user looks at comes first
                await self._see_to([document.checked for document in session.documents.values()], scanner)
                while self._scheduler.tasks:
                    await self._changed.wait()
                projects = [workspace.project for workspace in session.workspaces.values()]
                await self._see_to([file for one in projects for file in one.files.values()], scanner)
        finally:
            self._working = False

    async def _current_scanner(self) -> Scanner | None:
        """The scanner, asked now and then: its database may be another. None where there is none, which is said."""
        now = time.monotonic()
        if now - self._asked >= PATIENCE:
            self._asked = now
            roots = [*self._session.folders]
            named = (self._options.scanner, OPTION)
            network = self._options.network
            found = await self._think(find_scanner, roots, named, network=network, desktop=True)
            self._scanner = found if isinstance(found, Scanner) else None
            if isinstance(found, str):
                self._say(f"images are not scanned: {found}")
        return self._scanner

    async def _see_to(self, files: Sequence[CheckedFile], scanner: Scanner) -> None:
        """Scan the images of some files of which nothing is known, or something else than would be found today."""
        found = await self._think(wanted_images, files, self._configurations(), scanner)
        todo = {image: one for image, one in found.items() if self._images.is_new(image, one.key)}
        room = MAX_IMAGES - (len(found) - len(todo))
        if len(todo) > room:
            self._say(f"of the images of this workspace {MAX_IMAGES} are scanned, and no others")
            todo = dict(list(todo.items())[: max(0, room)])
        self._images.make_room(found)
        if todo:
            await self._scan(ScanRound(todo, threading.Event()), scanner)

    def _configurations(self) -> list[Configuration]:
        return [workspace.configuration for workspace in self._session.workspaces.values()]

    async def _scan(self, round_: ScanRound, scanner: Scanner) -> None:
        """Find what is known of some images, have the others scanned, and say what went wrong."""
        todo = dict(round_.todo)
        if not round_.fresh:
            for image in await self._find_kept(todo, scanner):
                del todo[image]
        if not todo:
            return
        self._scanning |= todo.keys()
        self._rounds.add(round_.stop)
        self._tell_state()
        title = f"Scanning {counted(len(todo), 'image')}"
        done = 0

        async def scan(image: str, one: KeyedScan) -> None:
            nonlocal done
            if round_.fresh:
                outcome = await self._scanned(one, scanner, round_.stop)
            else:
                async with self._places:
                    outcome = await self._scanned(one, scanner, round_.stop)
            self._images.learn(image, one.key, outcome, time.monotonic())
            if not isinstance(outcome, str):
                self._tell()
            self._scanning.discard(image)
            done += 1
            tell(f"{done} of {len(todo)}")

        try:
            async with self._reporter.report(title, None, round_.stop.set) as tell:
                await asyncio.gather(*(scan(image, one) for image, one in todo.items()))
        finally:
            round_.stop.set()
            self._rounds.discard(round_.stop)
            self._scanning -= todo.keys()
            self._tell_state()
        if failures := self._images.news_of_failures(todo):
            self._warn(printable(f"kscan: {failures}"))

    async def _scanned(
        self, one: KeyedScan, scanner: Scanner, stop: threading.Event
    ) -> tuple[ImageReport, ...] | str:
        if stop.is_set():
            return STOPPED
        return await self._loop.run_in_executor(
            self._scans, scanned_report, one, scanner, self._cache, stop.is_set
        )

    def _tell_state(self) -> None:
        self._session.scans = self._images.states(self._scanning)
        self._publisher.tell_state()

    async def _find_kept(self, todo: Mapping[str, KeyedScan], scanner: Scanner) -> list[str]:
        """Learn what scans before have left of images, and of other tags of theirs: the images with something left."""
        known = self._images.known
        found = await self._think(kept_reports, todo, scanner, self._cache, known.keys() - todo.keys())
        for image, (key, reports) in found.items():
            self._images.learn(image, key, reports, 0)
        if found:
            self._tell()
        return [image for image in todo if image in found]

    async def _look_up(self, uri: str) -> None:
        """Find what scans before have left of the images of a document."""
        scanner, snapshot = self._scanner, await self._scheduler.snapshot(uri)
        if scanner is None or snapshot is None:
            return
        known = self._images.known
        unknown = [image for image in images_run_by(snapshot.checked) if image not in known]
        if unknown:
            await self._find_kept(await self._think(keyed, unknown, self._configurations(), scanner), scanner)

    def _tell(self) -> None:
        """Have the projects told what is known now, together with what comes in a moment."""
        self._untold = True
        if not self._telling:
            self._telling = True
            self._background.start(self._tell_projects())

    async def _tell_projects(self) -> None:
        session = self._session
        try:
            while self._untold:
                await asyncio.sleep(GATHER)
                self._untold = False
                session.scanned = self._images.reports()
                for root, workspace in list(session.workspaces.items()):
                    images = replace(workspace.configuration.images, scanned=session.scanned)
                    news = await self._think(evidence_of, images, today())
                    if session.workspaces.get(root) is workspace:  # else it was read with what is known
                        workspace.news = news
                        self._check_pages(root)
                        self._scheduler.work_on(root)
        finally:
            self._telling = False

    def _check_pages(self, root: Path | None) -> None:
        """Pages of Markdown are in no project, and judged anew."""
        for document in self._session.documents.values():
            if document.page is not None and document.root == root:
                document.checked_revision = -1

    def _say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._warn(printable(f"kscan: {message}"))

    def _warn_later(self, message: str) -> None:
        """Say something from another thread."""
        self._loop.call_soon_threadsafe(self._say, message)

    async def _think(self, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """Run what takes a moment beside the event loop."""
        return await self._loop.run_in_executor(self._facts, lambda: work(*args, **options))
