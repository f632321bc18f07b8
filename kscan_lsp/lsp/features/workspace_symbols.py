"""The objects of all folders by name and kind, as fuzzily as people type: `depfr` finds `Deployment front`."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp.lsp.features.places import Places, identified, identity
from kscan_lsp.lsp.features.symbols import kind_of, name_of
from kscan_lsp.workspace.declared import index_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kscan_lsp.graph.index import Object
    from kscan_lsp.lsp.session.snapshot import ProjectsSnapshot

MAX_SYMBOLS: Final = 200
"""Symbols of one answer."""
_NAME: Final = ("metadata", "name")


def workspace_symbols(
    snapshot: ProjectsSnapshot, query: str, stopped: Callable[[], bool]
) -> list[types.WorkspaceSymbol]:
    """The objects that a query fits, the best first; all where it is empty.

    A client that can ask for the line of one later gets no lines: they cost a look at each document.
    """
    wanted = query.lower().split()
    best = nsmallest(MAX_SYMBOLS, _fitting(snapshot, wanted), key=lambda entry: entry[0])
    later = snapshot.capabilities.resolve_symbols
    return [
        types.WorkspaceSymbol(
            location=types.LocationUriOnly(places.file(one)) if later else places.at(one, _NAME),
            name=name_of(one.id),
            kind=kind_of(one.id),
            container_name=one.namespace or None,
            data=identity(one) if later else None,
        )
        for _, one, places in best
        if not stopped()
    ]


def resolved_symbol(snapshot: ProjectsSnapshot, symbol: types.WorkspaceSymbol) -> types.WorkspaceSymbol:
    """A symbol with the line that it is on."""
    found = identified(snapshot, symbol.data)
    if found is not None:
        one, _, places = found
        symbol.location = places.at(one, _NAME)
    return symbol


def _fitting(
    snapshot: ProjectsSnapshot, wanted: list[str]
) -> Iterator[tuple[tuple[int, int, int], Object, Places]]:
    number = 0
    for project in snapshot.projects:
        places = Places(project, snapshot.capabilities.encoding, snapshot.uris)
        for objects in index_of(project).files.values():
            for one in objects:
                number += 1
                if (misfit := _misfit(one, wanted)) is not None:
                    yield (misfit, len(one.id.name), number), one, places


def _misfit(one: Object, wanted: Iterable[str]) -> int | None:
    """How badly an object fits, 0 being best; None where it does not."""
    name, whole = one.id.name.lower(), name_of(one.id).lower()
    worst = 0
    for word in wanted:
        if word == name:
            continue
        if name.startswith(word):
            misfit = 1
        elif word in whole:
            misfit = 2
        elif _has_in_order(whole, word):
            misfit = 3
        else:
            return None
        worst = max(worst, misfit)
    return worst


def _has_in_order(text: str, letters: str) -> bool:
    at = 0
    for letter in letters:
        at = text.find(letter, at) + 1
        if not at:
            return False
    return True
