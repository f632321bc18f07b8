"""A fix of what an overlay builds -> edits of what it is built from: the patch or the base that the finding stands in.

A value is changed where it stands, and what is missing is added where the mapping stands that lacks it. Nothing here
says that a fix holds: a patch may set again what is changed below it. Whoever makes one builds again, and compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import edits
from kscan_lsp.paths import lookup
from kscan_lsp.text import Span, TextEdit, apply_edits
from kscan_lsp.yaml.document import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.marking import BuildSource
    from kscan_lsp.render.kustomize.places import DocumentPlaces

_OF_KUSTOMIZATION: Final = frozenset(("count", "namespace"))
"""What a kustomization sets as it is built: tags of images and literals are only a part of that."""


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
