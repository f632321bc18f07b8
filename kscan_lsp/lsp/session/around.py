"""Where and when: the folders that a file lies in, of the workspace and with settings of their own, and the day."""

from __future__ import annotations

from datetime import UTC, date, datetime
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


def today() -> date:
    """The day that suppressions are compared with."""
    return datetime.now(UTC).date()
