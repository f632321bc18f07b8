"""What a tree means: plain Python values as kubectl has them, and the way from a path back to its place.

Values are dict (string keys, in the order of the text), list, str, int, float, bool and None. Aliases become
shared objects, so nothing is exponential, and merges are applied as go-yaml 2 does: in the order of the text,
later entries winning over earlier ones, so that `<<` in the last line overrides the keys before it. A value
is cut to None, with a problem, where kubectl would refuse it or where a walk over it would not end.

Left out on purpose: reading text (`reader.py`), changing it (`edits.py`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from msgspec import Struct

from kscan_lsp.findings import Problem
from kscan_lsp.text import Span
from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.tree import MAX_DEPTH, Alias, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.tree import Node

MAX_SHARED: Final = 100_000
"""How many values may be reached through aliases, counted as often as they are reached."""

_MERGE_TAGS: Final = frozenset({None, "tag:yaml.org,2002:merge"})


class Data(NamedTuple):
    """Plain values, and what kept parts of the tree out of them."""

    value: Any
    problems: tuple[Problem, ...]


class PathTarget(Struct, frozen=True, eq=False):
    """Where a path leads."""

    entry: Entry | None
    """The mapping entry found last; None for the root or a list item."""
    node: Node
    """What stands there; an alias stays an alias."""
    parent: Mapping | Sequence | None
    """The collection that holds it, perhaps behind an alias; None for the root."""
    via: Alias | None
    """The first alias that was followed, by value or by merge."""
    via_entry: Entry | None
    """The entry whose value, or one of whose merged mappings, is `via`; None in a list."""
    depth: int
    """How many elements of the path were found."""


def data_of(node: Node | None) -> Data:
    """The plain values of a tree, as kubectl reads them.

    Args:
        node: the root of a tree, or None for an empty document.

    Returns:
        The values, shared where aliases share them, without cycles and at most `MAX_DEPTH` deep; and the
        problems: `duplicate-key` (the last one counts), `type` (kubectl refuses it) and `limit`. Past a limit
        the value is None; an alias to what it stands in is None in its place.
    """
    reading = _ValueReader()
    value = None if node is None else reading.value(node, 0)
    return Data(None if reading.exhausted else value, tuple(reading.problems))


def find(root: Node, path: Path) -> PathTarget | None:
    """The place of a path; None where it is not there."""
    place = nearest(root, path)
    return place if place.depth == len(path) else None


def nearest(root: Node, path: Path) -> PathTarget:
    """The place of a path, or of its nearest ancestor that is there (`depth` says how far it went)."""
    place = start(root)
    for element in path:
        following = step(place, element)
        if following is None:
            return place
        place = following
    return place


def start(root: Node) -> PathTarget:
    """The place of the empty path."""
    return PathTarget(None, root, None, None, None, 0)


def key_of(entry: Entry) -> str | None:
    """The string an entry's key becomes; None where kubectl refuses the key."""
    key = entry.key.target if isinstance(entry.key, Alias) else entry.key
    return scalars.value_as_key(key.value) if isinstance(key, Scalar) else None


def is_merge(entry: Entry) -> bool:
    """Whether an entry is `<<: ...`, to be merged. A quoted `"<<"` is an ordinary key."""
    key = entry.key
    return isinstance(key, Scalar) and key.value == "<<" and key.style == "" and key.tag in _MERGE_TAGS


MANY: Final = 30
"""Entries of a mapping from which they are told apart by a table, where many are looked for."""

Tables: TypeAlias = "dict[int, dict[str, Entry] | None]"
"""By the identity of a mapping, the entry that decides each key; None where it takes more than its own entries."""


