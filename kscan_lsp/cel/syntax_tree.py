"""Reads the tree of a checked expression from the bytes the runtime serialises it to.

The format is `cel.expr.CheckedExpr` of the CEL specification, in protocol buffers. Only what `cost` and
`guard` look at is read, by field number, so that no protobuf library is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node(NamedTuple):
    """One node of the tree.

    `kind` is `const`, `name`, `select`, `call`, `list`, `struct` or `loop`; `name` is what is named, selected
    or called, and the accumulator of a loop. The parts of a call are its target, if any, and its arguments;
    of a struct, keys and values in turn; of a loop: range, initial value, condition, step, result.
    """

    kind: str
    name: str = ""
    parts: tuple[Node, ...] = ()
    type: str = "dyn"
    """`dyn`, `bool`, `int`, `uint`, `double`, `string`, `bytes`, `list`, `map`, `optional` or `other`."""
    holds_optional: bool = False
    """Its type is an optional, or has one inside."""
    text: str | None = None
    """The value of a text constant."""
    variable: str = ""
    """The variable of a loop."""
    unwrapped: frozenset[int] = frozenset()
    """Parts of a list or struct written with a `?`: optionals that are taken out of their wrapping."""


def read_tree(serialized: bytes) -> Node:
    """The tree of an expression.

    Args:
        serialized: what the runtime's `serialize` returns: an `Any` with a `CheckedExpr`.

    Raises:
        ValueError, IndexError, RecursionError: the bytes are something else.
    """
    checked = _first(serialized, 2)
    types = {_number(entry, 1): _type(_first(entry, 2)) for entry in _every(checked, 3)}
    return _node(_first(checked, 4), types)


# The wire format


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value, at = _varint(data, at)
                yield key >> 3, value
            case 2:
                size, at = _varint(data, at)
                yield key >> 3, data[at : at + size]
                at += size
            case 1:
                yield key >> 3, data[at : at + 8]
                at += 8
            case 5:
                yield key >> 3, data[at : at + 4]
                at += 4
            case _:
                raise ValueError("not a checked expression")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _every(data: bytes, number: int) -> Iterator[bytes]:
    return (value for found, value in _fields(data) if found == number and isinstance(value, bytes))


def _first(data: bytes, number: int) -> bytes:
    return next(_every(data, number), b"")


def _number(data: bytes, number: int) -> int:
    return next((value for found, value in _fields(data) if found == number and isinstance(value, int)), 0)


# Types (`cel.expr.Type`)

_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}


def _type(data: bytes) -> tuple[str, bool]:
    """A type's name, and whether it is or holds an optional."""
    for number, value in _fields(data):
        if number in {3, 4} and isinstance(value, int):
            return _PRIMITIVES.get(value, "other"), False
        if isinstance(value, bytes):
            match number:
                case 6:
                    return "list", _holds(value, 1)
                case 7:
                    return "map", _holds(value, 2) or _holds(value, 3)
                case 14:
                    optional = _first(value, 1) == b"optional_type"
                    return "optional" if optional else "other", optional
                case 11:
                    return "other", _type(value)[1]
                case 1:
                    return "dyn", False
    return "other", False


def _holds(data: bytes, number: int) -> bool:
    return any(_type(inner)[1] for inner in _every(data, number))


# Expressions (`cel.expr.Expr`)

_KINDS = {3: "const", 4: "name", 5: "select", 6: "call", 7: "list", 8: "struct", 9: "loop"}


def _node(data: bytes, types: dict[int, tuple[str, bool]]) -> Node:
    ident, number, body = 0, 0, b""
    for field, value in _fields(data):
        if field == 2 and isinstance(value, int):
            ident = value
        elif field in _KINDS and isinstance(value, bytes):
            number, body = field, value
    kind = _KINDS.get(number, "const")
    type_, holds = types.get(ident, ("dyn", False))
    name = variable = ""
    parts: tuple[Node, ...] = ()
    text: str | None = None
    unwrapped: frozenset[int] = frozenset()
    match kind:
        case "const":
            text = next((value.decode() for value in _every(body, 6)), None)
        case "name":
            name = _first(body, 1).decode()
        case "select":
            name, parts = _first(body, 2).decode(), (_node(_first(body, 1), types),)
        case "call":
            name = _first(body, 2).decode()
            parts = tuple(_node(part, types) for field in (1, 3) for part in _every(body, field))
        case "list":
            parts = tuple(_node(part, types) for part in _every(body, 1))
            unwrapped = frozenset(_packed(body, 2))
        case "struct":
            parts, unwrapped = _entries(body, types)
        case "loop":
            variable, name = _first(body, 1).decode(), _first(body, 3).decode()
            parts = tuple(_node(_first(body, field), types) for field in (2, 4, 5, 6, 7))
    return Node(kind, name, parts, type_, holds, text, variable, unwrapped)


def _packed(data: bytes, number: int) -> Iterator[int]:
    for field, value in _fields(data):
        if field == number and isinstance(value, int):
            yield value
        elif field == number and isinstance(value, bytes):
            at = 0
            while at < len(value):
                found, at = _varint(value, at)
                yield found


def _entries(data: bytes, types: dict[int, tuple[str, bool]]) -> tuple[tuple[Node, ...], frozenset[int]]:
    parts: list[Node] = []
    unwrapped: list[int] = []
    for entry in _every(data, 2):
        key = _first(entry, 3)
        parts.append(
            _node(key, types) if key else Node("const", text=_first(entry, 2).decode(), type="string")
        )
        if _number(entry, 5):
            unwrapped.append(len(parts))
        parts.append(_node(_first(entry, 4), types))
    return tuple(parts), frozenset(unwrapped)
