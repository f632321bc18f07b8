"""Lines on a terminal: what it can show, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.segment import Segment, Segments

from kscan_lsp.report.lines import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.report.lines import Line


def console(stream: TextIO) -> Console:
    """What a stream leads to; no colours where that is no terminal, or NO_COLOR is set."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def print_lines(lines: Iterable[Line], terminal: Console) -> None:
    """Write lines, all at once: a call for each takes longer than the scan."""
    end = Segment("\n")
    segments = []
    for line in lines:
        segments += [Segment(piece.text, terminal.get_style(piece.style)) for piece in trimmed(line)]
        segments.append(end)
    terminal.print(Segments(segments), crop=False)
