"""The addresses that a git checkout was fetched from, as its configuration has them: git itself is not run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.files import encoding
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from pathlib import Path

_URL: Final = regex(r"(?m)^\s*url\s*=\s*(\S+)\s*$")
_MOST_GIT: Final = 1_000_000


def remotes(top: Path) -> set[str]:
    """The addresses of a checkout's remotes."""
    git = top / ".git"
    if git.is_file():  # a worktree, or a submodule
        raw = encoding.read_bytes(git, _MOST_GIT)
        text = "" if isinstance(raw, encoding.Unreadable) else raw.decode(errors="replace")
        git = top / text.removeprefix("gitdir:").strip()
        common = git / "commondir"
        if common.is_file():
            raw = encoding.read_bytes(common, _MOST_GIT)
            git /= "" if isinstance(raw, encoding.Unreadable) else raw.decode(errors="replace").strip()
    raw = encoding.read_bytes(git / "config", _MOST_GIT) if (git / "config").is_file() else b""
    text = "" if isinstance(raw, encoding.Unreadable) else raw.decode(errors="replace")
    return {repository_name(url) for url in _URL.findall(text)}


def repository_name(url: str) -> str:
    """A repository's host and path, however it is reached: `git@host:a/b.git` is `https://host/a/b`."""
    name = re.sub(r"^[a-z+]+://", "", url.strip())
    name = re.sub(r"^[^@/]*@", "", name)
    name = re.sub(r"^([^/:]+):(?:\d+/)?", r"\1/", name)
    return name.removesuffix("/").removesuffix(".git").lower()
