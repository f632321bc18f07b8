"""Admission policies that settings name count in the editor, as they are typed."""

from __future__ import annotations

import pytest
from support.admitting import policy

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {hostPID: true}\n"


def ids(published) -> set[str]:
    return {str(one.code) for one in published.diagnostics if str(one.code).startswith("VAP/")}


@pytest.mark.asyncio
async def test_a_named_policy_counts_as_it_is_typed(editor, tmp_path):
    folder, platform = tmp_path / "apps", tmp_path / "platform"
    for one in (folder, platform, tmp_path / ".git"):
        one.mkdir()
    (folder / ".kscan.yaml").write_text("admission: {policies: [../platform]}\n")
    (folder / "web.yaml").write_text(POD)
    file = platform / "pid.yaml"
    file.write_text(policy("!object.spec.hostPID", name="pid"))
    await editor.start(folder)
    web = (folder / "web.yaml").as_uri()
    editor.open(web, POD)
    await editor.until(web, lambda newest: ids(newest) == {"VAP/pid"})
    editor.open(file.as_uri(), policy("object.spec.hostPID", name="pid"))
    await editor.until(web, lambda newest: ids(newest) == set())
