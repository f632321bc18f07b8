"""Conditions of Kyverno: a key, an operator and a value, joined by `any` and `all`.

Where a condition needs what no file says, the others may still decide; where none does, the whole is not known.

Source: pkg/engine/variables/evaluate.go and pkg/engine/variables/operator.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.kyverno.context import expressions_in
from kscan_lsp.kyverno.expressions import QueryError, Unanswerable
from kscan_lsp.kyverno.leaves import is_range, text_matches
from kscan_lsp.kyverno.scalars import (
    SECOND,
    amount,
    as_text,
    duration,
    integer,
    is_number,
    number,
    wild_match,
)
from kscan_lsp.kyverno.versions import order_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kscan_lsp.kyverno.context import Context
    from kscan_lsp.kyverno.model import Conditions, KyvernoCondition
    from kscan_lsp.paths import Path

OPERATORS: Final = (
    "Equals", "NotEquals", "In", "AnyIn", "AllIn", "NotIn", "AnyNotIn", "AllNotIn", "GreaterThan",
    "GreaterThanOrEquals", "LessThan", "LessThanOrEquals", "DurationGreaterThan", "DurationGreaterThanOrEquals",
    "DurationLessThan", "DurationLessThanOrEquals",
)  # fmt: skip
KNOWN: Final = frozenset({name.lower() for name in OPERATORS} | {"equal", "notequal"})
"""Operators in any case, with what two of them may be called, too."""
_COMPARING: Final[dict[str, Callable[[int], bool]]] = {
    "greaterthan": lambda order: order > 0,
    "greaterthanorequals": lambda order: order >= 0,
    "lessthan": lambda order: order < 0,
    "lessthanorequals": lambda order: order <= 0,
}
_AMONG: Final = frozenset({"in", "anyin", "allin", "notin", "anynotin", "allnotin"})


class ConditionsOutcome(NamedTuple):
    """Whether conditions hold."""

    holds: bool
    decided: tuple[tuple[KyvernoCondition, Context], ...] = ()
    """Those because of which they do."""
    message: str = ""


def evaluated(blocks: Sequence[Conditions], context: Context) -> ConditionsOutcome:
    """Whether all blocks of conditions hold.

    Raises:
        NotFound, QueryError: a condition has no value, which is an error of the rule.
        Unanswerable: what no file says decides.
        OverBudget: it takes too much work.
    """
    decided: list[tuple[KyvernoCondition, Context]] = []
    messages: list[str] = []
    unknown: Unanswerable | None = None
    for block in blocks:
        try:
            found = _block(block, context)
        except Unanswerable as error:
            unknown = unknown or error
            continue
        if not found.holds:
            return found
        decided += found.decided
        messages.append(found.message)
    if unknown is not None:
        raise unknown
    return ConditionsOutcome(True, tuple(decided), "; ".join(filter(None, messages)))


def _block(block: Conditions, context: Context) -> ConditionsOutcome:
    unknown: Unanswerable | None = None
    decided: list[tuple[KyvernoCondition, Context]] = []
    if block.any is not None:
        undecided: Unanswerable | None = None
        for condition in block.any:
            try:
                if _holds(condition, context):
                    decided.append((condition, context))
                    break
            except Unanswerable as error:
                undecided = undecided or error
        else:
            if undecided is None:
                return ConditionsOutcome(False)
            unknown = undecided
    for condition in block.all or ():
        try:
            if not _holds(condition, context):
                return ConditionsOutcome(False)
            decided.append((condition, context))
        except Unanswerable as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
    message = "; ".join(filter(None, (condition.message for condition, _ in decided)))
    return ConditionsOutcome(True, tuple(decided), message)


def _holds(condition: KyvernoCondition, context: Context) -> bool:
    key = context.substituted(condition.key)
    value = condition.value if condition.plain else context.substituted(condition.value)
    context.query.spend(key)
    context.query.spend(value)
    return compare(condition.operator, key, value)


def places_of(condition: KyvernoCondition, context: Context) -> list[Path]:
    """The fields of the object because of which a condition holds: of a list, the elements that it is true of."""
    for side in (condition.key, condition.value):
        found: list[Path] = []
        for source in expressions_in(side):
            origins = context.places(source)
            if side is condition.key and condition.operator.lower() in _AMONG and len(origins) > 1:
                value = context.substituted(condition.value)
                chosen = [path for one, path in origins if compare(condition.operator, one, value)]
                found += chosen or [path for _, path in origins]
            else:
                found += [path for _, path in origins]
        if found:
            return list(dict.fromkeys(found))
    return []


def compare(sign: str, key: Any, value: Any) -> bool:
    """Whether an operator holds between two values.

    Raises:
        QueryError: there is no such operator.
    """
    match sign.lower():
        case "equals" | "equal":
            return key is not None and _equal(key, value)
        case "notequals" | "notequal":
            return key is not None and not _equal(key, value)
        case "in" | "notin" as name:
            return _in(key, value, name == "notin")
        case "anyin" | "allin" | "anynotin" | "allnotin" as name:
            return _among(name, key, value)
        case name if name in _COMPARING:
            order = _order(key, value)
            return order is not None and _COMPARING[name](order)
        case name if name.removeprefix("duration") in _COMPARING:
            one, other = _seconds(key), _seconds(value)
            if one is None or other is None:
                return False
            return _COMPARING[name.removeprefix("duration")]((one > other) - (one < other))
    raise QueryError(f"unknown operator '{sign}'")


def _seconds(value: Any) -> int | None:
    """Nanoseconds of a duration, or of a number of seconds."""
    if isinstance(value, str):
        return duration(value)
    return int(value) * SECOND if is_number(value) and abs(value) < 1e15 else None


def _durations(key: Any, value: Any) -> tuple[int, int] | None:
    """Both as durations, where at least one is written as one."""
    if not any(isinstance(one, str) and one != "0" and duration(one) is not None for one in (key, value)):
        return None
    found = [duration(one) if isinstance(one, str) and one != "0" else None for one in (key, value)]
    known = [
        _seconds(one) if read is None and not isinstance(one, str) else read
        for one, read in zip((key, value), found, strict=True)
    ]
    return (known[0], known[1]) if known[0] is not None and known[1] is not None else None


def _equal(key: Any, value: Any) -> bool:
    if isinstance(key, bool):
        return isinstance(value, bool) and key is value
    if isinstance(key, str):
        if both := _durations(key, value):
            return both[0] == both[1]
        if isinstance(value, str):
            one = amount(key)
            if one is not None and value:
                return one == amount(value)
            return wild_match(value, key)
        return False
    if is_number(key):
        if isinstance(value, str):
            read = integer(value) if float(key).is_integer() else number(value)
            return read is not None and read == key
        return is_number(value) and key == value
    return type(key) is type(value) and bool(key == value)


def _order(key: Any, value: Any) -> int | None:
    """How two values stand to each other: less than, equal to or more than 0; None where they do not."""
    if not (isinstance(key, str) or is_number(key)):
        return None
    if both := _durations(key, value):
        return (both[0] > both[1]) - (both[0] < both[1])
    if isinstance(key, str) and isinstance(value, str):
        amounts = (amount(key), amount(value))
        if amounts[0] is not None and amounts[1] is not None:
            return (amounts[0] > amounts[1]) - (amounts[0] < amounts[1])
    one = number(key) if isinstance(key, str) else key
    if one is not None:
        other = number(value) if isinstance(value, str) else value if is_number(value) else None
        return None if other is None else (one > other) - (one < other)
    versions = (order_of(key), order_of(value) if isinstance(value, str) else None)
    if versions[0] is None or versions[1] is None:
        return None
    return (versions[0] > versions[1]) - (versions[0] < versions[1])


def _alike(one: str, other: str) -> bool:
    return wild_match(one, other) or wild_match(other, one)


def _listed(text: str) -> list[str] | None:
    """The entries of a list that is written in JSON, or the text alone; None for other JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else None


