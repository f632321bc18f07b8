"""Hover: what a finding is, why it matters, how to fix it and which standards it breaks; what a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.references import suppressed_controls
from kscan_lsp.lsp.features.settings_file import page_at
from kscan_lsp.policy.explain import explain
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from kscan_lsp.lsp.features.settings_file import SettingsView
    from kscan_lsp.lsp.session.snapshot import View


def hover(view: View, position: types.Position) -> types.Hover | None:
    """What there is to say about the findings under a position, or the control named there."""
    ruleset = view.configuration.ruleset
    at = convert.position_offset(position, view.lines, view.client.encoding)
    for name, span in suppressed_controls(view.checked):
        if span.start <= at <= span.end and (control := ruleset.policies.controls.get(name)):
            return _hover(view, explain(control, ruleset), span)
    pages: list[str] = []
    whole: Span | None = None
    for placed, finding in view.checked.findings():
        span = Span(finding.span.start + placed.offset, finding.span.end + placed.offset)
        if span.start <= at <= span.end and finding.status == "open":
            whole = whole or span
            pages.append(explain(ruleset.controls[finding.control], ruleset, finding.message))
    return None if whole is None else _hover(view, "\n\n---\n\n".join(pages), whole)


def hover_settings(view: SettingsView, position: types.Position) -> types.Hover | None:
    """What the word under a position of a settings file means."""
    found = page_at(view, convert.position_offset(position, view.lines, view.client.encoding))
    return None if found is None else _hover(view, *found)


def _hover(view: View | SettingsView, text: str, span: Span) -> types.Hover:
    contents = types.MarkupContent(view.client.markup, text)
    return types.Hover(contents, convert.range_of(span, view.lines, view.client.encoding))
