"""Positions as the protocol defines them, written a second time and on purpose without the program's own
code.
"""

from __future__ import annotations

import re

from lsprotocol.types import Position, Range

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
LINE_END = re.compile("\r\n|\n|\r")


def units(text: str, encoding: str) -> int:
    """How many code units of an encoding a text takes."""
    codec, width = CODECS[encoding]
    return len(text.encode(codec)) // width


def position(text: str, offset: int, encoding: str) -> Position:
    """The protocol's position of an offset in code points."""
    starts = [0, *(end.end() for end in LINE_END.finditer(text, 0, offset))]
    return Position(len(starts) - 1, units(text[starts[-1] : offset], encoding))


def span(text: str, start: int, end: int, encoding: str) -> Range:
    """The protocol's range of a span in code points."""
    return Range(position(text, start, encoding), position(text, end, encoding))


def offset(text: str, place: Position, encoding: str) -> int:
    """The offset in code points of the protocol's position, which has to be a place in the text."""
    starts = [0, *(end.end() for end in LINE_END.finditer(text))]
    codec, width = CODECS[encoding]
    rest = text[starts[place.line] :].encode(codec)[: place.character * width].decode(codec)
    assert not LINE_END.search(rest), f"{place} is beyond the end of its line"
    return starts[place.line] + len(rest)


def covered(text: str, place: Range, encoding: str) -> str:
    """The text in a range."""
    return text[offset(text, place.start, encoding) : offset(text, place.end, encoding)]
