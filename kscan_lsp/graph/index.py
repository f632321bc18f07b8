"""The objects of a workspace, each found under keys that say what it is and what it refers to.

Every object is found under a few keys: its kind, its name, a label of its pods, a subject it binds, ... Whoever asks
under a key depends on what is found there, and a change touches exactly the keys of what came, went or changed. So
an edit costs what it touches, not what there is. An index never changes; `with_file` makes the next one from it.

Left out on purpose: who asks under which keys (`relations.py`), and when (`project.py`).
"""

from __future__ import annotations

from bisect import insort
from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.kubernetes.selectors import labels_of_pods, namespace_of, required, selectors_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kubernetes.selectors import Selector
    from kscan_lsp.paths import Path

Key: TypeAlias = str
"""What objects are found under: a word that says what is meant, and the names it is about (`key_of`). Text remembers
its hash, which is most of what an index does with keys."""
BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
POLICIES: Final = (
    "NetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "GlobalNetworkPolicy",
)


class Object(Struct, frozen=True, eq=False):
    """One Kubernetes object as the others in its workspace see it. Two are the same only if they are one.

    `document` is the text of the document that declares it and `root` its path in there: enough to find any place in
    it again, without keeping the tree of every file of a workspace. What every cluster has and no file declares
    (`builtin.py`) has neither file nor document.
    """

    file: str
    document: str
    json: bool
    root: Path
    id: ResourceId
    data: dict[str, Any]
    template_path: Path | None
    line: int = 0
    """The line of the file, from 0, that the document began at when it was read."""
    keys: tuple[Key, ...] = ()

    @property
    def namespace(self) -> str:
        """Where it lives; `default` where the manifest does not say."""
        return namespace_of(self.id)

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of the pods it runs; empty where it runs none."""
        return _map(_at(self.data, (*self.template_path, "spec"))) if self.template_path is not None else {}


class Index(Struct, frozen=True, eq=False):
    """All objects of a workspace, found by key. Their order is that of files and texts, however they came."""

    files: Mapping[str, tuple[Object, ...]] = {}
    _found: Mapping[str, Mapping[Key, tuple[Object, ...]]] = {}
    """By file, what is found there under a key."""
    _holders: Mapping[Key, tuple[str, ...]] = {}
    """The files where something is found under a key, in order."""

    def with_file(self, file: str, objects: tuple[Object, ...]) -> tuple[Index, frozenset[Key]]:
        """The index with what a file declares now, and the keys under which anything is different."""
        before = self.files.get(file, ())
        if before == objects:
            return self, frozenset()
        old = self._found.get(file, {})
        replaced = [*compress(zip(before, objects, strict=False), map(is_not, before, objects))]
        # an edit, mostly; of two documents with one text, which declare the very same object, one is still there
        if len(replaced) == 1 and len(before) == len(objects) and replaced[0][0] not in objects:
            ((one, other),) = replaced
            new = _replaced(old, one, other, objects)
            changed = frozenset((*one.keys, *other.keys))
        else:
            new = _by_key(objects)
            kept = set(before) & set(objects)
            if [one for one in before if one in kept] != [one for one in objects if one in kept]:
                kept = set()  # what is found under a key comes in another order
            changed = frozenset(key for one in (*before, *objects) if one not in kept for key in one.keys)
        files, found = dict(self.files), dict(self._found)
        if objects:
            files[file], found[file] = objects, new
        else:
            files.pop(file, None)
            found.pop(file, None)
        holders = self._holders
        if moved := old.keys() ^ new.keys():
            holders = dict(holders)
            for key in moved:
                names = [name for name in holders.get(key, ()) if name != file]
                if key in new:
                    insort(names, file)
                if names:
                    holders[key] = tuple(names)
                else:
                    del holders[key]
        return Index(files, found, holders), changed

    def find(self, key: Key) -> Iterator[Object]:
        """All that is found under a key."""
        for file in self._holders.get(key, ()):
            yield from self._found[file][key]


def _replaced(
    found: Mapping[Key, tuple[Object, ...]], one: Object, other: Object, objects: Iterable[Object]
) -> dict[Key, tuple[Object, ...]]:
    """What is found under each key of `objects`, where that was `found` before one of them came in place of another."""
    now = dict(found)
    for key in one.keys:
        if key in other.keys:
            now[key] = tuple([other if there is one else there for there in now[key]])
        elif len(left := tuple([there for there in now[key] if there is not one])) > 0:
            now[key] = left
        else:
            del now[key]
    for key in other.keys:
        if key not in one.keys:
            now[key] = tuple([there for there in objects if key in there.keys])
    return now


def _by_key(objects: Iterable[Object]) -> dict[Key, tuple[Object, ...]]:
    found: dict[Key, list[Object]] = {}
    for one in objects:
        for key in one.keys:
            found.setdefault(key, []).append(one)
    return {key: tuple(there) for key, there in found.items()}


def object_of(file: str, resource: Resource, line: int = 0) -> Object:
    """A resource of a file as the others see it; its document begins at `line`."""
    document = resource.document
    one = Object(
        file=file,
        document=document.text,
        json=document.json,
        root=resource.root,
        id=resource.id,
        data=resource.data,
        template_path=resource.template_path,
        line=line,
    )
    return replace(one, keys=keys_of(one))


def key_of(*parts: str) -> Key:
    """The key for a word that says what is meant, and names."""
    return "\0".join(parts)


def keys_of(one: Object) -> tuple[Key, ...]:
    """The keys that an object is found under."""
    kind, namespace = one.id.kind, one.namespace
    keys = [
        key_of("kind", kind),
        key_of("kind", kind, namespace),
        key_of("object", kind, namespace, one.id.name),
    ]
    if one.template_path is not None:
        keys += [key_of("pods", namespace), key_of("pods", "*")]
        for name, value in labels_of_pods(one.data, one.template_path, namespace).items():
            keys += [key_of("pods", namespace, name, value), key_of("pods", "*", name, value)]
        account = account_of(one.pod)
        keys.append(key_of("uses", "ServiceAccount", namespace, account))
        keys += [key_of("uses", *used) for used in _used(one.pod, namespace)]
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
    keys += [key_of("routes", *service) for service in backends_of(one)]
    keys += [key_of("attached", *gateway) for gateway in gateways_of(one)]
    if kind == "HorizontalPodAutoscaler" and (target := target_of(one)):
        keys.append(key_of("scales", *target))
    return tuple(dict.fromkeys(keys))


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
            sources = [_map(variable.get("valueFrom")) for variable in _maps(container.get("env"))]
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


def _at(value: object, path: Path) -> object:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
