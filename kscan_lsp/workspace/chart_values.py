"""The values that findings of a chart come from: each with the first of the values files that it is found with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.render.source_map import FoundWith, Rendered
from kscan_lsp.render.values import RenderedField, Tracer, ValuesText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.findings import Finding
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.render.values import ValueSource
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument


def value_sources(
    maker: Helm,
    chart: Chart,
    files: Iterable[CheckedFile],
    prefix: str,
    overtaken: Callable[[], bool] = lambda: False,
) -> dict[object, tuple[ValueSource, ...]]:
    """The values that the findings of a chart come from, by `traced_as`; what comes from none is left out.

    Args:
        maker: what renders it.
        chart: its files.
        files: its templates, judged.
        prefix: what stands before the paths of its files in their names.
        overtaken: whether nobody wants to know any more.
    """
    tracers: dict[str, Tracer] = {}
    found: dict[object, tuple[ValueSource, ...]] = {}
    for file in files:
        for placed, finding in file.findings():
            if overtaken():
                return found
            source, at = placed.source, placed.locate(finding.span)
            if not isinstance(source, Rendered) or finding.status == "accepted" or not at.span or at.reason:
                continue
            values = next(iter(source.found_with.of(finding)), "").removeprefix(prefix)
            if values not in tracers:
                raw = chart.files.get(values) if source.extra else None
                over = () if raw is None else (ValuesText(values, raw.decode(errors="replace")),)
                tracers[values] = Tracer(maker, chart, over, overtaken)
            who = finding.resource
            field = RenderedField(source.file.removeprefix(prefix), who.kind, who.name, finding.path)
            if sources := tracers[values].sources(field, at.file.removeprefix(prefix), at.span):
                found[traced_as(placed, finding)] = sources
    return found


def traced_as(placed: PlacedDocument, finding: Finding) -> object:
    """By what the values of a finding are known."""
    source = placed.source
    return (source.file if isinstance(source, Rendered) else ""), FoundWith.key(finding)


def sources_in(
    sources: Mapping[object, tuple[ValueSource, ...]], placed: PlacedDocument | None, finding: Finding | None
) -> tuple[ValueSource, ...]:
    """Those of one finding."""
    return sources.get(traced_as(placed, finding), ()) if placed and finding else ()
