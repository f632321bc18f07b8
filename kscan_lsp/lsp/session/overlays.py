"""The overlays of a folder that the editor has files of open: what they build, and what is to be built next.

They are built from files on disk with the texts of open documents in place of theirs, all of a folder together: what
several take from one line of a base is one finding. As with charts (`charts.py`) that happens in a thread of its own on
a frozen request, and what comes of it becomes part of the project as a step of the work on the folder. What they are
judged with changes more often than what they build: then they are judged again, and nothing is built.

Left out on purpose: when that is done (`lsp/server/overlays.py`), and what is shown of it (`lsp/rendered.py`).
"""

from __future__ import annotations

import os
from functools import partial
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from kscan_lsp.cli.overlays import BuiltOverlays, OverlayNames, build_overlays
from kscan_lsp.files.discover import discover
from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.lsp.rendered import ChartView, faults_of, marks_of, moved, moved_related, uri_of
from kscan_lsp.lsp.uris import path_of
from kscan_lsp.render.kustomize.files import EditedFiles, RememberedFiles
from kscan_lsp.render.kustomize.maker import Kustomize
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.configuration import exclude_in
from kscan_lsp.workspace.overlays import judge_overlays

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping

    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.render.kustomize.overlay import Overlay
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.overlays import JudgedOverlays
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

NOTHING_BUILT = BuiltOverlays({}, frozenset(), (), {}, frozenset(), {})


class OverlaysRequest(NamedTuple):
    """All that building the overlays of a folder needs."""

    root: Path
    top: Path
    """The folder of the workspace: nothing outside of it is read."""
    revision: int
    """Which state of their files it is; see `OpenOverlays.revision`."""
    program: str
    folders: frozenset[str] | None
    """Those with kustomizations; None where they are to be looked for."""
    disk: RememberedFiles
    """Files as they were read last; only whoever builds looks at it."""
    buffers: Mapping[str, str]
    """The texts of open documents, by path."""
    own: frozenset[str]
    """The folders with kustomizations that are open: they count before they are saved."""
    everything: bool
    """Whether also those are built that no document is open of."""
    found: BuiltOverlays
    """What was built last."""
    build: bool
    """Whether any of that may be different now; else it is judged again."""
    judged: JudgedOverlays | None
    configuration: Configuration
    project: Project


class OverlaysResult(NamedTuple):
    """What overlays build, judged."""

    folders: frozenset[str]
    found: BuiltOverlays
    judged: JudgedOverlays
    files: frozenset[str]
    """The keys of all files that were read for them."""
    fault_texts: Mapping[str, str]
    """The texts that have something at fault, by key."""
    concerned: Mapping[str, tuple[tuple[str, ChartMark], ...]]
    """By key, what keeps it from being built, with the keys of the files that are at fault."""


class TakeOverlays(NamedTuple):
    """Overlays that were built and are to become part of the project of their folder."""

    key: str
    root: Path | None
    configuration: Configuration
    project: Project
    result: OverlaysResult


