"""What a chart or an overlay renders to as a document: read-only, with what is found in it, and from where it comes.

What may be a secret is masked in it. A finding leads to the place that it is written at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.lsp import convert
from kscan_lsp.lsp.rendered import uri_of
from kscan_lsp.redaction import shown
from kscan_lsp.text import LineIndex, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.lsp.session.renderings import RenderedPart, RenderingToShow
    from kscan_lsp.workspace.results import PlacedDocument

GONE = (
    "# Nothing is rendered here: open a file of the chart or the overlay, and see what is at fault in it.\n"
)
"""What is shown of what does not render, or that nobody knows of."""


class RenderedText(Struct, frozen=True):
    """A document that is shown."""

    text: str
    diagnostics: convert.Diagnostics = ()
    lines: Mapping[str, int] = {}
    """The line where what comes from a file begins, by its URI."""


def rendered_text(
    rendering: RenderingToShow | None, capabilities: Capabilities, stopped: Callable[[], bool]
) -> RenderedText:
    """What a chart or an overlay renders to, to be shown; `stopped` is asked whether to give up."""
    if rendering is None:
        return RenderedText(GONE)
    parts = []
    pieces = [f"# {rendering.note}\n"] if rendering.note else []
    line = len(pieces)
    for part in rendering.parts():
        if stopped():
            break
        text = shown(part.text)
        header = f"---\n# Source: {part.name}\n"
        parts.append((part, line + 2))
        pieces.append(header + text + "\n" * (not text.endswith("\n")))
        line += LineIndex(pieces[-1]).line_count - 1
    text = "".join(pieces)
    index = LineIndex(text)
    sources = {key: LineIndex(written) for key, written in rendering.texts.items()}
    diagnostics = [
        one
        for part, first in parts
        for one in _diagnostics(_Shown(part, first, index, sources, capabilities), rendering)
    ]
    return RenderedText(text, tuple(diagnostics), {uri_of(part.key): first - 1 for part, first in parts})


class _Shown(Struct, frozen=True):
    """A part in the document."""

    part: RenderedPart
    first: int
    """The line that it begins at."""
    lines: LineIndex
    sources: Mapping[str, LineIndex]
    capabilities: Capabilities

    def placed(self, span: Span, written: LineIndex) -> Span:
        """Where a span of the part is in the document; what is masked is as long as what stands for it."""

        def there(offset: int) -> int:
            at = written.position(offset)
            line = self.first + at.line
            start, end = self.lines.starts[line], self.lines.content_end(line)
            return min(start + at.column, end)

        return Span(there(span.start), there(span.end))

    def about(self, placed: PlacedDocument, span: Span) -> str:
        """The place that something is written at, as part of a diagnostic."""
        at = placed.locate(span)
        if not self.capabilities.related_information or at.span is None or at.file not in self.sources:
            return ""
        encoding = self.capabilities.encoding
        place = convert.related(
            uri_of(at.file), at.span, self.sources[at.file], encoding, "it is written here"
        )
        return f',"relatedInformation":[{place}]'


def _diagnostics(here: _Shown, rendering: RenderingToShow) -> Iterator[bytes]:
    written = LineIndex(here.part.text)
    capabilities = here.capabilities
    if here.part.file.limit:
        start = here.lines.starts[here.first - 1]
        about = convert.about_problem(here.part.file.limit)
        yield convert.one(
            Span(start, here.lines.content_end(here.first - 1)), here.lines, capabilities.encoding, about
        )
    for placed in here.part.file.documents:

        def said(one: Problem | Finding, about: str, placed: PlacedDocument = placed) -> bytes:
            span = here.placed(Span(one.span.start + placed.offset, one.span.end + placed.offset), written)
            about += here.about(placed, one.span)
            return convert.one(span, here.lines, capabilities.encoding, about)

        for problem in placed.checked.problems:
            yield said(problem, convert.about_problem(problem))
        for finding in placed.checked.findings:
            if finding.status != "accepted":
                references = rendering.project.ruleset.control(finding.control).references
                link = references[0] if references and capabilities.code_description else ""
                message = convert.message_of(finding)
                yield said(
                    finding, convert.about_finding(finding, message, link, dimmed=capabilities.unnecessary)
                )
