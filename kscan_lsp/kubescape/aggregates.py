"""What rules of Kubescape's see in place of objects, where they ask for it (`resourcesAggregator`).

Source: AggregateResourcesBySubjects and AggregateResourcesByAPIServerPod in reporthandling of kubescape/opa-utils. Of
subjects there is one entry for each of a binding whose role is there, with the two as `relatedObjects`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.kubescape.fields import map_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST: Final = 5_000
"""Subjects that a rule sees."""


def aggregated(objects: Sequence[dict[str, Any]], name: str) -> Sequence[dict[str, Any]]:
    """What a rule sees of some objects, by the name of what it asks for, which is one of AGGREGATES; empty for them."""
    made = AGGREGATES.get(name)
    return objects if made is None else made(objects)


def apiserver_in(objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first pod among some objects that is an API server."""
    for one in objects:
        metadata = map_of(one.get("metadata"))
        named = _text(metadata.get("name"))
        is_system = one.get("kind") == "Pod" and metadata.get("namespace") == "kube-system"
        if is_system and ("apiserver" in named or "api-server" in named):
            return [one]
    return []


def subjects_in(objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The subjects of all bindings among some objects, each with its binding and role."""
    roles: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in objects:
        kind = _text(one.get("kind"))
        if kind.endswith("Role"):
            roles.setdefault((kind, _text(map_of(one.get("metadata")).get("name"))), []).append(one)
    return [*_subjects(objects, roles)][:MOST]


def _subjects(
    objects: Sequence[dict[str, Any]], roles: dict[tuple[str, str], list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for binding in objects:
        subjects = binding.get("subjects")
        if not _text(binding.get("kind")).endswith("Binding") or not isinstance(subjects, list):
            continue
        wanted = map_of(binding.get("roleRef"))
        for role in roles.get((_text(wanted.get("kind")), _text(wanted.get("name"))), ()):
            if _refers(binding, wanted, role):
                for subject in subjects:
                    if isinstance(subject, dict):
                        yield {**subject, "relatedObjects": [binding, role]}


def _refers(binding: dict[str, Any], wanted: dict[str, Any], role: dict[str, Any]) -> bool:
    """Whether a role of the kind and name that a binding wants is the one."""
    group, of_role = _text(wanted.get("apiGroup")), _text(role.get("apiVersion")).rpartition("/")[0]
    if group and of_role and group != of_role:
        return False
    if role.get("kind") == "ClusterRole":
        return True
    here, there = (_text(map_of(one.get("metadata")).get("namespace")) for one in (binding, role))
    return binding.get("kind") == "RoleBinding" and (not here or not there or here == there)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


AGGREGATES: Final[dict[str, Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]]] = {
    "subject-role-rolebinding": subjects_in,
    "apiserver-pod": apiserver_in,
}
