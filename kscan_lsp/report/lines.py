"""Lines for people to read: pieces of text, each with a style, that fit a screen.

A style is a name such as `bold red`. What it looks like is decided where a terminal is at hand (`colour.py`);
everywhere else it is dropped, and nothing that knows terminals is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_WORD: Final = regex(r"\s*\S+\s*")
_TAB: Final = 8


class StyledText(NamedTuple):
    """Text that looks the same throughout."""

    text: str
    style: str = ""


Line: TypeAlias = "Sequence[StyledText]"


class Screen(Struct, frozen=True):
    """What lines must fit: cells of a line, and an encoding, beyond ASCII only where it is one of Unicode."""

    width: int = 80
    encoding: str = "utf-8"


def cell_len(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    from rich.cells import cell_len as measured

    return measured(text)


def plain_text(lines: Iterable[Line]) -> str:
    """The text of lines, without styles, and without white space at their ends."""
    return "".join("".join(piece.text for piece in line).rstrip() + "\n" for line in lines)


def wrapped(line: Line, width: int) -> Iterator[list[StyledText]]:
    """A line as several that fit so many cells once trimmed, broken between words where that can be done."""
    pieces = [StyledText(piece.text.expandtabs(_TAB), piece.style) for piece in line]
    at = 0
    for text in "".join(piece.text for piece in pieces).split("\n"):
        breaks = [*_breaks(text, width), len(text)]
        for start, end in zip([0, *breaks], breaks, strict=False):
            yield list(_part(pieces, at + start, at + end))
        at += len(text) + 1


def trimmed(line: Line) -> list[StyledText]:
    """A line without white space at its end."""
    pieces = list(line)
    while pieces:
        text, style = pieces.pop()
        if text := text.rstrip():
            return [*pieces, StyledText(text, style)]
    return pieces


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where a text without line ends is to be broken. A word that fits no line is broken, too."""
    room = width
    for word in _WORD.finditer(text):
        cells = cell_len(word[0].rstrip())
        if cells <= room:
            room -= cell_len(word[0])
            continue
        start = word.start()
        for part in _chopped(word[0], width) if cells > width else [word[0]]:
            if start:
                yield start
            start += len(part)
            room = width - cell_len(part)


def _chopped(text: str, width: int) -> list[str]:
    """A text in pieces of so many cells."""
    from rich.cells import chop_cells

    return chop_cells(text, width)


def _part(line: Line, start: int, end: int) -> Iterator[StyledText]:
    at = 0
    for piece in line:
        if text := piece.text[max(start - at, 0) : max(end - at, 0)]:
            yield StyledText(text, piece.style)
        at += len(piece.text)
