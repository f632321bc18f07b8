"""Which fields of an object the rules of a policy can read: what else is typed changes nothing that they say.

An expression is followed without a value: a path stands for all that may be there, with `*` for any element. What is
not followed to its end is read whole, so that too much may be named and never too little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.admission.reads import ANY, ELEMENT, HERE, touches
from kscan_lsp.admission.reads import reads_of as reads_of_cel
from kscan_lsp.admission.reads import tree_of as tree_of_paths
from kscan_lsp.kyverno.asking import read_cel, read_kyverno
from kscan_lsp.kyverno.budget import MAX_DEPTH
from kscan_lsp.kyverno.context import expressions_in
from kscan_lsp.kyverno.expressions import QueryError, parsed
from kscan_lsp.kyverno.images import LISTS
from kscan_lsp.kyverno.model import CEL_POLICIES
from kscan_lsp.kyverno.overlay import anchor_of
from kscan_lsp.kyverno.scalars import has_wildcards
from kscan_lsp.policy.admission import kyverno_id, policy_part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.admission.model import Policy
    from kscan_lsp.admission.reads import FieldTree
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kyverno.asking import KyvernoDeciding
    from kscan_lsp.kyverno.expressions import Node
    from kscan_lsp.kyverno.model import Conditions, ContextEntry, KyvernoRule, RuleCheck
    from kscan_lsp.paths import Path

Way = tuple[str, ...]
_PODS: Final = (("spec",), ("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))


@lru_cache(maxsize=1_024)
def tree_of(rules: tuple[KyvernoRule, ...]) -> FieldTree | None:
    """What rules can read of an object; None for all of it."""
    reading = _Reading()
    for rule in rules:
        reading.rule(rule)
    return tree_of_paths(reading.read)


@lru_cache(maxsize=1_024)
def tree_of_cel(policies: tuple[Policy, ...]) -> FieldTree | None:
    """What policies in CEL can read of an object; None for all of it."""
    return tree_of_paths({path for policy in policies for path in reads_of_cel(policy)})


def reading_in_kyverno(asked: KyvernoDeciding, place: Path) -> frozenset[str]:
    """Which policies read what stands at a place, by what their ids have in common."""
    return _reading(asked.policies, bool(asked.exceptions), place)


@lru_cache(maxsize=256)
def _reading(policies: tuple[Object, ...], excepted: bool, place: Path) -> frozenset[str]:
    return frozenset(
        policy_part(kyverno_id(declared.id.name))
        for declared in policies
        if excepted or touches(place, read_by(declared))
    )


def read_by(declared: Object) -> FieldTree | None:
    """What a policy reads of an object."""
    if declared.id.kind in CEL_POLICIES:
        return tree_of_cel(read_cel(declared).policies)
    return tree_of(read_kyverno(declared).rules)


class _MayStand(NamedTuple):
    """Where a value may stand, or, if it is a list that the expression makes, its elements."""

    ways: frozenset[Way]
    listed: bool = False


_NOTHING: Final = _MayStand(frozenset())


class _Reading:
    """Collects what is read, with the names that stand for elements of the object."""

    def __init__(self) -> None:
        self.read: set[Way] = set()
        self.names: dict[str, frozenset[Way]] = {}

    def rule(self, rule: KyvernoRule) -> None:
        for filters in (rule.match, rule.exclude):
            if any(one.annotations for one in filters.entries):
                self.read.add(("metadata", "annotations"))
        self.names = {}
        self.context(rule.context)
        self.conditions(rule.preconditions)
        self.texts(rule.message)
        self.check(rule.check, frozenset(((),)), 0)

    def check(self, check: RuleCheck, bases: frozenset[Way], nesting: int) -> None:
        if check.security is not None:
            self.read.add(())
        if check.cel is not None:
            self.read.update(reads_of_cel(check.cel))
        for block in check.deny or ():
            self.conditions((block,))
        for base in bases:
            for pattern in (
                *((check.pattern,) if check.pattern is not None else ()),
                *(check.any_pattern or ()),
            ):
                self.pattern(pattern, base, 0)
        for entry in check.each or ():
            elements = self.items(self.source(entry.list))
            before = dict(self.names)
            self.names |= {"element": elements, f"element{nesting}": elements}
            self.context(entry.context)
            self.conditions(entry.preconditions)
            # an element that is no map is judged with the whole object
            self.check(entry.check, elements | {()}, nesting + 1)
            self.names = before

    def context(self, entries: Iterable[ContextEntry]) -> None:
        for entry in entries:
            self.texts(entry.value)
            self.texts(entry.default)
            if entry.path and entry.value is None:
                self.whole(self.source(entry.path))

    def conditions(self, blocks: Iterable[Conditions]) -> None:
        for block in blocks:
            for condition in (*(block.any or ()), *(block.all or ())):
                self.texts(condition.key)
                self.texts(condition.value)
                self.texts(condition.message)

    def texts(self, value: Any) -> None:
        """All that the variables in a text, list or map read."""
        for source in expressions_in(value):
            self.whole(self.source(source.removeprefix("-")))

    def pattern(self, pattern: Any, way: Way, depth: int) -> None:
        if isinstance(pattern, str):
            self.texts(pattern)
        if depth > MAX_DEPTH:
            self.read.add(way)
        elif isinstance(pattern, dict):
            for key, inner in pattern.items():
                name = anchor_of(key).key
                if has_wildcards(name) or "{{" in key:
                    self.read.add(way)
                self.pattern(inner, (*way, name), depth + 1)
            if not pattern:
                self.read.add(way)
        elif isinstance(pattern, list) and pattern:
            for inner in pattern:
                self.pattern(inner, (*way, ANY), depth + 1)
        else:
            self.read.add(way)

    def source(self, source: str) -> _MayStand:
        """Where the value of an expression may stand; one that cannot be followed reads everything."""
        tree = parsed(source.strip())
        if isinstance(tree, QueryError) or "{{" in source:
            self.read.add(())
            return _NOTHING
        return self.follow(tree, _MayStand(frozenset([("@",)])))

    def whole(self, found: _MayStand) -> None:
        """Note that all of what stands there is read."""
        # the context and the request have the object in them
        self.read.update(() if way[:1] in {("@",), ("@request",)} else way for way in found.ways)

    def items(self, found: _MayStand) -> frozenset[Way]:
        return found.ways if found.listed else frozenset((*way, ANY) for way in found.ways)

    def field(self, way: Way, name: str) -> frozenset[Way]:
        """Where a field of what stands at a way is; `@` stands for the context, and `@request` for the request."""
        if way == ("@",):
            if name == "images":
                self.read.update(
                    (*pod, listed, ANY, field)
                    for pod in _PODS
                    for listed in LISTS
                    for field in ("image", "name")
                )
            if name in self.names:
                return self.names[name]
            return frozenset([("@request",)]) if name == "request" else frozenset()
        if way == ("@request",):
            return frozenset([()]) if name == "object" else frozenset()
        return frozenset([(*way, name)])

    def projected(self, node: Node, at: _MayStand) -> _MayStand:
        """What becomes of an element of a list."""
        children = node["children"]
        elements = _MayStand(self.items(self.follow(children[0], at)))
        if len(children) > 2:
            self.whole(self.follow(children[2], elements))
        return self.follow(children[1], elements)

    def follow(self, node: Node, at: _MayStand) -> _MayStand:
        children = node.get("children", ())
        match node["type"]:
            case "field":
                ways = frozenset().union(*(self.field(way, node["value"]) for way in at.ways))
                return _NOTHING if at.listed else _MayStand(ways)
            case "current" | "identity":
                return at
            case "index":
                return _MayStand(self.items(at))
            case "slice":
                return at
            case "subexpression" | "index_expression" | "pipe":
                for child in children:
                    at = self.follow(child, at)
                return at
            case "value_projection":
                self.whole(self.follow(children[0], at))
                return _NOTHING
            case "projection" | "filter_projection":
                found = self.projected(node, at)
                if found.listed:
                    self.whole(found)
                # which elements there are shows even where nothing of them is read
                return _MayStand(found.ways, listed=True)
            case "flatten":
                # of lists in a list, what stands in them
                inner = children[0]
                projects = inner["type"] in {"projection", "filter_projection"}
                ways = self.projected(inner, at).ways if projects else self.items(self.follow(inner, at))
                return _MayStand(ways | {(*way, ELEMENT) for way in ways}, listed=True)
            case "multi_select_list":
                parts = [self.follow(child, at) for child in children]
                for part in parts:
                    if part.listed:
                        self.whole(part)
                return _MayStand(frozenset().union(*(part.ways for part in parts)), listed=True)
            case "literal":
                return _NOTHING
            case "function_expression" if node["value"] == "length" and len(children) == 1:
                found = self.follow(children[0], at)
                if found.listed:  # how many there are, whatever stands in them
                    self.read.update((*way, HERE) for way in found.ways)
                else:
                    self.whole(found)
                return _NOTHING
            case "expref":  # looks into what the function is given, which is read whole
                return _NOTHING
        for child in children:
            self.whole(self.follow(child, at))
        return _NOTHING
