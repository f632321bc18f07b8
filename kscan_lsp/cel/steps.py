"""What the forms of an expression do when it is answered without the runtime, as functions over a frame.

A frame has the variables first, then how many more iterations there may be, and a slot for each name that is bound. A
step is handed others, which give what it works on (`native.py` puts them together). Each knows what CEL says of some
types of values and raises for all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kscan_lsp.cel.operators import UnansweredError, equal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Data: TypeAlias = Any
Frame: TypeAlias = list[Any]
Step: TypeAlias = "Callable[[Frame], Any]"

ABSENT: Final = object()
"""An optional without a value; one with a value is the value."""


def unanswered(*_: object) -> Any:
    """What only the runtime knows."""
    raise UnansweredError


class Later:
    """What a name is bound to, until it is asked for: as in the runtime, it may be wrong where nobody does."""

    __slots__ = ("first",)

    def __init__(self, first: Step) -> None:
        self.first = first


def bound(names: Sequence[tuple[int, Later]], body: Step) -> Step:
    """A step with names bound in slots. Each time, as it may stand in a loop."""

    def binding(frame: Frame) -> Data:
        for number, later in names:
            frame[number] = later
        return body(frame)

    return binding


def slot(number: int) -> Step:
    """What a name is bound to."""

    def read(frame: Frame) -> Data:
        value = frame[number]
        if type(value) is Later:
            value = frame[number] = value.first(frame)
        return value

    return read


# Looking up


def fields(of: Step, names: Sequence[str]) -> Step:
    """A field of a field ... of a value, each of which has to be there."""

    def field(frame: Frame) -> Data:
        value = of(frame)
        for name in names:
            if type(value) is not dict:
                raise UnansweredError
            value = value[name]
        return value

    return field


def found(of: Step, names: Sequence[str], instead: Data) -> Step:
    """The same of an optional or a value, each of which may be absent: then it is something else instead."""

    def has(frame: Frame) -> Data:
        value = of(frame)
        for name in names:
            if type(value) is dict:
                value = value.get(name, ABSENT)
            elif value is ABSENT:
                return instead
            else:
                raise UnansweredError
        return instead if value is ABSENT else value

    return has


def field_of(variable: str, name: str) -> Step:
    """A field of a variable, which most questions are about: a step less, and no loop, is half of what it takes."""

    def field(frame: Frame) -> Data:
        value = frame[0][variable]
        if type(value) is dict:
            return value[name]
        raise UnansweredError

    return field


def found_of(variable: str, name: str, instead: Data) -> Step:
    """The same where it may be absent."""

    def has(frame: Frame) -> Data:
        value = frame[0][variable]
        if type(value) is dict:
            return value.get(name, instead)
        raise UnansweredError

    return has


def at_key(of: Step, named: Step) -> Step:
    """An optional: what a value, or another optional, has under a key, or in a place."""

    def at(frame: Frame) -> Data:
        value = of(frame)
        if value is ABSENT:
            return value
        key = named(frame)
        if type(value) is dict and type(key) is str:
            return value.get(key, ABSENT)
        if type(value) is list and type(key) is int:
            return value[key] if 0 <= key < len(value) else ABSENT
        raise UnansweredError

    return at


def required(of: Step) -> Step:
    """What an optional has, which has to be something."""

    def value(frame: Frame) -> Data:
        one = of(frame)
        if one is ABSENT:
            raise UnansweredError
        return one

    return value


def has(of: Step, name: str) -> Step:
    """Whether a map has a field."""

    def test(frame: Frame) -> bool:
        value = of(frame)
        if type(value) is not dict:
            raise UnansweredError
        return name in value

    return test


# Deciding


def either(asked: Step, yes: Step, no: Step) -> Step:
    """One of two, by what is true."""

    def chosen(frame: Frame) -> Data:
        value = asked(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise UnansweredError

    return chosen


def decided(parts: Sequence[Step], *, enough: bool) -> Step:
    """`||` or `&&` of any number: the first part decides that is what one of them is enough for."""
    other = not enough

    def decision(frame: Frame) -> bool:
        for part in parts:
            value = part(frame)
            if value is enough:
                return not other
            if value is not other:
                raise UnansweredError
        return other

    return decision


def any_is(number: int, span: Step, asked: Step, *, enough: bool) -> Step:
    """The same of the entries of a list or map; `number` is the slot of an entry."""
    other = not enough

    def decision(frame: Frame) -> bool:
        for item in _entries(frame, span(frame)):
            frame[number] = item
            value = asked(frame)
            if value is enough:
                return not other
            if value is not other:
                raise UnansweredError
        return other

    return decision


def same(one: Step, other: Step) -> Step:
    """Whether two values are equal, or two optionals."""

    def equality(frame: Frame) -> bool:
        first, second = one(frame), other(frame)
        if type(first) is str and type(second) is str:
            return first == second
        if first is ABSENT or second is ABSENT:
            return first is second
        return equal(first, second)

    return equality


def is_text(of: Step, text: str, *, said: bool = True) -> Step:
    """Whether a value is a text that is written out; or whether it is not, where that is what is said of it."""

    def equality(frame: Frame) -> bool:
        value = of(frame)
        if type(value) is str:
            return (value == text) is said
        return equal(value, text) is said

    return equality


def negated(of: Step) -> Step:
    """What is not true."""

    def negation(frame: Frame) -> bool:
        value = of(frame)
        if value is True:
            return False
        if value is False:
            return True
        raise UnansweredError

    return negation


# Going through lists


def chosen(number: int, span: Step, asked: Step | None) -> Step:
    """The entries of a list for which a condition holds."""

    def choice(frame: Frame) -> list[Data]:
        items = _items(frame, span(frame))
        if asked is None:
            return items
        those = []
        for item in items:
            frame[number] = item
            value = asked(frame)
            if value is True:
                those.append(item)
            elif value is not False:
                raise UnansweredError
        return those

    return choice


def named(span: Step, name: str, instead: Data, wanted: Step, otherwise: Step) -> Step:
    """The entries of a list that have a text for a name: in one go, as each of a list may ask for all that are like it.

    Args:
        span: gives the list.
        name: of the field of an entry.
        instead: what counts where it is absent.
        wanted: gives the text, whatever the entry.
        otherwise: gives the entries where it is no text.
    """

    def choice(frame: Frame) -> list[Data]:
        items = span(frame)
        text = wanted(frame) if items else None
        if type(text) is not str:
            return otherwise(frame)  # type: ignore[no-any-return]
        # an entry that is no map has no `get`, so the runtime is asked; a text equals nothing but texts
        return [item for item in _items(frame, items) if item.get(name, instead) == text]

    return choice


def mapped(number: int, those: Step, made: Step) -> Step:
    """What is made of each of some entries."""

    def result(frame: Frame) -> list[Data]:
        found = []
        for item in those(frame):
            frame[number] = item
            found.append(made(frame))
        return found

    return result


def _items(frame: Frame, items: Data) -> list[Data]:
    if type(items) is not list:  # the runtime has an order of its own for the keys of a map
        raise UnansweredError
    return _entries(frame, items)  # type: ignore[no-any-return]


def _entries(frame: Frame, items: Data) -> Data:
    if type(items) is not list and type(items) is not dict:
        raise UnansweredError
    frame[1] -= len(items)
    if frame[1] < 0:
        raise UnansweredError
    return items
