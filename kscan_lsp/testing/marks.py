"""Expected findings, marked in a manifest by carets under the text.

    securityContext:
      privileged: true
    # ^^^^^^^^^^^^^^^^ C-0057

A line of carets marks the exact characters on the line above it where something must be reported, by a control or by an
admission policy (`VAP/` and its name). `# <^^^` marks a range that starts at the beginning of the line. By `C-0004 x2`
checks of a control fail twice there, as they do where two fields are missing; without a number, once or more.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from kscan_lsp.policy.admission import PREFIX
from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex

_NAMED: Final = rf"(?:[A-Z]+-\d+(?:[ \t]+x[1-9]\d{{0,2}})?|{PREFIX}[^\s,]+)"
_MARKER: Final = regex(rf"^(\s*#\s*)(<?)(\^+)[ \t]+({_NAMED}(?:[ \t]*,[ \t]*{_NAMED})*)[ \t]*$")


class Mark(Struct, frozen=True):
    """An expected finding: 0-based line of the manifest, and columns."""

    line: int
    start: int
    end: int
    controls: tuple[str, ...]
    times: tuple[int, ...] = ()
    """How often checks of each fail there; 0 for once or more, as for all where nothing is said."""

    def times_of(self, control: str) -> int:
        """How often checks of a control fail there; 0 where that is not said."""
        return dict(zip(self.controls, self.times, strict=False)).get(control, 0)


def read_marks(text: str) -> tuple[str, list[Mark]]:
    """Take the marker lines out of a manifest; returns the manifest and what they mark in it."""
    kept: list[str] = []
    marks: list[Mark] = []
    for line in text.splitlines(keepends=True):
        mark = _mark(line.rstrip("\r\n"), len(kept) - 1)
        if mark is None:
            kept.append(line)
        else:
            marks.append(mark)
    return "".join(kept), marks


def marks_in(text: str) -> list[Mark]:
    """What the marker lines of a manifest mark, where they stand in it: to Kubernetes they are comments."""
    lines = LineIndex(text)
    marks: list[Mark] = []
    above = -1
    for number, start in enumerate(lines.starts):
        mark = _mark(text[start : lines.content_end(number)], above)
        if mark is None:
            above = number
        else:
            marks.append(mark)
    return marks


def is_mark(line: str) -> bool:
    """Whether a line of a manifest marks what is above it."""
    return _MARKER.match(line) is not None


def _mark(line: str, above: int) -> Mark | None:
    """What a line marks on the one above it, if it does."""
    found = _MARKER.match(line) if above >= 0 else None
    if found is None:
        return None
    start = 0 if found[2] else len(found[1])
    named = [part.split() for part in re.split(r"[ \t]*,[ \t]*", found[4])]
    times = tuple(int(count[0][1:]) if count else 0 for _, *count in named)
    controls = tuple(name for name, *_ in named)
    return Mark(above, start, start + len(found[3]), controls, times if any(times) else ())
