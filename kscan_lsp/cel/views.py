"""What CEL gets to see of a manifest: JSON values without nulls, cycles or anything that grows without bound.

The C++ runtime converts a value anew for every activation, follows shared objects as if they were copies,
crashes on cycles, cuts strings at a NUL and refuses lone surrogates. `view` takes all of that away once per
object, and leaves what needs no change untouched, so that the usual manifest costs one walk and no copy.

Left out on purpose: any meaning of the data. What is wrong with a manifest's types is judged elsewhere.
"""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 100
"""Levels of lists and maps inside one another."""
MAX_WEIGHT = 200_000
"""Values, shared ones counted every time; every 32 characters of text count as one more."""

_CUT: Any = object()


class View(NamedTuple):
    """A value fit for `bind`, and whether it shows everything (`complete`) or something had to be cut."""

    value: Any
    complete: bool


class Extent(NamedTuple):
    """How large a view is, shared values counted every time: what the work on it depends on."""

    nodes: int
    """Values."""
    weight: int
    """The same, and one more for every 32 characters of text."""
    text: int
    """Weight of the longest text."""

    def rounded(self) -> Extent:
        """The next powers of two, so that what depends on the extent can be remembered."""
        return Extent(*(1 << (number - 1).bit_length() for number in self))


def view(data: object) -> View:
    """The part of plain data that CEL can read safely.

    Map entries that are null are absent, as for Kubernetes; null list items stay, so that indices hold.
    Cycles, what is deeper than 100 levels and what exceeds a weight of 200,000 is cut: a cut map entry is
    absent, a cut list item null, and the view is not complete. Integers beyond 64 bits become floating point,
    as the API server reads them; not-a-number, dates and other foreign values become text; NUL and lone
    surrogates become U+FFFD.

    Args:
        data: maps, lists and scalars, shared and even cyclic.

    Returns:
        The same object where nothing needed removing. Shared objects stay shared.
    """
    try:
        if _count_plain(data, MAX_DEPTH) >= 0:
            return View(data, complete=True)
    except TypeError:
        pass  # a key that is no text
    walk = _Walk()
    value = walk.visit(data, 0)[0]
    return View(None if value is _CUT else value, walk.complete)


_PLAIN = 2_000
SMALL = Extent(256, 2_048, 8)
"""The extent of most: no more than 256 values, no text over 255 characters."""


def is_small(values: Iterable[object]) -> bool:
    """Whether some views together are no larger than `SMALL`: quicker to say than their extent."""
    return 0 <= _count_plain(list(values), MAX_DEPTH) < SMALL.nodes


def _count_plain(node: Any, levels: int) -> int:
    """How many values a list or map has that needs no change, as nearly all do; -1 if it is large or anything else.

    This is the walk below without its memory. Cycles and deep values run out of levels, or of `_PLAIN`
    values.

    Raises:
        TypeError: a key of a map is no text.
    """
    kind = type(node)
    if kind is dict:
        # Neither NUL nor a lone surrogate is printable; what else is not is looked at by `_Walk`.
        keys = "".join(node)
        if not keys.isprintable() or len(keys) > 255 * len(node):
            return -1
        items = node.values()
    elif kind is list:
        items = node
    else:
        return -1
    if not levels:
        return -1
    count = len(node)
    for item in items:
        inner = type(item)
        if inner is str:
            if not item.isprintable() or len(item) > 255:
                return -1
        elif inner is dict or inner is list:
            more = _count_plain(item, levels - 1)
            if more < 0:
                return -1
            count += more
        elif inner is int:
            if not -0x8000000000000000 <= item <= 0x7FFFFFFFFFFFFFFF:
                return -1
        elif inner is not bool:
            return -1
    return count if count < _PLAIN else -1


