"""Reads the tree of a checked expression from the bytes the runtime serialises it to.

The format is `cel.expr.CheckedExpr` of the CEL specification, in protocol buffers. Only what `cost` and
`guard` look at is read, by field number, so that no protobuf library is needed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Node(Struct, frozen=True):
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
    constant: bool | int | None = None
    """The value of a constant that is true, false or a whole number."""
    tests: bool = False
    """Of a `select`: whether it asks if the field is there (`has`)."""


def read_tree(serialized: bytes) -> Node:
    """The tree of an expression.

    Args:
        serialized: what the runtime's `serialize` returns: an `Any` with a `CheckedExpr`, or, of an expression that was
            parsed only, with a `ParsedExpr`, which has no types.

    Raises:
        ValueError, IndexError, RecursionError: the bytes are something else.
    """
    wrapped = _message(serialized)
    checked = _message(_first(wrapped, 2))
    if _first(wrapped, 1).endswith(b"ParsedExpr"):
        return _node(_first(checked, 2), {})
    types = {}
    for entry in map(_message, checked.get(3, ())):
        types[_number(entry, 1)] = _type(_first(entry, 2))
    return _node(_first(checked, 4), types)


def in_order(serialized: bytes) -> bytes:
    """A checked expression with its maps in one order: the runtime writes them in another one each time."""
    wrapped = [
        (number, _checked_in_order(one) if number == 2 else one) for number, one in _fields(serialized)
    ]
    return _joined(wrapped)


def _checked_in_order(checked: bytes) -> bytes:
    """`CheckedExpr`: its maps are those of references and types, and in `SourceInfo` of positions and of macros."""
    parts = [(n, _joined(_sorted(_fields(one), {4, 5})) if n == 5 else one) for n, one in _fields(checked)]
    return _joined(_sorted(parts, {2, 3}))


def _sorted(fields: list[tuple[int, bytes]], maps: set[int]) -> list[tuple[int, bytes]]:
    return sorted(fields, key=lambda field: (field[0], field[1] if field[0] in maps else b""))


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    """The fields of a message of nothing but texts and messages, in their order."""
    found, at = [], 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 != 2:
            raise ValueError("not a checked expression")
        size, at = _varint(data, at)
        found.append((key >> 3, data[at : at + size]))
        at += size
    return found


def _joined(fields: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(
        part for number, one in fields for part in (bytes([number << 3 | 2]), _varint_of(len(one)), one)
    )


def _varint_of(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value == low else bytes([low | 0x80]) + _varint_of(value >> 7)


# The wire format

Message: TypeAlias = dict[int, list[Any]]
"""Fields by number: integers and bytes."""


def _message(data: bytes) -> Message:
    found: Message = {}
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        value: int | bytes
        match key & 7:
            case 0:
                value, at = _varint(data, at)
            case 2:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
            case 1:
                value, at = data[at : at + 8], at + 8
            case 5:
                value, at = data[at : at + 4], at + 4
            case _:
                raise ValueError("not a checked expression")
        found.setdefault(key >> 3, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _first(message: Message, number: int) -> bytes:
    value = message.get(number, (b"",))[0]
    return value if isinstance(value, bytes) else b""


def _number(message: Message, number: int) -> int:
    value = message.get(number, (0,))[0]
    return value if isinstance(value, int) else 0


# Types (`cel.expr.Type`)

_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}


@lru_cache(maxsize=256)
def _type(data: bytes) -> tuple[str, bool]:
    """A type's name, and whether it is or holds an optional."""
    for number, values in _message(data).items():
        match number:
            case 1:
                return "dyn", False
            case 3 | 4:
                return _PRIMITIVES.get(values[0], "other"), False
            case 6:
                return "list", _holds(values[0], 1)
            case 7:
                return "map", _holds(values[0], 2) or _holds(values[0], 3)
            case 11:
                return "other", _type(values[0])[1]
            case 14:
                optional = _first(_message(values[0]), 1) == b"optional_type"
                return ("optional", True) if optional else ("other", _holds(values[0], 2))
    return "other", False


def _holds(data: bytes, number: int) -> bool:
    return any(_type(inner)[1] for inner in _message(data).get(number, ()))


# Expressions (`cel.expr.Expr`)


def _node(data: bytes, types: dict[int, tuple[str, bool]]) -> Node:
    message = _message(data)
    type_, holds = types.get(_number(message, 2), ("dyn", False))
    if 6 in message:
        call = _message(message[6][0])
        parts = tuple(_node(part, types) for field in (1, 3) for part in call.get(field, ()))
        return Node("call", _first(call, 2).decode(), parts, type_, holds)
    if 4 in message:
        return Node("name", _first(_message(message[4][0]), 1).decode(), (), type_, holds)
    if 5 in message:
        select = _message(message[5][0])
        whole = _node(_first(select, 1), types)
        name, tests = _first(select, 2).decode(), bool(_number(select, 3))
        return Node("select", name, (whole,), type_, holds, tests=tests)
    if 7 in message:
        items = _message(message[7][0])
        parts = tuple(_node(part, types) for part in items.get(1, ()))
        return Node("list", "", parts, type_, holds, unwrapped=frozenset(_indices(items.get(2, ()))))
    if 8 in message:
        parts, unwrapped = _entries(_message(message[8][0]).get(2, ()), types)
        return Node("struct", "", parts, type_, holds, unwrapped=unwrapped)
    if 9 in message:
        loop = _message(message[9][0])
        parts = tuple(_node(_first(loop, field), types) for field in (2, 4, 5, 6, 7))
        return Node("loop", _first(loop, 3).decode(), parts, type_, holds, variable=_first(loop, 1).decode())
    constant = _message(_first(message, 3))
    text = constant[6][0].decode() if 6 in constant else None
    return Node("const", "", (), type_, holds, text, constant=_constant(constant))


def _constant(constant: Message) -> bool | int | None:
    if 2 in constant:
        return bool(_number(constant, 2))
    if 3 in constant:
        whole = _number(constant, 3)
        return whole - (1 << 64) if whole >> 63 else whole
    return None


def _indices(values: Iterable[int | bytes]) -> Iterator[int]:
    """Integers, packed or one by one."""
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            index, at = _varint(value, at)
            yield index


def _entries(
    entries: Iterable[bytes], types: dict[int, tuple[str, bool]]
) -> tuple[tuple[Node, ...], frozenset[int]]:
    parts: list[Node] = []
    unwrapped: list[int] = []
    for entry in map(_message, entries):
        key = Node("const", type="string", text=_first(entry, 2).decode())
        parts.append(_node(entry[3][0], types) if 3 in entry else key)
        if _number(entry, 5):
            unwrapped.append(len(parts))
        parts.append(_node(_first(entry, 4), types))
    return tuple(parts), frozenset(unwrapped)
