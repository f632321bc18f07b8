"""Fixing all of a file: one edit, in a menu of code actions and as the command `kscan.fixAll`.

Every fix is made and judged on what the ones before left (see `fixes/`). The edit is of whole lines, as few as
possible, so that an editor keeps cursors and marks in all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.fixes.fix_all import fix_all, is_open, offers_fix
from kscan_lsp.fixes.verify import Site
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.workspace_edit import workspace_edit
from kscan_lsp.text import Span, TextEdit

if TYPE_CHECKING:
    from collections.abc import Callable

    from lsprotocol import types

    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.results import PlacedDocument

FIX_SAFE: Final = "source.fixAll.kscan"
FIX_REVIEW: Final = "source.kscan.fixAll"
"""Not below `source.fixAll`: an editor that fixes all on save must not make changes that need a look."""


class FixAll(NamedTuple):
    """What fixing a whole file comes to."""

    edit: types.WorkspaceEdit
    number: int
    """How many fixes it is made of."""


def offers_fix_all(snapshot: DocumentSnapshot, kind: str) -> bool:
    """Whether a menu should name a kind of fixing everything."""
    project, safe_only = snapshot.project, kind == FIX_SAFE
    return any(
        offers_fix(part, project.evaluator, project.index, safe_only=safe_only)
        for part in snapshot.checked.parts
    )


def fix_everything(snapshot: DocumentSnapshot, kind: str, stopped: Callable[[], bool]) -> FixAll | None:
    """Fix all that a kind of action stands for; None where there is nothing to fix, or when it is stopped."""
    safe_only = kind == FIX_SAFE

    def accept(fix: Draft) -> bool:
        return fix.safe or not safe_only

    project = snapshot.project
    edits: list[types.TextEdit] = []
    number = 0
    for index, placed in enumerate(snapshot.checked.documents):
        document = placed.checked.document
        if not document.complete or not any(f.fixable and is_open(f) for f in placed.checked.findings):
            continue
        project, done = fix_all(Site(project, snapshot.key, index), accept, stopped)
        if stopped():
            return None
        if done:
            number += len(done)
            after = project.files[snapshot.key].parts[index].document
            edits += line_edits(snapshot, placed, document.text, after.text)
    review = "" if safe_only else "each of these may change what a workload does"
    return FixAll(workspace_edit(snapshot, edits, review), number) if edits else None


def line_edits(
    snapshot: DocumentSnapshot, placed: PlacedDocument, old: str, new: str
) -> list[types.TextEdit]:
    """The edits between two versions of a document, as few whole lines as possible."""
    import difflib  # noqa: PLC0415 - only a fix-all needs it

    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    edits = [
        TextEdit(Span(starts[i1], starts[i2]), "".join(after[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]
    return convert.text_edits(edits, placed.offset, snapshot.lines, snapshot.capabilities.encoding)
