"""What Rego says follows what the rest says, of the text that is there, and is what a scan says."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.gatekeeper import constraint, template

from kscan_lsp.policy.rego import has_engine

REGO = """package x
violation[{"msg": msg}] {
  name := input.review.object.spec.nodeName
  name != "good"
  msg := sprintf("<%v>", [name])
}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  nodeName: %s\n"


def said(published) -> list[str]:
    return [one.message for one in published.diagnostics if str(one.code).startswith("Gatekeeper/")]


@pytest.mark.skipif(not has_engine(), reason="what evaluates Rego is not installed (docs/gatekeeper.md)")
@pytest.mark.asyncio
async def test_answers_follow_in_the_editor(editor, tmp_path):
    policies = (template(code=[{"engine": "Rego", "source": {"rego": REGO}}]), constraint())
    for number, text in enumerate(policies):
        (tmp_path / f"{number}.json").write_text(text)
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
