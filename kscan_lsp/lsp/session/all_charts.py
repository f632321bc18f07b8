"""All charts and overlays that something is known of, by the folders whose settings hold for them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

from kscan_lsp.lsp.rendered import ChartView, moved, uri_of
from kscan_lsp.lsp.session.charts import TakeChart
from kscan_lsp.lsp.session.overlay_builds import TakeOverlays
from kscan_lsp.lsp.session.renderings import of_chart
from kscan_lsp.lsp.uris import rendering_of
from kscan_lsp.text import LineIndex, Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from kscan_lsp.lsp.session.charts import OpenChart
    from kscan_lsp.lsp.session.document import OpenDocument
    from kscan_lsp.lsp.session.overlays import OpenOverlays
    from kscan_lsp.lsp.session.renderings import RenderingToShow
    from kscan_lsp.lsp.session.steps import Step
    from kscan_lsp.lsp.session.workspace import Workspace


class Charts(Struct):
    """All charts that something is known of, and all overlays."""

    known: dict[Path, OpenChart] = {}
    """By their folders."""
    overlays: dict[Path | None, OpenOverlays] = {}
    """By the folders whose settings hold for them."""

    def of(self, root: Path | None) -> list[OpenChart]:
        """Those that the settings of a folder hold for."""
        return [chart for chart in self.known.values() if chart.root == root] if self.known else []

    def renderings(self, root: Path | None) -> list[OpenChart | OpenOverlays]:
        """The charts and the overlays that the settings of a folder hold for."""
        overlays = self.overlays.get(root)
        return [*self.of(root), *([overlays] if overlays else [])]

    def to_show(self, uri: str, workspaces: Mapping[Path | None, Workspace]) -> RenderingToShow | None:
        """What showing a rendering needs; None where there is no such rendering, by its URI."""
        found = rendering_of(uri)
        if found is None:
            return None
        folder, values = found
        if not values:
            shown = (overlays.to_show(folder) for overlays in self.overlays.values())
            return next((one for one in shown if one is not None), None)
        chart = self.known.get(folder)
        workspace = workspaces.get(chart.root) if chart else None
        return chart.to_show(values, workspace.project) if chart and workspace else None

    def forget(self, roots: Iterable[Path | None]) -> None:
        """Nothing is to be known any more of the overlays of some folders."""
        for root in roots:
            self.overlays.pop(root, None)

    def step(self, root: Path | None, workspace: Workspace) -> TakeChart | TakeOverlays | None:
        """Take one that was rendered or built by what holds now, to have it become part of its folder's project."""
        for chart in self.of(root):
            if chart.configuration is workspace.configuration and (
                step := chart.step(workspace.configuration, workspace.project)
            ):
                return step
        overlays = self.overlays.get(root)
        return overlays.step(workspace.configuration, workspace.project) if overlays else None

    def accept(self, step: Step, workspace: Workspace, documents: Iterable[OpenDocument]) -> AbstractSet[str]:
        """Something became part of its folder's project, perhaps a chart or overlays.

        Args:
            step: what has been done.
            workspace: the folder.
            documents: those that are open; they are to be checked again where that is another question now.

        Returns:
            The keys of the files that are judged as they stand from now on, or, built from, no more.
        """
        if isinstance(step, TakeOverlays):
            overlays = self.overlays.get(step.root)
            if overlays is None:
                return frozenset()
            overlays.accept(step.result)
            built, workspace.built = workspace.built, step.result.judged.paths
            # what was shown of them as they stand goes with the next that is shown of overlays
            for key in workspace.published.keys() & workspace.built:
                del workspace.published[key]
                overlays.published.add(key)
            changed = built ^ workspace.built
            for document in [one for one in documents if one.key in changed]:
                document.outdate()
            return changed
        if not isinstance(step, TakeChart):
            return frozenset()
        chart = self.known.get(step.folder)
        if chart is None:
            return frozenset()
        before = chart.judged.paths if chart.judged else frozenset[str]()
        chart.accept(step.result)
        now = chart.judged.paths if chart.judged else frozenset[str]()
        workspace.rendered = (workspace.rendered - before) | now
        return before - now

    def of_document(self, document: OpenDocument, looked_at: Container[str] = ()) -> ChartView | None:
        """What is shown in a document as a file of overlays or of a chart; as for `view`."""
        key, text = document.key, document.index.text
        overlays = self.overlays.get(document.root)
        built = overlays.view(key, text, looked_at) if overlays else None
        return built or self.view(self.folder_of(document), key, text, looked_at)

    def folder_of(self, document: OpenDocument) -> Path | None:
        """The folder of the chart that a document is in, or that is rendered with it; None where there is none."""
        if document.chart is not None:
            return document.chart
        return next((folder for folder, chart in self.known.items() if chart.reads(document.path)), None)

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
        if key.startswith(top):
            key = top + unquote(key.removeprefix(top))
        marks = moved(chart.marks.get(key, ()), chart.texts.get(key, text), text)
        faults = moved(chart.fault_marks.get(key, ()), chart.fault_texts.get(key, text), text)
        if looked_at and "/templates/" in key:
            first = Span(0, LineIndex(text).content_end(0))
            others = (there for name, there in chart.fault_marks.items() if uri_of(name) not in looked_at)
            faults += tuple(mark._replace(span=first) for there in others for mark in there)
        describes = key in chart.texts and not any(key == file.path for file in chart.seen)
        return ChartView(
            (*faults, *marks),
            chart.texts,
            renderings=of_chart(folder, chart.renderings, key),
            whole=chart.seen if describes else (),
            faulty=bool(chart.fault_marks),
        )
