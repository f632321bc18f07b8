"""Related objects as CEL sees them, and from a reference in CEL's answer back to a place in another file.

A relation is a list of entries `{object, ref, via}`: the object as far as the checks read it, a reference that says
which one it is, and the references of those a chain passed on the way. `related` in a control gives such references
back, alone or as `{ref, path, message}`.

A thousand pods of one service account have the same thousand bindings, which must not be made ready for CEL a thousand
times: what leads to the same objects shares one list, with the digest that answers are found again by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import cel, paths
from kscan_lsp.engine.digests import Digest, digest_of
from kscan_lsp.findings import Related
from kscan_lsp.graph.relations import variable
from kscan_lsp.kubernetes.resources import Resource
from kscan_lsp.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.graph.following import Link
    from kscan_lsp.graph.index import Object
    from kscan_lsp.yaml.document import Document

MAX_RELATED: Final = 20
"""Other places that one finding names."""
LONG: Final = 20
"""Entries of a list from which what reads it is evaluated apart, to be found again."""
MAX_LISTS: Final = 2_048
"""Lists that are remembered."""
MAX_ENTRIES: Final = 30_000
"""Entries of them."""
MAX_PLACES: Final = 4_096
"""Places in related objects that are remembered."""


class Reference(Struct, frozen=True):
    """A place in a related object: the relation it was found by, its number in that list, and what to say of it."""

    relation: str
    number: int
    path: str
    message: str


class References(Struct, frozen=True):
    """The places that the answer of a `related` names: the first, and relation, number and path of the others."""

    first: tuple[Reference, ...] = ()
    others: frozenset[tuple[str, int, str]] = frozenset()


NO_REFERENCES: Final = References()


def references(answer: cel.Json) -> References:
    """The places that the answer of a `related` names; what is no reference in it is passed over."""
    found: dict[tuple[object, object, object], Reference] = {}
    for entry in answer if isinstance(answer, list) else ():
        if not isinstance(entry, dict):
            continue
        ref = entry.get("ref", entry)
        # what no file declares has no place
        if not isinstance(ref, dict) or ref.get("builtin"):
            continue
        relation, number, path = ref.get("relation"), ref.get("index"), str(entry.get("path", ""))
        if isinstance(relation, str) and isinstance(number, int) and (relation, number, path) not in found:
            found[relation, number, path] = Reference(relation, number, path, str(entry.get("message", "")))
    first = tuple(found.values())[: MAX_RELATED + 1]  # one more: the object itself may be among them
    others = frozenset((one.relation, one.number, one.path) for one in [*found.values()][len(first) :])
    return References(first, others)


class RelatedList(Struct, frozen=True, eq=False):
    """The objects that one relation leads to, ready for CEL."""

    entries: list[dict[str, Any]]
    objects: tuple[Object, ...]
    """By their number in references."""
    number_of: Mapping[int, int]
    """Their numbers by the identity of their data."""
    digest: bytes
    complete: bool
    """Whether CEL sees all of the objects."""

    @property
    def long(self) -> bool:
        """Whether what reads it is evaluated apart."""
        return len(self.entries) >= LONG


_Wanted: TypeAlias = "tuple[tuple[Link, ...], str, frozenset[str] | None]"


class RelatedLists:
    """Lists that were made before, and places in the objects that are in them."""

    def __init__(self) -> None:
        self._made: dict[_Wanted, RelatedList] = {}
        """By the links, the relation, and the fields of objects that are read."""
        self._entries = 0
        self._seen: dict[tuple[int, str, frozenset[str] | None], tuple[tuple[Link, ...], RelatedList]] = {}
        """The same by the identity of the links, which are kept with it: many that ask share them."""
        self._nothing: dict[tuple[frozenset[str], frozenset[str] | None], RelatedByName] = {}
        """Lists of nothing, by the relations and the fields of a plan."""
        self.places: dict[tuple[Object, str, str], Related] = {}

    def __len__(self) -> int:
        return len(self._made)

    @property
    def entries(self) -> int:
        """Entries of all lists."""
        return self._entries

    def list(self, relation: str, links: tuple[Link, ...], fields: frozenset[str] | None) -> RelatedList:
        """The list for what a relation leads to."""
        seen = self._seen.get((id(links), relation, fields))
        if seen is not None:
            return seen[1]
        known = self._made.get((links, relation, fields))
        if known is None:
            known = _list(relation, links, fields)
            if len(self._made) >= MAX_LISTS or self._entries + len(links) > MAX_ENTRIES:
                self._made.clear()
                self._seen.clear()
                self._entries = 0
            self._entries += len(links)
            self._made[links, relation, fields] = known
        if len(self._seen) >= MAX_LISTS:
            self._seen.clear()
        self._seen[id(links), relation, fields] = (links, known)
        return known

    def by_name(self, links: Mapping[str, tuple[Link, ...]], fields: frozenset[str] | None) -> RelatedByName:
        """The lists for all that some relations lead to."""
        return RelatedByName(
            {variable(name): self.list(variable(name), found, fields) for name, found in links.items()}
        )

    def nothing(self, relations: frozenset[str], fields: frozenset[str] | None) -> RelatedByName:
        """The same where none of them leads to anything."""
        known = self._nothing.get((relations, fields))
        if known is None:
            if len(self._nothing) >= MAX_LISTS:
                self._nothing.clear()
            known = self._nothing[relations, fields] = self.by_name(dict.fromkeys(relations, ()), fields)
        return known

    def sees_the_same(self, before: Bound, now: Bound, fields: frozenset[str] | None) -> bool:
        """Whether CEL sees the same of two answers to the same relations."""
        pairs = [
            (name, one[name], found)
            for one, other in zip(before.links, now.links, strict=True)
            for name, found in other.items()
            if one[name] is not found
        ]
        if any(len(one) != len(other) for _, one, other in pairs):
            return False
        for name, *links in pairs:
            one, other = (self.list(variable(name), found, fields) for found in links)
            if one.digest != other.digest or one.complete != other.complete:
                return False
        return True


class RelatedByName(Struct, frozen=True):
    """What the relations of one pod template lead to, or those of an object without any."""

    relations: Mapping[str, RelatedList]

    @property
    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of each, as CEL sees them."""
        return {name: one.entries for name, one in self.relations.items()}

    @property
    def long(self) -> frozenset[str]:
        """The relations whose lists are long."""
        return frozenset([name for name, one in self.relations.items() if one.long])

    def digests(self) -> dict[tuple[str, str | None], Digest]:
        """What tells the lists from others, in names of `Scope.digest`."""
        found: dict[tuple[str, str | None], Digest] = {
            ("relations", name): one.digest for name, one in self.relations.items()
        }
        found["relations", None] = tuple([one.digest for one in self.relations.values()])
        return found

    def object_at(self, relation: str, number: int) -> Object | None:
        """The object that a reference names."""
        objects = self.relations[relation].objects if relation in self.relations else ()
        return objects[number] if 0 <= number < len(objects) else None

    def numbers_of(self, data: object) -> list[tuple[str, int, str]]:
        """The references that name the object with this very data, as such."""
        return [
            (name, one.number_of[id(data)], "")
            for name, one in self.relations.items()
            if id(data) in one.number_of
        ]


