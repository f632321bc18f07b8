"""A finding -> edits that make it go away, each proven before it is offered.

A fix is a list of operations on data. Every operation becomes one edit of the text, made on the text as the ones
before left it. Then the result is read and judged again, by all controls that are on: it must hold exactly the data
that the operations ask for, must have lost the finding, and must have gained none and no problem. Where that is not
so there is no fix, and a reason instead.

This is done when somebody asks for a fix, never between a keystroke and its diagnostics.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import cel, edits, engine
from kscan_lsp.documents import Document, read_document
from kscan_lsp.fields import is_whole_number
from kscan_lsp.suppress import suppress
from kscan_lsp.text import Span, TextEdit, apply_edits, minimal_edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from kscan_lsp.engine import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.paths import Path
    from kscan_lsp.checks import Operation
    from kscan_lsp.ruleset import Ruleset

MAX_STEPS: Final = 5_000
"""Fixes that one fix-all makes in one document."""


@dataclass(frozen=True, slots=True)
class Change:
    """One operation with everything filled in. `path` counts from the document's root."""

    verb: str
    path: Path
    value: Any = None


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
    """The fixes that `fixes_of` would try for each finding of a resource, by control and path, without making them.

    Quick enough to name a fix beside every finding of a scan.
    """
    grouped, view = engine.all_hits(verdicts.resource, ruleset)
    return {
        key: [Proposal(title, safe) for title, safe, _ in _drafts(verdicts, hits, view, ruleset)[0]]
        for key, hits in grouped.items()
    }


def fixes_of(document: Document, verdicts: Verdicts, finding: Finding, ruleset: Ruleset) -> tuple[list[VerifiedFix], str]:
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
    hits, view = engine.hits_of(verdicts.resource, ruleset, finding.control, finding.path)
    drafts, reason = _drafts(verdicts, hits, view, ruleset)
    verified: list[VerifiedFix] = []
    for title, safe, changes in drafts:
        made = _make(document, title, changes, safe=safe)
        if isinstance(made, str):
            reason = made
        elif objection := _objection(document, made, finding, ruleset):
            reason = objection
        else:
            verified.append(made)
    return verified, "" if verified else reason or "this control has no fix here"


def fix_all(
    document: Document,
    ruleset: Ruleset,
    today: date,
    accept: Callable[[VerifiedFix], bool],
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Document, list[tuple[Finding, VerifiedFix]]]:
    """Make one fix after the other until none is left that is accepted.

    A finding whose value the user must choose is left alone, and so is one that is suppressed.

    Args:
        document: where to start.
        ruleset: the controls that are on.
        today: the day that suppressions are compared with.
        accept: whether a fix may be made.
        stopped: asked between two fixes; true ends the work with what is done.

    Returns:
        The document as it is then, and what was fixed, in order.
    """
    done: list[tuple[Finding, VerifiedFix]] = []
    refused: set[tuple[str, str, Any]] = set()
    while len(done) < MAX_STEPS and not stopped():
        step = _next_fix(document, ruleset, today, accept, refused)
        if step is None:
            break
        done.append(step)
        document = read_document(step[1].text, json=document.json)
    return document, done


def _next_fix(
    document: Document,
    ruleset: Ruleset,
    today: date,
    accept: Callable[[VerifiedFix], bool],
    refused: set[tuple[str, str, Any]],
) -> tuple[Finding, VerifiedFix] | None:
    all_verdicts = engine.check_document(document, ruleset)
    findings, _ = suppress(document, all_verdicts, ruleset, today)
    open_ones = {id(f): f for f in findings if f.suppression is None}
    for verdicts in all_verdicts:
        for finding in verdicts.findings:
            key = (finding.control, finding.stable_path, finding.resource)
            if not finding.fixable or id(finding) not in open_ones or key in refused:
                continue
            options, _ = fixes_of(document, verdicts, finding, ruleset)
            if len(options) == 1 and accept(options[0]):
                return finding, options[0]
            refused.add(key)
    return None


