"""A finding -> edits that make it go away, each proven before it is offered.

A fix is a list of operations on data. Every operation becomes one edit of the text, made on the text as the
ones before left it. Then the result is read and judged again, by all controls that are on, together with all
that is judged in other files: it must hold exactly the data that the operations ask for, must have lost the
finding, and must have gained none anywhere, and nothing that cannot be judged. Where that is not so there is no
fix, and a reason instead.

This is done when somebody asks for a fix, never between a keystroke and its diagnostics.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import edits
from kscan_lsp.edits.place import same
from kscan_lsp.findings import Verbatim
from kscan_lsp.fixes.changes import applied
from kscan_lsp.fixes.draft import drafts_of, elements_in, judged_in
from kscan_lsp.redaction import redact
from kscan_lsp.text import Span, TextEdit, apply_edits, minimal_edit
from kscan_lsp.yaml.document import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.engine.causes import FailedElements
    from kscan_lsp.findings import Finding, SourceMap
    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument


class VerifiedFix(Struct, frozen=True):
    """A fix that holds. `edits` count from the document's start; `text` is the document with them made."""

    title: str
    safe: bool
    changes: tuple[DataChange, ...]
    edits: tuple[TextEdit, ...]
    text: str
    leaves: tuple[str, ...] = ()
    """Controls that report what it writes now, less severely than what it fixes."""


class Site(Struct, frozen=True):
    """A document in a project: the file it is in, and which of the file's documents it is, from 0."""

    project: Project
    file: str
    number: int

    @property
    def checked(self) -> CheckedDocument:
        """The document as it was judged."""
        return self.project.files[self.file].documents[self.number].checked

    @property
    def source(self) -> SourceMap:
        """Where the document comes from."""
        return self.project.files[self.file].documents[self.number].source

    @property
    def is_written(self) -> bool:
        """Whether the document stands in its file as it was judged; what was rendered has no text to edit."""
        return isinstance(self.source, Verbatim)


def fixes_of(site: Site, finding: Finding) -> tuple[list[VerifiedFix], str]:
    """The fixes of a finding: one, or one for each value the user can choose.

    Args:
        site: the document the finding is in.
        finding: one of its findings.

    Returns:
        The fixes that hold, and where there are none the reason, with what to do by hand.
    """
    if not site.is_written:
        return (
            [],
            "this is rendered: 'kscan fix' tries to change what it is rendered from, or the values it reads",
        )
    if not site.checked.document.complete:
        return [], "repair the syntax of this document first"
    tried = [verified(site, draft, finding) for draft in _drafts(site, finding)]
    if fixes := [fix for fix, _ in tried if isinstance(fix, VerifiedFix)]:
        return fixes, ""
    return [], redact(next((why for why, _ in tried if isinstance(why, str)), "this control has no fix here"))


class Located(Struct, frozen=True):
    """A finding as its document has it, with its resource and where the findings of that were made."""

    finding: Finding
    resource: Resource
    elements: FailedElements


def located(site: Site, finding: Finding) -> Located | None:
    """Where a finding was made; None for one that its document does not have."""
    place = (finding.control, finding.path, finding.span)
    for number, verdicts in enumerate(site.checked.verdicts):
        for known in verdicts.findings:
            if (known.control, known.path, known.span) == place:
                elements = elements_in(site.checked, number, site.project.evaluator)
                return Located(known, judged_in(site.checked, number).resource, elements)
    return None


def _drafts(site: Site, finding: Finding) -> list[Draft]:
    place = located(site, finding)
    if place is None:
        return []
    return drafts_of(place.finding, place.resource, place.elements, site.project.ruleset, site.project.index)


def verified(site: Site, draft: Draft, finding: Finding) -> tuple[VerifiedFix | str, Project]:
    """The fix, proven to hold, or why it does not; and the project with it made."""
    document = site.checked.document
    made = made_in(document, draft)
    return (made, site.project) if isinstance(made, str) else proven(site, made, draft, finding)


def proven(
    site: Site, made: VerifiedFix, draft: Draft, finding: Finding | None
) -> tuple[VerifiedFix | str, Project]:
    """The same for edits that were made already.

    Without a finding they are good for something else: they have to remove none, and may bring up none.
    """
    after = site.project.with_document(site.file, site.number, made.text)
    left = _left(draft, finding, replace(site, project=after))
    why = _objection(made, finding, site, after, left)
    return why or replace(made, leaves=tuple(sorted({control for control, _ in left}))), after


_Left: TypeAlias = "frozenset[tuple[str, Path]]"
"""Findings of an edited document: control, and path from its root."""


