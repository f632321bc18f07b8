"""Code actions in a control's file: a test for what has none, the marks that are found, `.?` for an absent field.

Each is offered only if the control was loaded and its tests were run with it, and nothing got worse.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.authoring.absent_fields import MISSING, asked_safely
from kscan_lsp.authoring.control_text import data_of_check
from kscan_lsp.authoring.marking import actual_marks
from kscan_lsp.authoring.scaffold import scaffold, untested
from kscan_lsp.authoring.trying import Trial
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.code_actions import wants_fixes
from kscan_lsp.lsp.features.control_hover import definitions_of
from kscan_lsp.text import Span, TextEdit, apply_edits
from kscan_lsp.workspace.policies import definitions_for
from kscan_lsp.yaml.around import around
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.authoring.trying import Tried
    from kscan_lsp.lsp.session.snapshot import ControlSnapshot
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document


def control_actions(snapshot: ControlSnapshot, params: types.CodeActionParams) -> list[types.CodeAction]:
    """The actions for a range of a control's file."""
    if not wants_fixes(params):
        return []
    text = snapshot.lines.text
    document = read_document(text)
    at = convert.span_of(params.range, snapshot.lines, snapshot.capabilities.encoding).start
    path = around(document.root, at).path if document.root else ()
    policies = snapshot.configuration.ruleset.policies
    trial = Trial(str(snapshot.path), policies, definitions_for(snapshot.path, snapshot.sources.texts))
    found = trial.tried(text)
    if found is None:
        return []
    return [
        types.CodeAction(title, types.CodeActionKind.QuickFix, edit=_edit(snapshot, edits))
        for title, edits in _offered(snapshot, document, path, found, trial)
    ]


def _offered(
    snapshot: ControlSnapshot, document: Document, path: Path, found: Tried, trial: Trial
) -> Iterator[tuple[str, tuple[TextEdit, ...]]]:
    text = document.text
    number = path[1] if path[:1] == ("tests",) and len(path) > 1 and isinstance(path[1], int) else None
    failing = {number for number, one in enumerate(found.outcomes[: _tests(found)]) if one.failure}
    if number in failing and number is not None:
        edits = actual_marks(document, number, found.control, found.policies)
        after = trial.tried(apply_edits(text, edits)) if edits else None
        if after and not after.outcomes[number].failure:
            yield "Mark what is found in this test", edits
    check = path[1] if path[:1] == ("checks",) and len(path) > 1 and isinstance(path[1], int) else None
    missing = [one for one in failing if MISSING.search(found.outcomes[one].failure)]
    if missing and (check is not None or number in missing):
        safely = asked_safely(text, trial, definitions_of(snapshot))
        if safely is not None:
            made, names = safely
            yield f"Ask for {' and '.join(repr(name) for name in names)} with '.?'", _between(text, made)
    if number is not None:
        return
    without = untested(found.control, found.policies)
    wanted = check if check is not None else min(without, default=None)
    # in a check, or anywhere in a control that nothing is tested of
    if wanted is None or (check is None and _tests(found)) or not data_of_check(document, wanted):
        return
    if wanted in without and (made_test := scaffold(text, wanted, trial)):
        yield made_test.title, _between(text, made_test.text)


def _tests(found: Tried) -> int:
    return len(found.policies.sources[found.control.id].tests)


def _between(text: str, made: str) -> tuple[TextEdit, ...]:
    """The edits of lines that make one text another."""
    old, new = text.splitlines(keepends=True), made.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    return tuple(
        TextEdit(Span(starts[i], starts[j]), "".join(new[k:m]))
        for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if what != "equal"
    )


def _edit(snapshot: ControlSnapshot, edits: tuple[TextEdit, ...]) -> types.WorkspaceEdit:
    made = convert.text_edits(edits, 0, snapshot.lines, snapshot.capabilities.encoding)
    return types.WorkspaceEdit(changes={snapshot.uri: made})
