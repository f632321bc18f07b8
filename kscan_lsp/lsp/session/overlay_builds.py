"""Overlays built from the texts that an editor has, and judged: pure functions of a frozen request, for any thread."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kscan_lsp.cli.overlays import BuiltOverlays, OverlayNames, build_overlays
from kscan_lsp.files.discover import discover
from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.lsp.rendered import faults_of
from kscan_lsp.lsp.uris import path_of
from kscan_lsp.render.kustomize.files import EditedFiles, RememberedFiles
from kscan_lsp.render.kustomize.maker import Kustomize
from kscan_lsp.workspace.configuration import exclude_in
from kscan_lsp.workspace.overlays import judge_overlays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.render.kustomize.overlay import Overlay
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.overlays import JudgedOverlays
    from kscan_lsp.workspace.project import Project

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

    @property
    def names(self) -> OverlayNames:
        """What files and overlays are called."""
        return OverlayNames(partial(_key, self.top), partial(_title, self.top))

    @property
    def written(self) -> dict[str, str]:
        """What the overlays that were judged are built from, by real path."""
        overlays = self.judged.overlays if self.judged else ()
        there = {key: text for one in overlays for key, text in one.texts.items()}
        return {os.path.realpath(path): text for key, text in there.items() if (path := path_of(key))}

    def files(self, texts: Mapping[str, str] | None = None) -> EditedFiles:
        """All files: with the texts of open documents, and with others in place of these, by real path."""
        real = {os.path.realpath(path): text for path, text in self.buffers.items()}
        return EditedFiles({**real, **(texts or {})}, self.disk)


class OverlaysResult(Struct, frozen=True):
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


class TakeOverlays(Struct, frozen=True):
    """Overlays that were built and are to become part of the project of their folder."""

    key: str
    root: Path | None
    configuration: Configuration
    project: Project
    result: OverlaysResult


def build_open_overlays(request: OverlaysRequest, stopped: Callable[[], bool]) -> OverlaysResult | None:
    """Build the overlays that documents are open of, and judge them; None if it was stopped."""
    folders, found = request.folders, request.found
    if folders is None:
        folders = _folders_with_kustomizations(request.root, request.configuration)
    files = request.files()
    if request.build:
        found = built_with(request._replace(folders=folders), {}, stopped)
    judged = judge_overlays(request.project, [*found.overlays.values()], request.judged)
    if stopped():
        return None
    faulty = {one.file: path for one in found.not_scanned if (path := path_of(one.file))}
    texts = {key: text_of(files.read(os.path.realpath(path))) for key, path in faulty.items()}
    concerned: dict[str, tuple[tuple[str, ChartMark], ...]] = {}
    for place, those in found.concerned.items():
        (mark,) = faults_of([place], texts)[place.file]
        for key in map(request.names.file, those):
            concerned[key] = (*concerned.get(key, ()), (place.file, mark))
    read = frozenset(map(request.names.file, found.files))
    return OverlaysResult(folders, found, judged, read, texts, concerned)


def built_with(
    request: OverlaysRequest, texts: Mapping[str, str], stopped: Callable[[], bool]
) -> BuiltOverlays:
    """The overlays of a folder built with some files as they are in `texts`, by real path."""
    opened = [os.path.realpath(path) for path in request.buffers]
    return build_overlays(
        Kustomize(request.program, stopped=stopped),
        (request.folders or frozenset()) | request.own,
        lambda _: [request.top],
        request.files(texts),
        names=request.names,
        known=request.found.known,
        wanted=None if request.everything else partial(_connected, opened=opened),
    )


def _folders_with_kustomizations(root: Path, configuration: Configuration) -> frozenset[str]:
    """The folders in one that have a kustomization, without those that other settings hold for."""
    excluded_in = partial(exclude_in, trusted=configuration.trusted)
    found = discover(root, exclude=configuration.exclude, excluded_in=excluded_in)
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


def text_of(raw: bytes | Unreadable) -> str:
    """What a file that was read says; nothing, where it cannot be read."""
    return "" if isinstance(raw, Unreadable) else raw.decode("utf-8-sig", "replace")


def take_overlays(step: TakeOverlays) -> Project:
    """The project with overlays as they build now."""
    return step.project.with_apart(step.result.judged.files)
