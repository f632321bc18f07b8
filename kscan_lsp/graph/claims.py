"""The PersistentVolumeClaims that nobody writes: those that a StatefulSet makes for its pods, and ephemeral volumes.

The claims stand in no file, but what they say does, and so a pod can be followed to a PersistentVolume that is kept for
them, or that has their storage class.

Sources: pkg/controller/statefulset/stateful_set_utils.go (`getPersistentVolumeClaimName`) and
pkg/controller/volume/ephemeral of kubernetes/kubernetes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.findings import ResourceId
from kscan_lsp.graph.index import Object

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PODS: Final = 5
"""Pods of a StatefulSet whose claims are known, however many it has: those of the others say the same."""


def claimed_by_template(one: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and spec of each claim that a StatefulSet makes, for each of its pods."""
    spec = one.data.get("spec") if one.id.kind == "StatefulSet" else None
    templates = spec.get("volumeClaimTemplates") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(templates, list):
        return
    for template in templates:
        metadata = template.get("metadata") if isinstance(template, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str) and name:
            wanted = template.get("spec")
            for ordinal in range(MAX_PODS):
                yield f"{name}-{one.id.shown_name}-{ordinal}", wanted if isinstance(wanted, dict) else {}


def made_by(one: Object) -> Iterator[Object]:
    """The claims that are made for the pods of an object."""
    for name, spec in claimed_by_template(one):
        yield _claim(one, name, spec)
    for pod in one.pods:
        volumes = pod.get("volumes")
        for volume in volumes if isinstance(volumes, list) else ():
            ephemeral = volume.get("ephemeral") if isinstance(volume, dict) else None
            template = ephemeral.get("volumeClaimTemplate") if isinstance(ephemeral, dict) else None
            wanted = template.get("spec") if isinstance(template, dict) else None
            if isinstance(wanted, dict):
                yield _claim(one, f"{one.id.shown_name}-{volume.get('name')}", wanted)


def _claim(one: Object, name: str, spec: dict[str, Any]) -> Object:
    who = ResourceId("v1", "PersistentVolumeClaim", one.id.namespace, name)
    return Object("", "", json=False, root=(), id=who, data={"spec": spec})