def _drafts(
    verdicts: Verdicts, hits: list[engine.Hit], view: dict[str, Any], ruleset: Ruleset
) -> tuple[list[tuple[str, bool, tuple[Change, ...]]], str]:
    """What the fix would change: (title, safe, changes) for each value there is to choose."""
    options = [engine.applicable(hit, ruleset) for hit in hits]
    if not hits or not all(options):
        return [], ""
    # several checks at one path (one for each container, say) are fixed together, by a value that suits them all
    choices = [choice for _, choice in options[0] if all(any(choice == c for _, c in other) for other in options)]
    drafts = []
    for choice in choices:
        changes: dict[tuple[str, Path], Change] = {}
        for hit, option in zip(hits, options, strict=True):
            for operation in option[0][0].operations:
                change = _change(operation, hit, verdicts, view, choice)
                if change is None:
                    return [], "the fix cannot be worked out for this manifest"
                changes.setdefault((change.verb, change.path), change)
        made = tuple(changes.values())
        title = next((option[0][0].title for option in options), "")
        drafts.append((title if title and not choice else _title(made), all(o[0][0].safe for o in options), made))
    return drafts, ""


def _change(operation: Operation, hit: engine.Hit, verdicts: Verdicts, view: Any, choice: str) -> Change | None:
    path = engine.resolve(operation.target, hit.element, view)
    value = operation.value
    if isinstance(value, cel.Expression):
        value = cel.evaluate(value, hit.element.activation)
    if isinstance(path, cel.Failed) or isinstance(value, cel.Failed):
        return None
    absolute = (*verdicts.resource.root, *path)
    if operation.verb != "choose":
        return Change(operation.verb, absolute, value)
    number = choice.isdecimal() and is_whole_number(verdicts.resource.id.kind, path)
    return Change("set", absolute, int(choice) if number else choice)


def _title(changes: tuple[Change, ...]) -> str:
    said = []
    for change in changes:
        names = [part for part in change.path if isinstance(part, str)]
        where = ".".join(names[-2:])
        match change.verb:
            case "set":
                said.append(f"set {where} to {_brief(change.value)}")
            case "add":
                said.append(f"add {_brief(change.value)} to {where}")
            case _:
                said.append(f"remove {where}")
    text = " and ".join(dict.fromkeys(said))
    return text[:1].upper() + text[1:]


def _brief(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{k}: {_brief(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(_brief(v) for v in value) + "]"
        case _:
            return str(value)


def _make(document: Document, title: str, changes: tuple[Change, ...], *, safe: bool) -> VerifiedFix | str:
    """Turn changes into edits, or say why that cannot be done."""
    here = document
    made: tuple[TextEdit, ...] = ()
    for change in changes:
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
    return VerifiedFix(title, safe, changes, made, here.text)


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


def _objection(document: Document, fix: VerifiedFix, finding: Finding, ruleset: Ruleset) -> str:
    """Why a fix does not hold; empty where it does."""
    result = read_document(fix.text, json=document.json)
    if not result.complete or len(result.problems) > len(document.problems):
        return "the edit would leave text that does not parse; change it by hand"
    if result.data != _applied(document.data, fix.changes):
        return "the edit would change more than the fix says; change it by hand"
    before, after = _identities(document, ruleset), _identities(result, ruleset)
    own = _identity(finding)
    if after[own] >= before[own]:
        return "the fix would not remove this finding; change it by hand"
    if gained := sorted({control for (control, _, _), count in (after - before).items() if count}):
        return f"the fix would bring up {', '.join(gained)}; change it by hand"
    return ""


def _identity(finding: Finding) -> tuple[str, Any, tuple[str, ...]]:
    return finding.control, finding.resource, tuple(part for part in finding.path if isinstance(part, str))


def _identities(document: Document, ruleset: Ruleset) -> Counter[tuple[str, Any, tuple[str, ...]]]:
    verdicts = engine.check_document(document, ruleset)
    return Counter(_identity(finding) for verdict in verdicts for finding in verdict.findings)


def _applied(data: Any, changes: tuple[Change, ...]) -> Any:
    """Data with changes made; copies only what lies on the way."""
    for change in changes:
        data = _changed(data, change.path, change)
    return data


def _changed(here: Any, path: Path, change: Change) -> Any:
    if not path:
        if change.verb == "add":
            return [*(here or []), change.value]
        return change.value
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        items = list(here) if isinstance(here, list) else []
        if head >= len(items):
            return items
        if not rest and change.verb == "remove":
            del items[head]
        else:
            items[head] = _changed(items[head], rest, change)
        return items
    mapping = dict(here) if isinstance(here, dict) else {}
    if not rest and change.verb == "remove":
        mapping.pop(head, None)
    else:
        mapping[head] = _changed(mapping.get(head), rest, change)
    return mapping
