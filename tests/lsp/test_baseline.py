"""Findings of the baseline in the editor: dimmed, with since when, taken in and let go by a click."""

from __future__ import annotations

import json

import pytest
from lsprotocol import types
from lsprotocol.types import TextDocumentContentChangeWholeDocument
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: api
    image: registry.example/api:1.0
    securityContext:
      privileged: true
"""
HOST = POD.replace("spec:\n", "spec:\n  hostPID: true\n")
SETTINGS = "frameworks: []\ncontrols: {include: [C-0057, C-0038]}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    (tmp_path / "a.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["baseline", "create", "--reason", "a driver"]).exit_code == 0
    return tmp_path


def shown(published) -> dict[str, int]:
    return {one.code: int(one.severity) for one in published.diagnostics}


NEW = {"C-0038": 1, "C-0057": 4}


@pytest.mark.asyncio
async def test_what_is_in_the_baseline_is_a_hint(editor, folder):
    await editor.start(folder)
    uri = (folder / "a.yaml").as_uri()
    editor.open(uri, POD)
    found = await editor.until(uri, lambda newest: shown(newest) == {"C-0057": 4})
    assert "(high, in the baseline since 2" in found[0].message
    assert found[0].message.endswith(": a driver)")
    assert list(found[0].tags) == [types.DiagnosticTag.Unnecessary]
    editor.edit(uri, 2, TextDocumentContentChangeWholeDocument(text=HOST))
    await editor.until(uri, lambda newest: shown(newest) == NEW)
    editor.edit(uri, 3, TextDocumentContentChangeWholeDocument(text="# note\n" + POD + "---\n" + POD))
    # the same object once more: one of both is new
    await editor.until(uri, lambda newest: [int(one.severity) for one in newest.diagnostics] == [4, 1])


@pytest.mark.asyncio
async def test_a_file_with_another_name_keeps_what_was_known_of_it(editor, folder):
    await editor.start(folder)
    before, now = folder / "a.yaml", folder / "b.yaml"
    before.rename(now)
    events = [
        types.FileEvent(uri=before.as_uri(), type=types.FileChangeType.Deleted),
        types.FileEvent(uri=now.as_uri(), type=types.FileChangeType.Created),
    ]
    editor.open(now.as_uri(), POD)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=events))
    await editor.until(now.as_uri(), lambda newest: shown(newest) == {"C-0057": 4})


async def actions(editor, uri, line) -> dict[str, types.CodeAction]:
    at = types.Range(types.Position(line, 6), types.Position(line, 6))
    found = await editor.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(uri), at, types.CodeActionContext(diagnostics=[]))
    )
    return {one.title: one for one in found}


def applied(edit, path) -> str:
    (change,) = edit.document_changes
    assert change.text_document.uri == path.as_uri()
    (one,) = change.edits
    lines = path.read_text().splitlines(keepends=True)
    starts = [sum(map(len, lines[:n])) for n in range(len(lines) + 1)]
    start, end = (starts[p.line] + p.character for p in (one.range.start, one.range.end))
    text = path.read_text()
    return text[:start] + one.new_text + text[end:]


@pytest.mark.asyncio
async def test_a_finding_goes_into_the_baseline_and_out_of_it(editor, folder):
    await editor.start(folder)
    uri, baseline = (folder / "a.yaml").as_uri(), folder / ".kscan/baseline.json"
    editor.open(uri, HOST)
    await editor.until(uri, lambda newest: shown(newest) == NEW)
    taken = applied((await actions(editor, uri, 4))["Accept C-0038 into the baseline"].edit, baseline)
    assert [one["control"] for one in json.loads(taken)["findings"]] == ["C-0038", "C-0057"]
    editor.open(baseline.as_uri(), taken, "json")  # not saved yet
    await editor.until(uri, lambda newest: shown(newest) == {"C-0038": 4, "C-0057": 4})
    baseline.write_text(taken)
    gone = applied((await actions(editor, uri, 9))["Remove C-0057 from the baseline"].edit, baseline)
    editor.edit(baseline.as_uri(), 2, TextDocumentContentChangeWholeDocument(text=gone))
    await editor.until(uri, lambda newest: shown(newest) == {"C-0038": 4, "C-0057": 1})


@pytest.mark.asyncio
async def test_a_baseline_that_cannot_be_read_is_a_problem_in_it(editor, folder):
    baseline = folder / ".kscan/baseline.json"
    baseline.write_text("{")
    await editor.start(folder)
    uri = (folder / "a.yaml").as_uri()
    editor.open(uri, POD)
    await editor.until(uri, lambda newest: shown(newest) == {"C-0057": 1})
    found = await editor.until(baseline.as_uri(), lambda newest: bool(newest.diagnostics))
    assert "everything counts as new" in found[0].message


@pytest.mark.asyncio
async def test_the_status_says_how_many_are_new(editor, folder):
    await editor.start(folder)
    uri = (folder / "a.yaml").as_uri()
    editor.open(uri, HOST)
    await editor.until(uri, lambda newest: shown(newest) == NEW)
    said = await editor.workspace_execute_command_async(
        types.ExecuteCommandParams(command="kscan.status", arguments=[uri])
    )
    assert said["text"].startswith("1 new (1 high)")
    assert said["lines"][0] == "This file: 1 new (1 high), 0 accepted, 1 in the baseline"
    assert said["baseline"] == 1


@pytest.mark.asyncio
async def test_a_worse_image_is_no_hint_any_more(editor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [KS-0060]}\n")
    for tag, number in (("1.0", 1), ("0.9", 2)):
        name = f"registry.example/api:{tag}"
        found = [
            {
                "VulnerabilityID": f"CVE-2026-{n}",
                "PkgName": "a",
                "InstalledVersion": "1",
                "Severity": "CRITICAL",
            }
            for n in range(number)
        ]
        made = {"SchemaVersion": 2, "ArtifactName": name, "ArtifactType": "container_image"}
        made |= {"Results": [{"Target": "x", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": found}]}
        (tmp_path / f"{tag}.trivy.json").write_text(json.dumps(made))
    (tmp_path / "a.yaml").write_text(POD)
    assert CliRunner().invoke(app, ["baseline", "create"]).exit_code == 0
    await editor.start(tmp_path)
    uri = (tmp_path / "a.yaml").as_uri()
    editor.open(uri, POD)
    await editor.until(uri, lambda newest: shown(newest) == {"KS-0060": 4})
    editor.edit(uri, 2, TextDocumentContentChangeWholeDocument(text=POD.replace("api:1.0", "api:0.9")))
    await editor.until(uri, lambda newest: shown(newest) == {"KS-0060": 1})
    editor.edit(uri, 3, TextDocumentContentChangeWholeDocument(text=POD))
    await editor.until(uri, lambda newest: shown(newest) == {"KS-0060": 4})
