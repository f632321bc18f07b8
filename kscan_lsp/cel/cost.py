"""How much work an expression can be at worst, before it runs.

The runtime stops after 10,000 iterations, but between two of them it copies lists, searches and joins texts without
limit: nine thousand list items and `item.map(a, a)` take ten seconds and a gigabyte, a dozen doublings of a text
all there is. It cannot be interrupted. So the tree of an expression is walked with an upper bound for the size of
every value, and an expression is not evaluated on data for which the bound on its work is too high.

A unit of work is copying one list item: 0.15 microseconds and 32 bytes kept until the evaluation ends. Sizes are
*weights*: a value weighs one, and one more for every 32 characters. Factors were measured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp.cel.patterns import compile_pattern

if TYPE_CHECKING:
    from kscan_lsp.cel.syntax_tree import Node

MAX_WORK = 5_000_000
"""Most of a second, or 160 MB, where everything is as bad as can be."""
ITERATIONS = 10_000
"""The runtime's own limit on the iterations of one evaluation."""
CHARACTERS = 32
"""Characters of text that weigh as much as one value."""


class Size(NamedTuple):
    """An upper bound for a value: how many values it holds and what they weigh.

    For what a loop goes through, both are averages over its iterations, which is exact for work that is linear in
    them; `most` bounds a single one, for work that is not.
    """

    nodes: float
    weight: float
    most: float


_CALL = 5
"""A call of anything, a Python function of ours included."""
_SCALAR = Size(1, 1, 1)
_FLAT = frozenset({"bool", "int", "uint", "double"})
_SEARCHES = frozenset({"contains", "indexOf", "lastIndexOf", "replace", "split"})
_PASSES = frozenset({"_[_]", "_?._", "_[?_]", "orValue", "value", "or", "optional.of", "optional.ofNonZeroValue", "dyn",
                     "_?:_", "_?_:_", "min", "max"})  # fmt: skip
# What a function does per weight of its arguments, where it is not the half unit of most.
_RATES = {"startsWith": 0.05, "endsWith": 0.05, "_==_": 0.3, "_!=_": 0.3, "_<_": 0.05, "_<=_": 0.05, "_>_": 0.05,
          "_>=_": 0.05, "_&&_": 0, "_||_": 0, "!_": 0, "@not_strictly_false": 0, "hasValue": 0, "size": 0.4,
          "lowerAscii": 1.5, "upperAscii": 1.5, "strings.quote": 1.5}  # fmt: skip
_GROWS = frozenset({"imageRef", "strings.quote", "getQuery"})
_OURS = frozenset({"matchesAny", "selects", "sets.contains", "sets.equivalent", "sets.intersects", "isSorted", "sum",
                   "min", "max", "find", "findAll"})  # fmt: skip


def work(tree: Node, nodes: int, weight: int) -> float:
    """An upper bound on the work of an expression whose variables hold that many values and weigh that much."""
    walk = _Walk(Size(nodes, weight, nodes))
    walk.visit(tree, 1)
    return walk.total


