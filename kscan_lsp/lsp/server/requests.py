"""Handlers of requests about documents: each takes a snapshot and leaves the work to a pure function.

Requests wait for the check of the latest text; what takes long works beside the event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.admission.model import POLICY
from kscan_lsp.lsp.convert import Json, position_offset
from kscan_lsp.lsp.features import code_actions, code_lens, completion, diagnostics
from kscan_lsp.lsp.features.chart_fixes import chart_fix_actions
from kscan_lsp.lsp.features.document_links import document_links, settings_links
from kscan_lsp.lsp.features.hover import hover, hover_settings
from kscan_lsp.lsp.features.overlay_fixes import overlay_fix_actions
from kscan_lsp.lsp.features.rendered_text import rendered_text
from kscan_lsp.lsp.server import authoring
from kscan_lsp.lsp.session.control_files import manifests
from kscan_lsp.lsp.session.published import NOTHING

if TYPE_CHECKING:
    from kscan_lsp.lsp.features.rendered_text import RenderedText
    from kscan_lsp.lsp.server.server import Server


def handle_requests(server: Server) -> None:
    """Have a server answer requests about documents."""

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=list(code_actions.KINDS), resolve_provider=True),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        uri, token = params.text_document.uri, params.work_done_token
        if control := await server.scheduler.control_snapshot(uri):
            return await server.executors.run_answer(authoring.actions, control, params)
        snapshot = await server.scheduler.snapshot(uri)
        if snapshot is None:
            return None
        actions = await server.answer(
            "Looking for fixes", code_actions.code_actions, snapshot, params, token=token
        )
        document = server.session.documents.get(uri)
        if document is None or not code_actions.wants_fixes(params):
            return actions
        overlays = await server.overlays.to_fix(document)
        if overlays is not None and (now := server.session.snapshot(document)) is not None:
            work = overlay_fix_actions, now, overlays, params.range
            actions = [*await server.answer("Looking for fixes", *work, token=token), *actions]
        if document.chart is None:
            return actions
        chart = await server.charts.to_fix(document)
        snapshot = server.session.snapshot(document)
        if chart is None or snapshot is None:
            return actions
        return [
            *await server.answer(
                "Looking for fixes", chart_fix_actions, snapshot, chart, params.range, token=token
            ),
            *actions,
        ]

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        data = action.data if isinstance(action.data, dict) else {}
        snapshot = await server.scheduler.snapshot(str(data.get("uri")))
        if snapshot is not None and snapshot.version == data.get("version"):
            action.edit = await server.answer("Working out an edit", code_actions.resolved, snapshot, data)
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        if settings := await server.scheduler.settings_snapshot(uri):
            return hover_settings(settings, params.position)
        if control := await server.scheduler.control_snapshot(uri):
            return await server.executors.run_answer(authoring.hovered, control, params.position)
        snapshot = await server.scheduler.snapshot(uri)
        # what an expression gives is found out by evaluating it, which waits for trust
        if snapshot and POLICY in snapshot.lines.text and server.session.trusted:
            work = authoring.hovered_in_policy, snapshot, [*manifests(server.session)], params.position
            if found := await server.executors.run_answer(*work):
                return found
        return hover(snapshot, params.position) if snapshot else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_LINK)
    async def linked(params: types.DocumentLinkParams) -> list[types.DocumentLink] | None:
        uri = params.text_document.uri
        if settings := await server.scheduler.settings_snapshot(uri):
            return settings_links(settings)
        snapshot = await server.scheduler.snapshot(uri)
        return document_links(snapshot) if snapshot else None

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=list(completion.TRIGGERS), resolve_provider=True),
    )
    async def completed(params: types.CompletionParams) -> list[types.CompletionItem] | None:
        uri, capabilities = params.text_document.uri, server.session.capabilities
        if settings := await server.scheduler.settings_snapshot(uri):
            at = position_offset(params.position, settings.lines, capabilities.encoding)
            return completion.in_settings(settings, at)
        if control := await server.scheduler.control_snapshot(uri):
            return await server.executors.run_answer(authoring.completed, control, params.position)
        document = server.session.documents.get(uri)
        if document is None:
            return None
        at = position_offset(params.position, document.index, capabilities.encoding)
        if not completion.suppression_at(document.index, at):
            return None  # as nearly always: no need to wait for a check
        snapshot = await server.scheduler.snapshot(uri)
        if snapshot is None or snapshot.lines.text != document.index.text:
            return None
        return completion.in_manifest(snapshot, at)

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def resolve_completion(item: types.CompletionItem) -> types.CompletionItem:
        data = item.data if isinstance(item.data, dict) else {}
        document = server.session.documents.get(str(data.get("uri")))
        root = document.root if document else server.session.root_of(None)
        configuration = await server.settings.configuration(root)
        return completion.resolved(
            item, str(data.get("kind")), configuration.ruleset, server.session.capabilities
        )


def handle_renderings(server: Server) -> None:
    """Have a server answer requests for what charts and overlays render to, and show it."""
    session = server.session

    async def rendered(uri: str) -> RenderedText:
        return await server.answer(
            "Rendering", rendered_text, session.charts.to_show(uri, session.workspaces), session.capabilities
        )

    @server.feature(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
    async def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        found = await rendered(params.uri)
        # after the answer: an editor counts columns in the text that it has
        later = asyncio.get_running_loop().call_later
        later(0, server.publisher.show_rendering, params.uri, found.diagnostics)
        return types.TextDocumentContentResult(found.text)

    @server.command(code_lens.SHOW_RENDERED)
    async def show(uri: str, rendering: str) -> bool:
        document = session.documents.get(uri)
        found = await rendered(rendering)
        line = found.lines.get(document.key, 0) if document else 0
        at = types.Position(line, 0)
        asked = types.ShowDocumentParams(rendering, take_focus=True, selection=types.Range(at, at))
        return (await asyncio.shield(server.window_show_document_async(asked))).success


def handle_lenses(server: Server) -> None:
    """Have a server answer requests for code lenses."""

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens] | None:
        uri = params.text_document.uri
        if await server.scheduler.control_snapshot(uri):
            for other in [*server.session.documents]:
                await server.scheduler.snapshot(other)
            control = await server.scheduler.control_snapshot(uri)
            return await server.executors.run_answer(authoring.lenses, control) if control else None
        snapshot = await server.scheduler.snapshot(uri)
        return code_lens.code_lenses(snapshot) if snapshot else None

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve_lens(one: types.CodeLens) -> types.CodeLens:
        if one.command is not None:
            return one
        data = one.data if isinstance(one.data, dict) else {}
        snapshot = await server.scheduler.snapshot(str(data.get("uri")))
        if snapshot is not None and data.get("rendered"):
            # a chart can have thousands of findings, and this is asked after each rendering
            one.command = await server.executors.run_answer(code_lens.command, snapshot, data)
        else:
            one.command = code_lens.command(snapshot, data) if snapshot else None
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
        if await server.scheduler.settings_snapshot(uri) is None:
            await server.scheduler.snapshot(uri)
        found = session.published.get(uri, NOTHING)
        return Json(diagnostics.document_report(found, params.previous_result_id))

    @server.feature(types.WORKSPACE_DIAGNOSTIC)
    async def all_diagnosed(params: types.WorkspaceDiagnosticParams) -> Json:
        previous = {known.uri: known.value for known in params.previous_result_ids}
        while not (report := diagnostics.workspace_report(session.published, previous)):
            await server.changed.wait()  # the client wants to hear of the next change, not that there is none
        return Json(report)
