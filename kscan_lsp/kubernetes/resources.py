"""Kubernetes resources: what a document declares, and where everything in it stands.

A document may hold one object or a List of them. Each becomes a Resource with its identity, its pod template
if it has one, and one way to turn a symbolic path into a span. Engine, fixes and reports only ever speak in
paths; this is the single place where a path becomes a place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from msgspec import Struct

from kscan_lsp.findings import Problem, ResourceId
from kscan_lsp.kubernetes.schema import KINDS
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest, step
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping as AbstractMapping

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.data import PathTarget
    from kscan_lsp.yaml.document import Document
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
    "Sandbox": (frozenset({"agents.x-k8s.io"}), ("spec", "podTemplate")),
    "SandboxTemplate": (frozenset({"extensions.agents.x-k8s.io"}), ("spec", "podTemplate")),
}
"""Kinds that run pods, of Kubernetes and of agent-sandbox: their API groups, and the path to the pod template."""

CONTAINER_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")

_LINE_END: Final = re.compile(r"[\r\n]")

MAX_RESOURCES: Final = 20_000
"""Objects read from one document: more is no manifest."""
MAX_PROBLEMS: Final = 20
"""Problems that are listed of one document."""
MAX_LISTS: Final = 4
"""How deep lists of objects may stand inside each other. kubectl takes any depth; nobody writes two."""


class Location(Struct, frozen=True):
    """A place for a finding.

    `extents` are the texts that the finding rests on: the value, or for a missing one the ancestor it is
    missing from, and what an alias or a merge stands for. `definition` is where an alias or a merge takes the
    value from.
    """

    span: Span
    extents: tuple[Span, ...]
    definition: Span | None = None


class Resource(Struct, frozen=True, eq=False):
    """One Kubernetes object of a document."""

    document: Document
    root: Path
    """Path of the object inside the document; not empty inside a List."""
    id: ResourceId
    data: dict[str, Any]
    template_path: Path | None
    """Path of the pod template inside the object; None for what runs no pods."""
    _places: dict[Path, PathTarget] = {}
    _locations: dict[Path, Location] = {}
    """What was looked up before: the findings of an object have most of their ways in common."""

    @property
    def workload(self) -> bool:
        """Whether it runs pods."""
        return self.template_path is not None

    def span(self, path: Path) -> Location:
        """The place of a path, or of its nearest ancestor that is there.

        A value on one line is marked from its key to its end, a longer one by its key, a list element by its
        `name` entry or else its first line. What comes through an alias or a merge is marked where it is
        used.
        """
        place = self._places.get(path) or self._place(path)
        depth = place.depth - len(self.root)
        there = path if depth == len(path) else path[:depth]
        found = self._locations.get(there)
        if found is None:
            found = self._locations[there] = _location(self.document.text, place)
        return found

    def _place(self, path: Path) -> PathTarget:
        if path:
            above = path[:-1]
            before = self._places.get(above) or self._place(above)
            whole = before.depth == len(self.root) + len(above)
            found = (whole and step(before, path[-1])) or before
        else:
            found = nearest(cast("Node", self.document.root), self.root)
        self._places[path] = found
        return found


Custom: TypeAlias = "AbstractMapping[tuple[str, str], Path]"
"""By (group, kind), the path to the pod template of further kinds that run pods."""


def resources_of(document: Document, custom: Custom) -> tuple[tuple[Resource, ...], tuple[Problem, ...]]:
    """The Kubernetes objects a document declares, lists unwrapped.

    Args:
        document: a document as read.
        custom: further kinds that run pods.

    Returns:
        The objects, and a problem for everything that looks like one and cannot be taken for one. It is fatal
        where kubectl would refuse the document, or where something is left out.
    """
    walk = _Walk(document, custom, [], [])
    _collect(walk, document.data, (), "")
    return tuple(walk.found), tuple(walk.problems)


class _Walk(NamedTuple):
    """What is found on the way through a document."""

    document: Document
    custom: Custom
    found: list[Resource]
    problems: list[Problem]

    def report(self, path: Path, message: str, *, fatal: bool = True) -> None:
        # what a repair took out of the text may be just what is missing, and is reported as a problem of syntax
        if not self.document.blanked and len(self.problems) < MAX_PROBLEMS:
            place = nearest(cast("Node", self.document.root), path)
            span = _location(self.document.text, place).span
            self.problems.append(Problem(span, message, "object", fatal=fatal))


def _collect(walk: _Walk, value: object, root: Path, item_of: str) -> None:
    """Add what stands at `root`; `item_of` is the kind and version that a typed list says its items have."""
    if not isinstance(value, dict):
        if root:
            walk.report(root, "an item of a List must be an object, with apiVersion and kind")
        return
    kind, api_version = _text(value.get("kind")), _text(value.get("apiVersion"))
    if item_of and value.get("kind") is None:
        kind, _, api_version = item_of.partition(" ")
    if not (kind and api_version):
        if kind or api_version or root:
            there, missing = ("kind", "apiVersion") if kind else ("apiVersion", "kind")
            message = f"this is no Kubernetes object: its {missing} is missing, or no string"
            walk.report((*root, there), message, fatal=kind in KINDS or bool(root))
        return
    items = value.get("items")
    if kind.endswith("List") and (isinstance(items, list) or kind == "List"):
        if items is not None and not isinstance(items, list):
            walk.report((*root, "items"), "'items' of a List must be a list")
        elif len(root) >= 2 * MAX_LISTS:
            walk.report(
                root, f"lists stand more than {MAX_LISTS} deep inside each other; this one is not read"
            )
        else:
            inherited = f"{kind.removesuffix('List')} {api_version}" if kind != "List" else ""
            for index, item in enumerate(items or []):
                _collect(walk, item, (*root, "items", index), inherited)
    elif len(walk.found) >= MAX_RESOURCES:
        walk.report(root, f"this document has more than {MAX_RESOURCES:,} objects; this one is not read")
    else:
        metadata = value.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name = metadata.get("name") or metadata.get("generateName")
        identity = ResourceId(api_version, kind, _text(metadata.get("namespace")), _text(name))
        template = _template_path(identity, walk.custom)
        walk.found.append(Resource(walk.document, root, identity, value, template))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _template_path(who: ResourceId, custom: Custom) -> Path | None:
    if (known := WORKLOADS.get(who.kind)) and who.group in known[0]:
        return known[1]
    return custom.get((who.group, who.kind))


def _location(text: str, place: PathTarget) -> Location:
    node = place.node
    if place.via is not None:
        used = place.via_entry
        start, end = (used.key.start, used.value.end) if used else (place.via.start, place.via.end)
        definition = (
            _entry_span(text, place.entry.key, node) if place.entry else _one_line(text, node.start, node.end)
        )
        extents = (Span(start, end), Span(definition.start, node.end))
        return Location(_one_line(text, start, end), extents, definition)
    if place.entry is None:
        span, extent = _element_span(text, node), Span(node.start, node.end)
    else:
        key = place.entry.key
        span, extent = _entry_span(text, key, node), Span(key.start, max(key.end, node.end))
    if isinstance(node, Alias):
        target = node.target
        return Location(span, (extent, Span(target.start, target.end)), _element_span(text, target))
    return Location(span, (extent,))


def _element_span(text: str, node: Node) -> Span:
    """A list element or a whole object: the entry that names it, else its first line."""
    if isinstance(node, Mapping):
        for wanted in ("name", "kind"):
            for entry in node.entries:
                if (
                    isinstance(entry.key, Scalar)
                    and entry.key.value == wanted
                    and isinstance(entry.value, Scalar)
                ):
                    return _entry_span(text, entry.key, entry.value)
    return _one_line(text, node.start, node.end)


def _entry_span(text: str, key: Node, value: Node) -> Span:
    if value.start == value.end or _LINE_END.search(text, key.start, value.end):
        return Span(key.start, key.end)
    return Span(key.start, value.end)


def _one_line(text: str, start: int, end: int) -> Span:
    line_end = _LINE_END.search(text, start, end)
    stop = line_end.start() if line_end else end
    return Span(start, start + len(text[start:stop].rstrip()))