class OpenOverlays(Struct):
    """The overlays of a folder, and what is known of them."""

    root: Path
    """The folder whose settings hold for them."""
    top: Path
    revision: int = 0
    """Counts what may have changed what they build."""
    done: int = -1
    """The revision that was built last, whether that worked or not."""
    folders: frozenset[str] | None = None
    disk: RememberedFiles = field(default_factory=RememberedFiles)
    configuration: Configuration | None = None
    """What held when they were built."""
    everything: bool = False
    project: Project | None = None
    """What they were judged in last."""
    result: OverlaysResult | None = None
    """What came of that."""
    waiting: OverlaysResult | None = None
    """The same, until it is part of the project."""
    accepted: OverlaysResult | None = None
    """What became part of the project last."""
    texts: Mapping[str, str] = {}
    """What that was built from, by the keys of the files."""
    fault_marks: Mapping[str, tuple[ChartMark, ...]] = {}
    marks: Mapping[str, tuple[ChartMark, ...]] = {}
    """What is shown of them, by the keys of the files."""
    unpublished: bool = False
    published: set[str] = set()
    """The keys of their files without a buffer that have diagnostics shown."""
    seen: tuple[CheckedFile, ...] = ()
    """What they build as it was in the project when what is shown was put together."""

    def outdate(self, *, files: bool, folders: bool = False) -> None:
        """Something happened to them: to a text in the editor, to `files` on disk, or to which `folders` there are."""
        self.revision += 1
        if files or folders:
            self.disk = RememberedFiles()
        if folders:
            self.folders = None

    def is_outdated(self, configuration: Configuration, project: Project, *, everything: bool) -> bool:
        """Whether they are to be built or judged again, by what holds now."""
        before = self.project
        return (
            self.done != self.revision
            or self.configuration is not configuration
            or self.everything != everything
            or before is None
            or (
                self.result is not None
                and bool(self.result.judged.overlays)
                and not (
                    before.index is project.index
                    and before.evaluator is project.evaluator
                    and before.whole == project.whole
                )
            )
        )

    def request(
        self,
        program: str,
        texts: Collection[tuple[Path, str, Path | None]],
        configuration: Configuration,
        project: Project,
        *,
        everything: bool,
    ) -> OverlaysRequest:
        """What is needed to build them as they are now; `texts` has each open document's path, text and folder."""
        same = self.configuration is configuration
        return OverlaysRequest(
            root=self.root,
            top=self.top,
            revision=self.revision,
            program=program,
            folders=self.folders if same else None,
            disk=self.disk,
            buffers={str(path): text for path, text, _ in texts if path.is_relative_to(self.top)},
            own=frozenset(
                str(path.parent)
                for path, _, root in texts
                if root == self.root and path.name in KUSTOMIZATION_NAMES
            ),
            everything=everything,
            found=self.result.found if self.result else NOTHING_BUILT,
            build=not same or self.done != self.revision or self.everything != everything,
            judged=self.result.judged if self.result else None,
            configuration=configuration,
            project=project,
        )

    def keep(self, request: OverlaysRequest, result: OverlaysResult) -> None:
        """Keep what was built, until it is taken into the project."""
        before, self.result = self.result, result
        self.done, self.configuration = request.revision, request.configuration
        self.project, self.everything, self.folders = request.project, request.everything, result.folders
        if (
            before is None
            or result.found is not before.found
            or result.judged.files is not before.judged.files
            or self.waiting is not None
        ):
            self.waiting = result

    def step(self, configuration: Configuration, project: Project) -> TakeOverlays | None:
        """Take what was built, to have it become part of the project; None where there is nothing."""
        if self.waiting is None or self.configuration is not configuration:
            return None
        result, self.waiting = self.waiting, None
        return TakeOverlays(str(self.root), self.root, configuration, project, result)

    def accept(self, result: OverlaysResult) -> None:
        """It is part of the project now; what does not build is what it was."""
        self.accepted, self.unpublished, self.seen = result, True, ()
        self.texts = _texts(result)
        self.fault_marks = faults_of(result.found.not_scanned, result.fault_texts)

    def look(self, project: Project, _: frozenset[str]) -> bool:
        """See what is to be shown of it as the project is now; whether that may be different."""
        overlays = self.accepted.judged.overlays if self.accepted else ()
        files = tuple([project.files[one.path] for one in overlays if one.path in project.files])
        if len(files) != len(overlays):
            return False  # what was shown stays until it is judged under other settings
        if len(files) == len(self.seen) and all(map(is_, files, self.seen)):
            return False
        self.seen = files
        found: dict[str, dict[object, ChartMark]] = {}
        for overlay, file in zip(overlays, files, strict=True):
            for key, there in marks_of([file]).items():
                now = moved_related(there, overlay.texts, self.texts)
                for mark in moved(now, overlay.texts.get(key, ""), self.texts.get(key, "")):
                    control = mark.finding.control if mark.finding else ""
                    found.setdefault(key, {}).setdefault((mark.span, control, mark.message), mark)
        self.marks = {
            key: tuple(sorted(there.values(), key=lambda mark: mark.span)) for key, there in found.items()
        }
        return True

    def has(self, key: str) -> bool:
        """Whether anything of them may be shown in a file."""
        return key in self.texts or key in self.fault_marks

    def text_of(self, uri: str) -> str:
        """What was built last of one of their files; empty where nothing was."""
        known = {**(self.accepted.fault_texts if self.accepted else {}), **self.texts}
        return next((text for key, text in known.items() if uri_of(key) == uri), "")

    def view(self, key: str, text: str, looked_at: Container[str] = ()) -> ChartView | None:
        """What is shown in a file with this text; None where it is of no overlay that was built.

        Args:
            key: the file.
            text: its text.
            looked_at: the files that are open. What is at fault in others is said in the files of an overlay, too.
        """
        if not self.has(key) or self.accepted is None:
            return None
        marks = moved(self.marks.get(key, ()), self.texts.get(key, text), text)
        faults = moved(self.fault_marks.get(key, ()), self.accepted.fault_texts.get(key, text), text)
        first = Span(0, LineIndex(text).content_end(0))
        for at, mark in self.accepted.concerned.get(key, ()) if looked_at else ():
            if at not in looked_at:
                faults += (mark._replace(span=first),)
        return ChartView((*faults, *marks), self.texts, built=True)


