"""Where a character of a scalar's value stands in the text of its document.

A value is not always written as it is: lines are folded, quotes and escapes taken out, indentation cut. What points
into a value (an error in an expression, for one) is led back here. The way is proven each time: the value that it makes
of the text has to be the one that was read, else nobody knows, and the whole scalar is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.tree import Scalar

_ESCAPES: Final = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
                   "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}  # fmt: skip
_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_HEADER: Final = regex(r"[|>]([-+0-9]*)[^\n]*\n")
_LINE: Final = regex(r"[^\n]*\n?")


def offsets_in(text: str, scalar: Scalar) -> list[int] | None:
    """The offset of each character of a scalar's value, and that of its end; None where nobody knows.

    Args:
        text: the text of the document.
        scalar: a scalar of it that is read as text.
    """
    if not isinstance(scalar.value, str):
        return None
    raw = text[scalar.start : scalar.end]
    made = _block(text, scalar) if scalar.style in {"|", ">"} else _flow(raw, scalar.style, scalar.start)
    pairs = list(made)
    read = "".join(character for character, _ in pairs)
    value = scalar.value
    if read != value and not (scalar.style in {"|", ">"} and read.rstrip("\n") == value.rstrip("\n")):
        return None
    offsets = [offset for _, offset in pairs][: len(value)]
    end = offsets[-1] + 1 if offsets else scalar.start
    return offsets + [end] * (len(value) + 1 - len(offsets))


def span_in(text: str, scalar: Scalar, start: int, end: int) -> Span:
    """Where some characters of a scalar's value stand, at least one of them; the whole scalar where nobody knows."""
    offsets = offsets_in(text, scalar)
    if offsets is None:
        return Span(scalar.start, scalar.end)
    last = len(offsets) - 1
    start = min(start, last)
    first = offsets[start]
    if start == last and last > 0:  # behind the value: its last character is what can be marked
        return Span(offsets[last] - 1, offsets[last])
    return Span(first, max(offsets[min(max(end, start + 1), last)], first + 1))


def _flow(raw: str, style: str, start: int) -> Iterator[tuple[str, int]]:
    """Characters and offsets of a plain or quoted scalar."""
    at, end = (1, len(raw) - 1) if style else (0, len(raw))
    while at < end:
        character = raw[at]
        if character in "\r\n" or (character in " \t" and not raw[at:end].lstrip(" \t")[:1].strip("\r\n")):
            stop = at
            while stop < end and raw[stop] in " \t\r\n":
                stop += 1
            breaks = raw.count("\n", at, stop)
            if breaks:
                yield from [(" ", start + at)] if breaks == 1 else [("\n", start + at)] * (breaks - 1)
                at = stop
                continue
        if style == "'" and raw.startswith("''", at):
            yield "'", start + at
            at += 2
        elif style == '"' and character == "\\":
            kind = raw[at + 1 : at + 2]
            if kind in _DIGITS:
                digits = raw[at + 2 : at + 2 + _DIGITS[kind]]
                yield chr(int(digits, 16)), start + at
                at += 2 + _DIGITS[kind]
            elif kind in {"\n", "\r"}:
                at = _continued(raw, at + 1, end)
            else:
                yield _ESCAPES.get(kind, kind), start + at
                at += 2
        else:
            yield character, start + at
            at += 1


def _continued(raw: str, at: int, end: int) -> int:
    """Where a quoted scalar goes on behind an escaped line break."""
    while at < end and raw[at] in " \t\r\n":
        at += 1
    return at


def _block(text: str, scalar: Scalar) -> Iterator[tuple[str, int]]:
    """Characters and offsets of a block scalar, without the line breaks at its end but one."""
    header = _HEADER.match(text, scalar.start)
    if header is None:
        return
    lines: list[tuple[int, str]] = []
    at = header.end()
    while at < scalar.end and (line := _LINE.match(text, at)) and line[0]:
        lines.append((at, line[0].rstrip("\r\n")))
        at = line.end()
    filled = [line for _, line in lines if line.strip(" ")]
    # a deeper indentation than that of the first line is content; a header with a number says how deep it is
    if not filled or any(character.isdigit() for character in header[1]):
        return
    indent = len(filled[0]) - len(filled[0].lstrip(" "))
    contents = [(offset + min(indent, len(line)), line[indent:]) for offset, line in lines]
    if scalar.style == "|":
        for offset, content in contents:
            yield from zip(content, range(offset, offset + len(content)), strict=True)
            yield "\n", offset + len(content)
        return
    yield from _folded(contents)


def _folded(contents: list[tuple[int, str]]) -> Iterator[tuple[str, int]]:
    """What a folded scalar makes of its lines: one break between two lines of text is a space."""
    pending = 0
    before: str | None = None
    broken = 0
    for offset, content in contents:
        if not content:
            pending += 1
            continue
        if before is not None:
            deeper = before[:1] in " \t" or content[:1] in " \t"
            breaks = pending + 1 if deeper else pending
            yield from [("\n", broken)] * breaks if breaks else [(" ", broken)]
        else:
            yield from [("\n", offset)] * pending
        yield from zip(content, range(offset, offset + len(content)), strict=True)
        before, pending, broken = content, 0, offset + len(content)
    if before is not None:
        yield "\n", broken
