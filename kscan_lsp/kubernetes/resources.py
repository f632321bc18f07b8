"""Kubernetes resources: what a document declares.

A document may hold one object or a List of them. Each becomes a Resource with its identity and its pod template if
it has one. A resource is plain data: it remembers nothing that anybody asked about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from msgspec import Struct

from kscan_lsp.findings import NAMELESS, Problem, ResourceId
from kscan_lsp.kubernetes.locate import Locator, resolve
from kscan_lsp.kubernetes.schema import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping as AbstractMapping

    from kscan_lsp.kubernetes.locate import ResolvedPath
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document

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

MAX_RESOURCES: Final = 20_000
"""Objects read from one document: more is no manifest."""
MAX_PROBLEMS: Final = 20
"""Problems that are listed of one document."""
MAX_LISTS: Final = 4
"""How deep lists of objects may stand inside each other. kubectl takes any depth; nobody writes two."""


class Resource(Struct, frozen=True, eq=False):
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

    def resolve(self, path: Path) -> ResolvedPath:
        """The place of a path inside the object; who asks for many has a `Locator`."""
        return resolve(self.document, (*self.root, *path))

    def locator(self) -> Locator:
        """What resolves many paths inside the object, for as long as somebody asks."""
        return Locator(self.document, self.root)


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
    unwrapping = _Unwrapping(document, custom, [], [])
    _collect(unwrapping, document.data, (), "")
    return tuple(unwrapping.found), tuple(unwrapping.problems)


class _Unwrapping(NamedTuple):
    """What is found on the way through a document."""

    document: Document
    custom: Custom
    found: list[Resource]
    problems: list[Problem]

    def report(self, path: Path, message: str, *, fatal: bool = True) -> None:
        # what a repair took out of the text may be just what is missing, and is reported as a problem of syntax
        if not self.document.blanked and len(self.problems) < MAX_PROBLEMS:
            span = resolve(self.document, path).span
            self.problems.append(Problem(span, message, "object", fatal=fatal))


def _collect(unwrapping: _Unwrapping, value: object, root: Path, item_of: str) -> None:
    """Add what stands at `root`; `item_of` is the kind and version that a typed list says its items have."""
    if not isinstance(value, dict):
        if root:
            unwrapping.report(root, "an item of a List must be an object, with apiVersion and kind")
        return
    kind, api_version = _text(value.get("kind")), _text(value.get("apiVersion"))
    if item_of and value.get("kind") is None:
        kind, _, api_version = item_of.partition(" ")
    if not (kind and api_version):
        if kind or api_version or root:
            there, missing = ("kind", "apiVersion") if kind else ("apiVersion", "kind")
            message = f"this is no Kubernetes object: its {missing} is missing, or no string"
            unwrapping.report((*root, there), message, fatal=kind in KINDS or bool(root))
        return
    items = value.get("items")
    if kind.endswith("List") and (isinstance(items, list) or kind == "List"):
        if items is not None and not isinstance(items, list):
            unwrapping.report((*root, "items"), "'items' of a List must be a list")
        elif len(root) >= 2 * MAX_LISTS:
            unwrapping.report(
                root, f"lists stand more than {MAX_LISTS} deep inside each other; this one is not read"
            )
        else:
            inherited = f"{kind.removesuffix('List')} {api_version}" if kind != "List" else ""
            for index, item in enumerate(items or []):
                _collect(unwrapping, item, (*root, "items", index), inherited)
    elif len(unwrapping.found) >= MAX_RESOURCES:
        unwrapping.report(
            root, f"this document has more than {MAX_RESOURCES:,} objects; this one is not read"
        )
    else:
        metadata = value.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        identity = ResourceId(api_version, kind, _text(metadata.get("namespace")), _name_of(metadata))
        template = _template_path(identity, unwrapping.custom)
        unwrapping.found.append(Resource(unwrapping.document, root, identity, value, template))


def _name_of(metadata: dict[str, Any]) -> str:
    """The name of an object, or what the API server is to make one of; empty where it has neither."""
    return _text(metadata.get("name")) or _text(metadata.get("generateName"))


def shown_name(metadata: dict[str, Any]) -> str:
    """As `ResourceId.shown_name`, of an object's metadata as plain values."""
    return _name_of(metadata) or NAMELESS


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _template_path(who: ResourceId, custom: Custom) -> Path | None:
    if (known := WORKLOADS.get(who.kind)) and who.group in known[0]:
        return known[1]
    return custom.get((who.group, who.kind))
