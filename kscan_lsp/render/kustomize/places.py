"""From a span of what an overlay builds to the place in a patch, a base or a kustomization: its source map.

A value stands where the mark in it says. What has none is looked up: the mapping that it is in was put together from
some mappings, as their marks tell, and the last of these with that value is where it stands. What tells an element of a
list from others, and mappings and lists themselves, stand where the first has them: there the object was made.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.findings import Location
from kscan_lsp.render.kustomize.marking import IDENTITY, OF_KINDS, text_of
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.text import Span
from kscan_lsp.yaml import tree
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.building import Built
    from kscan_lsp.render.kustomize.marking import BuildSource, Marked
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

NOT_KNOWN: Final = "what sets this is not known; it is in this object"
PATCHED: Final = "this is changed by a patch"
SET: Final = "this is changed by the kustomization"
NOT_IN_FILES: Final = "which file this object comes from is not known"


class WrittenPlace(NamedTuple):
    """Where something stands: in a document, at a path of it, and why that is not sure; empty where it is proven."""

    source: BuildSource
    path: Path
    reason: str = ""


class CommentPlace(Struct, frozen=True):
    """A comment in what is judged, and the document that it stands in."""

    span: Span
    source: BuildSource
    written: Span


class DocumentPlaces:
    """Where the parts of one built document stand."""

    def __init__(
        self,
        built: Built,
        number: int,
        text: str,
        fallback: str,
        name: Callable[[str], str],
        *,
        comments: tuple[CommentPlace, ...] = (),
    ) -> None:
        """Where the parts of a document stand.

        Args:
            built: what the overlay builds.
            number: which document of it.
            text: the text of that.
            fallback: the file that stands for what nobody knows.
            name: what a file is called, by its path.
            comments: those that it has.
        """
        self._comments = comments
        self._built = built
        self._marks = built.marks[number] if built.marks else {}
        self._text = text
        self._fallback = fallback
        self._name = name
        self._document: Document | None = None
        self._spans: list[tuple[int, int, Path]] = []
        self._values: dict[Path, int] = {}
        """Where values on the lines of their keys begin."""
        self._known: dict[Path, WrittenPlace | None] = {}

    def locate(self, span: Span) -> Location:
        """The place that a span comes from."""
        for one in self._comments:
            if one.span.start <= span.start < one.span.end:
                start = one.written.start + span.start - one.span.start
                within = Span(start, min(start + span.end - span.start, one.written.end))
                return Location(self._name(one.source.file), one.source.to_file(within))
        path = self.path_at(span)
        place = self.place(path)
        if place is None:
            return Location(self._fallback, Span(0, 0), NOT_IN_FILES)
        # the value alone, where only that was asked for
        alone = span.start == self._values.get(path)
        stands = place.source.value_span(place.path) if alone else place.source.span(place.path)
        return Location(self._name(place.source.file), stands, place.reason)

    def beneath(self, span: Span) -> tuple[Location, str] | None:
        """Where the object that a patch changes stands, as near as it has what the span shows; None without a patch."""
        path = self.path_at(span)
        place = self.place(path)
        made = self._sources(())
        if place is None or not made or made[0].source is place.source or made[0].source.role != "resource":
            return None
        there = made[0].source
        how = SET if place.source.role == "overlay" else PATCHED
        for depth in range(len(path), -1, -1):
            found = [one for one in self._sources(path[:depth]) if one.source is there]
            if found:
                rest = path[depth : depth + 1]
                inside = paths.lookup(there.document.data, (*found[0].path, *rest)) is not None
                at = there.span((*found[0].path, *rest) if inside else found[0].path)
                return Location(self._name(there.file), at), how
        return None

    def files(self) -> Iterator[str]:
        """The files that anything in it comes from."""
        yield from dict.fromkeys(self._name(one.file) for one in self.sources())

    def sources(self) -> Iterator[BuildSource]:
        """The documents that anything in it comes from."""
        found = (self._built.all[number].source for numbers in self._marks.values() for number in numbers)
        yield from {id(one): one for one in found}.values()

    def parts(self) -> list[tuple[int, int, Path]]:
        """Its parts: where each begins and ends, and its path."""
        if self._document is None:
            self._document = read_document(self._text)
            if self._document.root is not None:
                found = self._parts(self._document.root, ())
                self._spans = sorted(found, key=lambda one: (one[0], -one[1]))
        return self._spans

    def path_at(self, span: Span) -> Path:
        """The path of the smallest part that has a span."""
        parts = self.parts()
        at = bisect_right(parts, span.start, key=lambda one: one[0])
        for _, end, path in reversed(parts[:at]):
            if end >= span.end:
                return path
        return ()

    def _parts(self, node: Node, path: Path) -> Iterator[tuple[int, int, Path]]:
        yield node.start, node.end, path
        if isinstance(node, tree.Mapping):
            for entry in node.entries:
                key = key_of(entry)
                if key is not None:
                    below = (*path, key)
                    yield entry.key.start, max(entry.key.end, entry.value.end), below
                    if isinstance(entry.value, tree.Mapping | tree.Sequence):
                        yield from self._parts(entry.value, below)
                    else:
                        self._values[below] = entry.value.start
        elif isinstance(node, tree.Sequence):
            for number, item in enumerate(node.items):
                self._values[(*path, number)] = item.start
                yield from self._parts(item, (*path, number))

    def written(self, path: Path) -> tuple[BuildSource, Path, Path] | None:
        """Where a path stands, or is to be added: a document, a path in that, and what of the path is not there yet.

        None where that is not known.
        """
        self.parts()
        data = self._document.data if self._document else None
        depth = next((n for n in range(len(path) + 1) if not _is_there(data, path[: n + 1])), len(path))
        depth = min(depth, len(path))
        place = self.place(path[:depth])
        if place is None or place.reason:
            return None
        return place.source, place.path, path[depth:]

    def place(self, path: Path) -> WrittenPlace | None:
        """Where what is at a path stands."""
        if path not in self._known:
            self.parts()
            self._known[path] = self._found(path)
        return self._known[path]

    def _sources(self, path: Path) -> list[Marked]:
        """The mappings that the one at a path was put together from."""
        return [self._built.all[number] for number in self._marks.get(path, ())]

    def _found(self, path: Path) -> WrittenPlace | None:
        value = paths.lookup(self._document.data if self._document else None, path)
        marked = self._sources(path)
        if marked and not isinstance(value, dict):
            return _place(marked[-1])
        if marked:
            return _place(marked[0])
        if not path:
            return self._of_generator()
        above, key = path[:-1], path[-1]
        holding = self._sources(above)
        having = [one for one in holding if _has(one, key)]
        if isinstance(value, dict | list) and having:
            return _place(self._of_first(path, value, having), key)
        same = [
            one
            for one in having
            if text_of(paths.lookup(one.source.document.data, (*one.path, key))) == text_of(value)
        ]
        if same:
            return _place(same[0] if key in IDENTITY or key in OF_KINDS else same[-1], key)
        if having and isinstance(value, str):  # a name with a prefix, or one that refers to it
            own = str(paths.lookup(having[0].source.document.data, (*having[0].path, key)))
            return _place(having[0], key)._replace(reason="" if own and own in value else NOT_KNOWN)
        made = self.place(())
        if made is not None and made.source.role == "generator":
            return made  # whatever of it is asked for, one entry of a kustomization generates it
        if isinstance(value, dict | list) and (inside := self._inside(path, value)) is not None:
            return inside
        around = self.place(above)
        if around is not None and isinstance(key, int) and not around.reason:
            # a list of texts that was taken over as it is
            items = paths.lookup(around.source.document.data, around.path)
            if isinstance(items, list) and value in items:
                return around._replace(path=(*around.path, items.index(value)))
            item = items[key] if isinstance(items, list) and key < len(items) else None
            if isinstance(item, str) and item and item in str(value):  # with a prefix
                return around._replace(path=(*around.path, key))
        return around and around._replace(reason=NOT_KNOWN)

    def _of_first(self, path: Path, value: Any, having: list[Marked]) -> Marked:
        """The one of some mappings whose list became this one, by what its first element comes from."""
        marks = self._marks.get((*path, 0), ()) if isinstance(value, list) and value else ()
        if marks:
            first = self._built.all[marks[0] if isinstance(value[0], dict) else marks[-1]].source
            return next((one for one in having if one.source is first), having[0])
        return having[0]

    def _inside(self, path: Path, value: dict[str, Any] | list[Any]) -> WrittenPlace | None:
        """Where the first part of a mapping or list stands, that nothing else has."""
        parts = list(value) if isinstance(value, dict) else list(range(len(value)))
        for part in parts[:20]:
            below, inside = (*path, part), paths.lookup(value, (part,))
            if self._marks.get(below):
                return self.place(below)
            if isinstance(inside, dict | list) and (found := self._inside(below, inside)) is not None:
                return found
        return None

    def _of_generator(self) -> WrittenPlace | None:
        """The entry of a kustomization that generates the object, or the first line of its file of variables."""
        for numbers in self._marks.values():
            marked = self._built.all[numbers[-1]]
            if marked.source.role == "generator":
                return WrittenPlace(marked.source, marked.path[:2])
        return None


def _is_there(data: Any, path: Path) -> bool:
    here = paths.lookup(data, path[:-1])
    last = path[-1] if path else ""
    return (
        not path
        or (isinstance(here, dict) and last in here)
        or (isinstance(here, list) and last in range(len(here)))
    )


def _place(marked: Marked, key: str | int | None = None) -> WrittenPlace:
    path = marked.at or marked.path
    return WrittenPlace(marked.source, path if key is None else (*path, key))


def _has(marked: Marked, key: str | int) -> bool:
    there = paths.lookup(marked.source.document.data, marked.path)
    return isinstance(there, dict) and key in there


class Overlaid(Rendered, frozen=True):
    """The source map of a document that an overlay builds."""

    places: DocumentPlaces | None = None

    def locate(self, span: Span) -> Location:
        """The place that a span comes from."""
        return self.places.locate(span) if self.places else Location(self.file, Span(0, 0), NOT_IN_FILES)

    def files(self) -> Iterable[str]:
        """The files that it comes from."""
        return self.places.files() if self.places else ()

    def beneath(self, span: Span) -> tuple[Location, str] | None:
        """Where the object stands that a patch changes, which a span comes from."""
        return self.places.beneath(span) if self.places else None