def build_open_overlays(request: OverlaysRequest, stopped: Callable[[], bool]) -> OverlaysResult | None:
    """Build the overlays that documents are open of, and judge them; None if it was stopped."""
    folders, found = request.folders, request.found
    if folders is None:
        folders = _folders_with_kustomizations(request.root, request.configuration)
    real = {os.path.realpath(path): text for path, text in request.buffers.items()}
    files = EditedFiles(real, request.disk)
    names = OverlayNames(partial(_key, request.top), partial(_title, request.top))
    if request.build:
        found = build_overlays(
            Kustomize(request.program, stopped=stopped),
            folders | request.own,
            lambda _: [request.top],
            files,
            names=names,
            known=found.known,
            wanted=None if request.everything else partial(_connected, opened=real.keys()),
        )
    judged = judge_overlays(request.project, [*found.overlays.values()], request.judged)
    if stopped():
        return None
    faulty = {one.file: path for one in found.not_scanned if (path := path_of(one.file))}
    texts = {key: _text(files.read(os.path.realpath(path))) for key, path in faulty.items()}
    concerned: dict[str, tuple[tuple[str, ChartMark], ...]] = {}
    for place, those in found.concerned.items():
        (mark,) = faults_of([place], texts)[place.file]
        for key in map(names.file, those):
            concerned[key] = (*concerned.get(key, ()), (place.file, mark))
    read = frozenset(map(names.file, found.files))
    return OverlaysResult(folders, found, judged, read, texts, concerned)


def _folders_with_kustomizations(root: Path, configuration: Configuration) -> frozenset[str]:
    """The folders in one that have a kustomization, without those that other settings hold for."""
    found = discover(root, exclude=configuration.exclude, excluded_in=exclude_in)
    return frozenset(
        str(path.parent)
        for path in found.files
        if path.name in KUSTOMIZATION_NAMES and not any(map(path.is_relative_to, found.settings))
    )


def _connected(overlays: Mapping[str, Overlay], opened: Iterable[str]) -> set[str]:
    """The folders of overlays that have some files, and of those that share files with them, and so on."""
    files, wanted = {*opened}, set[str]()
    while more := {
        folder for folder, one in overlays.items() if folder not in wanted and not files.isdisjoint(one.files)
    }:
        wanted |= more
        files.update(*(overlays[folder].files for folder in more))
    return wanted


def _key(top: Path, path: str) -> str:
    """What the editor calls a file, by its real path: it may have opened its folder by a link."""
    return (top / os.path.relpath(path, os.path.realpath(top))).as_uri()


def _title(top: Path, path: str) -> str:
    return Path(os.path.relpath(path, os.path.realpath(top))).as_posix()


def _text(raw: bytes | Unreadable) -> str:
    return "" if isinstance(raw, Unreadable) else raw.decode("utf-8-sig", "replace")


def _texts(result: OverlaysResult) -> dict[str, str]:
    """What overlays were built from, by the keys of the files: newer texts in place of those that do not build."""
    stale = {
        one.build.path
        for folder, one in result.found.known.items()
        if one.build is not None and (one.overlay is not one.tried or folder in result.found.unread)
    }
    found: dict[str, str] = {}
    for overlay in sorted(result.judged.overlays, key=lambda one: one.path not in stale):
        found |= overlay.texts
    return found


def take_overlays(step: TakeOverlays) -> Project:
    """The project with overlays as they build now."""
    return step.project.with_apart(step.result.judged.files)
