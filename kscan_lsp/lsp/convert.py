"""The only conversion between our findings and edits and the protocol's; the only place that knows the encoding.

Diagnostics of a large file are many and hardly change: a file of a hundred documents has thousands, and a keystroke
touches those of one. So a document's diagnostics are turned into JSON text once, with holes for the line numbers, and
a notification is put together from such texts. Building protocol objects for all of them on each keystroke took ten
times as long as everything else together.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

from lsprotocol import types
from msgspec import Struct

from kscan_lsp.findings import Problem, Severity
from kscan_lsp.text import LineIndex, Position, Span
from kscan_lsp.workspace.locations import lines_of, location_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.findings import Finding, Related
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.text import Encoding, TextEdit
    from kscan_lsp.workspace.locations import Lines
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile, PlacedDocument
    from kscan_lsp.yaml.document import Document

Diagnostics: TypeAlias = "tuple[bytes, ...]"
"""JSON texts of a document's diagnostics, separated by commas where there are several in one."""

SOURCE: Final = "kscan"
ERROR, WARNING, INFORMATION, HINT = 1, 2, 3, 4

_LEVELS: Final = {
    Severity.CRITICAL: ERROR,
    Severity.HIGH: ERROR,
    Severity.MEDIUM: WARNING,
    Severity.LOW: INFORMATION,
}
_START: Final = '{"start":{"line":0,"character":0},"end":{"line":0,"character":0}}'
_DIMMED: Final = f',"tags":[{types.DiagnosticTag.Unnecessary.value}]'
_PROBLEM_LEVELS: Final = {
    "suppression": INFORMATION,
    "placeholder": INFORMATION,
    "unused": INFORMATION,
    "untrusted": INFORMATION,
    "type": WARNING,
    "duplicate-key": WARNING,
}


_Line: TypeAlias = "tuple[int, int]"
"""A line number of a diagnostic, counted from the start of a document: of its own (0), or of one in another file."""


class _Range(Struct, frozen=True):
    """A range as JSON with holes, and the lines to fill in."""

    text: str
    first: int
    last: int


class _Holes(Struct, frozen=True):
    """The line numbers to fill in, and the places in other files that some of them count from."""

    lines: list[_Line]
    elsewhere: dict[Related, int]
    ranges: dict[Span, _Range]
    """Those of the document itself: what is missing in one place is missing for many controls."""


class _Template(Struct, frozen=True):
    """The diagnostics of a document, with holes for their line numbers.

    Text that is judged as it stands in its file moves by whole lines, so its source map is not asked for each place.
    """

    uri: str
    text: str
    lines: tuple[_Line, ...]
    elsewhere: tuple[Related, ...]
    """The places in other files, in the order that `lines` count them, from 1."""


