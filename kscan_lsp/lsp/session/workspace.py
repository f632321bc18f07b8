"""One folder of the editor: the project of its files, and what of them is still to be read or shown.

Buffers count over what is on disk. Until the files of a folder have all been seen, nothing is said that rests on other
objects: it would be wrong as often as not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from kscan_lsp.files.partials import Partials
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.lsp.session.snapshot import WorkspaceSnapshot
from kscan_lsp.lsp.session.steps import BATCH, JudgeAgain, ReadFile, ReadPast, SettleFiles
from kscan_lsp.workspace.committed import asks_past
from kscan_lsp.workspace.configuration import distinct_changes, distinct_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.files.discover import Discovered
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile


class WaitingFile(Struct, frozen=True):
    """A file on disk that is to be read (again); without a path it is to be forgotten."""

    path: Path | None
    unsure: bool = False
    """Whether something happened to it, and it may not belong to the folder at all."""


class PublishedFile(Struct, frozen=True):
    """A file without a buffer as it is shown, and the files that its findings point into."""

    file: CheckedFile
    related: frozenset[str]


class Workspace(Struct):
    """What is known of a folder under one configuration."""

    root: Path | None
    configuration: Configuration
    project: Project
    top: Path | None = None
    """The folder whose files it knows: itself, or that of the workspace that it lies in."""
    settings_revision: int = 0
    """When its configuration was read; see `Session.settings_revision`."""
    warnings: frozenset[str] = frozenset()
    """What is wrong with settings that are in no file."""
    indexed: bool = False
    """Whether it is a folder whose files are read, and not just the place of a single file."""
    judging: bool = False
    """Whether files without a buffer are judged, too, and not only read for what they mean to others."""
    searched: bool = False
    """Whether it is known which files there are."""
    searching: bool = False
    stopped: bool = False
    """Whether the user did not want all files to be read."""
    outdated: bool = False
    """Whether the files there are must be looked for again when the settings are read."""
    unreadable: tuple[tuple[Path, str], ...] = ()
    """What could not be looked at, and why."""
    partials: Partials = field(default_factory=Partials)
    waiting: dict[str, WaitingFile] = {}
    """Files that are to be read, by key, in order."""
    unsettled: list[str] = []
    """Files that are read, and of which it is still to be said what rests on other objects."""
    heard: bool = False
    """Whether rules that look at several objects have answered, and it is still to be said what."""
    news: Evidence | None = None
    """What is known besides manifests by now, until the project is told."""
    untold: list[str] = []
    """Files of which it is still to be found out whether they see what is different in that."""
    rendered: frozenset[str] = frozenset()
    """The keys of files of charts that its project has as they were rendered."""
    built: frozenset[str] = frozenset()
    """The keys of files that overlays are built from: they are judged with these, and never alone."""
    looked: bool = False
    """Whether it was looked what its objects were, where policies ask that, since there may be another commit."""
    published: dict[str, PublishedFile] = {}
    """The files without a buffer whose diagnostics the editor shows."""
    _seen: dict[str, CheckedFile] = {}
    """All files as they were when what is unpublished was taken last."""

    def is_rendered(self, key: str) -> bool:
        """Whether what a chart renders or overlays build from a file is judged, and not the file."""
        return key in self.rendered or key in self.built

    def wants_search(self, *, exploring: bool = False) -> bool:
        """Whether the files of the folder are to be looked for: there is a use for them, and nobody does.

        Args:
            exploring: whether it is to be known what they declare, whatever controls ask for.
        """
        used = self.judging or exploring or self.project.ruleset.relational
        return used and not (self.searched or self.searching)

    def set_files(self, found: Discovered, partials: Partials) -> None:
        """These are the files there are."""
        self.partials, self.searched, self.unreadable = partials, True, tuple(found.unreadable)
        self.waiting |= {path.as_uri(): WaitingFile(path) for path in found.files}

    def stop(self) -> None:
        """Read no more; what rests on other objects stays unsaid, because not all of them are known."""
        self.waiting.clear()
        self.searched, self.stopped = False, True

    def is_settled(self) -> bool:
        """Whether all is known that will be, until something happens."""
        return self.stopped or self.is_complete()

    def is_complete(self) -> bool:
        """Whether all files have been read."""
        known = self.searched and self.project.whole and self.news is None
        return known and not (
            self.waiting
            or self.unsettled
            or self.heard
            or self.untold
            or self.project.waiting
            or self.is_behind()
        )

    def is_behind(self) -> bool:
        """Whether it is to be looked what its objects were, or policies that asked that are gone."""
        if not (self.indexed and self.searched) or self.top is None:
            return False
        return not self.looked if asks_past(self.project) else BEFORE in self.project.index.files

    def take_next_step(
        self,
        buffers: Collection[str],
        is_configuration_file: Callable[[Path | None], bool],
        owns: Callable[[Path | None], bool],
    ) -> ReadFile | ReadPast | SettleFiles | JudgeAgain | None:
        """Take what is to be done next for files on disk: reading one, or what had to wait until all were read.

        Args:
            buffers: the keys of its open documents.
            is_configuration_file: whether a file has settings or policies.
            owns: whether its settings hold for a file; others only count for what they declare.
        """
        if self.news is not None:
            changed = self.project.evidence.changed(self.news)
            self.project, self.news = self.project.told(self.news), None
            concerned = self.project.dependents.of(changed).union(self.untold)
            self.untold = sorted(concerned, key=lambda key: key not in buffers)
        if self.untold:
            keys = tuple(self.untold)
            self.untold.clear()
            return JudgeAgain(keys, self.root, self.configuration, self.project)
        while self.waiting:
            key, file = next(iter(self.waiting.items()))
            del self.waiting[key]
            if not (key in buffers or self.is_rendered(key)) and not is_configuration_file(file.path):
                owned = owns(file.path)
                return ReadFile(
                    key=key,
                    path=file.path if self.indexed else None,
                    root=self.root,
                    top=self.top,
                    configuration=self.configuration,
                    project=self.project,
                    partials=self.partials,
                    owned=owned,
                    judged=self.judging and owned,
                    unsure=file.unsure,
                )
        if self.is_behind() and self.top is not None:
            self.looked = asks_past(self.project)
            return ReadPast(self.root, self.top, self.configuration, self.project, self.partials)
        if self.searched and not self.project.whole:
            self.project = self.project.completed()
            # what the user looks at comes first
            self.unsettled = sorted(self.project.files, key=lambda key: key not in buffers)
        if not (self.unsettled or self.heard):
            return None
        keys = tuple(self.unsettled[:BATCH])
        del self.unsettled[:BATCH]
        heard, self.heard = self.heard, False
        return SettleFiles(keys, self.root, self.configuration, self.project, heard)

    def take_unpublished(
        self, buffers: Collection[str], *, shown: bool = True
    ) -> list[tuple[str, CheckedFile | None]]:
        """Take the files without a buffer that have something new to show as published; None clears one.

        Args:
            buffers: the keys of open documents, which are published apart.
            shown: whether files without a buffer are to be shown at all.
        """
        files = self.project.files if shown else {}
        moved = self._take_moved(files)
        found: list[tuple[str, CheckedFile | None]] = []
        for key, file in files.items():
            known = self.published.get(key)
            same = known is not None and known.file is file and known.related.isdisjoint(moved)
            if key in buffers or same or self.is_rendered(key):
                continue
            if known or any(checked.findings for checked in file.parts) or any(file.problems()):
                found.append((key, file))
                self.published[key] = PublishedFile(file, _related_files(file))
        # what is yet to be read stays as it was
        coming = self.waiting if self.searched or self.stopped else self.published
        for key in [key for key in self.published if key not in files and not (shown and key in coming)]:
            del self.published[key]
            if key not in buffers:
                found.append((key, None))
        return found

    def _take_moved(self, files: Mapping[str, CheckedFile]) -> set[str]:
        """Take note of all files; those in which a document begins on another line than the last time."""
        seen, self._seen = self._seen, dict(files)
        changed = ((key, seen.get(key), file) for key, file in files.items() if seen.get(key) is not file)
        return {key for key, before, file in changed if before and _lines(before) != _lines(file)}


def _related_files(file: CheckedFile) -> frozenset[str]:
    findings = (finding for checked in file.parts for finding in checked.findings)
    return frozenset(related.file for finding in findings for related in finding.related if related.file)


def _lines(file: CheckedFile) -> list[int]:
    return [placed.line for placed in file.documents]


def snapshot_of(folders: Iterable[Path], workspaces: Collection[Workspace]) -> WorkspaceSnapshot:
    """What an answer about all folders is made from."""
    files = [
        (file, workspace.project) for workspace in workspaces for file in workspace.project.files.values()
    ]
    return WorkspaceSnapshot(
        tuple(folders),
        tuple(sorted(files, key=lambda entry: entry[0].path)),
        tuple(place for workspace in workspaces for place in workspace.unreadable),
        tuple(distinct_problems(workspace.configuration for workspace in workspaces)),
        tuple(distinct_changes(workspace.configuration for workspace in workspaces)),
        {workspace.project: workspace.partials for workspace in workspaces},
    )
