"""The session as the protocol has it: encodings, versions, odd documents and clients."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.positions import covered, span

pytestmark = pytest.mark.asyncio

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - {name: api, image: "shop/🚀é", securityContext: {privileged: true}}
"""


def privileged(diagnostics: list[types.Diagnostic]) -> list[types.Range]:
    return [d.range for d in diagnostics if d.code == "C-0057"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_every_encoding_marks_the_same_characters(editor, tmp_path, encoding):
    capabilities = await editor.start(tmp_path, encodings=[encoding])
    assert capabilities.position_encoding == encoding
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    (place,) = privileged(await editor.shown(uri))
    assert covered(POD, place, encoding) == "privileged: true"

    at = POD.index("🚀")
    change = types.TextDocumentContentChangePartial(range=span(POD, at, at + 1, encoding), text="🚀\u2028é🚀")
    editor.edit(uri, 2, change)
    text = POD.replace("🚀", "🚀\u2028é🚀")
    (place,) = privileged(await editor.shown(uri, 2))
    assert covered(text, place, encoding) == "privileged: true"


async def test_a_client_that_names_no_encoding_counts_in_utf_16(editor, tmp_path):
    capabilities = await editor.start(tmp_path)
    assert capabilities.position_encoding in (None, "utf-16")
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    (place,) = privileged(await editor.shown(uri))
    assert covered(POD, place, "utf-16") == "privileged: true"


async def test_an_encoding_nobody_knows_falls_back_to_utf_16(editor, tmp_path):
    capabilities = await editor.start(tmp_path, encodings=["utf-7"])
    assert capabilities.position_encoding in (None, "utf-16")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_every_line_end(editor, tmp_path, end):
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    text = POD.replace("\n", end)
    editor.open(uri, text)
    (place,) = privileged(await editor.shown(uri))
    assert covered(text, place, "utf-16") == "privileged: true"
    at = text.index("spec:")
    editor.edit(
        uri, 2, types.TextDocumentContentChangePartial(range=span(text, at, at, "utf-16"), text=f"# é{end}")
    )
    text = text.replace("spec:", f"# é{end}spec:")
    (place,) = privileged(await editor.shown(uri, 2))
    assert covered(text, place, "utf-16") == "privileged: true"


async def test_a_byte_order_mark_is_a_character_of_the_text(editor, tmp_path):
    await editor.start(tmp_path)
    container = "{name: api, image: a, securityContext: {privileged: true}}"
    text = (
        f"\ufeff{{apiVersion: v1, kind: Pod, metadata: {{name: web}}, spec: {{containers: [{container}]}}}}\n"
    )
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, text)
    (place,) = privileged(await editor.shown(uri))
    assert covered(text, place, "utf-16") == "privileged: true"


async def test_several_changes_at_once_apply_in_order(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, "kind: Pod\n")
    top = span(POD, 0, 0, "utf-16")
    editor.edit(
        uri,
        2,
        types.TextDocumentContentChangeWholeDocument(text=POD),
        types.TextDocumentContentChangePartial(range=top, text="# two\n"),
        types.TextDocumentContentChangePartial(range=top, text="# one\n"),
    )
    (place,) = privileged(await editor.shown(uri, 2))
    assert place.start.line == 8


async def test_an_older_result_never_follows_a_newer_one(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    for version in range(2, 40):
        text = POD if version % 2 else POD.replace("privileged: true", "privileged: false")
        editor.edit(uri, version, types.TextDocumentContentChangeWholeDocument(text=text))
    assert len(privileged(await editor.shown(uri, 39))) == 1
    versions = [params.version for params in editor.published[uri]]
    assert versions == sorted(versions)


async def test_closing_clears_and_opening_again_starts_anew(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    first = await editor.shown(uri)
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(text="kind: Pod\n"))
    await editor.shown(uri, 2)
    editor.close(uri)
    assert await editor.shown(uri, None) == []
    editor.open(uri, POD)
    assert editor.plain(await editor.shown(uri)) == editor.plain(first)


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "file:///c%3A/Users/me/pod.yaml",
        "file:///C:/Users/me/pod.yaml",
        "vscode-vfs://x/pod.yaml",
    ],
)
async def test_documents_that_are_no_file_here(editor, uri):
    await editor.start()
    editor.open(uri, POD)
    assert len(privileged(await editor.shown(uri))) == 1


