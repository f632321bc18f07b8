"""What CEL gets to see of a manifest: JSON values without nulls, cycles or anything that grows without bound.

The C++ runtime converts a value anew for every activation, follows shared objects as if they were copies,
crashes on cycles, cuts strings at a NUL and refuses lone surrogates. `view` takes all of that away once per
object, and leaves what needs no change untouched, so that the usual manifest costs one walk and no copy.

Left out on purpose: any meaning of the data. What is wrong with a manifest's types is judged elsewhere.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, TypeAlias

from kscan_lsp.startup import NamedTuple

MAX_DEPTH = 100
"""Levels of lists and maps inside one another."""
MAX_WEIGHT = 200_000
"""Values, shared ones counted every time; every 32 characters of text count as one more."""

Data: TypeAlias = Any
"""Plain data, of whatever kind."""
_CUT: Data = object()


class View(NamedTuple):
    """A value fit for `bind`, and whether it shows everything (`complete`) or something had to be cut."""

    value: Any
    complete: bool


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
        if count_plain(data, MAX_DEPTH) >= 0:
            return View(data, complete=True)
    except TypeError:
        pass  # a key that is no text
    walk = _Viewing()
    value = walk.visit(data, 0)[0]
    return View(None if value is _CUT else value, walk.complete)


def view_edited(before: View, was: object, data: object, value: Data) -> View:
    """The view of plain data that differs from other data in one scalar.

    Args:
        before: the view of the other data.
        was: that data.
        data: the data as it is now.
        value: the scalar in it that is another.
    """
    plain = before.complete and before.value is was and count_plain([value], 1) > 0
    return View(data, complete=True) if plain else view(data)


_PLAIN = 2_000


def count_plain(node: Data, levels: int) -> int:
    """How many values a list or map has that needs no change, as nearly all do; -1 for anything else.

    This is the walk below without its memory. Cycles and deep values run out of levels, or of `_PLAIN`
    values.

    Raises:
        TypeError: a key of a map is no text.
    """
    kind = type(node)
    if kind is dict:
        # Neither NUL nor a lone surrogate is printable; what else is not is looked at by `_Viewing`.
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
            more = count_plain(item, levels - 1)
            if more < 0:
                return -1
            count += more
        elif inner is int:
            if not -0x8000000000000000 <= item <= 0x7FFFFFFFFFFFFFFF:
                return -1
        elif inner is not bool:
            return -1
    return count if count < _PLAIN else -1


class _Viewing:
    """Finished lists and maps by identity, `None` while one is open, which is how a cycle shows."""

    __slots__ = ("complete", "seen")

    def __init__(self) -> None:
        self.complete = True
        self.seen: dict[int, tuple[Data, int, int] | None] = {}

    def visit(self, node: Data, depth: int) -> tuple[Data, int, int]:
        """View (`_CUT` for nothing to show), weight and height of a value."""
        if not isinstance(node, dict | list | tuple):
            value = _scalar(node)
            return value, 1 + (len(value) >> 5 if type(value) is str else 0), 0
        name = id(node)
        if name in self.seen:
            known = self.seen[name]
            if known is not None and depth + known[2] <= MAX_DEPTH:
                return known
        elif depth < MAX_DEPTH:
            self.seen[name] = None
            done = self._map(node, depth) if isinstance(node, dict) else self._list(node, depth)
            self.seen[name] = done
            return done
        self.complete = False
        return _CUT, 1, 0

    def _map(self, node: dict[Any, Any], depth: int) -> tuple[Data, int, int]:
        weight, height = 1, 0
        # Made when the first difference shows.
        shown: dict[str, Any] | None = None if type(node) is dict else {}
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
                value, more, levels = self.visit(item, depth + 1)
                height = max(height, levels)
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
        return node if shown is None else shown, weight, height + 1

    def _list(self, node: list[Any] | tuple[Any, ...], depth: int) -> tuple[Data, int, int]:
        weight, height = 1, 0
        shown: list[Any] | None = None if type(node) is list else []
        for position, item in enumerate(node):
            value, more, levels = self.visit(item, depth + 1)
            if weight + more > MAX_WEIGHT:
                self.complete = False
                value, more = _CUT, 1
                if weight >= MAX_WEIGHT:
                    shown = list(node[:position]) if shown is None else shown
                    break
            weight += more
            height = max(height, levels)
            if shown is None and value is not item:
                shown = list(node[:position])
            if shown is not None:
                shown.append(None if value is _CUT else value)
        return node if shown is None else shown, weight, height + 1


def _scalar(value: Data) -> Data:
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
    if isinstance(value, dt.date | dt.time):
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
