"""Controls that were written for Kubescape judge in the editor, as manifests and they themselves are written."""

from __future__ import annotations

import pytest
from support.kubescape import OWNER, control, framework, metadata, written

from kscan_lsp.policy.rego import has_engine

WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\nspec: {}\n"


@pytest.fixture
def folder(tmp_path):
    made = [control("ORG-0001", "owner")]
    written(
        tmp_path / "org",
        {"owner": (metadata("owner"), OWNER)},
        made,
        frameworks__own=framework("Own", "ORG-0001"),
    )
    (tmp_path / ".kscan.yaml").write_text("policies: [org]\nframeworks: [own]\n")
    return tmp_path


def ids(published) -> set[str]:
    return {str(one.code) for one in published.diagnostics}


@pytest.mark.skipif(not has_engine(), reason="what evaluates Rego is not installed (docs/gatekeeper.md)")
@pytest.mark.asyncio
async def test_they_judge_as_a_manifest_is_typed(editor, folder):
    await editor.start(folder)
    uri = (folder / "web.yaml").as_uri()
    editor.open(uri, WEB)
    newest = await editor.until(uri, lambda newest: ids(newest) == {"ORG-0001"})
    assert newest[0].range.start.line == 4
    editor.open(uri, WEB.replace("app: web", "owner: me"))
    await editor.until(uri, lambda newest: ids(newest) == set())


@pytest.mark.asyncio
async def test_what_is_wrong_with_one_is_shown_in_its_file(editor, folder):
    path, uri = folder / "org/controls/ORG-0001.json", (folder / "web.yaml").as_uri()
    await editor.start(folder)
    editor.open(uri, WEB)
    await editor.until(uri, lambda newest: True)
    editor.open(path.as_uri(), path.read_text().replace('"owner"', '"ownr"'), "json")
    (one,) = await editor.until(path.as_uri(), lambda newest: bool(newest.diagnostics))
    assert "no rule here is called 'ownr'" in one.message
    editor.open(path.as_uri(), path.read_text(), "json")
    await editor.until(path.as_uri(), lambda newest: not newest.diagnostics)


@pytest.mark.asyncio
async def test_none_is_loaded_until_the_workspace_is_trusted(editor, folder):
    await editor.start(folder, options={"trusted": False})
    settings = (folder / ".kscan.yaml").as_uri()
    (notice,) = await editor.until(settings, lambda newest: bool(newest.diagnostics))
    assert notice.code == "untrusted"