class RelatedObjects:
    """The related objects of one object."""

    def __init__(
        self,
        bound: Bound,
        fields: frozenset[str] | None,
        document: Callable[[str, bool], Document],
        lists: RelatedLists,
    ) -> None:
        """Make them ready for CEL.

        Args:
            bound: what the relations of the object lead to.
            fields: the fields of related objects that are read; None where that may be any.
            document: how to read the text of a document, which may be JSON.
            lists: those that were made before.
        """
        self._document = document
        self._places = lists.places
        self.templates = [lists.by_name(links, fields) for links in bound.links]
        """For each pod template of the object, or once for one without any."""
        self.complete = all(one.complete for of in self.templates for one in of.relations.values())
        """Whether CEL sees all of the objects."""

    def places_of(self, own: object, all_of: Iterable[tuple[int, References]]) -> tuple[Related, ...]:
        """The places that references name; the last says how many are not shown, where they are too many.

        Args:
            own: the data of the object itself; that it is related to itself says nothing.
            all_of: by which pod template they were given, and the references.
        """
        found: dict[tuple[Object, str], str] = {}
        left = 0
        for template, named in all_of:
            lists = self.templates[template]
            for one in named.first:
                other = lists.object_at(one.relation, one.number)
                if other is not None and (one.path or other.data is not own):
                    found.setdefault((other, one.path), one.message)
            left += len(named.others) - any(key in named.others for key in lists.numbers_of(own))
        shown = list(found.items())[:MAX_RELATED]
        left += len(found) - len(shown)
        places = [self._place(other, path, message) for (other, path), message in shown]
        if left > 0 and places:
            last = places[-1]
            places[-1] = replace(last, message=f"{last.message}; {left:,} more like this are not shown")
        return tuple(places)

    def _place(self, other: Object, path: str, message: str) -> Related:
        key = (other, path, message)
        known = self._places.get(key)
        if known is None:
            if len(self._places) >= MAX_PLACES:
                self._places.clear()
            known = self._places[key] = self._related(other, path, message)
        return known

    def _related(self, other: Object, path: str, message: str) -> Related:
        try:
            where = paths.parse(path) if path else ()
        except ValueError:
            where = ()
        document = self._document(other.document, other.json)
        resource = Resource(document, other.root, other.id, other.data)
        text = redact(message) or f"{other.id.kind} '{other.id.shown_name}'"
        return Related(other.id, where, resource.resolve(where).span, text, other.file, other.document)


def _list(relation: str, links: tuple[Link, ...], fields: frozenset[str] | None) -> RelatedList:
    refs: dict[Object, dict[str, Any]] = {}
    views: dict[Object, cel.View] = {}

    def ref(other: Object) -> dict[str, Any]:
        known = refs.get(other)
        if known is None:
            known = refs[other] = {
                "relation": relation,
                "index": len(refs),
                "apiVersion": other.id.api_version,
                "kind": other.id.kind,
                "namespace": other.namespace,
                "name": other.id.name,
            }
            if not other.file:
                known["builtin"] = True
        return known

    def view(other: Object) -> cel.View:
        known = views.get(other)
        if known is None:
            data = other.data
            if fields is not None:
                data = {key: data[key] for key in fields if key in data}
            known = views[other] = cel.view(data)
        return known

    entries = [
        {
            "ref": ref(link.object),
            "object": view(link.object).value,
            "via": [ref(passed) for passed in link.via],
        }
        for link in links
    ]
    complete = all(one.complete for one in views.values())
    numbers = {id(other.data): number for number, other in enumerate(refs)}
    return RelatedList(entries, tuple(refs), numbers, digest_of((relation, entries)), complete)
