"""Handlers of `workspace/executeCommand`: what the protocol has no request for.

| command | arguments | answer |
| --- | --- | --- |
| `kscan.fixAll` | a document's URI | how many fixes were made, all of them safe |
| `kscan.status` | a document's URI | counts and scores, or null: see `features/status.py` |
| `kscan.frameworks` | | `[{id, name, active}]` |
| `kscan.scanWorkspace` | | `{files, findings: {critical, high, medium, low}}` of all files, which are shown then |
| `kscan.report` | | `{html}`, a page about all files of the workspace |
| `kscan.explain` | a control's id | the explanation as Markdown; what matters most of it is also shown as a message |
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled

from kscan_lsp.lsp.features import status
from kscan_lsp.lsp.features.code_actions import EXPLAIN
from kscan_lsp.lsp.features.fix_all import FIX_SAFE, fix_everything
from kscan_lsp.lsp.features.report import report_page
from kscan_lsp.policy.explain import brief, explain

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.server import Server


def handle_commands(server: Server) -> None:
    """Have a server answer commands."""
    session = server.session

    async def everything() -> None:
        await server.scheduler.judge_everything()
        if not session.is_complete():  # a part would look like the whole
            raise JsonRpcRequestCancelled

    @server.command("kscan.fixAll")
    async def fix_all(uri: str) -> int:
        if not session.capabilities.apply_edit:
            raise _failed("this editor takes no edits from a server; use the action 'Fix all safe problems'")
        snapshot = await server.scheduler.snapshot(uri)
        if snapshot is None:
            raise _failed("this file cannot be fixed because it is not open; open it and try again")
        fixed = await server.answer("Fixing all safe problems", fix_everything, snapshot, FIX_SAFE)
        if fixed is None:
            return 0
        edit = types.ApplyWorkspaceEditParams(edit=fixed.edit, label="kscan: fix all safe problems")
        # a request to the client must not be given up because one of the client's is cancelled
        answer = await asyncio.shield(server.workspace_apply_edit_async(edit))
        if not answer.applied:
            why = answer.failure_reason or "the editor gave no reason"
            raise _failed(f"the fixes were not applied: {why}")
        return fixed.number

    @server.command("kscan.status")
    async def file_status(uri: str) -> dict[str, Any] | None:
        snapshot = await server.scheduler.snapshot(uri)
        return status.status(snapshot) if snapshot else None

    @server.command("kscan.frameworks")
    async def frameworks() -> list[dict[str, Any]]:
        return status.frameworks(await server.settings.configuration(session.root_of(None)))

    @server.command("kscan.scanWorkspace")
    async def scan_workspace() -> dict[str, Any]:
        session.showing = True
        await everything()
        return status.totals([file for file, _ in session.workspace_snapshot().files])

    @server.command("kscan.report")
    async def report() -> dict[str, str]:
        if not (session.capabilities.watched_files and session.is_complete()):
            await everything()
        page = await server.answer("Writing the report", report_page, session.workspace_snapshot())
        if page is None:
            raise JsonRpcRequestCancelled
        return {"html": page}

    @server.command(EXPLAIN)
    def explained(control: str) -> str | None:
        for workspace in session.workspaces.values():
            ruleset = workspace.configuration.ruleset
            if known := ruleset.policies.controls.get(control):
                text = brief(known, ruleset)
                server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
                return explain(known, ruleset)
        return None


def _failed(message: str) -> JsonRpcException:
    return JsonRpcException(message, types.LSPErrorCodes.RequestFailed)
