"""The files of a revision of git, or of its index, read from its objects: nothing of it is read in the work tree.

This runs git: because a person named a revision or asked for what is staged, or because a policy asks what objects were
at the last commit (`workspace/committed.py`). A repository's configuration can name programs, so git is asked for
nothing that runs one: it lists a tree or the index and prints objects, without filters and hooks, and it may fetch
nothing that is missing (https://git-scm.com/docs/git: GIT_NO_LAZY_FETCH, GIT_ALLOW_PROTOCOL).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

MAX_BYTES: Final = 1_000_000_000
"""Of all files of a revision that are read."""

MAX_SECONDS: Final = 120
"""That git takes for one answer."""
HEAD: Final = "HEAD"

_FAILURES: Final = (subprocess.SubprocessError, OSError, ValueError)
_NOT_FETCHED: Final = "; in a shallow clone, fetch it first (git fetch --depth=1 origin COMMIT)"
_REGULAR: Final = (b"100644", b"100755")
_LINK: Final = b"120000"
_ENVIRONMENT: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


class RevisionError(Exception):
    """A revision or the index cannot be read; says why, and what to do."""


class Revision(Struct, frozen=True):
    """A commit, and the texts of its files by their path from the top of the repository, with slashes."""

    commit: str
    files: Mapping[str, bytes]


class Staged(Struct, frozen=True):
    """The texts of the files in git's index, and which of them the next commit adds or changes.

    Paths count from the top of the repository and have slashes.
    """

    files: Mapping[str, bytes]
    changed: frozenset[str]


def read_staged(top: Path, wanted: Callable[[str], bool]) -> Staged:
    """Read what the next commit would have: the files of git's index.

    Args:
        top: the folder of the repository.
        wanted: whether a file is to be read, by its path.

    Raises:
        RevisionError: there is no git, or the index cannot be read or committed.
    """
    program = _git()
    try:
        listed = _run(program, top, "ls-files", "--stage", "-z", "--full-name")
        objects = [*_staged_objects(listed, wanted)]
        texts = _texts(program, top, [one for _, one in objects])
        changed = _changed(program, top)
    except _FAILURES as error:
        raise RevisionError(f"what is staged cannot be read: {_why(error)}") from None
    files = dict(zip((path for path, _ in objects), texts, strict=True))
    return Staged(files, frozenset(files) if changed is None else changed & files.keys())


def _changed(program: str, top: Path) -> frozenset[str] | None:
    """The files that differ between the last commit and the index; None where nothing was committed yet."""
    try:
        _run(program, top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except subprocess.CalledProcessError:
        return None
    # the plumbing: no setting of a repository adds renames, or programs that compare
    printed = _run(
        program, top, "diff-index", "--cached", "--name-only", "--no-renames", "--diff-filter=d", "-z", "HEAD"
    )
    return frozenset(map(os.fsdecode, filter(None, printed.split(b"\0"))))


def read_revision(top: Path, name: str, wanted: Callable[[str], bool]) -> Revision:
    """Read the files of a revision.

    Args:
        top: the folder of the repository.
        name: what to call it: a commit, a branch, a tag, `HEAD~1`, as for `git rev-parse`.
        wanted: whether a file is to be read, by its path.

    Raises:
        RevisionError: there is no git, or no such revision.
    """
    commit = find_commit(top, name)
    blobs = list_blobs(top, commit, wanted, name=name)
    return Revision(commit, dict(zip(blobs, read_blobs(top, blobs.values()), strict=True)))


def find_commit(top: Path, name: str) -> str:
    """The id of the commit that a name stands for; arguments and errors as for `read_revision`."""
    try:
        found = _run(
            _git(), top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
    except _FAILURES as error:
        why = _why(error)
        hint = f": {why}" if why else _NOT_FETCHED
        raise RevisionError(f"there is no revision '{name}' here{hint}") from None
    return found.decode("ascii").strip()


def list_blobs(
    top: Path,
    commit: str,
    wanted: Callable[[str], bool],
    *,
    name: str = "",
    links: list[str] | None = None,
) -> dict[str, bytes]:
    """The ids of the files of a commit, by their paths.

    Args:
        top: the folder of the repository.
        commit: its id.
        wanted: whether a file is one of those, by its path.
        name: what people call the commit.
        links: where the paths of links and of other repositories in it are noted.

    Raises:
        RevisionError: it cannot be read.
    """
    try:
        listed = _run(_git(), top, "ls-tree", "-r", "-z", "--full-tree", commit)
        return dict(_objects(listed, wanted, links))
    except _FAILURES as error:
        raise RevisionError(f"the files of '{name or commit}' cannot be read: {_why(error)}") from None


def read_blobs(top: Path, ids: Iterable[bytes], most: int = MAX_BYTES) -> list[bytes]:
    """The texts of some files of a repository.

    Args:
        top: the folder of the repository.
        ids: what git calls the texts.
        most: bytes of all together.

    Raises:
        RevisionError: one cannot be read, or they have more than that.
    """
    try:
        return _texts(_git(), top, [*ids], most)
    except _FAILURES as error:
        raise RevisionError(f"the files of a revision cannot be read: {_why(error)}") from None


def _git() -> str:
    program = shutil.which("git")
    if program is None or not os.path.isabs(program):
        raise RevisionError("git is not installed, and it can only be read with that")
    return program


def _why(error: Exception) -> str:
    """What git says; nothing where it says nothing."""
    if isinstance(error, subprocess.CalledProcessError):
        said: bytes = error.stderr or b""
        return said.decode(errors="replace").strip()
    return str(error)


def _staged_objects(listed: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The paths and ids of regular files in what `git ls-files --stage -z` prints."""
    for line in filter(None, listed.split(b"\0")):
        head, _, raw = line.partition(b"\t")
        mode, one, stage = head.split(b" ")
        path = os.fsdecode(raw)
        if stage != b"0":
            raise ValueError(f"'{path}' is not merged yet; finish the merge and add it")
        if mode in _REGULAR and ".." not in path.split("/") and wanted(path):
            yield path, one


