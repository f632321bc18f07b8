"""The action that allows a name: an edit of the settings after which a finding is none.

What could be allowed is known before settings are read again (`fixes/allow.py`), which is what a menu needs. Then they
are read as they would be, with everything above and beside them, and the document is judged by them; where the finding
stays, or others come, there is no edit.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from msgspec import Struct

from kscan_lsp.edits import Refusal
from kscan_lsp.fixes.allow import Allowance, allowances, goes_away
from kscan_lsp.lsp import convert
from kscan_lsp.settings.editing import INPUTS, with_input
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.text import LineIndex, apply_edits
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.locks import may_set
from kscan_lsp.workspace.policies import read_policy_file
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.results import PlacedDocument
    from kscan_lsp.yaml.document import Document

ALLOW: Final = "kscan.allow"
"""What the data of such an action says that it is."""
MAX_SHOWN: Final = 60
"""Characters of a name that a title shows."""


class _File(Struct, frozen=True):
    """The settings file that is edited, as it is; it is to be created where it is not `there`."""

    path: Path
    document: Document
    there: bool


def allow_actions(
    snapshot: DocumentSnapshot, touched: Iterable[tuple[PlacedDocument, Finding]]
) -> Iterator[types.CodeAction]:
    """An action for each name that would make findings go away; they share it where one name does."""
    file = _file_of(snapshot)
    if file is None:
        return
    locked = snapshot.configuration.locked
    controls = snapshot.configuration.ruleset.controls.values()
    offered: dict[Allowance, list[tuple[PlacedDocument, Finding]]] = {}
    for placed, finding in touched:
        for one in allowances(snapshot.site(placed), finding):
            editable = not isinstance(with_input(file.document, one.input, one.values), Refusal)
            if editable and may_set(locked, controls, one.input):
                offered.setdefault(one, []).append((placed, finding))
    for one, findings in offered.items():
        placed, finding = findings[0]
        name = one.entry if len(one.entry) <= MAX_SHOWN else f"{one.entry[: MAX_SHOWN - 1]}\u2026"
        action = types.CodeAction(
            title=f"Allow '{name}' in {file.path.name} ({one.input})",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[
                convert.diagnostic_of(f, p.offset, snapshot.lines, snapshot.capabilities.encoding)
                for p, f in findings
            ],
        )
        if snapshot.capabilities.resolve_edits:
            number = snapshot.checked.documents.index(placed)
            action.data = {
                "uri": snapshot.uri,
                "version": snapshot.version,
                "kind": ALLOW,
                "finding": [number, placed.checked.findings.index(finding)],
                "input": one.input,
                "entry": one.entry,
            }
            yield action
        elif edit := allow_edit(snapshot, placed, finding, one):
            action.edit = edit
            yield action


def resolved(snapshot: DocumentSnapshot, data: Any) -> types.WorkspaceEdit | None:
    """The edit of an action whose data this is; None where it holds no more."""
    try:
        number, index = data["finding"]
        placed = snapshot.checked.documents[number]
        finding = placed.checked.findings[index]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    for one in allowances(snapshot.site(placed), finding):
        if (one.input, one.entry) == (data.get("input"), data.get("entry")):
            return allow_edit(snapshot, placed, finding, one)
    return None


def allow_edit(
    snapshot: DocumentSnapshot, placed: PlacedDocument, finding: Finding, one: Allowance
) -> types.WorkspaceEdit | None:
    """The edit of the settings after which a finding is none; None where none is proven to do that."""
    file = _file_of(snapshot)
    if file is None:
        return None
    before, sources = snapshot.configuration, snapshot.sources
    document = file.document
    edit = with_input(document, one.input, one.values)
    if isinstance(edit, Refusal):
        return None
    text = apply_edits(document.text, [edit])
    after, _ = configure(
        before.root,
        settings_path=None if file.there else file.path,
        section=sources.section,
        buffers={**sources.texts, file.path: text},
        today=snapshot.project.evidence.today,
        trusted=before.trusted,
    )
    wanted = {**before.ruleset.inputs, one.input: [*one.values]}
    if dict(after.ruleset.inputs) != wanted or len(after.problems) > len(before.problems):
        return None
    if not goes_away(snapshot.site(placed), finding, after.ruleset):
        return None
    capabilities = snapshot.capabilities
    edits = convert.text_edits([edit], 0, LineIndex(document.text), capabilities.encoding)
    there = sources.documents.get(file.path)
    uri = there.uri if there else file.path.as_uri()
    if not capabilities.document_changes:
        return types.WorkspaceEdit(changes={uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri, there.version if there else None)
    changed = types.TextDocumentEdit(identifier, list(edits))
    if file.there:
        return types.WorkspaceEdit(document_changes=[changed])
    created = types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True))
    return types.WorkspaceEdit(document_changes=[created, changed])


def _file_of(snapshot: DocumentSnapshot) -> _File | None:
    """The settings file to edit: the innermost that holds, else one in the folder; None where that would do nothing."""
    configuration, section = snapshot.configuration, snapshot.sources.section
    if isinstance(section, dict) and section.get(INPUTS):
        return None  # the editor's own settings have the last word
    if configuration.settings_path is not None:
        document = read_policy_file(configuration.settings_path, "setting", snapshot.sources.texts)
        return None if document.problems else _File(configuration.settings_path, document, there=True)
    root = configuration.root
    if root is None or not snapshot.capabilities.create_files:
        return None
    path = root / FILE_NAMES[0]
    return None if os.path.lexists(path) else _File(path, read_document(""), there=False)
