"""Where in an expression that is not finished somebody writes: what a field is asked of, and which names there are.

Nothing behind the place counts, and nothing in front of it has to be right: brackets are followed back from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.admission.expressions import MACROS
from kscan_lsp.authoring.taken_apart import OPTIONAL_MACROS, MacroVariable
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TOKENS: Final = 2_000
"""Tokens that are looked at before a place."""
_TOKEN: Final = regex(r"(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<quote>['\"])|(?P<sign>\S)")
_WORD: Final = regex(r"[A-Za-z_]\w*\Z")
_OPENED: Final = {")": "(", "]": "[", "}": "{"}


class Typing(NamedTuple):
    """A place in an expression where a name is written."""

    start: int
    """Where the name begins, of which there may be nothing yet."""
    receiver: str | None
    """What a field or a method of is asked for; None where a name stands for itself."""
    optional: bool
    """Whether a field is asked for with `?`."""
    variables: tuple[MacroVariable, ...]
    """The names that macros bind there, outermost first."""


class _Written(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Bracket(NamedTuple):
    """An open bracket: the number of its token, and those of the commas in it so far."""

    number: int
    commas: list[int]


def typing_at(source: str, at: int) -> Typing | None:
    """What is written at an offset; None inside of a text, a comment or a number."""
    word = _WORD.search(source[:at])
    start = word.start() if word else at
    tokens = _tokens(source, start)
    if tokens is None or (tokens and tokens[-1].kind == "number" and tokens[-1].end == start):
        return None
    variables = _variables(tokens)
    optional = bool(tokens) and tokens[-1].text == "?" and len(tokens) > 1 and tokens[-2].text == "."
    dot = len(tokens) - (2 if optional else 1)
    if dot < 0 or tokens[dot].text != ".":
        return Typing(start, None, False, variables)
    first = _operand(tokens, dot - 1)
    if first is None:
        return None
    return Typing(start, source[first : tokens[dot].start], optional, variables)


def _tokens(source: str, end: int) -> list[_Written] | None:
    """The tokens in front of an offset; None where that is inside of a text or a comment."""
    found: list[_Written] = []
    texts = {span.start: span.end for span in cel.literals(source)}
    at = 0
    while at < end:
        if at in texts:
            stop = texts[at]
            # a comment lasts to the end of its line, a text to its last quote
            comment = source.startswith("//", at)
            if stop > end or (comment and stop == end):
                return None
            if not comment:
                found.append(_Written("text", source[at:stop], at, stop))
            at = stop
            continue
        token = _TOKEN.match(source, at)
        if token is None:
            at += 1
            continue
        if token.lastgroup == "quote":  # of a text that has no end
            return None
        found.append(_Written(token.lastgroup or "", token[0], at, token.end()))
        at = token.end()
    return found[-MAX_TOKENS:]


def _operand(tokens: Sequence[_Written], last: int) -> int | None:
    """Where in the source an operand begins whose last token is known; None where there is none."""
    number = last
    while number >= 0:
        token = tokens[number]
        if token.text in _OPENED:
            number = _opening(tokens, number)
            if number < 0:
                return None
            before = tokens[number - 1] if number else None
            postfix = before is not None and (before.kind in {"name", "text"} or before.text in _OPENED)
            if tokens[number].text in "([" and postfix and before is not None and before.text != "in":
                number -= 1
                if tokens[number].text in _OPENED or tokens[number].kind == "text":
                    continue
        elif token.kind not in {"name", "text", "number"}:
            return None
        if number >= 1 and tokens[number - 1].text == ".":
            number -= 2
        elif number >= 2 and tokens[number - 1].text == "?" and tokens[number - 2].text == ".":
            number -= 3
        else:
            return tokens[number].start
    return None


def _opening(tokens: Sequence[_Written], closing: int) -> int:
    """The number of the bracket that one closes; -1 where there is none."""
    depth = 0
    for number in range(closing, -1, -1):
        text = tokens[number].text if tokens[number].kind == "sign" else ""
        depth += (text in _OPENED) - (bool(text) and text in "([{")
        if not depth:
            return number
    return -1


def _variables(tokens: Sequence[_Written]) -> tuple[MacroVariable, ...]:
    """The names that macros bind which are open at the end."""
    opened: list[_Bracket] = []
    for number, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text in "([{":
            opened.append(_Bracket(number, []))
        elif token.text in _OPENED and opened:
            opened.pop()
        elif token.text == "," and opened:
            opened[-1].commas.append(number)
    found = [_bound(tokens, bracket) for bracket in opened]
    return tuple(one for one in found if one is not None)


def _bound(tokens: Sequence[_Written], bracket: _Bracket) -> MacroVariable | None:
    """The name that a macro binds whose bracket is open."""
    number, commas = bracket
    if number < 3 or not commas or commas[0] != number + 2 or tokens[number + 1].kind != "name":
        return None
    called, name = tokens[number - 1].text, tokens[number + 1].text
    if tokens[number - 2].text != ".":
        return None
    if called == "bind" and tokens[number - 3].text == "cel":
        if len(commas) < 2:
            return None
        return MacroVariable(name, tokens[commas[0]].end, tokens[commas[1]].start, "value")
    first = _operand(tokens, number - 3)
    if first is None or called not in MACROS | OPTIONAL_MACROS:
        return None
    kind = "optional" if called in OPTIONAL_MACROS else "entry"
    return MacroVariable(name, first, tokens[number - 2].start, kind)
