"""Exceptions in the editor: written by a click, followed, explained, and said again without judging anything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from lsprotocol.types import TextDocumentContentChangeWholeDocument
from support.positions import offset
from support.views import never, view_of

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import code_actions, completion, exception_edit, hover, references
from kscan_lsp.lsp.session.reconfigured import reconfigured
from kscan_lsp.lsp.session.snapshot import OpenText, SettingsSnapshot, SettingsSources
from kscan_lsp.text import LineIndex, apply_edits
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

TEXT = """\
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
SETTINGS = "frameworks: []\ncontrols: {include: [C-0057]}\n"
TODAY = date(2026, 1, 1)
EDITOR = Capabilities(document_changes=True, create_files=True, markup=types.MarkupKind.Markdown)
TITLE = "Accept C-0057 in .kscan/exceptions.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".kscan").mkdir()
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    monkeypatch.setattr("support.views.FOLDER", tmp_path)
    return tmp_path


def view(
    folder: Path, exceptions: str | None = None, client: Capabilities = EDITOR, **sources: Any
) -> DocumentSnapshot:
    path = folder / ".kscan/exceptions.yaml"
    if exceptions is not None:
        path.write_text(exceptions)
    configuration, wrong = configure(folder, today=TODAY)
    assert wrong == ()
    made = view_of(TEXT, "a.yaml", client, configuration)
    project = Project(Evaluator(configuration.ruleset, Evidence(TODAY)), exceptions=configuration.exceptions)
    project = project.with_file(made.key, TEXT)
    return made._replace(
        project=project,
        checked=project.files[made.key],
        folders=(folder,),
        sources=SettingsSources(**sources),
    )


def edit_of(snapshot: DocumentSnapshot) -> types.WorkspaceEdit | None:
    at = types.Range(types.Position(8, 8), types.Position(8, 8))
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(snapshot.uri), at, types.CodeActionContext(diagnostics=[])
    )
    found = {one.title: one.edit for one in code_actions.code_actions(snapshot, params, never)}
    return found.get(TITLE)


ENTRY = {
    "controls": ["C-0057"], "kinds": ["Pod"], "names": ["web"], "namespaces": ["shop"], "reason": "TODO: say why",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "# ours\n", "exceptions:\n", "exceptions: []\n", "exceptions:\n- names: [x]\n",
        "exceptions: [{names: [x]}]\n",
        "exceptions:\r\n  - names: [x]  # why\r\n  # more\r\n",
    ],
)  # fmt: skip
def test_an_entry_is_added_in_the_style_of_the_file(text: str) -> None:
    edit = exception_edit.with_entry(text, ENTRY)
    assert edit is not None
    after = apply_edits(text, [edit])
    before = (read_document(text).data or {}).get("exceptions") or []
    assert read_document(after).data == {"exceptions": [*before, ENTRY]}
    assert all(line in after.splitlines() for line in text.splitlines() if "#" in line)


@pytest.mark.parametrize(
    "text", ["exceptions: {}\n", "exceptions: [", "- a\n", "exceptions:\n- names: []\n", "--- \n...\n"]
)
def test_nothing_is_added_to_what_is_wrong(text: str) -> None:
    assert exception_edit.with_entry(text, ENTRY) is None


def test_a_click_makes_the_file_with_a_reason_to_be_given(folder: Path) -> None:
    edit = edit_of(view(folder))
    assert edit is not None
    created, changed = edit.document_changes
    assert created.uri == changed.text_document.uri == (folder / ".kscan/exceptions.yaml").as_uri()
    text = changed.edits[0].new_text
    assert read_document(text).data == {"exceptions": [ENTRY]}
    after = view(folder, text)
    assert [one.finding.status for one in after.checked.findings()] == ["accepted"]
    assert ["has no reason yet" in one.problem.message for one in after.configuration.problems] == [True]
    assert edit_of(after) is None, "there is nothing to accept any more"


def test_no_click_where_nothing_would_come_of_it(folder: Path) -> None:
    assert edit_of(view(folder, client=Capabilities(document_changes=True))) is None, "it can make no file"
    assert edit_of(view(folder, "exceptions: [\n")) is None
    (folder / ".kscan/exceptions.yaml").unlink()
    (folder / ".kscan.yaml").write_text(f"{SETTINGS}exceptions: {{maxDays: 90}}\n")
    made = edit_of(view(folder))
    assert made is not None
    assert "until: 2026-04-01" in made.document_changes[1].edits[0].new_text.replace('"', "")


def test_the_text_in_the_editor_goes_before_what_is_on_disk(folder: Path) -> None:
    path = folder / ".kscan/exceptions.yaml"
    opened = {path: OpenText("file:///as/opened", 7, "exceptions:\n- names: [x]\n")}
    edit = edit_of(view(folder, "exceptions: []\n", documents=opened))
    assert edit is not None
    (changed,) = edit.document_changes
    assert (changed.text_document.uri, changed.text_document.version) == ("file:///as/opened", 7)
    assert changed.edits[0].range.start.line == 2


ACCEPTED = (
    "exceptions:\n# here\n- names: [web]\n  reason: a [driver](x)\n  approvedBy: ciso\n  until: 2026-12-31\n"
)


