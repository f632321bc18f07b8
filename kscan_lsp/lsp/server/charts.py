"""When charts are rendered: as soon as one of their files changes, in a thread that nothing else waits for.

What a chart renders to while the next edit comes is dropped, so there is one rendering under way for a chart, and one
at most behind it. The process in which Helm runs is started with the first, and ended with the server.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Unpack

from kscan_lsp.files.discover import SUFFIXES
from kscan_lsp.files.encoding import SourceText, Unreadable, read
from kscan_lsp.fixes.charts import ChartSite
from kscan_lsp.lsp.features.chart_fixes import ChartToFix
from kscan_lsp.lsp.server.renderer import Renderer
from kscan_lsp.lsp.session.charts import OpenChart, Overtaken, render_chart, trace_chart
from kscan_lsp.lsp.session.deployed import Manifests, find_manifests
from kscan_lsp.lsp.session.steps import find_files
from kscan_lsp.render.makers import helm
from kscan_lsp.report.left_alone import INSTALL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kscan_lsp.lsp.server.renderer import RendererParts
    from kscan_lsp.lsp.session.charts import ChartRequest, ChartResult
    from kscan_lsp.lsp.session.document import OpenDocument
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.configuration import Configuration

logger: Final = logging.getLogger(__name__)


class ChartRenderer(Renderer):
    """Has charts rendered that the editor has files of open."""

    def __init__(self, **parts: Unpack[RendererParts]) -> None:
        super().__init__(**parts)
        self._rendering: set[Path] = set()
        self._maker: Helm | None = None
        self._manifests: dict[Path | None, Manifests] = {}
        """What names releases of charts, by the folder of the workspace that it was looked for in."""
        self._naming: set[Path] = set()
        """Files that name some, or did."""
        self._told = False
        """Whether the user knows that nothing renders charts."""

    def document_changed(
        self, document: OpenDocument, work_on: Callable[[Path | None], None], *, closed: bool = False
    ) -> None:
        """Have the charts rendered that a document is in, or that are rendered with it.

        Args:
            document: one that was opened, edited or closed.
            work_on: takes in what comes of it.
            closed: whether it was closed, so that what is on disk holds again.
        """
        charts = self._session.charts.known
        if document.chart is not None:
            opened = document.chart not in charts or document.checked_revision < 0
            self.outdate(document.chart, document.root, work_on, files=opened or closed)
        path = document.path
        if path is None or not charts:
            return
        naming = self._names_releases(path, document.index.text, again=closed)
        for folder, chart in list(charts.items()):
            if folder != document.chart and (chart.reads(path) or self._top(chart.root) in naming):
                self.outdate(folder, chart.root, work_on, files=closed)

    def _top(self, root: Path | None) -> Path | None:
        return self._session.top_of(root)

    def _names_releases(self, path: Path, text: str, *, again: bool) -> set[Path | None]:
        """The folders of the workspace in which a file names releases, or did; `again` has these looked for again."""
        concerned: set[Path | None] = {
            top
            for top, known in self._manifests.items()
            if path in self._naming or known.concern(path, text)
            if top is not None and path.is_relative_to(top)
        }
        if concerned:
            self._naming.add(path)
        for top in concerned if again else ():
            del self._manifests[top]
        return concerned

    def files_changed(self, path: Path, work_on: Callable[[Path | None], None]) -> None:
        """A file changed on disk."""
        if not self._session.charts.known:
            return
        source = read(path) if self._manifests and path.suffix in SUFFIXES else None
        text = source.text if isinstance(source, SourceText) else ""
        naming = self._names_releases(path, text, again=True)
        for folder, chart in list(self._session.charts.known.items()):
            if path.is_relative_to(folder) or chart.reads(path) or self._top(chart.root) in naming:
                self.outdate(folder, chart.root, work_on, files=True)

    def outdate(
        self, folder: Path, root: Path | None, work_on: Callable[[Path | None], None], *, files: bool
    ) -> None:
        """Have a chart rendered (again).

        Args:
            folder: the chart's.
            root: the folder whose settings hold for it.
            work_on: takes in what comes of it.
            files: whether its files on disk are to be read again, too.
        """
        if self._maker is None and (maker := helm()) is not None:
            self._maker = maker
        if self._maker is None:
            if not self._told:
                self._told = True
                self._warn(f"kscan: the chart in {folder} is not rendered, so it is not checked; {INSTALL}")
            return
        chart = self._session.charts.known.setdefault(folder, OpenChart(folder, root))
        chart.root = root
        chart.outdate(files=files)
        if folder not in self._rendering:
            self._rendering.add(folder)
            self._background.start(self._work(self._maker, chart, work_on))

    def look_again(self, root: Path | None, work_on: Callable[[Path | None], None]) -> None:
        """Have those charts of a folder rendered again that were by other settings, or before all was known."""
        workspace = self._session.workspaces.get(root)
        for chart in self._session.charts.of(root):
            settled = chart.configuration is self._session.configuration(root)
            less = workspace is not None and chart.knows_less(workspace.project)
            if chart.done >= 0 and (less or not settled):
                self.outdate(chart.folder, root, work_on, files=False)

    def close(self) -> None:
        """End the process that renders."""
        if self._maker is not None:
            self._maker.stop()

    async def to_fix(self, document: OpenDocument) -> ChartToFix | None:
        """The chart of a document as it renders with all that is open; None where it does not."""
        session, folder = self._session, document.chart
        while (chart := session.charts.known.get(folder) if folder else None) and folder in self._rendering:
            if chart.done == chart.revision and chart.waiting is None:
                break
            await self._changed.wait()
        result = chart.accepted if chart else None
        workspace = session.workspaces.get(chart.root) if chart else None
        if chart is None or self._maker is None or workspace is None or chart.done != chart.revision:
            return None
        if result is None or result.judged is None or isinstance(result.chart, Unreadable):
            return None
        site = ChartSite(self._maker, result.chart, f"{chart.folder.as_uri()}/", workspace.project)
        return ChartToFix(site, chart.sources, self._opened())

    async def _trace(
        self,
        maker: Helm,
        chart: OpenChart,
        request: ChartRequest,
        result: ChartResult,
        work_on: Callable[[Path | None], None],
    ) -> None:
        """Find the values that findings come from, as long as nothing is edited."""
        overtaken = chart.overtaken(request)
        # what was found is to be shown first: this takes as long as everything before
        while chart.accepted is not result and not overtaken():
            await self._changed.wait()
        sources = await self._executors.run_chart(trace_chart, maker, request, result, chart.seen, overtaken)
        if not overtaken():
            chart.trace(sources)
            work_on(chart.root)

    async def _find_releases(self, chart: OpenChart, top: Path | None, configuration: Configuration) -> bool:
        """Look for what names releases of charts, which takes a reading of all files; whether there is anything."""
        manifests = Manifests()
        if chart.root is not None:
            manifests = await self._executors.run_chart(_manifests_in, chart.root, configuration, top)
        self._manifests[top] = manifests
        return bool(manifests.texts)

    async def _work(self, maker: Helm, chart: OpenChart, work_on: Callable[[Path | None], None]) -> None:
        session = self._session
        try:
            while session.is_used(chart.root):
                configuration = await self._settings.configuration(chart.root)
                workspace = session.workspaces.get(chart.root)
                if workspace is None or not chart.is_outdated(configuration):
                    break
                texts = {d.path: d.index.text for d in session.documents.values() if d.path}
                top = self._top(chart.root)
                known = self._manifests.get(top)
                request = chart.request(texts, known or Manifests(), configuration, workspace.project)
                overtaken = chart.overtaken(request)
                try:
                    result = await self._executors.run_chart(render_chart, maker, request, overtaken)
                except Overtaken:
                    continue
                if not overtaken():
                    chart.keep(request, result)
                    work_on(chart.root)
                    if known is None and await self._find_releases(chart, top, configuration):
                        chart.outdate(files=False)
                        continue
                    await self._trace(maker, chart, request, result, work_on)
        except Exception:  # a defect of ours must not take everything else down with it
            logger.exception("%s could not be rendered", chart.folder)
            chart.done = chart.revision
        finally:
            self._rendering.discard(chart.folder)
            self._changed.notify()


def _manifests_in(root: Path, configuration: Configuration, top: Path | None) -> Manifests:
    found, _ = find_files(root, configuration, top)
    return find_manifests(found.files)
