"""Fixing all of a file: one edit, in a menu of code actions and as the command `kscan.fixAll`.

Every fix is made and judged on what the ones before left (see `fixes/`). The edit is of whole lines, as few as
possible, so that an editor keeps cursors and marks in all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.findings import fingerprint
from kscan_lsp.fixes.fix_all import fix_all, is_open, offers_fix
from kscan_lsp.fixes.verify import Site
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.workspace_edit import workspace_edit
from kscan_lsp.report.printable import counted
from kscan_lsp.text import Span, TextEdit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from lsprotocol import types

    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.verify import VerifiedFix
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.results import PlacedDocument

FIX_SAFE: Final = "source.fixAll.kscan"
FIX_REVIEW: Final = "source.kscan.fixAll"
"""Not below `source.fixAll`: an editor that fixes all on save must not make changes that need a look."""


class FixAll(Struct, frozen=True):
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
    review = "" if kind == FIX_SAFE else "each of these may change what a workload does"
    return _together(snapshot, _fixed(snapshot, stopped, safe_only=kind == FIX_SAFE), stopped, review)


def fix_chosen(
    snapshot: DocumentSnapshot, chosen: Collection[str], stopped: Callable[[], bool]
) -> FixAll | None:
    """Fix the findings that the user has ticked, by the ids of `fixes_to_review`; else as `fix_everything`."""
    return _together(snapshot, _fixed(snapshot, stopped, chosen=chosen), stopped)


def fixes_to_review(snapshot: DocumentSnapshot, stopped: Callable[[], bool]) -> dict[str, Any] | None:
    """All that fixing a file would do, one entry a finding, for the user to choose from; None when it is stopped.

    Returns:
        `message`, how many fixes there are of which kind, in words; `safe`, how many are; and `fixes`, each with its
        `id`, which is true for this text; `title`; what was found (`control`, `message`), where (`range`); and `safe`.
    """
    fixes: dict[str, dict[str, Any]] = {}
    for number, _, done in _fixed(snapshot, stopped):
        placed = snapshot.checked.documents[number]
        for finding, fix in done:
            fixes.setdefault(
                _id(number, finding),
                {
                    "id": _id(number, finding),
                    "title": fix.title,
                    "control": finding.control,
                    "message": finding.message,
                    "range": snapshot.range_of(placed, _span_before(placed, finding)),
                    "safe": fix.safe,
                },
            )
    if stopped():
        return None
    in_order = sorted(fixes.values(), key=lambda fix: (fix["range"].start.line, fix["range"].start.character))
    safe = sum(fix["safe"] for fix in fixes.values())
    return {
        "message": _message(snapshot, safe, len(fixes) - safe),
        "safe": safe,
        "fixes": in_order,
    }


def _message(snapshot: DocumentSnapshot, safe: int, others: int) -> str:
    """What there is to fix in a file, and what to do about it."""
    found = sum(is_open(finding) for _, finding in snapshot.checked.findings())
    review = f"{counted(others, 'fix', 'fixes')} may change how the workload runs"
    if safe:
        return f"{counted(safe, 'safe fix', 'safe fixes')} here" + (f", and {review}." if others else ".")
    if others:
        return f"No safe fix here. {review}: review {'it' if others == 1 else 'them'}."
    if not snapshot.checked.complete:
        return "No fix here before the text can be read: repair what is marked first."
    if not found:
        return "Nothing to fix here."
    return (
        f"No fix here that can be made without you: {counted(found, 'finding asks', 'findings ask')} for a value of "
        "your choice or for a change by hand. The lightbulb on a finding offers what there is, its hover says the rest."
    )


def _fixed(
    snapshot: DocumentSnapshot,
    stopped: Callable[[], bool],
    *,
    safe_only: bool = False,
    chosen: Collection[str] | None = None,
) -> Iterator[tuple[int, str, list[tuple[Finding, VerifiedFix]]]]:
    """Fix one document of a file after the other: its number, its text afterwards, and what was fixed."""
    project = snapshot.project
    for number, placed in enumerate(snapshot.checked.documents):

        def wanted(finding: Finding, number: int = number) -> bool:
            return is_open(finding) and (chosen is None or _id(number, finding) in chosen)

        if not placed.checked.document.complete or not any(
            f.fixable and wanted(f) for f in placed.checked.findings
        ):
            continue
        site = Site(project, snapshot.key, number)
        project, done = fix_all(site, lambda fix: fix.safe or not safe_only, stopped, wanted=wanted)
        if stopped():
            return
        if done:
            yield number, project.files[snapshot.key].parts[number].document.text, done


def _together(
    snapshot: DocumentSnapshot,
    fixed: Iterator[tuple[int, str, list[tuple[Finding, VerifiedFix]]]],
    stopped: Callable[[], bool],
    review: str = "",
) -> FixAll | None:
    edits: list[types.TextEdit] = []
    made = 0
    for number, text, done in fixed:
        placed = snapshot.checked.documents[number]
        made += len(done)
        edits += line_edits(snapshot, placed, placed.checked.document.text, text)
    return FixAll(workspace_edit(snapshot, edits, review), made) if edits and not stopped() else None


def _id(number: int, finding: Finding) -> str:
    """What a finding is while the fixes of others are made: its place changes, its path may not."""
    return fingerprint(finding, number)


def _span_before(placed: PlacedDocument, finding: Finding) -> Span:
    """Where a finding was before others were fixed, which may have moved it."""
    name = fingerprint(finding, 0)
    return next((f.span for f in placed.checked.findings if fingerprint(f, 0) == name), Span(0, 0))


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