class _Walk:
    """One walk's memory: finished lists and maps by identity, `None` while open, which is how a cycle shows."""

    __slots__ = ("complete", "seen")

    def __init__(self) -> None:
        self.complete = True
        self.seen: dict[int, tuple[Any, int, int, object] | None] = {}

    def visit(self, node: Any, depth: int) -> tuple[Any, int, int, object]:
        """View, weight and height of a value, and the value; the view is `_CUT` where there is nothing to show."""
        kind = type(node)
        if kind is not dict and kind is not list:
            return self._other(node, depth)
        seen = self.seen
        name = id(node)
        if name in seen:
            known = seen[name]
            if known is None or depth + known[2] > MAX_DEPTH:
                return self._cut(node)
            return known
        if depth == MAX_DEPTH:
            return self._cut(node)
        seen[name] = None
        done = seen[name] = self._map(node, depth) if kind is dict else self._list(node, depth)
        return done

    def _cut(self, node: object) -> tuple[Any, int, int, object]:
        self.complete = False
        return _CUT, 1, 0, node

    def _other(self, node: object, depth: int) -> tuple[Any, int, int, object]:
        """Scalars, and lists and maps of unusual classes. (The memory keeps the new object: its identity is a key.)"""
        if isinstance(node, dict):
            return self.visit(dict(node), depth)
        if isinstance(node, list | tuple | set | frozenset):
            return self.visit(list(node), depth)
        value = _scalar(node)
        return value, 1 + (len(value) >> 5 if type(value) is str else 0), 0, node

    def _map(self, node: dict[Any, Any], depth: int) -> tuple[Any, int, int, object]:
        weight, height = 1, 0
        shown: dict[str, Any] | None = None  # made when the first difference shows
        for position, (key, item) in enumerate(node.items()):
            kind = type(item)
            value: Any
            if kind is bool:
                value, more = item, 1
            elif item is None:
                value, more = _CUT, 0
            elif kind is str:
                value = item if item.isascii() and "\0" not in item else _text(item)
                more = 1 + (len(item) >> 5)
            else:
                value, more, levels, _ = self.visit(item, depth + 1)
                if levels > height:
                    height = levels
            name = key
            if type(key) is not str or not key.isascii() or "\0" in key:
                name = _key(key)
            more += len(name) >> 5
            if weight + more > MAX_WEIGHT:
                self.complete = False
                value, more = _CUT, 0
            weight += more
            if shown is None and (value is not item or name is not key):
                shown = dict(list(node.items())[:position])
            if shown is not None and value is not _CUT:
                shown[name] = value
        return node if shown is None else shown, weight, height + 1, node

    def _list(self, node: list[Any], depth: int) -> tuple[Any, int, int, object]:
        weight, height = 1, 0
        shown: list[Any] | None = None
        for position, item in enumerate(node):
            value, more, levels, _ = self.visit(item, depth + 1)
            if weight + more > MAX_WEIGHT:
                self.complete = False
                value, more = _CUT, 1
                if weight >= MAX_WEIGHT:
                    shown = node[:position] if shown is None else shown
                    break
            weight += more
            if levels > height:
                height = levels
            if shown is None and value is not item:
                shown = node[:position]
            if shown is not None:
                shown.append(None if value is _CUT else value)
        return node if shown is None else shown, weight, height + 1, node


def _scalar(value: Any) -> Any:
    """One scalar as JSON has it."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() and "\0" not in value else _text(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return int(value)
        return float(value) if abs(value) < 2**1023 else _number(math.inf if value > 0 else -math.inf)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _number(value)
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, bytes | bytearray):
        return _text(value.decode("utf-8", "replace"))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return type(value).__name__


def _number(value: float) -> str:
    """What JSON has no number for, as YAML writes it."""
    return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"


def _text(text: str) -> str:
    """Text that survives C strings and UTF-8; the same object where it already does."""
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
    return _text(str(_scalar(key)))


def extent(values: Iterable[object]) -> Extent:
    """The extent of some views together."""
    measure = _Measure()
    nodes, weight = measure.visit(list(values))
    return Extent(nodes, weight, 1 + (measure.longest >> 5))


class _Measure:
    """Sizes of lists and maps by identity, so that sharing costs nothing, and the longest text so far."""

    __slots__ = ("known", "longest")

    def __init__(self) -> None:
        self.known: dict[int, tuple[int, int]] = {}
        self.longest = 0

    def visit(self, value: Any) -> tuple[int, int]:
        """Number and weight of the values in a list or map, itself included."""
        nodes = weight = 1
        known = self.known
        items = value
        if type(value) is dict:
            items = value.values()
            length = max(map(len, value), default=0)
            self.longest = max(self.longest, length)
            weight += len(value) * (length >> 5)
        for item in items:
            kind = type(item)
            if kind is str:
                length = len(item)
                nodes += 1
                weight += 1 + (length >> 5)
                if length > self.longest:
                    self.longest = length
            elif kind is dict or kind is list:
                found = known.get(id(item))
                if found is None:
                    found = known[id(item)] = self.visit(item)
                nodes += found[0]
                weight += found[1]
            else:
                nodes += 1
                weight += 1
        return nodes, weight
