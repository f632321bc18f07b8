"""Patterns of RE2 that are compiled when first used: together they take longer than the start of the program may."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import re2  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 32 << 20


def compiled(pattern: str | bytes) -> Any:
    """A pattern over texts, or over their UTF-8, which is faster."""
    return re2.compile(pattern, _OPTIONS)


def lazy(pattern: str | bytes) -> Callable[[], Any]:
    """A pattern to be compiled at the first call, and once."""
    return cache(lambda: compiled(pattern))


def whether(pattern: bytes) -> Callable[[bytes], object]:
    """What says whether a text has a pattern, and no more.

    That is a fifth of what a search takes on a short text: a set of one pattern has no groups, and no match is made.
    """
    found = re2.Set.SearchSet(_OPTIONS)
    found.Add(pattern)
    found.Compile()
    matches: Callable[[bytes], object] = found.Match
    return matches


def either(*patterns: str) -> Callable[[], Any]:
    """One pattern for any of several."""
    return lazy("|".join(f"(?:{pattern})" for pattern in patterns))
