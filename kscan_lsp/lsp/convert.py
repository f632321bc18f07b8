"""The only conversion between our findings and edits and the protocol's; the only place that knows the encoding.

Diagnostics of a large file are many and hardly change: a file of a hundred documents has thousands, and a keystroke
touches those of one. So a document's diagnostics are turned into JSON text once, with holes for the line numbers, and
a notification is put together from such texts. Building protocol objects for all of them on each keystroke took ten
times as long as everything else together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from lsprotocol import types

from kscan_lsp.findings import Problem, Severity
from kscan_lsp.text import LineIndex, Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.documents import Document
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.client import Client
    from kscan_lsp.project import CheckedDocument, CheckedFile
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


class DiagnosticTexts:
    """Diagnostics of checked documents as JSON, remembered for as long as the document lives."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._templates: WeakKeyDictionary[CheckedDocument, tuple[str, str, tuple[int, ...]]] = (
            WeakKeyDictionary()
        )
        self._texts: WeakKeyDictionary[CheckedDocument, tuple[int, str]] = WeakKeyDictionary()

    def of_file(self, uri: str, checked: CheckedFile, ruleset: Ruleset) -> str:
        """All diagnostics of a file, as the inside of a JSON array."""
        parts = []
        if checked.limit:
            parts.append(json.dumps(_problem(checked.limit, LineIndex(""), self._client.encoding)))
        for placed in checked.documents:
            known = self._texts.get(placed.checked)
            if known is None or known[0] != placed.line:
                known = (placed.line, self._text(uri, placed.checked, placed.line, ruleset))
                self._texts[placed.checked] = known
            if known[1]:
                parts.append(known[1])
        return ",".join(parts)

    def _text(self, uri: str, checked: CheckedDocument, line: int, ruleset: Ruleset) -> str:
        known = self._templates.get(checked)
        if known is None or known[0] != uri:
            known = (uri, *self._template(uri, checked, ruleset))
            self._templates[checked] = known
        _, template, lines = known
        return template % tuple([number + line for number in lines]) if template else ""

    def _template(self, uri: str, checked: CheckedDocument, ruleset: Ruleset) -> tuple[str, tuple[int, ...]]:
        index, encoding = checked.document.lines, self._client.encoding
        made = [_problem(problem, index, encoding) for problem in checked.problems]
        made += [
            self._finding(uri, finding, checked.document, ruleset)
            for finding in checked.findings
            if finding.status == "open"
        ]
        lines: list[int] = []
        texts = []
        for diagnostic in made:
            ranges = [diagnostic["range"]]
            ranges += [info["location"]["range"] for info in diagnostic.get("relatedInformation", ())]
            for at in ranges:
                for end in ("start", "end"):
                    lines.append(at[end]["line"])
                    at[end]["line"] = _HOLE
            # json writes non-ASCII characters as escapes, so the hole cannot occur in any of the texts
            texts.append(
                json.dumps(diagnostic, separators=(",", ":")).replace("%", "%%").replace(_HOLE_TEXT, "%d")
            )
        return ",".join(texts), tuple(lines)

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
                {"location": {"uri": uri, "range": json_range(r.span, index, encoding)}, "message": r.message}
                for r in finding.related
            ]
        return diagnostic


_HOLE: Final = "\ue000"
_HOLE_TEXT: Final = json.dumps(_HOLE)


def problems_text(problems: Iterable[tuple[Document, Problem]], encoding: Encoding) -> str:
    """Problems of a settings or policy file as the inside of a JSON array."""
    return ",".join(json.dumps(_problem(problem, document.lines, encoding)) for document, problem in problems)


def notification(uri: str, version: int | None, diagnostics: str) -> bytes:
    """A whole `textDocument/publishDiagnostics` message, header included."""
    at = "" if version is None else f'"version":{version},'
    body = (
        '{"jsonrpc":"2.0","method":"textDocument/publishDiagnostics","params":{"uri":'
        f'{json.dumps(uri)},{at}"diagnostics":[{diagnostics}]}}}}'
    ).encode()
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
