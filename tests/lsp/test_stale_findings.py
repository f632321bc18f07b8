"""Findings that stay while a document cannot be read: only in the editor, only where its lines are as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from kscan_lsp.lsp.session.session import Session
from kscan_lsp.lsp.session.steps import CheckRequest, check
from kscan_lsp.workspace.configuration import configure

if TYPE_CHECKING:
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true
  containers:
  - name: api
    securityContext:
      privileged: true
"""
BEFORE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
HOPELESS = "  a: [\n" * 9
"""More than a repair can make sense of."""


class Editing:
    """One document while somebody types."""

    def __init__(self, folder: Path) -> None:
        self.session = Session()
        self.folder = folder
        self.session.configure(folder, configure(folder)[0])
        self.uri = (folder / "pod.yaml").as_uri()
        self.version = 0

    def type(self, text: str) -> dict[str, str]:
        """The text of each open finding's place by control, once this text is in the editor."""
        self.version += 1
        if self.version == 1:
            self.session.open(types.TextDocumentItem(self.uri, "yaml", 1, text))
        else:
            whole = types.TextDocumentContentChangeWholeDocument(text)
            self.session.change(self.uri, self.version, [whole])
        while isinstance(step := self.session.take_next_step(self.folder), CheckRequest):
            self.session.accept(step, check(step))
        self.session.update_documents(self.folder)
        shown = self.session.documents[self.uri].checked
        places = [(finding.control, placed.locate(finding.span).span) for placed, finding in shown.findings()]
        return {control: text[span.start : span.end] for control, span in places if span}


@pytest.fixture
def editing(tmp_path: Path) -> Editing:
    (tmp_path / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [C-0038, C-0057]}\n")
    return Editing(tmp_path)


@pytest.mark.parametrize("before", ["", BEFORE])
def test_findings_stay_where_the_lines_are_as_they_were(editing: Editing, before: str) -> None:
    found = editing.type(before + POD)
    assert found == {"C-0038": "hostPID: true", "C-0057": "privileged: true"}
    broken = POD.replace("  containers:\n", f"{HOPELESS}  containers:\n")
    assert editing.type(before + broken) == found
    file = editing.session.workspaces[editing.folder].project.files[editing.uri]
    assert list(file.findings()) == [], "what a report says is what can be read"
    assert editing.type(before + POD) == found


def test_a_finding_whose_line_was_touched_goes(editing: Editing) -> None:
    editing.type(POD)
    broken = POD.replace("  hostPID: true\n", f"  hostPID: true #\n{HOPELESS}")
    assert editing.type(broken) == {"C-0057": "privileged: true"}


def test_nothing_stays_when_another_document_changed_too(editing: Editing) -> None:
    editing.type(BEFORE + POD)
    broken = POD.replace("  containers:\n", f"{HOPELESS}  containers:\n")
    assert editing.type(BEFORE.replace("shop", "store") + broken) == {}
