"""How much work an expression can be at worst, reckoned before it runs.

The runtime stops after 10,000 iterations, but between two of them it copies lists, searches and joins texts
without limit: nine thousand list items and `item.map(a, a)` take ten seconds and a gigabyte, a dozen
doublings of a text all there is. It cannot be interrupted. So the tree of an expression is walked with an
upper bound for the size of every value, and an expression is not evaluated on data for which the bound on its
work is too high.

A unit of work is copying one list item: 0.15 microseconds, and 32 bytes kept until the evaluation ends. The
factors were measured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kscan_lsp.cel.extents import SMALL
from kscan_lsp.cel.patterns import compile_pattern
from kscan_lsp.startup import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.cel.extents import Extent
    from kscan_lsp.cel.syntax_tree import Node

MAX_WORK = 5_000_000
"""Most of a second, or 160 MB, where everything is as bad as can be."""
ITERATIONS = 10_000
"""The runtime's own limit on the iterations of one evaluation."""
CHARACTERS = 32
"""Characters of text that weigh as much as one value."""


class Size(NamedTuple):
    """An upper bound for a value.

    For what a loop goes through, `nodes` and `weight` are averages over its iterations, which is exact for
    work linear in them; `most` and `text` bound a single one, for work that is not.
    """

    nodes: float
    """Values it holds, itself included."""
    weight: float
    """The same, and one more for every 32 characters of text."""
    most: float
    """Values that one of the averaged can hold."""
    text: float
    """Weight of the longest text in it."""


_SCALAR = Size(1, 1, 1, 1)
_VARIABLE = Size(SMALL.nodes, SMALL.weight, SMALL.nodes, SMALL.text)
_FLAT = frozenset({"bool", "int", "uint", "double"})
_TEXTS = frozenset({"string", "bytes"})

_CALL = 5
"""Calling anything, a Python function of ours included."""
# What a function does per weight of its arguments, where it is not the half unit of most.
_RATES = {"startsWith": 0.05, "endsWith": 0.05, "_==_": 0.3, "_!=_": 0.3, "_<_": 0.05, "_<=_": 0.05,
          "_>_": 0.05, "_>=_": 0.05, "_&&_": 0, "_||_": 0, "!_": 0, "@not_strictly_false": 0,
          "hasValue": 0, "size": 0.4, "lowerAscii": 1.5, "upperAscii": 1.5, "strings.quote": 1.5}  # fmt: skip
_STRUCTURAL = frozenset({"_==_", "_!=_", "@in", "size", "type", "hasValue", "_&&_", "_||_"})
_SEARCHES = frozenset({"contains", "indexOf", "lastIndexOf", "replace", "split"})
_PASSES = frozenset({"_[_]", "_?._", "_[?_]", "orValue", "value", "or", "optional.of",
                     "optional.ofNonZeroValue", "dyn", "_?_:_"})  # fmt: skip
_OURS = frozenset({"matchesAny", "imageListed", "selects", "granted", "builtinGrants", "addedToBuiltin", "isolates",
                   "opens", "restricts", "sets.contains", "sets.equivalent", "sets.intersects", "isSorted", "sum",
                   "sort", "min", "max", "find", "findAll", "credential", "credentialInAnnotation",
                   "credentialInArgument", "nodePaths", "runtimeSockets"})  # fmt: skip
_WHOLE = _STRUCTURAL | _PASSES | _OURS | {"_+_", "join", "format"}
"""What takes more than texts and numbers."""
_GROWS = frozenset({"imageRef", "encodeBase64", "strings.quote", "getQuery"})


def work(tree: Node, extents: Mapping[str, Extent]) -> float:
    """An upper bound on the work of an expression whose variables have these extents, or are small."""
    walk = _Reckoning(
        {name: Size(nodes, weight, nodes, text) for name, (nodes, weight, text) in extents.items()}
    )
    walk.visit(tree, 1)
    return walk.total


