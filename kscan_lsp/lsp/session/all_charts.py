"""All charts that something is known of, by the folders whose settings hold for them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

from kscan_lsp.lsp.rendered import ChartView, moved, uri_of
from kscan_lsp.text import LineIndex, Span

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from kscan_lsp.lsp.session.charts import OpenChart, TakeChart
    from kscan_lsp.lsp.session.workspace import Workspace


class Charts(Struct):
    """All charts that something is known of."""

    known: dict[Path, OpenChart] = {}
    """By their folders."""

    def of(self, root: Path | None) -> list[OpenChart]:
        """Those that the settings of a folder hold for."""
        return [chart for chart in self.known.values() if chart.root == root] if self.known else []

    def step(self, root: Path | None, workspace: Workspace) -> TakeChart | None:
        """Take one that was rendered by what holds now, to have it become part of its folder's project."""
        for chart in self.of(root):
            if chart.configuration is workspace.configuration and (
                step := chart.step(workspace.configuration, workspace.project)
            ):
                return step
        return None

    def accept(self, step: TakeChart, workspace: Workspace) -> list[str]:
        """One became part of its folder's project.

        Returns:
            The keys of its files that are judged as they stand from now on.
        """
        chart = self.known.get(step.folder)
        if chart is None:
            return []
        before = chart.judged.paths if chart.judged else frozenset[str]()
        chart.accept(step.result)
        now = chart.judged.paths if chart.judged else frozenset[str]()
        workspace.rendered = (workspace.rendered - before) | now
        return sorted(before - now)

    def view(
        self, folder: Path | None, key: str, text: str, looked_at: Container[str] = ()
    ) -> ChartView | None:
        """What is shown in a file of a chart with this text; None where it is of none that was rendered.

        Args:
            folder: that of the chart.
            key: the file.
            text: its text.
            looked_at: the files that are open. A fault of another is said in templates, too: nobody would see it, and
                they would look as if nothing were wrong with them.
        """
        chart = self.known.get(folder) if folder else None
        if folder is None or chart is None:
            return None
        # a chart knows its files by their names, and an editor by those with escapes
        top = f"{folder.as_uri()}/"
        key = top + unquote(key.removeprefix(top))
        marks = moved(chart.marks.get(key, ()), chart.texts.get(key, text), text)
        faults = moved(chart.fault_marks.get(key, ()), chart.fault_texts.get(key, text), text)
        if looked_at and "/templates/" in key:
            first = Span(0, LineIndex(text).content_end(0))
            others = (there for name, there in chart.fault_marks.items() if uri_of(name) not in looked_at)
            faults += tuple(mark._replace(span=first) for there in others for mark in there)
        return ChartView((*faults, *marks), chart.texts)
