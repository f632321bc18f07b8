"""Kyverno's arithmetic in JMESPath: of numbers, quantities and durations, which may not be mixed as one likes.

Source: pkg/engine/jmespath/arithmetic.go.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from kscan_lsp.cel.quantities import quantity_text
from kscan_lsp.kyverno.scalars import SECOND, Refused, amount, duration, is_number

_BILLION: Final = 10**9
_WRONG: Final = "these cannot be calculated with each other"


class _Operand(NamedTuple):
    kind: str
    value: float
    """A number, or billionths of a quantity, or nanoseconds of a duration."""


def _operand(value: Any) -> _Operand:
    if is_number(value):
        return _Operand("number", value)
    if isinstance(value, str):
        if (billionths := amount(value)) is not None:
            return _Operand("quantity", billionths)
        if (nanoseconds := duration(value)) is not None:
            return _Operand("duration", nanoseconds)
    raise Refused("invalid operand")


def _shown(kind: str, value: float) -> Any:
    if kind == "number":
        return plain_number(value)
    if not math.isfinite(value):
        raise Refused(_WRONG)
    return quantity_text(int(value)) if kind == "quantity" else duration_text(int(value))


def plain_number(value: float) -> int | float:
    """A number, whole where it has no fraction.

    Raises:
        Refused: it is infinite, or none.
    """
    if not math.isfinite(value):
        raise Refused("a number that is too large")
    return int(value) if float(value).is_integer() else value


def calculated(name: str, left: Any, right: Any) -> Any:
    """The result of `add`, `subtract`, `multiply`, `divide` or `modulo`.

    Raises:
        Refused: the operands do not go together, or a division is by zero.
    """
    one, other = _operand(left), _operand(right)
    kinds = (one.kind, other.kind)
    if name in {"add", "subtract"} and one.kind == other.kind:
        return _shown(one.kind, one.value + other.value if name == "add" else one.value - other.value)
    if name == "multiply" and "number" in kinds:
        kind = other.kind if one.kind == "number" else one.kind
        return _shown(kind, one.value * other.value)
    if name in {"divide", "modulo"} and not other.value:
        raise Refused("a division by zero")
    if name == "divide" and one.kind == other.kind:
        return _shown("number", one.value / other.value)
    if name == "divide" and other.kind == "number":
        return _shown(one.kind, one.value / other.value)
    if name == "modulo" and one.kind == other.kind:
        unit = _BILLION if one.kind == "quantity" else 1
        if any(int(each.value) != each.value or each.value % unit for each in (one, other)):
            raise Refused("modulo takes whole numbers")
        return _shown(one.kind, math.fmod(one.value, other.value))
    raise Refused(_WRONG)


def duration_text(nanoseconds: int) -> str:
    """A duration as Go writes it: `1h30m0s`."""
    rest = abs(nanoseconds)
    sign = "-" if nanoseconds < 0 else ""
    if rest < SECOND:
        for unit, size in (("ms", 10**6), ("µs", 10**3), ("ns", 1)):
            if rest >= size:
                return f"{sign}{_decimal(rest, size)}{unit}"
        return "0s"
    minutes, seconds = divmod(rest, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(seconds, SECOND)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    tail = f"{part:0{len(str(unit)) - 1}d}".rstrip("0") if part else ""
    return f"{whole}.{tail}" if tail else str(whole)
