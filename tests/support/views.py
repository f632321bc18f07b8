"""Views of documents without a server, for what is a function of a view."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.positions import offset

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.files.partials import Partials
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
from kscan_lsp.lsp.session.steps import CheckRequest, check
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lsprotocol import types

    from kscan_lsp.workspace.configuration import Configuration

FOLDER = Path("/shop")


def never() -> bool:
    return False


def settings(**section: Any) -> Configuration:
    """What holds where an editor says `section`."""
    configuration, wrong = configure(None, section=section)
    assert wrong == ()
    return configuration


def view_of(
    text: str,
    name: str = "deploy.yaml",
    client: Capabilities | None = None,
    configuration: Configuration | None = None,
    others: Mapping[str, str] | None = None,
) -> DocumentSnapshot:
    """A view of a file of `FOLDER` that has this text, beside others on disk that are not judged."""
    path = FOLDER / name
    configuration = configuration or settings()
    project = Project(Evaluator(configuration.ruleset, Evidence(date(2026, 1, 1))))
    for other, content in (others or {}).items():
        key = (FOLDER / other).as_uri()
        project = project.with_objects(key, objects_of(key, content, configuration.ruleset))
    request = CheckRequest(
        uri=path.as_uri(),
        path=path,
        key=path.as_uri(),
        root=None,
        revision=1,
        text=text,
        json=name.endswith(".json"),
        markdown=name.endswith(".md"),
        configuration=configuration,
        project=project,
        partials=Partials(),
    )
    result = check(request)
    return DocumentSnapshot(
        request.uri,
        path,
        1,
        request.key,
        result.page or result.project,
        configuration,
        result.file,
        LineIndex(text),
        client or Capabilities(),
    )


def edited(text: str, edit: types.WorkspaceEdit) -> str:
    """A text with the edits made that a workspace edit has for its only document."""
    if edit.document_changes:
        (change,) = edit.document_changes
        edits = change.edits
    else:
        (edits,) = edit.changes.values()
    for one in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
        start, end = (offset(text, place, "utf-16") for place in (one.range.start, one.range.end))
        text = text[:start] + one.new_text + text[end:]
    return text
