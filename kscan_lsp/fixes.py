"""A finding -> edits that make it go away, each proven before it is offered.

A fix is a list of operations on data. Every operation becomes one edit of the text, made on the text as the
ones before left it. Then the result is read and judged again, by all controls that are on: it must hold
exactly the data that the operations ask for, must have lost the finding, and must have gained none, and
nothing that cannot be judged. Where that is not so there is no fix, and a reason instead.

This is done when somebody asks for a fix, never between a keystroke and its diagnostics.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from kscan_lsp import edits, engine
from kscan_lsp.changes import applied, drafts_of
from kscan_lsp.documents import Document, read_document
from kscan_lsp.edits.place import same
from kscan_lsp.suppress import suppress
from kscan_lsp.text import Span, TextEdit, apply_edits, minimal_edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from kscan_lsp.changes import Change, Draft
    from kscan_lsp.engine import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.paths import Path
    from kscan_lsp.ruleset import Ruleset

MAX_STEPS: Final = 5_000
"""Fixes that one fix-all makes in one document."""


@dataclass(frozen=True, slots=True)
class VerifiedFix:
    """A fix that holds. `edits` count from the document's start; `text` is the document with them made."""

    title: str
    safe: bool
    changes: tuple[Change, ...]
    edits: tuple[TextEdit, ...]
    text: str


class Proposal(NamedTuple):
    """What a fix would do, before anybody has proven that it holds."""

    title: str
    safe: bool


def proposals(verdicts: Verdicts, ruleset: Ruleset) -> dict[tuple[str, Path], list[Proposal]]:
    """The fixes that `fixes_of` would try, by the control and path of each finding of a resource.

    They are not made: that is quick enough to name a fix beside every finding of a scan.
    """
    return {
        place: [Proposal(draft.title, draft.safe) for draft in drafts_of(verdicts.resource, hits, ruleset)]
        for place, hits in engine.hits_of(verdicts.resource, ruleset).items()
    }


def fixes_of(
    document: Document, verdicts: Verdicts, finding: Finding, ruleset: Ruleset
) -> tuple[list[VerifiedFix], str]:
    """The fixes of a finding: one, or one for each value the user can choose.

    Args:
        document: the document the finding is in.
        verdicts: what the engine says about the finding's resource.
        finding: one of its findings.
        ruleset: the controls the result is judged by.

    Returns:
        The fixes that hold, and where there are none the reason, with what to do by hand.
    """
    if not document.complete:
        return [], "repair the syntax of this document first"
    tried = [_verified(document, draft, finding, ruleset) for draft in _drafts(verdicts, finding, ruleset)]
    if fixes := [fix for fix in tried if isinstance(fix, VerifiedFix)]:
        return fixes, ""
    return [], next((reason for reason in tried if isinstance(reason, str)), "this control has no fix here")


def fix_all(
    document: Document,
    ruleset: Ruleset,
    today: date,
    accept: Callable[[Draft], bool],
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Document, list[tuple[Finding, VerifiedFix]]]:
    """Make one fix after the other until none is left that is accepted.

    A finding whose value the user must choose is left alone, and so is one that is suppressed.

    Args:
        document: where to start.
        ruleset: the controls that are on.
        today: the day that suppressions are compared with.
        accept: whether a fix may be made, asked before it is.
        stopped: asked between two fixes; true ends the work with what is done.

    Returns:
        The document as it is then, and what was fixed, in order.
    """
    done: list[tuple[Finding, VerifiedFix]] = []
    refused: set[tuple[str, str, Any]] = set()
    made_before = 0
    while len(done) < MAX_STEPS and not stopped():
        step = _next_fix(document, ruleset, today, accept, refused)
        if step is not None:
            done.append(step)
            document = read_document(step[1].text, json=document.json)
        elif len(done) == made_before:
            break
        else:  # what could not be fixed may be possible now, with other things out of the way
            made_before = len(done)
            refused.clear()
    return document, done


def _next_fix(
    document: Document,
    ruleset: Ruleset,
    today: date,
    accept: Callable[[Draft], bool],
    refused: set[tuple[str, str, Any]],
) -> tuple[Finding, VerifiedFix] | None:
    all_verdicts = engine.check_document(document, ruleset)
    findings, _ = suppress(document, all_verdicts, ruleset, today)
    open_ones = {id(finding) for finding in findings if finding.suppression is None}
    for verdicts in all_verdicts:
        for finding in verdicts.findings:
            key = (finding.control, finding.stable_path, finding.resource)
            if not finding.fixable or id(finding) not in open_ones or key in refused:
                continue
            drafts = _drafts(verdicts, finding, ruleset)
            if len(drafts) == 1 and accept(drafts[0]):
                fix = _verified(document, drafts[0], finding, ruleset)
                if isinstance(fix, VerifiedFix):
                    return finding, fix
            refused.add(key)
    return None


