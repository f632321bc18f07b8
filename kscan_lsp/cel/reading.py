"""What an expression reads, told from its syntax tree when it is compiled.

The runtime converts a variable anew for every activation, all of it, and a pod can be large: a check of each container
that reads `pod.os` should not pay for the pod's volumes. And an answer can be remembered by what it was read from. What
is told here may be more than what is read, never less: a variable that is passed on whole is read whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.cel.syntax_tree import Node

Reads: TypeAlias = "dict[str, frozenset[str] | None]"
"""By variable, the fields that are read; None where that may be any."""

ANY: Final = "*"
"""In place of a name: any."""
_FIELD: Final = re.compile(r"[A-Za-z_][\w-]*")
_OPTIONAL_OR_INDEX: Final = frozenset({"_?._", "_[_]", "_[?_]"})


class Reading(Struct, frozen=True, omit_defaults=True):
    """What an expression reads."""

    fields: tuple[str, ...] = ()
    """`variable.field`, or `variable` for all of one."""
    names: tuple[str, ...] = ()
    """The names of fields that it looks for, anywhere, and the words in its texts, which may be names, too."""
    patterns: tuple[str, ...] = ()
    """The fields of variables, as `variable.field`, that it uses as lists of regular expressions."""
    of_entries: tuple[str, ...] = ()
    """The fields of `object` that it reads of anything that is no variable, such as a related object; or ANY."""


class _Walk(NamedTuple):
    variables: frozenset[str]
    entries: frozenset[str]
    fields: dict[str, None]
    names: dict[str, None]
    patterns: dict[str, None]
    of_entries: dict[str, None]


def reading_of(tree: Node, variables: Iterable[str], entries: Iterable[str]) -> Reading:
    """What an expression reads.

    Args:
        tree: the expression, checked.
        variables: the variables there are. A name bound inside hides one.
        entries: those of them that hold entries with an `object`.
    """
    walk = _Walk(frozenset(variables), frozenset(entries), {}, {}, {}, {})
    _visit(tree, walk, {})
    return Reading(*(tuple(sorted(found)) for found in walk[2:]))


def free_names(tree: Node, bound: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names that an expression uses and does not bind itself."""
    if tree.kind == "name":
        return frozenset() if tree.name in bound else frozenset({tree.name})
    if tree.kind != "loop":
        return frozenset[str]().union(*(free_names(part, bound) for part in tree.parts))
    span, start, *rest = tree.parts
    inside = bound | {tree.name, tree.variable}
    return free_names(span, bound).union(
        free_names(start, bound), *(free_names(part, inside) for part in rest)
    )


def _visit(node: Node, walk: _Walk, bound: Mapping[str, Node | None]) -> None:
    """Note what a node reads.

    Args:
        node: the node.
        walk: where to note it.
        bound: the names bound around it, with what each is, or is an element of, if that is known.
    """
    if node.text is not None:
        walk.names.update(dict.fromkeys(_FIELD.findall(node.text)))
    if node.kind == "name":
        if node.name in walk.variables and node.name not in bound:
            walk.fields[node.name] = None
        return
    if node.kind == "loop":
        span, start, *rest = node.parts
        _visit(span, walk, bound)
        _visit(start, walk, bound)
        inside = {**bound, node.variable: span, node.name: None if span.parts else start}
        for part in rest:
            _visit(part, walk, inside)
        return
    if node.kind == "call" and node.name == "matchesAny":
        _note_patterns(node.parts[-1], walk, bound)
    whole, field = _selection(node)
    if whole is None:
        for part in node.parts:
            _visit(part, walk, bound)
        return
    if field is None:  # an index that is known only when it is evaluated
        if _holds_entries(whole, walk, bound):
            walk.of_entries[ANY] = None
        for part in node.parts:
            _visit(part, walk, bound)
        return
    walk.names.update(dict.fromkeys(_FIELD.findall(field)))
    if _is_variable(whole, walk, bound):
        walk.fields[f"{whole.name}.{field}"] = None
        return
    above, entry = _selection(whole)
    if entry == "object" and above is not None:
        walk.of_entries[field] = None
        walk.names[entry] = None
        _visit(above, walk, bound)
        return
    if field == "object":
        walk.of_entries[ANY] = None
    _visit(whole, walk, bound)


def _selection(node: Node) -> tuple[Node | None, str | None]:
    """What a field is selected from, and the field, None where it is not written out; two None where nothing is."""
    if node.kind == "select":
        return node.parts[0], node.name
    if node.kind == "call" and node.name in _OPTIONAL_OR_INDEX:
        whole, key = node.parts
        if key.kind == "const" and key.type in {"int", "uint", "double", "bool"}:
            return None, None  # an element of a list
        return whole, key.text
    return None, None


def _is_variable(node: Node, walk: _Walk, bound: Mapping[str, Node | None]) -> bool:
    return node.kind == "name" and node.name in walk.variables and node.name not in bound


def _holds_entries(node: Node, walk: _Walk, bound: Mapping[str, Node | None]) -> bool:
    """Whether something may be an entry, or have one inside."""
    if node.kind != "name":
        return any(_holds_entries(part, walk, bound) for part in node.parts)
    if node.name not in bound:
        return node.name in walk.entries
    meant = bound[node.name]
    around = {name: what for name, what in bound.items() if name != node.name}
    return meant is not None and _holds_entries(meant, walk, around)


def _note_patterns(node: Node, walk: _Walk, bound: Mapping[str, Node | None]) -> None:
    """The fields of variables in an argument that is a list of regular expressions, also through a name for it."""
    whole, field = _selection(node)
    if whole is not None and _is_variable(whole, walk, bound):
        walk.patterns[f"{whole.name}.{field or ANY}"] = None
    elif node.kind == "name":
        if meant := bound.get(node.name):
            _note_patterns(meant, walk, {name: what for name, what in bound.items() if name != node.name})
    else:
        for part in node.parts:
            _note_patterns(part, walk, bound)