def _objects(
    listed: bytes, wanted: Callable[[str], bool], links: list[str] | None
) -> list[tuple[str, bytes]]:
    """The paths and ids of regular files in what `git ls-tree -r -z` prints; `links` is told of what leads on."""
    found = []
    for line in listed.split(b"\0"):
        head, _, raw = line.partition(b"\t")
        mode, *kind = head.split(b" ")
        path = os.fsdecode(raw)
        if mode in _REGULAR and kind[0] == b"blob" and ".." not in path.split("/") and wanted(path):
            found.append((path, kind[1]))
        elif links is not None and (mode == _LINK or kind[:1] == [b"commit"]):
            links.append(path)
    return found


def _texts(program: str, top: Path, ids: list[bytes], most: int = MAX_BYTES) -> list[bytes]:
    """The contents of some objects, as `git cat-file --batch` prints them; their sizes are asked for first."""
    given = b"".join(one + b"\n" for one in ids)
    checked = _run(program, top, "cat-file", "--batch-check", given=given).splitlines()
    sizes: list[int] = []
    for one, line in zip(ids, checked, strict=True):
        head = line.split(b" ")
        if len(head) != 3 or head[0] != one:
            raise ValueError(f"the object {one.decode('ascii', 'replace')} is missing")
        sizes.append(int(head[2]))
    if sum(sizes) > most:
        raise ValueError(f"they have more than {most:,} bytes")
    printed = _run(program, top, "cat-file", "--batch", given=given)
    texts: list[bytes] = []
    at = 0
    for size in sizes:
        at = printed.index(b"\n", at) + 1
        texts.append(printed[at : at + size])
        at += size + 1
    return texts


def _run(program: str, top: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = [program, "--no-pager", "-c", "core.fsmonitor=false", "-C", str(top), *arguments]
    environment = {**os.environ, **_ENVIRONMENT}
    # a program of the machine, with arguments and no shell
    done = subprocess.run(  # noqa: S603
        command, input=given, capture_output=True, check=True, env=environment, timeout=MAX_SECONDS
    )
    return done.stdout