def test_an_accepted_finding_says_where_it_is_and_leads_there(folder: Path) -> None:
    snapshot, at = view(folder, ACCEPTED), types.Position(8, 8)
    uri = (folder / ".kscan/exceptions.yaml").as_uri()
    (place,) = references.definitions(snapshot, at)
    assert (place.uri, place.range.start.line) == (uri, 2)
    found = hover.hover(snapshot, at)
    assert found is not None
    said = found.contents.value
    assert said.startswith(f"C-0057 is accepted here by [.kscan/exceptions.yaml:3]({uri}#L3): a ")
    assert "approved by ciso; until 2026" in said.replace("\\", "")
    assert "[driver](x)" not in said


def settings_view(text: str) -> SettingsSnapshot:
    configuration, _ = configure(None)
    return SettingsSnapshot(
        "file:///shop/.kscan/exceptions.yaml", LineIndex(text), configuration, Capabilities()
    )


def offered(marked: str) -> set[str]:
    text = marked.replace("|", "")
    place = types.Position(
        marked[: marked.index("|")].count("\n"), len(marked[: marked.index("|")].rpartition("\n")[2])
    )
    return {item.label for item in completion.in_settings(settings_view(text), offset(text, place, "utf-16"))}


def test_terms_of_exceptions_are_completed_and_explained() -> None:
    assert offered("exc|") == {"exceptions"}
    assert {"controls", "approvedBy", "until", "labels"} <= offered("exceptions:\n- na|")
    assert "C-0057" in offered("exceptions:\n- controls: [C-00|]\n")
    assert "nsa" in offered("exceptions:\n- frameworks:\n  - n|\n")
    assert {"Deployment", "ClusterRole"} <= offered("exceptions:\n- kinds: [D|]\n")
    assert "Deployment" not in offered("exceptions:\n- names: [D|]\n")
    for term, position, what in (
        ("controls", types.Position(1, 3), "Ids or titles of controls"),
        ("C-0057", types.Position(1, 14), "Privileged container"),
    ):
        text = "exceptions:\n- controls: [C-0057]\n"
        found = hover.hover_settings(settings_view(text), position)
        assert found is not None, term
        assert what in found.contents.value


def test_other_exceptions_judge_nothing_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = (folder / "a.yaml").as_uri()

    def workspace(text: str, old: Any = None) -> Any:
        (folder / ".kscan/exceptions.yaml").write_text(text)
        configuration, _ = configure(folder, today=TODAY)
        return reconfigured(old, folder, configuration, TODAY, indexed=False, judging=False)

    def status(made: Any) -> str:
        (one,) = made.project.files[key].findings()
        return one.finding.status

    first = workspace("exceptions: []\n")
    first.project = first.project.with_file(key, TEXT)
    monkeypatch.setattr(Evaluator, "evaluate", None)
    second = workspace("exceptions:\n- names: [web]\n  paths: ['**/*.yaml']\n", first)
    assert second.project.evaluator is first.project.evaluator
    assert second.configuration.ruleset is first.project.ruleset
    third = workspace("exceptions: []\n", second)
    assert [status(made) for made in (first, second, third)] == ["open", "accepted", "open"]
    other = configure(folder, today=TODAY, changes={"frameworks": ["nsa"]})[0]
    assert not reconfigured(third, folder, other, TODAY, indexed=False, judging=False).project.files
    later = reconfigured(third, folder, third.configuration, date(2026, 1, 2), indexed=False, judging=False)
    assert not later.project.files, "comments have days, too"


@pytest.mark.asyncio
async def test_an_exception_is_written_in_the_editor(editor: Any, folder: Path) -> None:
    (folder / "a.yaml").write_text(TEXT)
    path = folder / ".kscan/exceptions.yaml"
    path.write_text("exceptions: []\n")
    await editor.start(folder)
    uri = (folder / "a.yaml").as_uri()
    editor.open(uri, TEXT)
    await editor.until(uri, lambda newest: [one.code for one in newest.diagnostics] == ["C-0057"])
    editor.open(path.as_uri(), "exceptions: []\n")
    editor.edit(
        path.as_uri(), 2, TextDocumentContentChangeWholeDocument(text="exceptions:\n- names: [web]\n")
    )
    await editor.until(uri, lambda newest: not newest.diagnostics)
    text = "exceptions:\n- names: [web]\n  untill: 2027-01-01\n"
    editor.edit(path.as_uri(), 3, TextDocumentContentChangeWholeDocument(text=text))
    await editor.until(uri, lambda newest: bool(newest.diagnostics))
    found = await editor.until(path.as_uri(), lambda newest: bool(newest.diagnostics))
    assert (found[0].message, found[0].range.start.line) == ("unknown key 'untill'; did you mean 'until'?", 2)


@pytest.mark.asyncio
async def test_a_file_that_comes_in_a_folder_holds_there(editor: Any, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/a.yaml").write_text(TEXT)
    await editor.start(folder)
    uri = (folder / "sub/a.yaml").as_uri()
    editor.open(uri, TEXT)
    await editor.until(uri, lambda newest: bool(newest.diagnostics))
    path = folder / "sub/.kscan/exceptions.yaml"
    path.parent.mkdir()
    path.write_text("exceptions:\n- controls: [C-0057]\n")
    event = types.FileEvent(uri=path.as_uri(), type=types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    await editor.until(uri, lambda newest: not newest.diagnostics)
