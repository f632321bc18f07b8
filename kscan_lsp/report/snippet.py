"""One line of a file and a mark under a range of it, in terminal cells.

A tab, a wide character and a control character take other than one cell, and a line may be longer than the
screen (a JSON file on one line): then what is shown is the part around the range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.redaction import MASK
from kscan_lsp.report.lines import cell_len
from kscan_lsp.report.printable import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.report.file_text import ShownLine
    from kscan_lsp.report.model import FileRange
    from kscan_lsp.text import Span

_TAB: Final = 4
_BEFORE: Final = 300
_AFTER: Final = 600
_CUT: Final = "\u2026"


def snippet(line: ShownLine, span: FileRange, width: int) -> tuple[str, str]:
    """The line where a range starts, and carets under the range.

    Args:
        line: the line. What may not be shown of it is masked, and a range in it is one of the mask.
        span: the range; of one over several lines, the part on the first is marked.
        width: cells that the line may take; at least 20 are used.

    Returns:
        Text fit for a terminal, and the mark that belongs under it. An empty range is marked by one caret.
    """
    width = max(width, 20)
    written, content = line.written, line.masked
    first = min(span.start.column - 1, len(written))
    last = len(written) if span.end.line > span.start.line else min(span.end.column - 1, len(written))
    first, last = _shifted(first, line.secrets, at_end=False), _shifted(last, line.secrets, at_end=True)
    # what is far away from the range cannot be on the screen, and such lines may have a megabyte
    offset = max(first - _BEFORE, 0)
    characters = [visible(c) if c != "\t" else c for c in content[offset : first + _AFTER]]
    if len(content) > first + _AFTER:
        characters.append(_CUT)
    characters = _without_tabs(characters)
    first, last = first - offset, min(last - offset, len(characters))
    cells = [cell_len(part) for part in characters]
    before = sum(cells[:first])
    start = 0
    if offset or (sum(cells) > width and before > width * 2 // 3):
        # keep a quarter of the screen for what comes before
        room = width // 4
        start = first
        while start > 0 and room >= cells[start - 1]:
            start -= 1
            room -= cells[start]
    head = _CUT if start or offset else ""
    room = width - len(head)
    end = start
    while end < len(characters) and room >= cells[end]:
        room -= cells[end]
        end += 1
    tail = ""
    if end < len(characters):
        tail = _CUT
        while end > start and room < 1:
            end -= 1
            room += cells[end]
    text = head + "".join(characters[start:end]) + tail
    lead = len(head) + sum(cells[start:first])
    marked = max(sum(cells[first : max(min(last, end), first)]), 1)
    return text, " " * lead + "^" * marked


def _shifted(column: int, secrets: Iterable[Span], *, at_end: bool) -> int:
    """Where a column of a line is when its secrets are masked; one inside of a secret is at an end of its mask."""
    shift = 0
    for start, end in secrets:
        if column <= start:
            break
        if column < end:
            return start + shift + (len(MASK) if at_end else 0)
        shift += len(MASK) - (end - start)
    return column + shift


def _without_tabs(characters: list[str]) -> list[str]:
    column = 0
    for index, part in enumerate(characters):
        if part == "\t":
            characters[index] = " " * (_TAB - column % _TAB)
        column += cell_len(characters[index])
    return characters
