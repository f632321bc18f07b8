"""Selection: from a place outwards, node by node, to the document and the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.lsp import convert
from kscan_lsp.text import Span
from kscan_lsp.yaml.around import around

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot


def selection_ranges(
    snapshot: DocumentSnapshot, positions: Iterable[types.Position]
) -> list[types.SelectionRange]:
    """What can be selected around each of some positions, the least first."""
    encoding = snapshot.capabilities.encoding
    found = []
    for position in positions:
        at = convert.position_offset(position, snapshot.lines, encoding)
        whole: types.SelectionRange | None = None
        for span in dict.fromkeys(_spans(snapshot, at)):
            whole = types.SelectionRange(convert.range_of(span, snapshot.lines, encoding), whole)
        found.append(whole or types.SelectionRange(types.Range(position, position)))
    return found


def _spans(snapshot: DocumentSnapshot, at: int) -> Iterator[Span]:
    """From the file inwards."""
    yield Span(0, len(snapshot.checked.text))
    placed = snapshot.checked.placed_at(at)
    if placed is None or at > placed.end[0]:
        return
    yield Span(placed.offset, placed.end[0])
    root = placed.checked.document.root
    for span in around(root, at - placed.offset).spans if root else ():
        yield Span(placed.offset + span.start, placed.offset + span.end)
