"""What the server is told: hello, settings, and what becomes of documents. It is handled on the event loop at once.

What it is asked is in `requests.py` and `commands.py`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from kscan_lsp.files.discover import SUFFIXES
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.capabilities import client_of
from kscan_lsp.lsp.server import stdio
from kscan_lsp.lsp.server.commands import handle_commands
from kscan_lsp.lsp.server.requests import handle_lenses, handle_pull, handle_requests
from kscan_lsp.lsp.server.server import Server
from kscan_lsp.lsp.session.session import path_of
from kscan_lsp.lsp.session.workspace import key_of
from kscan_lsp.settings.model import FILE_NAMES

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.protocol import Changes

logger = logging.getLogger(__name__)

PARTIALS = (*KUSTOMIZATION_NAMES, "Chart.yaml")
"""Files that say of others that they are parts of something."""
WATCHED = (*(f"**/*{suffix}" for suffix in SUFFIXES), "**/Kustomization")
"""All files that may mean something to the findings in others."""


def create() -> Server:
    """A server with all its handlers, not started."""
    server = Server()
    _handle_lifecycle(server)
    _handle_settings(server)
    _handle_documents(server)
    handle_requests(server)
    handle_commands(server)
    return server


def serve() -> None:
    """Serve one editor on standard input and output until it says goodbye."""
    logging.getLogger("pygls").setLevel(logging.WARNING)
    # an edit must not wait long for the thread that works out a fix of everything
    sys.setswitchinterval(0.001)
    # trees of thousands of nodes come and go with each edit, and hardly any of them is part of a cycle
    gc.set_threshold(100_000, 50, 20)
    stdio.serve(create())


def _handle_lifecycle(server: Server) -> None:
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        session.client = client_of(params)
        if session.client.code_lens:
            handle_lenses(server)
        if session.client.pull:
            handle_pull(server)
        server.texts = convert.DiagnosticTexts(session.client)
        options = params.initialization_options
        session.section = options.get("kscan", options) if isinstance(options, dict) else None
        uris = [folder.uri for folder in params.workspace_folders or []]
        uris = uris or [uri for uri in (params.root_uri,) if uri]
        session.set_folders([path for uri in uris if (path := path_of(uri))])

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        if session.client.watched_files:
            watchers = [types.FileSystemWatcher(glob_pattern=pattern) for pattern in WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration("kscan", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            params = types.RegistrationParams([registration])
            server.in_background(server.client_register_capability_async(params))
        await fetch_section(server)
        server.reconfigure()


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
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        paths = [(event.uri, path) for event in params.changes if (path := path_of(event.uri))]
        if any(path.name in PARTIALS for _, path in paths):
            for workspace in session.workspaces.values():
                workspace.stale = True  # which files count is another question now
        if any(path.name in (*PARTIALS, *FILE_NAMES) or session.configures(path) for _, path in paths):
            server.reconfigure()
        for uri, path in paths:
            session.disk(key_of(path, uri), path)
            server.work_on(session.root_of(path))

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = {path_of(folder.uri) for folder in params.event.removed}
        added = [path for folder in params.event.added if (path := path_of(folder.uri))]
        session.set_folders([folder for folder in session.folders if folder not in removed] + added)
        for folder in removed:
            server.forget(folder)
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
    if section is not None and section != server.session.section:  # an empty one takes settings back
        server.session.section = section
        server.reconfigure()


def _handle_documents(server: Server) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        session.open(params.text_document)
        server.renew(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: Changes | types.DidChangeTextDocumentParams) -> None:
        identifier = params.text_document
        if session.change(identifier.uri, identifier.version, params.content_changes):
            server.renew(identifier.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.renew(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = session.close(uri)
        if document is None:
            return
        if session.configures(document.path):
            server.reconfigure()  # what is on disk holds again
        else:
            server.publish(uri, None, ())
            if session.used(document.root):
                server.work_on(document.root)
            else:
                server.forget(document.root)
