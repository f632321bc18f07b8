"""Folding: documents of a file, objects in a List, containers, and all else that has lines of its own below a key.

All of it, because an editor that is told of some ranges stops to fold by indentation.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.text import Span
from kscan_lsp.yaml.around import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.results import PlacedDocument


def folding_ranges(snapshot: DocumentSnapshot) -> list[types.FoldingRange] | None:
    """What can be folded in a document, in the order of the text; None where another way of folding is better."""
    placed = snapshot.checked.documents
    if not any(one.checked.verdicts for one in placed):
        return None
    several = len(placed) > 1
    found = (found for one in placed for found in _of_document(snapshot, one, several=several))
    return list(islice(found, snapshot.capabilities.fold_limit))


def _of_document(
    snapshot: DocumentSnapshot, placed: PlacedDocument, *, several: bool
) -> Iterator[types.FoldingRange]:
    document = placed.checked.document
    root = document.root
    if root is None:
        return
    lines = document.lines
    seen = {-1}  # the outermost range that begins on a line is the one that an editor can fold there
    if several:
        yield from _range(snapshot, placed, Span(_separator(document.text, root.start), root.end))
        seen.add(lines.line_of(_separator(document.text, root.start)))
    for span in blocks(root):
        line = lines.line_of(span.start)
        if span.start != root.start and line not in seen and lines.line_of(span.end) > line:
            seen.add(line)
            yield from _range(snapshot, placed, span)


def _separator(text: str, start: int) -> int:
    """Where a document can be folded: at the line that separates it from the one before, or where its object begins."""
    mark = 0 if text.startswith("---") else text.find("\n---", 0, start) + 1 or -1
    return mark if 0 <= mark < start else start


def _range(snapshot: DocumentSnapshot, placed: PlacedDocument, span: Span) -> Iterator[types.FoldingRange]:
    at = snapshot.range_of(placed, span)
    if at.end.line <= at.start.line:
        return
    first = placed.checked.document.lines.content_end(placed.checked.document.lines.line_of(span.start))
    if snapshot.capabilities.fold_lines:
        yield types.FoldingRange(at.start.line, at.end.line)
    else:
        behind = snapshot.range_of(placed, Span(first, first)).start.character
        yield types.FoldingRange(at.start.line, at.end.line, behind, at.end.character)
