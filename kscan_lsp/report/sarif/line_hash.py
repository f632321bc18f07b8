"""`primaryLocationLineHash`: what code scanning on GitHub knows an alert by when lines above it come and go.

The action that uploads a file computes the same for results without one, and warns where it finds another. So it has
to be CodeQL's algorithm to the bit: of the text without spaces and tabs, with every line end as one line feed and
65535 at the end, the 100 UTF-16 code units from the first of the line on, zeros where there are no more, as digits of a
number of base 37 modulo 2**64; then a colon and how many lines of the file have had that hash so far.
Source: github/codeql-action, src/fingerprints.ts.

Such a hash can be turned back where most of the 100 characters are known. So a line has none if a value that may be a
secret is among them: the action computes it from the file, and nothing about the value leaves with the report.

Left out on purpose: a byte order mark, which counts there and is no part of our texts. It is on the first line alone.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex, Span

_WINDOW: Final = 100
_BASE: Final = 37
_MODULUS: Final = 2**64
_END: Final = "\uffff"
_READ: Final = regex(rf"(?:[ \t]*(?:\r\n|[^ \t])){{0,{_WINDOW}}}")
_WIDE: Final = regex("[\U00010000-\U0010ffff]")


class LineHashes:
    """The hashes of the lines of one text, which are numbered from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = LineIndex(text)
        units = text if text.isascii() else _WIDE.sub(_pair, text)
        read = units.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
        padded = read + _END + "\0" * _WINDOW
        starts = [0, *(place.end() for place in re.finditer("\n", read))]
        seen: Counter[str] = Counter()
        self._windows: list[tuple[str, int]] = []
        for start in starts:
            window = padded[start : start + _WINDOW]
            seen[window] += 1
            self._windows.append((window, seen[window]))

    def of(self, line: int) -> str:
        """The hash of a line; of the last one where there are fewer."""
        window, number = self._windows[min(line, len(self._windows)) - 1]
        value = 0
        for unit in window:
            value = (value * _BASE + ord(unit)) % _MODULUS
        return f"{value:x}:{number}"

    def reads(self, line: int) -> Span:
        """The part of the text that the hash of a line is made from."""
        start = self._index.starts[min(line, self._index.line_count) - 1]
        found = _READ.match(self._text, start)
        return Span(start, found.end() if found else start)


def _pair(found: re.Match[str]) -> str:
    """A character as the two UTF-16 code units that it is written with."""
    above = ord(found[0]) - 0x10000
    return chr(0xD800 + (above >> 10)) + chr(0xDC00 + (above & 0x3FF))
