"""Handlers of requests for the way around in manifests. A client gets those of which it says that it can make them.

As in `requests.py`, each takes a snapshot and leaves the work to a pure function. Nothing is done before it is asked
for.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from kscan_lsp.lsp.features import call_hierarchy
from kscan_lsp.lsp.features.folding import folding_ranges
from kscan_lsp.lsp.features.inlay_hints import inlay_hints
from kscan_lsp.lsp.features.references import definitions, references
from kscan_lsp.lsp.features.selection import selection_ranges
from kscan_lsp.lsp.features.symbols import document_symbols
from kscan_lsp.lsp.features.workspace_symbols import resolved_symbol, workspace_symbols
from kscan_lsp.lsp.server import authoring
from kscan_lsp.lsp.session.control_files import naming_snapshot

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.server import Server
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, NamingSnapshot


def handle_navigation(server: Server) -> None:
    """Have a server answer what its client asks of structure and of relations between objects."""
    wanted = server.session.capabilities.navigation
    for method, handle in _HANDLERS.items():
        if method in wanted:
            handle(server)


def _handle_symbols(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        snapshot = await server.scheduler.snapshot(params.text_document.uri)
        return await server.executors.run_answer(document_symbols, snapshot) if snapshot else None


def _handle_folding(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folds(params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        snapshot = await server.scheduler.snapshot(params.text_document.uri)
        return await server.executors.run_answer(folding_ranges, snapshot) if snapshot else None


def _handle_selection(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_SELECTION_RANGE)
    async def selections(params: types.SelectionRangeParams) -> list[types.SelectionRange] | None:
        snapshot = await server.scheduler.snapshot(params.text_document.uri)
        return selection_ranges(snapshot, params.positions) if snapshot else None


def _handle_hints(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(params: types.InlayHintParams) -> list[types.InlayHint] | None:
        snapshot = await server.scheduler.snapshot(params.text_document.uri)
        run = server.executors.run_answer
        return await run(inlay_hints, snapshot, params.range) if snapshot else None


def _handle_definition(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: types.DefinitionParams) -> list[types.Location] | None:
        names = await _names(server, params.text_document.uri)
        if names and (found := await server.executors.run_answer(authoring.defined, names, params.position)):
            return found
        snapshot = await _around(server, params.text_document.uri)
        run = server.executors.run_answer
        return await run(definitions, snapshot, params.position) if snapshot else None


def _handle_references(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def referred(params: types.ReferenceParams) -> list[types.Location] | None:
        snapshot = await _around(server, params.text_document.uri)
        declaration, token = params.context.include_declaration, params.work_done_token
        if names := await _names(server, params.text_document.uri):
            look = partial(authoring.referred, declaration=declaration)
            title = "Looking for references"
            if found := await server.answer(title, look, names, params.position, token=token):
                return found
        if snapshot is None:
            return None
        find = partial(references, declaration=declaration)
        return await server.answer("Looking for references", find, snapshot, params.position, token=token)


def _handle_workspace_symbols(server: Server) -> None:
    @server.feature(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolOptions(resolve_provider=True))
    async def found(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        await server.scheduler.explore()
        snapshot = server.session.projects_snapshot()
        work = workspace_symbols
        return await server.answer(
            "Looking for objects", work, snapshot, params.query, token=params.work_done_token
        )

    @server.feature(types.WORKSPACE_SYMBOL_RESOLVE)
    async def resolved(symbol: types.WorkspaceSymbol) -> types.WorkspaceSymbol:
        return await server.executors.run_answer(resolved_symbol, server.session.projects_snapshot(), symbol)


def _handle_call_hierarchy(server: Server) -> None:
    run = server.executors.run_answer
    answer = partial(server.answer, "Looking who gets at what")

    @server.feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY)
    async def prepared(params: types.CallHierarchyPrepareParams) -> list[types.CallHierarchyItem] | None:
        snapshot = await _around(server, params.text_document.uri)
        return (await run(call_hierarchy.prepare, snapshot, params.position) or None) if snapshot else None

    @server.feature(types.CALL_HIERARCHY_INCOMING_CALLS)
    async def reached(
        params: types.CallHierarchyIncomingCallsParams,
    ) -> list[types.CallHierarchyIncomingCall]:
        await server.scheduler.explore()
        return await answer(call_hierarchy.incoming, server.session.projects_snapshot(), params.item)

    @server.feature(types.CALL_HIERARCHY_OUTGOING_CALLS)
    async def reaching(
        params: types.CallHierarchyOutgoingCallsParams,
    ) -> list[types.CallHierarchyOutgoingCall]:
        await server.scheduler.explore()
        return await answer(call_hierarchy.outgoing, server.session.projects_snapshot(), params.item)


def _handle_rename(server: Server) -> None:
    async def answer(uri: str, position: types.Position, name: str | None) -> Any:
        if name is not None and uri in server.session.documents:
            await server.scheduler.explore()  # manifests that are not open name controls, too
        names = await _names(server, uri)
        if names is None:
            return None
        found = await server.executors.run_answer(authoring.renaming, names, position, name)
        if isinstance(found, str):
            raise JsonRpcException(found, types.LSPErrorCodes.RequestFailed)
        return found

    prepares = server.session.capabilities.prepares_rename
    options = types.RenameOptions(prepare_provider=True) if prepares else None

    @server.feature(types.TEXT_DOCUMENT_RENAME, options)
    async def renamed(params: types.RenameParams) -> types.WorkspaceEdit | None:
        edit: types.WorkspaceEdit | None = await answer(
            params.text_document.uri, params.position, params.new_name
        )
        return edit

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepared(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        place: types.PrepareRenamePlaceholder | None = await answer(
            params.text_document.uri, params.position, None
        )
        return place


async def _names(server: Server, uri: str) -> NamingSnapshot | None:
    """A document, and all that names controls and inputs, by the settings that hold now."""
    document = server.session.documents.get(uri)
    if document is None:
        return None
    await server.settings.configuration(document.root)
    return naming_snapshot(server.session, uri)


async def _around(server: Server, uri: str) -> DocumentSnapshot | None:
    """A document, and all that is declared around it."""
    if uri not in server.session.documents:
        return None
    await server.scheduler.explore()
    return await server.scheduler.snapshot(uri)


_HANDLERS = {
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: _handle_symbols,
    types.TEXT_DOCUMENT_FOLDING_RANGE: _handle_folding,
    types.TEXT_DOCUMENT_SELECTION_RANGE: _handle_selection,
    types.TEXT_DOCUMENT_INLAY_HINT: _handle_hints,
    types.TEXT_DOCUMENT_DEFINITION: _handle_definition,
    types.TEXT_DOCUMENT_REFERENCES: _handle_references,
    types.TEXT_DOCUMENT_RENAME: _handle_rename,
    types.WORKSPACE_SYMBOL: _handle_workspace_symbols,
    types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY: _handle_call_hierarchy,
}
