"""PlaceLinks in files as people count them, from places in the text that was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.report.model import FileProblem, FileRange
from kscan_lsp.report.standards import StandardChange
from kscan_lsp.workspace.locations import lines_of

if TYPE_CHECKING:
    from kscan_lsp.findings import Location, Problem
    from kscan_lsp.text import LineIndex, Span
    from kscan_lsp.workspace.changes import Change
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import PlacedDocument
    from kscan_lsp.yaml.document import Document


def range_of(location: Location, project: Project) -> FileRange:
    """A location as people count; the file's first character where it has no span."""
    lines = lines_of(location, project)
    return _range(lines.index, lines.span, lines.first)


def range_in(document: PlacedDocument, span: Span) -> FileRange:
    """As `range_of` its location, of a span of a document that is judged as it stands in its file."""
    return _range(document.checked.document.lines, span, document.line)


def problem_in(file: str, document: Document, problem: Problem) -> FileProblem:
    """A problem of a file that is one document: settings or a policy."""
    return FileProblem(file, _range(document.lines, problem.span, 0), problem.message, problem.code)


def change_in(file: str, change: Change) -> StandardChange:
    """A change to a standard, said in a file of this name; the name is left out where no file says it."""
    if change.document is None or change.span is None:
        return StandardChange(change.what, change.id, "", 0, change.detail)
    line = change.document.lines.position(change.span.start).line + 1
    return StandardChange(change.what, change.id, file, line, change.detail)


def _range(index: LineIndex, span: Span, before: int) -> FileRange:
    """A span of a text that begins behind so many lines of its file."""
    line, column, end_line, end_column = index.placed(span)
    first = before + 1
    return FileRange(first + line, column + 1, first + end_line, end_column + 1)
