"""Quick fixes of findings in charts: edits of values and templates, proven by rendering before they are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types
from msgspec import Struct

from kscan_lsp.fixes.chart_edits import Fixable
from kscan_lsp.fixes.chart_images import ImageChange, in_values
from kscan_lsp.fixes.charts import ChartSite, base_of, chart_fixes, holds
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.images import action_for, images_on, tag_changes
from kscan_lsp.lsp.rendered import diagnostic_of
from kscan_lsp.render.release import beside
from kscan_lsp.text import LineIndex, minimal_edit
from kscan_lsp.workspace.chart_values import sources_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kscan_lsp.fixes.charts import ChartBase
    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, OpenText
    from kscan_lsp.workspace.chart_values import ValueSources

MAX_FINDINGS: Final = 8
"""Findings of a selection whose fixes are worked out: each is proven by rendering several times."""


class ChartToFix(Struct, frozen=True):
    """A chart as it was rendered with the texts that are open now."""

    site: ChartSite
    sources: ValueSources
    """The values that its findings come from."""
    opened: Mapping[str, OpenText]
    """What the editor has open, by key."""


def chart_fix_actions(
    snapshot: DocumentSnapshot, chart: ChartToFix, at: types.Range, stopped: Callable[[], bool]
) -> list[types.CodeAction]:
    """The fixes of what is shown on the lines of a range of a file of a chart, those under the cursor first."""
    actions: list[types.CodeAction] = []
    marks = touched(snapshot, at)[:MAX_FINDINGS]
    base = base_of(chart.site) if marks else None
    for mark in marks:
        if base is None or mark.finding is None or mark.placed is None or stopped():
            break
        sources = sources_in(chart.sources, mark.placed, mark.finding)
        found = chart_fixes(chart.site, base, mark.placed, mark.finding, sources)
        actions += (
            action_of(
                snapshot,
                mark,
                f"{fix.title}{'' if fix.safe else ' (review)'}",
                _edit(snapshot, chart, fix.texts),
                preferred=len(found) == 1,
            )
            for fix in found
        )
    if base is not None:
        actions += _image_changes(snapshot, chart, base, at, stopped)
    return actions


def _image_changes(
    snapshot: DocumentSnapshot,
    chart: ChartToFix,
    base: ChartBase,
    at: types.Range,
    stopped: Callable[[], bool],
) -> Iterator[types.CodeAction]:
    """Other tags, and digests, of the images on the lines of a range, that a report shows, set in the values."""
    span = convert.span_of(at, snapshot.lines, snapshot.capabilities.encoding)
    for one in images_on(snapshot, span):
        shown = one.mark.finding if one.mark else None
        for title, draft, gone in tag_changes(snapshot, one) if shown else ():
            if stopped():
                return
            known = sources_in(chart.sources, one.placed, gone or shown)
            sources = [source for source in known if source.is_values]
            image = ImageChange(one.use.image, str(draft.changes[0].value))
            fixable = Fixable(one.placed, gone, draft.within, sources)
            texts = in_values(chart.site.chart, image, sources)
            if texts and holds(chart.site.with_texts(texts), base, fixable, draft):
                action = action_for(snapshot, one, f"{title} in {', '.join(sorted(texts))}")
                action.edit = _edit(snapshot, chart, texts)
                yield action


def _edit(snapshot: DocumentSnapshot, chart: ChartToFix, fixed: Mapping[str, str]) -> types.WorkspaceEdit:
    """The edits that make files of a chart, by their paths from its folder, what they are to be."""
    site = chart.site
    texts = {
        beside(site.prefix, path): ((site.chart.raw(path) or b"").decode(errors="replace"), text)
        for path, text in fixed.items()
    }
    return edit_of(snapshot, chart.opened, texts)


def touched(snapshot: DocumentSnapshot, at: types.Range) -> list[ChartMark]:
    """What is shown on the lines of a range of what may be fixed, those under the cursor first."""
    lines = snapshot.lines
    span = convert.span_of(at, lines, snapshot.capabilities.encoding)
    first, last = lines.line_of(span.start), lines.line_of(span.end)
    near = [
        (not (mark.span.start <= span.end and span.start <= mark.span.end), -mark.finding.severity, mark)
        for mark in (snapshot.chart.marks if snapshot.chart else ())
        if mark.finding and mark.placed and first <= lines.line_of(mark.span.start) <= last
    ]
    return [mark for *_, mark in sorted(near, key=lambda entry: entry[:2])]


def edit_of(
    snapshot: DocumentSnapshot, opened: Mapping[str, OpenText], texts: Mapping[str, tuple[str, str]]
) -> types.WorkspaceEdit:
    """The edits of all files, as little of each as is different.

    Args:
        snapshot: whose editor makes them.
        opened: what it has open, by key.
        texts: by key, each file as it was and as it is to be.
    """
    encoding = snapshot.capabilities.encoding
    edits: dict[tuple[str, int | None], list[types.TextEdit]] = {}
    for key, (before, text) in texts.items():
        known = opened.get(key)
        name = (known.uri, known.version) if known else (key, None)
        made = minimal_edit(before, text)
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


def action_of(
    snapshot: DocumentSnapshot, mark: ChartMark, title: str, edit: types.WorkspaceEdit, *, preferred: bool
) -> types.CodeAction:
    """A fix of what is shown as a code action."""
    return types.CodeAction(
        title=f"{title} [{mark.finding.control if mark.finding else ''}]",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic_of(mark, snapshot.lines, snapshot.capabilities.encoding)],
        is_preferred=preferred,
        edit=edit,
    )
