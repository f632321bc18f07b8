"""Kubernetes resources: what a document declares.

A document may hold one object or a List of them, or a Template of OpenShift, which is an object itself and whose
objects are read with the values that its parameters have by default. Several JSON values on one line are one document
with an object each. Each becomes a Resource with its identity and its pod templates. A resource is plain data: it
remembers nothing that anybody asked about it.

Source of what a Template means: template/v1/types.go of openshift/api.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.findings import Problem, ResourceId
from kscan_lsp.kubernetes.locate import Locator, resolve
from kscan_lsp.kubernetes.parameters import parameters_of, with_parameters
from kscan_lsp.kubernetes.pod_templates import PLACES, Place, PodTemplate, templates_of
from kscan_lsp.kubernetes.schema import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping as AbstractMapping

    from kscan_lsp.kubernetes.locate import FieldOrigin, ResolvedPath
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document

_TEMPLATES: Final = frozenset({"template.openshift.io/v1", "v1"})
"""API versions of OpenShift's Template; the second is how they were written once."""

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
    templates: tuple[PodTemplate, ...] = ()
    """Its pod templates; none for what runs no pods."""
    places: tuple[Place, ...] = ()
    """Where its kind has pod templates."""
    file: str = ""
    """Where it is written, from the root of its repository and with slashes, as far as anybody asks."""
    origin: FieldOrigin | None = None
    """Where its fields come from, of one that is judged as something else than what its document has."""

    def resolve(self, path: Path) -> ResolvedPath:
        """The place of a path inside the object; who asks for many has a `Locator`."""
        if self.origin is not None:
            path, _ = self.origin.written(path)
        return resolve(self.document, (*self.root, *path))

    def locator(self) -> Locator:
        """What resolves many paths inside the object, for as long as somebody asks."""
        return Locator(self.document, self.root, self.origin)


Custom: TypeAlias = "AbstractMapping[tuple[str, str], tuple[Place, ...]]"
"""By (group, kind), where further kinds have their pod templates."""


def resources_of(document: Document, custom: Custom) -> tuple[tuple[Resource, ...], tuple[Problem, ...]]:
    """The Kubernetes objects a document declares, lists unwrapped.

    Args:
        document: a document as read.
        custom: further kinds that run pods; of a kind that we know, too, they have the last word.

    Returns:
        The objects, and a problem for everything that looks like one and cannot be taken for one. It is fatal
        where kubectl would refuse the document, or where something is left out.
    """
    unwrapping = _Unwrapping(document, custom, [], [])
    if document.is_stream:
        for index, value in enumerate(document.data):
            _collect(replace(unwrapping, top=1), value, (index,), "")
    else:
        _collect(unwrapping, document.data, (), "")
    return tuple(unwrapping.found), tuple(unwrapping.problems)


class _Unwrapping(Struct, frozen=True):
    """What is found on the way through a document."""

    document: Document
    custom: Custom
    found: list[Resource]
    problems: list[Problem]
    top: int = 0
    """How long the path is of what stands in no list."""

    def report(self, path: Path, message: str, *, fatal: bool = True) -> None:
        # what a repair took out of the text may be just what is missing, and is reported as a problem of syntax
        if not self.document.blanked and len(self.problems) < MAX_PROBLEMS:
            span = resolve(self.document, path).span
            self.problems.append(Problem(span, message, "object", fatal=fatal))


def _collect(unwrapping: _Unwrapping, value: object, root: Path, item_of: str) -> None:
    """Add what stands at `root`; `item_of` is the kind and version that a typed list says its items have."""
    listed = len(root) > unwrapping.top
    if not isinstance(value, dict):
        if listed:
            unwrapping.report(
                root, "an item of a List or a Template must be an object, with apiVersion and kind"
            )
        return
    kind, api_version = _text(value.get("kind")), _text(value.get("apiVersion"))
    if item_of and value.get("kind") is None:
        kind, _, api_version = item_of.partition(" ")
    if not (kind and api_version):
        if kind or api_version or listed:
            there, missing = ("kind", "apiVersion") if kind else ("apiVersion", "kind")
            message = f"this is no Kubernetes object: its {missing} is missing, or no string"
            unwrapping.report((*root, there), message, fatal=kind in KINDS or listed)
        return
    template = kind == "Template" and api_version in _TEMPLATES
    field = "objects" if template else "items"
    items = value.get(field)
    if template and not isinstance(value.get("parameters", []), list):
        unwrapping.report((*root, "parameters"), "'parameters' of a Template must be a list")
    elif template and items is None:
        _add(unwrapping, value, root, kind, api_version)
    elif template or (kind.endswith("List") and (isinstance(items, list) or kind == "List")):
        if items is not None and not isinstance(items, list):
            unwrapping.report((*root, field), f"'{field}' of a {kind} must be a list")
        elif len(root) >= unwrapping.top + 2 * MAX_LISTS:
            unwrapping.report(
                root, f"lists stand more than {MAX_LISTS} deep inside each other; this one is not read"
            )
        else:
            inherited = "" if kind == "List" or template else f"{kind.removesuffix('List')} {api_version}"
            parameters = parameters_of(value) if template else None
            # an object that cannot be read may be what a parameter is a credential for
            if parameters is not None and all(map(_is_object, items or [])):
                _add(unwrapping, {**value, "parameters": parameters.listed}, root, kind, api_version)
            for index, item in enumerate(items or []):
                one = item if parameters is None else with_parameters(item, parameters.values)
                _collect(unwrapping, one, (*root, field, index), inherited)
    else:
        _add(unwrapping, value, root, kind, api_version)


def _add(unwrapping: _Unwrapping, value: dict[str, Any], root: Path, kind: str, api_version: str) -> None:
    """Add one object."""
    if len(unwrapping.found) >= MAX_RESOURCES:
        unwrapping.report(
            root, f"this document has more than {MAX_RESOURCES:,} objects; this one is not read"
        )
        return
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    identity = ResourceId(api_version, kind, _text(metadata.get("namespace")), _name_of(metadata))
    group_and_kind = (identity.group, kind)
    places = unwrapping.custom.get(group_and_kind) or PLACES.get(group_and_kind, ())
    templates = templates_of(value, places) if places else ()
    unwrapping.found.append(Resource(unwrapping.document, root, identity, value, templates, places))


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and bool(_text(value.get("kind")) and _text(value.get("apiVersion")))


def _name_of(metadata: dict[str, Any]) -> str:
    """The name of an object, or what the API server is to make one of; empty where it has neither."""
    return _text(metadata.get("name")) or _text(metadata.get("generateName"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
