"""What an expression reads, known from its syntax tree when it is compiled.

The runtime converts a variable anew for every activation, all of it, and a pod can be large: a check of each container
that reads `pod.os` should not pay for the pod's volumes. And an answer can be remembered by what it was read from.

The tree is walked with the origins of every value: a variable, a field of one, an entry. What becomes of a value that
is compared, handed to a function or given as the answer is not followed: all of it counts as read. So what is found may
be more than what is read, never less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.cel.syntax_tree import Node

Reads: TypeAlias = "dict[str, frozenset[str] | None]"
"""By variable, the fields that are read; None where that may be any."""

ANY: Final = "*"
"""In place of a name: any."""
_WORD: Final = regex(r"[A-Za-z_]\w*")
_INDEXES: Final = frozenset({"_?._", "_[_]", "_[?_]"})
_PASSES: Final = frozenset({"_?_:_", "_+_", "dyn", "optional.of", "or", "orValue", "value"})
"""Functions and operators whose result is one of their arguments, or is made of them."""

_TAKE_PATTERNS: Final = frozenset(
    {"matchesAny", "credential", "credentialInAnnotation", "credentialInArgument"}
)
"""Functions whose last argument is a list of regular expressions."""
_TAKE_REGISTRIES: Final = frozenset({"imageListed"})
"""Functions whose last argument is a list of registries and repositories."""


class ReadSet(Struct, frozen=True, omit_defaults=True):
    """What an expression reads."""

    fields: tuple[str, ...] = ()
    """`variable.field`, or `variable` for all of one."""
    names: tuple[str, ...] = ()
    """The words in the names of fields that it looks for, and in its texts, which may be names, too."""
    patterns: tuple[str, ...] = ()
    """The fields of variables, as `variable.field`, that it uses as lists of regular expressions."""
    registries: tuple[str, ...] = ()
    """The fields of variables that it uses as lists of registries and repositories."""
    of_entries: tuple[str, ...] = ()
    """The fields it reads of the `object` of entries, such as a related object; or ANY."""


class _Origin(NamedTuple):
    """Where a value may come from, or something in a list that it is."""

    kind: Literal["variable", "field", "entry", "object"]
    """`entry` is a list of entries, too; `object` is the object of one."""
    name: str = ""
    """Of a variable; of a field as `variable.field`."""


_Origins: TypeAlias = "frozenset[_Origin]"

_NOTHING: Final[_Origins] = frozenset()
_ENTRY: Final = _Origin("entry")
_OBJECT: Final = _Origin("object")


def reading_of(
    tree: Node, variables: Iterable[str], entries: Iterable[str], qualified: frozenset[str] = frozenset()
) -> ReadSet:
    """What an expression reads.

    Args:
        tree: the expression, checked.
        variables: the variables there are. A name bound inside hides one.
        entries: those of them that map names to lists of entries, each with an `object`.
        qualified: fields of them, as `variable.field`, that are variables themselves.
    """
    walk = _ReadingWalk(frozenset(variables), frozenset(entries), qualified)
    walk.use(walk.visit(tree, {}))
    found = (walk.fields, walk.names, walk.patterns, walk.registries, walk.of_entries)
    return ReadSet(*(tuple(sorted(one)) for one in found))


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


def looked_for(tree: Node) -> frozenset[str]:
    """The fields of variables, as `variable.field`, that are looked for by an operator and not by their whole name."""
    found = frozenset[str]().union(*(looked_for(part) for part in tree.parts))
    if tree.kind == "call" and tree.name in _INDEXES and tree.parts[0].kind == "name" and tree.parts[1].text:
        return found | {f"{tree.parts[0].name}.{tree.parts[1].text}"}
    return found


class _ReadingWalk:
    """What has been found so far."""

    def __init__(self, variables: frozenset[str], entries: frozenset[str], qualified: frozenset[str]) -> None:
        self.variables = variables
        self.entries = entries
        self.qualified = qualified
        self.fields: set[str] = set()
        self.names: set[str] = set()
        self.patterns: set[str] = set()
        self.registries: set[str] = set()
        self.of_entries: set[str] = set()

    def use(self, origins: _Origins) -> _Origins:
        """Note that all of a value is read; returns what of its origins is still to be known: the fields."""
        for kind, name in origins:
            if kind == "variable":
                self.fields.add(name)
            if kind in {"entry", "object"} or name in self.entries:
                self.of_entries.add(ANY)
        return frozenset(origin for origin in origins if origin.kind == "field")

    def use_variables(self, origins: _Origins) -> _Origins:
        """Note that all of the variables among some origins is read; returns the others."""
        variables = frozenset(origin for origin in origins if origin.kind == "variable")
        return (origins - variables) | self.use(variables)

    def visit(self, node: Node, bound: Mapping[str, _Origins]) -> _Origins:
        """The origins of a node's value; what is read on the way is noted.

        Args:
            node: the node.
            bound: the names bound around it, with the origins of what they stand for.
        """
        match node.kind:
            case "const":
                self.names.update(_WORD.findall(node.text or ""))
                return _NOTHING
            case "name":
                return self.name(node.name, bound)
            case "select":
                return self.select(self.visit(node.parts[0], bound), node.name)
            case "list":
                parts = [self.use_variables(self.visit(part, bound)) for part in node.parts]
                return _NOTHING.union(*parts)
            case "loop":
                return self.loop(node, bound)
            case "call" if node.name in _INDEXES:
                return self.index(node, bound)
            case "call":
                return self.call(node, [self.visit(part, bound) for part in node.parts])
        for part in node.parts:
            self.use(self.visit(part, bound))
        return _NOTHING

    def name(self, name: str, bound: Mapping[str, _Origins]) -> _Origins:
        """A name; one that begins with a dot is never one that is bound."""
        if name in bound:
            return bound[name]
        name = name.removeprefix(".")
        if name in self.qualified:
            variable, _, field = name.partition(".")
            return self.select(frozenset({_Origin("variable", variable)}), field)
        return frozenset({_Origin("variable", name)}) if name in self.variables else _NOTHING

    def select(self, origins: _Origins, field: str) -> _Origins:
        """A field whose name is written out."""
        self.names.update(_WORD.findall(field))
        found: set[_Origin] = set()
        for origin in origins:
            match origin.kind:
                case "variable":
                    self.fields.add(f"{origin.name}.{field}")
                    found.add(_Origin("field", f"{origin.name}.{field}"))
                    if origin.name in self.entries:
                        found.add(_ENTRY)
                case "entry" if field == "object":
                    found.add(_OBJECT)
                case "object":
                    self.of_entries.add(field)
        return frozenset(found)

    def index(self, node: Node, bound: Mapping[str, _Origins]) -> _Origins:
        """A field or an element, optional or not."""
        whole, key = node.parts
        origins = self.visit(whole, bound)
        if key.text is not None:
            return self.select(origins, key.text)
        self.use(self.visit(key, bound))
        if key.type == "int":  # of a list
            elements = self.use_variables(origins)
            return (elements - {_OBJECT}) | self.use(elements & {_OBJECT})
        indexed = {_Origin("field", f"{name}.{ANY}") for kind, name in origins if kind == "variable"}
        return self.use(origins) | indexed

    def loop(self, node: Node, bound: Mapping[str, _Origins]) -> _Origins:
        """A macro: `cel.bind`, or one that goes through a list or map."""
        span, start, condition, step, result = node.parts
        elements = self.use_variables(self.visit(span, bound))
        # an object is a map, whose keys are gone through; in a list of objects it is not told from that
        elements = (elements - {_OBJECT}) | self.use(elements & {_OBJECT})
        built, before = self.use_variables(self.visit(start, bound)), None
        while built != before:
            before = built
            inside = {**bound, node.variable: elements, node.name: built}
            self.use(self.visit(condition, inside))
            built |= self.use_variables(self.visit(step, inside))
        return self.visit(result, {**bound, node.name: built})

    def call(self, node: Node, arguments: list[_Origins]) -> _Origins:
        """A function or an operator."""
        if node.name in _TAKE_PATTERNS:
            self.patterns.update(name for kind, name in arguments[-1] if kind == "field")
        if node.name in _TAKE_REGISTRIES:
            self.registries.update(name for kind, name in arguments[-1] if kind == "field")
        if node.name == "size":  # how many entries there are says nothing of what is in them
            self.use(arguments[0] - {_ENTRY})
            return _NOTHING
        if node.name not in _PASSES:
            for origins in arguments:
                self.use(origins)
            return _NOTHING
        if node.name == "_?_:_":
            self.use(arguments.pop(0))
        if node.name == "_+_":
            arguments = [self.use_variables(origins) for origins in arguments]
        return _NOTHING.union(*arguments)
