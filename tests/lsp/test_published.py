"""Diagnostics for clients that ask: the same as for those that do not, and no more often than they change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from kscan_lsp.lsp.features.diagnostics import workspace_report
from kscan_lsp.lsp.session.published import NOTHING, published

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: api
    image: "shop/🚀é:1.0"
    securityContext: {privileged: true}
"""
SAFE = POD.replace("privileged: true", "privileged: false")


def test_only_what_has_changed_is_told():
    one, other = published(1, '{"message":"one"}'), published(None, '{"message":"two"}')
    found = {"a": one, "b": other, "c": published(3, "")}
    assert '"a"' in workspace_report(found, {"b": other.result})
    assert '"b"' not in workspace_report(found, {"b": other.result})
    assert workspace_report(found, {"a": one.result, "b": other.result}) == ""
    gone = workspace_report({}, {"a": one.result})
    assert '"uri":"a"' in gone
    assert '"items":[]' in gone
    assert workspace_report({}, {"a": NOTHING.result}) == ""


def test_a_result_is_named_by_what_it_says():
    assert published(1, "x").result == published(2, "x").result
    assert published(1, "x").result != published(1, "y").result


async def ask(editor: Any, uri: str, previous: str | None = None) -> Any:
    document = types.TextDocumentIdentifier(uri=uri)
    params = types.DocumentDiagnosticParams(document, previous_result_id=previous)
    return await editor.text_document_diagnostic_async(params)


def ask_all(editor: Any, previous: dict[str, str], msg_id: str | None = None) -> asyncio.Future[Any]:
    known = [types.PreviousResultId(uri, result) for uri, result in previous.items()]
    params = types.WorkspaceDiagnosticParams(known)
    sent = editor.protocol.send_request(types.WORKSPACE_DIAGNOSTIC, params, msg_id=msg_id)
    return asyncio.wrap_future(sent)


def replaced(text: str) -> types.TextDocumentContentChangeWholeDocument:
    return types.TextDocumentContentChangeWholeDocument(text=text)


@pytest.mark.asyncio
async def test_a_document_is_told_once_and_again_when_it_has_changed(editor, other_editor, tmp_path):
    uri = (tmp_path / "pod.yaml").as_uri()
    await other_editor.start(tmp_path)
    other_editor.open(uri, POD)
    pushed = await other_editor.shown(uri)

    capabilities = await editor.start(tmp_path, options={"pull": True})
    assert capabilities.diagnostic_provider.inter_file_dependencies
    assert capabilities.diagnostic_provider.workspace_diagnostics
    editor.open(uri, POD)
    first = await ask(editor, uri)
    assert editor.plain(first.items) == editor.plain(pushed)
    assert (await ask(editor, uri, first.result_id)).kind == "unchanged"
    editor.edit(uri, 2, replaced(SAFE))
    second = await ask(editor, uri, first.result_id)
    assert not [d for d in second.items if d.code == "C-0057"]
    editor.edit(uri, 3, replaced(POD))
    assert (await ask(editor, uri, first.result_id)).kind == "unchanged"
    assert not editor.published


@pytest.mark.asyncio
async def test_settings_files_are_asked_for_like_others(editor, tmp_path):
    settings = tmp_path / ".kscan.yaml"
    settings.write_text("frameworks: [nsaa]\n", encoding="utf-8")
    await editor.start(tmp_path, options={"pull": True})
    uri = settings.as_uri()
    editor.open(uri, "frameworks: [nsaa]\n")
    (problem,) = (await ask(editor, uri)).items
    assert "nsaa" in problem.message
    editor.edit(uri, 2, replaced("frameworks: [nsa]\n"))
    assert (await ask(editor, uri)).items == ()


@pytest.mark.asyncio
async def test_the_client_is_told_when_something_else_changed_the_result(editor, tmp_path):
    await editor.start(tmp_path, options={"pull": True})
    uri, settings = (tmp_path / "pod.yaml").as_uri(), tmp_path / ".kscan.yaml"
    editor.open(uri, POD)
    first = await ask(editor, uri)
    editor.edit(uri, 2, replaced(POD + "# its own edits are no news to it\n"))
    assert (await ask(editor, uri, first.result_id)).kind == "unchanged"
    assert editor.refreshed == 0

    settings.write_text("controls: {exclude: C-0057}\n", encoding="utf-8")
    event = types.FileEvent(uri=settings.as_uri(), type=types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.wait(lambda: editor.refreshed > 0)
    again = await ask(editor, uri, first.result_id)
    assert "C-0057" in {d.code for d in first.items} - {d.code for d in again.items}


@pytest.mark.asyncio
async def test_a_client_that_asks_without_having_said_so_is_pushed(editor, tmp_path):
    capabilities = await editor.start(tmp_path)
    assert capabilities.diagnostic_provider is None


@pytest.mark.asyncio
async def test_the_workspace_is_answered_when_there_is_news(editor, tmp_path):
    (tmp_path / "closed.yaml").write_text(POD, encoding="utf-8")
    closed, uri = (tmp_path / "closed.yaml").as_uri(), (tmp_path / "pod.yaml").as_uri()
    await editor.start(tmp_path, options={"pull": True})
    asked = ask_all(editor, {})
    editor.open(uri, SAFE.replace("web", "api"))
    report = await asked
    assert [item.uri for item in report.items] == [uri]
    assert [item.version for item in report.items] == [1]
    known = {item.uri: item.result_id for item in report.items}

    asked = ask_all(editor, known)
    scan = types.ExecuteCommandParams(command="kscan.scanWorkspace", arguments=[])
    totals = await editor.workspace_execute_command_async(scan)
    assert totals["files"] == 2
    report = await asked
    assert [item.uri for item in report.items] == [closed]
    assert "C-0057" in {d.code for d in report.items[0].items}
    known |= {item.uri: item.result_id for item in report.items}

    asked = ask_all(editor, known)
    editor.open(closed, SAFE)
    (item,) = (await asked).items
    assert (item.uri, item.version) == (closed, 1)
    assert "C-0057" not in {d.code for d in item.items}


@pytest.mark.asyncio
async def test_a_question_that_waits_can_be_taken_back(editor, tmp_path):
    await editor.start(tmp_path, options={"pull": True})
    asked = ask_all(editor, {}, "long")
    editor.cancel_request(types.CancelParams(id="long"))
    with pytest.raises(JsonRpcException):
        await asked
