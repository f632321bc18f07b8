"""Which files are manifests, read; and what a file is called in what people read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

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


class RealPaths:
    """Where files really lie. The links of a folder are followed once for all that lies in it."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def of(self, path: Path) -> str:
        """As `os.path.realpath` says it."""
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir) or os.path.islink(path):
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)


def display_name(path: Path) -> str:
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
) -> SourceText | encoding.Unreadable | str:
    """Read a file, unless it is to be left alone.

    Args:
        path: the file.
        partials: what the folders around it say about it.
        named: the user named it, so that it counts whatever it looks like.
        read: where its text comes from, if not from the disk.

    Returns:
        Its text, why it cannot be read, or the reason to leave it alone (one of `report.SKIP_REASONS`).
    """
    reason = partials.reason_to_skip(path)
    if reason and reason != "helm-template":
        return reason
    source = read(path)
    if reason and not (isinstance(source, encoding.SourceText) and is_rendered(source.text)):
        return reason
    if named or not is_json(path.name, "") or isinstance(source, encoding.Unreadable):
        return source
    # most JSON in a tree is data of other programs: no business of ours even if broken
    relevant = '"apiVersion"' in source.text and '"kind"' in source.text
    return source if relevant else "not-kubernetes"
