"""Values in, values out: what the runtime raises, refuses or returns becomes JSON data or a reason."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from cel_expr_python import cel  # type: ignore[import-untyped]
from msgspec import Struct

from kscan_lsp.cel import calling, guard, library, patterns, views
from kscan_lsp.cel.compiling import OPTIONAL, program_of, type_in_words
from kscan_lsp.cel.cost import work
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.cel.activation import Activation
    from kscan_lsp.cel.expression import Expression, Program
    from kscan_lsp.cel.extents import Extent

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

MAX_RESULT = 10_000
"""Values in one result."""
ASKING = 100
"""What it takes to ask anything of anything, in units of work: some 15 microseconds, most of it around the runtime."""
LOOSE = 10
"""How much more work an expression can be at worst than it is as a rule; loops over lists of objects are even less."""
ADMISSION_WORK = 10
"""How often the work of a control's expression one of an admission policy may do: it was written for a server, which
asks it once for an object."""


class Failed(Struct, frozen=True):
    """An evaluation without a usable result. The reason quotes the control at most, never the manifest."""

    reason: str


def deny(expression: Expression, activation: Activation) -> bool | Failed:
    """The answer of an expression that must say true or false."""
    if expression.reckoned and (
        refused := _refused(program_of(activation.environment, expression), activation)
    ):
        return refused
    known = activation.answer(expression)
    if known is True or known is False:
        return bool(known)
    program = program_of(activation.environment, expression)
    patterns.start_evaluation()
    try:
        value = program.handle.eval(activation.handle)
        answer = value.value()
    except Exception as error:  # noqa: BLE001 - the runtime raises whatever it likes; a scan goes on
        return Failed(_reason(str(error), expression))
    if answer is True or answer is False:
        return bool(answer)
    kind = value.type()
    if kind == cel.Type.ERROR:
        return Failed(_reason(str(answer), expression))
    return Failed(f"gives {type_in_words(str(kind))}, not true or false")


def evaluate(
    expression: Expression, activation: Activation, most: int = MAX_RESULT, *, plain: bool = False
) -> Json | Failed:
    """The value of an expression as JSON data: fresh lists and maps, keys always text.

    Kubernetes values (quantities, addresses ...) come as their text, times in RFC 3339, durations in seconds.

    Args:
        expression: what to evaluate.
        activation: on what.
        most: how many values it may have.
        plain: refuse what comes back as something else when it is handed to an expression again.
    """
    if expression.reckoned and (
        refused := _refused(program_of(activation.environment, expression), activation)
    ):
        return refused
    known = activation.answer(expression)
    if type(known) is str:
        return known
    if known is not None and (fresh := _Fresh(most).json(known)) is not None:
        return fresh
    program = program_of(activation.environment, expression)
    patterns.start_evaluation()
    try:
        value = program.handle.eval(activation.handle)
        answer = value.value()
        if isinstance(answer, str) and value.type() == cel.Type.ERROR:
            return Failed(_reason(answer, expression))
        return _Unpacking(most, plain=plain).json(answer)
    except _TooLargeError:
        return Failed(f"gives more than {most:,} values")
    except _NotPlainError:
        return Failed("gives more than plain data")
    except Exception as error:  # noqa: BLE001 - as in `deny`
        return Failed(_reason(str(error), expression))


def _refused(program: Program, activation: Activation) -> Failed | None:
    """A reason not to evaluate: the work could be too much for data of this size."""
    times = 1
    if activation.environment.admission:
        times = ADMISSION_WORK
        if _bears(program, activation.bounds(program.names), times):
            return None
    found = activation.extents(program.names)
    if found is None or _bears(program, found, times):
        return None
    return Failed("too much work for an object of this size")


def work_on(expression: Expression, activation: Activation) -> float:
    """What evaluating an expression takes, in the units of `cost`: what calling it does, and a part of its work.

    Other than what decides whether it is evaluated at all, this goes by the true size of small values, too, and is no
    bound: what is summed up over thousands of evaluations is never as bad as can be each time. Where an expression is
    not evaluated, it does no work.
    """
    program = program_of(activation.environment, expression)
    if program.tree is None or _refused(program, activation):
        return ASKING
    return ASKING + _work(program, activation.sizes(program.names)) / LOOSE


@lru_cache(maxsize=4096)
def _bears(program: Program, extents: tuple[Extent, ...], times: int) -> bool:
    sizes = dict(zip(program.names, extents, strict=True))
    return program.tree is None or guard.bears(program.tree, sizes, times)


@lru_cache(maxsize=4096)
def _work(program: Program, extents: tuple[Extent, ...]) -> float:
    return 0.0 if program.tree is None else work(program.tree, dict(zip(program.names, extents, strict=True)))


class _TooLargeError(Exception):
    pass


class _NotPlainError(Exception):
    pass


class _Unpacking:
    """Turns runtime values into JSON data, counting them.

    Item by item: the runtime's own conversion of whole lists and maps crashes on optionals.
    """

    __slots__ = ("left", "plain")

    def __init__(self, most: int, *, plain: bool) -> None:
        self.left = most
        self.plain = plain

    def json(self, answer: object) -> Json:
        """One value; raises what the runtime raises for an optional."""
        self.left -= 1
        if self.left < 0:
            raise _TooLargeError
        if answer is None or isinstance(answer, str | bool | int):
            return answer
        if isinstance(answer, list):
            return [self.json(item.value()) for item in answer]
        if self.plain and (not isinstance(answer, dict) or any(not isinstance(key, str) for key in answer)):
            raise _NotPlainError
        if isinstance(answer, dict):
            # the runtime has no order of keys that would be the same twice
            return {
                key: self.json(item.value())
                for key, item in sorted(((_key(k), i) for k, i in answer.items()), key=itemgetter(0))
            }
        if isinstance(answer, bytes | bytearray):
            return library.text_of(bytes(answer))
        if isinstance(answer, dt.timedelta):
            return answer.total_seconds()
        if isinstance(answer, float | dt.datetime):
            scalar: Json = views.view(answer).value
            return scalar
        return str(answer)


class _Fresh:
    """The same for what is plain data already; None for what only the runtime's own values show."""

    __slots__ = ("left",)

    def __init__(self, most: int) -> None:
        self.left = most

    def json(self, answer: object) -> Json:
        """A copy of one value."""
        try:
            return self._copy(answer)
        except _NotPlainError:
            return None

    def _copy(self, answer: object) -> Json:
        self.left -= 1
        kind = type(answer)
        if self.left < 0:
            raise _NotPlainError
        if kind is str or kind is int or kind is bool or answer is None:
            return answer  # type: ignore[return-value]
        if isinstance(answer, list):
            return [self._copy(item) for item in answer]
        if isinstance(answer, dict):
            return {key: self._copy(answer[key]) for key in sorted(answer)}
        raise _NotPlainError


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    return str(key).lower() if isinstance(key, bool) else str(key)


