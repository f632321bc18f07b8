"""What a folder has that settings can be about: a folder -> its charts, overlays and custom kinds that run pods.

A kind counts as running pods if it is of a group that is not Kubernetes' own, no table of ours has it, and it carries
what looks like a pod template: a `spec` with a list of containers of which one names an image.

Left out on purpose: pods without a `spec` around them, which `podSpecPaths` cannot name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import paths
from kscan_lsp.files.discover import discover
from kscan_lsp.files.encoding import SourceText, Unreadable, read
from kscan_lsp.files.manifest import is_json, read_manifest
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, Partials
from kscan_lsp.kubernetes.kinds import GROUPS
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.regex import regex
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kscan_lsp.paths import Pattern

_USED: Final = ("resources", "bases", "components")
"""Where a kustomization names others (kustomize.config.k8s.io, all versions)."""
_NAME: Final = regex(r"[A-Za-z][A-Za-z0-9]*")
_GROUP: Final = regex(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_DEEPEST: Final = 12
"""Elements of a path at which a pod template is looked for; in all tables of ours the longest has five."""


class PodTemplates(NamedTuple):
    """A custom kind, and a path to its pod templates, as `podSpecPaths` has them."""

    kind: str
    group: str
    path: str


class Repository(NamedTuple):
    """What a folder has. Charts and overlays, which are rendered before they are judged, are folders relative to it."""

    manifests: int = 0
    """Files that declare objects and are judged as they are."""
    charts: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    pods: tuple[PodTemplates, ...] = ()


def look_at(folder: Path) -> Repository:
    """What a folder has, without charts inside of charts, components, and what other overlays use."""
    charts: list[str] = []
    kustomizations: list[str] = []
    used: set[str] = set()
    partials = Partials()
    manifests = 0
    pods: dict[PodTemplates, None] = {}
    for path in discover(folder, partials=partials).files:
        where = os.path.relpath(path.parent, folder)
        if path.name == "Chart.yaml" and not any(_is_below(where, chart) for chart in charts):
            charts.append(where)
        elif path.name in KUSTOMIZATION_NAMES:
            component, names = _read_kustomization(path)
            used.update(os.path.normpath(f"{where}/{name}") for name in names)
            if not component:
                kustomizations.append(where)
        else:
            source = read_manifest(path, partials, named=False)
            if isinstance(source, SourceText) and "apiVersion" in source.text:
                manifests += 1
                pods.update(dict.fromkeys(_pods_in(source.text, json=is_json(path.name, source.text))))
    overlays = tuple(where for where in kustomizations if where not in used)
    return Repository(manifests, tuple(charts), overlays, tuple(sorted(pods)))


def _pods_in(text: str, *, json: bool) -> Iterator[PodTemplates]:
    """Custom kinds of a file that carry pod templates."""
    for piece in [text] if json else split(text):
        if "containers" not in piece:
            continue
        for resource in resources_of(read_document(piece, json=json), {})[0]:
            group = resource.id.api_version.rpartition("/")[0]
            named = _GROUP.fullmatch(group) and _NAME.fullmatch(resource.id.kind)
            if named and group not in GROUPS and not resource.places:
                for pattern in _templates_in(resource.data, ()):
                    yield PodTemplates(resource.id.kind, group, paths.show(pattern))


def _templates_in(value: object, at: Pattern) -> Iterator[Pattern]:
    """Where in some data there are pod templates."""
    if isinstance(value, dict) and len(at) < _DEEPEST:
        if at and _is_pod(value.get("spec")):
            yield at
        else:
            for key, child in value.items():
                yield from _templates_in(child, (*at, key))
    elif isinstance(value, list):
        for child in value:
            yield from _templates_in(child, (*at, paths.EACH))


def _is_pod(spec: Any) -> bool:
    containers = spec.get("containers") if isinstance(spec, dict) else None
    return isinstance(containers, list) and any(
        isinstance(container, dict) and isinstance(container.get("image"), str) for container in containers
    )


def _read_kustomization(path: Path) -> tuple[bool, list[str]]:
    """Whether a kustomization is a component, which cannot be built alone, and what it builds on."""
    source = read(path)
    component, names = False, []
    for piece in () if isinstance(source, Unreadable) else split(source.text):
        data = read_document(piece).data
        if isinstance(data, dict):
            component = component or data.get("kind") == "Component"
            lists = (entries for key in _USED if isinstance(entries := data.get(key), list))
            names += [entry for entries in lists for entry in entries if isinstance(entry, str)]
    return component, names


def _is_below(where: str, folder: str) -> bool:
    return folder == "." or where.startswith(f"{folder}{os.sep}")
