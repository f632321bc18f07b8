"""Which files are manifests, read; and what a file is called in what people read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.files import encoding
from kscan_lsp.files.partials import ACTION
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kscan_lsp.files.encoding import SourceText
    from kscan_lsp.files.partials import Partials

_YAML: Final = frozenset((".yaml", ".yml"))
_JSON_OBJECT: Final = regex(r"""\s*\{\s*["}]""")


def is_rendered(text: str) -> bool:
    """Whether a file of a chart is the manifest that it renders to: there is no action in it."""
    return ACTION not in text


class FilePlace(Struct, frozen=True):
    """Where a file is: its folder, absolute, its own name, what it is called in reports, and where it really lies."""

    folder: str
    name: str
    shown: str
    real: str


class FilePlaces:
    """Where files are. What is the same for all files of a folder is asked once."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[str, str, str]] = {}
        """By the folder as it is named: its absolute path, and what shown and real paths in it begin with."""

    def of(self, path: Path, *, link: bool | None = None) -> FilePlace:
        """Where a file is; it really lies where `os.path.realpath` says.

        Args:
            path: the file.
            link: whether it is a link itself; asked of the system where nobody says so.
        """
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            return FilePlace(
                *os.path.split(os.path.abspath(path)), display_name(path), os.path.realpath(path)
            )
        known = self._folders.get(folder)
        if known is None:
            shown = display_name(os.path.join(folder, "x"))[:-1]  # the working directory itself is called `.`
            known = os.path.abspath(folder), shown, os.path.join(os.path.realpath(folder), "")
            self._folders[folder] = known
        absolute, shown, real = known
        return FilePlace(
            absolute,
            name,
            shown + name.replace(os.sep, "/"),
            os.path.realpath(path) if (os.path.islink(path) if link is None else link) else real + name,
        )


def display_name(path: Path | str) -> str:
    """A file's name in reports: relative to the working directory where it lies below it, with slashes."""
    # as texts: it is asked about each of ten thousand files, and makes no path on the way
    absolute, here = os.path.abspath(path), os.getcwd()
    below = os.path.join(here, "")
    if os.path.normcase(absolute).startswith(os.path.normcase(below)):
        absolute = absolute[len(below) :]
    elif absolute == here:
        absolute = os.curdir
    return absolute.replace(os.sep, "/")


def is_json(name: str, text: str) -> bool:
    """Whether a text is JSON: by its file's name, and where that does not tell, by how it begins, as for kubectl.

    An editor's buffer and a file on disk are asked about here alone, so that both are read alike. What a client calls
    the language is no answer: it may be `jsonc`, or set by hand.
    """
    suffix = os.path.splitext(name)[1].lower()
    return suffix == ".json" or (suffix not in _YAML and bool(_JSON_OBJECT.match(text)))


def read_manifest(
    path: Path,
    partials: Partials,
    *,
    named: bool,
    read: Callable[[Path], SourceText | encoding.Unreadable] = encoding.read,
    place: FilePlace | None = None,
) -> SourceText | encoding.Unreadable | str:
    """Read a file, unless it is to be left alone.

    Args:
        path: the file.
        partials: what the folders around it say about it.
        named: the user named it, so that it counts whatever it looks like.
        read: where its text comes from, if not from the disk.
        place: where it is, if that is known.

    Returns:
        Its text, why it cannot be read, or the reason to leave it alone (one of `report.SKIP_REASONS`).
    """
    reason = partials.reason_in(place.folder, place.name) if place else partials.reason_to_skip(path)
    if reason and reason != "helm-template":
        return reason
    source = read(path)
    if reason and not (isinstance(source, encoding.SourceText) and is_rendered(source.text)):
        return reason
    name = path.name
    if named or not (name.lower().endswith(".json") and is_json(name, "")):
        return source
    if isinstance(source, encoding.Unreadable):
        return source
    # most JSON in a tree is data of other programs: no business of ours even if broken
    relevant = '"apiVersion"' in source.text and '"kind"' in source.text
    return source if relevant else "not-kubernetes"
