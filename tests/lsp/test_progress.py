"""Progress of long work, and its end at the user's wish."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

pytestmark = pytest.mark.asyncio

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: web-{number}, namespace: shop}}
spec:
  containers:
  - name: api
    image: shop/api:1.0
    securityContext: {{privileged: true}}
"""
LONG = "---\n".join(POD.format(number=number) for number in range(500))
"""Fixing all of it takes seconds."""


def everything(uri: str, token: str | None) -> types.CodeActionParams:
    return types.CodeActionParams(
        types.TextDocumentIdentifier(uri=uri),
        types.Range(types.Position(0, 0), types.Position(0, 0)),
        types.CodeActionContext([], only=["source.kscan.fixAll"]),
        work_done_token=token,
    )


async def test_progress_goes_by_the_token_that_the_client_gives(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD.format(number=1))
    (action,) = await editor.text_document_code_action_async(everything(uri, "ours"))
    assert action.edit is not None
    await editor.wait(lambda: ("ours", "end") in editor.progress)
    assert editor.progress == [("ours", "begin"), ("ours", "end")]


async def test_cancelling_the_progress_of_long_work_leaves_everything_as_it_was(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pods.yaml").as_uri()
    editor.open(uri, LONG)
    asked = asyncio.ensure_future(editor.text_document_code_action_async(everything(uri, None)))
    await editor.wait(lambda: bool(editor.progress))
    token, kind = editor.progress[0]
    assert kind == "begin", editor.progress
    editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token=token))
    assert not await asked
    await editor.wait(lambda: (token, "end") in editor.progress)


async def test_cancelling_the_request_ends_its_progress(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pods.yaml").as_uri()
    editor.open(uri, LONG)
    asked = asyncio.ensure_future(
        editor.protocol.send_request_async(
            types.TEXT_DOCUMENT_CODE_ACTION, everything(uri, "ours"), msg_id="long"
        )
    )
    await editor.wait(lambda: ("ours", "begin") in editor.progress)
    editor.cancel_request(types.CancelParams(id="long"))
    with pytest.raises(JsonRpcException):
        await asked
    await editor.wait(lambda: ("ours", "end") in editor.progress)
