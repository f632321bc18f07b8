"""Symbols: the objects of a document with their containers below them, and the objects of all folders by name.

Each says how much is wrong in it, so that an outline shows where to look first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp import paths
from kscan_lsp.findings import NAMELESS, Severity
from kscan_lsp.kubernetes.pod_templates import container_paths
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, JudgedObject
    from kscan_lsp.paths import Path

_KINDS: Final = {
    "Namespace": types.SymbolKind.Namespace,
    "Secret": types.SymbolKind.Key,
    "CustomResourceDefinition": types.SymbolKind.Struct,
}
_ROLES: Final = {"initContainers": "init", "ephemeralContainers": "ephemeral"}


def kind_of(who: ResourceId) -> types.SymbolKind:
    """What an object counts as among symbols."""
    return _KINDS.get(who.kind, types.SymbolKind.Object)


def name_of(who: ResourceId) -> str:
    """What an object is called among symbols."""
    return f"{who.kind} {who.shown_name}"


def document_symbols(snapshot: DocumentSnapshot) -> list[types.DocumentSymbol]:
    """The objects of a document in the order of the text, their containers below them."""
    return [_object(snapshot, judged) for judged in snapshot.objects()]


def _object(snapshot: DocumentSnapshot, judged: JudgedObject) -> types.DocumentSymbol:
    resource = judged.verdicts.resource
    open_ones = [finding for finding in judged.findings if finding.status == "open"]
    containers = dict.fromkeys(
        path for template in resource.templates for path in container_paths(resource.data, template)
    )
    found = (_container(snapshot, judged, path, open_ones) for path in containers)
    below = sorted(
        (one for one in found if one is not None),
        key=lambda one: (one.range.start.line, one.range.start.character),
    )
    symbol = _symbol(snapshot, judged, ("metadata", "name"), _span(judged, ()) or Span(0, 0))
    symbol.name, symbol.kind = name_of(resource.id), kind_of(resource.id)
    symbol.detail = _detail(resource.id.namespace, open_ones)
    symbol.children = below or None
    return symbol


def _container(
    snapshot: DocumentSnapshot, judged: JudgedObject, path: Path, findings: Iterable[Finding]
) -> types.DocumentSymbol | None:
    data = paths.lookup(judged.verdicts.resource.data, path)
    span = _span(judged, path)
    if not isinstance(data, dict) or span is None:
        return None  # it comes from elsewhere by a merge
    symbol = _symbol(snapshot, judged, (*path, "name"), span)
    name = data.get("name")
    symbol.name = name if isinstance(name, str) and name.strip() else NAMELESS
    role = _ROLES.get(str(path[-2]), "") if len(path) > 1 else ""
    symbol.detail = _detail(role, [one for one in findings if one.path[: len(path)] == path])
    return symbol


def _span(judged: JudgedObject, path: Path) -> Span | None:
    """All of what stands at a path of an object; None where it is not written there."""
    resource = judged.verdicts.resource
    root = resource.document.root
    place = None if root is None else find(root, (*resource.root, *path))
    return None if place is None or place.via is not None else Span(place.node.start, place.node.end)


def _symbol(
    snapshot: DocumentSnapshot, judged: JudgedObject, named: Path, whole: Span
) -> types.DocumentSymbol:
    """A symbol of some text, which is found at the path that names it: that has to lie inside."""
    at = judged.verdicts.resource.resolve(named).span
    if not whole.start <= at.start <= at.end <= whole.end:
        at = Span(whole.start, whole.start)
    return types.DocumentSymbol(
        name=NAMELESS,
        kind=types.SymbolKind.Module,
        range=snapshot.range_of(judged.placed, whole),
        selection_range=snapshot.range_of(judged.placed, at),
    )


def _detail(about: str, findings: Iterable[Finding]) -> str | None:
    counted = Counter(finding.severity for finding in findings)
    counts = [f"{counted[level]} {level.label}" for level in sorted(Severity, reverse=True) if counted[level]]
    return " \u00b7 ".join(part for part in (about, ", ".join(counts)) if part) or None
