"""Where a path of an object stands in its document.

Engine, fixes and reports only ever speak in paths; this is the single place where a path becomes a span. A value on
one line is marked from its key to its end, a longer one by its key, a list element by its `name` entry or else its
first line. What is not there is marked by its nearest ancestor that is, and what comes through an alias or a merge
where it is used.

Left out on purpose: which file and line a span is in (`workspace/locations.py`), and any cache that outlives the work
it is for: whoever asks for many paths of one object has a `Locator` for that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest, step
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar

if TYPE_CHECKING:
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.data import PathTarget, Tables
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

_LINE_END: Final = regex(r"[\r\n]")


class ResolvedPath(Struct, frozen=True):
    """The place of a path.

    `extents` are the texts that the value rests on: the value itself, or for a missing one the ancestor it is missing
    from, and what an alias or a merge stands for. `definition` is where an alias or a merge takes the value from.
    """

    span: Span
    extents: tuple[Span, ...]
    definition: Span | None = None


def resolve(document: Document, path: Path) -> ResolvedPath:
    """The place of a path that starts at the document's root, or of its nearest ancestor that is there."""
    return _resolved(document.text, nearest(cast("Node", document.root), path))


class FieldOrigin(Protocol):
    """Where the fields of an object that is not as its document has it come from."""

    def written(self, path: Path) -> tuple[Path, bool]:
        """The path in the document of what is at a path, or of its nearest ancestor; and whether it is all there."""


class Locator:
    """Paths of one object, resolved while it is evaluated: its findings have most of their ways in common."""

    def __init__(self, document: Document, root: Path, origin: FieldOrigin | None = None) -> None:
        self._document = document
        self._root = root
        self._origin = origin
        self._places: dict[Path, PathTarget] = {}
        self._tables: Tables = {}
        self._resolved: dict[Path, ResolvedPath] = {}

    def resolve(self, path: Path) -> ResolvedPath:
        """The place of a path that starts at the object, or of its nearest ancestor that is there."""
        if self._origin is not None:
            path, _ = self._origin.written(path)
        place = self._places.get(path) or self._place(path)
        depth = place.depth - len(self._root)
        there = path if depth == len(path) else path[:depth]
        found = self._resolved.get(there)
        if found is None:
            found = self._resolved[there] = _resolved(self._document.text, place)
        return found

    def _place(self, path: Path) -> PathTarget:
        if path:
            above = path[:-1]
            before = self._places.get(above) or self._place(above)
            whole = before.depth == len(self._root) + len(above)
            found = (whole and step(before, path[-1], self._tables)) or before
        else:
            found = nearest(cast("Node", self._document.root), self._root)
        self._places[path] = found
        return found


def _resolved(text: str, place: PathTarget) -> ResolvedPath:
    node = place.node
    if place.via is not None:
        used = place.via_entry
        start, end = (used.key.start, used.value.end) if used else (place.via.start, place.via.end)
        definition = (
            _entry_span(text, place.entry.key, node) if place.entry else _one_line(text, node.start, node.end)
        )
        extents = (Span(start, end), Span(definition.start, node.end))
        return ResolvedPath(_one_line(text, start, end), extents, definition)
    if place.entry is None:
        span, extent = _element_span(text, node), Span(node.start, node.end)
    else:
        key = place.entry.key
        span, extent = _entry_span(text, key, node), Span(key.start, max(key.end, node.end))
    if isinstance(node, Alias):
        target = node.target
        return ResolvedPath(span, (extent, Span(target.start, target.end)), _element_span(text, target))
    return ResolvedPath(span, (extent,))


def _element_span(text: str, node: Node) -> Span:
    """A list element or a whole object: the entry that names it, else its first line."""
    if isinstance(node, Mapping):
        for wanted in ("name", "kind"):
            for entry in node.entries:
                if (
                    isinstance(entry.key, Scalar)
                    and entry.key.value == wanted
                    and isinstance(entry.value, Scalar)
                ):
                    return _entry_span(text, entry.key, entry.value)
    return _one_line(text, node.start, node.end)


def _entry_span(text: str, key: Node, value: Node) -> Span:
    if value.start == value.end or _LINE_END.search(text, key.start, value.end):
        return Span(key.start, key.end)
    return Span(key.start, value.end)


def _one_line(text: str, start: int, end: int) -> Span:
    line_end = _LINE_END.search(text, start, end)
    stop = line_end.start() if line_end else end
    return Span(start, start + len(text[start:stop].rstrip()))
