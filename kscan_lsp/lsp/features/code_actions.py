"""Code actions: fix this, harden this container, fix all, ignore this, allow this name, explain this.

Every fix offered has been made and judged before (see `fixes/`). One that is chosen is made at once: it is a single
change, in sight, and undo takes it back. Fixing everything that may change how a workload runs asks first.

Fixing a whole file can take long, so where the client can ask for an action's edit later, that is when it is worked
out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from kscan_lsp.fixes.verify import fixes_of
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features import allow, harden
from kscan_lsp.lsp.features.baseline_edit import baseline_action
from kscan_lsp.lsp.features.exception_edit import NAME, exception_edit
from kscan_lsp.lsp.features.explanation import SHOW_EXPLANATION
from kscan_lsp.lsp.features.fix_all import FIX_REVIEW, FIX_SAFE, fix_everything, offers_fix_all
from kscan_lsp.lsp.features.images import image_actions
from kscan_lsp.lsp.features.suppression_edit import suppression_edit
from kscan_lsp.lsp.features.workspace_edit import workspace_edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.text import TextEdit
    from kscan_lsp.workspace.results import PlacedDocument

EXPLAIN: Final = "kscan.explain"
REVIEW_FIXES: Final = "kscan.reviewFixes"
"""The command of a client that has fixes ticked before they are made; its argument is a document's URI."""
KINDS: Final = (types.CodeActionKind.QuickFix, FIX_SAFE, FIX_REVIEW)

MAX_FINDINGS: Final = 20
"""Findings of a selection whose fixes are worked out at once."""


def code_actions(
    snapshot: DocumentSnapshot, params: types.CodeActionParams, stopped: Callable[[], bool]
) -> list[types.CodeAction]:
    """The actions for a range of a document, the most useful first."""
    wanted = params.context.only
    actions: list[types.CodeAction] = []
    if _is_wanted(types.CodeActionKind.QuickFix, wanted):
        touched = list(_touched(snapshot, params.range))[:MAX_FINDINGS]
        fixes = [action for placed, finding in touched for action in _quick_fixes(snapshot, placed, finding)]
        actions += fixes
        actions += image_actions(snapshot, params.range)
        actions += harden.harden_actions(snapshot, params, touched, stopped)
        one_line = params.range.start.line == params.range.end.line
        actions += _ignore_actions(snapshot, touched, "here" if one_line else "on line {}")
        actions += _exception_actions(snapshot, touched)
        actions += _baseline_actions(snapshot, touched)
        actions += allow.allow_actions(snapshot, touched)
        actions += _explain_actions(snapshot, touched)
    invoked = params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    for kind, title in ((FIX_SAFE, "Fix all safe problems"), (FIX_REVIEW, "Fix all problems (review)")):
        if _is_wanted(kind, wanted) and (wanted or (invoked and actions)):
            action = types.CodeAction(title=f"kscan: {title}", kind=kind)
            if not wanted and not offers_fix_all(snapshot, kind):
                continue
            if kind == FIX_REVIEW and snapshot.capabilities.reviews:
                action.command = types.Command(action.title, REVIEW_FIXES, arguments=[snapshot.uri])
                actions.append(action)
                continue
            if snapshot.capabilities.resolve_edits and not wanted:
                action.data = {"uri": snapshot.uri, "version": snapshot.version, "kind": kind}
                actions.append(action)
            elif (fixed := fix_everything(snapshot, kind, stopped)) is not None:
                action.edit = fixed.edit
                actions.append(action)
    return actions


def wants_fixes(params: types.CodeActionParams) -> bool:
    """Whether quick fixes are among what is asked for."""
    return _is_wanted(types.CodeActionKind.QuickFix, params.context.only)


def resolved(
    snapshot: DocumentSnapshot, data: dict[str, Any], stopped: Callable[[], bool]
) -> types.WorkspaceEdit | None:
    """The edit of an action that said only what it is; None where there is nothing to do any more."""
    if data.get("kind") == allow.ALLOW:
        return allow.resolved(snapshot, data)
    if data.get("kind") == harden.HARDEN:
        return harden.resolved(snapshot, data, stopped)
    fixed = fix_everything(snapshot, str(data.get("kind")), stopped)
    return fixed.edit if fixed else None


def _is_wanted(kind: str, wanted: Any) -> bool:
    return not wanted or any(kind == w or kind.startswith(f"{w}.") or w == "" for w in wanted)


