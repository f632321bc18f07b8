"""One folder of the editor: the project of its files, and what of them is still to be read.

Buffers count over what is on disk. Every step of the work makes the next project from the last one: the check of a
buffer the user is typing in, or one file read from disk, whichever is more urgent. So nothing is ever lost between two
results, and an edit waits for one file at most. Until the files of a folder have all been seen, nothing is said that
rests on other objects: it would be wrong as often as not.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from kscan_lsp.files.discover import discover, is_excluded, is_found
from kscan_lsp.files.encoding import SourceText, Unreadable
from kscan_lsp.files.manifest import is_rendered, read_manifest
from kscan_lsp.files.partials import Partials
from kscan_lsp.lsp.session.stale import carry
from kscan_lsp.workspace.project import Project, objects_of
from kscan_lsp.workspace.results import CheckedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date
    from pathlib import Path

    from kscan_lsp.files.discover import Found
    from kscan_lsp.workspace.configuration import Configuration


class Workspace(Struct):
    """What is known of a folder under one configuration.

    `waiting` are the files on disk that are to be read (again), by key, in order. `published` are the files without
    a buffer whose diagnostics the editor shows.
    """

    configuration: Configuration
    project: Project
    judging: bool = False
    """Whether files without a buffer are judged, too, and not only read for what they mean to others."""
    searched: bool = False
    """Whether it is known which files there are."""
    searching: bool = False
    stopped: bool = False
    """Whether the user did not want all files to be read."""
    stale: bool = False
    """Whether the files there are must be looked for again when the settings are read."""
    unreadable: tuple[tuple[Path, str], ...] = ()
    """What could not be looked at, and why."""
    partials: Partials = field(default_factory=Partials)
    waiting: dict[str, Path | None] = {}
    unsure: set[str] = set()
    """Those of them that something happened to, and that may not belong to the workspace at all."""
    unsettled: list[str] = []
    """Files that are read, and of which it is still to be said what rests on other objects."""
    published: dict[str, Published] = {}
    _seen: dict[str, CheckedFile] = {}
    """All files as they were when it was asked last what there is to show."""

    def begin_search(self) -> bool:
        """Whether the files of the folder are to be looked for now: there is a use for them, and nobody does."""
        if self.searched or self.searching or not (self.judging or self.project.ruleset.relational):
            return False
        self.searching = True
        return True

    def found(self, found: Found, partials: Partials) -> None:
        """These are the files there are."""
        self.partials, self.searched, self.unreadable = partials, True, tuple(found.unreadable)
        self.waiting |= {path.as_uri(): path for path in found.files}

    def stop(self) -> None:
        """Read no more; what rests on other objects stays unsaid, because not all of them are known."""
        self.waiting.clear()
        self.searched, self.stopped = False, True

    def settled(self) -> bool:
        """Whether all is known that will be, until something happens."""
        return self.stopped or self.complete()

    def complete(self) -> bool:
        """Whether all files have been read."""
        return self.searched and self.project.whole and not self.waiting and not self.unsettled

    def finish(self, buffers: Collection[str]) -> None:
        """Have it said what rests on other objects, once all files have been read; first of all in buffers."""
        if self.searched and not self.waiting and not self.project.whole:
            self.project = self.project.completed()
            self.unsettled = sorted(self.project.files, key=lambda key: key not in buffers)

    def news(self, buffers: Collection[str], *, shown: bool = True) -> list[tuple[str, CheckedFile | None]]:
        """The files without a buffer that have something new to show; None clears what was shown."""
        files = self.project.files if shown else {}
        moved = self._moved(files)
        found: list[tuple[str, CheckedFile | None]] = []
        for key, file in files.items():
            known = self.published.get(key)
            same = known is not None and known.file is file and known.others.isdisjoint(moved)
            if key in buffers or same:
                continue
            if known or any(checked.findings for checked in file.parts) or any(file.problems()):
                found.append((key, file))
                self.published[key] = Published(file, _others(file))
        # what is yet to be read stays as it was
        coming = self.waiting if self.searched or self.stopped else self.published
        for key in [key for key in self.published if key not in files and not (shown and key in coming)]:
            del self.published[key]
            if key not in buffers:
                found.append((key, None))
        return found

    def _moved(self, files: Mapping[str, CheckedFile]) -> set[str]:
        """The files in which a document begins on another line than when this was asked last."""
        seen, self._seen = self._seen, dict(files)
        changed = ((key, seen.get(key), file) for key, file in files.items() if seen.get(key) is not file)
        return {key for key, before, file in changed if before and _lines(before) != _lines(file)}


class Published(NamedTuple):
    """A file without a buffer as it is shown, and the files that its findings point into."""

    file: CheckedFile
    others: frozenset[str]


def _others(file: CheckedFile) -> frozenset[str]:
    findings = (finding for checked in file.parts for finding in checked.findings)
    return frozenset(related.file for finding in findings for related in finding.related if related.file)


def _lines(file: CheckedFile) -> list[int]:
    return [placed.line for placed in file.documents]


class Snapshot(NamedTuple):
    """All that checking a buffer needs; nothing in it changes."""

    uri: str
    path: Path | None
    version: int
    text: str
    json: bool
    configuration: Configuration
    today: date
    previous: CheckedFile | None
    """What is shown of it now."""
    project: Project
    key: str
    partials: Partials
    quick: bool = False
    """Whether it is expected to take next to no time."""


class Checked(NamedTuple):
    """A buffer judged: the project it is part of now, and what to show of it."""

    project: Project
    file: CheckedFile
    seconds: float
    """What it took of the processor."""


class Reading(NamedTuple):
    """All that reading a file from disk needs. Without a path, it is to be forgotten."""

    key: str
    path: Path | None
    root: Path | None
    configuration: Configuration
    project: Project
    partials: Partials
    judged: bool
    unsure: bool


class Settling(NamedTuple):
    """Some files of which it is to be said what rests on other objects."""

    keys: tuple[str, ...]
    root: Path | None
    configuration: Configuration
    project: Project

    @property
    def key(self) -> str:
        """What to call it in a log."""
        return self.keys[0]


BATCH: Final = 4
"""Files that are settled in one step, which an edit has to wait for."""


def key_of(path: Path | None, uri: str) -> str:
    """What a file is called in a project: one URI for each file, however the editor writes it."""
    return path.as_uri() if path and path.is_absolute() else uri


def check(snapshot: Snapshot) -> Checked:
    """Check a buffer: what the command line would say of a file with this text, and what typing still shows."""
    began = time.thread_time()
    key, text, json = snapshot.key, snapshot.text, snapshot.json
    path, reason = snapshot.path, ""
    if path is not None:
        reason = _reason_to_skip(path, snapshot.configuration, snapshot.partials)
    if reason and not (reason == "helm-template" and is_rendered(text)):
        project, file = snapshot.project.without_file(key), CheckedFile(key, text, json, skipped=reason)
    else:
        project = snapshot.project.with_file(key, text, json=json)
        file = carry(snapshot.previous, project.files[key])
    return Checked(project, file, time.thread_time() - began)


def read(work: Reading) -> Callable[[Project], Project]:
    """Take in one file as it is on disk now.

    Returns:
        What becomes of the project, whatever it is by then.
    """
    key = work.key
    source = _source(work)
    if isinstance(source, Unreadable) and work.judged and work.path and os.path.lexists(work.path):
        reason = source.reason
        return lambda project: project.with_unreadable(key, reason)
    if not isinstance(source, SourceText) or work.path is None:
        return lambda project: project.without_file(key)
    json = work.path.suffix.lower() == ".json"
    if work.judged:
        file = work.project.read(key, source.text, json=json)
        return lambda project: project.with_read([file])
    objects = objects_of(key, source.text, work.configuration.ruleset, json=json)
    return lambda project: project.with_objects(key, objects)


def settle(work: Settling) -> Project:
    """Say what rests on other objects."""
    return work.project.settled(work.keys)


def search(root: Path, configuration: Configuration) -> tuple[Found, Partials]:
    """Look for the files of a folder."""
    partials = Partials()
    exclude = configuration.settings.exclude
    above = configuration.settings_path.parent if configuration.settings_path else None
    return discover(root, exclude=exclude, exclude_root=above, partials=partials), partials


def renewed(
    old: Workspace | None, configuration: Configuration, today: date, *, indexed: bool, judging: bool
) -> Workspace:
    """A folder under new settings, with what is still true of what was known of it.

    Args:
        old: what was known.
        configuration: what holds now.
        today: the day that suppressions are compared with.
        indexed: whether it is a folder whose files are read, and not just the place of a single file.
        judging: whether its files are judged, too, and not only read for what they mean to others.
    """
    project = Project(configuration.ruleset, today, whole=not indexed)
    if old is None:
        return Workspace(configuration, project, judging=judging and indexed, searched=not indexed)
    before, now = old.configuration, configuration
    same = (
        before.settings.exclude == now.settings.exclude
        and before.settings_path == now.settings_path
        and before.settings.pod_spec_paths == now.settings.pod_spec_paths
        and before.ruleset.relational == now.ruleset.relational
        and not (judging or old.judging or old.stale)
    )
    if not same:
        workspace = Workspace(configuration, project, judging=judging and indexed, searched=not indexed)
    else:
        project = replace(project, index=old.project.index, whole=old.project.whole)
        workspace = Workspace(
            configuration,
            project,
            searched=old.searched,
            unreadable=old.unreadable,
            partials=old.partials,
            waiting=old.waiting,
            unsure=old.unsure,
        )
    workspace.published = old.published
    return workspace


def _source(work: Reading) -> SourceText | Unreadable | None:
    """The text of a file that counts, or why it cannot be read; None for one that is left alone."""
    path, exclude = work.path, work.configuration.settings.exclude
    if path is None or work.root is None:
        return None
    above = work.configuration.settings_path.parent if work.configuration.settings_path else work.root
    if path in work.configuration.files:
        return None
    if work.unsure and not is_found(path, work.root, exclude=exclude, exclude_root=above):
        return None
    source = read_manifest(path, work.partials, named=False)
    return None if isinstance(source, str) else source


@lru_cache(maxsize=4096)
def _reason_to_skip(path: Path, configuration: Configuration, partials: Partials) -> str:
    """Why a file is left alone for where it lies. Asked once for each reading of the settings."""
    settings_path = configuration.settings_path
    if settings_path and is_excluded(path, configuration.settings.exclude, settings_path.parent):
        return "excluded"
    return partials.reason_to_skip(path)
