"""PlaceLinks in files as people count them, from places in the text that was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.report.model import FileProblem, FileRange, LineColumn
from kscan_lsp.report.standards import StandardChange
from kscan_lsp.workspace.locations import Lines, lines_of

if TYPE_CHECKING:
    from kscan_lsp.findings import Location, Problem
    from kscan_lsp.workspace.changes import Change
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.yaml.document import Document


def range_of(location: Location, project: Project) -> FileRange:
    """A location as people count; the file's first character where it has no span."""
    return _range(lines_of(location, project))


def problem_in(file: str, document: Document, problem: Problem) -> FileProblem:
    """A problem of a file that is one document: settings or a policy."""
    return FileProblem(file, _range(Lines(document.lines, problem.span, 0)), problem.message, problem.code)


def change_in(file: str, change: Change) -> StandardChange:
    """A change to a standard, said in a file of this name; the name is left out where no file says it."""
    if change.document is None or change.span is None:
        return StandardChange(change.what, change.id, "", 0, change.detail)
    line = change.document.lines.position(change.span.start).line + 1
    return StandardChange(change.what, change.id, file, line, change.detail)


def _range(lines: Lines) -> FileRange:
    start, end = map(lines.index.position, lines.span)
    first = lines.first + 1
    return FileRange(
        LineColumn(first + start.line, start.column + 1), LineColumn(first + end.line, end.column + 1)
    )