def _touched(snapshot: DocumentSnapshot, at: types.Range) -> Iterator[tuple[PlacedDocument, Finding]]:
    """Open findings on the lines of a range, those under the cursor first."""
    span = convert.span_of(at, snapshot.lines, snapshot.capabilities.encoding)
    first, last = snapshot.lines.line_of(span.start), snapshot.lines.line_of(span.end)
    near: list[tuple[bool, PlacedDocument, Finding]] = []
    for placed, finding in snapshot.checked.findings():
        start, end = finding.span.start + placed.offset, finding.span.end + placed.offset
        if not placed.checked.document.complete:
            continue  # its text may be anything: nothing can be proven about an edit
        if finding.status != "accepted" and first <= snapshot.lines.line_of(start) <= last:
            near.append((not (start <= span.end and span.start <= end), placed, finding))
    near.sort(key=lambda entry: (entry[0], -entry[2].severity))
    return ((placed, finding) for _, placed, finding in near)


def _quick_fixes(
    snapshot: DocumentSnapshot, placed: PlacedDocument, finding: Finding
) -> Iterator[types.CodeAction]:
    if not finding.fixable:
        return
    options, _ = fixes_of(snapshot.site(placed), finding)
    for option in options:
        edits = convert.text_edits(
            option.edits, placed.offset, snapshot.lines, snapshot.capabilities.encoding
        )
        yield types.CodeAction(
            title=f"{option.title}{'' if option.safe else ' (review)'} [{finding.control}]",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[_diagnostic(snapshot, placed, finding)],
            is_preferred=len(options) == 1,
            edit=workspace_edit(snapshot, edits),
        )


def _ignore_actions(
    snapshot: DocumentSnapshot, touched: list[tuple[PlacedDocument, Finding]], where: str
) -> Iterator[types.CodeAction]:
    """One action for each edit: a comment speaks for all that a control finds on its line."""
    edits: dict[tuple[str, int, TextEdit], list[types.Diagnostic]] = {}
    for placed, finding in touched:
        edit = suppression_edit(snapshot.site(placed), finding)
        if edit is not None:
            diagnostics = edits.setdefault((finding.control, placed.offset, edit), [])
            diagnostics.append(_diagnostic(snapshot, placed, finding))
    for (control, offset, edit), diagnostics in edits.items():
        made = convert.text_edits([edit], offset, snapshot.lines, snapshot.capabilities.encoding)
        yield types.CodeAction(
            title=f"Ignore {control} {where.format(diagnostics[0].range.start.line + 1)}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=diagnostics,
            edit=workspace_edit(snapshot, made),
        )


def _exception_actions(
    snapshot: DocumentSnapshot, touched: list[tuple[PlacedDocument, Finding]]
) -> Iterator[types.CodeAction]:
    """One action for each control and object: an exception speaks for all that a control finds there."""
    offered: dict[tuple[str, ResourceId], list[tuple[PlacedDocument, Finding]]] = {}
    for placed, finding in touched:
        offered.setdefault((finding.control, finding.resource), []).append((placed, finding))
    for (control, _), findings in offered.items():
        if edit := exception_edit(snapshot, findings[0][1]):
            yield types.CodeAction(
                title=f"Accept {control} in {NAME}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[_diagnostic(snapshot, placed, finding) for placed, finding in findings],
                edit=edit,
            )


def _baseline_actions(
    snapshot: DocumentSnapshot, touched: list[tuple[PlacedDocument, Finding]]
) -> Iterator[types.CodeAction]:
    for placed, finding in touched:
        if made := baseline_action(snapshot, finding):
            title, edit = made
            yield types.CodeAction(
                title=title,
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[_diagnostic(snapshot, placed, finding)],
                edit=edit,
            )


def _explain_actions(
    snapshot: DocumentSnapshot, touched: list[tuple[PlacedDocument, Finding]]
) -> Iterator[types.CodeAction]:
    """A page where the client shows pages, and a message that says what matters most elsewhere."""
    pages = snapshot.capabilities.pages
    for control in dict.fromkeys(finding.control for _, finding in touched):
        title = f"Explain {control}"
        yield types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            command=types.Command(title, SHOW_EXPLANATION, arguments=[snapshot.uri, control])
            if pages
            else types.Command(title, EXPLAIN, arguments=[control]),
        )


def _diagnostic(snapshot: DocumentSnapshot, placed: PlacedDocument, finding: Finding) -> types.Diagnostic:
    return convert.diagnostic_of(finding, placed.offset, snapshot.lines, snapshot.capabilities.encoding)
