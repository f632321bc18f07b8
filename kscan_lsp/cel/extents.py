"""How large the data of an evaluation is: what the work on it depends on, see `cost`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from kscan_lsp.cel.views import MAX_DEPTH, count_plain
from kscan_lsp.startup import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Data: TypeAlias = Any
"""Plain data, of whatever kind."""


class Extent(NamedTuple):
    """The size of a view, shared values counted every time."""

    nodes: int
    """Values."""
    weight: int
    """The same, and one more for every 32 characters of text."""
    text: int
    """Weight of the longest text."""

    def rounded(self) -> Extent:
        """The next powers of two, so that what depends on the extent can be remembered."""
        return Extent(*(1 << (number - 1).bit_length() for number in self))


SMALL = Extent(256, 2_048, 8)
"""The extent of most: no more than 256 values, no text over 255 characters."""


def is_small(values: Iterable[object]) -> bool:
    """Whether some views together are no larger than `SMALL`: quicker to say than their extent."""
    return 0 <= count_plain(list(values), MAX_DEPTH) < SMALL.nodes


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

    def visit(self, value: Data) -> tuple[int, int]:
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
                self.longest = max(self.longest, length)
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