class _Walk:
    """The work seen so far, and the sizes of the names in scope."""

    __slots__ = ("scope", "total", "variable")

    def __init__(self, variable: Size) -> None:
        self.variable = variable
        self.total = 0.0
        self.scope: dict[str, Size] = {}

    def visit(self, node: Node, times: float) -> Size:
        """The size of a node's value; its work, done that many times, is added up."""
        self.total += times * 0.3
        size = getattr(self, node.kind)(node, times)
        if node.type in _FLAT:
            return _SCALAR
        return size._replace(nodes=1, most=1) if node.type in {"string", "bytes"} else size

    def const(self, node: Node, _: float) -> Size:
        return Size(1, 1 + len(node.text or "") / CHARACTERS, 1)

    def name(self, node: Node, _: float) -> Size:
        return self.scope.get(node.name, self.variable)

    def select(self, node: Node, times: float) -> Size:
        return self.visit(node.parts[0], times)

    def list(self, node: Node, times: float) -> Size:
        self.total += times * len(node.parts)
        return _plus(Size(1, 1, 1), *(self.visit(part, times) for part in node.parts))

    struct = list

    def loop(self, node: Node, times: float) -> Size:
        items, initial, *rest = node.parts
        if items.kind == "list" and not items.parts:  # cel.bind
            return self.within(node.name, self.visit(initial, times), rest[2], times)
        source = self.visit(items, times)
        count = max(1, min(source.nodes, ITERATIONS))
        inner = min(times * count, max(times, ITERATIONS))
        item = Size(max(1, source.nodes / count), source.weight / count, source.most)
        builds = initial.kind == "list"
        outer = self.scope
        self.scope = {**outer, node.variable: item, node.name: _SCALAR}
        built = _SCALAR
        for part in rest:
            for step in _additions(part, node.name) if builds else ():
                built = _larger(built, self.visit(step, inner))
                # Every addition copies the list so far.
                self.total += inner * min(source.most, ITERATIONS) / 2
            if not builds or part is rest[1]:
                self.visit(part, inner)
        self.scope = outer
        return Size(count * built.nodes + 1, count * built.weight + 1, source.most) if builds else _SCALAR

    def within(self, name: str, size: Size, body: Node, times: float) -> Size:
        """The size of `body` where `name` has a size."""
        outer = self.scope
        self.scope = {**outer, name: size}
        found = self.visit(body, times)
        self.scope = outer
        return found

    def call(self, node: Node, times: float) -> Size:
        sizes = [self.visit(part, times) for part in node.parts]
        all_ = _plus(*sizes) if sizes else _SCALAR
        name = node.name
        if name == "_+_":
            self.total += times * all_.weight
            return all_
        if name in _PASSES:
            self.total += times * (15 + 3 * all_.nodes if name in _OURS else 0)
            return _larger(*sizes)
        if name == "matches":
            return self.matches(node, sizes, times)
        if name in _OURS:
            self.total += times * (15 + 3 * all_.nodes + all_.weight)
            return Size(all_.weight * CHARACTERS, all_.weight * 4, all_.weight * CHARACTERS)
        if name in _SEARCHES and len(sizes) > 1:
            return self.searches(node, sizes, times)
        if name in {"join", "format"}:
            return self.joins(name, sizes, times)
        self.total += times * (_CALL + all_.weight * _RATES.get(name, 0.5))
        grown = 3 if name in _GROWS else 1
        return Size(all_.nodes, all_.weight * grown + 2, all_.most)

    def matches(self, node: Node, sizes: list[Size], times: float) -> Size:
        """RE2: compiled for every call, linear in the text, with a factor that grows with the pattern."""
        pattern = node.parts[-1].text
        try:
            size = compile_pattern(pattern).size if pattern is not None else math.inf
        except ValueError:
            size = math.inf
        self.total += times * (70 + size + sizes[0].weight * size / 2)
        return _SCALAR

    def searches(self, node: Node, sizes: list[Size], times: float) -> Size:
        """Naive text search is as long as text times sought text; what is put in comes on top."""
        text, sought = sizes[0].weight, sizes[1].weight
        self.total += times * (text + 0.4 * text * sought)
        if node.name == "split":
            self.total += times * text * CHARACTERS
            return Size(text * CHARACTERS, text * CHARACTERS, text * CHARACTERS)
        if node.name != "replace" or len(sizes) < 3:
            return _SCALAR
        often = CHARACTERS / max(1, len(node.parts[1].text or ""))
        grown = text + text * often * (sizes[2].weight - 1 + 1 / CHARACTERS)
        if (put := node.parts[2].text) is not None:
            grown = text + text * often * len(put) / CHARACTERS
        self.total += times * grown
        return Size(1, grown, 1)

    def joins(self, name: str, sizes: list[Size], times: float) -> Size:
        """Every item with a separator, or every clause of a format with up to a thousand digits."""
        first = sizes[0]
        rest = _plus(*sizes[1:]) if len(sizes) > 1 else _SCALAR
        grown = first.weight + first.nodes * (rest.weight if len(sizes) > 1 else 0)
        if name == "format":
            grown = first.weight * CHARACTERS * 40 + rest.weight
        self.total += times * grown
        return Size(1, grown, 1)


def _additions(node: Node, name: str) -> list[Node]:
    """What a loop's step adds to its list: `x` in `list + [x]`, wherever that stands."""
    if (
        node.kind == "call"
        and node.name == "_+_"
        and node.parts[0].kind == "name"
        and node.parts[0].name == name
    ):
        return list(node.parts[1].parts)
    return [found for part in node.parts if node.kind == "call" for found in _additions(part, name)]


def _plus(*sizes: Size) -> Size:
    return Size(*(sum(column) for column in zip(*sizes, strict=True)))


def _larger(*sizes: Size) -> Size:
    return Size(*(max(column) for column in zip(*sizes, strict=True)))
