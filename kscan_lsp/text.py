r"""Text as every other module sees it: spans, lines, edits and the columns that editors count in.

Inside the program a place is one number, an offset in code points. Lines and columns exist only at the
edges (messages, reports, the protocol), and all conversions are here, so that nobody else has to know that
an editor may count UTF-16 code units. A line ends at `\r\n`, `\n` or `\r` and at nothing else:
`str.splitlines` also splits at U+2028, U+0085 and form feed, where editors do not.

Left out on purpose: files, decoding of bytes, and any cache (callers keep a `LineIndex` beside its text).
"""

from __future__ import annotations

from bisect import bisect_right
from enum import StrEnum
from itertools import accumulate, count
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE_WITH_END = regex(r"[^\r\n]*(?:\r\n?|\n)")
_LINE_FEED = regex(r"\n")
_LAST_OF_BMP = "\uffff"


class Span(NamedTuple):
    """A stretch of text in code points, half open: `text[start:end]`."""

    start: int
    end: int


class TextEdit(NamedTuple):
    """Replace what lies in `span` by `text`; an empty span inserts, an empty text deletes."""

    span: Span
    text: str


class Encoding(StrEnum):
    """What a column counts, by the names of the Language Server Protocol (3.17, PositionEncodingKind)."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


class Position(NamedTuple):
    """A line and a column, both counted from 0; columns are code points unless a function says otherwise."""

    line: int
    column: int


class LineIndex:
    """Offsets of one text from and to lines and columns.

    Building is free until the first question; then it is one pass over the text in C.
    """

    __slots__ = ("_starts", "text")

    def __init__(self, text: str, starts: list[int] | None = None) -> None:
        """The lines of a text.

        Args:
            text: the text.
            starts: where they start, as far as somebody knows.
        """
        self.text = text
        self._starts = starts

    @property
    def starts(self) -> list[int]:
        """Offset of the first character of every line; never empty. A final line end opens one more line."""
        if self._starts is None:
            self._starts = _line_starts(self.text)
        return self._starts

    @property
    def line_count(self) -> int:
        """Number of lines; an empty text has one."""
        return len(self.starts)

    def line_of(self, offset: int) -> int:
        """Number of the line that holds an offset; a line end belongs to the line it ends."""
        return max(bisect_right(self.starts, offset) - 1, 0)

    def content_end(self, line: int) -> int:
        """Offset right after the last character of a line, before its line end. `line` must exist."""
        starts = self.starts
        if line + 1 >= len(starts):
            return len(self.text)
        end = starts[line + 1] - 1
        if end > starts[line] and self.text[end] == "\n" and self.text[end - 1] == "\r":
            return end - 1
        return end

    def position(self, offset: int) -> Position:
        r"""Line and column (code points) of an offset.

        An offset outside the text counts as the nearest end, one between `\r` and `\n` as the one before.
        """
        offset = self._whole(offset)
        starts = self.starts
        line = bisect_right(starts, offset) - 1
        return Position(line, offset - starts[line])

    def offset(self, position: Position) -> int:
        """Offset of a line and a column in code points.

        A column past the end of its line means the end of the line's content, a line past the last the end of
        the text, and what is negative means 0: so the protocol wants it.
        """
        line, column = position
        if line < 0:
            return 0
        starts = self.starts
        if line >= len(starts):
            return len(self.text)
        start = starts[line]
        if column <= 0:
            return start
        return min(start + column, self.content_end(line))

    def encoded(self, offset: int, encoding: Encoding) -> Position:
        """Line and column of an offset, the column in code units of `encoding`; clamped as in `position`."""
        offset = self._whole(offset)
        starts = self.starts
        line = bisect_right(starts, offset) - 1
        start = starts[line]
        if encoding is Encoding.UTF32 or self.text.isascii():
            return Position(line, offset - start)
        return Position(line, _units(self.text[start:offset], encoding))

    def placed(self, span: Span) -> tuple[int, int, int, int]:
        """First line and column, last line and column of a span, as `position` gives them."""
        first, last = span
        text = self.text
        if 0 <= first <= last < len(text) and "\r" not in text:  # nearly always, and often asked
            starts = self.starts
            line = end_line = bisect_right(starts, first) - 1
            if line + 1 < len(starts) and last >= starts[line + 1]:
                end_line = bisect_right(starts, last) - 1
            return line, first - starts[line], end_line, last - starts[end_line]
        return (*self.position(first), *self.position(last))

    def encoded_span(self, span: Span, encoding: Encoding) -> tuple[int, int, int, int]:
        """First line and column, last line and column of a span, as `encoded` gives them."""
        if self.text.isascii():  # nearly always
            return self.placed(span)
        return (*self.encoded(span.start, encoding), *self.encoded(span.end, encoding))

    def decoded(self, line: int, units: int, encoding: Encoding) -> int:
        """Offset of a line and a column in code units of `encoding`.

        Clamped as in `offset`; a column inside a character (half of a surrogate pair) means its start.
        """
        if encoding is Encoding.UTF32 or self.text.isascii() or not 0 <= line < self.line_count:
            return self.offset(Position(line, units))
        start = self.starts[line]
        content = self.text[start : self.content_end(line)]
        return start + _code_points(content, units, encoding)

    def replaced(self, start: Position, end: Position, new_text: str, encoding: Encoding) -> LineIndex:
        r"""The text after one ranged change of an editor (`textDocument/didChange`).

        Its lines are not those of the pieces: a change may join a `\r` and a `\n`.

        Args:
            start: first line and column replaced, in code units of `encoding`; clamped where it is out of range.
            end: where the replaced text ends. Swapped with `start` if it lies before it.
            new_text: what comes in its place, as the editor sent it.
            encoding: what the columns count.
        """
        first = self.decoded(*start, encoding)
        last = self.decoded(*end, encoding)
        if last < first:
            first, last = last, first
        changed = LineIndex(self.text[:first] + new_text + self.text[last:])
        if "\r" not in self.text and "\r" not in new_text:
            # most lines are where they were, or all moved by as much
            starts, by = self.starts, len(new_text) - (last - first)
            changed._starts = [
                *starts[: bisect_right(starts, first)],
                *(first + found.end() for found in _LINE_FEED.finditer(new_text)),
                *[start + by for start in starts[bisect_right(starts, last) :]],
            ]
        return changed

    def _whole(self, offset: int) -> int:
        r"""The offset, moved into the text and out of the middle of a `\r\n`."""
        text = self.text
        if offset <= 0:
            return 0
        if offset >= len(text):
            return len(text)
        if text[offset] == "\n" and text[offset - 1] == "\r":
            return offset - 1
        return offset


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """The text after edits whose spans all refer to `text`.

    Edits come in any order and must not overlap; insertions at one place keep the order they are given in.

    Raises:
        ValueError: two edits overlap, or one lies outside the text. That is a mistake of the program.
    """
    parts: list[str] = []
    done = 0
    for (start, end), new in sorted(edits, key=lambda edit: edit.span):
        if not done <= start <= end <= len(text):
            raise ValueError(f"edit {start}:{end} overlaps another or leaves the text")
        parts += text[done:start], new
        done = end
    parts.append(text[done:])
    return "".join(parts)


def minimal_edit(old: str, new: str) -> TextEdit | None:
    r"""The one edit that turns `old` into `new` and touches least; None where they are equal.

    Its span never begins or ends inside a `\r\n`, which no editor could address.
    """
    if old == new:
        return None
    shorter = min(len(old), len(new))
    start = _common_prefix(old, new, shorter)
    tail = _common_suffix(old, new, shorter - start)
    if _inside_line_end(old, start):
        start -= 1
    end = len(old) - tail
    if _inside_line_end(old, end):
        end += 1
        tail -= 1
    return TextEdit(Span(start, end), new[start : len(new) - tail])


def _line_starts(text: str) -> list[int]:
    if "\r" in text:
        return list(accumulate(map(len, _LINE_WITH_END.findall(text)), initial=0))
    # Four times as fast as a regex: the pieces lose their line end, hence the counter.
    ends = map(add, accumulate(map(len, text.split("\n"))), count(1))
    starts = [0, *ends]
    starts.pop()
    return starts


def _units(content: str, encoding: Encoding) -> int:
    """Length in code units. Editors can send half a surrogate pair, so surrogates must pass."""
    if content.isascii():
        return len(content)
    if encoding is Encoding.UTF8:
        return len(content.encode("utf-8", "surrogatepass"))
    return len(content.encode("utf-16-le", "surrogatepass")) // 2


def _code_points(content: str, units: int, encoding: Encoding) -> int:
    """How many whole characters of `content` lie before a column in code units."""
    if units <= 0:
        return 0
    if content.isascii() or (encoding is Encoding.UTF16 and max(content) <= _LAST_OF_BMP):
        return min(units, len(content))
    for number, character in enumerate(content):
        units -= _units(character, encoding)
        if units < 0:
            return number
    return len(content)


def _common_prefix(old: str, new: str, limit: int) -> int:
    """Length of the common prefix, at most `limit`; halving compares whole slices in C."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(old: str, new: str, limit: int) -> int:
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _inside_line_end(text: str, offset: int) -> bool:
    return 0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"


def close_matches(word: str, known: Iterable[str], n: int = 3, cutoff: float = 0.6) -> list[str]:
    """The words that are written nearly like another one, the nearest first: `difflib.get_close_matches`."""
    import difflib  # a hundredth of a scan of one file, and few files have a name that nothing has

    return difflib.get_close_matches(word, [*known], n, cutoff)
