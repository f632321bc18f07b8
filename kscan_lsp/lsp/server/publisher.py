"""What is shown of each document: pushed to the editor, or kept for one that asks.

Nothing is published twice. Of a document whose text has moved on nothing is published at all: its findings would be
shown in the wrong places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from kscan_lsp.lsp import convert
from kscan_lsp.lsp.diagnostic_texts import DiagnosticTexts
from kscan_lsp.lsp.rendered import diagnostics_of, uri_of
from kscan_lsp.lsp.server.stdio import Outbox
from kscan_lsp.lsp.session.charts import OpenChart
from kscan_lsp.lsp.session.control_files import has_control
from kscan_lsp.lsp.session.published import published
from kscan_lsp.lsp.uris import rendering_of
from kscan_lsp.workspace.configuration import distinct_problems

if TYPE_CHECKING:
    from pathlib import Path

    from pygls.lsp.server import LanguageServer

    from kscan_lsp.lsp.rendered import ChartView
    from kscan_lsp.lsp.server.tasks import BackgroundTasks, Signal
    from kscan_lsp.lsp.session.document import OpenDocument
    from kscan_lsp.lsp.session.overlays import OpenOverlays
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.lsp.session.workspace import Workspace
    from kscan_lsp.workspace.project import Project

STATUS_CHANGED: Final = "kscan/statusChanged"
"""A notification of ours, to a client that has `status` in its initialization options."""


MAX_RENDERINGS: Final = 50
"""Renderings that are followed at once."""


class Publisher:
    """Shows the editor what the session knows."""

    def __init__(
        self, session: Session, server: LanguageServer, background: BackgroundTasks, changed: Signal
    ) -> None:
        self._session = session
        self._server = server
        self._background = background
        self._changed = changed
        self.texts = DiagnosticTexts(session.capabilities)
        self.renderings: dict[str, None] = {}
        """What charts and overlays render to that the editor may show, by URI; the one asked for last at the end."""

    def publish_folder(self, root: Path | None) -> None:
        """Publish what was found in a folder and is not shown yet."""
        session = self._session
        workspace = session.workspaces.get(root)
        if workspace is None or session.configuration(root) is None:
            return
        session.update_documents(root)
        checked = session.checked_documents(root)
        changed = [document for document in checked if document.unpublished]
        # the editor asks when it has changed the text, but this was not the text
        again = any(document.published and document.published[0] == document.version for document in changed)
        differs = [self._publish_document(document, workspace.project) for document in changed]
        if again:
            self._refresh(diagnostics=any(differs))
        elif changed and has_control(session):
            # what the checks of a control give for a manifest is told in the control's file
            self._refresh_lenses()
        for document in checked:
            # what it points at in another file may have moved
            outdated = document.shown_with is not workspace.project
            if outdated and self.texts.points_elsewhere(document.checked):
                self._publish_document(document, workspace.project)
        shown = session.shows_all(workspace)
        for chart in session.charts.renderings(root):
            if chart.look(workspace.project, workspace.rendered) or chart.unpublished:
                self._publish_chart(chart, workspace, shown=shown)
        for key, file in workspace.take_unpublished(session.open_keys(), shown=shown):
            found = self.texts.of_file(key, file, workspace.project, closed=True) if file else ()
            self.publish(key, None, found)
        self._changed.notify()

    def _publish_document(self, document: OpenDocument, project: Project) -> bool:
        """Publish a document unless it is shown as it is; whether its text had other diagnostics before."""
        document.unpublished, document.shown_with = False, project
        diagnostics = self.texts.of_file(document.uri, document.checked, project)
        view = self._session.charts.of_document(document, self._session.open_keys())
        diagnostics += self._of_view(view, document.index.text, project)
        before = document.published
        if (document.version, diagnostics) != before:
            document.published = (document.version, diagnostics)
            self.publish(document.uri, document.version, diagnostics)
        return before is not None and before[0] == document.version and before[1] != diagnostics

    def _publish_chart(self, chart: OpenChart | OpenOverlays, workspace: Workspace, *, shown: bool) -> None:
        """Publish what is found in the files of a chart or of overlays, each where it is written."""
        chart.unpublished = False
        session, project = self._session, workspace.project
        keys = session.open_keys()
        differs = [
            self._publish_document(document, project)
            for document in session.checked_documents(chart.root)
            if (
                session.charts.folder_of(document) == chart.folder or document.key in chart.faulty_before
                if isinstance(chart, OpenChart)
                else chart.has(document.key)
            )
        ]
        self._refresh(diagnostics=any(differs))  # a lens counts what is found in files that are not open, too
        self._refresh_renderings(chart)
        # a manifest that has values of a release is shown with what is found in itself, when it is open
        here = [
            uri_of(key)
            for key in chart.marks.keys() | chart.fault_marks.keys()
            if not isinstance(chart, OpenChart)
            or key in workspace.rendered
            or key not in project.files
            or not project.files[key].documents
        ]
        closed = set(here) - keys if shown else set[str]()
        for key in chart.published - closed - keys:
            self.publish(key, None, ())
        chart.published = closed
        for key in sorted(closed):
            text = chart.text_of(key)
            if isinstance(chart, OpenChart):
                view = session.charts.view(chart.folder, key, text, keys)
            else:
                view = chart.view(key, text, keys)
            self.publish(key, None, self._of_view(view, text, project))

    def _refresh_renderings(self, chart: OpenChart | OpenOverlays) -> None:
        """Have those texts asked for again that are another now."""
        for uri in [*self.renderings]:
            folder, values = rendering_of(uri) or (None, "")
            if folder is not None and (
                folder == chart.folder and values
                if isinstance(chart, OpenChart)
                else not values and folder.is_relative_to(chart.root)
            ):
                params = types.TextDocumentContentRefreshParams(uri)
                self._background.start(self._server.workspace_text_document_content_refresh_async(params))

    def show_rendering(self, uri: str, diagnostics: convert.Diagnostics) -> None:
        """Show what is found in what a chart or an overlay renders to, from now on, until it is closed."""
        self.renderings.pop(uri, None)
        self.renderings[uri] = None
        if len(self.renderings) > MAX_RENDERINGS:  # an editor need not say that it has closed one
            self.close_rendering(next(iter(self.renderings)))
        self.send(uri, convert.notification(uri, None, diagnostics))

    def close_rendering(self, uri: str) -> None:
        """Show nothing more of it."""
        self.renderings.pop(uri, None)
        self.send(uri, convert.notification(uri, None, ()))

    def _of_view(self, view: ChartView | None, text: str, project: Project) -> convert.Diagnostics:
        if view is None or not view.marks:
            return ()
        return diagnostics_of(view, text, project.ruleset, self._session.capabilities)

    def clear_folder(self, workspace: Workspace) -> None:
        """A folder does not count any more: nothing is shown of its settings and its files that are not open."""
        for key in workspace.published.keys() - self._session.open_keys():
            self.publish(key, None, ())
        self.publish_settings_problems()

    def publish_settings_problems(self) -> None:
        """Publish what is wrong with settings and policies, each in its file."""
        session = self._session
        files: dict[str, list[Any]] = {}
        configurations = [workspace.configuration for workspace in session.workspaces.values()]
        for configuration in configurations:
            if configuration.settings_path is not None:
                files.setdefault(configuration.settings_path.as_uri(), [])
        for path, document, problem in distinct_problems(configurations):
            files.setdefault(path.absolute().as_uri(), []).append((document, problem))
        for uri in session.reported - files.keys():
            self.publish(uri, None, ())
        for uri, problems in files.items():
            if problems or uri in session.reported:
                self.publish(uri, None, convert.of_problems(problems, session.capabilities.encoding))
        session.reported = {uri for uri, problems in files.items() if problems}

    def publish(self, uri: str, version: int | None, diagnostics: convert.Diagnostics) -> None:
        """Show the diagnostics of a document, or have them ready for a client that asks."""
        if not self._session.capabilities.pull:
            self.send(uri, convert.notification(uri, version, diagnostics))
            return
        if diagnostics or version is not None:
            self._session.published[uri] = published(version, convert.array(diagnostics))
        else:
            self._session.published.pop(uri, None)
        self._changed.notify()

    def tell_status(self) -> None:
        """Have a client that shows what the workspace comes to ask for it again."""
        if self._session.capabilities.status:
            self._server.protocol.notify(STATUS_CHANGED)

    def tell_state(self) -> None:
        """Have what is shown beside the text asked for again: something is being done, or is done."""
        self.tell_status()
        self._refresh(diagnostics=False)

    def send(self, uri: str, message: bytes) -> None:
        """Have the diagnostics of a document sent, in place of earlier ones that the editor has not taken yet."""
        writer = self._server.protocol.writer
        if isinstance(writer, Outbox):
            writer.write(message, replaces=uri)

    def _refresh(self, *, diagnostics: bool) -> None:
        """Have the editor ask again for what it has asked for about open documents, diagnostics only if they differ."""
        capabilities = self._session.capabilities
        self._refresh_lenses()
        if capabilities.inlay_hint_refresh:
            self._background.start(self._server.workspace_inlay_hint_refresh_async(None))
        if diagnostics and capabilities.pull and capabilities.pull_refresh:
            self._background.start(self._server.workspace_diagnostic_refresh_async(None))

    def _refresh_lenses(self) -> None:
        capabilities = self._session.capabilities
        if capabilities.code_lens and capabilities.code_lens_refresh:
            self._background.start(self._server.workspace_code_lens_refresh_async(None))