_MISSING = regex(r'Key not found in map : "(.*)"', re.DOTALL)
_STATUS = regex(r"^([A-Z_]+): ")
_UNBOUND = regex(r'No value with name "(\w+)"')
_REASONS = {
    "Iteration budget exceeded": "more than 10,000 iterations",
    "convert function return value": OPTIONAL,
    "Unimplemented type": OPTIONAL,
    "invalid regular expression": "a regular expression is wrong",
    "regular expression too large": "a regular expression is too large",
    "Index error": "a list index is out of range",
    "clause can only be used on": "format() cannot write a value as its clause says",
    "supported for conversion to double": "format() cannot write a value as its clause says",
    "formatting clause": "format() has a clause that there is none of",
    "precision specifier": "format() takes a precision of 1,000 at most",
    "end of format string": "format() ends within a clause",
    "divide by zero": "division by zero",
    "modulus by zero": "division by zero",
    "overflow": "a number is out of range",
    "out of range": "a number is out of range",
    "non-message type": "looks for a field in something that is not a map",
    "Invalid map key": "a map key is neither text nor a whole number",
    "Duplicate key": "a map has the same key twice",
}


def _reason(message: str, expression: Expression) -> str:
    """A failure in words that quote nothing but the control (the runtime's may quote the manifest)."""
    if calling.MARK in message:
        return message.partition(calling.MARK)[2]
    if match := _MISSING.search(message):
        sources = " ".join((expression.source, *(text for _, text in expression.let)))
        known = re.search(rf"(?<!\w){re.escape(match[1])}(?!\w)", sources) if match[1] else None
        return f"a field is missing: {match[1]}" if known else "a field is missing"
    if "No matching overload" in message:
        return "wrong types: " + message.rpartition(" : ")[2]
    if match := _UNBOUND.search(message):
        return f"{match[1]} has no value here"
    for part, reason in _REASONS.items():
        if part in message:
            return reason
    status = _STATUS.match(message)
    return "the expression failed" + (f" ({status[1].lower().replace('_', ' ')})" if status else "")
