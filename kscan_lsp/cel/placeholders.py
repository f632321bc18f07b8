"""Where the `{CEL}` placeholders of a text begin and end: the one place that knows how CEL writes strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

STRING = regex(
    r"""(?:[bB]?[rR]|[rR][bB])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\r\n]*"|'[^'\r\n]*')"""
    r"""|[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*')"""
    r"""|//[^\n]*""",
    re.DOTALL,
)
"""A CEL string or bytes literal, or a comment."""


class Segment(Struct, frozen=True):
    """Literal text (braces undoubled), or the code of a placeholder; `offset` is where it starts."""

    text: str
    offset: int
    code: bool = False
    error: str = ""


def segments(text: str) -> Iterator[Segment]:
    """Literal text and placeholders in turn; a segment with an error is the last."""
    literal: list[str] = []
    start = at = 0
    while at < len(text):
        char = text[at]
        if char not in "{}" or text[at + 1 : at + 2] == char:
            literal.append(char)
            at += 2 if char in "{}" else 1
            continue
        if char == "}":
            yield Segment("", at, error="a single '}': write '}}' for a brace")
            return
        end = closing(text, at + 1)
        if end < 0:
            yield Segment("", at, error="'{' is never closed: write '{{' for a brace")
            return
        if literal:
            yield Segment("".join(literal), start)
            literal = []
        yield Segment(text[at + 1 : end], at + 1, code=True)
        start = at = end + 1
    if literal:
        yield Segment("".join(literal), start)


def closing(text: str, start: int) -> int:
    """The offset of the `}` that ends a placeholder whose code begins at `start`; -1 when there is none."""
    depth, at = 0, start
    while at < len(text):
        if match := STRING.match(text, at):
            at = match.end()
            continue
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            if not depth:
                return at
            depth -= 1
        at += 1
    return -1


def literals(source: str) -> Iterator[Span]:
    """Where the string and bytes literals and the comments of an expression stand."""
    return (Span(*found.span()) for found in STRING.finditer(source))
