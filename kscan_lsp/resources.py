"""Kubernetes resources: what a document declares, and where everything in it stands.

A document may hold one object or a List of them. Each becomes a Resource with its identity, its pod template if it
has one, and one way to turn a symbolic path into a span. Engine, fixes and reports only ever speak in paths; this is
the single place where a path becomes a place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.findings import ResourceId
from kscan_lsp.text import Span
from kscan_lsp.yaml import data
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Mapping as AbstractMapping

    from kscan_lsp.documents import Document
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.tree import Node

WORKLOADS: Final[dict[str, tuple[frozenset[str], Path]]] = {
    "Pod": (frozenset({""}), ()),
    "PodTemplate": (frozenset({""}), ("template",)),
    "ReplicationController": (frozenset({""}), ("spec", "template")),
    "Deployment": (frozenset({"apps", "extensions"}), ("spec", "template")),
    "DaemonSet": (frozenset({"apps", "extensions"}), ("spec", "template")),
    "ReplicaSet": (frozenset({"apps", "extensions"}), ("spec", "template")),
    "StatefulSet": (frozenset({"apps"}), ("spec", "template")),
    "Job": (frozenset({"batch"}), ("spec", "template")),
    "CronJob": (frozenset({"batch"}), ("spec", "jobTemplate", "spec", "template")),
}
"""Built-in kinds that run pods: their API groups, and the path to the pod template."""

CONTAINER_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")

_LINE_END: Final = re.compile(r"[\r\n]")

MAX_RESOURCES: Final = 20_000
"""Objects read from one List: more is no manifest."""


class Location(NamedTuple):
    """A place for a finding.

    `extent` is the whole text that the finding rests on: the value, or for a missing one the ancestor it is missing
    from. `definition` is where an alias or a merge takes the value from.
    """

    span: Span
    extent: Span
    definition: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One Kubernetes object of a document."""

    document: Document
    root: Path
    """Path of the object inside the document; not empty inside a List."""
    id: ResourceId
    data: dict[str, Any]
    template_path: Path | None
    """Path of the pod template inside the object; None for what runs no pods."""

    @property
    def workload(self) -> bool:
        """Whether it runs pods."""
        return self.template_path is not None

    def span(self, path: Path) -> Location:
        """The place of a path, or of its nearest ancestor that is there.

        A value on one line is marked from its key to its end, a longer one by its key, a list element by its `name`
        entry or else its first line. What comes through an alias or a merge is marked where it is used.
        """
        return locate(self.document, (*self.root, *path), len(self.root))


def resources_of(document: Document, custom: AbstractMapping[tuple[str, str], Path]) -> tuple[Resource, ...]:
    """The Kubernetes objects a document declares, lists unwrapped.

    Args:
        document: a document as read.
        custom: (group, kind) of further kinds that carry a pod template, with the path to it.
    """
    found: list[Resource] = []
    _collect(document, document.data, (), "", custom, found)
    return tuple(found)


def _collect(
    document: Document,
    value: object,
    root: Path,
    item_of: str,
    custom: AbstractMapping[tuple[str, str], Path],
    found: list[Resource],
) -> None:
    if not isinstance(value, dict) or len(found) >= MAX_RESOURCES or len(root) > 8:
        return
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if item_of and not kind:
        kind, _, api_version = item_of.partition(" ")
    if not (isinstance(kind, str) and kind and isinstance(api_version, str) and api_version):
        return
    items = value.get("items")
    if kind.endswith("List") and isinstance(items, list):
        inherited = f"{kind[:-4]} {api_version}" if kind != "List" else ""
        for index, item in enumerate(items):
            _collect(document, item, (*root, "items", index), inherited, custom, found)
        return
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or metadata.get("generateName") or ""
    identity = ResourceId(api_version, kind, _text(metadata.get("namespace")), _text(name))
    found.append(Resource(document, root, identity, value, _template_path(identity, custom)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _template_path(who: ResourceId, custom: AbstractMapping[tuple[str, str], Path]) -> Path | None:
    if (known := WORKLOADS.get(who.kind)) and who.group in known[0]:
        return known[1]
    return custom.get((who.group, who.kind))


def locate(document: Document, path: Path, floor: int = 0) -> Location:
    """The place of a path in a document; see `Resource.span`. At least `floor` elements of the path are there."""
    if document.root is None:
        return Location(Span(0, 0), Span(0, 0))
    place = data.nearest(document.root, path)
    while place.entry is None and not isinstance(place.parent, Sequence) and place.depth > floor:
        place = data.nearest(document.root, path[: place.depth - 1])
    text = document.text
    if place.via is not None:
        used = place.via_entry
        start, end = (used.key.start, used.value.end) if used else (place.via.start, place.via.end)
        return Location(_one_line(text, start, end), Span(start, end), _first_line(text, place.node))
    node = place.node
    if place.entry is not None:
        extent = Span(place.entry.key.start, max(place.entry.key.end, node.end))
        return Location(_entry_span(text, place.entry.key, place.entry.value), extent)
    extent = Span(node.start, node.end)
    if isinstance(node, Mapping):
        # a list element, or a whole object: the entry that names it, else its first line
        for wanted in ("name", "kind"):
            for entry in node.entries:
                if isinstance(entry.key, Scalar) and entry.key.value == wanted and isinstance(entry.value, Scalar):
                    return Location(_entry_span(text, entry.key, entry.value), extent)
    return Location(_first_line(text, node), extent)


def _entry_span(text: str, key: Node, value: Node) -> Span:
    if value.start == value.end or _LINE_END.search(text, key.start, value.end):
        return Span(key.start, key.end)
    return Span(key.start, value.end)


def _first_line(text: str, node: Node) -> Span:
    return _one_line(text, node.start, node.end)


def _one_line(text: str, start: int, end: int) -> Span:
    line_end = _LINE_END.search(text, start, end)
    stop = line_end.start() if line_end else end
    return Span(start, start + len(text[start:stop].rstrip()))
