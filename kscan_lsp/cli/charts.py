"""The charts that a command came to: read, rendered with their values, and ready to be judged with the manifests."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.files.encoding import SourceText, Unreadable, decode, read_bytes
from kscan_lsp.files.manifest import display_name, is_rendered
from kscan_lsp.render.chart import MAX_BYTES, Chart, ChartFault, read_chart
from kscan_lsp.render.makers import Helm, helm
from kscan_lsp.render.release import beside
from kscan_lsp.render.rendering import render
from kscan_lsp.report.model import NotScanned
from kscan_lsp.workspace.charts import RenderedFile, ValuesRendering
from kscan_lsp.workspace.releases import with_releases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kscan_lsp.render.rendering import Rendering
    from kscan_lsp.workspace.releases import NamedRelease


class RenderedChart(Struct, frozen=True):
    """A chart with what it renders to, by its defaults first if these are enough; `not_scanned` says what does not."""

    folder: Path
    renderings: tuple[ValuesRendering, ...]
    not_scanned: tuple[NotScanned, ...]
    sources: Mapping[str, SourceText]
    """Its templates as they stand in files, by their names in reports."""
    chart: Chart | None = None
    prefix: str = ""
    """What stands before the paths of its files in their names."""


def rendered_charts(
    folders: Iterable[str],
    read: Callable[[Path], Chart | Unreadable] = read_chart,
    releases: Callable[[str], Sequence[NamedRelease]] = lambda _: (),
    values: Callable[[Path], bytes | Unreadable] = lambda path: read_bytes(path, MAX_BYTES),
) -> dict[str, RenderedChart] | None:
    """Charts rendered, by their folders; None where nothing is installed that renders them.

    Args:
        folders: where they are.
        read: where their files come from, if not from the disk.
        releases: what a chart is installed as, as far as somebody says so.
        values: where values files beside charts come from, if not from the disk.
    """
    maker = chart_maker()
    if maker is None:
        return None
    found = {}
    for folder in folders:
        chart = read(Path(folder))
        if not isinstance(chart, Unreadable):
            chart = with_releases(chart, Path(folder), releases(folder), values)
        found[folder] = rendered_chart(maker, Path(folder), chart)
    return found


def chart_maker() -> Helm | None:
    """What renders charts for this command: one process, for as long as that runs; None where nothing is installed."""
    return _started() if helm() else None


@cache
def _started() -> Helm:
    maker = Helm()
    atexit.register(maker.close)
    return maker


def rendered_chart(
    maker: Helm,
    folder: Path,
    chart: Chart | Unreadable,
    prefix: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> RenderedChart:
    """A chart rendered with its defaults, and with each values file that it comes with.

    Args:
        maker: what renders it.
        folder: where it is.
        chart: its files.
        prefix: what stands before the paths of its files in names, if not the folder as reports have it; values files
            are called by their paths in the chart then.
        check: called between renderings; what it raises ends them.
    """
    name = display_name(folder)
    shown = "" if prefix is not None or name == "." else f"{name}/"
    prefix = shown if prefix is None else prefix
    if isinstance(chart, Unreadable):
        return RenderedChart(folder, (), (NotScanned(f"{prefix}Chart.yaml", 1, chart.reason),), {})
    not_scanned = [NotScanned(beside(prefix, path), 1, why) for path, why in chart.left_out]
    for missing in chart.missing():
        why = f"its dependency '{missing}' is not in charts/, so it is not rendered; run: helm dependency build {name}"
        not_scanned.append(NotScanned(f"{prefix}Chart.yaml", 1, why))
    renderings = []
    faults = []
    for number, release in enumerate(chart.ways()):
        check()
        found = render(maker, chart, (), prefix, release)
        label = release.label(shown)
        if isinstance(found, ChartFault):
            said = f" with {label}" if number else ""
            why = f"this chart does not render{said}: {found.message}"
            faults.append(NotScanned(chart.named(prefix, found.file), found.line, why))
        else:
            renderings.append(ValuesRendering(label, tuple(_files(chart, found, prefix))))
    # a chart whose defaults are not enough is judged with those values that are; what nothing renders is said once
    not_scanned += faults if renderings else faults[:1]
    if not renderings:
        return RenderedChart(folder, (), tuple(not_scanned), {})
    sources = {
        chart.named(prefix, path): source
        for path in chart.templates()
        if isinstance(source := decode(chart.files[path]), SourceText)
    }
    return RenderedChart(folder, tuple(renderings), tuple(not_scanned), sources, chart, prefix)


def _files(chart: Chart, rendering: Rendering, prefix: str) -> Iterable[RenderedFile]:
    """The files of a chart that places may be in; a template without any action is judged as it stands."""
    texts = chart.templates()
    for path in sorted({*texts, *rendering.files}):
        text = texts.get(path, "")
        if path in texts and path not in rendering.files:
            yield RenderedFile(chart.named(prefix, path), text, None)
        elif path not in texts or not is_rendered(text):
            yield RenderedFile(chart.named(prefix, path), text, rendering.files[path])