class _Reckoning:
    """The work seen so far, and the sizes of the names in scope."""

    __slots__ = ("scope", "total")

    def __init__(self, variables: dict[str, Size]) -> None:
        self.total = 0.0
        self.scope = variables

    def visit(self, node: Node, times: float) -> Size:
        """The size of a node's value; its work, done that many times, is added up."""
        self.total += times * 0.3
        match node.kind:
            case "const":
                length = len(node.text or "") / CHARACTERS
                return Size(1, 1 + length, 1, 1 + length)
            case "name":
                size = self.scope.get(node.name, _VARIABLE)
            case "select":
                size = self.visit(node.parts[0], times)
            case "list" | "struct":
                self.total += times * len(node.parts)
                size = _together(_SCALAR, *(self.visit(part, times) for part in node.parts))
            case "loop":
                size = self.loop(node, times)
            case _:
                size = self.call(node, [self.visit(part, times) for part in node.parts], times)
        if node.type in _FLAT:
            return _SCALAR
        return _as_text(size) if node.type in _TEXTS else size

    def loop(self, node: Node, times: float) -> Size:
        """A macro: `cel.bind`, or one that goes through a list or map."""
        items, initial, condition, step, result = node.parts
        outer = self.scope
        if items.kind == "list" and not items.parts:
            self.scope = {**outer, node.name: self.visit(initial, times)}
            bound = self.visit(result, times)
            self.scope = outer
            return bound
        source = self.visit(items, times)
        count = max(1, min(source.nodes, ITERATIONS))
        inner = min(times * count, max(times, ITERATIONS))
        item = Size(max(1, source.nodes / count), source.weight / count, source.most, source.text)
        self.scope = {**outer, node.variable: item, node.name: _SCALAR}
        self.visit(condition, inner)
        self.visit(step, inner)
        built = _SCALAR
        if initial.kind == "list":
            for added in _added(step, node.name):
                built = _larger(built, self.visit(added, inner))
                # Every addition copies the list so far.
                self.total += inner * min(source.most, ITERATIONS) / 2
        self.scope = outer
        if initial.kind != "list":
            return _SCALAR
        return Size(count * built.nodes + 1, count * built.weight + 1, source.most * built.most, built.text)

    def call(self, node: Node, sizes: list[Size], times: float) -> Size:
        """A function or an operator."""
        name = node.name
        if (
            name not in _STRUCTURAL
            and name not in _PASSES
            and name not in _OURS
            and name not in {"_+_", "join", "format"}
        ):
            sizes = [_as_text(size) for size in sizes]
        whole = _together(*sizes) if sizes else _SCALAR
        if name in _PASSES:
            return _larger(*sizes)
        if name == "_+_":
            self.total += times * whole.weight
            return whole._replace(text=sum(size.text for size in sizes))
        if name == "matches":
            return self.matches(node, sizes, times)
        if name in _OURS:
            self.total += times * (_CALL + 3 * whole.nodes + whole.weight)
            if name == "sort":  # as many comparisons again as a list of that length has doublings
                self.total += times * whole.nodes * math.log2(whole.nodes + 1)
                return whole
            found = whole.text * CHARACTERS
            return Size(found, found + whole.weight, found, whole.text)
        if name in _SEARCHES and len(sizes) > 1:
            return self.searches(node, sizes, times)
        if name in {"join", "format"}:
            return self.joins(name, sizes, times)
        self.total += times * (_CALL + whole.weight * _RATES.get(name, 0.5))
        grown = whole.weight * (3 if name in _GROWS else 1) + 2
        return Size(whole.nodes + (5 if name in _GROWS else 0), grown, whole.most, grown)

    def matches(self, node: Node, sizes: list[Size], times: float) -> Size:
        """RE2: compiled for every call, linear in the text, with a factor that grows with the pattern."""
        pattern = node.parts[-1].text
        try:
            size = compile_pattern(pattern).programsize if pattern is not None else math.inf
        except ValueError:
            size = math.inf
        self.total += times * (70 + size + sizes[0].weight * size * 10)
        return _SCALAR

    def searches(self, node: Node, sizes: list[Size], times: float) -> Size:
        """Plain search takes as long as text times sought text at worst; what is put in comes on top."""
        text, sought = sizes[0].weight, sizes[1].weight
        self.total += times * (_CALL + text / 2 + 0.4 * text * sought)
        if node.name == "split":
            characters = text * CHARACTERS
            self.total += times * characters
            return Size(characters, characters, characters, text)
        if node.name != "replace" or len(sizes) < 3:
            return _SCALAR
        often = text * CHARACTERS / max(1, len(node.parts[1].text or ""))
        put = node.parts[2].text
        grown = text + often * (sizes[2].weight if put is None else len(put) / CHARACTERS)
        self.total += times * grown
        return Size(1, grown, 1, grown)

    def joins(self, name: str, sizes: list[Size], times: float) -> Size:
        """Every item with a separator; every clause of a format, with up to a thousand digits."""
        first, *rest = sizes
        other = _together(*rest).weight if rest else 0
        grown = first.weight + first.nodes * other
        if name == "format":
            grown = first.weight * CHARACTERS * 40 + other
        self.total += times * (_CALL + grown)
        return Size(1, grown, 1, grown)


def _added(node: Node, name: str) -> list[Node]:
    """What a loop's step adds to its list: `x` in `list + [x]`, wherever that stands."""
    if node.kind != "call":
        return []
    if node.name == "_+_" and node.parts[0].kind == "name" and node.parts[0].name == name:
        return list(node.parts[1].parts)
    return [found for part in node.parts for found in _added(part, name)]


def _as_text(size: Size) -> Size:
    """The size of a value that must be a text, or a function fails at once."""
    weight = min(size.weight, size.text)
    return Size(1, weight, 1, size.text)


def _together(*sizes: Size) -> Size:
    nodes, weight, most, text = zip(*sizes, strict=True)
    return Size(sum(nodes), sum(weight), sum(most), max(text))


def _larger(*sizes: Size) -> Size:
    return Size(*(max(column) for column in zip(*sizes, strict=True)))
