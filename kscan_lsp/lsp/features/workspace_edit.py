"""Edits of a document as the client takes them: with its version, and a question before those that need a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

if TYPE_CHECKING:
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

REVIEW: Final = "kscan.review"
"""The annotation of edits that need a look."""


def workspace_edit(
    snapshot: DocumentSnapshot, edits: list[types.TextEdit], review: str = ""
) -> types.WorkspaceEdit:
    """Edits of a document; `review` says why somebody should confirm them, where the client can ask."""
    uri, version = snapshot.uri, snapshot.version
    if not snapshot.capabilities.document_changes:
        return types.WorkspaceEdit(changes={uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    if not (review and snapshot.capabilities.change_annotations):
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])
    annotated = [types.AnnotatedTextEdit(REVIEW, edit.range, edit.new_text) for edit in edits]
    note = types.ChangeAnnotation("kscan: review", needs_confirmation=True, description=review)
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(identifier, list(annotated))],
        change_annotations={REVIEW: note},
    )
