"""Under what Kyverno's policies are found: the kinds and resources that their rules name, `*` where they take any.

A rule about pods is found under what runs pods, too: Kyverno makes rules of it for that. Exceptions are found under the
policies that they are from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.graph.index import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Key, Object

GROUPS: Final = frozenset({"kyverno.io", "policies.kyverno.io"})
FIELDS: Final = frozenset(
    {"controllers", "kinds", "name", "pod-policies.kyverno.io/autogen-controllers", "policyName", "policyRefs",
     "resources"}
)  # fmt: skip
"""The fields of policies and exceptions that decide what they are found under."""
_RUN_PODS: Final = (
    "DaemonSet", "Deployment", "Job", "StatefulSet", "ReplicaSet", "ReplicationController", "CronJob", "daemonsets",
    "deployments", "jobs", "statefulsets", "replicasets", "replicationcontrollers", "cronjobs",
)  # fmt: skip


def kyverno_keys(one: Object) -> list[Key]:
    """The keys that an object of Kyverno's is found under besides those that every object has."""
    spec = _map(one.data.get("spec"))
    if one.id.kind == "PolicyException":
        names = [*_texts(spec, "exceptions", "policyName"), *_texts(spec, "policyRefs", "name")]
        return [key_of("excepts", name.rpartition("/")[2]) for name in names]
    if one.id.kind in {"ClusterPolicy", "Policy"}:
        named = {kind for rule in _maps(spec.get("rules")) for kind in _kinds(rule)}
    elif one.id.kind in {"ValidatingPolicy", "NamespacedValidatingPolicy"}:
        rules = _maps(_map(spec.get("matchConstraints")).get("resourceRules"))
        named = {
            resource.partition("/")[0]
            for rule in rules
            for resource in _list(rule.get("resources"))
            if isinstance(resource, str)
        }
    else:
        return []
    if named & {"Pod", "pods"}:
        named |= {*_RUN_PODS}
    return [key_of("kyverno", name) for name in sorted(named)]


def _kinds(rule: dict[str, Any]) -> Iterator[str]:
    match = _map(rule.get("match"))
    entries = [match, *_maps(match.get("any")), *_maps(match.get("all"))]
    for resources in [_map(entry.get("resources")) for entry in entries]:
        kinds = _list(resources.get("kinds"))
        if not kinds and resources:
            yield "*"
        for kind in kinds:
            if isinstance(kind, str):
                # `kind`, `version/kind` or `group/version/kind`, each with a subresource or without
                parts = [part.partition(".")[0] for part in kind.split("/")]
                names = [part for part in parts if part[:1].isupper()] or ["*"]
                yield "*" if any("*" in name or "?" in name for name in names) else names[0]


def _texts(spec: dict[str, Any], field: str, name: str) -> list[str]:
    return [entry[name] for entry in _maps(spec.get(field)) if isinstance(entry.get(name), str)]


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: object) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]
