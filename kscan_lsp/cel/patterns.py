"""Regular expressions from control files and settings, searched by RE2.

Nobody vouches for the patterns or for the texts, so the engine must take linear time whatever a pattern says:
google-re2, which is the same RE2 that the CEL runtime has inside. The runtime compiles a pattern anew at
every `matches`, up to half a millisecond for one that counts; here a pattern is compiled once.

Linear still leaves a factor that grows with the pattern, and a search that goes on after every match:
`(a|b)*a(a|b){900}c` takes ten seconds for a hundred thousand characters. So an evaluation has a budget.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import re2  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LENGTH: Final = 2_000
"""Characters of one pattern."""
MAX_SIZE: Final = 10_000
"""Instructions of one compiled pattern, or of a list of them."""
MAX_WORK: Final = 100_000_000
"""Characters times instructions of all searches of one evaluation: a second or two for the worst patterns, and enough
to look for credentials in a dashboard of 200 KB."""

Pattern: TypeAlias = Any
"""A compiled regular expression; `programsize` says how many instructions it has."""

_WRONG: Final = "a regular expression is wrong or too large"
# What an evaluation says of a pattern that may come from a manifest, and is not to be quoted.

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 16 << 20


class _Budget(threading.local):
    left = MAX_WORK


BUDGET: Final = _Budget()
"""What is left of it for the evaluation in this thread."""


def start_evaluation() -> None:
    """Give the evaluation that begins in this thread its full budget."""
    BUDGET.left = MAX_WORK


def _spend(pattern: Pattern, characters: int) -> None:
    BUDGET.left -= characters * pattern.programsize
    if BUDGET.left < 0:
        raise ValueError("a regular expression takes too long on this text")


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Pattern:
    """A compiled regular expression in RE2 syntax.

    Raises:
        ValueError: it is no regular expression, or too large; it is not quoted, since people list passwords.
    """
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"a regular expression longer than {MAX_LENGTH:,} characters")
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        detail = error.args[0] if error.args else error
        reason = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else "it is not Unicode text"
        raise ValueError(f"not a regular expression ({reason.partition(':')[0]})") from None
    if compiled.programsize > MAX_SIZE:
        raise ValueError("a regular expression that is too large")
    return compiled


@lru_cache(maxsize=256)
def _any_of(patterns: tuple[str, ...]) -> Pattern:
    if sum(compile_pattern(pattern).programsize for pattern in patterns) > MAX_SIZE:
        raise ValueError("a list of regular expressions that is too large")
    return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), _OPTIONS)


def matches_any(text: str, patterns: Sequence[str]) -> bool:
    """Whether any of the regular expressions is found in a text.

    Raises:
        ValueError: a pattern is wrong, the list is too large, or the search could take too long.
    """
    if not patterns:
        return False
    try:
        pattern = _any_of(tuple(patterns))
    except (ValueError, TypeError):
        raise ValueError(_WRONG) from None
    _spend(pattern, len(text))
    # of a text, the search would count the characters up to what it finds
    return pattern.search(text.encode()) is not None


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """What a regular expression matches in a text, from left to right; at most `limit`, if not negative.

    Raises:
        ValueError: the pattern is wrong, or the search could take too long.
    """
    try:
        compiled = compile_pattern(pattern)
    except ValueError:
        raise ValueError(_WRONG) from None
    found: list[str] = []
    if limit:
        _spend(compiled, len(text))
        for match in compiled.finditer(text):
            found.append(match.group())
            if len(found) == limit:
                break
            # The search that follows may go to the end again.
            _spend(compiled, len(text) - match.end())
    return found


def find_first(text: str, pattern: str) -> str:
    """The leftmost match of a regular expression in a text; empty when there is none.

    Raises:
        ValueError: as for `find_all`.
    """
    return "".join(find_all(text, pattern, 1))


def list_error(patterns: Sequence[str]) -> str:
    """What keeps a list of regular expressions (RE2 syntax) from being used; empty when nothing does.

    One that is used all the same makes `matchesAny` fail, never match.
    """
    try:
        _any_of(tuple(patterns))
    except ValueError as error:
        return str(error)
    return ""