def step(place: PathTarget, element: str | int, tables: Tables | None = None) -> PathTarget | None:
    """The place one element further on; None where there is none.

    Args:
        place: where to start.
        element: a key or an index.
        tables: of mappings of the same tree, for who looks for many places in it.
    """
    here, via, via_entry = place.node, place.via, place.via_entry
    if isinstance(here, Alias):
        if via is None:
            via, via_entry = here, place.entry
        here = here.target
    if isinstance(here, Sequence):
        if isinstance(element, int) and 0 <= element < len(here.items):
            return PathTarget(None, here.items[element], here, via, via_entry, place.depth + 1)
        return None
    if not isinstance(here, Mapping) or not isinstance(element, str):
        return None
    found = _entry(here, element, tables)
    if found is None:
        return None
    entry, holder, merged, merged_entry = found
    if via is None:
        via, via_entry = merged, merged_entry
    return PathTarget(entry, entry.value, holder, via, via_entry, place.depth + 1)


def _entry(
    mapping: Mapping, key: str, tables: Tables | None
) -> tuple[Entry, Mapping, Alias | None, Entry | None] | None:
    """The entry that decides a key, the mapping it is in, and the first alias of a merge that led there."""
    if tables is not None and len(mapping.entries) >= MANY:
        if id(mapping) not in tables:
            tables[id(mapping)] = _table(mapping)
        if (table := tables[id(mapping)]) is not None:
            there = table.get(key)
            return None if there is None else (there, mapping, None, None)
    for entry in reversed(mapping.entries):
        name = entry.key
        if type(name) is not Scalar or type(name.value) is not str or name.value == "<<":
            return _merged_entry(mapping, key)
        if name.value == key:
            return entry, mapping, None, None
    return None


def _table(mapping: Mapping) -> dict[str, Entry] | None:
    table: dict[str, Entry] = {}
    for entry in mapping.entries:
        name = entry.key
        if type(name) is not Scalar or type(name.value) is not str or name.value == "<<":
            return None
        table[name.value] = entry
    return table


def _merged_entry(mapping: Mapping, key: str) -> tuple[Entry, Mapping, Alias | None, Entry | None] | None:
    """The same for keys of all kinds, and with merges."""
    seen = {id(mapping)}
    via: Alias | None = None
    via_entry: Entry | None = None
    # merges within merges, the strongest first; not recursive, because their chains have no limit
    open_mappings = [(mapping, _steps(mapping), via, via_entry)]
    while open_mappings:
        holder, steps, via, via_entry = open_mappings[-1]
        found = next(steps, None)
        if found is None:
            open_mappings.pop()
            continue
        entry, source = found
        if source is None:
            if key_of(entry) == key:
                return entry, holder, via, via_entry
            continue
        target = source.target if isinstance(source, Alias) else source
        if isinstance(target, Mapping) and id(target) not in seen:
            seen.add(id(target))
            if via is None and isinstance(source, Alias):
                via, via_entry = source, entry
            open_mappings.append((target, _steps(target), via, via_entry))
    return None


def _steps(mapping: Mapping) -> Iterator[tuple[Entry, Node | None]]:
    """What decides the keys of a mapping, the strongest first: entries, and the sources of merges."""
    for entry in reversed(mapping.entries):
        if is_merge(entry):
            for source in _sources(entry):
                yield entry, source
        else:
            yield entry, None


def _sources(merge: Entry) -> list[Node]:
    """What a `<<` entry merges, the strongest first. As in go-yaml, no alias to a sequence."""
    return merge.value.items if isinstance(merge.value, Sequence) else [merge.value]


def _bad_key(mapping: Mapping, key: Node) -> str:
    if isinstance(key, Mapping) and mapping.flow and key.flow and key.start == mapping.start + 1:
        return "'{{' is template language, not YAML; render the template first, or quote the value"
    return "kubectl takes only strings, numbers and booleans as keys"


