"""Where something stands, as SARIF has it: files by their place in the repository, and regions as short as they say it.

An alert is shown in a pull request only if all its lines were changed there, so a region of a finding ends with its
first line. Columns count code points, as those of the report do, and the run says so.

Left out on purpose: where the repository lies on the machine that scanned. It is nobody's business who reads the file,
and whoever opens it has the repository elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.report.exchange import file_uri, is_absolute, relative_uri, repository_name

if TYPE_CHECKING:
    from kscan_lsp.report.model import FileRange, Report

ROOT: Final = "%SRCROOT%"
"""What relative URIs start from, by the name that code scanning has for it."""


def artifact(report: Report, file: str) -> dict[str, Any]:
    """A file: from the root of the repository, or by its absolute URI where it lies in none."""
    name = repository_name(report, file)
    if is_absolute(name):
        return {"uri": file_uri(name)}
    return {"uri": relative_uri(name), "uriBaseId": ROOT}


def physical(report: Report, file: str, span: FileRange) -> dict[str, Any]:
    """A place in a file, on one line."""
    return {"artifactLocation": artifact(report, file), "region": short_region(report, file, span)}


def exact_region(span: FileRange) -> dict[str, int]:
    """All of a range."""
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def short_region(report: Report, file: str, span: FileRange) -> dict[str, int]:
    """A range up to the end of its first line; what has no extent is a line."""
    start, end = span.start, span.end
    if start == end:
        return {"startLine": start.line}
    if start.line == end.line:
        return exact_region(span)
    text = report.texts.get(file)
    region = {"startLine": start.line, "startColumn": start.column, "endLine": start.line}
    if text is not None:
        region["endColumn"] = max(text.length_of(start.line), start.column) + 1
    return region
