"""What the server is asked about a document: each handler takes a view of it and leaves the work to a pure function.

Requests wait for the check of the latest text; what takes long works beside the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.lsp import actions, lens
from kscan_lsp.lsp.hover import hover
from kscan_lsp.lsp.links import document_links

if TYPE_CHECKING:
    from kscan_lsp.lsp.server import Server


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
        if view is not None and view.snapshot.version == data.get("version"):
            kind = str(data.get("kind"))
            fixed = await server.answer("Fixing all problems", actions.fix_everything, view, kind)
            action.edit = fixed.edit if fixed else None
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        view = await server.view(params.text_document.uri)
        return hover(view, params) if view else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_LINK)
    async def linked(params: types.DocumentLinkParams) -> list[types.DocumentLink] | None:
        view = await server.view(params.text_document.uri)
        return document_links(view) if view else None


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
