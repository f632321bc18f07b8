"""Regular expressions from control files and settings, searched by RE2.

Nobody vouches for the patterns or for the texts, so the engine must take linear time whatever a pattern says:
google-re2, which is the same RE2 that the CEL runtime has inside. The runtime compiles a pattern anew at every
`matches`, up to half a millisecond for one that counts; here a pattern is compiled once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import re2  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LENGTH: Final = 2_000
"""Characters of one pattern."""
MAX_SIZE: Final = 10_000
"""Instructions of one compiled pattern, or of a list of them."""

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 16 << 20


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Any:
    """A compiled regular expression in RE2 syntax; `programsize` says how many instructions it has.

    Raises:
        ValueError: it is no regular expression, or too large; the message says which, and quotes its start.
    """
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"a regular expression longer than {MAX_LENGTH:,} characters: {pattern[:60]!r}")
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else error
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else "it is not Unicode text"
        raise ValueError(f"not a regular expression ({reason.partition(':')[0]}): {pattern[:60]!r}") from None
    if compiled.programsize > MAX_SIZE:
        raise ValueError(f"a regular expression that is too large: {pattern[:60]!r}")
    return compiled


@lru_cache(maxsize=256)
def _any_of(patterns: tuple[str, ...]) -> Any:
    if sum(compile_pattern(pattern).programsize for pattern in patterns) > MAX_SIZE:
        raise ValueError("a list of regular expressions that is too large")
    return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), _OPTIONS)


def matches_any(text: str, patterns: list[str]) -> bool:
    """Whether any of the regular expressions is found in a text.

    Raises:
        ValueError: a pattern is wrong, or the list is too large.
    """
    return bool(patterns) and _any_of(tuple(patterns)).search(text) is not None


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """What a regular expression matches in a text, from left to right, at most `limit` unless that is negative.

    Raises:
        ValueError: the pattern is wrong.
    """
    found = (match.group(0) for match in compile_pattern(pattern).finditer(text))
    return list(found) if limit < 0 else [match for match, _ in zip(found, range(limit), strict=False)]


def find_first(text: str, pattern: str) -> str:
    """The leftmost match of a regular expression in a text; empty when there is none.

    Raises:
        ValueError: the pattern is wrong.
    """
    match = compile_pattern(pattern).search(text)
    return match.group(0) if match else ""


def list_error(patterns: Sequence[str]) -> str:
    """What keeps a list of regular expressions from being used; empty when nothing does."""
    try:
        matches_any("", list(patterns))
    except ValueError as error:
        return str(error)
    return ""
