"""What an object is called, selects, names and leads to, and with that the keys that it is found under.

One place knows the fields of each kind that refer to other objects; relations and index speak of keys only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from kscan_lsp.graph.claims import claimed_by_template
from kscan_lsp.graph.gatekeeper import gatekeeper_keys
from kscan_lsp.graph.index import Object, key_of
from kscan_lsp.graph.kyverno import FIELDS, GROUPS, kyverno_keys
from kscan_lsp.graph.secrets import as_letters, declared_secret
from kscan_lsp.kubernetes.runtime_labels import may_run_pods
from kscan_lsp.kubernetes.selectors import labels_of_pods, required, selectors_of
from kscan_lsp.kubernetes.type_errors import READ_INSIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Key
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kubernetes.selectors import Selector
    from kscan_lsp.paths import Path

_ANY_KEYS: Final = frozenset({"data", "labels", "matchLabels", "ownerReferences", "selector", "stringData"})
"""Maps that are read with whatever keys they have."""

BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
POLICIES: Final = (
    "NetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "GlobalNetworkPolicy",
)


def object_of(file: str, resource: Resource, offset: int = 0, line: int = 0) -> Object:
    """A resource of a file as the others see it; where its document begins matters if the file is not judged."""
    document = resource.document
    one = Object(
        file=file,
        document=document.text,
        json=document.json,
        root=resource.root,
        id=resource.id,
        data=resource.data,
        templates=resource.templates,
        offset=offset,
        line=line,
    )
    return replace(one, keys=keys_of(one))


def object_edited(before: Object, resource: Resource, path: Path | None) -> Object:
    """A resource after an edit as the others see it.

    Args:
        before: what it was to them.
        resource: the resource, whose identity and pod templates are as they were.
        path: the value in it that is another; None where its data is as it was.
    """
    one = replace(before, document=resource.document.text, data=resource.data)
    return one if path is None or not is_read(path) else replace(one, keys=keys_of(one))


def is_read(path: Path) -> bool:
    """Whether anything that an object is found under, or looks for, can depend on a value of it."""
    names = [part for part in path if isinstance(part, str)]
    return names[-1] in READ_INSIDE or names[-1] in FIELDS or not _ANY_KEYS.isdisjoint(names)


def keys_of(one: Object) -> tuple[Key, ...]:
    """The keys that an object is found under."""
    kind, namespace = one.id.kind, one.namespace
    keys = [
        key_of("kind", kind),
        key_of("kind", kind, namespace),
        key_of("object", kind, namespace, one.id.name),
    ]
    if one.templates:
        keys += [key_of("pods", namespace), key_of("pods", "*")]
    for template, pod in zip(one.templates, one.pods, strict=True):
        for name, value in labels_of_pods(one.data, template, namespace).items():
            keys += [key_of("pods", namespace, name, value), key_of("pods", "*", name, value)]
        keys.append(key_of("uses", "ServiceAccount", namespace, account_of(pod)))
        keys += [key_of("uses", *used) for used in _used(pod, namespace)]
    keys += [key_of("uses", "PersistentVolumeClaim", namespace, name) for name, _ in claimed_by_template(one)]
    if may_run_pods(one.id):
        keys.append(key_of("custom", namespace))
    for where, selector in selectors_of(one.id, one.data):
        keys.append(key_of("selector", _selecting(kind), where, *required(selector)))
    if kind in BINDINGS:
        keys.append(key_of("grants", *role_of(one)))
        for who, where, name in subjects_of(one):
            keys.append(key_of("subject", who, where, name))
            if who == "ServiceAccount":  # a rule can name one without saying where
                keys.append(key_of("subject", who, "*", name))
    if kind == "PersistentVolume":
        keys += _claimed_as(one)
    if kind == "ClusterRole":
        keys += [key_of("label", kind, *pair) for pair in labels_of(one).items()]
        keys += [key_of("aggregates", *required(selector)) for selector in aggregated_by(one)]
    if secret := declared_secret(kind, one.id.name, one.data):
        keys += [key_of("entry", namespace, as_letters(key)) for key in secret.keys]
    keys += [key_of("routes", *service) for service in backends_of(one)]
    keys += [key_of("attached", *gateway) for gateway in gateways_of(one)]
    if kind in _ADMITTING:
        keys += [key_of(_ADMITTING[kind], resource) for resource in _admitted(one)]
    if kind in _BINDING_ONE:
        keys.append(key_of(_BINDING_ONE[kind], _text(_map(one.data.get("spec")).get("policyName"))))
    if one.id.group in GROUPS:
        keys += kyverno_keys(one)
    keys += gatekeeper_keys(one)
    if kind == "HorizontalPodAutoscaler" and (target := target_of(one)):
        keys.append(key_of("scales", *target))
    return tuple(dict.fromkeys(keys))


_ADMITTING: Final = {"ValidatingAdmissionPolicy": "admits", "MutatingAdmissionPolicy": "mutates"}
"""Kinds of admission policies, by the words under which who is judged looks for them."""
_BINDING_ONE: Final = {
    "ValidatingAdmissionPolicyBinding": "binds",
    "MutatingAdmissionPolicyBinding": "applies",
}


def _admitted(policy: Object) -> Iterator[str]:
    """The resources that the rules of an admission policy name, without subresources; `*` where they take any."""
    constraints = _map(_map(policy.data.get("spec")).get("matchConstraints"))
    rules = constraints.get("resourceRules")
    for rule in rules if isinstance(rules, list) else ():
        resources = _map(rule).get("resources")
        for resource in resources if isinstance(resources, list) else ():
            yield _text(resource).partition("/")[0]


def _selecting(kind: str) -> str:
    """One word for all kinds that do the same with the pods they select."""
    return "NetworkPolicy" if kind in POLICIES else kind


def role_of(binding: Object) -> tuple[str, str, str]:
    """(kind, namespace, name) of the role that a binding grants; a ClusterRole has no namespace."""
    reference = _map(binding.data.get("roleRef"))
    kind = _text(reference.get("kind"))
    return kind, "" if kind == "ClusterRole" else binding.namespace, _text(reference.get("name"))


def subjects_of(binding: Object) -> Iterator[tuple[str, str, str]]:
    """(kind, namespace, name) of all that a binding names; only service accounts have a namespace."""
    subjects = binding.data.get("subjects") if binding.id.kind in BINDINGS else None
    for subject in subjects if isinstance(subjects, list) else ():
        if isinstance(subject, dict):
            kind = _text(subject.get("kind"))
            own = _text(subject.get("namespace")) or binding.namespace
            yield kind, own if kind == "ServiceAccount" else "", _text(subject.get("name"))


def _claimed_as(volume: Object) -> Iterator[Key]:
    """What a claim that does not name its volume finds it under: who it is kept for, else its storage class."""
    spec = spec_of(volume)
    claim = _map(spec.get("claimRef"))
    if name := _text(claim.get("name")):
        yield key_of("reserved", _text(claim.get("namespace")) or "default", name)
    elif isinstance(spec.get("storageClassName", ""), str):
        yield key_of("class", spec.get("storageClassName", ""))


def spec_of(one: Object) -> dict[str, Any]:
    """The `spec` of an object; empty where it has none."""
    return _map(one.data.get("spec"))


def labels_of(one: Object) -> dict[str, str]:
    """The labels of an object itself, not those of the pods it runs."""
    labels = _map(_map(one.data.get("metadata")).get("labels"))
    return {name: value for name, value in labels.items() if isinstance(name, str) and isinstance(value, str)}


def owners_of(one: Object) -> list[tuple[str, str]]:
    """(kind, name) of the objects that own one (meta/v1 OwnerReference): in its namespace, or in none."""
    references = _maps(_map(one.data.get("metadata")).get("ownerReferences"))
    return [(_text(owner.get("kind")), _text(owner.get("name"))) for owner in references]


def aggregated_by(role: Object) -> list[Selector]:
    """The selectors of ClusterRoles whose rules a ClusterRole takes (rbac/v1 AggregationRule)."""
    rule = role.data.get("aggregationRule") if role.id.kind == "ClusterRole" else None
    return _maps(_map(rule).get("clusterRoleSelectors"))


def account_of(pod: dict[str, Any]) -> str:
    """The service account a pod runs as (core/v1 PodSpec; `serviceAccount` is its older name)."""
    return _text(pod.get("serviceAccountName")) or _text(pod.get("serviceAccount")) or "default"


def _used(pod: dict[str, Any], namespace: str) -> Iterator[tuple[str, str, str]]:
    """(kind, namespace, name) of the ConfigMaps, Secrets and claims that a pod names (core/v1 PodSpec)."""
    for volume in _maps(pod.get("volumes")):
        projected = _maps(_map(volume.get("projected")).get("sources"))
        for source in (volume, *projected):
            yield from _named("ConfigMap", namespace, _map(source.get("configMap")).get("name"))
            secret = _map(source.get("secret"))
            yield from _named("Secret", namespace, secret.get("secretName") or secret.get("name"))
        claim = _map(volume.get("persistentVolumeClaim")).get("claimName")
        yield from _named("PersistentVolumeClaim", namespace, claim)
    for listed in ("containers", "initContainers", "ephemeralContainers"):
        for container in _maps(pod.get(listed)):
            variables = [
                one for one in _maps(container.get("env")) if "valueFrom" in one
            ]  # most have a value
            sources = [_map(one["valueFrom"]) for one in variables]
            for source in (*sources, *_maps(container.get("envFrom"))):
                for kind, keys in (
                    ("ConfigMap", ("configMapKeyRef", "configMapRef")),
                    ("Secret", ("secretKeyRef", "secretRef")),
                ):
                    for key in keys:
                        yield from _named(kind, namespace, _map(source.get(key)).get("name"))
    for secret in _maps(pod.get("imagePullSecrets")):
        yield from _named("Secret", namespace, secret.get("name"))


def _named(kind: str, namespace: str, name: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(name, str) and name:
        yield kind, namespace, name


def backends_of(route: Object) -> Iterator[tuple[str, str]]:
    """(namespace, name) of the Services that an Ingress or a Gateway API route leads to."""
    spec = _map(route.data.get("spec"))
    if route.id.kind == "Ingress":
        paths = [p for rule in _maps(spec.get("rules")) for p in _maps(_map(rule.get("http")).get("paths"))]
        whole = [_map(spec.get("defaultBackend")), _map(spec.get("backend"))]
        for backend in (*(_map(p.get("backend")) for p in paths), *whole):
            name = _map(backend.get("service")).get("name") or backend.get("serviceName")
            if isinstance(name, str) and name:
                yield route.namespace, name
    elif route.id.group == "gateway.networking.k8s.io":
        for rule in _maps(spec.get("rules")):
            for backend in _maps(rule.get("backendRefs")):
                service = (backend.get("group") or "", backend.get("kind", "Service")) == ("", "Service")
                if service and _text(backend.get("name")):
                    yield _text(backend.get("namespace")) or route.namespace, _text(backend.get("name"))


def gateways_of(route: Object) -> Iterator[tuple[str, str]]:
    """(namespace, name) of the Gateways that a Gateway API route attaches itself to."""
    if route.id.group == "gateway.networking.k8s.io":
        for parent in _maps(_map(route.data.get("spec")).get("parentRefs")):
            if parent.get("kind", "Gateway") == "Gateway" and (name := _text(parent.get("name"))):
                yield _text(parent.get("namespace")) or route.namespace, name


def target_of(autoscaler: Object) -> tuple[str, str, str] | None:
    """(kind, namespace, name) of what a HorizontalPodAutoscaler scales; None where it does not say."""
    reference = _map(_map(autoscaler.data.get("spec")).get("scaleTargetRef"))
    kind, name = _text(reference.get("kind")), _text(reference.get("name"))
    return (kind, autoscaler.namespace, name) if kind and name else None


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
