"""What CEL gets to see of a manifest: JSON values without nulls, cycles or anything that grows without bound.

The C++ runtime converts a value anew for every activation, follows shared objects as if they were copies, crashes
on cycles, cuts strings at a NUL and refuses lone surrogates. `view` takes all of that away once per object, and
leaves what needs no change untouched, so that the usual manifest costs one walk and no copy.

Deliberately left out: any meaning of the data. What is wrong with a manifest's types is judged elsewhere.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

MAX_DEPTH = 100
MAX_NODES = 200_000
"""Values after expansion of shared objects; every 256 characters of a string count as one more."""

_CUT = object()


class View(NamedTuple):
    """A value fit for `bind`, and whether it shows everything (`complete`) or something had to be cut."""

    value: Any
    complete: bool


class _Seen(NamedTuple):
    """A finished list or map: its view, what it weighs expanded, and how many levels it has."""

    value: Any
    weight: int
    height: int


def view(data: object) -> View:
    """The part of plain data that CEL can read safely.

    Map entries that are null are absent, as for Kubernetes; null list items stay, so that indices hold. Cycles,
    levels below 100 and what exceeds 200,000 values after expansion are cut: a cut map entry is absent, a cut list
    item null, and the view is not complete. Integers beyond 64 bits become floating point, as the API server reads
    them; not-a-number, dates and other foreign values become text; NUL and lone surrogates become U+FFFD.

    Args:
        data: maps, lists and scalars, shared and even cyclic.

    Returns:
        The same object where nothing needed removing.
    """
    walk = _Walk()
    value, _, _ = walk.visit(data, 0)
    return View(None if value is _CUT else value, walk.complete)


class _Walk:
    """One walk's memory: finished containers by identity (`None` while open, which is how a cycle shows)."""

    __slots__ = ("complete", "seen")

    def __init__(self) -> None:
        self.complete = True
        self.seen: dict[int, _Seen | None] = {}

    def visit(self, node: Any, depth: int) -> tuple[Any, int, int]:
        """View, weight and height of one value; `_CUT` for a value that cannot be shown."""
        kind = type(node)
        if kind is not dict and kind is not list:
            if isinstance(node, dict):
                node = dict(node)
            elif isinstance(node, list | tuple | set | frozenset):
                node = list(node)
            else:
                value = _scalar(node)
                return value, 1 + (len(value) >> 8 if isinstance(value, str) else 0), 0
        name = id(node)
        seen = self.seen
        if name in seen:
            known = seen[name]
            if known is None or depth + known.height > MAX_DEPTH:
                self.complete = False
                return _CUT, 0, 0
            return known
        if depth >= MAX_DEPTH:
            self.complete = False
            return _CUT, 0, 0
        seen[name] = None
        done = self._map(node, depth) if isinstance(node, dict) else self._list(node, depth)
        seen[name] = done
        return done

    def _map(self, node: dict[Any, Any], depth: int) -> _Seen:
        weight = 1 + len(node)
        height = 0
        changes: dict[Any, Any] | None = None
        clean_keys = True
        for key, item in node.items():
            if type(key) is not str or not (key.isascii() and "\0" not in key):
                clean_keys = False
            kind = type(item)
            value: Any
            if kind is str:
                value = item if item.isascii() and "\0" not in item else _text(item)
                if len(item) > 255:
                    weight += len(item) >> 8
                    if weight > MAX_NODES:
                        self.complete = False
                        value = _CUT
            elif kind is bool:
                continue
            elif item is None:
                value = _CUT
            else:
                value, more, levels = self.visit(item, depth + 1)
                if weight + more > MAX_NODES:
                    self.complete = False
                    value = _CUT
                else:
                    weight += more
                    height = max(height, levels)
            if value is not item:
                if changes is None:
                    changes = {}
                changes[key] = value
        if weight > MAX_NODES and len(node) >= MAX_NODES:
            self.complete = False
            return _Seen({}, 1, 1)
        if changes is None and clean_keys:
            return _Seen(node, weight, height + 1)
        changes = changes or {}
        shown = {}
        for key, item in node.items():
            value = changes.get(key, item)
            if value is not _CUT:
                shown[_key(key)] = value
        return _Seen(shown, weight, height + 1)

    def _list(self, node: list[Any], depth: int) -> _Seen:
        weight = 1
        height = 0
        changes: dict[int, Any] = {}
        for index, item in enumerate(node):
            value, more, levels = self.visit(item, depth + 1)
            if weight + more > MAX_NODES:
                self.complete = False
                if more < 2:
                    return _Seen([changes.get(i, node[i]) for i in range(index)], weight, height + 1)
                value, more = _CUT, 1
            weight += more
            height = max(height, levels)
            if value is not item:
                changes[index] = None if value is _CUT else value
        if not changes:
            return _Seen(node, weight, height + 1)
        return _Seen([changes.get(i, item) for i, item in enumerate(node)], weight, height + 1)


def _scalar(value: Any) -> Any:
    """One scalar as JSON has it."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() and "\0" not in value else _text(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return value if kind is int else int(value)
        try:
            return float(value)
        except OverflowError:
            return "+Inf" if value > 0 else "-Inf"
    if isinstance(value, float):
        if value - value == 0:
            return value if kind is float else float(value)
        return "NaN" if value != value else ("+Inf" if value > 0 else "-Inf")  # noqa: PLR0124 - how NaN shows
    if isinstance(value, bytes | bytearray):
        return _text(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return _text(str(value) if isinstance(value, str) else type(value).__name__)


def _text(text: str) -> str:
    """Text that survives the way through C strings and UTF-8; the same object where it already does."""
    if "\0" in text:
        text = text.replace("\0", "�")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _key(key: object) -> str:
    """A map key as Kubernetes reads it: always text."""
    if isinstance(key, str):
        return _text(key)
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    return _text(str(key))


def size(value: object) -> tuple[int, int]:
    """How many values a view holds when shared ones are counted every time, and their weight.

    A value weighs one, and one more for every 32 characters of text.
    """
    if isinstance(value, str):
        return 1, 1 + (len(value) >> 5)
    if not isinstance(value, dict | list):
        return 1, 1
    return _Measure().visit(value)


class _Measure:
    """Sizes of lists and maps by identity, so that sharing costs nothing."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[int, tuple[int, int]] = {}

    def visit(self, value: Any) -> tuple[int, int]:
        """The size of one list or map."""
        known = self.known.get(id(value))
        if known is not None:
            return known
        nodes = weight = 1
        items = value
        if type(value) is dict:
            items = value.values()
            weight += sum(map(len, value)) >> 5
        for item in items:
            kind = type(item)
            if kind is dict or kind is list:
                more, heavier = self.visit(item)
                nodes += more
                weight += heavier
            else:
                nodes += 1
                weight += 1 + (len(item) >> 5) if kind is str else 1
        self.known[id(value)] = nodes, weight
        return nodes, weight
