"""A control that is written in an editor, over the real server."""

from __future__ import annotations

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from support.controls import place_of
from support.positions import covered

CONTROL = """\
id: ORG-0001
title: a
severity: high
description: a
remediation: a
inputs: {teams: [web]}
checks:
  - each: containers
    deny: container.?securityContext.?privileged.orValue(false) && !(objectName in inputs.teams)
    at: securityContext.privileged
    message: "'{container.name}' is privileged"
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
  - {name: api, securityContext: {privileged: true}}
"""


@pytest.mark.asyncio
async def test_a_control_is_written_with_all_that_is_known_of_it(editor, tmp_path):
    settings = tmp_path / ".kscan.yaml"
    settings.write_text("policies: [control.yaml]\ninputs: {teams: [x]}\n")
    path, pod = tmp_path / "control.yaml", tmp_path / "pod.yaml"
    path.write_text(CONTROL)
    (tmp_path / "policy.yaml").write_text(POD)
    await editor.start(tmp_path)
    uri = path.as_uri()
    document = types.TextDocumentIdentifier(uri)
    editor.open(uri, CONTROL)
    editor.open(pod.as_uri(), POD)
    await editor.shown(pod.as_uri())

    at = place_of(CONTROL, "?privileged", 2)
    found = await editor.text_document_hover_async(types.HoverParams(document, at))
    assert covered(CONTROL, found.range, "utf-16") == "container.?securityContext.?privileged"
    assert "container 'api' of Pod 'shop', in pod.yaml" in found.contents.value

    typed = CONTROL.replace("deny: ", "deny: pod. || ")
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(typed))
    params = types.CompletionParams(document, place_of(typed, "pod. ", 4))
    items = await editor.text_document_completion_async(params)
    assert "hostNetwork" in {item.label for item in items}

    editor.edit(uri, 3, types.TextDocumentContentChangeWholeDocument(CONTROL))
    context = types.CodeActionContext(diagnostics=[])
    params = types.CodeActionParams(document, types.Range(at, at), context)
    (action,) = await editor.text_document_code_action_async(params)
    assert action.title == "Add a test that fails this check"

    at = place_of(CONTROL, "teams)", 1)
    (place,) = await editor.text_document_definition_async(types.DefinitionParams(document, at))
    assert covered(CONTROL, place.range, "utf-16") == "teams"
    assert place.range.start.line == 5
    params = types.ReferenceParams(types.ReferenceContext(False), document, at)
    places = await editor.text_document_references_async(params)
    assert {one.uri for one in places} == {uri, settings.as_uri()}
    ready = await editor.text_document_prepare_rename_async(types.PrepareRenameParams(document, at))
    assert ready.placeholder == "teams"
    edit = await editor.text_document_rename_async(types.RenameParams(document, at, "owners"))
    assert {one.text_document.uri for one in edit.document_changes} == {uri, settings.as_uri()}
    with pytest.raises(JsonRpcException, match="no name of an input"):
        await editor.text_document_rename_async(types.RenameParams(document, at, "1"))


@pytest.mark.asyncio
async def test_a_control_is_renamed_in_manifests_that_are_not_open(editor, tmp_path):
    (tmp_path / ".kscan.yaml").write_text("policies: [control.yaml]\n")
    path, pod = tmp_path / "control.yaml", tmp_path / "pod.yaml"
    path.write_text(CONTROL)
    pod.write_text(f"# kscan:ignore ORG-0001 -- because\n{POD}")
    await editor.start(tmp_path)
    editor.open(path.as_uri(), CONTROL)
    document, at = types.TextDocumentIdentifier(path.as_uri()), place_of(CONTROL, "ORG-0001", 2)
    edit = await editor.text_document_rename_async(types.RenameParams(document, at, "ORG-0009"))
    texts = {path.as_uri(): CONTROL, pod.as_uri(): pod.read_text()}
    assert {
        one.text_document.uri: [
            covered(texts[one.text_document.uri], part.range, "utf-16") for part in one.edits
        ]
        for one in edit.document_changes
    } == {path.as_uri(): ["ORG-0001"], pod.as_uri(): ["ORG-0001"]}
