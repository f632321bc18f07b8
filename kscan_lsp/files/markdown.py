"""Manifests in Markdown: the fenced code blocks that say they are YAML.

The text of a block is a stretch of the page's text, indentation of a list included: what is found in it has its place
in the page by adding where the block begins. YAML does not mind being indented as a whole.

Source: CommonMark 0.31, fenced code blocks. Left out on purpose: blocks in quotes, whose lines begin with `>`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE: Final = regex(r"^ *(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^\r\n]*)", re.MULTILINE)
_LANGUAGES: Final = frozenset({"yaml", "yml"})
_LINE_END: Final = regex(r"\r\n|\r|\n")


class FencedBlock(Struct, frozen=True):
    """A block, and where in the page it begins: offset in code points and line, from 0."""

    offset: int
    line: int
    text: str


def yaml_blocks(text: str) -> Iterator[FencedBlock]:
    """The fenced blocks of a page that are YAML, in the order of the text; the last may have no end."""
    if "```" not in text and "~~~" not in text:
        return
    lines = LineIndex(text)
    fences = (
        (found.start(), found.end(), found["fence"], found["info"].strip()) for found in _FENCE.finditer(text)
    )
    for _, end, fence, info in fences:
        if fence[0] == "`" and "`" in info:
            continue  # code in a line of text
        begin = _LINE_END.match(text, end)
        start = begin.end() if begin else end
        close = len(text)
        for at, _, other, rest in fences:
            if other.startswith(fence) and not rest:
                close = at
                break
        language = info.partition(" ")[0].strip("{}.").lower()
        if language in _LANGUAGES and start < close:
            yield FencedBlock(start, lines.line_of(start), text[start:close])
