"""Which commit a folder is checked out at, read from the files of git; git itself is never run.

A repository may be somebody else's, and its configuration can name programs that git would run. So only what says the
commit is read: `HEAD`, the file of the branch, `packed-refs`, and for a linked worktree what leads to them. Only
regular files of a bounded size, none through a link that leaves the folder of git, and a folder of git elsewhere only
where that says itself that it belongs here. Whatever is not as git writes it is no commit, and no error.

Left out on purpose: whether files were changed since. That takes comparing all of them with the index.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

from kscan_lsp.files.discover import repository
from kscan_lsp.files.encoding import Unreadable, read_bytes
from kscan_lsp.regex import regex

_MAX_LINE_FILE: Final = 4_096
"""Bytes of a file that holds one line."""
_MAX_PACKED: Final = 8_000_000
"""Bytes of `packed-refs`, which has a line for each branch and tag."""

_ID: Final = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF: Final = regex(r"refs(?:/[^/\s.~^:?*\[\\\x00-\x20\x7f](?:[^/\s~^:?*\[\\\x00-\x20\x7f.]|\.(?!\.))*)+")
"""Names of refs that git allows (`git check-ref-format`), and no path that leads elsewhere."""
_BRANCHES: Final = "refs/heads/"


class Commit(Struct, frozen=True):
    """What is checked out in `folder`: the commit's full id, and the branch, empty where none is checked out."""

    folder: Path
    id: str
    branch: str


def commit_of(path: Path) -> Commit | None:
    """What is checked out where a file or folder lies; None where that is no checkout, or its files do not say."""
    start = os.path.abspath(path)
    top = repository(start if os.path.isdir(start) else os.path.dirname(start))
    folder = _git_folder(top) if top else None
    head = _line(folder, "HEAD") if folder else ""
    if folder is None or not head:
        return None
    if _ID.fullmatch(head):
        return Commit(Path(top), head, "")
    ref = head.removeprefix("ref:").strip()
    if head == ref or not _REF.fullmatch(ref):
        return None
    common = _common_folder(folder)
    found = _line(folder, ref) or _line(common, ref) or _packed(common, ref)
    if not _ID.fullmatch(found):
        return None
    return Commit(Path(top), found, ref.removeprefix(_BRANCHES) if ref.startswith(_BRANCHES) else "")


def _git_folder(top: str) -> str | None:
    """The folder of git of a checkout: `.git`, or where the file of that name leads, if that leads back."""
    named = os.path.join(top, ".git")
    if os.path.islink(named):
        return None
    if os.path.isdir(named):
        return named
    line = _line(top, ".git")
    if not line.startswith("gitdir:"):
        return None
    folder = os.path.normpath(os.path.join(top, line.removeprefix("gitdir:").strip()))
    # a linked worktree: git writes down there which one it is
    if (back := _line(folder, "gitdir")) and _same(os.path.join(folder, back), named):
        return folder
    # a submodule: its folder lies in that of the checkout around it
    outer = repository(os.path.dirname(top))
    inside = os.path.join(os.path.realpath(outer), ".git", "modules", "")
    return folder if outer and os.path.realpath(folder).startswith(inside) else None


def _common_folder(folder: str) -> str:
    """Where the refs are that all worktrees share."""
    named = _line(folder, "commondir")
    common = os.path.normpath(os.path.join(folder, named)) if named else folder
    # as git makes it: <common>/worktrees/<name>
    return common if _same(os.path.join(common, "worktrees", os.path.basename(folder)), folder) else folder


def _packed(folder: str, ref: str) -> str:
    """The id that `packed-refs` has for a ref; empty where it has none."""
    raw = _read(folder, "packed-refs", _MAX_PACKED)
    wanted = b" " + ref.encode()
    return next(
        (
            line[: -len(wanted)].decode("ascii", "replace")
            for line in raw.splitlines()
            if line.endswith(wanted)
        ),
        "",
    )


def _line(folder: str, name: str) -> str:
    """The only line of a file; empty where there is no such file, or more in it."""
    raw = _read(folder, name, _MAX_LINE_FILE)
    lines = raw.decode("utf-8", "replace").splitlines()
    return lines[0].strip() if len(lines) == 1 else ""


def _read(folder: str, name: str, most: int) -> bytes:
    path = os.path.join(folder, *name.split("/"))
    real = os.path.realpath(folder)
    if not os.path.realpath(path).startswith(os.path.join(real, "")):
        return b""
    raw = read_bytes(Path(path), most)
    return b"" if isinstance(raw, Unreadable) else raw


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
