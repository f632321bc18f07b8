"""Answers the common questions in Python, on the values as they are: what the runtime would say, or nothing.

A form (`code.py`) becomes nested functions over a frame: the variables, and a slot for each name that is bound. Each
knows what CEL says of some types of values, and raises for all others: then the runtime is asked, which has the words
for what is wrong, too. All tests of controls compare what is answered here with what the runtime says.

What it buys: a question that takes the runtime 8 microseconds, and 30 for a container that it has not converted yet, is
answered in 1 to 3; our own functions are called without converting what they are given.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import msgpack

from kscan_lsp.cel import library
from kscan_lsp.cel.code import FIRST_SLOT
from kscan_lsp.cel.operators import OPERATORS, UnansweredError, equal, sure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kscan_lsp.cel.calling import Function
    from kscan_lsp.cel.code import Code

Data: TypeAlias = Any
Frame: TypeAlias = list[Any]
Native: TypeAlias = "Callable[[Mapping[str, Data]], Data]"
"""Gives an answer for some variables, or raises whatever it likes where the runtime is to be asked."""
_Part: TypeAlias = "Callable[[Frame], Any]"

MAX_ITERATIONS: Final = 2_000
"""Of one question: far fewer than the runtime allows, which counts them otherwise."""

_ABSENT: Final = object()
"""An optional without a value; one with a value is the value."""
_UNSET: Final = object()


def native(code: bytes) -> Native:
    """What answers an expression, from its form (`code_of`)."""
    form, slots = msgpack.decode(code)
    whole, empty = _part(form), [_UNSET] * (slots - FIRST_SLOT)

    def answer(variables: Mapping[str, Data]) -> Data:
        frame: Frame = [variables, MAX_ITERATIONS, *empty]
        try:
            return whole(frame)
        finally:
            frame.clear()  # a name that nobody asked for holds it in turn, which would wait for the garbage collector

    return answer


def _part(code: Code) -> _Part:
    if code is None:
        return _unanswered
    name, *rest = code
    return _FORMS[name](*rest)


def _unanswered(*_: object) -> Any:
    raise UnansweredError


# Looking up


def _constant(value: Data) -> _Part:
    return lambda _: value


def _variable(name: str) -> _Part:
    return lambda frame: frame[0][name]


def _entry(number: int) -> _Part:
    return lambda frame: frame[number]


def _slot(number: int) -> _Part:
    def read(frame: Frame) -> Data:
        value = frame[number]
        return value() if type(value) is _Later else value

    return read


class _Later:
    """What a name is bound to, until it is asked for: as in the runtime, it may be wrong where nobody does."""

    __slots__ = ("first", "frame", "number")

    def __init__(self, first: _Part, frame: Frame, number: int) -> None:
        self.first, self.frame, self.number = first, frame, number

    def __call__(self) -> Data:
        value = self.frame[self.number] = self.first(self.frame)
        return value


def _bind(number: int, first: Code, body: Code) -> _Part:
    init, rest = _part(first), _part(body)

    def bound(frame: Frame) -> Data:
        frame[number] = _Later(init, frame, number)
        return rest(frame)

    return bound


def _written(code: Code) -> Data:
    """The text or number that is written out; None for anything else. Most keys are: to know it saves a third."""
    return code[1] if code is not None and code[0] == "const" else None


def _field(whole: Code, key: Code) -> _Part:
    of, named, name = _part(whole), _part(key), _written(key)

    def field(frame: Frame) -> Data:
        value = of(frame)
        if type(value) is dict and type(name) is str:
            return value[name]
        found = _at(value, named(frame))
        if found is _ABSENT:
            raise UnansweredError
        return found

    return field


def _at(value: Data, key: Data) -> Data:
    if type(value) is dict and type(key) is str:
        return value.get(key, _ABSENT)
    if type(value) is list and type(key) is int:
        return value[key] if 0 <= key < len(value) else _ABSENT
    raise UnansweredError


def _then(whole: Code, key: Code) -> _Part:
    """An optional, of a value or of another optional: only that can be absent."""
    of, named, name = _part(whole), _part(key), _written(key)

    def then(frame: Frame) -> Data:
        value = of(frame)
        if type(value) is dict and type(name) is str:
            return value.get(name, _ABSENT)
        return value if value is _ABSENT else _at(value, named(frame))

    return then


def _has(whole: Code, name: str) -> _Part:
    of = _part(whole)

    def has(frame: Frame) -> bool:
        value = of(frame)
        if type(value) is not dict:
            raise UnansweredError
        return name in value

    return has


def _has_value(whole: Code) -> _Part:
    of = _part(whole)
    return lambda frame: of(frame) is not _ABSENT


def _value(whole: Code) -> _Part:
    of = _part(whole)

    def value(frame: Frame) -> Data:
        found = of(frame)
        if found is _ABSENT:
            raise UnansweredError
        return found

    return value


def _or_value(whole: Code, other: Code) -> _Part:
    of, instead = _part(whole), _part(other)

    def value(frame: Frame) -> Data:
        found = of(frame)
        return instead(frame) if found is _ABSENT else found

    return value


def _list(parts: Sequence[Code]) -> _Part:
    written = [_written(part) for part in parts]
    if None not in written:
        return lambda _: written
    made = [_part(part) for part in parts]
    return lambda frame: [part(frame) for part in made]


def _map(keys: Sequence[str], values: Sequence[Code]) -> _Part:
    made = [(key, _part(value)) for key, value in zip(keys, values, strict=True)]
    if len(dict(made)) < len(made):
        return _unanswered
    return lambda frame: {key: value(frame) for key, value in made}


# Deciding


def _either(condition: Code, yes: Code, no: Code) -> _Part:
    asked, one, other = _part(condition), _part(yes), _part(no)
    return lambda frame: one(frame) if sure(asked(frame)) else other(frame)


def _and(one: _Part, other: _Part) -> _Part:
    return lambda frame: sure(one(frame)) and sure(other(frame))


def _or(one: _Part, other: _Part) -> _Part:
    return lambda frame: sure(one(frame)) or sure(other(frame))


def _exists(number: int, span: Code, condition: Code) -> _Part:
    return _any_is(number, span, condition, found=True)


def _all(number: int, span: Code, condition: Code) -> _Part:
    return _any_is(number, span, condition, found=False)


def _any_is(number: int, span: Code, condition: Code, *, found: bool) -> _Part:
    of, asked = _part(span), _part(condition)

    def decided(frame: Frame) -> bool:
        for item in _entries(frame, of(frame)):
            frame[number] = item
            if sure(asked(frame)) is found:
                return found
        return not found

    return decided


def _gather(number: int, span: Code, condition: Code, entry: Code) -> _Part:
    of, asked, made = _part(span), _part(condition), _part(entry)

    def gathered(frame: Frame) -> list[Data]:
        items = of(frame)
        if type(items) is not list:  # the runtime has an order of its own for the keys of a map
            raise UnansweredError
        found = []
        for item in _entries(frame, items):
            frame[number] = item
            if sure(asked(frame)):
                found.append(made(frame))
        return found

    return gathered


def _entries(frame: Frame, items: Data) -> Data:
    if type(items) is not list and type(items) is not dict:
        raise UnansweredError
    frame[1] -= len(items)
    if frame[1] < 0:
        raise UnansweredError
    return items


# Calling


def _same(one: Code, other: Code) -> _Part:
    left, right = _part(one), _part(other)

    def same(frame: Frame) -> bool:
        first, second = left(frame), right(frame)
        if type(first) is str and type(second) is str:
            return first == second
        if first is _ABSENT or second is _ABSENT:
            return first is second
        return equal(first, second)

    return same


@cache
def _own() -> Mapping[str, Function]:
    """Our functions by name, but for two of one name, which one only their types tell apart."""
    return {function.name: function for function in library.all_functions()}


def _call(name: str, arguments: Sequence[Code]) -> _Part:
    parts = [_part(argument) for argument in arguments]
    if name == "_&&_":
        return _and(*parts)
    if name == "_||_":
        return _or(*parts)
    call = OPERATORS.get((name, len(parts))) or _own().get(name)
    if call is None:
        return _unanswered
    if len(parts) == 1:
        (only,) = parts
        return lambda frame: call(only(frame))
    if len(parts) == 2:
        one, other = parts
        return lambda frame: call(one(frame), other(frame))
    return lambda frame: call(*[part(frame) for part in parts])


_FORMS: Final[Mapping[str, Callable[..., _Part]]] = {
    "const": _constant,
    "variable": _variable,
    "entry": _entry,
    "slot": _slot,
    "bind": _bind,
    "field": _field,
    "maybe": _then,
    "then": _then,
    "has": _has,
    "hasValue": _has_value,
    "value": _value,
    "orValue": _or_value,
    "list": _list,
    "map": _map,
    "_?_:_": _either,
    "exists": _exists,
    "all": _all,
    "gather": _gather,
    "call": _call,
    "same": _same,
}
