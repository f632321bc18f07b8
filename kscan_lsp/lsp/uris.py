"""Names of files: the editor's URIs, paths, and the keys that files have in a project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from pygls.uris import to_fs_path

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PATH: Final = 4096
"""Bytes of a path; with as many or more, no system that we run on has a file."""

RENDERED: Final = "kscan-rendered"
"""The scheme of what charts and overlays render to, which is in no file."""


def path_of(uri: str) -> Path | None:
    """The file a URI stands for; None for an unsaved buffer, other schemes, and what no file of this machine is called.

    What cannot be a path here, such as one of another system or one with a NUL, is no reason to do less: the text of
    such a document comes from the editor like any other.
    """
    if not uri.startswith("file:"):
        return None
    try:
        name = (to_fs_path(uri) or "").removeprefix("//localhost")
        path = Path(name)
        usable = path.is_absolute() and "\0" not in name and len(os.fsencode(name)) < MAX_PATH
    except ValueError:  # no URI, or no text that a name can be written in
        return None
    # a name of another machine: only Windows has it among its paths
    elsewhere = os.name == "posix" and name.startswith("//")
    return path if usable and not elsewhere else None


def key_of(path: Path | None, uri: str) -> str:
    """What a file is called in a project: one URI for each file, however the editor writes it."""
    return path.as_uri() if path and path.is_absolute() else uri


def name_in(path: Path | None, folders: Sequence[Path]) -> str:
    """A file's name: relative to its folder, which it starts with where there are several; "" without a file."""
    if path is None:
        return ""
    around = [folder for folder in folders if path.is_relative_to(folder)]
    if not around:
        return path.as_posix()
    folder = max(around, key=lambda folder: len(folder.parts))
    return path.relative_to(folder.parent if len(folders) > 1 else folder).as_posix()


def rendered_uri(folder: Path, name: str, values: str = "") -> str:
    """What an editor calls what a chart or an overlay renders to; `rendering_of` reads it.

    Args:
        folder: where the chart or the overlay is.
        name: what the editor is to show as its name; with `.yaml` at its end, so that it is taken for what it is.
        values: what the rendering of a chart is called; empty for what an overlay builds.
    """
    return f"{RENDERED}://{folder.as_uri().removeprefix('file://')}/{quote(name, safe='')}?{quote(values, safe='')}"


def is_rendering(uri: str) -> bool:
    """Whether it is what a chart or an overlay renders to that an editor calls so."""
    return uri.startswith(f"{RENDERED}:")


def rendering_of(uri: str) -> tuple[Path, str] | None:
    """The folder of a chart or an overlay, and the values, that a URI of a rendering names; None for any other."""
    if not is_rendering(uri):
        return None
    name, _, values = uri.removeprefix(f"{RENDERED}:").partition("?")
    path = path_of(f"file:{name}")
    return (path.parent, unquote(values)) if path else None
