"""Files, charts and overlays that wait for the manifests around them before they are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kscan_lsp.files.encoding import SourceText
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.report.model import NotScanned, Skipped
    from kscan_lsp.workspace.charts import ValuesRendering
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.overlays import OverlayBuild


class ChartToJudge(Struct, frozen=True):
    """A chart that was rendered, by its defaults first, and waits for the others before it is judged."""

    renderings: tuple[ValuesRendering, ...]
    sources: Mapping[str, SourceText]
    asked: frozenset[str]
    """The names of the templates that somebody asked about."""
    configuration: Configuration
    folder: Path
    chart: Chart | None = None
    """Its files; None where nobody asks what causes what is found in it."""
    prefix: str = ""
    """What stands before the paths of those in their names."""


class OverlayToJudge(Struct, frozen=True):
    """An overlay that was built, and waits for the manifests around it before it is judged."""

    build: OverlayBuild
    configuration: Configuration


class RenderedCharts(Struct, frozen=True):
    """What became of the charts that a command came to."""

    charts: list[ChartToJudge]
    skipped: list[Skipped]
    """The templates of those that nothing rendered."""
    not_scanned: list[NotScanned]
    names: set[str]
    """What the templates of the others are called."""
    done: set[str]
    """The commands that need not be run any more."""


class FileToJudge(Struct, frozen=True):
    """A file that was read and waits for the others before it is judged."""

    path: Path | None
    name: str
    source: SourceText
    configuration: Configuration
    json: bool
