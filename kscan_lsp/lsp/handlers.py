"""What the server answers: each handler takes what it needs from the session and leaves the work to a pure function.

Notifications are handled on the event loop at once; requests wait for the check of the latest text, then work beside
the loop. A client's abilities are asked once, at the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from kscan_lsp.explain import explain
from kscan_lsp.lsp import actions, convert
from kscan_lsp.lsp.hover import hover
from kscan_lsp.lsp.server import Server
from kscan_lsp.lsp.session import Client, path_of
from kscan_lsp.partials import KUSTOMIZATION_NAMES
from kscan_lsp.settings import FILE_NAMES
from kscan_lsp.text import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

WATCHED = (*FILE_NAMES, *KUSTOMIZATION_NAMES, "Chart.yaml")
"""Files that decide how others are judged."""


def create() -> Server:
    """A server with all its handlers, not started."""
    server = Server()
    _handle_lifecycle(server)
    _handle_settings(server)
    _handle_documents(server)
    _handle_requests(server)
    return server


def serve() -> None:
    """Serve one editor on standard input and output until it says goodbye."""
    logging.getLogger("pygls").setLevel(logging.WARNING)
    sys.setswitchinterval(
        0.001
    )  # an edit must not wait long for the thread that works out a fix of everything
    create().start_io()


def _handle_lifecycle(server: Server) -> None:
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
            registration = types.Registration("kscan", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            params = types.RegistrationParams([registration])
            server.in_background(server.client_register_capability_async(params))
        await fetch_section(server)


def _handle_settings(server: Server) -> None:
    session = server.session

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        if session.client.configuration:
            await fetch_section(server)
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


async def fetch_section(server: Server) -> None:
    """Ask the editor for its `kscan` section, and check by it."""
    if not server.session.client.configuration:
        return
    items = [types.ConfigurationItem(section="kscan")]
    try:
        # a request to the client must not be given up because one of the client's is cancelled
        answer = await asyncio.shield(server.workspace_configuration_async(types.ConfigurationParams(items)))
    except JsonRpcException as error:
        logger.warning("the editor did not give its settings: %s", error)
        return
    section = answer[0] if answer else None
    if section and section != server.session.section:
        server.session.section = section
        server.reconfigure()


def _handle_documents(server: Server) -> None:
    session = server.session

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


def _handle_requests(server: Server) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=list(actions.KINDS), resolve_provider=True),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        view = await server.view(params.text_document.uri)
        return await server.answer(actions.code_actions, view, params) if view else None

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        data = action.data if isinstance(action.data, dict) else {}
        view = await server.view(str(data.get("uri")))
        if view is not None and view.snapshot.version == data.get("version"):
            action.edit = await server.answer(actions.fix_all_edit, view, str(data.get("kind")))
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        view = await server.view(params.text_document.uri)
        return hover(view, params) if view else None

    @server.command(actions.EXPLAIN)
    def explained(control: str) -> str | None:
        for configuration in server.session.configurations.values():
            ruleset = configuration.ruleset
            if control in ruleset.policies.controls:
                text = explain(ruleset.policies.controls[control], ruleset)
                server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
                return text
        return None


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


def _encoding(offered: Iterable[Any]) -> Encoding:
    """The encoding that pygls will choose, too: the first that is offered and known, UTF-16 if none is."""
    for kind in offered:
        with contextlib.suppress(ValueError):
            return Encoding(str(getattr(kind, "value", kind)))
    return Encoding.UTF16
