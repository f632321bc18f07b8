"""The language server: handlers of a few lines between the protocol and pure functions.

A notification changes the session and schedules a check; one task per document then checks until it has caught up
with the editor, in a thread of our own, so that reading messages and cancelling requests never wait. Requests take
their snapshot first and work on it there, too.

pygls reads standard input on its own thread pool and logs whole messages at INFO, secrets included: neither that pool
nor that level is ever used here. Its text mirror is not used either (see `session.py`), hence the protocol class.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.protocol.language_server import lsp_method

from kscan_lsp import __version__
from kscan_lsp.explain import explain
from kscan_lsp.lsp import actions, convert
from kscan_lsp.lsp.actions import View
from kscan_lsp.lsp.hover import hover
from kscan_lsp.lsp.session import Client, Session, Snapshot, check, path_of
from kscan_lsp.partials import KUSTOMIZATION_NAMES
from kscan_lsp.project import Configuration, configure
from kscan_lsp.settings import FILE_NAMES
from kscan_lsp.text import Encoding, LineIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

T = TypeVar("T")

WATCHED = (*FILE_NAMES, *KUSTOMIZATION_NAMES, "Chart.yaml")
"""Files that decide how others are judged."""

logger = logging.getLogger(__name__)


class Protocol(LanguageServerProtocol):
    """pygls' protocol without its text mirror, which is slow on large files and wrong on some line separators."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class Server(LanguageServer):
    """The server of one editor: its session, and the thread that checks."""

    def __init__(self) -> None:
        super().__init__(
            "kscan", __version__, protocol_cls=Protocol, converter_factory=default_converter, max_workers=2
        )
        self.session = Session()
        self.texts = convert.DiagnosticTexts(self.session.client)
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kscan-check")
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.loading: dict[Path | None, asyncio.Task[None]] = {}
        self.generation = 0
        self.said: set[str] = set()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what went wrong; a pop-up for each failed keystroke would only be in the way."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    async def in_worker(self, work: Callable[..., T], *args: Any) -> T:
        """Run a pure function outside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, work, *args)

    def renew(self, uri: str) -> None:
        """Do what a new text of a document asks for: check it, or everything by it if it holds settings."""
        document = self.session.documents.get(uri)
        if document is not None and self.session.configures(document.path):
            self.reconfigure()
        self.refresh(uri)

    def refresh(self, uri: str) -> None:
        """Have a document checked until its result is that of its latest text."""
        if uri not in self.tasks and uri in self.session.documents:
            self.tasks[uri] = asyncio.get_running_loop().create_task(self._refresh(uri))

    async def _refresh(self, uri: str) -> None:
        try:
            while True:
                await self._configured(uri)
                snapshot = self.session.snapshot(uri)
                if snapshot is None:
                    break
                checked = await self.in_worker(check, snapshot)
                if self.session.accept(snapshot, checked):
                    self._publish(snapshot, self.texts.of_file(uri, checked, snapshot.configuration.ruleset))
        finally:
            del self.tasks[uri]  # nothing waits between the last look at the session and this line

    async def _configured(self, uri: str) -> None:
        """Have the settings that hold for a document read."""
        document = self.session.documents.get(uri)
        if document is not None:
            root = self.session.root_of(document.path)
            if root not in self.session.configurations:
                if root not in self.loading:
                    self.loading[root] = asyncio.create_task(self._configure(root))
                await asyncio.shield(self.loading[root])

    async def _configure(self, root: Path | None) -> None:
        try:
            while True:
                generation = self.generation
                section, buffers = self.session.section, self.session.buffers()
                configuration, words = await self.in_worker(_configuration, root, section, buffers)
                if generation == self.generation:  # else the settings changed while they were read
                    break
            self.session.configurations[root] = configuration
            self.session.configured |= configuration.files
        finally:
            del self.loading[root]
        self._publish_configuration_problems()
        for text in set(words) - self.said:  # not again at every keystroke in a settings file
            self.window_show_message(
                types.ShowMessageParams(types.MessageType.Warning, f"kscan settings: {text}")
            )
        self.said = set(words)

    def reconfigure(self) -> None:
        """Read all settings again and check everything by them; old results stay until the new ones are there."""
        self.generation += 1
        self.session.configurations.clear()
        for uri in self.session.documents:
            self.refresh(uri)

    def _publish(self, snapshot: Snapshot, diagnostics: str) -> None:
        self.send(convert.notification(snapshot.uri, snapshot.version, diagnostics))

    def _publish_configuration_problems(self) -> None:
        files: dict[str, list[Any]] = {}
        for configuration in self.session.configurations.values():
            if configuration.settings_path is not None:
                files.setdefault(configuration.settings_path.as_uri(), [])
            for path, document, problem in configuration.problems:
                files.setdefault(path.absolute().as_uri(), []).append((document, problem))
        for uri in self.session.reported - files.keys():
            self.send(convert.notification(uri, None, ""))
        for uri, problems in files.items():
            if problems or uri in self.session.reported:
                text = convert.problems_text(problems, self.session.client.encoding)
                self.send(convert.notification(uri, None, text))
        self.session.reported = {uri for uri, problems in files.items() if problems}

    def send(self, message: bytes) -> None:
        """Write a whole message to the editor."""
        writer = self.protocol.writer
        if writer is not None:
            with contextlib.suppress(BrokenPipeError):  # the editor has gone; the reader will notice
                writer.write(message)

    async def view(self, uri: str) -> View | None:
        """The checked version of a document's latest text."""
        while (task := self.tasks.get(uri)) is not None:
            await asyncio.shield(task)
        document = self.session.documents.get(uri)
        if document is None or document.checked is None or document.configuration is None:
            return None
        snapshot = Snapshot(
            uri, document.path, document.checked_version, document.checked.text, document.json, document.configuration,
            self.session.today(), document.checked,
        )  # fmt: skip
        return View(snapshot, document.checked, LineIndex(document.checked.text), self.session.client)


