"""The only conversion between our findings and edits and the protocol's; the only place that knows the encoding.

Diagnostics are written as JSON text, of parts with holes for line numbers (see `diagnostic_texts.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from lsprotocol import types

from kscan_lsp.findings import Problem, Severity
from kscan_lsp.text import LineIndex, Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.findings import Disposition, Finding
    from kscan_lsp.text import Encoding, TextEdit
    from kscan_lsp.workspace.locations import Lines
    from kscan_lsp.yaml.document import Document

Diagnostics: TypeAlias = "tuple[bytes, ...]"
"""JSON texts of a document's diagnostics, separated by commas where there are several in one."""

SOURCE: Final = "kscan"
ERROR, WARNING, INFORMATION, HINT = 1, 2, 3, 4

LEVELS: Final = {
    Severity.CRITICAL: ERROR,
    Severity.HIGH: ERROR,
    Severity.MEDIUM: WARNING,
    Severity.LOW: INFORMATION,
}
START: Final = '{"start":{"line":0,"character":0},"end":{"line":0,"character":0}}'
DIMMED: Final = f',"tags":[{types.DiagnosticTag.Unnecessary.value}]'
_PROBLEM_LEVELS: Final = {
    "suppression": INFORMATION,
    "placeholder": INFORMATION,
    "unused": INFORMATION,
    "untrusted": INFORMATION,
    "type": WARNING,
    "duplicate-key": WARNING,
}


class RangeText(NamedTuple):
    """A range, or more around it, as JSON with holes, and the lines to fill in."""

    text: str
    first: int
    last: int


def range_text(span: Span, index: LineIndex, encoding: Encoding) -> RangeText:
    """A span of a text as JSON with holes."""
    line, column, end_line, end_column = index.encoded_span(span, encoding)
    start, end = f'{{"line":%d,"character":{column}}}', f'{{"line":%d,"character":{end_column}}}'
    return RangeText(f'"range":{{"start":{start},"end":{end}}}', line, end_line)


def place_text(uri: str, at: str, message: str) -> str:
    """A range of a file as a place that a diagnostic names besides its own, part of a template."""
    return f'{{"location":{{"uri":{quoted(uri)},{at}}},"message":{quoted(message)}}}'


def level_of(finding: Finding) -> int:
    """How a finding is marked: what is in a baseline is no more than a hint."""
    return HINT if finding.status == "baseline" else LEVELS[finding.severity]


def message_of(finding: Finding) -> str:
    """What a diagnostic says of a finding."""
    known = finding.disposition
    if known is None or known.status != "baseline":
        return finding.message
    return in_baseline(finding.message, finding.severity, known)


def in_baseline(message: str, severity: Severity, known: Disposition) -> str:
    """What a diagnostic says of a finding with a message that is in a baseline."""
    since = f" since {known.since}" if known.since else ""
    why = f": {known.reason}" if known.reason else ""
    return f"{message} ({severity.label}, in the baseline{since}{why})"


def about_control(control: str, level: int, message: str, link: str) -> str:
    """What a diagnostic says of a control, with a link to its page if there is one: as JSON, part of a template."""
    described = f',"codeDescription":{{"href":{quoted(link)}}}' if link else ""
    return (
        f'"severity":{level},"code":{quoted(control)},"source":"{SOURCE}",'
        f'"message":{quoted(message)}{described}'
    )


def about_problem(problem: Problem) -> str:
    """What a diagnostic says of a problem, as JSON that is part of a template."""
    level = _PROBLEM_LEVELS.get(problem.code, ERROR)
    return (
        f'"severity":{level},"code":{quoted(problem.code)},"source":"{SOURCE}",'
        f'"message":{quoted(problem.message)}'
    )


def about_finding(finding: Finding, message: str, link: str, *, dimmed: bool) -> str:
    """The same of a finding; one of a baseline is `dimmed` where the editor can."""
    about = about_control(finding.control, level_of(finding), message, link)
    return about + DIMMED if dimmed and finding.status == "baseline" else about


