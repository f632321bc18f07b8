"""What CEL's own functions and operators give for Python's values, where that is surely the same.

Each takes the types of values that it knows, and raises for all others: what CEL has an error for, and what takes more
than a line to say, such as the equality of numbers of two types, is left to the runtime.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Data: TypeAlias = Any

_KINDS: Final = frozenset({str, bool, int, float, bytes, list, dict, type(None)})
_LARGEST: Final = 2**63


class UnansweredError(Exception):
    """Only the runtime knows."""


def equal(one: Data, other: Data) -> bool:
    """Whether two values are equal."""
    kind, kind_of_other = type(one), type(other)
    if kind is str or kind is bool or kind is int or kind is bytes:
        if kind is kind_of_other:
            return bool(one == other)
        if kind_of_other in _KINDS and (kind is not int or kind_of_other is not float):
            return False
    elif kind is list and kind_of_other is list:
        return len(one) == len(other) and all(map(equal, one, other))
    elif kind is not kind_of_other and kind is not float and kind in _KINDS and kind_of_other in _KINDS:
        return False
    raise UnansweredError


def _in(item: Data, whole: Data) -> bool:
    if type(whole) is list:
        # a text equals nothing but texts, in Python as in CEL
        return item in whole if type(item) is str else any(equal(item, one) for one in whole)
    if type(whole) is dict and type(item) is str:
        return item in whole
    raise UnansweredError


def _size(value: Data) -> int:
    if type(value) is str or type(value) is list or type(value) is dict:
        return len(value)
    raise UnansweredError


def _sum(one: Data, other: Data) -> Data:
    kind = type(one)
    if kind is type(other) and (kind is str or kind is list):
        return one + other
    return _added(one, other)


def _added(one: Data, other: Data, sign: int = 1) -> int:
    if type(one) is int and type(other) is int:
        found: int = one + sign * other
        if -_LARGEST <= found < _LARGEST:
            return found
    raise UnansweredError


def _compared(how: Callable[[Data, Data], bool]) -> Callable[[Data, Data], bool]:
    def compare(one: Data, other: Data) -> bool:
        if type(one) is not type(other) or (type(one) is not int and type(one) is not str):
            raise UnansweredError
        return how(one, other)

    return compare


def _of_text(call: Callable[[str], Data]) -> Callable[[Data], Data]:
    """A function of a text that is the same in Python where that is ASCII."""

    def of_text(text: Data) -> Data:
        if type(text) is str and text.isascii():
            return call(text)
        raise UnansweredError

    return of_text


def _of_texts(call: Callable[[str, str], Data]) -> Callable[[Data, Data], Data]:
    """A function of two texts; of an empty one in second place, the runtime is asked what it does."""

    def of_texts(text: Data, other: Data) -> Data:
        if type(text) is str and type(other) is str and other:
            return call(text, other)
        raise UnansweredError

    return of_texts


def _tail(text: Data, start: Data) -> str:
    if type(text) is str and type(start) is int and 0 <= start <= len(text):
        return text[start:]
    raise UnansweredError


def _middle(text: Data, start: Data, end: Data) -> str:
    # the runtime refuses an end that is that of the text (cel-expr-python 0.1.3)
    if type(text) is str and type(start) is int and type(end) is int and 0 <= start <= end < len(text):
        return text[start:end]
    raise UnansweredError


def _joined(texts: Data, between: Data = "") -> str:
    if type(texts) is list and type(between) is str and all(type(text) is str for text in texts):
        return between.join(texts)
    raise UnansweredError


def _text(value: Data) -> str:
    if type(value) is str or type(value) is int:
        return str(value)
    raise UnansweredError


def _number(value: Data) -> int:
    if type(value) is int or (type(value) is str and value.isascii() and value.isdigit() and len(value) < 18):
        return int(value)
    raise UnansweredError


OPERATORS: Final[Mapping[tuple[str, int], Callable[..., Data]]] = {
    ("_<_", 2): _compared(operator.lt),
    ("_<=_", 2): _compared(operator.le),
    ("_>_", 2): _compared(operator.gt),
    ("_>=_", 2): _compared(operator.ge),
    ("_+_", 2): _sum,
    ("_-_", 2): lambda one, other: _added(one, other, -1),
    ("@in", 2): _in,
    ("size", 1): _size,
    ("string", 1): _text,
    ("int", 1): _number,
    ("contains", 2): _of_texts(operator.contains),
    ("startsWith", 2): _of_texts(str.startswith),
    ("endsWith", 2): _of_texts(str.endswith),
    ("lowerAscii", 1): _of_text(str.lower),
    ("upperAscii", 1): _of_text(str.upper),
    ("split", 2): _of_texts(str.split),
    ("indexOf", 2): _of_texts(str.find),
    ("lastIndexOf", 2): _of_texts(str.rfind),
    ("substring", 2): _tail,
    ("substring", 3): _middle,
    ("join", 1): _joined,
    ("join", 2): _joined,
}
"""By name and number of arguments, of which the first is what they are called on."""
