"""Code actions: what a client is asked to confirm."""

from __future__ import annotations

import pytest
from lsprotocol import types
from msgspec.structs import replace
from views import edited, never, view_of

from kscan_lsp.lsp import actions
from kscan_lsp.lsp.client import Client

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccount: web
  containers:
  - name: api
    image: shop/api:1.0
    securityContext:
      privileged: true
"""
PLAIN = Client(document_changes=True)
ASKING = replace(PLAIN, change_annotations=True)


def fix_of(client: Client, control: str) -> types.CodeAction:
    view = view_of(POD, client=client)
    end = types.Position(POD.count("\n"), 0)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(view.uri),
        types.Range(types.Position(0, 0), end),
        types.CodeActionContext([], only=[types.CodeActionKind.QuickFix]),
    )
    found = [a for a in actions.code_actions(view, params, never) if a.title.endswith(f"[{control}]")]
    return found[0]


def needs_confirmation(edit: types.WorkspaceEdit) -> bool:
    """Whether a client asks before it makes any of the edits, for each of them."""
    (change,) = edit.document_changes
    asked = {isinstance(one, types.AnnotatedTextEdit) for one in change.edits}
    assert len(asked) == 1
    if asked == {True}:
        notes = [edit.change_annotations[one.annotation_id] for one in change.edits]
        assert all(note.needs_confirmation and note.description for note in notes)
    return asked == {True}


def test_only_an_unsafe_fix_asks_and_only_where_the_client_can():
    unsafe, safe = "C-0057", "C-0294"
    assert needs_confirmation(fix_of(ASKING, unsafe).edit)
    assert not needs_confirmation(fix_of(ASKING, safe).edit)
    assert not needs_confirmation(fix_of(PLAIN, unsafe).edit)
    assert "(review)" in fix_of(PLAIN, unsafe).title
    assert edited(POD, fix_of(ASKING, unsafe).edit) == POD.replace("privileged: true", "privileged: false")


def test_a_client_without_versioned_edits_is_not_asked():
    edit = fix_of(Client(change_annotations=True), "C-0057").edit
    assert edit.document_changes is None
    assert edited(POD, edit) == POD.replace("privileged: true", "privileged: false")


@pytest.mark.parametrize(("kind", "asks"), [(actions.FIX_SAFE, False), (actions.FIX_REVIEW, True)])
def test_fixing_everything_asks_if_it_is_not_all_safe(kind, asks):
    fixed = actions.fix_everything(view_of(POD, client=ASKING), kind, never)
    assert needs_confirmation(fixed.edit) == asks