async def test_json(editor, tmp_path):
    await editor.start(tmp_path)
    text = """\
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {
  "containers": [{"name": "api", "image": "a", "securityContext": {"privileged": true}}]}}
"""
    uri = (tmp_path / "pod.json").as_uri()
    editor.open(uri, text, language="json")
    (place,) = privileged(await editor.shown(uri))
    assert covered(text, place, "utf-16") == '"privileged": true'


@pytest.mark.parametrize("language", ["json", "jsonc", "yaml"])
@pytest.mark.parametrize("uri", ["untitled:one", "file:///nowhere/pods.json"])
async def test_json_is_what_the_command_line_takes_for_it(editor, tmp_path, uri, language):
    await editor.start(tmp_path)
    pod = """{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {
\t"containers": [{"name": "api", "image": "a", "securityContext": {"privileged": true}}]}}"""
    editor.open(uri, f"{pod} {pod}", language=language)
    places = [place.start.line for place in privileged(await editor.shown(uri))]
    assert places == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# nothing\n",
        "name: not a manifest\n",
        "- 1\n",
        "{{ if .Values.on }}\nkind: Pod\n{{ end }}\n",
    ],
)
async def test_what_is_no_manifest_is_left_alone(editor, tmp_path, text):
    await editor.start(tmp_path)
    uri = (tmp_path / "values.yaml").as_uri()
    editor.open(uri, text)
    assert await editor.shown(uri) == []


async def test_settings_of_the_editor(editor, tmp_path):
    await editor.start(tmp_path, settings={"controls": {"exclude": ["C-0057"]}})
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    # the answer about settings may come after the first diagnostics
    assert await editor.until(uri, lambda newest: not privileged(newest.diagnostics))


async def test_a_wrong_setting_is_a_problem_of_its_file(editor, tmp_path):
    settings = tmp_path / ".kscan.yaml"
    settings.write_text("controls:\n  exclud: [C-0057]\n")
    await editor.start(tmp_path)
    editor.open(settings.as_uri(), settings.read_text())
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    await editor.shown(uri)
    editor.edit(
        uri, 2, types.TextDocumentContentChangeWholeDocument(text=POD + "# all before this is done\n")
    )
    assert len(privileged(await editor.shown(uri, 2))) == 1
    (problem,) = editor.published[settings.as_uri()][-1].diagnostics
    assert covered(settings.read_text(), problem.range, "utf-16") == "exclud"


async def test_a_fix_lands_on_the_right_characters(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    editor.open(uri, POD)
    found = [d for d in await editor.shown(uri) if d.code == "C-0057"]
    actions = await editor.text_document_code_action_async(
        types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=uri),
            range=found[0].range,
            context=types.CodeActionContext(diagnostics=found, only=["quickfix"]),
        )
    )
    # lsprotocol reads an action that only runs a command as that command
    fixes = [action for action in actions if isinstance(action, types.CodeAction) and action.is_preferred]
    (action,) = [fix for fix in fixes if fix.diagnostics[0].code == "C-0057"]
    if action.edit is None:
        action = await editor.code_action_resolve_async(action)
    (changed,) = action.edit.document_changes
    assert changed.text_document.version == 1
    text = POD
    for edit in changed.edits:
        assert covered(POD, edit.range, "utf-16") == "true"
        text = text.replace("privileged: true", f"privileged: {edit.new_text}")
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(text=text))
    assert privileged(await editor.shown(uri, 2)) == []


async def test_a_name_is_allowed_in_the_settings_and_its_finding_goes(editor, tmp_path):
    settings = tmp_path / ".kscan.yaml"
    settings.write_text("inputs:\n  insecureCapabilities: [NET_ADMIN, BPF]\n")
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    text = POD.replace("privileged: true", "capabilities: {add: [NET_ADMIN]}")
    editor.open(uri, text)
    found = [d for d in await editor.shown(uri) if d.code == "C-0046"]
    actions = await editor.text_document_code_action_async(
        types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=uri),
            range=found[0].range,
            context=types.CodeActionContext(diagnostics=found, only=["quickfix"]),
        )
    )
    (action,) = [action for action in actions if action.title.startswith("Allow")]
    assert action.edit is None
    action = await editor.code_action_resolve_async(action)
    (changed,) = action.edit.document_changes
    assert changed.text_document.uri == settings.as_uri()
    (edit,) = changed.edits
    assert covered(settings.read_text(), edit.range, "utf-16") == "NET_ADMIN, "
    editor.open(settings.as_uri(), "inputs:\n  insecureCapabilities: [BPF]\n")
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(text=text + "# judged again\n"))
    assert "C-0046" not in {d.code for d in await editor.shown(uri, 2)}
