"""An editor that knows whether its user trusts a workspace: until then its policies are not loaded."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.admitting import policy
from support.controls import place_of
from support.manifests import LABELLED_POD

from kscan_lsp.lsp.features.status import UNTRUSTED

CONTROL = (
    "id: OWN-0001\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
    "checks:\n- deny: 'true'\n  at: metadata\n  message: nothing\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/own.yaml").write_text(CONTROL)
    (tmp_path / "admission.yaml").write_text(policy("object.metadata.name != 'a'"))
    (tmp_path / ".kscan.yaml").write_text("policies: policies\ncontrols: {include: [OWN-0001, C-0057]}\n")
    return tmp_path


async def status_of(editor, uri: str) -> list[str]:
    """What is said of a file beside its text."""
    asked = types.ExecuteCommandParams(command="kscan.status", arguments=[uri])
    return (await editor.workspace_execute_command_async(asked))["lines"]


def codes(newest) -> set[str]:
    """What kind of finding there is of each: a control of the workspace, an admission policy, one that is built in."""
    return {one.code if one.code == "OWN-0001" else one.code.partition("-")[0] for one in newest.diagnostics}


@pytest.mark.asyncio
async def test_policies_wait_for_trust_and_then_all_is_judged_anew(editor, folder):
    await editor.start(folder, options={"trusted": False})
    uri, settings = (folder / "pod.yaml").as_uri(), (folder / ".kscan.yaml").as_uri()
    editor.open(uri, LABELLED_POD % ("a", "a"))
    await editor.until(uri, lambda newest: codes(newest) == {"C"})
    (notice,) = await editor.until(settings, lambda newest: bool(newest.diagnostics))
    assert (notice.code, notice.severity, notice.range.start.line) == ("untrusted", 3, 0)
    assert UNTRUSTED in (await status_of(editor, uri))
    editor.protocol.notify("kscan/trustGranted", {})
    await editor.until(uri, lambda newest: len(codes(newest)) == 3)
    await editor.until(settings, lambda newest: not newest.diagnostics)
    assert UNTRUSTED not in (await status_of(editor, uri))


async def asked_about(editor, uri: str, text: str, word: str) -> tuple[object, object, object]:
    """The lenses, the hover and the actions of a file of policies."""
    document, at = types.TextDocumentIdentifier(uri), place_of(text, word, 1)
    actions = types.CodeActionParams(document, types.Range(at, at), types.CodeActionContext([]))
    return (
        await editor.text_document_code_lens_async(types.CodeLensParams(document)),
        await editor.text_document_hover_async(types.HoverParams(document, at)),
        await editor.text_document_code_action_async(actions),
    )


@pytest.mark.asyncio
async def test_nothing_of_a_control_is_run_before_its_workspace_is_trusted(editor, folder):
    """A control whose file is read for something else, and the definitions of a pack, too."""
    named = folder / "policies/own.yaml"
    text = f"{CONTROL}tests:\n- name: a\n  manifest: '{{}}'\n"
    named.write_text(text)
    pack = "name: a\nversion: 1.0.0\ndefinitions: {few: size('abc') < 4}\n"
    policy_text = policy("object.metadata.name != 'a'")
    (folder / ".kscan.yaml").write_text("policies: policies\nbaseline: policies/own.yaml\n")
    await editor.start(folder, options={"trusted": False, "codeLens": True})
    opened = {
        named: (text, "true"),
        folder / "kscan-pack.yaml": (pack, "size("),
        folder / "admission.yaml": (policy_text, "metadata.name !="),
    }
    editor.open((folder / "pod.yaml").as_uri(), LABELLED_POD % ("a", "a"))
    for path, (content, _) in opened.items():
        editor.open(path.as_uri(), content)
    for path, (content, word) in opened.items():
        lenses, hover, actions = await asked_about(editor, path.as_uri(), content, word)
        own = (
            [] if path.name == "admission.yaml" else lenses
        )  # it is a manifest, which is judged as any other
        assert (own or [], hover, actions or []) == ([], None, [])
    editor.protocol.notify("kscan/trustGranted", {})
    for path, (content, word) in opened.items():
        _, hover, _ = await asked_about(editor, path.as_uri(), content, word)
        assert hover is not None, path.name
    assert (await asked_about(editor, named.as_uri(), text, "true"))[0]


@pytest.mark.asyncio
@pytest.mark.parametrize("options", [None, {"trusted": True}, {"trusted": "no"}])
async def test_an_editor_that_does_not_say_so_trusts(editor, folder, options):
    await editor.start(folder, options=options)
    uri = (folder / "pod.yaml").as_uri()
    editor.open(uri, LABELLED_POD % ("a", "a"))
    await editor.until(uri, lambda newest: "OWN-0001" in codes(newest))