def one(span: Span, index: LineIndex, encoding: Encoding, about: str) -> bytes:
    """One diagnostic of a text, of what is said there."""
    at = range_text(span, index, encoding)
    return (f"{{{at.text},{about}}}" % (at.first, at.last)).encode()


def related(uri: str, span: Span, index: LineIndex, encoding: Encoding, message: str) -> str:
    """A place in another file, as part of what `one` takes for said."""
    at = range_text(span, index, encoding)
    place = f'"uri":{quoted(uri)},{at.text % (at.first, at.last)}'
    return f'{{"location":{{{place}}},"message":{quoted(message)}}}'


def quoted(text: str) -> str:
    """JSON for a text, as part of a template. What is not ASCII is written as escapes."""
    return json.dumps(text).replace("%", "%%")


def of_problems(problems: Iterable[tuple[Document, Problem]], encoding: Encoding) -> Diagnostics:
    """Problems of a settings or policy file."""
    return tuple(one(at.span, document.lines, encoding, about_problem(at)) for document, at in problems)


class Json(str):
    """Text that is JSON, to be sent as it is."""

    __slots__ = ()


def array(diagnostics: Diagnostics) -> str:
    """Diagnostics as the inside of a JSON array."""
    return b",".join(diagnostics).decode()


def notification(uri: str, version: int | None, diagnostics: Diagnostics) -> bytes:
    """A whole `textDocument/publishDiagnostics` message, header included."""
    at = "" if version is None else f'"version":{version},'
    before = (
        '{"jsonrpc":"2.0","method":"textDocument/publishDiagnostics","params":{"uri":'
        f'{json.dumps(uri)},{at}"diagnostics":['
    )
    return _message(before.encode(), b",".join(diagnostics), b"]}}")


def response(request: str | int, result: Json) -> bytes:
    """A whole message that answers a request, header included."""
    return _message(f'{{"jsonrpc":"2.0","id":{json.dumps(request)},"result":'.encode(), result.encode(), b"}")


def _message(*parts: bytes) -> bytes:
    # a large file has a megabyte of diagnostics, which is not copied more often than it must be
    return b"".join((b"Content-Length: %d\r\n\r\n" % sum(map(len, parts)), *parts))


def range_of_lines(lines: Lines, encoding: Encoding) -> types.Range:
    """Lines of a file as the protocol's range."""
    line, column, end_line, end_column = lines.encoded(encoding)
    return types.Range(types.Position(line, column), types.Position(end_line, end_column))


def range_of(span: Span, index: LineIndex, encoding: Encoding) -> types.Range:
    """A span as the protocol's range."""
    line, column, end_line, end_column = index.encoded_span(span, encoding)
    return types.Range(types.Position(line, column), types.Position(end_line, end_column))


def span_of(at: types.Range, index: LineIndex, encoding: Encoding) -> Span:
    """The protocol's range as a span."""
    return Span(
        index.decoded(at.start.line, at.start.character, encoding),
        index.decoded(at.end.line, at.end.character, encoding),
    )


def text_edits(
    edits: Iterable[TextEdit], offset: int, index: LineIndex, encoding: Encoding
) -> list[types.TextEdit]:
    """Edits of a document at `offset` as edits of the file that `index` is of."""
    return [
        types.TextEdit(range_of(Span(e.span.start + offset, e.span.end + offset), index, encoding), e.text)
        for e in edits
    ]


def diagnostic_of(finding: Finding, offset: int, index: LineIndex, encoding: Encoding) -> types.Diagnostic:
    """A finding as a diagnostic object, for code actions to refer to."""
    span = Span(finding.span.start + offset, finding.span.end + offset)
    return types.Diagnostic(
        range=range_of(span, index, encoding),
        message=message_of(finding),
        severity=types.DiagnosticSeverity(level_of(finding)),
        code=finding.control,
        source=SOURCE,
    )


def position_offset(position: types.Position, index: LineIndex, encoding: Encoding) -> int:
    """The protocol's position as an offset."""
    return index.decoded(*Position(position.line, position.character), encoding)
