"""Commands: what they answer, and over the wire what they do to the editor's documents."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from views import FOLDER, edited, never, settings, view_of

from kscan_lsp.lsp import actions, overview

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccount: web
      containers:
        - name: api
          image: shop/api:1.0
          securityContext:
            privileged: true
            allowPrivilegeEscalation: true # kscan:ignore C-0016 -- the debugger needs it
"""
SAFE = "C-0294"  # a field whose name has changed


def test_status_counts_what_is_open_and_scores_the_file():
    view = view_of(DEPLOYMENT, configuration=settings(frameworks=["nsa", "recommended"]))
    found = overview.status(view)
    open_ones = [f for _, f in view.checked.findings() if f.status == "open"]
    assert sum(found[level] for level in ("critical", "high", "medium", "low")) == len(open_ones) > 0
    assert found["suppressed"] == 1
    assert [f["id"] for f in found["frameworks"]] == ["nsa", "recommended"]
    assert all(0 < f["score"] < 100 for f in found["frameworks"])


def test_nothing_is_known_about_what_is_left_alone():
    assert overview.status(view_of("replicas: 2\n", "values.yaml")) is None


def test_frameworks_tell_which_are_chosen():
    found = overview.frameworks(settings(frameworks="nsa"))
    assert {f["id"] for f in found if f["active"]} == {"nsa"}
    assert len(found) > 1
    assert all(f["name"] for f in found)


def test_the_report_names_files_from_their_folder_and_links_to_them():
    views = [view_of(DEPLOYMENT, "a b/web.yaml"), view_of(DEPLOYMENT, "<i>.yaml")]
    page = overview.report_page(views, [FOLDER], [], never)
    assert 'href="kscan-place:file%3A%2F%2F%2Fshop%2Fa%2520b%2Fweb.yaml#L16,13"' in page
    assert "a b/<wbr>web.yaml" in page
    assert "<i>" not in page
    assert f"{FOLDER.as_posix()}/a" not in page
    several = overview.report_page(views, [FOLDER, FOLDER.with_name("other")], [], never)
    assert "shop/<wbr>a b/<wbr>web.yaml" in several


def test_a_report_that_is_stopped_is_no_report():
    assert overview.report_page([view_of(DEPLOYMENT)], [FOLDER], [], lambda: True) is None


def test_a_fix_of_everything_that_is_stopped_changes_nothing():
    view = view_of(DEPLOYMENT)
    assert actions.fix_everything(view, actions.FIX_SAFE, lambda: True) is None
    fixed = actions.fix_everything(view, actions.FIX_SAFE, never)
    assert fixed.number == 1
    assert "serviceAccountName: web" in edited(DEPLOYMENT, fixed.edit)


async def run(editor: Any, command: str, *arguments: Any, **more: Any) -> Any:
    params = types.ExecuteCommandParams(command=command, arguments=list(arguments), **more)
    return await editor.workspace_execute_command_async(params)


@pytest.mark.asyncio
async def test_fix_all_edits_the_document_and_says_how_much(editor, tmp_path):
    applied: asyncio.Queue[types.ApplyWorkspaceEditParams] = asyncio.Queue()

    @editor.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        applied.put_nowait(params)
        return types.ApplyWorkspaceEditResult(applied="applied" not in text, failure_reason="it is locked")

    await editor.start(tmp_path)
    uri, text = (tmp_path / "web.yaml").as_uri(), DEPLOYMENT
    editor.open(uri, text)
    assert await run(editor, "kscan.fixAll", uri) == 1
    params = applied.get_nowait()
    assert [c.text_document.version for c in params.edit.document_changes] == [1]
    text = edited(text, params.edit) + "# applied\n"
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(text=text))
    assert await run(editor, "kscan.fixAll", uri) == 0
    assert applied.empty()

    editor.edit(uri, 3, types.TextDocumentContentChangeWholeDocument(text=DEPLOYMENT + "# applied\n"))
    with pytest.raises(JsonRpcException, match="it is locked"):
        await run(editor, "kscan.fixAll", uri)


@pytest.mark.asyncio
async def test_commands_about_what_is_not_there(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "web.yaml").as_uri()
    assert await run(editor, "kscan.status", uri) is None
    with pytest.raises(JsonRpcException, match="open it"):
        await run(editor, "kscan.fixAll", uri)
    page = await run(editor, "kscan.report")
    assert "nothing is known" in page["html"]
    assert {f["id"] for f in await run(editor, "kscan.frameworks") if f["active"]} == {"recommended"}


@pytest.mark.asyncio
async def test_the_report_is_about_what_is_open(editor, tmp_path):
    (tmp_path / ".kscan.yaml").write_text("frameworks: [nsaa]\n")
    await editor.start(tmp_path)
    uri = (tmp_path / "web.yaml").as_uri()
    editor.open(uri, DEPLOYMENT)
    page = (await run(editor, "kscan.report"))["html"]
    assert "Privileged container" not in page  # no framework is chosen
    assert ".kscan.yaml<span" in page
    assert "nsaa" in page
    assert (await run(editor, "kscan.status", uri))["high"] == 0
