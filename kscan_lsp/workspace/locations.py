"""From places to lines: where a related place stands now, and on which lines of its file a location is.

Inside the program a place is a span of a document, which does not move when its file is edited elsewhere. The source
map of a placed document makes a `Location` of it; here is the one place that makes lines and columns of locations,
for reports and for the editor alike. It counts in the texts at hand, which are those of documents: of a file that is
judged, and of one that is only known for what it declares.

Left out on purpose: what lines and columns look like (from 0 or 1, in which encoding); callers know that.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from kscan_lsp.findings import Location, Verbatim
from kscan_lsp.text import LineIndex, Span

if TYPE_CHECKING:
    from kscan_lsp.findings import Related
    from kscan_lsp.text import Encoding, Position
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument


class Lines(Struct, frozen=True):
    """A span of a text, and the line of its file, from 0, at which that text begins."""

    index: LineIndex
    span: Span
    first: int

    def positions(self) -> tuple[Position, Position]:
        """Start and end in the file: lines and columns from 0, columns in code points."""
        start, end = self.index.position(self.span.start), self.index.position(self.span.end)
        return start._replace(line=self.first + start.line), end._replace(line=self.first + end.line)

    def encoded(self, encoding: Encoding) -> tuple[int, int, int, int]:
        """First line and column, last line and column in the file, columns in code units of an encoding."""
        line, column, end_line, end_column = self.index.encoded_span(self.span, encoding)
        return self.first + line, column, self.first + end_line, end_column


NOWHERE: Final = Lines(LineIndex(""), Span(0, 0), 0)
"""What has no place in its file is shown at its start."""


def location_of(related: Related, placed: PlacedDocument, project: Project) -> Location:
    """Where a related place stands now.

    Args:
        related: the place, of a finding in `placed`.
        placed: the finding's document.
        project: all that is known.
    """
    if not related.file:
        return placed.locate(related.span)
    return location_in(related.file, related.document, related.span, project)


def location_in(path: str, document: str, span: Span, project: Project) -> Location:
    """Where a span of a document stands now.

    Args:
        path: the file that the document is in.
        document: its text, by which it is known.
        span: the span.
        project: all that is known.
    """
    file = project.files.get(path)
    if file is not None and (other := documents_by_text(file).get(document)) is not None:
        return other.locate(span)
    if file is not None and not file.documents and file.text == document:
        return Location(path, span)  # values of a chart
    for declared in project.index.files.get(path, ()):
        if declared.document == document:
            return Verbatim(path, declared.offset).locate(span)
    return Location(path, None, "this file has changed")


def lines_of(location: Location, project: Project) -> Lines:
    """The lines of its file that a location is on; the first one where it has no span or its text is not known."""
    if location.span is None:
        return NOWHERE
    file = project.files.get(location.file)
    if file is None:
        before = [
            one for one in project.index.files.get(location.file, ()) if one.offset <= location.span.start
        ]
        if not before:
            return NOWHERE
        declared = before[-1]
        return _lines(index_of(declared.document), location.span, declared.offset, declared.line)
    if not file.documents or not isinstance(file.documents[0].source, Verbatim):
        return _lines(index_of(file.text), location.span, 0, 0)
    after = bisect_right(file.documents, location.span.start, key=lambda placed: placed.offset)
    placed = file.documents[max(after - 1, 0)]
    return _lines(placed.checked.document.lines, location.span, placed.offset, placed.line)


def first_line(related: Related, project: Project) -> int:
    """The line of its file, from 0, on which the document begins that a place in another file is in."""
    file = project.files.get(related.file)
    if file is not None:
        there = documents_by_text(file).get(related.document)
        if there is not None and isinstance(there.source, Verbatim):  # nearly always, and asked at every key
            return there.line
    else:
        for declared in project.index.files.get(related.file, ()):
            if declared.document == related.document:  # as above
                return declared.line
    location = location_in(related.file, related.document, related.span, project)
    return lines_of(location, project).first


_BY_TEXT: Final[WeakKeyDictionary[CheckedFile, dict[str, PlacedDocument]]] = WeakKeyDictionary()


def documents_by_text(file: CheckedFile) -> dict[str, PlacedDocument]:
    """The documents of a file by their texts, the first of each: many findings can point into a file of many."""
    known = _BY_TEXT.get(file)
    if known is None:
        known = {}
        for placed in file.documents:
            known.setdefault(placed.checked.document.text, placed)
        _BY_TEXT[file] = known
    return known


def _lines(index: LineIndex, span: Span, offset: int, first: int) -> Lines:
    return Lines(index, Span(span.start - offset, span.end - offset), first)


@lru_cache(maxsize=64)
def index_of(text: str) -> LineIndex:
    """The lines of a text of another file, into which many findings can point."""
    return LineIndex(text)
