"""A value against the scalar of a pattern: wildcards, operators, ranges, and what stands between `|` and `&`.

Source: pkg/engine/pattern/pattern.go and pkg/engine/operator/operator.go.
"""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.kyverno.scalars import amount, as_text, duration, integer, is_number, number, wild_match
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable

_AMOUNT: Final = r"([-|+]?\d+(?:\.\d+)?[A-Za-z]*)"
_IN_RANGE: Final = regex(f"{_AMOUNT}-{_AMOUNT}")
_NOT_IN_RANGE: Final = regex(f"{_AMOUNT}!-{_AMOUNT}")
_COMPARING: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "!": operator.ne, "": operator.eq,
}  # fmt: skip
"""In the order in which they are looked for."""


def leaf_matches(value: Any, pattern: Any) -> bool:
    """Whether a value is what a scalar of a pattern asks for; `None` stands for what is not there, too."""
    if isinstance(pattern, bool):
        return isinstance(value, bool) and value is pattern
    if isinstance(pattern, str):
        return text_matches(value, pattern)
    if pattern is None:
        return value is None or (not isinstance(value, dict | list) and not value)
    if isinstance(pattern, int | float):
        if isinstance(value, str):
            read = integer(value) if isinstance(pattern, int) else number(value)
            return read is not None and read == pattern
        return is_number(value) and value == pattern
    return isinstance(pattern, dict) and isinstance(value, dict)


def text_matches(value: Any, pattern: str) -> bool:
    """Whether a value is what a text of a pattern asks for."""
    if isinstance(value, str) and value == pattern:
        return True
    return any(
        all(_condition_holds(value, condition) for condition in choice) for choice in _choices(pattern)
    )


@lru_cache(maxsize=2_048)
def _choices(pattern: str) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(condition.strip(" ") for condition in choice.strip(" ").split("&"))
        for choice in pattern.split("|")
    )


def is_range(pattern: str) -> bool:
    """Whether a text is a range such as `1-5`."""
    return len(pattern) > 1 and _operator_of(pattern) == "-"


@lru_cache(maxsize=2_048)
def _operator_of(pattern: str) -> str:
    if len(pattern) < 2:
        return ""
    for sign in (">=", "<=", ">", "<", "!"):
        if pattern.startswith(sign):
            return sign
    if _NOT_IN_RANGE.fullmatch(pattern):
        return "!-"
    return "-" if _IN_RANGE.fullmatch(pattern) else ""


def _condition_holds(value: Any, pattern: str) -> bool:
    sign = _operator_of(pattern)
    if sign == "-" and (found := _IN_RANGE.fullmatch(pattern)):
        return _compares(value, found[1], ">=") and _compares(value, found[2], "<=")
    if sign == "!-" and (found := _NOT_IN_RANGE.fullmatch(pattern)):
        return _compares(value, found[1], "<") or _compares(value, found[2], ">")
    return _compares(value, pattern[len(sign) :].strip(), sign)


def _compares(value: Any, wanted: str, sign: str) -> bool:
    """Whether a value compares so: both as durations, else both as quantities, else as texts."""
    if value is None:
        text: str | None = "0"
    elif isinstance(value, float):
        text = f"{value:f}"
    else:
        text = str(value) if isinstance(value, str) or is_number(value) else None
    if text is not None:
        for read in (duration, amount):
            asked, given = read(wanted), read(text)
            if asked is not None and given is not None:
                return _COMPARING[sign](given, asked)
    if sign not in {"", "!"} or value is None or isinstance(value, dict | list):
        return False
    return wild_match(wanted, as_text(value)) != (sign == "!")
