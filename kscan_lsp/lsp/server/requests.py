"""What the server is asked about a document: each handler takes a view of it and leaves the work to a pure function.

Requests wait for the check of the latest text; what takes long works beside the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.lsp.convert import Json, position_offset
from kscan_lsp.lsp.features import code_actions as actions
from kscan_lsp.lsp.features import code_lens as lens
from kscan_lsp.lsp.features import completion as complete
from kscan_lsp.lsp.features.document_links import document_links, settings_links
from kscan_lsp.lsp.features.hover import hover, hover_settings
from kscan_lsp.lsp.session import published as pull

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.server import Server


def handle_requests(server: Server) -> None:
    """Have a server answer requests about documents."""

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=list(actions.KINDS), resolve_provider=True),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        view = await server.view(params.text_document.uri)
        if view is None:
            return None
        return await server.answer(
            "Looking for fixes", actions.code_actions, view, params, token=params.work_done_token
        )

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        data = action.data if isinstance(action.data, dict) else {}
        view = await server.view(str(data.get("uri")))
        if view is not None and view.version == data.get("version"):
            kind = str(data.get("kind"))
            fixed = await server.answer("Fixing all problems", actions.fix_everything, view, kind)
            action.edit = fixed.edit if fixed else None
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        if settings := await server.settings_view(uri):
            return hover_settings(settings, params.position)
        view = await server.view(uri)
        return hover(view, params.position) if view else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_LINK)
    async def linked(params: types.DocumentLinkParams) -> list[types.DocumentLink] | None:
        uri = params.text_document.uri
        if settings := await server.settings_view(uri):
            return settings_links(settings)
        view = await server.view(uri)
        return document_links(view) if view else None

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=list(complete.TRIGGERS), resolve_provider=True),
    )
    async def completed(params: types.CompletionParams) -> list[types.CompletionItem] | None:
        uri, client = params.text_document.uri, server.session.client
        if settings := await server.settings_view(uri):
            at = position_offset(params.position, settings.lines, client.encoding)
            return complete.in_settings(settings, at)
        document = server.session.documents.get(uri)
        if document is None:
            return None
        at = position_offset(params.position, document.index, client.encoding)
        if not complete.suppresses(document.index, at):
            return None  # as nearly always: no need to wait for a check
        view = await server.view(uri)
        return complete.in_manifest(view, at) if view and view.lines.text == document.index.text else None

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def resolve_completion(item: types.CompletionItem) -> types.CompletionItem:
        data = item.data if isinstance(item.data, dict) else {}
        document = server.session.documents.get(str(data.get("uri")))
        configuration = await server.configuration(document.path if document else None)
        return complete.resolved(item, str(data.get("kind")), configuration.ruleset, server.session.client)


def handle_lenses(server: Server) -> None:
    """Have a server answer requests for code lenses."""

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens] | None:
        view = await server.view(params.text_document.uri)
        return lens.code_lenses(view) if view else None

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve_lens(one: types.CodeLens) -> types.CodeLens:
        data = one.data if isinstance(one.data, dict) else {}
        view = await server.view(str(data.get("uri")))
        one.command = lens.command(view, data) if view else None
        return one


def handle_pull(server: Server) -> None:
    """Have a server answer requests for diagnostics."""
    session = server.session

    @server.feature(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True),
    )
    async def diagnosed(params: types.DocumentDiagnosticParams) -> Json:
        uri = params.text_document.uri
        if await server.settings_view(uri) is None:
            await server.view(uri)
        found = session.shown.get(uri, pull.NOTHING)
        return Json(pull.document_report(found, params.previous_result_id))

    @server.feature(types.WORKSPACE_DIAGNOSTIC)
    async def all_diagnosed(params: types.WorkspaceDiagnosticParams) -> Json:
        previous = {known.uri: known.value for known in params.previous_result_ids}
        while not (report := pull.workspace_report(session.shown, previous)):
            await server.told()  # the client wants to hear of the next change, not that there is none
        return Json(report)
