"""Nothing that an editor is told shows a secret: the canaries of `support/canaries.py`, and a search for them.

What an edit is made of is left out: the editor makes of it the text that it has already.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from support.canaries import SETTINGS, places, policies
from support.views import FOLDER, never, view_of

from kscan_lsp.lsp import convert
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.diagnostic_texts import DiagnosticTexts
from kscan_lsp.lsp.features import (
    code_actions,
    code_lens,
    completion,
    diagnostics,
    document_links,
    hover,
    report,
    status,
)
from kscan_lsp.lsp.session.published import published
from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, SettingsSnapshot, WorkspaceSnapshot
from kscan_lsp.redaction.logs import RedactingFormatter
from kscan_lsp.text import Encoding, LineIndex
from kscan_lsp.workspace.configuration import configure

if TYPE_CHECKING:
    from kscan_lsp.workspace.configuration import Configuration

CLIENT = Capabilities(
    related_information=True, code_description=True, change_annotations=True, document_changes=True
)
PLACES = places()


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    folder = tmp_path_factory.mktemp("folder")
    (folder / "own").mkdir()
    for name, text in policies().items():
        (folder / "own" / name).write_text(text)
    (folder / ".kscan.yaml").write_text("policies: [own]\nframeworks: [allcontrols]\n")
    return configure(folder)[0]


@pytest.fixture(scope="module")
def views(configuration: Configuration) -> list[tuple[str, DocumentSnapshot]]:
    return [(p.canary, view_of(p.text, p.file, CLIENT, configuration)) for p in PLACES]


def told(view: DocumentSnapshot) -> str:
    """What is said about a document without being asked, and at each place of it."""
    text = view.lines.text
    texts = DiagnosticTexts(CLIENT).of_file(view.uri, view.checked, view.project)
    said: list[Any] = [diagnostics.document_report(published(1, convert.array(texts)), None)]
    for number in range(text.count("\n") + 1):
        said += [hover.hover(view, types.Position(number, column)) for column in (4, 10)]
        said += completion.in_manifest(view, view.lines.starts[number])
    said += [code_lens.command(view, one.data) for one in code_lens.code_lenses(view)]
    said += [*document_links.document_links(view), status.status(view)]
    return "\n".join(map(str, said))


def test_nothing_said_about_a_document_shows_a_secret(views: list[tuple[str, DocumentSnapshot]]) -> None:
    said = {view.uri: told(view) for _, view in views}
    assert [view.uri for canary, view in views if canary in said[view.uri]] == []
    assert sum("********" in text for text in said.values()) > 50


def test_no_action_is_named_by_a_secret(views: list[tuple[str, DocumentSnapshot]]) -> None:
    found = []
    for canary, view in views[::8]:
        whole = types.Range(types.Position(0, 0), types.Position(view.lines.line_count, 0))
        context = types.CodeActionContext([], only=[types.CodeActionKind.QuickFix])
        params = types.CodeActionParams(types.TextDocumentIdentifier(view.uri), whole, context)
        for action in code_actions.code_actions(view, params, never):
            labels = action.edit.change_annotations if action.edit else None
            found.append((canary, f"{action.title} {action.diagnostics} {action.command} {labels}"))
    assert len(found) > 50
    assert [text for canary, text in found if canary in text] == []


def test_the_report_shows_no_secret(views: list[tuple[str, DocumentSnapshot]]) -> None:
    files = tuple((view.checked, view.project) for _, view in views)
    page = report.report_page(WorkspaceSnapshot((FOLDER,), files), never)
    assert page is not None
    assert [view.uri for canary, view in views if canary in page] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_said_about_settings_shows_a_secret(name: str, tmp_path: Path) -> None:
    path = tmp_path / ".kscan.yaml"
    text = SETTINGS[name].replace("@C@", "hunter2X")
    path.write_text(text)
    found, words = configure(tmp_path)
    problems = [(one.document, one.problem) for one in found.problems]
    said: list[Any] = [words, convert.of_problems(problems, Encoding.UTF16)]
    snapshot = SettingsSnapshot(path.as_uri(), LineIndex(text), found, CLIENT)
    for number in range(text.count("\n") + 1):
        said += [hover.hover_settings(snapshot, types.Position(number, column)) for column in (4, 16)]
    assert found.problems
    assert "hunter2X" not in "\n".join(map(str, said))


def test_the_section_of_an_editor_is_quoted_without_secrets() -> None:
    _, words = configure(
        None, section={"frameworks": ["https://me:hunter2X@example.com"], "diagnostics": "x"}
    )
    assert words
    assert "hunter2X" not in " ".join(words)


def test_a_log_has_no_secret_and_no_text_of_an_exception() -> None:
    formatter = RedactingFormatter("%(name)s %(message)s")

    def logged(message: str, *args: object, error: BaseException | None = None) -> str:
        info = (type(error), error, error.__traceback__) if error else None
        return formatter.format(logging.LogRecord("kscan", logging.ERROR, "", 0, message, args, info))

    canary = "hunter2X"
    with pytest.raises(ValueError, match=canary) as caught:
        int(canary)
    text = logged("%s could not be checked", "a.yaml", error=caught.value)
    assert "a.yaml could not be checked" in text
    assert Path(__file__).name in text
    assert text.endswith("ValueError")
    assert canary not in text + logged("%s: %s", "hover", caught.value)
    assert logged("asked %s", "https://me:hunter2X@host") == "kscan asked https://********@host"
    assert logged("no file", error=FileNotFoundError(2, "No such file", "x")).endswith(
        "FileNotFoundError: No such file"
    )
