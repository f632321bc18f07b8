"""The way to a path in a document, and when to give up on it.

The way is walked over the tree, not over the data: what an alias or a merge brings along stands somewhere
else, and an edit there would change other places too. Everything doubtful ends in `CannotEdit` with a
reason in words, which the public functions of this package turn into a `Refusal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.edits.layout import CannotEdit, children, is_null, last_leaf, node_start, nodes
from kscan_lsp.paths import show
from kscan_lsp.yaml.data import is_merge, key_of
from kscan_lsp.yaml.tree import Alias, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

_COLLECTIONS: Final = (Mapping, Sequence)


class Step(Struct, frozen=True):
    """One element of a path that is there: which child of which collection."""

    parent: Mapping | Sequence
    index: int

    @property
    def entry(self) -> Entry | None:
        """The entry of a mapping, None in a list."""
        return self.parent.entries[self.index] if isinstance(self.parent, Mapping) else None

    @property
    def node(self) -> Node:
        """The value."""
        return children(self.parent)[self.index]


class Way(Struct, frozen=True):
    """How far a path leads: the steps that are there, the node where they end, and what is missing."""

    steps: tuple[Step, ...]
    node: Node
    missing: Path


def walk(document: Document, path: Path) -> Way:
    """Follow a path as far as it exists.

    Raises:
        CannotEdit: something on the way is shared with other places, doubtful, or no such collection as the
            path says.
    """
    if document.root is None:
        raise CannotEdit("this document holds nothing that could be edited")
    used = _used_anchors(document.root)
    node = document.root
    steps: list[Step] = []
    for depth, element in enumerate(path):
        _check_unshared(node, path[:depth], used)
        _check_repaired(document, node)
        if isinstance(node, Mapping) and isinstance(element, str):
            index = _entry_index(node, element)
        elif isinstance(node, Sequence) and isinstance(element, int):
            index = element if element < len(node.items) else None
        elif is_null(node):
            index = None
        else:
            kind = "mapping" if isinstance(element, str) else "list"
            raise CannotEdit(f"{_named(path[:depth])} is no {kind}")
        if index is None or not isinstance(node, _COLLECTIONS):
            return Way(tuple(steps), node, path[depth:])
        step = Step(node, index)
        steps.append(step)
        node = step.node
    return Way(tuple(steps), node, ())


def same(one: object, other: object) -> bool:
    """Whether two plain values are the same to Kubernetes: unlike in Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def differing(one: object, other: object, path: Path = ()) -> Iterator[Path]:
    """The paths at which two plain values are not the `same`; lists of other lengths are different as a whole."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from differing(one.get(key), other.get(key), (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differing(a, b, (*path, number))
    elif not same(one, other):
        yield path


def check_unshared(document: Document, node: Node, path: Path) -> None:
    """Refuse to change what other places share, or what has a tag.

    Raises:
        CannotEdit: the node is an alias, or anchored and used, or tagged, or a line in it could not be read.
    """
    _check_unshared(node, path, _used_anchors(document.root))
    _check_repaired(document, node)


def check_removable(document: Document, step: Step, path: Path) -> None:
    """Refuse to take away what other places use.

    Raises:
        CannotEdit: the child, its key or something inside it is anchored and used by an alias.
    """
    used = _used_anchors(document.root)
    for node in (step.node, step.entry.key) if step.entry else (step.node,):
        for inner in nodes(node):
            if id(inner) in used and not isinstance(inner, Alias):
                raise CannotEdit(f"{_named(path)} holds the anchor &{inner.anchor}, which other places use")


def _check_unshared(node: Node, path: Path, used: set[int]) -> None:
    if isinstance(node, Alias):
        raise CannotEdit(f"{_named(path)} is the alias *{node.name}, whose value other places share")
    if id(node) in used:
        raise CannotEdit(f"{_named(path)} has the anchor &{node.anchor}, which other places use")
    if node.tag is not None:
        raise CannotEdit(f"{_named(path)} has the tag {node.tag}")


def _check_repaired(document: Document, node: Node) -> None:
    """Refuse where a line that could not be read belongs to the node, or stands right before or after it."""
    if not document.blanked:
        return
    text = document.text
    for start, end in document.blanked:
        text = text[:start] + " " * (end - start) + text[end:]
    first = len(text[: node_start(node)].rstrip())
    last = len(text) - len(text[last_leaf(node).end :].lstrip())
    if any(start < last and end > first for start, end in document.blanked):
        raise CannotEdit("a line here could not be read")


def _entry_index(mapping: Mapping, key: str) -> int | None:
    """Which entry has a key; None where none has.

    Raises:
        CannotEdit: more than one has it, a merge brings it along, or it is written as `? key`.
    """
    found = [index for index, entry in enumerate(mapping.entries) if _has_key(entry, key)]
    printed = show((key,))
    if len(found) > 1:
        raise CannotEdit(f"the key {printed} is there twice")
    if any(is_merge(entry) and _provides(entry.value, key, set()) for entry in mapping.entries):
        raise CannotEdit(f"the key {printed} comes along with a merge (<<)")
    if not found:
        return None
    entry = mapping.entries[found[0]]
    if entry.explicit or not isinstance(entry.key, Scalar):
        raise CannotEdit(f"the key {printed} is written in an unusual way")
    return found[0]


def _provides(source: Node, key: str, seen: set[int]) -> bool:
    """Whether the value of a merge key brings a key along."""
    if id(source) in seen:
        return False
    seen.add(id(source))
    if isinstance(source, Alias):
        return _provides(source.target, key, seen)
    if isinstance(source, Sequence):
        return any(_provides(item, key, seen) for item in source.items)
    if not isinstance(source, Mapping):
        return False
    return any(
        _provides(entry.value, key, seen) if is_merge(entry) else key_of(entry) == key
        for entry in source.entries
    )


def _has_key(entry: Entry, key: str) -> bool:
    return key_of(entry) == key and not is_merge(entry)


def _used_anchors(root: Node | None) -> set[int]:
    """Identities of the nodes that an alias stands for."""
    return {id(node.target) for node in nodes(root) if isinstance(node, Alias)}


def _named(path: Path) -> str:
    return show(path) or "the document"
