"""Syntax errors in plain words, at the place where the mistake is.

A parser reports where it noticed, which is often one line after where the author slipped. A fault has the
true place, a message that says what is wrong and what to do, and the lines to blank, best guess first, that
let the rest be read. Where one word from libyaml has many causes, the text around it decides.

Left out on purpose: trying the guesses (`documents.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

# What libyaml and go-yaml accept.
_FORBIDDEN: Final = re.compile(
    "[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a text from being read. `suspects` are offsets in the lines to blank, best guess first."""

    span: Span
    message: str
    suspects: tuple[int, ...]
    code: str = "syntax"


def from_error(text: str, error: Any) -> Fault:  # noqa: ANN401 - ruamel's errors have no types
    """The fault behind an exception of ruamel.yaml, C or pure."""
    if not hasattr(error, "problem"):
        return _unreadable_character(text)
    context, problem = error.context or "", error.problem or ""
    marks = [m.index for m in (error.context_mark, error.problem_mark) if m is not None]
    started = marks[0] if marks else 0
    noticed = marks[-1] if marks else 0
    if "simple key" in context or "quoted scalar" in context or "flow" in context:
        return _fault(text, started, problem, (started, noticed))
    return _fault(text, noticed, problem, (noticed, started))


def _unreadable_character(text: str) -> Fault:
    found = _FORBIDDEN.search(text)
    at = found.start() if found else 0
    what = (
        f"the character U+{ord(text[at]):04X} is not allowed in YAML"
        if found
        else "this text is not valid Unicode"
    )
    return _fault(text, at, what + "; is this a binary file, or in another encoding?", (at,))


def _fault(text: str, at: int, message: str, suspects: Iterable[int]) -> Fault:
    at = min(at, len(text))
    return Fault(Span(at, min(at + 1, len(text))), message, tuple(dict.fromkeys(suspects)))