class _ValueReader:
    """One walk over a tree. Aliases point back, so a target is mostly done, or open, when its alias comes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.done: dict[int, tuple[Any, int, int]] = {}  # anchored node -> value, number of values, height
        self.open: set[int] = set()  # anchored nodes around the one being read
        self.count = 0
        self.deepest = 0
        self.shared = 0
        self.exhausted = False

    def value(self, node: Node, depth: int) -> Any:
        if isinstance(node, Scalar):
            self.count += 1
            value = node.value
            if type(value) is float and not math.isfinite(value):
                self.refuse(node, "JSON has no infinity and no NaN, so kubectl refuses this document")
                value = None
            if node.anchor is not None:
                self.done[id(node)] = value, 1, 0
            return value
        if isinstance(node, Alias):
            return self.alias(node, depth)
        if node.anchor is None:
            return self.collection(node, depth)
        count, deepest = self.count, self.deepest
        self.deepest = depth
        self.open.add(id(node))
        value = self.collection(node, depth)
        self.open.discard(id(node))
        self.done[id(node)] = value, self.count - count, self.deepest - depth
        self.deepest = max(deepest, self.deepest)
        return value

    def collection(self, node: Mapping | Sequence, depth: int) -> Any:
        self.count += 1
        depth += 1
        if depth > self.deepest:  # noqa: PLR1730 - a call for each collection
            self.deepest = depth
        if isinstance(node, Sequence):
            return [self.value(item, depth) for item in node.items]
        result: dict[str, Any] = {}
        own: set[str] | None = (
            None  # the keys written here, where others were merged, which may be written, too
        )
        plain = 0
        for entry in node.entries:
            name, value = entry.key, entry.value
            key = name.value if type(name) is Scalar else None
            if type(key) is not str or key == "<<":
                if is_merge(entry):
                    own = set(result) if own is None else own
                    self.merge(entry, result, depth)
                    continue
                key = key_of(entry)
                if key is None:
                    self.refuse(name, _bad_key(node, name))
                    self.value(value, depth)
                    continue
            if key in (result if own is None else own):
                message = f"duplicate key '{key}'; kubectl takes the last one and drops the others"
                self.problems.append(Problem(Span(name.start, name.end), message, "duplicate-key"))
            if own is not None:
                own.add(key)
            # nearly all values, without a call
            if type(value) is Scalar and value.anchor is None and type(value.value) is not float:
                plain += 1
                result[key] = value.value
            else:
                result[key] = self.value(value, depth)
        self.count += plain
        return result

    def merge(self, entry: Entry, result: dict[str, Any], depth: int) -> None:
        # the merged mappings lie at the level of the one they are merged into, and are no values of their own
        read = [(source, self.value(source, depth - 1)) for source in _sources(entry)]
        self.count -= len(read)
        for source, value in reversed(read):
            target = source.target if isinstance(source, Alias) else source
            if not isinstance(target, Mapping):
                self.refuse(source, "only mappings can be merged with '<<'; kubectl refuses this document")
            elif value is not None:  # else it is cut, and the problem is there already
                result.update(value)

    def alias(self, node: Alias, depth: int) -> Any:
        target = node.target
        if id(target) in self.open:
            message = "this alias stands inside what it names and has no end; kubectl refuses this document"
            self.problems.append(Problem(Span(node.start, node.end), message, "limit", fatal=True))
            return None
        if id(target) not in self.done:
            # outside of the part that is read, or in a key
            if depth > MAX_DEPTH:
                self.exhaust(node, f"aliases nest more than {MAX_DEPTH} levels deep")
                return None
            self.value(target, depth)
        value, count, height = self.done[id(target)]
        self.count += count
        self.deepest = max(self.deepest, depth + height)
        if depth + height > MAX_DEPTH:
            self.exhaust(node, f"aliases nest more than {MAX_DEPTH} levels deep")
        self.spend(count, node)
        return None if self.exhausted else value

    def spend(self, count: int, node: Node) -> None:
        self.shared += count
        if self.shared > MAX_SHARED:
            self.exhaust(node, f"aliases repeat more than {MAX_SHARED} values")

    def exhaust(self, node: Node, what: str) -> None:
        if not self.exhausted:
            self.exhausted = True
            message = f"{what}; this document is not read"
            self.problems.append(Problem(Span(node.start, node.end), message, "limit", fatal=True))

    def refuse(self, node: Node, message: str) -> None:
        self.problems.append(Problem(Span(node.start, node.end), message, "type", fatal=True))