def _drafts(verdicts: Verdicts, finding: Finding, ruleset: Ruleset) -> list[Draft]:
    hits = engine.hits_of(verdicts.resource, ruleset, finding.control).get(
        (finding.control, finding.path), []
    )
    return drafts_of(verdicts.resource, hits, ruleset)


def _verified(document: Document, draft: Draft, finding: Finding, ruleset: Ruleset) -> VerifiedFix | str:
    """The fix, proven to hold, or why it does not."""
    made = _make(document, draft)
    if isinstance(made, str):
        return made
    return _objection(document, made, finding, ruleset) or made


def _make(document: Document, draft: Draft) -> VerifiedFix | str:
    """Turn changes into edits, or say why that cannot be done."""
    here = document
    made: tuple[TextEdit, ...] = ()
    for change in draft.changes:
        match change.verb:
            case "set":
                edit = edits.set_value(here, change.path, change.value)
            case "add":
                edit = edits.add_item(here, change.path, change.value)
            case _:
                edit = edits.remove(here, change.path)
        if isinstance(edit, edits.Refusal):
            return edit.message
        text = apply_edits(here.text, [edit])
        made = _composed(document.text, made, edit, text)
        here = read_document(text, json=document.json)
    return VerifiedFix(draft.title, draft.safe, draft.changes, made, here.text)


def _composed(original: str, made: tuple[TextEdit, ...], edit: TextEdit, result: str) -> tuple[TextEdit, ...]:
    """Edits of the original text that do what `made` and then `edit` do."""
    shift = 0
    for index, earlier in enumerate(made):
        start = earlier.span.start + shift
        end = start + len(earlier.text)
        if edit.span.end < start:
            break
        if start <= edit.span.start and edit.span.end <= end:
            inner = Span(edit.span.start - start, edit.span.end - start)
            merged = earlier.text[: inner.start] + edit.text + earlier.text[inner.end :]
            return (*made[:index], TextEdit(earlier.span, merged), *made[index + 1 :])
        if edit.span.start < end:
            whole = minimal_edit(original, result)
            return (whole,) if whole else ()
        shift += len(earlier.text) - (earlier.span.end - earlier.span.start)
    moved = TextEdit(Span(edit.span.start - shift, edit.span.end - shift), edit.text)
    return tuple(sorted((*made, moved), key=lambda e: e.span))


_Identity: TypeAlias = tuple[str, Any, tuple[str, ...]]
"""Control, resource, and path without indices: what a finding is, wherever in a list it stands."""


def _objection(document: Document, fix: VerifiedFix, finding: Finding, ruleset: Ruleset) -> str:
    """Why a fix does not hold; empty where it does."""
    result = read_document(fix.text, json=document.json)
    if not result.complete or len(result.problems) > len(document.problems):
        return "the edit would leave text that does not parse; change it by hand"
    if not same(result.data, applied(document.data, fix.changes)):
        return "the edit would change more than the fix says; change it by hand"
    before, unjudged_before = _judged(document, ruleset)
    after, unjudged_after = _judged(result, ruleset)
    own = _identity(finding.control, finding.resource, finding.path)
    if after[own] >= before[own]:
        return "the fix would not remove this finding; change it by hand"
    if gained := sorted({control for control, _, _ in after - before}):
        return f"the fix would bring up {', '.join(gained)}; change it by hand"
    if unjudged_after - unjudged_before:
        return "the fix would leave something that cannot be judged; change it by hand"
    return ""


def _identity(control: str, resource: object, path: Path) -> _Identity:
    return control, resource, tuple(part for part in path if isinstance(part, str))


def _judged(document: Document, ruleset: Ruleset) -> tuple[Counter[_Identity], Counter[_Identity]]:
    """The findings of a document, and what could not be evaluated."""
    found: Counter[_Identity] = Counter()
    unjudged: Counter[_Identity] = Counter()
    for verdicts in engine.check_document(document, ruleset):
        who = verdicts.resource.id
        found.update(_identity(finding.control, who, finding.path) for finding in verdicts.findings)
        unjudged.update(_identity(entry.control, who, entry.path) for entry in verdicts.unevaluated)
    return found, unjudged