def _left(draft: Draft, finding: Finding | None, after: Site) -> _Left:
    """What controls that a fix names find in what it has written, and less severe than what it fixes."""
    if finding is None or not draft.leaves or not after.project.files[after.file].parts:
        return frozenset()
    found = (
        (one, (*verdicts.resource.root, *one.path))
        for verdicts in after.checked.verdicts
        for one in verdicts.findings
    )
    return frozenset(
        (one.control, path)
        for one, path in found
        if one.control in draft.leaves
        and one.severity < finding.severity
        and path[: len(draft.within)] == draft.within
    )


def made_in(document: Document, draft: Draft) -> VerifiedFix | str:
    """Turn changes into edits, or say why that cannot be done."""
    here = document
    made: tuple[TextEdit, ...] = ()
    for change in draft.changes:
        match change.verb:
            case "set":
                edit = edits.set_value(here, change.path, change.value)
            case "add":
                edit = edits.add_item(here, change.path, change.value)
            case "rename":
                edit = edits.rename(here, change.path, change.value)
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
_NOTHING_RENAMED: Final[Mapping[Path, str]] = {}


def _objection(fix: VerifiedFix, finding: Finding | None, site: Site, after: Project, left: _Left) -> str:
    """Why a fix does not hold; empty where it does. What is `left` is no reason."""
    document = site.checked.document
    if not after.files[site.file].parts:
        return "the edit would leave text that is no manifest; change it by hand"
    edited = replace(site, project=after).checked
    result = edited.document
    if not result.complete or len(result.problems) > len(document.problems):
        return "the edit would leave text that does not parse; change it by hand"
    if not same(result.data, applied(document.data, fix.changes)):
        return "the edit would change more than the fix says; change it by hand"
    touched = list(_differences(site.project, after))
    renamed = {change.path: change.value for change in fix.changes if change.verb == "rename"}
    found_before, unjudged_before = _judged((old for old, _ in touched), site.checked, renamed)
    found_after, unjudged_after = _judged((new for _, new in touched), edited, left=left)
    if finding is not None:
        roots = (v.resource.root for v in site.checked.verdicts if v.resource.id == finding.resource)
        own = _identity(finding.control, finding.resource, (*next(roots, ()), *finding.path), renamed)
        if found_after[own] >= found_before[own]:
            return "the fix would not remove this finding; change it by hand"
    if gained := sorted({control for control, _, _ in found_after - found_before}):
        return f"the fix would bring up {', '.join(gained)}; change it by hand"
    if unjudged_after - unjudged_before:
        return "the fix would leave something that cannot be judged; change it by hand"
    return ""


def _identity(
    control: str, resource: object, path: Path, renamed: Mapping[Path, str] = _NOTHING_RENAMED
) -> _Identity:
    """What a finding is; `path` is from the root of its document, and read with keys of other names."""
    for old, key in renamed.items():
        if path[: len(old)] == old:
            path = (*old[:-1], key, *path[len(old) :])
    return control, resource, tuple(part for part in path if isinstance(part, str))


def _differences(before: Project, after: Project) -> Iterator[tuple[CheckedDocument, CheckedDocument]]:
    """The documents about which something else is said than before; an edit inside one leaves their number alone."""
    for path, file in after.files.items():
        old = before.files[path]
        if file is not old:
            pairs = zip(old.parts, file.parts, strict=True)
            yield from compress(pairs, map(is_not, old.parts, file.parts))


def _judged(
    documents: Iterable[CheckedDocument],
    edited: CheckedDocument | None = None,
    renamed: Mapping[Path, str] = _NOTHING_RENAMED,
    left: _Left = frozenset(),
) -> tuple[Counter[_Identity], Counter[_Identity]]:
    """The findings of some documents, and what could not be evaluated.

    Of the edited one as its keys are renamed, and without what is `left`.
    """
    found: Counter[_Identity] = Counter()
    unjudged: Counter[_Identity] = Counter()
    for checked in documents:
        keys = renamed if checked is edited else _NOTHING_RENAMED
        for verdicts in checked.verdicts:
            who, root = verdicts.resource.id, verdicts.resource.root
            placed = ((f.control, (*root, *f.path)) for f in verdicts.findings)
            found.update(
                _identity(control, who, path, keys)
                for control, path in placed
                if checked is not edited or (control, path) not in left
            )
            unjudged.update(_identity(u.control, who, (*root, *u.path), keys) for u in verdicts.unevaluated)
            # a value of a type that Kubernetes refuses, whether any control reads it or not
            unjudged.update(_identity("", who, (*root, *fault.path), keys) for fault in verdicts.type_errors)
    return found, unjudged