class DiagnosticTexts:
    """Diagnostics of checked documents as JSON, remembered for as long as the document lives."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._templates: WeakKeyDictionary[CheckedDocument, _Template] = WeakKeyDictionary()
        self._texts: WeakKeyDictionary[CheckedDocument, tuple[int, bytes]] = WeakKeyDictionary()
        self._about = lru_cache(maxsize=8192)(_about)
        """What diagnostics say, without their places: the same at every keystroke."""
        self._lines_of = lru_cache(maxsize=64)(LineIndex)
        """The lines of documents of other files, into which many findings can point."""

    def points_elsewhere(self, checked: CheckedFile) -> bool:
        """Whether what was shown of a file names places in others, which move when those are edited."""
        known = (self._templates.get(placed.checked) for placed in checked.documents)
        return any(template is not None and bool(template.elsewhere) for template in known)

    def of_file(
        self, uri: str, checked: CheckedFile, project: Project, *, closed: bool = False
    ) -> Diagnostics:
        """All diagnostics of a file; those of a closed one are not remembered, since it seldom changes."""
        parts = []
        if checked.limit:
            parts.append((f'{{"range":{_START},{about_problem(checked.limit)}}}' % ()).encode())
        text_of = self._text if closed else self._remembered
        parts += (text for placed in checked.documents if (text := text_of(uri, placed, project)))
        return tuple(parts)

    def _text(self, uri: str, placed: PlacedDocument, project: Project) -> bytes:
        return _filled(self._template(uri, placed.checked, project), placed, project).encode()

    def _remembered(self, uri: str, placed: PlacedDocument, project: Project) -> bytes:
        checked = placed.checked
        template = self._templates.get(checked)
        if template is None or template.uri != uri:
            template = self._templates[checked] = self._template(uri, checked, project)
            self._texts.pop(checked, None)
        known = self._texts.get(checked)
        if known is None or known[0] != placed.line or template.elsewhere:
            known = self._texts[checked] = (placed.line, _filled(template, placed, project).encode())
        return known[1]

    def _template(self, uri: str, checked: CheckedDocument, project: Project) -> _Template:
        index, encoding = checked.document.lines, self._capabilities.encoding
        holes = _Holes([], {}, {})
        made = [
            f"{{{_noted(_range(problem.span, index, encoding), holes.lines)},{about_problem(problem)}}}"
            for problem in checked.problems
        ]
        for finding in checked.findings:
            if finding.status != "accepted":
                at = holes.ranges.get(finding.span)
                if at is None:
                    at = holes.ranges[finding.span] = _range(finding.span, index, encoding)
                holes.lines.extend(((at.first, 0), (at.last, 0)))
                references = project.ruleset.control(finding.control).references
                link = references[0] if references and self._capabilities.code_description else ""
                about = self._about(finding.control, level_of(finding), message_of(finding), link)
                if finding.status == "baseline" and self._capabilities.unnecessary:
                    about += _DIMMED
                related = ""
                if finding.related and self._capabilities.related_information:
                    places = [self._related(r, uri, index, holes) for r in finding.related]
                    related = f',"relatedInformation":[{",".join(places)}]'
                made.append(f"{{{at.text},{about}{related}}}")
        return _Template(uri, ",".join(made), tuple(holes.lines), tuple(holes.elsewhere))

    def _related(self, r: Related, uri: str, index: LineIndex, holes: _Holes) -> str:
        document = holes.elsewhere.setdefault(r, len(holes.elsewhere) + 1) if r.file else 0
        lines = self._lines_of(r.document) if r.file else index
        at = _noted(_range(r.span, lines, self._capabilities.encoding), holes.lines, document)
        return f'{{"location":{{"uri":{_quoted(r.file or uri)},{at}}},"message":{_quoted(r.message)}}}'


def _filled(template: _Template, placed: PlacedDocument, project: Project) -> str:
    if not template.text:
        return ""
    others = [lines_of(location_of(r, placed, project), project).first for r in template.elsewhere]
    first = (placed.line, *others)
    return template.text % tuple([number + first[document] for number, document in template.lines])


def _range(span: Span, index: LineIndex, encoding: Encoding) -> _Range:
    line, column, end_line, end_column = index.encoded_span(span, encoding)
    start, end = f'{{"line":%d,"character":{column}}}', f'{{"line":%d,"character":{end_column}}}'
    return _Range(f'"range":{{"start":{start},"end":{end}}}', line, end_line)


def _noted(at: _Range, holes: list[_Line], document: int = 0) -> str:
    """A range as JSON, whose lines are to be filled in with those of a document."""
    holes += (at.first, document), (at.last, document)
    return at.text


def level_of(finding: Finding) -> int:
    """How a finding is marked: what is in a baseline is no more than a hint."""
    return HINT if finding.status == "baseline" else _LEVELS[finding.severity]


def message_of(finding: Finding) -> str:
    """What a diagnostic says of a finding."""
    known = finding.disposition
    if known is None or known.status != "baseline":
        return finding.message
    since = f" since {known.since}" if known.since else ""
    why = f": {known.reason}" if known.reason else ""
    return f"{finding.message} ({finding.severity.label}, in the baseline{since}{why})"


def _about(control: str, level: int, message: str, link: str) -> str:
    described = f',"codeDescription":{{"href":{_quoted(link)}}}' if link else ""
    return (
        f'"severity":{level},"code":{_quoted(control)},"source":"{SOURCE}",'
        f'"message":{_quoted(message)}{described}'
    )


def about_problem(problem: Problem) -> str:
    """What a diagnostic says of a problem, as JSON that is part of a template."""
    level = _PROBLEM_LEVELS.get(problem.code, ERROR)
    return (
        f'"severity":{level},"code":{_quoted(problem.code)},"source":"{SOURCE}",'
        f'"message":{_quoted(problem.message)}'
    )


def about_finding(finding: Finding, message: str, link: str, *, dimmed: bool) -> str:
    """The same of a finding; one of a baseline is `dimmed` where the editor can."""
    about = _about(finding.control, level_of(finding), message, link)
    return about + _DIMMED if dimmed and finding.status == "baseline" else about


def one(span: Span, index: LineIndex, encoding: Encoding, about: str) -> bytes:
    """One diagnostic of a text, of what is said there."""
    at = _range(span, index, encoding)
    return (f"{{{at.text},{about}}}" % (at.first, at.last)).encode()


def related(uri: str, span: Span, index: LineIndex, encoding: Encoding, message: str) -> str:
    """A place in another file, as part of what `one` takes for said."""
    at = _range(span, index, encoding)
    place = f'"uri":{_quoted(uri)},{at.text % (at.first, at.last)}'
    return f'{{"location":{{{place}}},"message":{_quoted(message)}}}'


def _quoted(text: str) -> str:
    """JSON for a text, as part of a template. What is not ASCII is written as escapes."""
    return json.dumps(text).replace("%", "%%")


def of_problems(problems: Iterable[tuple[Document, Problem]], encoding: Encoding) -> Diagnostics:
    """Problems of a settings or policy file."""
    texts = []
    for document, problem in problems:
        holes: list[_Line] = []
        at = _noted(_range(problem.span, document.lines, encoding), holes)
        text = f"{{{at},{about_problem(problem)}}}"
        texts.append((text % tuple(number for number, _ in holes)).encode())
    return tuple(texts)


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
