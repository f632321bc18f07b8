"""Patterns for names of objects: `payments-*`, and the regular expressions of Kubescape, both in linear time.

Whoever can add a file to a repository can write one, so all go through RE2, which takes no longer than the text is.
What it does not take matches nothing, and is said where it was written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import re2  # type: ignore[import-untyped]
from msgspec import Struct

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True
_OPTIONS.max_mem = 1 << 17
_SPECIAL: Final = regex(r"[*?]")
_ANYTHING: Final = regex(r"[\^(]*(?:\.[*+])+[)$]*")


class NamePatterns(Struct, frozen=True, eq=False):
    """Names that a condition lets through: some as they are, others by a pattern."""

    literal: frozenset[str]
    patterns: tuple[Any, ...] = ()

    def has(self, name: str) -> bool:
        """Whether a name is let through."""
        if name in self.literal:
            return True
        try:
            return any(pattern.fullmatch(name) for pattern in self.patterns)
        except UnicodeError:  # half a character of UTF-16, as JSON may have
            return False


def of_globs(globs: Iterable[str], *, any_case: bool = False) -> NamePatterns:
    """Names in which `*` stands for any characters and `?` for one.

    Args:
        globs: the names.
        any_case: whether capitals do not matter; names are then asked in lower case.
    """
    names = [glob.lower() if any_case else glob for glob in globs]
    special = [name for name in names if _SPECIAL.search(name)]
    found = (compiled(_of_glob(name)) for name in special)
    return NamePatterns(
        frozenset(name for name in names if not _SPECIAL.search(name)),
        tuple(pattern for pattern in found if pattern is not None),
    )


def of_expression(expression: str, *, any_case: bool = False) -> NamePatterns | None:
    """Names that a regular expression of Kubescape matches as a whole; None where it is none.

    Kubescape puts it between `^` and `$` as it is, so that both belong to the outer of several alternatives
    (opa-utils, exceptions/comparator.go). That would let through more than was said, and is not done here.
    """
    if re.fullmatch(r"[\w:/-]*", expression) and not any_case:
        return NamePatterns(frozenset([expression]))
    pattern = compiled(f"(?i:{expression})" if any_case else expression)
    return None if pattern is None else NamePatterns(frozenset(), (pattern,))


def compiled(expression: str) -> Any | None:
    """An expression that RE2 takes; None for any other."""
    try:
        return re2.compile(expression, options=_OPTIONS)
    except (re2.error, UnicodeError):
        return None


def is_everything(glob: str) -> bool:
    """Whether a name with `*` lets everything through, or so much that it is no condition."""
    return "*" in glob and not glob.strip("*?")


def is_every_path(pattern: str) -> bool:
    """Whether a pattern of `.gitignore` lets every file through."""
    return "*" in pattern and not pattern.strip("*?/")


def is_every_name(expression: str) -> bool:
    """Whether a regular expression lets everything through."""
    return _ANYTHING.fullmatch(expression) is not None


def _of_glob(glob: str) -> str:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in glob)
    return "(?s:" + re.sub(r"(?:\.\*){2,}", ".*", "".join(parts)) + ")"
