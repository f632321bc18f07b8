"""What Rego says follows what the rest says, of the text that is there, and is what a scan says."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.gatekeeper import constraint, template
from support.kubescape import control, framework, metadata, written

from kscan_lsp.policy.rego import has_engine

REGO = """package x
violation[{"msg": msg}] {
  name := input.review.object.spec.nodeName
  name != "good"
  msg := sprintf("<%v>", [name])
}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  nodeName: %s\n"


RULE = """package armo_builtins
deny[alert] {
  pod := input[_]
  pod.spec.nodeName != "good"
  message := sprintf("<%v>", [pod.spec.nodeName])
  alert := {"alertMessage": message, "failedPaths": ["spec.nodeName"], "alertObject": {"k8sApiObjects": [pod]}}
}
"""
PODS = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["Pod"]}]


def said(published) -> list[str]:
    codes = ("Gatekeeper/", "ORG-")
    return [one.message for one in published.diagnostics if str(one.code).startswith(codes)]


def constraints(folder) -> None:
    """A folder with a constraint of Gatekeeper."""
    policies = (template(code=[{"engine": "Rego", "source": {"rego": REGO}}]), constraint())
    for number, text in enumerate(policies):
        (folder / f"{number}.json").write_text(text)


def rules(folder) -> None:
    """A folder with a control that is written for Kubescape."""
    own = framework("Own", "ORG-0001")
    made = {"node": (metadata("node", PODS), RULE)}
    written(folder / "org", made, [control("ORG-0001", "node")], frameworks__own=own)
    (folder / ".kscan.yaml").write_text("policies: [org]\nframeworks: [own]\n")


@pytest.mark.skipif(not has_engine(), reason="what evaluates Rego is not installed (docs/gatekeeper.md)")
@pytest.mark.asyncio
@pytest.mark.parametrize("policies", [constraints, rules])
async def test_answers_follow_in_the_editor(editor, tmp_path, policies):
    policies(tmp_path)
    (tmp_path / "web.yaml").write_text(POD % "bad")
    await editor.start(tmp_path)
    uri = (tmp_path / "web.yaml").as_uri()
    editor.open(uri, POD % "bad")
    await editor.until(uri, lambda newest: said(newest) == ["<bad>"])
    for version, name in enumerate(["g", "go", "goo", "good"], 2):
        editor.edit(uri, version, types.TextDocumentContentChangeWholeDocument(POD % name))
    await editor.until(uri, lambda newest: newest.version == 5 and said(newest) == [])
    assert {text for one in editor.published[uri] for text in said(one)} == {"<bad>"}
    editor.edit(uri, 6, types.TextDocumentContentChangeWholeDocument(POD % "goods"))
    await editor.until(uri, lambda newest: newest.version == 6 and said(newest) == ["<goods>"])


TOGETHER = """package armo_builtins
deny[alert] {
  pod := input[_]
  other := input[_]
  pod.metadata.name != other.metadata.name
  pod.spec.nodeName == other.spec.nodeName
  message := sprintf("<%v> twice", [pod.spec.nodeName])
  alert := {"alertMessage": message, "failedPaths": ["spec.nodeName"], "alertObject": {"k8sApiObjects": [pod]}}
}
"""


@pytest.mark.skipif(not has_engine(), reason="what evaluates Rego is not installed (docs/gatekeeper.md)")
@pytest.mark.asyncio
async def test_what_is_said_of_a_file_follows_an_edit_of_another(editor, tmp_path):
    own = framework("Own", "ORG-0001")
    made = {"node": (metadata("node", PODS), TOGETHER)}
    written(tmp_path / "org", made, [control("ORG-0001", "node")], frameworks__own=own)
    (tmp_path / ".kscan.yaml").write_text("policies: [org]\nframeworks: [own]\n")
    texts = {name: (POD % name).replace("name: web", f"name: {name}") for name in ("a", "b")}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    await editor.start(tmp_path)
    one, other = ((tmp_path / f"{name}.yaml").as_uri() for name in texts)
    for uri, text in zip((one, other), texts.values(), strict=True):
        editor.open(uri, text)
    await editor.until(other, lambda newest: said(newest) == [])
    changed = texts["a"].replace("nodeName: a", "nodeName: b")
    editor.edit(one, 2, types.TextDocumentContentChangeWholeDocument(changed))
    await editor.until(other, lambda newest: said(newest) == ["<b> twice"])
    await editor.until(one, lambda newest: newest.version == 2 and said(newest) == ["<b> twice"])
    editor.edit(one, 3, types.TextDocumentContentChangeWholeDocument(texts["a"]))
    await editor.until(other, lambda newest: said(newest) == [])
