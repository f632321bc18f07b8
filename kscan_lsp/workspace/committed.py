"""What the objects of a workspace were at a commit, for policies that ask about updates: read from git, if one asks.

What a cluster has is in no file. What is committed is the next best: an object that is in the last commit, or in
another that a command names, is taken for updated, and any other for created. Nothing is read as long as no policy
could tell the difference, and of a further commit only the files that are different in it.

What charts and overlays made at that commit is for who renders them to say (`cli/made_before.py`).

Left out on purpose: objects that are there no more. Whether a cluster deletes what a repository has no more, nobody
knows from files, and there would be no place to show it at; who knows it asks `kscan vap test --old`.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.admission.before import (
    Making,
    as_it_was,
    file_before,
    files_before,
    of_revision,
    revision_in,
)
from kscan_lsp.files.commit import commit_of
from kscan_lsp.files.discover import SUFFIXES, is_admitted, repository
from kscan_lsp.files.encoding import Unreadable, decode
from kscan_lsp.files.manifest import is_json
from kscan_lsp.files.revision import HEAD, RevisionError, find_commit, list_blobs, read_blobs
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.workspace.admitting import ask_what_was
from kscan_lsp.workspace.configuration import exclude_in
from kscan_lsp.workspace.objects import MAX_CHARACTERS, objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.files.partials import Partials
    from kscan_lsp.graph.index import Object
    from kscan_lsp.workspace.project import Project

MAX_BYTES: Final = 100_000_000
"""Of manifests that are read of a commit."""
MAX_FILES: Final = 20_000
_ARCHIVES: Final = (".tgz", ".tar.gz")


class CommittedFiles(Struct, frozen=True):
    """Where to read what objects were."""

    paths: tuple[Path, ...]
    """Absolute paths of the files and folders that are judged."""
    name: Callable[[Path], str]
    """What a file is called in the project."""
    partials: Partials
    """What is known of charts and overlays."""
    revision: str = HEAD
    made: Callable[[Path, str], MadeBefore | None] = lambda _top, _commit: None
    """What charts and overlays made, by the folder of the repository and the id of the commit; None where nobody
    knows."""
    unmade: str = ""
    """Why nobody does."""


class MadeBefore(Struct, frozen=True):
    """What the charts and overlays of a project made at a commit."""

    objects: tuple[Object, ...]
    """As the index is told of them: with the values that come first, and which there are with others (`of_ways`)."""
    looked: frozenset[str]
    """The names of the files of charts and overlays that it is known of, or that are new."""
    unmade: Mapping[str, str]
    """Why it is not, by the names of the files."""
    overlays: frozenset[str]
    """The names of the overlays of today."""
    covered: frozenset[str]
    """The real paths of the files that overlays were built from: no objects stood in them alone."""


def asks_past(project: Project) -> bool:
    """Whether any policy of a project asks what objects were."""
    return (project.ruleset.admission or project.ruleset.mutates) and ask_what_was(project.index)


def with_past(project: Project, objects: tuple[Object, ...]) -> Project:
    """A project with what its objects were, as `past_of` gives it."""
    same = project.index.files.get(BEFORE, ()) == objects
    return project if same else project.with_objects(BEFORE, objects)


def past_of(project: Project, files: CommittedFiles) -> tuple[Object, ...]:
    """What the objects of a project were; nothing where no policy asks.

    Args:
        project: has read all its files.
        files: where to read that.
    """
    if not asks_past(project):
        return ()
    known = project.index.files.get(BEFORE, ())
    before = revision_in(project.index)
    try:
        top = _repository(files.paths)
        commit = _commit(top, files.revision)
        if before is not None and before.data["commit"] == commit:
            return known
        return (*_read(project, files, top, commit),)
    except RevisionError as error:
        unknown = of_revision(files.revision, why=" ".join(str(error).split()))
        return known if before is not None and before.data == unknown.data else (unknown,)


def _repository(paths: Iterable[Path]) -> Path:
    tops = {repository(str(path if path.is_dir() else path.parent)) for path in paths}
    if not all(tops) or not tops:
        raise RevisionError("these files are in no git repository")
    if len(tops) > 1:
        raise RevisionError("these files are in several git repositories")
    return Path(next(iter(tops)))


def _commit(top: Path, revision: str) -> str:
    """The commit that counts. The last one is read from files of git that belong here, since nobody named it."""
    if revision != HEAD:
        return find_commit(top, revision)
    found = commit_of(top)
    if found is None:
        raise RevisionError("nothing is committed here, or the files of git do not say what")
    return found.id


def _read(project: Project, files: CommittedFiles, top: Path, commit: str) -> Iterable[Object]:
    """What a commit says of the objects of a project: itself, then file by file what stands for it and its objects."""

    def wanted(path: str) -> bool:
        there = top / PurePosixPath(path)
        return path.lower().endswith((*SUFFIXES, *_ARCHIVES)) and any(map(there.is_relative_to, files.paths))

    made = files.made(top, commit) or MadeBefore((), frozenset(), {}, frozenset(), frozenset())
    counting = _CountingFiles(project, files)
    links: list[str] = []
    blobs = list_blobs(top, commit, wanted, name=files.revision, links=links)
    if len(blobs) > MAX_FILES:
        raise RevisionError(f"'{files.revision}' has more than {MAX_FILES:,} manifests")
    archives = [path for path in blobs if path.lower().endswith(_ARCHIVES)]
    closed = tuple(f"{files.name(top / PurePosixPath(path))}/" for path in (*links, *archives))
    known = files_before(project.index)
    found: dict[str, tuple[Object, ...]] = {}
    todo: list[tuple[str, str]] = []
    for path, raw_id in blobs.items():
        blob = raw_id.decode("ascii")
        if path.lower().endswith(_ARCHIVES):
            continue
        there = top / PurePosixPath(path)
        name = files.name(there)
        if name in made.looked or (made.covered and os.path.realpath(there) in made.covered):
            continue
        unread = counting.is_unread(there, name)
        before = known.get(name)
        if before and before[0].data["blob"] == blob and bool(before[0].keys) == unread:
            found[name] = before
        elif unread:
            found[name] = (file_before(name, blob, unread=True, why=files.unmade),)
        else:
            found[name] = ()  # keeps its place
            todo.append((name, blob))
    left = MAX_BYTES - sum(some[0].data["size"] for some in found.values() if some)
    texts = read_blobs(top, (one.encode() for _, one in todo), left) if todo else ()
    for (name, blob), raw in zip(todo, texts, strict=True):
        found[name] = _objects(project, name, blob, raw)
    making = Making(made.looked, made.unmade, made.overlays)
    yield of_revision(files.revision, commit, unread=closed, making=making)
    yield from made.objects
    for some in found.values():
        yield from some


class _CountingFiles:
    """Which files of a commit count in a project."""

    def __init__(self, project: Project, files: CommittedFiles) -> None:
        self._project = project
        self._files = files
        self._exclude = cache(exclude_in)

    def is_unread(self, path: Path, name: str) -> bool:
        """Whether a file is judged with others, as part of a chart or an overlay, or is left out by settings."""
        if self._files.partials.reason_to_skip(path):
            return True
        if name in self._project.files or name in self._project.index.files or path in self._files.paths:
            return False
        above = next((one for one in self._files.paths if path.is_relative_to(one)), path.parent)
        return not is_admitted(path, above, self._exclude(path.parent))


def _objects(project: Project, name: str, blob: str, raw: bytes) -> tuple[Object, ...]:
    """What stands for a file of a commit, and its objects; those whose text is as it was are not read again."""
    source = decode(raw)
    if isinstance(source, Unreadable) or len(source.text) > MAX_CHARACTERS:
        return (file_before(name, blob, unread=True),)
    same: dict[str, list[Object]] = {}
    for one in project.index.files.get(name, ()):
        same.setdefault(one.document, []).append(one)
    json = is_json(name, source.text)
    found = objects_of(name, source.text, project.ruleset, json=json, known=same)
    return (file_before(name, blob, len(raw)), *map(as_it_was, found))
