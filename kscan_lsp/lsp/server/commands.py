"""Handlers of `workspace/executeCommand`: what the protocol has no request for.

| command | arguments | answer |
| --- | --- | --- |
| `kscan.fixAll` | a document's URI | how many fixes were made, all of them safe |
| `kscan.fixes` | a document's URI | what there is to fix, and what each fix does: see `fix_all.fixes_to_review` |
| `kscan.fixChosen` | a document's URI, and ids of these | how many fixes were made |
| `kscan.status` | a document's URI | counts and scores, or null: see `features/status.py` |
| `kscan.workspaceStatus` | | the same of all files that are judged, or null: see there |
| `kscan.frameworks` | | `[{id, name, active}]` |
| `kscan.scanWorkspace` | | `{files, findings: {critical, high, medium, low}}` of all files, which are shown then |
| `kscan.report` | | `{html}`, a page about all files of the workspace |
| `kscan.explanationPage` | a document's URI and a control's id | `{html}`, a page about both, or null |
| `kscan.acceptVulnerability` | a document's URI, an image, an id, a package | asks why; whether it was written |
| `kscan.imagePage` | a document's URI and an image | `{html, markdown}` about it, or null |
| `kscan.scanImage` | a document's URI and an image | has it scanned anew; true when that is done |
| `kscan.explain` | a control's id | the explanation as Markdown; what matters most of it is also shown as a message |
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled

from kscan_lsp.lsp.features import status
from kscan_lsp.lsp.features.code_actions import EXPLAIN
from kscan_lsp.lsp.features.explanation import explanation_page
from kscan_lsp.lsp.features.fix_all import FIX_SAFE, FixAll, fix_chosen, fix_everything, fixes_to_review
from kscan_lsp.lsp.features.image_page import image_page
from kscan_lsp.lsp.features.images import ACCEPT, SCAN
from kscan_lsp.lsp.features.report import report_page
from kscan_lsp.lsp.features.vex_edit import REASONS, vex_edit
from kscan_lsp.policy.explain import brief, explain
from kscan_lsp.workspace.images import ACCEPTED

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.server import Server
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot


def handle_commands(server: Server) -> None:
    """Have a server answer commands."""
    session = server.session

    async def everything() -> None:
        await server.scheduler.judge_everything()
        if not session.is_complete():  # a part would look like the whole
            raise JsonRpcRequestCancelled

    @server.command("kscan.status")
    async def shown_status(uri: str) -> dict[str, Any] | None:
        snapshot = await server.scheduler.snapshot(uri)
        of_file = status.status(snapshot) if snapshot else None
        return status.together(of_file, await surveyed()) if session.capabilities.status else of_file

    @server.command("kscan.workspaceStatus")
    async def surveyed() -> dict[str, Any] | None:
        complete = all(map(session.is_settled, session.folders))
        return await server.answer(
            "Counting", status.workspace_status, session.workspace_snapshot(), complete
        )

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

    @server.command("kscan.explanationPage")
    async def explained_on_a_page(uri: str, control: str) -> dict[str, str] | None:
        snapshot = await server.scheduler.snapshot(uri)
        page = explanation_page(snapshot, control) if snapshot else None
        return {"html": page} if page else None

    @server.command("kscan.imagePage")
    async def shown_image(uri: str, image: str) -> dict[str, Any] | None:
        snapshot = await server.scheduler.snapshot(uri)
        return image_page(snapshot, image) if snapshot else None

    @server.command(SCAN)
    async def scan_image(_uri: str, image: str) -> bool:
        if server.images is None:
            raise _failed(
                "images are not scanned here; turn it on: kscan.server.scanImages in the user's settings of VS Code, "
                "imageScans in the initialization options elsewhere"
            )
        if problem := await server.images.again(image):
            raise _failed(f"{image} was not scanned: {problem}")
        return True

    @server.command(EXPLAIN)
    def explained(control: str) -> str | None:
        for workspace in session.workspaces.values():
            ruleset = workspace.configuration.ruleset
            if known := ruleset.policies.controls.get(control):
                text = brief(known, ruleset)
                server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
                return explain(known, ruleset)
        return None


def handle_fixes(server: Server) -> None:
    """Have a server answer commands that fix what is wrong in a document."""
    session = server.session

    async def snapshot_of(uri: str) -> DocumentSnapshot:
        snapshot = await server.scheduler.snapshot(uri)
        if snapshot is None:
            raise _failed("this file cannot be fixed because it is not open; open it and try again")
        return snapshot

    async def make(fixed: FixAll | None, label: str) -> int:
        if fixed is None:
            return 0
        edit = types.ApplyWorkspaceEditParams(edit=fixed.edit, label=label)
        # a request to the client must not be given up because one of the client's is cancelled
        answer = await asyncio.shield(server.workspace_apply_edit_async(edit))
        if not answer.applied:
            why = answer.failure_reason or "the editor gave no reason"
            raise _failed(f"the fixes were not applied: {why}")
        return fixed.number

    @server.command(ACCEPT)
    async def accept(uri: str, image: str, vulnerability: str, package: str) -> bool:
        snapshot = await snapshot_of(uri)
        question = f"Why does {vulnerability} in {package} not matter in {image}?"
        items = [types.MessageActionItem(title) for title in REASONS]
        asked = types.ShowMessageRequestParams(types.MessageType.Info, question, items)
        chosen = await asyncio.shield(server.window_show_message_request_async(asked))
        if chosen is None or chosen.title not in REASONS:
            return False
        edit = vex_edit(snapshot, image, vulnerability, package, REASONS[chosen.title])
        if edit is None:
            raise _failed(
                f"no statement can be written to {ACCEPTED}: open a folder, and see that the file is OpenVEX"
            )
        await make(FixAll(edit, 1), f"kscan: accept {vulnerability}")
        return True

    @server.command("kscan.fixAll")
    async def fix_all(uri: str) -> int:
        if not session.capabilities.apply_edit:
            raise _failed("this editor takes no edits from a server; use the action 'Fix all safe problems'")
        snapshot = await snapshot_of(uri)
        fixed = await server.answer("Fixing all safe problems", fix_everything, snapshot, FIX_SAFE)
        if fixed is None and not session.capabilities.reviews:
            found = await server.answer("Looking for fixes", fixes_to_review, snapshot)
            if found is not None:
                server.window_show_message(types.ShowMessageParams(types.MessageType.Info, found["message"]))
        return await make(fixed, "kscan: fix all safe problems")

    @server.command("kscan.fixes")
    async def fixes(uri: str) -> dict[str, Any]:
        found = await server.answer("Looking for fixes", fixes_to_review, await snapshot_of(uri))
        if found is None:
            raise JsonRpcRequestCancelled
        return found

    @server.command("kscan.fixChosen")
    async def fix_these(uri: str, chosen: list[str]) -> int:
        snapshot = await snapshot_of(uri)
        fixed = await server.answer("Fixing what was chosen", fix_chosen, snapshot, frozenset(chosen))
        return await make(fixed, "kscan: fix what was chosen")


def _failed(message: str) -> JsonRpcException:
    return JsonRpcException(message, types.LSPErrorCodes.RequestFailed)
