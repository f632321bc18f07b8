"""What a message may quote of a manifest, told from where the value comes from.

What a control says in braces is mostly a name, which is no secret. A value of a variable, of a Secret or of a ConfigMap
may be one whatever it looks like, so a message never has it; an argument may hold one behind its `=`; anything else is
shown but for what is a secret by its looks. All that is known from the control, once, and not from the manifest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from kscan_lsp import cel
from kscan_lsp.redaction import MASK, redact, redact_argument
from kscan_lsp.redaction.vocabulary import is_harmless

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.policy.compile_check import Check

Quoting: TypeAlias = "Callable[[str], str]"
"""From what a placeholder gives to what a message shows of it."""

_NAME: Final = re.compile(
    r"key|(?:[\w.?]|\[\??\d+\])*\.\??(?:name|kind|namespace|apiVersion)(?:\.orValue\('[^']*'\))?", re.ASCII
)
"""An expression that gives the name of something."""
_OUR_WORDS: Final = re.compile(r"\b(?:credential\w*|isSecret)\(")
"""Functions whose answer is in words of ours (`cel/functions.py`)."""
_VALUES: Final = re.compile(r"\b(?:value|data|stringData|binaryData|env)\b")
_PROGRAM: Final = re.compile(r"\b(?:args|command)\[\??0\]")
_ARGUMENTS: Final = re.compile(r"\b(?:args|command)\b")
_ANNOTATIONS: Final = re.compile(r"\bannotations\b")
_LONGEST_ANNOTATION: Final = 100


def quoting(check: Check) -> tuple[Quoting, ...]:
    """How each placeholder of a check's message is shown; empty where all of it is as it comes."""
    made = tuple(_of(part, check) for part in check.message.parts if isinstance(part, cel.Expression))
    return () if all(one is _as_it_is for one in made) else made


def _of(expression: cel.Expression, check: Check) -> Quoting:
    if _NAME.fullmatch(expression.source):
        return _as_it_is
    source = _without_our_words(" ".join([expression.source, *(text for _, text in expression.let)]))
    if re.search(r"\bitem\b", source):
        source += "".join(f" {step}" for step in check.each.steps if isinstance(step, str))
    if _VALUES.search(source):
        return _hidden
    if _ARGUMENTS.search(_PROGRAM.sub("", source)):
        return redact_argument
    return _annotation if _ANNOTATIONS.search(source) else _shown


def _without_our_words(source: str) -> str:
    while call := _OUR_WORDS.search(source):
        depth, end = 1, call.end()
        while depth and end < len(source):
            depth += (source[end] == "(") - (source[end] == ")")
            end += 1
        source = source[: call.start()] + source[end:]
    return source


def _as_it_is(text: str) -> str:
    return text


def _hidden(text: str) -> str:
    return text if is_harmless(text) else MASK


def _shown(text: str) -> str:
    # what is a map may have anything in it
    return MASK if text[:1] == "{" else redact(text)


def _annotation(text: str) -> str:
    return MASK if len(text) > _LONGEST_ANNOTATION else _shown(text)
