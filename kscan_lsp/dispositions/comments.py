"""Dispositions that a comment asks for: `# kscan:ignore C-0057 -- reason`.

A comment speaks for the line it is on, or, alone on its line, for the next line that is not a comment.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from kscan_lsp.dispositions.directives import (
    CONTROL_ID,
    EXAMPLE,
    MARK,
    NO_DIRECTIVES,
    Directive,
    Directives,
    read_directives,
)
from kscan_lsp.findings import Problem
from kscan_lsp.regex import regex
from kscan_lsp.text import Span, close_matches
from kscan_lsp.yaml.document import comments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.yaml.document import Document

_ALMOST: Final = regex(r"\bkscan(?:(?:\s*[:-]\s*|\.dev/)([a-z]+)|\s+([a-z]+)(?=\W+[a-z]+-\d))", re.IGNORECASE)
"""What may have been meant as the mark; the word has to look like it, too."""


def by_comment(document: Document, _: Sequence[Verdicts]) -> Directives:
    """What the comments of a document ask for."""
    if "kscan" not in document.text.lower():
        return NO_DIRECTIVES
    directives: list[Directive] = []
    problems: list[Problem] = []
    index = document.lines
    contents = _lines_with_content(document) if MARK in document.text else []
    for offset, comment in comments(document):
        at = comment.find(MARK)
        if at < 0:
            problems += _misspelt(comment, offset)
            continue
        span = Span(offset + at, offset + len(comment.rstrip()))
        line = index.line_of(offset)
        target: int | None = line
        if not document.text[index.starts[line] : offset].strip():
            following = bisect_right(contents, line)
            target = contents[following] if following < len(contents) else None
        read = read_directives(comment[at + len(MARK) :], span, "comment", target)
        directives += read.found
        problems += read.problems
    return Directives(directives, problems)


def _misspelt(comment: str, offset: int) -> Iterable[Problem]:
    for almost in _ALMOST.finditer(comment):
        if close_matches((almost[1] or almost[2]).lower(), ["ignore"]):
            named = CONTROL_ID.search(comment, almost.end())
            known = named[0].upper() if named else EXAMPLE
            message = f"'{almost[0]}' suppresses nothing; write '{MARK} {known} -- reason'"
            yield Problem(Span(offset + almost.start(), offset + almost.end()), message, "suppression")


def _lines_with_content(document: Document) -> list[int]:
    """The lines that are neither blank nor a comment."""
    text, index = document.text, document.lines
    contents = (text[index.starts[n] : index.content_end(n)].lstrip() for n in range(index.line_count))
    return [n for n, content in enumerate(contents) if content and not content.startswith("#")]
