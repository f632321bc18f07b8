"""In the editor, too, the settings of a folder hold on top of those above it."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types
from lsprotocol.types import TextDocumentContentChangeWholeDocument
from support.manifests import LABELLED_POD as POD

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {selector: {app: b}}\n"
ABOVE = "frameworks: []\ncontrols: {include: [C-0057, C-0038, C-0293]}\n"
BELOW = "controls: {exclude: [C-0057]}\n"


def codes(published) -> set[str]:
    return {diagnostic.code for diagnostic in published.diagnostics}


def changed(editor, path, kind=types.FileChangeType.Changed) -> None:
    events = [types.FileEvent(uri=path.as_uri(), type=kind)]
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=events))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "apps/worker").mkdir(parents=True)
    (tmp_path / ".kscan.yaml").write_text(ABOVE)
    (tmp_path / "apps/worker/.kscan.yaml").write_text(BELOW)
    (tmp_path / "a.yaml").write_text(POD % ("a", "a"))
    (tmp_path / "apps/worker/b.yaml").write_text(POD % ("b", "b"))
    (tmp_path / "s.yaml").write_text(SERVICE)
    return tmp_path


def opened(editor, path) -> str:
    editor.open(path.as_uri(), path.read_text())
    return path.as_uri()


@pytest.mark.asyncio
async def test_a_folder_has_its_own_settings(editor, folder):
    await editor.start(folder)
    above, below = opened(editor, folder / "a.yaml"), opened(editor, folder / "apps/worker/b.yaml")
    await editor.until(above, lambda newest: codes(newest) == {"C-0057", "C-0038"})
    await editor.until(below, lambda newest: codes(newest) == {"C-0038"})


@pytest.mark.asyncio
async def test_settings_that_come_and_go(editor, folder):
    settings = folder / "apps/worker/.kscan.yaml"
    await editor.start(folder)
    below = opened(editor, folder / "apps/worker/b.yaml")
    await editor.until(below, lambda newest: codes(newest) == {"C-0038"})
    settings.unlink()
    changed(editor, settings, types.FileChangeType.Deleted)
    await editor.until(below, lambda newest: codes(newest) == {"C-0057", "C-0038"})
    settings.write_text("controls: {exclude: [C-0038]}\n")
    changed(editor, settings, types.FileChangeType.Created)
    await editor.until(below, lambda newest: codes(newest) == {"C-0057"})


@pytest.mark.asyncio
async def test_settings_count_as_they_are_typed(editor, folder):
    await editor.start(folder)
    below, settings = (
        opened(editor, folder / "apps/worker/b.yaml"),
        opened(editor, folder / "apps/worker/.kscan.yaml"),
    )
    await editor.until(below, lambda newest: codes(newest) == {"C-0038"})
    editor.edit(settings, 2, TextDocumentContentChangeWholeDocument(text="controls: {exclude: [C-0038]}\n"))
    await editor.until(below, lambda newest: codes(newest) == {"C-0057"})


@pytest.mark.asyncio
async def test_what_is_locked_is_shown_where_it_is_weakened(editor, folder):
    (folder / ".kscan.yaml").write_text(f"{ABOVE}locked: [C-0057]\n")
    await editor.start(folder)
    below = opened(editor, folder / "apps/worker/b.yaml")
    await editor.until(below, lambda newest: codes(newest) == {"C-0057", "C-0038"})
    settings = (folder / "apps/worker/.kscan.yaml").as_uri()
    (one,) = await editor.until(settings, lambda newest: bool(newest.diagnostics))
    assert one.message == "'C-0057' stays on: settings above lock it"


@pytest.mark.asyncio
async def test_files_under_different_settings_speak_of_each_other(editor, folder):
    await editor.start(folder)
    service = opened(editor, folder / "s.yaml")
    opened(editor, folder / "a.yaml")
    await editor.until(service, lambda newest: "C-0293" not in codes(newest))
    (folder / "apps/worker/b.yaml").write_text(POD % ("b", "other"))
    changed(editor, folder / "apps/worker/b.yaml")
    await editor.until(service, lambda newest: "C-0293" in codes(newest))


@pytest.mark.asyncio
async def test_all_files_are_judged_by_their_own_settings(editor, folder):
    await editor.start(folder)
    params = types.ExecuteCommandParams(command="kscan.scanWorkspace", arguments=[])
    scanned = await asyncio.wait_for(editor.workspace_execute_command_async(params), 60)
    assert scanned["files"] == 3
    above, below = (folder / "a.yaml").as_uri(), (folder / "apps/worker/b.yaml").as_uri()
    await editor.until(above, lambda newest: codes(newest) == {"C-0057", "C-0038"})
    await editor.until(below, lambda newest: codes(newest) == {"C-0038"})
