"""Searching with patterns from settings: Python's `re` where that is safe, the runtime's RE2 where it is not."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from cel_expr_python import cel  # type: ignore[import-untyped]

from kscan_lsp.cel.patterns import MAX_STEPS, Pattern, compile_patterns, find

if TYPE_CHECKING:
    from collections.abc import Sequence

WORK = 20_000_000
"""Steps of all searches of one evaluation: some tenths of a second at worst."""


class _Budget(threading.local):
    left = WORK


_budget = _Budget()


def start_evaluation() -> None:
    """Give the evaluation that begins in this thread its full budget."""
    _budget.left = WORK


def _spend(steps: float) -> None:
    left = _budget.left - steps
    _budget.left = left  # type: ignore[assignment]
    if left < 0:
        raise ValueError("regular expressions take too long on this text")


def matches_any(text: str, patterns: list[str]) -> bool:
    """Whether any of the regular expressions (RE2 syntax) is found in a text.

    Raises:
        ValueError: a pattern is wrong, or the search would take too long.
    """
    if not patterns:
        return False
    key = tuple(patterns)
    pattern = _compiled(key)
    steps = pattern.steps(len(text))
    if steps >= 0 and pattern.regex is not None:
        _spend(steps)
        return pattern.regex.search(text) is not None
    _spend(len(text) * pattern.size + 100 * pattern.size)
    answer = _matches(text, "|".join(f"(?:{one})" for one in key)).value()
    if answer is True or answer is False:
        return bool(answer)
    raise ValueError("a regular expression is wrong")


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """Everything a regular expression matches in a text, from left to right.

    Raises:
        ValueError: as for `matches_any`.
    """
    compiled = _compiled((pattern,))
    found, steps = find(compiled, text, limit, min(MAX_STEPS, max(0, int(_budget.left / STEP))))
    _spend(steps)
    return found


def find_first(text: str, pattern: str) -> str:
    """The leftmost match of a regular expression in a text; empty when there is none.

    Raises:
        ValueError: as for `matches_any`.
    """
    return next(iter(find_all(text, pattern, 1)), "")


def list_error(patterns: Sequence[str]) -> str:
    """What keeps a list of regular expressions from being used; empty when nothing does."""
    for pattern in patterns:
        if complaint := _error(pattern):
            return complaint
    try:
        compile_patterns(patterns)
    except ValueError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1)
def _re2() -> tuple[cel.Env, cel.Expression]:
    runtime = cel.NewEnv(variables={"subject": cel.Type.STRING, "pattern": cel.Type.STRING})
    return runtime, runtime.compile("subject.matches(pattern)")


def _matches(text: str, pattern: str) -> cel.Value:
    runtime, search = _re2()
    return search.eval(runtime.Activation({"subject": text, "pattern": pattern}))


@lru_cache(maxsize=128)
def _compiled(patterns: tuple[str, ...]) -> Pattern:
    if any(not isinstance(pattern, str) or _error(pattern) for pattern in patterns):
        raise ValueError("a regular expression is wrong")
    return compile_patterns(patterns)


@lru_cache(maxsize=2048)
def _error(pattern: str) -> str:
    """What is wrong with one regular expression; empty when nothing is."""
    try:
        compile_patterns([pattern])
    except ValueError as error:
        # RE2 says better what is wrong, but is not to be bothered with what is large.
        if "large" in str(error) or "longer" in str(error):
            return f"{error}: {pattern[:60]!r}"
        reason = str(error)
    else:
        reason = ""
    found = _matches("", f"(?:{pattern})")
    if found.type() == cel.Type.ERROR:
        said = str(found.value()).rpartition("regular expression: ")[2].partition(":")[0]
        return f"not a regular expression ({said}): {pattern[:60]!r}"
    return f"{reason}: {pattern[:60]!r}" if reason else ""
