"""Which folders a file lies in: of those of the workspace, and of those with settings of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def innermost(path: Path, folders: Iterable[Path]) -> Path | None:
    """The innermost of some folders that a path lies in, or is."""
    around = [folder for folder in folders if path.is_relative_to(folder)]
    return max(around, key=lambda folder: len(folder.parts), default=None)


def folders_around(path: Path, folders: Iterable[Path]) -> list[Path]:
    """The folders that a file lies in below the innermost of some."""
    top = innermost(path, folders)
    return [folder for folder in path.parents if top and folder != top and folder.is_relative_to(top)]
