"""What a message may quote of a manifest, told from where the value comes from.

What a control says in braces is mostly a name, which is no secret. A value of a variable, of a Secret or of a ConfigMap
may be one whatever it looks like, so a message never has it; an argument may hold one behind its `=`; anything else is
shown but for what is a secret by its looks. All that is known from the control, once, and not from the manifest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kscan_lsp import cel
from kscan_lsp.redaction import MASK, redact, redact_argument
from kscan_lsp.redaction.vocabulary import ENTRIES, is_harmless, may_name_secret
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kscan_lsp.policy.check import Check

Quoting: TypeAlias = "Callable[[Mapping[str, Any], str], str]"
"""From the values of an element, and what a placeholder gives for it, to what a message shows of that."""

_NAME: Final = regex(
    r"key|(?:item\.valueFrom\.secretKeyRef\.\??key|(?:[\w.?]|\[\??\d+\])*\.\??(?:name|kind|namespace|apiVersion))"
    r"(?:\.orValue\('[^']*'\))?",
    re.ASCII,
)
"""An expression that gives the name of something."""
_OUR_WORDS: Final = regex(r"\b(?:credential\w*|isSecret|size)\(")
"""Functions whose answer is in words of ours (`cel/functions.py`), or a number of things."""
_WORD: Final = regex(r"[A-Za-z_]\w*", re.ASCII)
_VALUES: Final = regex(r"\b(?:value|data|stringData|binaryData|env)\b")
_PROGRAM: Final = regex(r"\b(?:args|command)\[\??0\]")
_ARGUMENTS: Final = regex(r"\b(?:args|command)\b")
_ANNOTATIONS: Final = regex(r"\bannotations\b")
_LONGEST_ANNOTATION: Final = 100


def quoting(check: Check) -> tuple[Quoting, ...]:
    """How each placeholder of a check's message is shown; empty where all of it is as it comes."""
    made = tuple(_of(part, check) for part in check.message.parts if isinstance(part, cel.Expression))
    return () if all(one is _as_it_is for one in made) else made


def _of(expression: cel.Expression, check: Check) -> Quoting:
    steps = [step for step in check.each.steps if isinstance(step, str)]
    found = quoting_of(expression.source, expression.let, steps)
    # what a message shows may depend on nothing that its check does not read: it is remembered by that
    return _hidden if found is _annotation and "key" not in cel.fields_read(check.expressions()) else found


def quoting_of(source: str, let: Sequence[tuple[str, str]], steps: Iterable[str]) -> Quoting:
    """How a text is shown that an expression gives.

    Args:
        source: the expression.
        let: the names bound around it.
        steps: the names of the fields that lead to the item judged.
    """
    if _NAME.fullmatch(source) or source.endswith(".size()"):  # a name, or how many there are
        return _as_it_is
    source = all_sources(source, let, steps)
    if _VALUES.search(source):
        return _hidden
    if _ARGUMENTS.search(_PROGRAM.sub("", source)):
        return _argument
    return _annotation if _ANNOTATIONS.search(source) else _shown


def all_sources(source: str, let: Sequence[tuple[str, str]], steps: Iterable[str]) -> str:
    """What an expression gives a part of: its source, and that of the names in it, but for what is in words of ours.

    Arguments as for `quoting_of`.
    """
    bound = dict(let)
    waiting, found = [source], []
    while waiting:
        source = _without_our_words(waiting.pop())
        found.append(source)
        waiting += [bound.pop(name) for name in _WORD.findall(source) if name in bound]
    whole = " ".join(found)
    return " ".join((whole, *steps)) if re.search(r"\bitem\b", whole) else whole


def _without_our_words(source: str) -> str:
    while call := _OUR_WORDS.search(source):
        depth, end = 1, call.end()
        while depth and end < len(source):
            depth += (source[end] == "(") - (source[end] == ")")
            end += 1
        source = source[: call.start()] + source[end:]
    return source


def _as_it_is(_: Mapping[str, Any], text: str) -> str:
    return text


def _hidden(_: Mapping[str, Any], text: str) -> str:
    return text if is_harmless(text) else MASK


def _shown(_: Mapping[str, Any], text: str) -> str:
    # what is a map may have anything in it
    return MASK if text[:1] == "{" else redact(text)


def _argument(_: Mapping[str, Any], text: str) -> str:
    return redact_argument(text)


def _annotation(values: Mapping[str, Any], text: str) -> str:
    name = str(values.get("key", "")).rpartition("/")[2]
    hidden = len(text) > _LONGEST_ANNOTATION or may_name_secret(name, ENTRIES)
    return _hidden(values, text) if hidden else _shown(values, text)
