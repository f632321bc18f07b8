"""Quick fixes of findings in charts: edits of values and templates, proven by rendering before they are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lsprotocol import types

from kscan_lsp.fixes.charts import ChartSite, base_of, chart_fixes
from kscan_lsp.lsp import convert
from kscan_lsp.render.release import beside
from kscan_lsp.text import LineIndex, minimal_edit
from kscan_lsp.workspace.chart_values import sources_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.charts import ChartFix
    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, OpenText
    from kscan_lsp.workspace.chart_values import ValueSource

MAX_FINDINGS: Final = 8
"""Findings of a selection whose fixes are worked out: each is proven by rendering several times."""


class ChartToFix(NamedTuple):
    """A chart as it was rendered with the texts that are open now."""

    site: ChartSite
    sources: Mapping[object, tuple[ValueSource, ...]]
    """The values that its findings come from."""
    opened: Mapping[str, OpenText]
    """What the editor has open, by key."""


def chart_fix_actions(
    snapshot: DocumentSnapshot, chart: ChartToFix, at: types.Range, stopped: Callable[[], bool]
) -> list[types.CodeAction]:
    """The fixes of what is shown on the lines of a range of a file of a chart, those under the cursor first."""
    actions: list[types.CodeAction] = []
    marks = _touched(snapshot, at)[:MAX_FINDINGS]
    base = base_of(chart.site) if marks else None
    for mark in marks:
        if base is None or mark.finding is None or mark.placed is None or stopped():
            break
        sources = sources_in(chart.sources, mark.placed, mark.finding)
        found = chart_fixes(chart.site, base, mark.placed, mark.finding, sources)
        for fix in found:
            edit = _edit(snapshot, chart, fix)
            actions.append(
                types.CodeAction(
                    title=f"{fix.title}{'' if fix.safe else ' (review)'} [{mark.finding.control}]",
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[_diagnostic(snapshot, mark, mark.finding)],
                    is_preferred=len(found) == 1,
                    edit=edit,
                )
            )
    return actions


def _touched(snapshot: DocumentSnapshot, at: types.Range) -> list[ChartMark]:
    lines = snapshot.lines
    span = convert.span_of(at, lines, snapshot.capabilities.encoding)
    first, last = lines.line_of(span.start), lines.line_of(span.end)
    near = [
        (not (mark.span.start <= span.end and span.start <= mark.span.end), -mark.finding.severity, mark)
        for mark in (snapshot.chart.marks if snapshot.chart else ())
        if mark.finding and mark.placed and first <= lines.line_of(mark.span.start) <= last
    ]
    return [mark for *_, mark in sorted(near, key=lambda entry: entry[:2])]


def _edit(snapshot: DocumentSnapshot, chart: ChartToFix, fix: ChartFix) -> types.WorkspaceEdit:
    """The edits of all files, as little of each as is different."""
    encoding = snapshot.capabilities.encoding
    edits: dict[tuple[str, int | None], list[types.TextEdit]] = {}
    for path, text in fix.texts.items():
        key = beside(chart.site.prefix, path)
        before = (chart.site.chart.raw(path) or b"").decode(errors="replace")
        made = minimal_edit(before, text)
        known = chart.opened.get(key)
        name = (known.uri, known.version) if known else (key, None)
        if made is not None:
            edits[name] = convert.text_edits([made], 0, LineIndex(before), encoding)
    if not snapshot.capabilities.document_changes:
        return types.WorkspaceEdit(changes={uri: some for (uri, _), some in edits.items()})
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, version), list(some))
            for (uri, version), some in edits.items()
        ]
    )


def _diagnostic(snapshot: DocumentSnapshot, mark: ChartMark, finding: Finding) -> types.Diagnostic:
    return types.Diagnostic(
        range=convert.range_of(mark.span, snapshot.lines, snapshot.capabilities.encoding),
        message=mark.message,
        severity=types.DiagnosticSeverity(convert.level_of(finding)),
        code=finding.control,
        source=convert.SOURCE,
    )
