"""The only conversion between our findings and edits and the protocol's; the only place that knows the encoding.

Diagnostics of a large file are many and hardly change: a file of a hundred documents has thousands, and a keystroke
touches those of one. So a document's diagnostics are turned into JSON text once, with holes for the line numbers, and
a notification is put together from such texts. Building protocol objects for all of them on each keystroke took ten
times as long as everything else together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from lsprotocol import types

from kscan_lsp.findings import Problem, Severity
from kscan_lsp.text import LineIndex, Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.documents import Document
    from kscan_lsp.findings import Finding, Related
    from kscan_lsp.lsp.client import Client
    from kscan_lsp.project import CheckedDocument, CheckedFile, Project
    from kscan_lsp.ruleset import Ruleset
    from kscan_lsp.text import Encoding, TextEdit

SOURCE: Final = "kscan"
ERROR, WARNING, INFORMATION, HINT = 1, 2, 3, 4

_LEVELS: Final = {
    Severity.CRITICAL: ERROR,
    Severity.HIGH: ERROR,
    Severity.MEDIUM: WARNING,
    Severity.LOW: INFORMATION,
}
_PROBLEM_LEVELS: Final = {"suppression": INFORMATION, "type": WARNING, "duplicate-key": WARNING}


class _Line(NamedTuple):
    """A line number of a diagnostic: counted from the start of its own document, or of one in another file."""

    number: int
    elsewhere: Related | None = None


class _Template(NamedTuple):
    """The diagnostics of a document, with holes for their line numbers."""

    uri: str
    text: str
    lines: tuple[_Line, ...]
    elsewhere: bool
    """Whether any place in it is in another file."""


class DiagnosticTexts:
    """Diagnostics of checked documents as JSON, remembered for as long as the document lives."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._templates: WeakKeyDictionary[CheckedDocument, _Template] = WeakKeyDictionary()
        self._texts: WeakKeyDictionary[CheckedDocument, tuple[int, str]] = WeakKeyDictionary()

    def points_elsewhere(self, checked: CheckedFile) -> bool:
        """Whether what was shown of a file names places in others, which move when those are edited."""
        known = (self._templates.get(placed.checked) for placed in checked.documents)
        return any(template is not None and template.elsewhere for template in known)

    def of_file(self, uri: str, checked: CheckedFile, project: Project) -> str:
        """All diagnostics of a file, as the inside of a JSON array."""
        parts = []
        if checked.limit:
            parts.append(json.dumps(_problem(checked.limit, LineIndex(""), self._client.encoding)))
        for placed in checked.documents:
            template = self._templates.get(placed.checked)
            if template is None or template.uri != uri:
                template = self._templates[placed.checked] = self._template(uri, placed.checked, project)
            known = self._texts.get(placed.checked)
            if known is None or known[0] != placed.line or template.elsewhere:
                known = (placed.line, _filled(template, placed.line, project))
                self._texts[placed.checked] = known
            if known[1]:
                parts.append(known[1])
        return ",".join(parts)

    def _template(self, uri: str, checked: CheckedDocument, project: Project) -> _Template:
        index, encoding = checked.document.lines, self._client.encoding
        made = [_problem(problem, index, encoding) for problem in checked.problems]
        made += [
            self._finding(uri, finding, checked.document, project.ruleset)
            for finding in checked.findings
            if finding.status == "open"
        ]
        lines: list[_Line] = []
        for diagnostic in made:
            ranges = [(diagnostic["range"], None)]
            ranges += [
                (info["location"]["range"], info.pop("elsewhere"))
                for info in diagnostic.get("relatedInformation", ())
            ]
            for at, elsewhere in ranges:
                for end in ("start", "end"):
                    lines.append(_Line(at[end]["line"], elsewhere))
                    at[end]["line"] = _HOLE
        # json writes non-ASCII characters as escapes, so the hole cannot occur in any of the texts
        text = _COMPACT.encode(made)[1:-1].replace("%", "%%").replace(_HOLE_TEXT, "%d")
        return _Template(uri, text, tuple(lines), any(line.elsewhere for line in lines))

    def _finding(self, uri: str, finding: Finding, document: Document, ruleset: Ruleset) -> dict[str, Any]:
        index, encoding = document.lines, self._client.encoding
        diagnostic: dict[str, Any] = {
            "range": json_range(finding.span, index, encoding),
            "severity": _LEVELS[finding.severity],
            "code": finding.control,
            "source": SOURCE,
            "message": finding.message,
        }
        references = ruleset.controls[finding.control].references
        if references and self._client.code_description:
            diagnostic["codeDescription"] = {"href": references[0]}
        if finding.related and self._client.related_information:
            diagnostic["relatedInformation"] = [
                {
                    "location": {
                        "uri": r.file or uri,
                        "range": json_range(r.span, LineIndex(r.document) if r.file else index, encoding),
                    },
                    "message": r.message,
                    "elsewhere": r if r.file else None,
                }
                for r in finding.related
            ]
        return diagnostic


def _filled(template: _Template, line: int, project: Project) -> str:
    if not template.text:
        return ""
    return template.text % tuple(
        [n + (line if elsewhere is None else project.line_of(elsewhere)) for n, elsewhere in template.lines]
    )


_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))
_HOLE: Final = "\ue000"
_HOLE_TEXT: Final = json.dumps(_HOLE)


def problems_text(problems: Iterable[tuple[Document, Problem]], encoding: Encoding) -> str:
    """Problems of a settings or policy file as the inside of a JSON array."""
    return ",".join(json.dumps(_problem(problem, document.lines, encoding)) for document, problem in problems)


class Json(str):
    """Text that is JSON, to be sent as it is."""

    __slots__ = ()


def notification(uri: str, version: int | None, diagnostics: str) -> bytes:
    """A whole `textDocument/publishDiagnostics` message, header included."""
    at = "" if version is None else f'"version":{version},'
    return _message(
        '"method":"textDocument/publishDiagnostics","params":{"uri":'
        f'{json.dumps(uri)},{at}"diagnostics":[{diagnostics}]}}'
    )


def response(request: str | int, result: Json) -> bytes:
    """A whole message that answers a request, header included."""
    return _message(f'"id":{json.dumps(request)},"result":{result}')


def _message(inside: str) -> bytes:
    body = f'{{"jsonrpc":"2.0",{inside}}}'.encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def json_range(span: Span, index: LineIndex, encoding: Encoding) -> dict[str, dict[str, Any]]:
    """A span as the protocol's range, as plain data."""
    start, end = index.encoded(span.start, encoding), index.encoded(span.end, encoding)
    return {
        "start": {"line": start.line, "character": start.column},
        "end": {"line": end.line, "character": end.column},
    }


def range_of(span: Span, index: LineIndex, encoding: Encoding) -> types.Range:
    """A span as the protocol's range."""
    start, end = index.encoded(span.start, encoding), index.encoded(span.end, encoding)
    return types.Range(types.Position(start.line, start.column), types.Position(end.line, end.column))


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
        message=finding.message,
        severity=types.DiagnosticSeverity(_LEVELS[finding.severity]),
        code=finding.control,
        source=SOURCE,
    )


def position_offset(position: types.Position, index: LineIndex, encoding: Encoding) -> int:
    """The protocol's position as an offset."""
    return index.decoded(*Position(position.line, position.character), encoding)


def _problem(problem: Problem, index: LineIndex, encoding: Encoding) -> dict[str, Any]:
    return {
        "range": json_range(problem.span, index, encoding),
        "severity": _PROBLEM_LEVELS.get(problem.code, ERROR),
        "code": problem.code,
        "source": SOURCE,
        "message": problem.message,
    }
