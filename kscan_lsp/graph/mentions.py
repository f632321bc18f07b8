"""Where in an object others are named: the way from a name in a text to the object that it means, and back.

What an object is found under (`references.py`) is asked at every edit and knows names only. Here is where each name
stands, and more of them, for those who look around. A test holds that the two agree.

Sources: core/v1, apps/v1, rbac/v1, networking/v1, autoscaling/v2, admissionregistration/v1; Gateway API v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.kubernetes.pod_shapes import expanded
from kscan_lsp.kubernetes.pod_templates import pod_of
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.kubernetes.selectors import CLUSTER_SCOPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path, Pattern


class Mention(NamedTuple):
    """A name in an object, and what it means."""

    path: Path
    kind: str
    namespace: str
    """Empty for what has none."""
    name: str
    key: str = ""
    """The entry of a ConfigMap or Secret that is meant; then the path is that of its name."""
    whole: bool = False
    """Whether all entries of a ConfigMap or Secret are meant."""


class _Row(Struct, frozen=True):
    """Maps that name an object."""

    pattern: Pattern
    field: str
    """What has the name in it."""
    kind: str
    """What it names; a `kind` beside the name wins if this is in brackets."""
    keys: Pattern | None = None
    """Where below the map the entries are that it means, if not all."""
    elsewhere: bool = False
    """Whether a `namespace` beside the name counts."""


def _row(pattern: str, field: str, kind: str, keys: str = "", *, elsewhere: bool = False) -> _Row:
    below = paths.parse_pattern(keys) if keys else None
    return _Row(paths.parse_pattern(pattern), field, kind, below, elsewhere)


_OF_CONTAINERS: Final = (
    ("env[*].valueFrom.configMapKeyRef", "ConfigMap", "key"),
    ("env[*].valueFrom.secretKeyRef", "Secret", "key"),
    ("envFrom[*].configMapRef", "ConfigMap", ""),
    ("envFrom[*].secretRef", "Secret", ""),
)
_OF_PODS: Final = (
    _row("", "serviceAccountName", "ServiceAccount"),
    _row("", "serviceAccount", "ServiceAccount"),
    _row("imagePullSecrets[*]", "name", "Secret"),
    _row("volumes[*].configMap", "name", "ConfigMap", "items[*].key"),
    _row("volumes[*].secret", "secretName", "Secret", "items[*].key"),
    _row("volumes[*].projected.sources[*].configMap", "name", "ConfigMap", "items[*].key"),
    _row("volumes[*].projected.sources[*].secret", "name", "Secret", "items[*].key"),
    _row("volumes[*].persistentVolumeClaim", "claimName", "PersistentVolumeClaim"),
    *(
        _row(f"{listed}[*].{pattern}", "name", kind, keys)
        for listed in CONTAINER_LISTS
        for pattern, kind, keys in _OF_CONTAINERS
    ),
)
_BINDING: Final = (
    _row("roleRef", "name", "[Role]"),
    _row("subjects[*]", "name", "[User]", elsewhere=True),
)
_INGRESS: Final = (
    _row("spec.rules[*].http.paths[*].backend.service", "name", "Service"),
    _row("spec.rules[*].http.paths[*].backend", "serviceName", "Service"),
    _row("spec.defaultBackend.service", "name", "Service"),
    _row("spec.backend", "serviceName", "Service"),
    _row("spec.tls[*]", "secretName", "Secret"),
)
_ROUTE: Final = (
    _row("spec.rules[*].backendRefs[*]", "name", "[Service]", elsewhere=True),
    _row("spec.parentRefs[*]", "name", "[Gateway]", elsewhere=True),
)
_WEBHOOKS: Final = (_row("webhooks[*].clientConfig.service", "name", "Service", elsewhere=True),)
_OF_KINDS: Final = {
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "Ingress": _INGRESS,
    "HorizontalPodAutoscaler": (_row("spec.scaleTargetRef", "name", "[Deployment]"),),
    "PersistentVolumeClaim": (
        _row("spec", "volumeName", "PersistentVolume"),
        _row("spec", "storageClassName", "StorageClass"),
    ),
    "PersistentVolume": (
        _row("spec.claimRef", "name", "PersistentVolumeClaim", elsewhere=True),
        _row("spec", "storageClassName", "StorageClass"),
    ),
    "ServiceAccount": (
        _row("secrets[*]", "name", "Secret"),
        _row("imagePullSecrets[*]", "name", "Secret"),
    ),
    "StatefulSet": (_row("spec", "serviceName", "Service"),),
    "ValidatingWebhookConfiguration": _WEBHOOKS,
    "MutatingWebhookConfiguration": _WEBHOOKS,
}
_NAMESPACE: Final = _row("metadata", "namespace", "Namespace")
_BY_RESOURCE: Final = {"secrets": "Secret", "configmaps": "ConfigMap", "serviceaccounts": "ServiceAccount"}
"""What the names in a rule of a Role can mean."""


def mentions(one: Object) -> Iterator[Mention]:
    """Where an object names others."""
    for template in one.templates:
        pod = pod_of(one.data, template)
        spec = paths.lookup(pod.view, pod.spec)
        for row in _OF_PODS:
            for found in _found(row, spec, one.namespace):
                yield found._replace(path=pod.written_at((*pod.spec, *found.path)))
    route = one.id.group == "gateway.networking.k8s.io"
    for row in (*(_ROUTE if route else _OF_KINDS.get(one.id.kind, ())), _NAMESPACE):
        yield from _found(row, one.data, one.namespace)
    if one.id.kind == "Role":
        yield from _named_in_rules(one)


def _found(row: _Row, data: object, own: str) -> Iterator[Mention]:
    for path in expanded(data, row.pattern):
        there = paths.lookup(data, path)
        name = there.get(row.field) if isinstance(there, dict) else None
        if not isinstance(there, dict) or not isinstance(name, str) or not name:
            continue
        kind, namespace = row.kind, own
        if kind.startswith("["):
            given = there.get("kind")
            kind = given if isinstance(given, str) and given else kind[1:-1]
        if row.elsewhere and isinstance(given := there.get("namespace"), str) and given:
            namespace = given
        namespace = "" if kind in CLUSTER_SCOPED or kind in ("User", "Group") else namespace or "default"
        keys = [
            ((*path, *below), key)
            for below in (expanded(there, row.keys) if row.keys else ())
            if isinstance(key := paths.lookup(there, below), str)
        ]
        yield Mention((*path, row.field), kind, namespace, name, whole=not keys)
        for at, key in keys:
            yield Mention(at, kind, namespace, name, key)


def _named_in_rules(role: Object) -> Iterator[Mention]:
    rules = role.data.get("rules")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        given: Any = rule.get("resources") if isinstance(rule, dict) else None
        names: Any = rule.get("resourceNames") if isinstance(rule, dict) else None
        kinds = [_BY_RESOURCE[r] for r in given if r in _BY_RESOURCE] if isinstance(given, list) else []
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and name:
                path = ("rules", number, "resourceNames", index)
                yield from (Mention(path, kind, role.namespace, name) for kind in kinds)