def _among(name: str, key: Any, value: Any) -> bool:
    """AnyIn, AllIn, AnyNotIn and AllNotIn."""
    without = "not" in name
    if isinstance(key, list):
        return _list_among(name, [as_text(one) for one in key], value)
    if not isinstance(key, str | bool) and not is_number(key):
        return False
    text = as_text(key)
    if isinstance(value, list):
        return any(_alike(as_text(one), text) for one in value) != without
    if not isinstance(value, str):
        return False
    if wild_match(value, text):
        return not without
    if is_range(value):
        return text_matches(text, value) != without
    listed = _listed(value)
    return False if listed is None else (text in listed) != without


def _list_among(name: str, keys: list[str], value: Any) -> bool:
    without = "not" in name
    if isinstance(value, list):
        values: list[str] | None = [as_text(one) for one in value]
    elif isinstance(value, str):
        if keys == [value]:
            return not without
        if is_range(value):
            inside = [text_matches(key, value) for key in keys]
            match name:
                case "anyin":
                    return any(inside)
                case "allin":
                    return all(inside)
                case "anynotin":
                    return not all(inside)
            return not any(inside)
        values = _listed(value)
    elif (isinstance(value, bool) or is_number(value)) and name.startswith("any"):
        values = [as_text(value)]
    else:
        values = None
    if values is None:
        return False
    found = [any(_alike(key, one) for one in values) for key in keys]
    match name:
        case "anyin":
            return any(found)
        case "allin":
            return all(found)
        case "anynotin":
            return not all(found)
    return not any(found)


def _in(key: Any, value: Any, without: bool) -> bool:
    """In and NotIn, which are deprecated and take lists for sets without wildcards."""
    if isinstance(key, list):
        if isinstance(value, str):
            if key == [value]:
                return True
            value = _listed(value)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in (*key, *value)):
            return False
        missing = any(one not in value for one in key)
        return missing if without else not missing
    return _among("anynotin" if without else "anyin", key, value)
