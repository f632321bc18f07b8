"""Where what holds for a folder is looked for: settings, and files with exceptions, in it and in those above it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kscan_lsp.files.discover import repository
from kscan_lsp.settings.exceptions import FILE_NAME, FOLDER
from kscan_lsp.settings.model import FILE_NAMES

if TYPE_CHECKING:
    from pathlib import Path


def find_settings(start: Path) -> Path | None:
    """The settings file of a folder: in it or in the nearest folder above that has one."""
    return next(filter(None, map(settings_in, (start, *start.parents))), None)


def settings_in(folder: Path) -> Path | None:
    """The settings file that stands in a folder."""
    # `Path.is_file` raises where nobody may look, and where no file can be called so
    paths = (folder / name for name in FILE_NAMES)
    return next((path for path in paths if os.path.isfile(path)), None)


def has_own(folder: Path) -> bool:
    """Whether something holds for a folder and not for the one around it: settings, or exceptions."""
    return settings_in(folder) is not None or exceptions_in(folder) is not None


def settings_above(path: Path) -> tuple[Path, ...]:
    """A settings file and those above, on top of which it holds, the outermost first.

    Those are all in the checkout that it lies in; without a checkout, all there are.
    """
    top = repository(str(path.parent))
    above = [folder for folder in path.parent.parents if not top or folder.is_relative_to(top)]
    return (*filter(None, map(settings_in, reversed(above))), path)


def is_exceptions_file(path: Path | None) -> bool:
    """Whether a path is that of the file with exceptions of a folder."""
    return path is not None and path.name == FILE_NAME and path.parent.name == FOLDER


def exceptions_in(folder: Path) -> Path | None:
    """The file with exceptions of a folder."""
    path = folder / FOLDER / FILE_NAME
    return path if os.path.isfile(path) else None


def exceptions_above(folder: Path) -> tuple[Path, ...]:
    """The files with exceptions of a folder and of those above it in the same checkout, the innermost first."""
    top = repository(str(folder))
    above = [one for one in (folder, *folder.parents) if not top or one.is_relative_to(top)]
    return tuple(filter(None, map(exceptions_in, above)))
