"""What of an expression can be answered without the runtime: its tree in the few forms that `native.py` knows.

Most of what is asked of a manifest looks a field up and compares it, and the runtime converts all of a container before
it does that: thirty microseconds for what takes one. So the tree of an expression is brought into a form that can be
stored with its program, and evaluated on the values as they are.

A form is a list that begins with its name. Names that are bound have a slot each; macros are told by what they are
expanded to. Whatever else there is in a tree is `None`, which has no answer: the runtime has one for all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import msgpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.cel.syntax_tree import Node

Code: TypeAlias = "list[Any] | None"
"""One form: `[name, ...]`."""
_Bound: TypeAlias = "Mapping[str, tuple[int, bool | None]]"
"""Names with their slots, and whether they are optionals; None for the entry of a loop, which is there at once."""

FIRST_SLOT: Final = 2
"""Before it stand the variables, and how many more iterations there may be."""

_ASKS: Final = frozenset({"hasValue", "value", "or", "orValue"})
_BOTH: Final = 2


def code_of(tree: Node) -> bytes:
    """The form of an expression, to be stored: `[slots, form]` as MessagePack."""
    coding = _Coding()
    return msgpack.encode([coding.plain(tree, {}), coding.slots])


class _Coding:
    """How many slots there are so far."""

    def __init__(self) -> None:
        self.slots = FIRST_SLOT

    def plain(self, node: Node, bound: _Bound) -> Code:
        """The form of what gives no optional: where one is not expected, the runtime has an error."""
        code, optional = self.visit(node, bound)
        return None if optional else code

    def visit(self, node: Node, bound: _Bound) -> tuple[Code, bool]:
        """A form, and whether it gives an optional.

        Args:
            node: the node.
            bound: the names bound around it.
        """
        match node.kind:
            case "const" if node.text is not None or node.constant is not None:
                return ["const", node.constant if node.text is None else node.text], False
            case "name" if node.name in bound:
                slot, optional = bound[node.name]
                return ["entry" if optional is None else "slot", slot], bool(optional)
            case "name":
                return ["variable", node.name], False
            case "select":
                whole, optional = self.visit(node.parts[0], bound)
                if node.tests:
                    return (None if optional else ["has", whole, node.name]), False
                return ["then" if optional else "field", whole, ["const", node.name]], optional
            case "list" if not node.unwrapped:
                return ["list", [self.plain(part, bound) for part in node.parts]], False
            case "struct" if not node.unwrapped and all(key.text is not None for key in node.parts[::2]):
                values = [self.plain(part, bound) for part in node.parts[1::2]]
                return ["map", [key.text for key in node.parts[::2]], values], False
            case "loop":
                return self.loop(node, bound)
            case "call":
                return self.call(node, bound)
        return None, False

    def call(self, node: Node, bound: _Bound) -> tuple[Code, bool]:
        """A function or an operator."""
        name, parts = node.name, node.parts
        if name in {"_?._", "_[?_]", "_[_]"}:
            whole, optional = self.visit(parts[0], bound)
            if name == "_[_]":
                return (None if optional else ["field", whole, self.plain(parts[1], bound)]), False
            return ["then" if optional else "maybe", whole, self.plain(parts[1], bound)], True
        if name in _ASKS and parts:
            first, optional = self.visit(parts[0], bound)
            if not optional or len(parts) > _BOTH:
                return None, False
            if name != "or":
                return [name, first, *(self.plain(part, bound) for part in parts[1:])], False
            other, optional = self.visit(parts[1], bound)
            return (["orValue", first, other] if optional else None), True
        if name == "_?_:_":
            (yes, maybe), (no, maybe_not) = (self.visit(part, bound) for part in parts[1:])
            return (None if maybe != maybe_not else [name, self.plain(parts[0], bound), yes, no]), maybe
        if name in {"_==_", "_!=_"}:
            (one, maybe), (other, maybe_other) = (self.visit(part, bound) for part in parts)
            same: Code = ["same", one, other] if maybe == maybe_other else None
            return (same if name == "_==_" else ["call", "!_", [same]]), False
        return ["call", name, [self.plain(part, bound) for part in parts]], node.type == "optional"

    def loop(self, node: Node, bound: _Bound) -> tuple[Code, bool]:
        """A macro."""
        span, start, _, step, result = node.parts
        if span.kind == "list" and not span.parts:  # cel.bind
            first, optional = self.visit(start, bound)
            slot = self.slot()
            body, whether = self.visit(result, {**bound, node.name: (slot, optional)})
            return ["bind", slot, first, body], whether
        if result.kind != "name" or result.name != node.name:
            return None, False
        whole, slot = self.plain(span, bound), self.slot()
        inside = {**bound, node.variable: (slot, None)}
        if start.constant is False and step.name == "_||_":
            return ["exists", slot, whole, self.plain(step.parts[1], inside)], False
        if start.constant is True and step.name == "_&&_":
            return ["all", slot, whole, self.plain(step.parts[1], inside)], False
        if start.kind != "list" or start.parts:
            return None, False
        condition: Code = ["const", True]
        if step.name == "_?_:_":
            condition, step = self.plain(step.parts[0], inside), step.parts[1]
        if step.name != "_+_" or step.parts[1].kind != "list" or len(step.parts[1].parts) != 1:
            return None, False
        return ["gather", slot, whole, condition, self.plain(step.parts[1].parts[0], inside)], False

    def slot(self) -> int:
        """One that no other name has."""
        self.slots += 1
        return self.slots - 1
