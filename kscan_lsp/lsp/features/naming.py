"""Controls, frameworks and inputs by name: go to where one is declared, find who names it.

Names stand in the files of policies, in settings, packs and exceptions, and in the comments and annotations of
manifests that suppress. Those that come with the program are declared in its own files, which can be looked at and are
never changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lsprotocol import types

from kscan_lsp.authoring.bound_names import bound_at
from kscan_lsp.authoring.control_text import expression_at
from kscan_lsp.authoring.naming import NameInFile, file_kind, names_in
from kscan_lsp.authoring.taken_apart import focus_at
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.control_names import ids_in
from kscan_lsp.lsp.features.places import Places
from kscan_lsp.policy.definitions import KEY
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.declared import index_of
from kscan_lsp.workspace.places import is_exceptions_file
from kscan_lsp.workspace.policies import (
    PACK_NAME,
    builtin_folder,
    builtin_policies,
    definitions_for,
    read_policy_file,
)
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.authoring.naming import FileKind, NameKind
    from kscan_lsp.lsp.session.snapshot import NamingSnapshot
    from kscan_lsp.yaml.document import Document

MAX_PLACES: Final = 1_000
"""Places that one answer names."""


class NamedFile(NamedTuple):
    """A file that names things."""

    path: Path
    document: Document
    kind: FileKind


def definitions(snapshot: NamingSnapshot, position: types.Position) -> list[types.Location]:
    """Where that is declared which is named at a position, be it by a `let`."""
    one = named_at(snapshot, position)
    return [*_bound(snapshot, position)] if one is None else [*_declared(snapshot, one)]


def _bound(snapshot: NamingSnapshot, position: types.Position) -> Iterator[types.Location]:
    """Where a name is bound that an expression at a position uses: by a `let`, a relation or its pack."""
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    document = read_document(snapshot.lines.text)
    if snapshot.path is None or kind_of_file(snapshot, snapshot.path, document) != "control":
        return
    pack = definitions_for(snapshot.path, snapshot.sources.texts)
    entries = pack.entries if pack else ()
    if bound := bound_at(document, at, entries):
        place = convert.range_of(bound.span, snapshot.lines, snapshot.capabilities.encoding)
        yield types.Location(snapshot.uri, place)
        return
    found = expression_at(document, at, entries)
    focus = focus_at(found[0].source, found[1]) if found else None
    if focus is None or focus.part.kind != "name":
        return
    name = focus.part.name
    if pack and name in dict(entries) and name not in {one.name for one in focus.variables}:
        span = span_at(pack.document, (KEY, name), on_key=True)
        yield _location(snapshot, NamedFile(Path(pack.source), pack.document, "pack"), span)


def references(
    snapshot: NamingSnapshot, position: types.Position, stopped: Callable[[], bool], *, declaration: bool
) -> list[types.Location]:
    """Who names what is named at a position.

    Args:
        snapshot: the document, and all that is known around it.
        position: a name of a control, a framework or an input.
        stopped: asked between two files; true ends the search with what was found.
        declaration: whether where it is declared is wanted, too.
    """
    one = named_at(snapshot, position)
    if one is None:
        return []
    found = [*_declared(snapshot, one)] if declaration else []
    for file in named_files(snapshot):
        if stopped():
            break
        found += (
            _location(snapshot, file, other.span)
            for other in names_in(file.document, file.kind)
            if other.kind == one.kind and other.name == one.name and not other.declares and any(other.span)
        )
    if one.kind == "control":
        found += suppressions(snapshot, one.name, stopped)
    return found[:MAX_PLACES]


def named_at(snapshot: NamingSnapshot, position: types.Position) -> NameInFile | None:
    """What is named at a position of a document."""
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    text = snapshot.lines.text
    if snapshot.path is not None and (kind := kind_of_file(snapshot, snapshot.path, read_document(text))):
        names = names_in(read_document(text, json=snapshot.path.suffix == ".json"), kind)
        return next((one for one in names if any(one.span) and one.span.start <= at <= one.span.end), None)
    for offset, document in snapshot.documents:
        for name, span in ids_in(document):
            if span.start <= at - offset <= span.end:
                return NameInFile("control", name, Span(span.start + offset, span.end + offset))
    return None


def kind_of_file(snapshot: NamingSnapshot, path: Path, document: Document) -> FileKind | None:
    """What a file is among those that settings are read from; None for any other."""
    if path.name in FILE_NAMES:
        return "settings"
    if is_exceptions_file(path) or any(
        path == one.path for configuration in snapshot.configurations for one in configuration.exception_files
    ):
        return "exceptions"
    if path.name == PACK_NAME:
        return "pack"
    if not any(path in configuration.files for configuration in snapshot.configurations):
        return None
    kind = file_kind(document)
    return kind if kind != "inputs" or path in _lists(snapshot) else None


def _lists(snapshot: NamingSnapshot) -> set[Path]:
    """The files of inputs that settings name."""
    found: set[Path] = set()
    for path in {path for one in snapshot.configurations for path in one.files if path.name in FILE_NAMES}:
        data = read_policy_file(path, "setting", snapshot.sources.texts).data
        named = data.get("inputs") if isinstance(data, dict) else None
        found |= {path.parent / named} if isinstance(named, str) and "\0" not in named else set()
    return found


def named_files(snapshot: NamingSnapshot) -> Iterator[NamedFile]:
    """The files of all folders that name things, each once."""
    paths: dict[Path, None] = {}
    for one in snapshot.configurations:
        # reports of scanners, which can be large, are JSON; of what names anything, only exceptions and lists may be
        paths |= dict.fromkeys(sorted(path for path in one.files if path.suffix != ".json"))
        paths |= dict.fromkeys(file.path for file in one.exception_files)
        folders = {Path(source.name).parent for source in one.ruleset.policies.sources.values()}
        packs = (definitions_for(folder / PACK_NAME, snapshot.sources.texts) for folder in sorted(folders))
        paths |= dict.fromkeys(Path(pack.source) for pack in packs if pack)
    paths |= dict.fromkeys(sorted(_lists(snapshot)))
    for path in paths:
        document = read_policy_file(path, "control", snapshot.sources.texts)
        if kind := kind_of_file(snapshot, path, document):
            yield NamedFile(path, document, kind)


def _declared(snapshot: NamingSnapshot, one: NameInFile) -> Iterator[types.Location]:
    """Where something is declared: in files of the workspace, else in those that come with the program."""
    found = False
    for file in named_files(snapshot):
        for other in names_in(file.document, file.kind):
            if other.declares and (other.kind, other.name) == (one.kind, one.name) and any(other.span):
                found = True
                yield _location(snapshot, file, other.span)
    if not found:
        yield from _builtin(snapshot, one.kind, one.name)


def _builtin(snapshot: NamingSnapshot, kind: NameKind, name: str) -> Iterator[types.Location]:
    """Where something is declared that comes with the program."""
    policies, folder = builtin_policies(), builtin_folder()
    if kind == "framework":
        known = policies.framework(name)
        wanted, of = {known.id if known else ""}, "framework"
        files = [path for path in (folder / "frameworks").iterdir() if known and known.id in path.name]
    else:
        wanted, of = {name}, "control"
        ids = [name] if kind == "control" else [c.id for c in policies.controls.values() if name in c.inputs]
        files = [path for one in ids if one in policies.controls for path in _files_of(one)]
    for path in sorted(files):
        file = NamedFile(
            path, read_policy_file(path, "control", None), "framework" if of == "framework" else "control"
        )
        for other in names_in(file.document, file.kind):
            if other.declares and other.kind == kind and other.name in wanted:
                yield _location(snapshot, file, other.span)


def _files_of(control: str) -> list[Path]:
    """The file of a control that comes with the program."""
    return [*(builtin_folder() / "controls").glob(f"{control}-*.yaml")]


def suppressions(
    snapshot: NamingSnapshot, name: str, stopped: Callable[[], bool]
) -> Iterator[types.Location]:
    """Where comments and annotations of manifests suppress a control."""
    for project in snapshot.projects:
        places = Places(project, snapshot.capabilities.encoding, snapshot.uris)
        seen: set[str] = set()
        for objects in index_of(project).files.values():
            for one in objects:
                known = f"{one.file}\0{one.document}"
                if stopped() or known in seen or name.lower() not in one.document.lower():
                    continue
                seen.add(known)
                document = places.resource(one).document
                roots = [other.root for other in objects if other.document == one.document]
                for other, span in ids_in(document, roots):
                    if other == name:
                        yield places.span(one, span)


def _location(snapshot: NamingSnapshot, file: NamedFile, span: Span) -> types.Location:
    at = convert.range_of(span, LineIndex(file.document.text), snapshot.capabilities.encoding)
    return types.Location(uri_of(snapshot, file.path), at)


def uri_of(snapshot: NamingSnapshot, path: Path) -> str:
    """What the editor calls a file."""
    known = snapshot.sources.documents.get(path)
    return known.uri if known else path.absolute().as_uri()
