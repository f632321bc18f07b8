"""Handlers of notifications, and of the handshake: settings, folders, and what becomes of documents.

They change the session on the event loop at once. Requests are in `requests.py` and `commands.py`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from kscan_lsp.files.discover import SUFFIXES
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.lsp.capabilities import capabilities_of
from kscan_lsp.lsp.diagnostic_texts import DiagnosticTexts
from kscan_lsp.lsp.server.navigation import handle_navigation
from kscan_lsp.lsp.server.requests import handle_lenses, handle_pull, handle_renderings
from kscan_lsp.lsp.uris import RENDERED, is_rendering, key_of, path_of
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.workspace.images import may_be_report
from kscan_lsp.workspace.pack_locks import LOCK_NAME
from kscan_lsp.workspace.places import is_exceptions_file

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.server import Server
    from kscan_lsp.lsp.wire import DidChange

logger = logging.getLogger(__name__)

TRUST_GRANTED = "kscan/trustGranted"
"""A notification of ours, from an editor that has said `trusted: false` in its initialization options."""
PARTIALS = (*KUSTOMIZATION_NAMES, "Chart.yaml")
"""Files that say of others that they are parts of something."""
COMMITS = ("**/.git/HEAD", "**/.git/logs/HEAD", "**/.git/refs/heads/**")
"""Files of git of which one changes with every commit, checkout and rebase."""
WATCHED = (
    *(f"**/*{suffix}" for suffix in SUFFIXES),
    *(f"**/{name}" for name in ("Kustomization", "*.sarif", "*.rego", ".trivyignore", LOCK_NAME)),
    *COMMITS,
)
"""All files that may mean something to the findings in others."""


def handle_lifecycle(server: Server) -> None:
    """Have a server take part in the handshake."""
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        session.capabilities = capabilities_of(params)
        session.surveying = session.capabilities.status
        if session.capabilities.code_lens:
            handle_lenses(server)
        if session.capabilities.renderings:
            handle_renderings(server)
        if session.capabilities.pull:
            handle_pull(server)
        handle_navigation(server)
        server.scan_images()
        server.publisher.texts = DiagnosticTexts(session.capabilities)
        options = params.initialization_options
        session.section = options.get("kscan", options) if isinstance(options, dict) else None
        session.trusted = not isinstance(options, dict) or options.get("trusted") is not False
        uris = [folder.uri for folder in params.workspace_folders or []]
        uris = uris or [uri for uri in (params.root_uri,) if uri]
        session.set_folders([path for uri in uris if (path := path_of(uri))])

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        registrations = []
        if session.capabilities.watched_files:
            watchers = [types.FileSystemWatcher(glob_pattern=pattern) for pattern in WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration("kscan", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            registrations.append(registration)
        if session.capabilities.renderings and session.capabilities.register_content:
            shown = types.TextDocumentContentRegistrationOptions([RENDERED])
            registrations.append(
                types.Registration("kscan-rendered", types.WORKSPACE_TEXT_DOCUMENT_CONTENT, shown)
            )
        if registrations:
            params = types.RegistrationParams(registrations)
            server.background.start(server.client_register_capability_async(params))
        await fetch_section(server)
        server.scheduler.reconfigure()


def handle_settings(server: Server) -> None:
    """Have a server follow settings, files on disk, and the folders of the workspace."""
    session = server.session

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        if session.capabilities.configuration:
            await fetch_section(server)
            return
        section = params.settings.get("kscan") if isinstance(params.settings, dict) else None
        if section != session.section:
            session.section = section
            server.scheduler.reconfigure()

    @server.feature(TRUST_GRANTED)
    def trust_granted(_: Any) -> None:
        if not session.trusted:
            session.trusted = True
            server.scheduler.reconfigure()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        server.scheduler.look_at_commits()
        named = [(event.uri, path) for event in params.changes if (path := path_of(event.uri))]
        paths = [(uri, path) for uri, path in named if ".git" not in path.parts]
        if any(path.name in PARTIALS for _, path in paths):
            for workspace in session.workspaces.values():
                workspace.outdated = True  # which files count is another question now
        for _, path in paths:
            if path.name in FILE_NAMES or is_exceptions_file(path):
                session.look_for_settings(path)
        known = [one.project.known for one in session.workspaces.values() if one.project.known]
        naming = any(one.configuration.settings.images.reports for one in session.workspaces.values())
        came_or_went = [one.uri for one in params.changes if one.type is not types.FileChangeType.Changed]
        keys = [key_of(path, uri) for uri in came_or_went if (path := path_of(uri))]
        if any(
            path.name in (*PARTIALS, *FILE_NAMES)
            or session.is_configuration_file(path)
            or may_be_report(path, naming)
            for _, path in paths
        ) or any(one.depends_on(key) for one in known for key in keys):
            server.scheduler.reconfigure()
        for _, path in paths:
            server.charts.files_changed(path, server.scheduler.work_on)
            server.overlays.files_changed(path, server.scheduler.work_on)
        for uri, path in paths:
            session.reread(key_of(path, uri), path)
            for root in session.roots_with(path):
                server.scheduler.work_on(root)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = {path_of(folder.uri) for folder in params.event.removed}
        added = [path for folder in params.event.added if (path := path_of(folder.uri))]
        kept = [folder for folder in session.folders if folder not in removed]
        server.scheduler.set_folders(kept + added)


async def fetch_section(server: Server) -> None:
    """Ask the editor for its `kscan` section, and check by it."""
    if not server.session.capabilities.configuration:
        return
    items = [types.ConfigurationItem(section="kscan")]
    try:
        # a request to the client must not be given up because one of the client's is cancelled
        answer = await asyncio.shield(server.workspace_configuration_async(types.ConfigurationParams(items)))
    except JsonRpcException as error:
        logger.warning("the editor did not give its settings: %s", str(error))
        return
    section = answer[0] if answer else None
    if section is not None and section != server.session.section:  # an empty one takes settings back
        server.session.section = section
        server.scheduler.reconfigure()


def handle_documents(server: Server) -> None:
    """Have a server follow open documents."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        if is_rendering(item.uri):
            return  # it came from us
        session.open(item)
        if item.uri.startswith("file:") and session.documents[item.uri].path is None:
            logger.warning("no file of this machine can be called %.200r", item.uri)
        server.scheduler.document_changed(params.text_document.uri)
        if server.images is not None:
            server.images.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: DidChange | types.DidChangeTextDocumentParams) -> None:
        identifier = params.text_document
        if session.change(identifier.uri, identifier.version, params.content_changes):
            server.scheduler.document_changed(identifier.uri)
            if server.images is not None:
                server.images.edited(identifier.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.scheduler.look_at_commits()
        server.scheduler.document_changed(params.text_document.uri)
        if server.images is not None:
            server.images.look(params.text_document.uri, saved=True)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        if is_rendering(params.text_document.uri):
            server.publisher.close_rendering(params.text_document.uri)
        else:
            server.scheduler.document_closed(params.text_document.uri)
