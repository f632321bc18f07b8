"""Allowing a name: an edit of the settings that hold for a file, proven to make its finding go away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from support.positions import offset
from support.views import never, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import allow, code_actions
from kscan_lsp.lsp.session.snapshot import OpenText, SettingsSources
from kscan_lsp.text import Encoding
from kscan_lsp.workspace.configuration import configure

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
    env:
    - name: DB_PASSWORD
      value: hunter2trout
    - {name: MQ_PASSWORD, value: hunter2trout}
    securityContext:
      capabilities: {add: [NET_ADMIN]}
"""
EDITOR = Capabilities(document_changes=True, create_files=True)
TITLE = "Allow 'DB_PASSWORD' in .kscan.yaml (sensitiveKeyNamesAllowed)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def view(
    folder: Path,
    settings: str | None = None,
    client: Capabilities = EDITOR,
    section: Any = None,
    unsaved: str | None = None,
) -> DocumentSnapshot:
    """A view of `TEXT` in a folder with these settings, on disk and, if they are open, in the editor."""
    path = folder / ".kscan.yaml"
    if settings is not None:
        path.write_text(settings)
    open_ = {} if unsaved is None else {path: OpenText(path.as_uri(), 7, unsaved)}
    sources = SettingsSources(section, open_)
    configuration, wrong = configure(folder, section=section, buffers=sources.texts)
    assert wrong == ()
    made = view_of(TEXT, client=client, configuration=configuration)
    return made._replace(sources=sources)


def offered(view: DocumentSnapshot, line: str = "hunter2trout") -> dict[str, types.CodeAction]:
    at = types.Position(TEXT[: TEXT.index(line)].count("\n"), 12)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(view.uri), types.Range(at, at), types.CodeActionContext([])
    )
    found = code_actions.code_actions(view, params, never)
    return {action.title: action for action in found if action.title.startswith("Allow")}


def edited(text: str, edit: types.WorkspaceEdit) -> str:
    """The settings with an edit made."""
    (change,) = [one for one in edit.document_changes if isinstance(one, types.TextDocumentEdit)]
    for one in reversed(change.edits):
        start, end = (offset(text, position, Encoding.UTF16) for position in (one.range.start, one.range.end))
        text = text[:start] + one.new_text + text[end:]
    return text


def controls(view: DocumentSnapshot) -> list[str]:
    return sorted(found.finding.control for found in view.checked.findings())


def test_a_name_is_allowed_in_a_new_file(folder: Path) -> None:
    before = view(folder)
    assert controls(before).count("C-0012") == 2
    action = offered(before)[TITLE]
    created, changed = action.edit.document_changes
    uri = (folder / ".kscan.yaml").as_uri()
    assert isinstance(created, types.CreateFile)
    assert created.uri == uri
    assert changed.text_document == types.OptionalVersionedTextDocumentIdentifier(uri, None)
    text = edited("", action.edit)
    assert text == "inputs:\n  sensitiveKeyNamesAllowed:\n  - DB_PASSWORD\n"
    assert controls(view(folder, text)).count("C-0012") == 1
    assert "hunter2trout" not in repr(action)


def test_a_name_is_added_to_the_file_as_it_is_open(folder: Path) -> None:
    unsaved = "inputs:\n  sensitiveKeyNamesAllowed: [demo_] # ours\n"
    before = view(folder, "frameworks: [recommended]\n", unsaved=unsaved)
    action = offered(before)[TITLE]
    (changed,) = action.edit.document_changes
    assert changed.text_document.version == 7
    assert edited(unsaved, action.edit) == unsaved.replace("demo_", "demo_, DB_PASSWORD")


def test_a_name_is_taken_out_of_what_is_forbidden(folder: Path) -> None:
    settings = "inputs:\n  insecureCapabilities:\n  - NET_ADMIN\n  - SYS_ADMIN # never\n"
    before = view(folder, settings)
    (action,) = offered(before, "NET_ADMIN").values()
    after = edited(settings, action.edit)
    assert after == settings.replace("  - NET_ADMIN\n", "")
    assert {*controls(before)} - {*controls(view(folder, after))} == {"C-0046"}


def test_a_list_that_no_file_has_is_written_out(folder: Path) -> None:
    (action,) = offered(view(folder, ""), "NET_ADMIN").values()
    after = edited("", action.edit)
    assert after.count("\n  - ") > 5
    assert "NET_ADMIN" not in after


def test_the_edit_is_worked_out_when_it_is_asked_for(folder: Path) -> None:
    client = Capabilities(document_changes=True, create_files=True, resolve_edits=True)
    before = view(folder, client=client)
    action = offered(before)[TITLE]
    assert action.edit is None
    edit = code_actions.resolved(before, action.data, never)
    assert edited("", edit) == "inputs:\n  sensitiveKeyNamesAllowed:\n  - DB_PASSWORD\n"
    # what is no such action any more has no edit
    for wrong in (
        {"finding": [0, 99]},
        {"finding": 3},
        {"finding": ["a", 0]},
        {"entry": "X"},
        {"input": "x"},
    ):
        assert code_actions.resolved(before, {**action.data, **wrong}, never) is None
    assert code_actions.resolved(before, {"kind": allow.ALLOW}, never) is None


@pytest.mark.parametrize("locked", ["inputs", "controls", "C-0012"])
def test_what_is_locked_above_is_not_offered(folder: Path, locked: str) -> None:
    below = folder / "team"
    below.mkdir()
    (folder / ".kscan.yaml").write_text(f"locked: [{locked}]\n")
    assert TITLE not in offered(view(below, "exclude: x\n"))
    # the one who locks may allow
    assert TITLE in offered(view(folder, f"locked: [{locked}]\n"))


def test_a_lock_of_something_else_is_none(folder: Path) -> None:
    below = folder / "team"
    below.mkdir()
    (folder / ".kscan.yaml").write_text("locked: [exclude, C-0057]\n")
    assert TITLE in offered(view(below, "exclude: x\n"))


def test_where_an_edit_would_do_nothing_there_is_none(folder: Path) -> None:
    # the editor's own settings come last
    assert offered(view(folder, "", section={"inputs": {"sensitiveValuesAllowed": ["x"]}})) == {}
    # the lists are in another file
    (folder / "lists.json").write_text("{}")
    assert offered(view(folder, "inputs: lists.json\n")) == {}
    # the settings cannot be read
    assert offered(view(folder, "inputs: {\n")) == {}


def test_a_client_that_creates_no_files_needs_one(folder: Path) -> None:
    client = Capabilities(document_changes=True)
    assert offered(view(folder, client=client)) == {}
    assert TITLE in offered(view(folder, "", client=client))


def test_a_client_without_versions(folder: Path) -> None:
    (edits,) = offered(view(folder, "", client=Capabilities()))[TITLE].edit.changes.values()
    assert edits[0].new_text == "inputs:\n  sensitiveKeyNamesAllowed:\n  - DB_PASSWORD\n"


def test_a_name_that_is_part_of_another_goes_with_it(folder: Path) -> None:
    """An entry allows all names that it is part of: what else it allows in the file is no reason against it."""
    settings = "inputs:\n  sensitiveKeyNamesAllowed: [DB_]\n"
    after = view(folder, settings)
    assert TITLE not in offered(after)
    assert controls(after).count("C-0012") == 1
