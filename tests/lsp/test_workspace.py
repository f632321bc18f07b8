"""Findings that rest on other files: open, closed, changed on disk; and folders as a whole."""

from __future__ import annotations

import pytest
from lsprotocol import types
from lsprotocol.types import TextDocumentContentChangeWholeDocument

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: "registry.example.com/shop:1"}]
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop}
spec:
  podSelector: {matchLabels: {app: shop}}
"""
MISSING = "C-0260"


def codes(published) -> set[str]:
    return {diagnostic.code for diagnostic in published.diagnostics}


def whole(text: str) -> TextDocumentContentChangeWholeDocument:
    return TextDocumentContentChangeWholeDocument(text=text)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ".kscan.yaml").write_text("controls: {include: [C-0260]}\n")
    (tmp_path / "deploy.yaml").write_text(DEPLOYMENT)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def changed(editor, path, kind=types.FileChangeType.Changed) -> None:
    events = [types.FileEvent(uri=path.as_uri(), type=kind)]
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=events))


@pytest.mark.asyncio
async def test_a_selector_in_one_file_changes_the_findings_in_another(editor, folder):
    deploy, policy = (folder / "deploy.yaml").as_uri(), (folder / "policy.yaml").as_uri()
    await editor.start(folder)
    editor.open(deploy, DEPLOYMENT)
    editor.open(policy, POLICY)
    for version, app in enumerate(["cart", "shop", "cart", "shop"], start=2):
        editor.edit(policy, version, whole(POLICY.replace("app: shop", f"app: {app}")))
        await editor.until(deploy, lambda newest: (MISSING in codes(newest)) == (app == "cart"))  # noqa: B023
        assert editor.published[deploy][-1].version == 1


@pytest.mark.asyncio
async def test_a_closed_file_counts_as_it_is_on_disk(editor, folder):
    deploy, policy = (folder / "deploy.yaml").as_uri(), (folder / "policy.yaml").as_uri()
    await editor.start(folder)
    editor.open(deploy, DEPLOYMENT)
    editor.open(policy, "")  # not saved
    await editor.until(deploy, lambda newest: MISSING in codes(newest))
    editor.close(policy)
    await editor.until(deploy, lambda newest: MISSING not in codes(newest))
    # changed by another program, deleted, and made again
    for text in (POLICY.replace("app: shop", "app: cart"), POLICY, None, POLICY, "{{ a template }}"):
        if text is None:
            (folder / "policy.yaml").unlink()
        else:
            (folder / "policy.yaml").write_text(text)
        changed(editor, folder / "policy.yaml")
        await editor.until(deploy, lambda newest: (MISSING in codes(newest)) == (text != POLICY))  # noqa: B023


@pytest.mark.asyncio
async def test_files_that_are_left_out_count_for_nothing(editor, folder):
    """What a walk of the folder would not come to does not count when it changes, either."""
    deploy = (folder / "deploy.yaml").as_uri()
    (folder / "policy.yaml").unlink()
    (folder / ".gitignore").write_text("build/\n")
    for name in ("build", ".hidden", "node_modules"):
        (folder / name).mkdir()
    await editor.start(folder)
    editor.open(deploy, DEPLOYMENT)
    await editor.until(deploy, lambda newest: MISSING in codes(newest))
    for name in ("build", ".hidden", "node_modules"):
        (folder / name / "policy.yaml").write_text(POLICY)
        changed(editor, folder / name / "policy.yaml", types.FileChangeType.Created)
    (folder / "seen.yaml").write_text(POLICY.replace("app: shop", "tier: none"))
    changed(editor, folder / "seen.yaml", types.FileChangeType.Created)
    editor.edit(deploy, 2, whole(f"# edited\n{DEPLOYMENT}"))
    assert MISSING in {d.code for d in await editor.shown(deploy, 2)}
    (folder / "seen.yaml").write_text(POLICY)
    changed(editor, folder / "seen.yaml")
    await editor.until(deploy, lambda newest: MISSING not in codes(newest))


@pytest.mark.asyncio
async def test_diagnostics_of_the_whole_workspace(editor, folder):
    (folder / ".kscan.yaml").write_text("diagnostics: workspace\ncontrols: {include: [C-0260]}\n")
    (folder / "policy.yaml").unlink()
    deploy = (folder / "deploy.yaml").as_uri()
    await editor.start(folder)
    closed = await editor.until(deploy, lambda newest: MISSING in codes(newest))
    assert editor.published[deploy][-1].version is None
    editor.open(deploy, DEPLOYMENT)
    opened = await editor.shown(deploy)
    assert editor.plain(opened) == editor.plain(closed)
    editor.edit(deploy, 2, whole(""))
    assert await editor.shown(deploy, 2) == []
    editor.close(deploy)  # without saving: what is on disk counts again
    again = await editor.until(deploy, lambda newest: newest.version is None and newest.diagnostics)
    assert editor.plain(again) == editor.plain(closed)
    (folder / "policy.yaml").write_text(POLICY)
    changed(editor, folder / "policy.yaml", types.FileChangeType.Created)
    await editor.until(deploy, lambda newest: MISSING not in codes(newest))
    (folder / "deploy.yaml").unlink()
    changed(editor, folder / "deploy.yaml", types.FileChangeType.Deleted)
    await editor.until(deploy, lambda newest: not newest.diagnostics)


@pytest.mark.asyncio
async def test_two_folders_with_their_own_settings(editor, tmp_path):
    uris = {}
    for name, included in (("one", "[C-0260]"), ("two", "[C-0001]")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / ".kscan.yaml").write_text(f"frameworks: []\ncontrols: {{include: {included}}}\n")
        (folder / "deploy.yaml").write_text(DEPLOYMENT)
        uris[name] = (folder / "deploy.yaml").as_uri()
    await editor.start(tmp_path / "one")
    both = [types.WorkspaceFolder(uri=(tmp_path / name).as_uri(), name=name) for name in uris]
    event = types.WorkspaceFoldersChangeEvent(added=[both[1]], removed=[])
    editor.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=event))
    for uri in uris.values():
        editor.open(uri, DEPLOYMENT)
    await editor.until(uris["one"], lambda newest: MISSING in codes(newest))
    assert await editor.shown(uris["two"]) == []
    # a policy in the other folder selects nothing here
    (tmp_path / "two" / "policy.yaml").write_text(POLICY)
    changed(editor, tmp_path / "two" / "policy.yaml", types.FileChangeType.Created)
    editor.edit(uris["one"], 2, whole(f"# edited\n{DEPLOYMENT}"))
    assert MISSING in {d.code for d in await editor.shown(uris["one"], 2)}


@pytest.mark.asyncio
async def test_closed_files_are_shown_for_as_long_as_the_settings_say_so(editor, folder):
    settings = "frameworks: []\ndiagnostics: {}\ncontrols: {{include: {}}}\n"
    (folder / ".kscan.yaml").write_text(settings.format("workspace", "[C-0260]"))
    (folder / "policy.yaml").unlink()
    deploy = (folder / "deploy.yaml").as_uri()
    await editor.start(folder)
    await editor.until(deploy, lambda newest: MISSING in codes(newest))
    before = len(editor.published[deploy])
    (folder / ".kscan.yaml").write_text(settings.format("workspace", "[C-0260, C-0004]"))
    changed(editor, folder / ".kscan.yaml")
    await editor.until(deploy, lambda newest: codes(newest) == {MISSING, "C-0004"})
    assert all(published.diagnostics for published in editor.published[deploy][before:])
    (folder / ".kscan.yaml").write_text(settings.format("open", "[C-0260]"))
    changed(editor, folder / ".kscan.yaml")
    await editor.until(deploy, lambda newest: not codes(newest))


@pytest.mark.asyncio
async def test_what_is_shown_of_an_open_file_stays_when_its_folder_goes(editor, tmp_path):
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\n"
        "spec: {containers: [{name: shop, image: shop, securityContext: {privileged: true}}]}\n"
    )
    (tmp_path / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [C-0057]}\ndiagnostics: workspace\n"
    )
    files = [tmp_path / "closed.yaml", tmp_path / "open.yaml"]
    for file in files:
        file.write_text(pod)
    closed, opened = (file.as_uri() for file in files)
    await editor.start(tmp_path)
    for uri in (closed, opened):
        await editor.until(uri, lambda newest: newest.diagnostics)
    editor.open(opened, pod)
    assert await editor.shown(opened)
    event = types.WorkspaceFoldersChangeEvent(
        added=[], removed=[types.WorkspaceFolder(uri=tmp_path.as_uri(), name="folder")]
    )
    editor.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=event))
    await editor.until(closed, lambda newest: not newest.diagnostics)
    editor.edit(opened, 2, whole(f"{pod}# edited\n"))
    await editor.shown(opened, 2)
    assert all(published.diagnostics for published in editor.published[opened])


@pytest.mark.asyncio
@pytest.mark.parametrize("diagnostics", ["open", "workspace"])
async def test_other_places_follow_their_file(editor, folder, diagnostics):
    """A place in another file moves when lines come and go above it, though nothing in the finding's own file did."""
    control = """\
id: KS-9001
title: Selected
score: 5
description: The pods of this workload are selected by a network policy, which this test wants to see.
remediation: Nothing is to be done about that, since nothing is wrong with it.
checks:
- relations: {policies: networkPolicies}
  deny: policies.size() > 0
  at: metadata.name
  message: selected
  related: "policies.map(p, {'ref': p.ref, 'path': 'spec.podSelector', 'message': 'by this'})"
"""
    (folder / "controls").mkdir()
    (folder / "controls" / "selected.yaml").write_text(control)
    (folder / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [KS-9001]}\npolicies: [controls]\nexclude: [controls]\n"
        f"diagnostics: {diagnostics}\n"
    )
    deploy, policy = (folder / "deploy.yaml").as_uri(), (folder / "policy.yaml").as_uri()
    text = f"---\n{POLICY}"  # so that what is put above it is another document
    (folder / "policy.yaml").write_text(text)
    await editor.start(folder)
    if diagnostics == "open":
        editor.open(deploy, DEPLOYMENT)
    (found,) = await editor.until(deploy, lambda newest: newest.diagnostics)
    (place,) = found.related_information
    assert (place.location.uri, place.location.range.start.line, place.message) == (policy, 5, "by this")
    editor.open(policy, text)
    editor.edit(policy, 2, whole(f"# one\n# two\n{text}"))

    def line(newest):
        return newest.diagnostics[0].related_information[0].location.range.start.line

    await editor.until(deploy, lambda newest: line(newest) == 7)
