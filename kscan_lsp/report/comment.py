"""What a comment on a pull request is written with: text that is nothing but text, tables, and a budget."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.report.exchange import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_LENGTH: Final = 65_000
"""Characters of the whole comment."""
RESERVE: Final = 5_000
"""Characters kept for what was accepted, and for the line that says what is left out."""
_MAX_CELL: Final = 300
"""Characters of a message or reason."""
_SPECIAL: Final = regex(r"([\\`*_\[\]|~$])")
_BEGINS_BLOCK: Final = regex(r"^(?:\d+(?=[.)])|(?=[#+=-]))")
"""What would begin a heading, a quote or a list."""
_LINKED: Final = regex(
    r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=\bGH-)(?=\d)|(?<=:)(?=//)|(?<=\bww)(?=w\b)", re.IGNORECASE
)
"""Where forges find somebody's name, the number of an issue, or an address."""
_NOTHING: Final = "<!-- -->"
"""Stands between two characters, and nobody sees it."""


class CommentText:
    """Lines that are written one after the other while there is room; a table or list has as many rows as fit."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.room = MAX_LENGTH - RESERVE

    def say(self, *lines: str) -> None:
        """Write lines."""
        self.lines += lines
        self.room -= _size(lines)

    def part(self, part: CommentPart, most: int, share: int, keep: int = 0) -> int:
        """Write a part; nothing where not even one row fits.

        Args:
            part: the part.
            most: rows that it may have.
            share: characters that it may take.
            keep: characters that have to stay free for what comes later.

        Returns:
            How many of its rows are there.
        """
        share = min(share, self.room - keep)
        share -= _size((*part.before, *part.after)) + 100
        rows: list[str] = []
        for one in islice(part.rows, most):
            share -= _size((one,))
            if share < 0:
                break
            rows.append(one)
        if not rows:
            return 0
        left = part.number - len(rows)
        more = (*part.gap, f"{part.more} {left} more", "") if left else ("",)
        self.say(*part.before, *rows, *more, *part.after)
        return len(rows)


class CommentPart(Struct, frozen=True):
    """A list or a table: rows with what stands before and after them, and how many rows there would be."""

    before: tuple[str, ...]
    rows: Iterable[str]
    number: int
    after: tuple[str, ...] = ()
    gap: tuple[str, ...] = ()
    more: str = "- and"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def fold(what: str, head: Sequence[str], rows: Iterable[str], number: int) -> CommentPart:
    """A table that is unfolded by who wants to see it; `what` is HTML."""
    rule = ("---:" if cell == "line" else "---" for cell in head)
    before = (f"<details><summary>{what}</summary>", "", row(head), row(rule))
    return CommentPart(before, rows, number, ("</details>", ""), ("",), "and")


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str, most: int = _MAX_CELL) -> str:
    """Text as nothing but text, on one line of Markdown; shortened first, so that no escape is cut."""
    escaped = _SPECIAL.sub(r"\\\1", _quoted(shortened(one_line(text), most)))
    return _LINKED.sub(_NOTHING, _BEGINS_BLOCK.sub(r"\g<0>\\", escaped))


def escaped(text: str) -> str:
    """The same inside of a block of HTML, where nothing is read as Markdown."""
    return _LINKED.sub(_NOTHING, _quoted(shortened(one_line(text), _MAX_CELL)))


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
