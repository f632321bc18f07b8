"""Semantic versions in ranges, as `semver_compare` has them: `>=1.2.0 <2.0.0 || 3.x`.

Source: the README of blang/semver, v4.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.cel.quantities import version, version_order
from kscan_lsp.kyverno.scalars import Refused
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable

_TERM: Final = regex(r"(>=|<=|==|!=|>|<|=|!)?\s*([0-9xX*][^\s|<>=!]*)")
_SIGNS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "": operator.eq, "=": operator.eq, "==": operator.eq, "!": operator.ne, "!=": operator.ne, ">": operator.gt,
    ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_ANY: Final = frozenset({"x", "X", "*"})


def order_of(text: str) -> tuple[object, ...] | None:
    """A key that sorts versions by precedence; None for what is no version."""
    try:
        return version_order(version(text))
    except ValueError:
        return None


def version_in(text: str, wanted: str) -> bool:
    """Whether a version is in a range; what is no version counts as 0.0.0.

    Raises:
        Refused: it is no range.
    """
    given = order_of(text) or version_order("0.0.0")
    return any(all(_holds(given, *term) for term in _terms(choice)) for choice in wanted.split("||"))


def _terms(choice: str) -> list[tuple[str, str]]:
    found = [(term[1] or "", term[2]) for term in _TERM.finditer(choice)]
    if not found or _TERM.sub("", choice).strip():
        raise Refused("not a range of versions")
    return found


def _holds(given: tuple[object, ...], sign: str, wanted: str) -> bool:
    parts = wanted.split(".")
    free = next((n for n, part in enumerate(parts) if part in _ANY), None)
    if free is None:
        order = order_of(wanted)
        if order is None:
            raise Refused("not a range of versions")
        return _SIGNS[sign](given, order)
    numbers = parts[:free]
    if not all(part.isdecimal() for part in numbers):
        raise Refused("not a range of versions")
    known = tuple(map(int, numbers))
    return _SIGNS[sign](given[: len(known)], known)
