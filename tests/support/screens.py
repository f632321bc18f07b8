"""What a terminal shows."""

from __future__ import annotations

import unicodedata

from kscan_lsp.report.file_text import shown_line
from kscan_lsp.report.model import FileRange
from kscan_lsp.report.snippet import snippet
from kscan_lsp.text import LineIndex


def mark(text: str, start: int, end: int, width: int = 70, line: int = 1) -> tuple[str, str]:
    index = LineIndex(text)
    written = shown_line(text[index.starts[line - 1] : index.content_end(line - 1)])
    return snippet(written, FileRange(line, start, line, end), width)


def harmless(text: str) -> bool:
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text)
