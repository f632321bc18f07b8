"""Hover: what a finding is, why it matters, how to fix it and which standards it breaks; what a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.control_names import suppressed_controls
from kscan_lsp.lsp.features.exception_edit import accepted_at
from kscan_lsp.lsp.features.explanation import link
from kscan_lsp.lsp.features.images import page_at
from kscan_lsp.lsp.features.settings_file import explanation_at
from kscan_lsp.policy.explain import explain
from kscan_lsp.report.comment import plain
from kscan_lsp.report.file_text import FileText
from kscan_lsp.report.printable import printable
from kscan_lsp.text import Span
from kscan_lsp.workspace.results import CheckedFile, place

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, SettingsSnapshot

MOST_LINES: Final = 12
"""Rendered lines that are shown for a finding: one about a whole object would fill the screen."""


def hover(snapshot: DocumentSnapshot, position: types.Position) -> types.Hover | None:
    """What there is to say about the findings under a position, or the control named there."""
    ruleset = snapshot.configuration.ruleset
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    for name, span in suppressed_controls(snapshot.checked):
        if span.start <= at <= span.end and (control := ruleset.policies.controls.get(name)):
            return _hover(snapshot, explain(control, ruleset), span)
    pages: list[str] = []
    whole: Span | None = None
    if of_image := page_at(snapshot, at):
        pages, whole = [of_image[0]], of_image[1]
    for placed, finding in snapshot.checked.findings():
        span = Span(finding.span.start + placed.offset, finding.span.end + placed.offset)
        if span.start <= at <= span.end and (said := _accepted(snapshot, finding)):
            whole = whole or span
            pages.append(said)
        elif span.start <= at <= span.end and finding.status != "accepted":
            whole = whole or span
            page = explain(ruleset.control(finding.control), ruleset, convert.message_of(finding))
            more = f"\n\n{link(snapshot, finding.control)}" if _links(snapshot) else ""
            pages.append(page + more)
    for mark in snapshot.chart.at(at) if snapshot.chart else ():
        if mark.finding and (page := _of_rendered(snapshot, mark)) not in pages:
            whole = whole or mark.span
            pages.append(page)
    return None if whole is None else _hover(snapshot, "\n\n---\n\n".join(pages), whole)


def _of_rendered(snapshot: DocumentSnapshot, mark: ChartMark) -> str:
    """What there is to say of a finding of a chart: with the lines that it is rendered to, and the values it has."""
    finding, placed = mark.finding, mark.placed
    if finding is None or placed is None:
        return ""
    ruleset = snapshot.configuration.ruleset
    lines, text = placed.checked.document.lines, placed.checked.document.text
    alone = CheckedFile(snapshot.key, text, json=False, documents=place(snapshot.key, (placed.checked,)))
    first, last = (
        lines.line_of(finding.span.start),
        lines.line_of(max(finding.span.end - 1, finding.span.start)),
    )
    last = min(last, first + MOST_LINES - 1)
    source = "\n".join(FileText(alone, ruleset).masked().split("\n")[first : last + 1])
    markdown = snapshot.capabilities.markup is types.MarkupKind.Markdown
    source = printable(source)
    shown = f"```yaml\n{source}\n```" if markdown else source
    values = f" with {', '.join(mark.values)}" if mark.values else ""
    page = explain(ruleset.control(finding.control), ruleset, mark.message)
    return f"{page}\n\nRendered{values}:\n\n{shown}"


def _accepted(snapshot: DocumentSnapshot, finding: Finding) -> str:
    """What an exception says of a finding, and where; empty for any other."""
    where, said = accepted_at(snapshot, finding), finding.disposition
    if where is None or said is None:
        return ""
    uri, line, name = where
    who = [
        said.reason or "no reason given",
        said.owner and f"owner: {said.owner}",
        said.approved_by and f"approved by {said.approved_by}",
        said.ticket,
        said.until and f"until {said.until}",
    ]
    markdown = snapshot.capabilities.markup is types.MarkupKind.Markdown
    place = f"[{name}:{line + 1}]({uri}#L{line + 1})" if markdown else f"{name}:{line + 1}"
    told = (
        plain("; ".join(part for part in who if part))
        if markdown
        else "; ".join(part for part in who if part)
    )
    return f"{finding.control} is accepted here by {place}: {told}"


def _links(snapshot: DocumentSnapshot) -> bool:
    return snapshot.capabilities.pages and snapshot.capabilities.markup is types.MarkupKind.Markdown


def hover_settings(snapshot: SettingsSnapshot, position: types.Position) -> types.Hover | None:
    """What the term under a position of a settings file means."""
    found = explanation_at(
        snapshot, convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    )
    return None if found is None else _hover(snapshot, *found)


def _hover(snapshot: DocumentSnapshot | SettingsSnapshot, text: str, span: Span) -> types.Hover:
    contents = types.MarkupContent(snapshot.capabilities.markup, text)
    return types.Hover(contents, convert.range_of(span, snapshot.lines, snapshot.capabilities.encoding))
