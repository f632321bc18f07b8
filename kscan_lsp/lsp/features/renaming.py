"""Rename an input or a control wherever a workspace names it, and what a `let` or a relation of a check is called.

What comes with the program keeps its name. A rename is refused, with the reason, where not all would be as it was: a
name that is there already, one that is written in a way that cannot be changed, a file outside of the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lsprotocol import types

from kscan_lsp.authoring.bound_names import BoundName, UnsureError, bound_at, refuse_name, uses_of
from kscan_lsp.authoring.naming import names_in, reads_any_input
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.naming import (
    kind_of_file,
    named_at,
    named_files,
    suppressions,
    uri_of,
)
from kscan_lsp.lsp.uris import path_of
from kscan_lsp.policy.schema import CONTROL_ID
from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.policies import builtin_policies, definitions_for
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.authoring.naming import NameInFile
    from kscan_lsp.lsp.session.snapshot import NamingSnapshot
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document

_INPUT_NAME: Final = regex(r"[A-Za-z_]\w*")
_CONTROL_ID: Final = regex(CONTROL_ID)


class RefusedRenameError(ValueError):
    """Why a name cannot be another; the message is for the user."""


class _BoundThere(NamedTuple):
    """A name that a check of the open file binds, and what it takes to find its uses."""

    document: Document
    definitions: Entries
    name: BoundName
    span: Span
    """Where it stands at the cursor."""


def prepared(snapshot: NamingSnapshot, position: types.Position) -> types.PrepareRenamePlaceholder | None:
    """The name at a position, to be renamed; None where there is none.

    Raises:
        RefusedRenameError: it cannot be renamed.
    """
    one = _named_at(snapshot, position)
    if one is not None:
        _uses(snapshot, one)
        name, span = one.name, one.span
    else:
        bound = _bound_at(snapshot, position)
        if bound is None:
            return None
        name, span = bound.name.name, bound.span
    at = convert.range_of(span, snapshot.lines, snapshot.capabilities.encoding)
    return types.PrepareRenamePlaceholder(at, name)


def renamed(snapshot: NamingSnapshot, position: types.Position, name: str) -> types.WorkspaceEdit | None:
    """The edit that renames what is named at a position, in all files that name it.

    Raises:
        RefusedRenameError: it cannot be renamed, or not to this.
    """
    one = _named_at(snapshot, position)
    changes: dict[str, list[types.Range]] = {}
    encoding = snapshot.capabilities.encoding
    if one is None:
        bound = _bound_at(snapshot, position)
        if bound is None:
            return None
        spans = _uses_of_bound(bound, name)
        changes[snapshot.uri] = [convert.range_of(span, snapshot.lines, encoding) for span in spans]
        return _edit(snapshot, changes, name)
    uses = _uses(snapshot, one)
    _refuse(snapshot, one, name)
    for path, document, spans in uses:
        lines = LineIndex(document.text)
        changes[uri_of(snapshot, path)] = [convert.range_of(span, lines, encoding) for span in spans]
    if one.kind == "control":
        for place in _suppressed(snapshot, one.name):
            ranges = changes.setdefault(place.uri, [])
            if place.range not in ranges:
                ranges.append(place.range)
    return _edit(snapshot, changes, name)


def _named_at(snapshot: NamingSnapshot, position: types.Position) -> NameInFile | None:
    one = named_at(snapshot, position)
    return one if one is not None and one.kind in {"input", "control"} else None


def _refuse(snapshot: NamingSnapshot, one: NameInFile, name: str) -> None:
    """Refuse what cannot be the new name of an input or a control."""
    if one.kind == "input":
        if not _INPUT_NAME.fullmatch(name):
            raise RefusedRenameError(
                f"'{name}' is no name of an input: write letters, digits and '_', a letter first"
            )
        there = _builtin(one)
        what = f"there is an input '{name}' already"
    else:
        if not _CONTROL_ID.fullmatch(name):
            raise RefusedRenameError(
                f"'{name}' is no id of a control: write capital letters, a hyphen and four digits, such as ORG-0001"
            )
        there = _builtin(one) | {
            known for one in snapshot.configurations for known in one.ruleset.policies.controls
        }
        what = f"there is a control {name} already"
    declared = {
        other.name
        for path, document, kind in named_files(snapshot)
        for other in names_in(document, kind)
        if other.kind == one.kind and other.declares
    }
    if name != one.name and name in there | declared:
        raise RefusedRenameError(what)


def _builtin(one: NameInFile) -> set[str]:
    """What comes with the program of the same sort."""
    controls = builtin_policies().controls
    return {*controls} if one.kind == "control" else {i for known in controls.values() for i in known.inputs}


def _uses(snapshot: NamingSnapshot, one: NameInFile) -> list[tuple[Path, Document, list[Span]]]:
    """The files that name an input or a control, and where.

    Raises:
        RefusedRenameError: it comes with the program, or a place cannot be found or changed.
    """
    name, what = one.name, f"input '{one.name}'" if one.kind == "input" else f"control {one.name}"
    if name in _builtin(one):
        raise RefusedRenameError(f"{what} comes with kscan, so it keeps its name")
    found: list[tuple[Path, Document, list[Span]]] = []
    declared = False
    for path, document, kind in named_files(snapshot):
        if one.kind == "input" and kind == "control" and reads_any_input(document):
            raise RefusedRenameError(
                f"{path.name} reads inputs by names that it makes up, so none is surely '{name}'"
            )
        named = [other for other in names_in(document, kind) if (other.kind, other.name) == (one.kind, name)]
        if not named:
            continue
        declared = declared or any(other.declares for other in named)
        if not all(any(other.span) for other in named):
            raise RefusedRenameError(
                f"{path.name} writes '{name}' in a way that cannot be changed surely: by an escape, or in a block "
                "with an indentation of its own"
            )
        _refuse_outside(snapshot, path)
        if not document.complete:
            raise RefusedRenameError(f"{path.name} names it, and is no YAML as it stands")
        found.append((path, document, sorted({other.span for other in named})))
    if one.kind == "control" and not declared:
        raise RefusedRenameError(f"no file of this workspace has a control {name}")
    return found


def _suppressed(snapshot: NamingSnapshot, name: str) -> list[types.Location]:
    """Where comments and annotations of manifests suppress a control."""
    found = []
    texts = {one.uri: LineIndex(one.text) for one in snapshot.sources.documents.values()}
    for place in suppressions(snapshot, name, lambda: False):
        path = path_of(place.uri)
        if path is not None:
            _refuse_outside(snapshot, path)
        if lines := texts.get(place.uri):
            start, end = (
                convert.position_offset(at, lines, snapshot.capabilities.encoding)
                for at in (place.range.start, place.range.end)
            )
            if lines.text[start:end].upper() != name:
                raise RefusedRenameError(f"{place.uri.rpartition('/')[2]} is being edited; rename again")
        found.append(place)
    return found


def _refuse_outside(snapshot: NamingSnapshot, path: Path) -> None:
    if not any(path.is_relative_to(folder) for folder in snapshot.folders):
        raise RefusedRenameError(f"{path} names it, too, and is not in this workspace")


def _bound_at(snapshot: NamingSnapshot, position: types.Position) -> _BoundThere | None:
    """The name of a check at a position of a control's file.

    Raises:
        RefusedRenameError: it cannot be told where it is used.
    """
    document = read_document(snapshot.lines.text)
    if snapshot.path is None or kind_of_file(snapshot, snapshot.path, document) != "control":
        return None
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    pack = definitions_for(snapshot.path, snapshot.sources.texts)
    definitions = pack.entries if pack else ()
    found = bound_at(document, at, definitions)
    if found is None:
        return None
    made = _BoundThere(document, definitions, found, found.span)
    here = (span for span in _uses_of_bound(made, "") if span.start <= at <= span.end)
    return made._replace(span=next(here, found.span))


def _uses_of_bound(bound: _BoundThere, new: str) -> list[Span]:
    try:
        if new and new != bound.name.name:
            refuse_name(bound.document, bound.name, bound.definitions, new)
        return uses_of(bound.document, bound.name, bound.definitions, new)
    except UnsureError as error:
        raise RefusedRenameError(str(error)) from None


def _edit(snapshot: NamingSnapshot, changes: dict[str, list[types.Range]], name: str) -> types.WorkspaceEdit:
    edits = {uri: [types.TextEdit(place, name) for place in places] for uri, places in changes.items()}
    if not snapshot.capabilities.document_changes:
        return types.WorkspaceEdit(changes=edits)
    versions = {text.uri: text.version for text in snapshot.sources.documents.values()}
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=versions.get(uri)), [*some]
            )
            for uri, some in edits.items()
        ]
    )
