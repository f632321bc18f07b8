"""Hover on a finding: what it is, why it matters, how to fix it, and which standards it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.explain import explain
from kscan_lsp.lsp import convert
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from kscan_lsp.lsp.view import View


def hover(view: View, params: types.HoverParams) -> types.Hover | None:
    """What there is to say about the findings under a position; None where there is none."""
    ruleset = view.snapshot.configuration.ruleset
    at = convert.position_offset(params.position, view.lines, view.client.encoding)
    pages: list[str] = []
    whole: Span | None = None
    for placed, finding in view.checked.findings():
        span = Span(finding.span.start + placed.offset, finding.span.end + placed.offset)
        if span.start <= at <= span.end and finding.status == "open":
            whole = whole or span
            pages.append(explain(ruleset.controls[finding.control], ruleset, finding.message))
    if whole is None:
        return None
    kind = types.MarkupKind.Markdown if view.client.markdown else types.MarkupKind.PlainText
    return types.Hover(
        contents=types.MarkupContent(kind=kind, value="\n\n---\n\n".join(pages)),
        range=convert.range_of(whole, view.lines, view.client.encoding),
    )
