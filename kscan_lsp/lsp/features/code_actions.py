"""Code actions: fix this, fix all, ignore this, explain this.

Every fix offered has been made and judged before (see `fixes.py`). Fixing a whole file can take long, so where the
client can ask for an action's edit later, that is when it is worked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lsprotocol import types

from kscan_lsp.dispositions.directives import ANNOTATION, MARK
from kscan_lsp.edits import Refusal, set_value
from kscan_lsp.fixes.fix_all import fix_all, is_open, offers_fix
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.lsp import convert
from kscan_lsp.text import Span, TextEdit, apply_edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.lsp.session.snapshot import View
    from kscan_lsp.workspace.results import PlacedDocument
    from kscan_lsp.yaml.document import Document

EXPLAIN: Final = "kscan.explain"
FIX_SAFE: Final = "source.fixAll.kscan"
FIX_REVIEW: Final = "source.kscan.fixAll"
"""Not below `source.fixAll`: an editor that fixes all on save must not make changes that need a look."""

REVIEW: Final = "kscan.review"
"""The annotation of edits that need a look."""

KINDS: Final = (types.CodeActionKind.QuickFix, FIX_SAFE, FIX_REVIEW)

MAX_FINDINGS: Final = 20
"""Findings of a selection whose fixes are worked out at once."""


def code_actions(
    view: View, params: types.CodeActionParams, stopped: Callable[[], bool]
) -> list[types.CodeAction]:
    """The actions for a range of a document, the most useful first."""
    wanted = params.context.only
    actions: list[types.CodeAction] = []
    if _asked(types.CodeActionKind.QuickFix, wanted):
        touched = list(_touched(view, params.range))[:MAX_FINDINGS]
        fixes = [action for placed, finding in touched for action in _quick_fixes(view, placed, finding)]
        actions += fixes
        one_line = params.range.start.line == params.range.end.line
        actions += _ignoring(view, touched, "here" if one_line else "on line {}")
        actions += _explanations(touched)
    invoked = params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    for kind, title in ((FIX_SAFE, "Fix all safe problems"), (FIX_REVIEW, "Fix all problems (review)")):
        if _asked(kind, wanted) and (wanted or (invoked and actions)):
            action = types.CodeAction(title=f"kscan: {title}", kind=kind)
            if not wanted and not _offered(view, kind):
                continue
            if view.client.resolve_edits and not wanted:
                action.data = {"uri": view.uri, "version": view.version, "kind": kind}
                actions.append(action)
            elif (fixed := fix_everything(view, kind, stopped)) is not None:
                action.edit = fixed.edit
                actions.append(action)
    return actions


def _offered(view: View, kind: str) -> bool:
    """Whether a menu should name a kind of fixing everything."""
    evaluator, safe_only = view.project.evaluator, kind == FIX_SAFE
    return any(offers_fix(d, evaluator, safe_only=safe_only) for d in view.checked.parts)


class Fixed(NamedTuple):
    """What fixing a whole file comes to."""

    edit: types.WorkspaceEdit
    number: int
    """How many fixes it is made of."""


def fix_everything(view: View, kind: str, stopped: Callable[[], bool]) -> Fixed | None:
    """Fix all that a kind of action stands for; None where there is nothing to fix, or when it is stopped."""
    safe_only = kind == FIX_SAFE

    def accept(fix: Draft) -> bool:
        return fix.safe or not safe_only

    project = view.project
    edits: list[types.TextEdit] = []
    number = 0
    for index, placed in enumerate(view.checked.documents):
        document = placed.checked.document
        if not document.complete or not any(f.fixable and is_open(f) for f in placed.checked.findings):
            continue
        project, done = fix_all(Site(project, view.key, index), accept, stopped)
        if stopped():
            return None
        if done:
            number += len(done)
            after = project.files[view.key].parts[index].document
            edits += _line_edits(view, placed, document.text, after.text)
    review = "" if safe_only else "each of these may change what a workload does"
    return Fixed(_workspace_edit(view, edits, review), number) if edits else None


def _line_edits(view: View, placed: PlacedDocument, old: str, new: str) -> list[types.TextEdit]:
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
    return convert.text_edits(edits, placed.offset, view.lines, view.client.encoding)


def _asked(kind: str, wanted: Any) -> bool:
    return not wanted or any(kind == w or kind.startswith(f"{w}.") or w == "" for w in wanted)


def _touched(view: View, at: types.Range) -> Iterator[tuple[PlacedDocument, Finding]]:
    """Open findings on the lines of a range, those under the cursor first."""
    span = convert.span_of(at, view.lines, view.client.encoding)
    first, last = view.lines.line_of(span.start), view.lines.line_of(span.end)
    near: list[tuple[bool, PlacedDocument, Finding]] = []
    for placed, finding in view.checked.findings():
        start, end = finding.span.start + placed.offset, finding.span.end + placed.offset
        if not placed.checked.document.complete:
            continue  # its text may be anything: nothing can be proven about an edit
        if finding.status == "open" and first <= view.lines.line_of(start) <= last:
            near.append((not (start <= span.end and span.start <= end), placed, finding))
    near.sort(key=lambda entry: (entry[0], -entry[2].severity))
    return ((placed, finding) for _, placed, finding in near)


def _quick_fixes(view: View, placed: PlacedDocument, finding: Finding) -> Iterator[types.CodeAction]:
    if not finding.fixable:
        return
    options, _ = fixes_of(view.site(placed), finding)
    for option in options:
        edits = convert.text_edits(option.edits, placed.offset, view.lines, view.client.encoding)
        review = "" if option.safe else f"{option.title}: this may change what the workload does"
        yield types.CodeAction(
            title=f"{option.title}{' (review)' if review else ''} [{finding.control}]",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[_diagnostic(view, placed, finding)],
            is_preferred=len(options) == 1,
            edit=_workspace_edit(view, edits, review),
        )


def _ignoring(
    view: View, touched: list[tuple[PlacedDocument, Finding]], where: str
) -> Iterator[types.CodeAction]:
    """One action for each edit: a comment speaks for all that a control finds on its line."""
    edits: dict[tuple[str, int, TextEdit], list[types.Diagnostic]] = {}
    for placed, finding in touched:
        edit = ignore_edit(view.site(placed), finding)
        if edit is not None:
            diagnostics = edits.setdefault((finding.control, placed.offset, edit), [])
            diagnostics.append(_diagnostic(view, placed, finding))
    for (control, offset, edit), diagnostics in edits.items():
        made = convert.text_edits([edit], offset, view.lines, view.client.encoding)
        yield types.CodeAction(
            title=f"Ignore {control} {where.format(diagnostics[0].range.start.line + 1)}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=diagnostics,
            edit=_workspace_edit(view, made),
        )


def ignore_edit(site: Site, finding: Finding) -> TextEdit | None:
    """The edit that suppresses one finding: a comment above its line, or an annotation where that cannot be.

    None where neither leaves the document as it was but for the suppression.
    """
    document = site.checked.document
    for edit in (_comment_edit(document, finding), _annotation_edit(document, finding)):
        if edit is not None and _suppresses(site, edit, finding):
            return edit
    return None


def _comment_edit(document: Document, finding: Finding) -> TextEdit | None:
    if document.json:
        return None
    text = document.text
    start = document.lines.starts[document.lines.line_of(finding.span.start)]
    previous = text[:start].rstrip("\r\n").rpartition("\n")[2]
    if previous.lstrip().startswith(f"# {MARK}") and "--" not in previous:
        at = len(text[:start].rstrip("\r\n"))
        return TextEdit(Span(at, at), f", {finding.control}")
    indent = text[start : start + len(text[start:]) - len(text[start:].lstrip(" "))]
    line_end = "\r\n" if "\r\n" in text else "\n"
    return TextEdit(Span(start, start), f"{indent}# {MARK} {finding.control}{line_end}")


def _annotation_edit(document: Document, finding: Finding) -> TextEdit | None:
    root = _root_of(document, finding)
    path = (*root, "metadata", "annotations", ANNOTATION)
    edit = set_value(document, path, finding.control)
    return None if isinstance(edit, Refusal) else edit


def _root_of(document: Document, finding: Finding) -> tuple[str | int, ...]:
    data = document.data
    items = data.get("items") if isinstance(data, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else ()):
        metadata = item.get("metadata") if isinstance(item, dict) else None
        if isinstance(metadata, dict) and metadata.get("name") == finding.resource.name:
            return ("items", index)
    return ()


def _suppresses(site: Site, edit: TextEdit, finding: Finding) -> bool:
    """Whether an edit hides one finding and changes nothing that the document says."""
    document = site.checked.document
    after = site.project.with_document(site.file, site.number, apply_edits(document.text, [edit]))
    if not after.files[site.file].parts:
        return False
    result = site._replace(project=after).checked
    if not result.document.complete or len(result.document.problems) > len(document.problems):
        return False
    key = (finding.control, finding.stable_path, finding.resource)
    return any(
        (f.control, f.stable_path, f.resource) == key and f.status == "accepted" for f in result.findings
    )


def _explanations(touched: list[tuple[PlacedDocument, Finding]]) -> Iterator[types.CodeAction]:
    for control in dict.fromkeys(finding.control for _, finding in touched):
        title = f"Explain {control}"
        yield types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            command=types.Command(title=title, command=EXPLAIN, arguments=[control]),
        )


def _diagnostic(view: View, placed: PlacedDocument, finding: Finding) -> types.Diagnostic:
    return convert.diagnostic_of(finding, placed.offset, view.lines, view.client.encoding)


def _workspace_edit(view: View, edits: list[types.TextEdit], review: str = "") -> types.WorkspaceEdit:
    """Edits of a document; `review` says why somebody should confirm them, where the client can ask."""
    uri, version = view.uri, view.version
    if not view.client.document_changes:
        return types.WorkspaceEdit(changes={uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    if not (review and view.client.change_annotations):
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])
    annotated = [types.AnnotatedTextEdit(REVIEW, edit.range, edit.new_text) for edit in edits]
    note = types.ChangeAnnotation("kscan: review", needs_confirmation=True, description=review)
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(identifier, list(annotated))],
        change_annotations={REVIEW: note},
    )
