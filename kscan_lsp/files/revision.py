"""The files of a revision of git, or of its index, read from its objects: nothing of it is read in the work tree.

This runs git, and only because a person named a revision or asked for what is staged. A repository's configuration can
name programs, so git is asked for nothing that runs one: it lists a tree or the index and prints objects, without
filters and hooks, and it may fetch nothing that is missing (https://git-scm.com/docs/git: GIT_NO_LAZY_FETCH,
GIT_ALLOW_PROTOCOL).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from kscan_lsp.startup import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MAX_BYTES: Final = 1_000_000_000
"""Of all files of a revision that are read."""

_REGULAR: Final = (b"100644", b"100755")
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


class Revision(NamedTuple):
    """A commit, and the texts of its files by their path from the top of the repository, with slashes."""

    commit: str
    files: Mapping[str, bytes]


class Staged(NamedTuple):
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
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
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
    program = _git()
    try:
        commit = _run(
            program, top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip()
        hint = (
            f": {why}" if why else "; in a shallow clone, fetch it first (git fetch --depth=1 origin COMMIT)"
        )
        raise RevisionError(f"there is no revision '{name}' here{hint}") from None
    found = commit.decode("ascii").strip()
    try:
        listed = _run(program, top, "ls-tree", "-r", "-z", "--full-tree", found)
        objects = [*_objects(listed, wanted)]
        texts = _texts(program, top, [one for _, one in objects])
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        raise RevisionError(f"the files of '{name}' cannot be read: {_why(error)}") from None
    return Revision(found, dict(zip((path for path, _ in objects), texts, strict=True)))


def _git() -> str:
    program = shutil.which("git")
    if program is None or not os.path.isabs(program):
        raise RevisionError("git is not installed, and it can only be read with that")
    return program


def _why(error: Exception) -> str:
    said = getattr(error, "stderr", b"") or b""
    return said.decode(errors="replace").strip() or str(error)


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


def _objects(listed: bytes, wanted: Callable[[str], bool]) -> list[tuple[str, bytes]]:
    """The paths and ids of regular files in what `git ls-tree -r -z` prints."""
    found = []
    for line in listed.split(b"\0"):
        head, _, raw = line.partition(b"\t")
        mode, *kind = head.split(b" ")
        path = os.fsdecode(raw)
        if mode in _REGULAR and kind[0] == b"blob" and ".." not in path.split("/") and wanted(path):
            found.append((path, kind[1]))
    return found


def _texts(program: str, top: Path, ids: list[bytes]) -> list[bytes]:
    """The contents of some objects, as `git cat-file --batch` prints them."""
    printed = _run(program, top, "cat-file", "--batch", given=b"".join(one + b"\n" for one in ids))
    texts: list[bytes] = []
    at = 0
    for one in ids:
        end = printed.index(b"\n", at)
        head = printed[at:end].split(b" ")
        if len(head) != 3 or head[0] != one:
            raise ValueError(f"the object {one.decode('ascii', 'replace')} is missing")
        at = end + 1 + int(head[2])
        texts.append(printed[end + 1 : at])
        at += 1
        if at > MAX_BYTES:
            raise ValueError(f"they have more than {MAX_BYTES:,} bytes")
    return texts


def _run(program: str, top: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = [program, "--no-pager", "-c", "core.fsmonitor=false", "-C", str(top), *arguments]
    environment = {**os.environ, **_ENVIRONMENT}
    # a program of the machine, with arguments and no shell
    return subprocess.run(command, input=given, capture_output=True, check=True, env=environment).stdout  # noqa: S603
