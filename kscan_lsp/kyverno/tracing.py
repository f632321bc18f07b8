"""Where the value of an expression comes from: the places in the context that it is taken from, each with its value.

What is made rather than taken, such as the result of a function, comes from where what it is made of comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jmespath.exceptions import JMESPathError

from kscan_lsp.kyverno.budget import OverBudget
from kscan_lsp.kyverno.expressions import NotFound, QueryError, Unanswerable, Unknown, parsed
from kscan_lsp.kyverno.functions import NoValueHere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.kyverno.expressions import Node, Query
    from kscan_lsp.paths import Path

MAX_TRACED: Final = 2_000
"""Values that are followed to where one comes from."""


class Origin(NamedTuple):
    """A value, and where in the context it stands."""

    value: Any
    path: Path


def origins_of(query: Query, source: str, context: dict[str, Any]) -> list[Origin]:
    """Where the value of an expression comes from, as far as it is taken from the context.

    Args:
        query: what evaluates expressions, and has the budget for it.
        source: the expression.
        context: what it can name.
    """
    tree = parsed(source.strip())
    found: list[Origin] = []
    if isinstance(tree, QueryError):
        return found
    try:
        for one in _Tracing(query).trace(tree, Origin(context, ())):
            found.append(one)
            if len(found) >= MAX_TRACED:
                break
    except (NotFound, QueryError, Unanswerable, OverBudget, NoValueHere, JMESPathError, RecursionError):
        pass  # what is found by then is where it comes from, too
    except (ValueError, ArithmeticError, TypeError, AttributeError, LookupError):
        pass
    return found


class _Tracing:
    def __init__(self, query: Query) -> None:
        self.query = query

    def trace(self, node: Node, at: Origin) -> Iterator[Origin]:
        """What a node gives of a value that stands somewhere."""
        children = node.get("children", ())
        self.query.budget.spend()
        match node["type"]:
            case "field":
                found = at.value.get(node["value"]) if isinstance(at.value, dict) else None
                if not isinstance(found, Unknown):
                    yield Origin(found, (*at.path, node["value"]))
            case "current" | "identity":
                yield at
            case "index":
                if isinstance(at.value, list) and -len(at.value) <= node["value"] < len(at.value):
                    yield from self._element(at, node["value"] % len(at.value))
            case "slice":
                if isinstance(at.value, list):
                    for number in range(len(at.value))[slice(*children)]:
                        yield from self._element(at, number)
            case "subexpression" | "index_expression" | "pipe":
                yield from self._chain(children, at)
            case "projection" | "filter_projection" | "value_projection":
                for element in self._items(children[0], at):
                    if len(children) < 3 or self.query.is_true(children[2], element.value):
                        # what is null is left out of the list
                        yield from (one for one in self.trace(children[1], element) if one.value is not None)
            case "flatten":
                for element in self._items(children[0], at):
                    yield from _elements(element) if isinstance(element.value, list) else (element,)
            case "or_expression":
                first = not self.query.is_true(children[0], at.value)
                yield from self.trace(children[1 if first else 0], at)
                if first:
                    yield from self.trace(children[0], at)
            case "literal" | "expref":
                return
            case _:
                for child in children:
                    yield from self.trace(child, at)

    def _element(self, at: Origin, number: int) -> Iterator[Origin]:
        yield Origin(at.value[number], (*at.path, number))

    def _items(self, node: Node, at: Origin) -> Iterator[Origin]:
        """The elements of the list that a node gives."""
        for one in self.trace(node, at):
            yield from (one,) if _gives_elements(node) else _elements(one)

    def _chain(self, nodes: list[Node], at: Origin) -> Iterator[Origin]:
        if not nodes:
            yield at
        elif len(nodes) > 1 and (_gives_elements(nodes[0]) or nodes[0]["type"] in _MAKING):
            # what goes on with a list that is made here has no place: its elements are the nearest
            made = list(self.trace(nodes[0], at))
            index = nodes[1]["children"][-1] if nodes[1]["type"] == "index_expression" else nodes[1]
            number = index["value"] if index["type"] == "index" else None
            yield from made if number is None else made[number:][:1]
        else:
            for one in self.trace(nodes[0], at):
                yield from self._chain(nodes[1:], one)


_MAKING: Final = frozenset({"function_expression", "multi_select_dict"})
_LISTING: Final = frozenset(
    {"projection", "filter_projection", "value_projection", "flatten", "multi_select_list"}
)
_CHAINS: Final = frozenset({"subexpression", "index_expression", "pipe"})


def _gives_elements(node: Node) -> bool:
    """Whether tracing a node gives the elements of a list, rather than the list."""
    while node["type"] in _CHAINS and node["children"]:
        node = node["children"][-1]
    return node["type"] in _LISTING


def _elements(of: Origin) -> Iterator[Origin]:
    if isinstance(of.value, list):
        for number, one in enumerate(of.value):
            yield Origin(one, (*of.path, number))
    elif isinstance(of.value, dict):
        for key, one in of.value.items():
            yield Origin(one, (*of.path, key))
