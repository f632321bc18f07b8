"""What stands around a place of a tree: every node that holds it, and the path that leads there.

The other direction than `data.nearest`: from where somebody points in the text to what that is. It follows the text and
not its meaning, so an alias is where the way ends, and a merge key is a key as any other.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.text import Span
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.tree import Entry, Node


class Around(Struct, frozen=True):
    """What holds a place, from the outside in."""

    spans: tuple[Span, ...]
    """The root, and in it items, entries from key to value, keys and values; each inside the one before."""
    path: Path
    """Of the last value that holds the place, or whose key does."""


def around(root: Node, at: int) -> Around:
    """What holds a place in a document; the end of something is still in it.

    Args:
        root: the tree.
        at: an offset in the document's text.

    Returns:
        No spans where the place is outside of the tree.
    """
    if not root.start <= at <= root.end:
        return Around((), ())
    spans = [Span(root.start, root.end)]
    path: list[str | int] = []
    node: Node | None = root
    while node is not None:
        if isinstance(node, Mapping):
            entry = _entry_at(node, at)
            key = None if entry is None else key_of(entry)
            if entry is None or key is None:
                break
            path.append(key)
            spans.append(Span(entry.key.start, max(entry.key.end, entry.value.end)))
            node = next((part for part in (entry.key, entry.value) if part.start <= at <= part.end), None)
        elif isinstance(node, Sequence):
            index = bisect_right(node.items, at, key=lambda item: item.start) - 1
            if index < 0 or at > node.items[index].end:
                break
            path.append(index)
            node = node.items[index]
        else:
            break
        if node is not None:
            spans.append(Span(node.start, node.end))
    return Around(tuple(dict.fromkeys(spans)), tuple(path))


def _entry_at(mapping: Mapping, at: int) -> Entry | None:
    index = bisect_right(mapping.entries, at, key=lambda entry: entry.key.start) - 1
    if index < 0:
        return None
    entry = mapping.entries[index]
    return entry if at <= max(entry.key.end, entry.value.end) else None


def blocks(root: Node) -> Iterator[Span]:
    """Every collection and block scalar from its key, or its own start, to its end, in the order of the text."""
    waiting: list[tuple[int, Node]] = [(root.start, root)]
    while waiting:
        start, node = waiting.pop()
        if not isinstance(node, Scalar) or node.style in ("|", ">"):
            yield Span(start, node.end)
        if isinstance(node, Mapping):
            waiting += ((entry.key.start, entry.value) for entry in reversed(node.entries))
        elif isinstance(node, Sequence):
            waiting += ((item.start, item) for item in reversed(node.items))
