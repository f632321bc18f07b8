"""Go to definition and find references: between names and the objects that they mean, selectors and what they select.

Both work on the graph that controls ask, so they follow a name as a verdict would: in its namespace, in whichever file.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from lsprotocol import types

from kscan_lsp import paths
from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.mentions import Mention, mentions
from kscan_lsp.graph.reach import related
from kscan_lsp.graph.references import object_of
from kscan_lsp.kubernetes.selectors import selectors_of
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.exception_edit import accepted_at
from kscan_lsp.lsp.features.places import Places, places_of
from kscan_lsp.workspace.declared import index_of
from kscan_lsp.yaml.around import around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.paths import Path

MAX_REFERENCES: Final = 1_000

_SELECTORS: Final = (("spec", "selector"), ("spec", "podSelector"), ("spec", "endpointSelector"))
"""Where those kinds select pods that select any (`selectors_of`)."""
_ENTRIES: Final = ("data", "stringData", "binaryData")
"""What holds the entries of a ConfigMap or a Secret (core/v1)."""
_SELECTING: Final = ("services", "networkPolicies", "disruptionBudgets")


class Pointed(NamedTuple):
    """What somebody points at: an object, and a path in it."""

    object: Object
    path: Path


def pointed_at(snapshot: DocumentSnapshot, position: types.Position) -> Pointed | None:
    """The object at a position of a document, and the path in it; None where there is no object."""
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    placed = snapshot.checked.placed_at(at)
    root = placed.checked.document.root if placed else None
    if placed is None or root is None or at > placed.end[0]:
        return None
    path = around(root, at - placed.offset).path
    for verdicts in placed.checked.verdicts:
        resource = verdicts.resource
        if path[: len(resource.root)] == resource.root:
            one = object_of(snapshot.key, resource, placed.offset, placed.line)
            return Pointed(one, path[len(resource.root) :])
    return None


def definitions(snapshot: DocumentSnapshot, position: types.Position) -> list[types.Location]:
    """Where that is declared which a name at a position means, or what a selector there selects."""
    pointed = pointed_at(snapshot, position)
    if pointed is None:
        return []
    if accepted := _exceptions(snapshot, position):
        return accepted
    index, places = index_of(snapshot.project), places_of(snapshot)
    for mention in mentions(pointed.object):
        if mention.path == pointed.path:
            return [_declared(mention, one, places) for one in named(mention, index)]
    if pointed.path[:2] in _SELECTORS and any(selectors_of(pointed.object.id, pointed.object.data)):
        return [places.at(one, ("metadata", "name")) for one in related(pointed.object, "workloads", index)]
    return []


def _exceptions(snapshot: DocumentSnapshot, position: types.Position) -> list[types.Location]:
    """Where the findings at a position are accepted, of those that an exception accepts."""
    at = convert.position_offset(position, snapshot.lines, snapshot.capabilities.encoding)
    found: dict[tuple[str, int], types.Location] = {}
    for placed, finding in snapshot.checked.findings():
        start, end = finding.span.start + placed.offset, finding.span.end + placed.offset
        if start <= at <= end and (where := accepted_at(snapshot, finding)):
            uri, line, _ = where
            found[uri, line] = types.Location(
                uri, types.Range(types.Position(line, 0), types.Position(line, 0))
            )
    return list(found.values())


def references(
    snapshot: DocumentSnapshot, position: types.Position, stopped: Callable[[], bool], *, declaration: bool
) -> list[types.Location]:
    """Where that is named or selected which a position is about.

    Args:
        snapshot: the document.
        position: a name of an object or of an entry, where it is declared or used, or a label of pods.
        stopped: asked between two places; true ends the search with what was found.
        declaration: whether the object itself is wanted, too.
    """
    pointed = pointed_at(snapshot, position)
    meant = None if pointed is None else _meant(pointed)
    if meant is None:
        return []
    index, places = index_of(snapshot.project), places_of(snapshot)
    found: dict[tuple[str, int, int], types.Location] = {}
    for place in islice(_references(meant, index, places, declaration=declaration), MAX_REFERENCES):
        found[place.uri, place.range.start.line, place.range.start.character] = place
        if stopped():
            break
    return list(found.values())


def named(mention: Mention, index: Index) -> Iterator[Object]:
    """The objects that a name means: one, if nobody has declared it twice."""
    return index.find(key_of("object", mention.kind, mention.namespace, mention.name))


def mentioned_by(meant: Mention, index: Index) -> Iterator[tuple[Object, Mention]]:
    """Every place where an object, or an entry of one, is named."""
    named_in: dict[str, bool] = {}
    for objects in index.declared.values():
        for one in objects:
            there = named_in.get(one.document)
            if there is None:
                there = named_in[one.document] = meant.name in one.document
            for mention in mentions(one) if there else ():
                if mention[1:4] == meant[1:4] and (mention.key == meant.key or (meant.key and mention.whole)):
                    yield one, mention


def _references(
    meant: Mention, index: Index, places: Places, *, declaration: bool
) -> Iterator[types.Location]:
    declared = [*named(meant, index)]
    if declaration:
        yield from (_declared(meant, one, places) for one in declared)
    for one, mention in mentioned_by(meant, index):
        yield places.at(one, mention.path)
    for one in declared:
        for relation in _SELECTING if one.templates else ():
            for selecting in related(one, relation, index):
                there = (path for path in _SELECTORS if paths.lookup(selecting.data, path) is not None)
                yield places.entry(selecting, next(there, ("spec",)))


def _meant(pointed: Pointed) -> Mention | None:
    """What a place is about: what is named there, else the object itself or an entry of it."""
    one, path = pointed
    for mention in mentions(one):
        if mention.path == path:
            return mention
    itself = Mention(("metadata", "name"), one.id.kind, one.namespace, one.id.name)
    if one.id.kind in ("ConfigMap", "Secret") and len(path) >= 2 and path[0] in _ENTRIES:
        return itself._replace(key=str(path[1]))
    labels = [(*template.path, "metadata", "labels") for template in one.templates]
    if path in (("metadata", "name"), ("kind",)) or any(path[: len(there)] == there for there in labels):
        return itself
    return None


def _declared(mention: Mention, one: Object, places: Places) -> types.Location:
    """Where an object is declared, or the entry of it that is meant."""
    for field in _ENTRIES if mention.key else ():
        if isinstance(entries := one.data.get(field), dict) and mention.key in entries:
            return places.entry(one, (field, mention.key))
    return places.at(one, ("metadata", "name"))
