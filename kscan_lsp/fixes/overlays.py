"""A fix of what an overlay builds -> edits of what it is built from: the patch or the base that the finding stands in.

A value is changed where it stands, and what is missing is added where the mapping stands that lacks it. A patch may
set again what is changed below it: whoever makes a fix builds again, and asks here whether that is what was wanted, and
whether what is found in it is what it was without what is fixed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp import edits
from kscan_lsp.edits.place import differing, same
from kscan_lsp.fixes.changes import applied
from kscan_lsp.fixes.draft import drafts
from kscan_lsp.paths import lookup
from kscan_lsp.render.kustomize.building import documents_of
from kscan_lsp.render.kustomize.places import Overlaid
from kscan_lsp.text import Span, TextEdit, apply_edits
from kscan_lsp.yaml.document import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kscan_lsp import paths
    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.marking import BuildSource
    from kscan_lsp.render.kustomize.places import DocumentPlaces
    from kscan_lsp.workspace.overlays import OverlayBuild
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

_OF_KUSTOMIZATION: Final = frozenset(("count", "namespace"))
"""What a kustomization sets as it is built: tags of images and literals are only a part of that."""


_Key = tuple[object, ...]


class OverlayFix(Struct, frozen=True):
    """A fix of what an overlay builds that nobody has made yet."""

    overlay: str
    title: str
    """What messages call the overlay."""
    number: int
    """Of the document in what the overlay builds."""
    places: DocumentPlaces
    finding: Finding
    draft: Draft


class _Edited(NamedTuple):
    source: BuildSource
    region: Span
    """Where the document stands in its file."""
    document: Document


class SourceEdits:
    """Edits of the documents that overlays are built from, one after the other."""

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        """Nothing is edited yet; `allowed` says whether a file may be, by its path."""
        self._allowed = allowed
        self._edited: dict[tuple[str, int], _Edited] = {}

    def make(self, places: DocumentPlaces, changes: Iterable[DataChange]) -> bool:
        """Make the changes of a fix where that stands; whether it could be done, else nothing is.

        Args:
            places: of the document that the changes are about.
            changes: what the fix does to it.
        """
        before = dict(self._edited)
        if all(self._make(places, change) for change in changes):
            return True
        self._edited = before
        return False

    def _make(self, places: DocumentPlaces, change: DataChange) -> bool:
        found = places.written(change.path)
        if found is None:
            return False
        source, path, rest = found
        if source.indent < 0 or not self._allowed(source.file) or source.role == "generator":
            return False
        if source.role == "overlay" and (rest or path[-1] not in _OF_KUSTOMIZATION):
            return False
        whole = source.to_file(Span(0, len(source.document.text)))
        known = self._edited.get((source.file, whole.start)) or _Edited(source, whole, source.document)
        if any(_overlap(known, one) for one in self._edited.values()):
            return False
        edit = _edit(known.document, (*path, *rest), change, there=not rest)
        if edit is None or isinstance(edit, edits.Refusal):
            return False
        text = apply_edits(known.document.text, [edit])
        made = known._replace(document=read_document(text, json=known.document.json))
        self._edited[source.file, whole.start] = made
        return made.document.complete

    def texts(self, written: Mapping[str, str]) -> dict[str, str]:
        """The files that change, by path, as they are then.

        Args:
            written: files as they are, by path.
        """
        found: dict[str, str] = {}
        for one in sorted(self._edited.values(), key=lambda one: one.region.start, reverse=True):
            text = found.get(one.source.file, written[one.source.file])
            lines = one.document.text.split("\n")
            margin = " " * one.source.indent
            inside = "\n".join([lines[0], *(margin + line if line.strip() else line for line in lines[1:])])
            found[one.source.file] = text[: one.region.start] + inside + text[one.region.end :]
        return found


def _overlap(one: _Edited, other: _Edited) -> bool:
    same = one.source.file == other.source.file
    return (
        same
        and one.region != other.region
        and (one.region.start < other.region.end and other.region.start < one.region.end)
    )


def _edit(
    document: Document, path: Path, change: DataChange, *, there: bool
) -> TextEdit | edits.Refusal | None:
    """One change of a document; None for one that is not made here."""
    match change.verb:
        case "set":
            return edits.set_value(document, path, change.value)
        case "add":
            return edits.add_item(document, path, change.value)
        case "remove" if there and lookup(document.data, path) is not None:
            return edits.remove(document, path)
        case _:
            return None


def overlay_fixes(
    file: CheckedFile, project: Project, wanted: Callable[[Finding], bool]
) -> Iterator[OverlayFix]:
    """The findings of an overlay that have one fix each.

    Args:
        file: what it builds.
        project: the one that it is in.
        wanted: which findings.
    """
    for number, placed in enumerate(file.documents):
        if not isinstance(placed.source, Overlaid) or placed.source.places is None:
            continue
        for finding, options in drafts(placed.checked, project.evaluator, project.index, wanted):
            if len(options) == 1 and not options[0].leaves:
                title = next(iter(placed.source.found_with.of(finding)), file.path)
                yield OverlayFix(file.path, title, number, placed.source.places, finding, options[0])


def are_as_wanted(builds: Iterable[tuple[OverlayBuild, OverlayBuild]], fixes: Sequence[OverlayFix]) -> bool:
    """Whether what is built is what it was with the changes of fixes, and in other overlays at the same paths.

    Args:
        builds: each overlay as it was and as it is.
        fixes: all that were made.
    """
    changed = {_names(change.path) for one in fixes for change in one.draft.changes}
    for old, new in builds:
        if old is new:
            continue
        before, after = documents_of(old.built.text), documents_of(new.built.text)
        if len(before) != len(after):
            return False
        own = [one for one in fixes if one.overlay == old.path]
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            changes = [change for fix in own if fix.number == number for change in fix.draft.changes]
            if same(applied(one, tuple(changes)), other):
                continue
            if own or not all(_is_below(path, changed) for path in differing(one, other)):
                return False
    return True


def are_gone(
    fixes: Iterable[OverlayFix], before: Iterable[CheckedFile], after: Iterable[CheckedFile]
) -> bool:
    """Whether what is fixed is found no more, and nothing is new.

    Args:
        fixes: what was fixed.
        before: all files as they were judged.
        after: all files as they are judged with the fixes.
    """
    known, unjudged_before = _counted(before)
    found, unjudged = _counted(after)
    fixed = any(found[_key(one.title, one.finding)] for one in fixes)
    return not (fixed or found - known or unjudged - unjudged_before)


def _names(path: paths.Path) -> tuple[str, ...]:
    return tuple(part for part in path if isinstance(part, str))


def _is_below(path: paths.Path, wanted: Iterable[tuple[str, ...]]) -> bool:
    """Whether a path leads to one of some, into it, or to what it was made in."""
    names = _names(path)
    return any(names[: len(one)] == one[: len(names)] for one in wanted)


def _counted(files: Iterable[CheckedFile]) -> tuple[Counter[_Key], Counter[_Key]]:
    """The findings of files, and what could not be judged; of an overlay that shares a finding it is one, too."""
    found: Counter[_Key] = Counter()
    unjudged: Counter[_Key] = Counter()
    for file in files:
        for placed in file.documents:
            for verdicts in placed.checked.verdicts:
                unjudged.update(
                    (file.path, one.control, verdicts.resource.id) for one in verdicts.unevaluated
                )
                for finding in verdicts.findings:
                    overlays: tuple[str, ...] = (file.path,)
                    if isinstance(placed.source, Overlaid):
                        overlays = placed.source.found_with.of(finding) or overlays
                    found.update(_key(one, finding) for one in overlays)
    return found, unjudged


def _key(path: str, finding: Finding) -> _Key:
    return path, finding.control, finding.resource.kind, finding.stable_path
