"""Where what holds for a folder is looked for: settings, and files with exceptions, in it and in those above it."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import unquote

from kscan_lsp.files.discover import repository
from kscan_lsp.settings.exceptions import FILE_NAME, FOLDER
from kscan_lsp.settings.model import FILE_NAMES


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


_NO_FILE: Final = re.compile(r"<|[a-z][a-z0-9+.-]+:")
"""How names begin of what is in no file: standard input, and the other schemes of an editor."""
_OF_WINDOWS: Final = re.compile(r"/[A-Za-z]:")


def top_of(folder: Path | None, settings: Path | None) -> str:
    """The folder from which controls see paths: the checkout around a folder, else that of its outermost settings."""
    if folder is None:
        return ""
    return repository(str(folder)) or str(settings.parent if settings else folder)


def path_in(root: str, name: str) -> str:
    """Where a file is, from a root and with slashes; empty for what is no file there, such as standard input.

    Args:
        root: a folder, absolute; empty where names are such paths already.
        name: what the file is called in a project: a path, from the working directory unless it is absolute, or a URI.
    """
    if not root:
        return name
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file://"))
        name = name[1:] if _OF_WINDOWS.match(name) else name
    elif _NO_FILE.match(name):
        return ""
    path = PurePath(os.path.abspath(name))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


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
