"""Texts, quantities and durations as Kyverno compares them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from kscan_lsp.cel.quantities import quantity
from kscan_lsp.kyverno.budget import OverBudget
from kscan_lsp.regex import regex

_DURATION_PART: Final = regex(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
                 "h": 3600 * 10**9}  # fmt: skip
SECOND: Final = 10**9
"""Nanoseconds."""
_LONGEST: Final = 256
"""Characters of a number, quantity or duration: nobody writes longer ones in earnest."""


MAX_MATCHED: Final = 2_000_000
"""Characters of a pattern times characters of a text."""


class Refused(ValueError):  # noqa: N818 - an answer
    """A function cannot take what it is given; says why, and never what that was."""


def has_wildcards(text: str) -> bool:
    """Whether a text is a pattern."""
    return "*" in text or "?" in text


def wild_match(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says: `*` is any text, `?` any one character.

    One pass, with the last `*` to come back to: it takes pattern times text at worst.

    Raises:
        OverBudget: both are too long for that.
    """
    if pattern in {text, "*"}:
        return True
    if len(pattern) * len(text) > MAX_MATCHED:
        raise OverBudget("a text is too long for one of its patterns")
    at = place = 0
    star = mark = -1
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", text[place]}:
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[at:])


@lru_cache(maxsize=4_096)
def duration(text: str) -> int | None:
    """Nanoseconds of a duration such as `1h30m` (Go's `time.ParseDuration`); None for anything else."""
    rest = text[1:] if text[:1] in {"-", "+"} else text
    if not 0 < len(rest) <= _LONGEST:
        return None
    if rest == "0":
        return 0
    total, at = 0, 0
    while at < len(rest):
        found = _DURATION_PART.match(rest, at)
        if found is None:
            return None
        whole, _, part = found[1].partition(".")
        unit = _UNITS[found[2]]
        total += int(whole or "0") * unit + int(part or "0") * unit // 10 ** len(part)
        at = found.end()
    return -total if text[0] == "-" else total


@lru_cache(maxsize=4_096)
def amount(text: str) -> int | None:
    """Billionths of a quantity such as `1.5Gi`; None for anything else."""
    try:
        return quantity(text)
    except ValueError:
        return None


def number(text: str) -> float | None:
    """A decimal number; None for anything else, and for what is none in Go."""
    if len(text) > _LONGEST or text != text.strip() or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def integer(text: str) -> int | None:
    """A whole number in decimal digits; None for anything else."""
    return int(text) if len(text) <= 20 and text.removeprefix("-").removeprefix("+").isdecimal() else None


def is_number(value: object) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_text(value: Any) -> str:
    """A value in a text, as Go prints it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
