"""The charts that open documents are part of: which they are, what is to be rendered, and what came of it.

Buffers count over what is on disk. A chart is rendered and judged in a thread of its own, so that no edit of another
file waits for it; until that is done, a document shows what was found before in the lines that are as they were.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp.files.encoding import Unreadable, read_bytes
from kscan_lsp.render.chart import ChartFault, read_chart
from kscan_lsp.workspace.chart_views import ChartView, chart_view, moved, view_of, with_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kscan_lsp.lsp.session.document import OpenDocument
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project


class ChartRequest(NamedTuple):
    """All that rendering and judging a chart needs."""

    folder: Path
    root: Path | None
    """The folder whose settings hold for it."""
    texts: Mapping[str, str]
    """The texts of the open documents in it, by real path."""
    revisions: Mapping[str, int]
    """Which text each document has, by URI."""
    project: Project
    configuration: Configuration


def view_chart(maker: Helm, request: ChartRequest) -> ChartView:
    """A chart as it stands in buffers and on disk, rendered and judged."""

    def read(path: Path, limit: int) -> bytes | Unreadable:
        text = request.texts.get(os.path.realpath(path))
        return read_bytes(path, limit) if text is None else text.encode(errors="replace")

    prefix = request.folder.as_uri() + "/"
    chart = read_chart(request.folder, read)
    if isinstance(chart, Unreadable):
        return ChartView({}, (ChartFault(f"{prefix}Chart.yaml", 1, chart.reason),))
    if missing := chart.missing():
        message = f"its dependency '{missing[0]}' is not in charts/, so it is not rendered; run: helm dependency build"
        return ChartView({}, (ChartFault(f"{prefix}Chart.yaml", 1, message),))
    return chart_view(maker, chart, prefix, request.project)


def documents_of(session: Session, folder: Path) -> Iterator[OpenDocument]:
    """The open documents that are part of a chart."""
    return (one for one in session.documents.values() if one.chart == folder)


def chart_request(session: Session, folder: Path) -> ChartRequest | None:
    """What is needed to render a chart as it is now; None where nothing of it is open, or no settings are read yet."""
    documents = [*documents_of(session, folder)]
    root = session.root_of(folder / "Chart.yaml")
    configuration = session.configuration(root)
    if not documents or configuration is None:
        return None
    return ChartRequest(
        folder,
        root,
        {os.path.realpath(one.path): one.index.text for one in documents if one.path},
        {one.uri: one.revision for one in documents},
        session.workspaces[root].project,
        configuration,
    )


def accept_chart(session: Session, request: ChartRequest, view: ChartView) -> None:
    """Show what came of a chart in the documents whose text is still the one that was rendered."""
    for document in documents_of(session, request.folder):
        if request.revisions.get(document.uri) != document.revision or document.path is None:
            continue
        text = document.index.text
        faults = [fault for fault in view.faults if fault.file == document.key]
        shown = None
        if "templates" in document.path.relative_to(request.folder).parts:
            # somebody must hear of a fault in a file that is not open
            open_here = session.open_keys()
            faults += [fault for fault in view.faults if fault.file not in open_here]
            before = document.view or view_of(document.key, text, ())
            shown = view.files.get(document.key) or moved(before, text)
        if faults:
            shown = with_faults(shown or view_of(document.key, text, ()), faults)
        document.accept_view(shown)
