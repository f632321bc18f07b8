"""Charts rendered while they are edited: one task for each takes what is open of it until it has caught up.

Whatever is typed while a chart is being rendered is rendered next, all of it at once. Nothing is started before a file
of a chart is open, and nothing at all where nothing is installed that renders charts.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from kscan_lsp.lsp.session.charts import accept_chart, chart_request, view_chart
from kscan_lsp.render.makers import helm

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable
    from pathlib import Path

    from kscan_lsp.lsp.server.publisher import Publisher
    from kscan_lsp.lsp.server.tasks import BackgroundTasks, Executors
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.workspace.configuration import Configuration

logger: Final = logging.getLogger(__name__)

SECONDS: Final = 5.0
"""How long a chart may take while somebody waits for it."""


class ChartTasks:
    """Has the charts of open documents rendered and judged, and shows what came of it."""

    def __init__(
        self, session: Session, publisher: Publisher, executors: Executors, background: BackgroundTasks
    ) -> None:
        self._session = session
        self._publisher = publisher
        self._executors = executors
        self._background = background
        self._maker = helm(SECONDS)
        self._waiting: set[Path] = set()
        """The charts that are not shown as they are now."""
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._judged_by: dict[Path, tuple[Configuration, bool]] = {}
        """What each was judged by last: the settings, and whether all files around it were known."""

    def render(self, charts: Iterable[Path]) -> None:
        """Have some charts rendered anew."""
        if self._maker is None:
            return
        for chart in charts:
            self._waiting.add(chart)
            if chart not in self._tasks:
                self._tasks[chart] = self._background.start(self._work(chart))

    def document_changed(self, uri: str) -> None:
        """Have the chart rendered that a document is part of."""
        document = self._session.documents.get(uri)
        if document is not None and document.chart is not None:
            self.render([document.chart])

    def file_changed(self, path: Path) -> None:
        """Have the charts rendered that are open, and that a file on disk is part of."""
        charts = {one.chart for one in self._session.documents.values() if one.chart}
        self.render(chart for chart in charts if path.is_relative_to(chart))

    def folder_settled(self, root: Path | None) -> None:
        """Have those rendered for which anything else holds now that all is known of their folder."""
        workspace = self._session.workspaces[root]
        now = (workspace.configuration, workspace.project.whole)
        charts = {one.chart for one in self._session.documents.values() if one.root == root and one.chart}
        self.render(chart for chart in charts if self._judged_by.get(chart) != now)

    async def _work(self, chart: Path) -> None:
        try:
            while chart in self._waiting:
                self._waiting.discard(chart)
                request = chart_request(self._session, chart)
                if request is None or self._maker is None:
                    break  # once the settings are read, the folder settles
                self._judged_by[chart] = (request.configuration, request.project.whole)
                view = await self._executors.run_chart(view_chart, self._maker, request)
                accept_chart(self._session, request, view)
                self._publisher.publish_folder(request.root)
        except Exception:  # a defect of ours must not take everything else down with it
            logger.exception("%s could not be rendered", chart)
        finally:
            del self._tasks[chart]