def _configuration(
    root: Path | None, section: Any, buffers: dict[Path, str]
) -> tuple[Configuration, tuple[str, ...]]:
    return configure(root, section=section, buffers=buffers)


def create() -> Server:
    """A server with all its handlers, not started."""
    server = Server()
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        session.client = _client(params)
        server.texts = convert.DiagnosticTexts(session.client)
        options = params.initialization_options
        session.section = options.get("kscan", options) if isinstance(options, dict) else None
        uris = [folder.uri for folder in params.workspace_folders or []]
        uris = uris or [uri for uri in (params.root_uri,) if uri]
        session.folders = [path for uri in uris if (path := path_of(uri))]

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        if session.client.watched_files:
            watchers = [types.FileSystemWatcher(glob_pattern=f"**/{name}") for name in WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration(
                "kscan-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options
            )
            asyncio.ensure_future(
                server.client_register_capability_async(types.RegistrationParams([registration]))
            )
        await fetch_section()

    async def fetch_section() -> None:
        if not session.client.configuration:
            return
        items = [types.ConfigurationItem(section="kscan")]
        try:
            answer = await asyncio.shield(
                server.workspace_configuration_async(types.ConfigurationParams(items))
            )
        except JsonRpcException as error:
            logger.warning("the editor did not give its settings: %s", error)
            return
        section = answer[0] if answer else None
        if section and section != session.section:
            session.section = section
            server.reconfigure()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        if session.client.configuration:
            await fetch_section()
            return
        section = params.settings.get("kscan") if isinstance(params.settings, dict) else None
        if section != session.section:
            session.section = section
            server.reconfigure()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(_: types.DidChangeWatchedFilesParams) -> None:
        server.reconfigure()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = {path_of(folder.uri) for folder in params.event.removed}
        added = [path for folder in params.event.added if (path := path_of(folder.uri))]
        session.folders = [folder for folder in session.folders if folder not in removed] + added
        server.reconfigure()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        session.open(params.text_document)
        server.renew(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        identifier = params.text_document
        if session.change(identifier.uri, identifier.version, params.content_changes):
            server.renew(identifier.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.renew(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = session.documents.pop(uri, None)
        if document is not None and session.configures(document.path):
            server.reconfigure()  # what is on disk holds again
        elif document is not None:
            server.send(convert.notification(uri, None, ""))

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=list(actions.KINDS), resolve_provider=True),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        view = await server.view(params.text_document.uri)
        return await server.in_worker(actions.code_actions, view, params) if view else None

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        data = action.data if isinstance(action.data, dict) else {}
        view = await server.view(str(data.get("uri")))
        if view is not None and view.snapshot.version == data.get("version"):
            action.edit = await server.in_worker(actions.fix_all_edit, view, str(data.get("kind")))
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        view = await server.view(params.text_document.uri)
        return hover(view, params) if view else None

    @server.command(actions.EXPLAIN)
    def explained(control: str) -> str | None:
        for configuration in session.configurations.values():
            ruleset = configuration.ruleset
            if control in ruleset.policies.controls:
                text = explain(ruleset.policies.controls[control], ruleset)
                server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
                return text
        return None

    return server


def _client(params: types.InitializeParams) -> Client:
    """What the client can do; absent means it cannot."""
    capabilities = params.capabilities
    general, workspace, document = capabilities.general, capabilities.workspace, capabilities.text_document
    published = document.publish_diagnostics if document else None
    action = document.code_action if document else None
    resolve = action.resolve_support if action else None
    formats = document.hover.content_format if document and document.hover else None
    edit = workspace.workspace_edit if workspace else None
    watched = workspace.did_change_watched_files if workspace else None
    offered = general.position_encodings if general else None
    return Client(
        encoding=_encoding(offered or []),
        configuration=bool(workspace and workspace.configuration),
        watched_files=bool(watched and watched.dynamic_registration),
        related_information=bool(published and published.related_information),
        code_description=bool(published and published.code_description_support),
        document_changes=bool(edit and edit.document_changes),
        resolve_edits=bool(resolve and "edit" in resolve.properties),
        markdown=types.MarkupKind.Markdown in (formats or []),
    )


def _encoding(offered: Any) -> Encoding:
    """The encoding that pygls will choose, too: the first that is offered and known, UTF-16 if none is."""
    for kind in offered:
        with contextlib.suppress(ValueError):
            return Encoding(str(getattr(kind, "value", kind)))
    return Encoding.UTF16


def serve() -> None:
    """Serve one editor on standard input and output until it says goodbye."""
    logging.getLogger("pygls").setLevel(logging.WARNING)
    create().start_io()
