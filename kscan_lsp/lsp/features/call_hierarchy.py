"""Call hierarchy: who can get at a Secret, an account or a role, and what a workload gets at, step by step.

What calls is to programs is here what reaches is: incoming leads to who gets at an object, outgoing to what it gets at.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from kscan_lsp.graph.mentions import mentions
from kscan_lsp.graph.reach import EVERYWHERE, Reached, is_on_a_way, places_in, reached_by, reached_from
from kscan_lsp.lsp.features.places import identified, identity, places_of
from kscan_lsp.lsp.features.references import named, pointed_at
from kscan_lsp.lsp.features.symbols import kind_of, name_of
from kscan_lsp.workspace.declared import index_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.lsp.features.places import Places
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, ProjectsSnapshot

MAX_CALLS: Final = 500


def prepare(snapshot: DocumentSnapshot, position: types.Position) -> list[types.CallHierarchyItem]:
    """What a hierarchy can start from: the objects that a name at a position means, else the one around it."""
    pointed = pointed_at(snapshot, position)
    if pointed is None:
        return []
    index, places = index_of(snapshot.project), places_of(snapshot)
    starts: list[Object] = []
    for mention in mentions(pointed.object):
        if mention.path == pointed.path:
            starts = [*named(mention, index)]
    starts = [one for one in starts or [pointed.object] if is_on_a_way(one)]
    return [_item(Reached(one), places) for one in starts]


def incoming(
    snapshot: ProjectsSnapshot, item: types.CallHierarchyItem, stopped: Callable[[], bool]
) -> list[types.CallHierarchyIncomingCall]:
    """Who gets at an object; less than all when it is stopped."""
    known = _known(snapshot, item.data)
    if known is None:
        return []
    end, index, places = known
    return [
        types.CallHierarchyIncomingCall(_item(one, places), _ranges(one.object, end.object, places))
        for one in _distinct(reached_by(end, index))
        if not stopped()
    ]


def outgoing(
    snapshot: ProjectsSnapshot, item: types.CallHierarchyItem, stopped: Callable[[], bool]
) -> list[types.CallHierarchyOutgoingCall]:
    """What an object gets at; less than all when it is stopped."""
    known = _known(snapshot, item.data)
    if known is None:
        return []
    start, index, places = known
    return [
        types.CallHierarchyOutgoingCall(_item(one, places), _ranges(start.object, one.object, places))
        for one in _distinct(reached_from(start, index))
        if not stopped()
    ]


def _item(reached: Reached, places: Places) -> types.CallHierarchyItem:
    one, within = reached
    whole = places.whole(one)
    where = {"": one.namespace, EVERYWHERE: "in every namespace"}.get(within, f"in {within}")
    return types.CallHierarchyItem(
        name=name_of(one.id),
        kind=kind_of(one.id),
        uri=whole.uri,
        range=whole.range,
        selection_range=places.at(one, ("metadata", "name")).range,
        detail=where or None,
        data={**identity(one), "within": within},
    )


def _known(snapshot: ProjectsSnapshot, data: Any) -> tuple[Reached, Index, Places] | None:
    """What an item was made of; None where it is not there any more."""
    found = identified(snapshot, data)
    if found is None:
        return None
    one, index, places = found
    return Reached(one, str(data.get("within", ""))), index, places


def _distinct(found: Iterable[Reached]) -> Iterable[Reached]:
    return dict.fromkeys(islice(found, MAX_CALLS))


def _ranges(caller: Object, reached: Object, places: Places) -> list[types.Range]:
    return [places.at(caller, path).range for path in places_in(caller, reached)]
