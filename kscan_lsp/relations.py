"""Who selects, binds, mounts and routes to whom: one index over all objects of a workspace.

Every object is found under a few keys (its kind, its name, a label of its pods, a subject it binds, ...), and every
relation is a question that looks under a few keys and keeps what really holds. The keys are the decision behind this
room: what a finding depends on is known without evaluating it (`Bound.watched`), and a change touches exactly those
who watch a key of something that came, went or changed. So an edit costs what it touches, not what there is.

An index never changes; `with_file` makes the next one from it.

Left out on purpose: what of this is a security problem (controls), and when to ask (`project.py`).
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.selectors import labels_of_pods, namespace_of, required, selectors_of, selects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.paths import Path
    from kscan_lsp.resources import Resource

Key: TypeAlias = str
"""What objects are found under: a word that says what is meant, and the names it is about (`_key`). Text remembers
its hash, which is most of what an index does with keys."""


class Object(Struct, frozen=True, eq=False):
    """One Kubernetes object as the others in its workspace see it. Two are the same only if they are one.

    `document` is the text of the document that declares it and `root` its path in there: enough to find any place in
    it again, without keeping the tree of every file of a workspace.
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


class Link(NamedTuple):
    """An object that a relation leads to, and those that a chain of relations passed on the way."""

    object: Object
    via: tuple[Object, ...] = ()


class Bound(NamedTuple):
    """The relations of one object: what each leads to, and the keys that decided it."""

    links: Mapping[str, tuple[Link, ...]]
    watched: frozenset[Key]


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
        old, new = self._found.get(file, {}), _by_key(objects)
        kept = set(before) & set(objects)
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
    return replace(one, keys=_keys_of(one))


def bind(subject: Object, names: Iterable[str], index: Index) -> Bound:
    """Follow relations from an object.

    Args:
        subject: where they start.
        names: of `NAMES`; one with dots is a chain, each relation followed from what the one before leads to.
        index: the workspace.
    """
    watched: set[Key] = set()
    ends: dict[str, tuple[Link, ...]] = {"": (Link(subject),)}
    for name in sorted(names):
        so_far = ""
        for step in name.split("."):
            start, so_far = so_far, f"{so_far}.{step}" if so_far else step
            if so_far not in ends:
                ends[so_far] = tuple(
                    Link(found, (*link.via, link.object) if start else ())
                    for link in ends[start]
                    for found in _follow(step, link.object, index, watched)
                )
    return Bound({name: ends[name] for name in names}, frozenset(watched))


def _follow(name: str, subject: Object, index: Index, watched: set[Key]) -> Iterator[Object]:
    seen: set[Object] = set()
    relation = _RELATIONS[name]
    for key in relation.look(subject):
        watched.add(key)
        for found in index.find(key):
            if found not in seen and (relation.holds is None or relation.holds(subject, found)):
                seen.add(found)
                yield found


def _key(*parts: str) -> Key:
    return "\0".join(parts)


def _keys_of(one: Object) -> tuple[Key, ...]:
    """The keys that an object is found under."""
    kind, namespace = one.id.kind, one.namespace
    keys = [_key("kind", kind), _key("kind", kind, namespace), _key("object", kind, namespace, one.id.name)]
    if one.template_path is not None:
        keys += [_key("pods", namespace), _key("pods", "*")]
        for name, value in labels_of_pods(one.data, one.template_path, namespace).items():
            keys += [_key("pods", namespace, name, value), _key("pods", "*", name, value)]
        account = _account(one.pod)
        keys.append(_key("uses", "ServiceAccount", namespace, account))
        keys += [_key("uses", *used) for used in _used(one.pod, namespace)]
    for where, selector in selectors_of(one.id, one.data):
        keys.append(_key("selector", _selecting(kind), where, *required(selector)))
    if kind in _BINDINGS:
        keys.append(_key("grants", *_role(one)))
        keys += [_key("subject", *subject) for subject in _subjects(one)]
    keys += [_key("routes", *service) for service in _backends(one)]
    if kind == "HorizontalPodAutoscaler" and (target := _target(one)):
        keys.append(_key("scales", *target))
    return tuple(dict.fromkeys(keys))


_BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
_POLICIES: Final = ("NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
_WEBHOOKS: Final = (
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
)


def _selecting(kind: str) -> str:
    """One word for all kinds that do the same with the pods they select."""
    return "NetworkPolicy" if kind in _POLICIES else kind


def _selected(subject: Object) -> Iterator[Key]:
    """Where to look for the pods that an object selects."""
    for where, selector in selectors_of(subject.id, subject.data):
        yield _key("pods", where, *required(selector))


def _selects(selecting: Object, workload: Object) -> bool:
    labels = labels_of_pods(workload.data, workload.template_path or (), workload.namespace)
    return any(
        where in {"*", workload.namespace} and selects(selector, labels)
        for where, selector in selectors_of(selecting.id, selecting.data)
    )


def _selectors(kind: str) -> Callable[[Object], Iterator[Key]]:
    """Where to look for what selects the pods of a workload."""

    def look(subject: Object) -> Iterator[Key]:
        if subject.template_path is None:
            return
        labels = labels_of_pods(subject.data, subject.template_path, subject.namespace)
        for where in (subject.namespace, "*"):
            yield _key("selector", kind, where)
            for pair in labels.items():
                yield _key("selector", kind, where, *pair)

    return look


def _workloads(subject: Object) -> Iterator[Key]:
    kind = subject.id.kind
    if kind in ("ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim"):
        yield _key("uses", kind, subject.namespace, subject.id.name)
    elif kind == "Namespace":
        yield _key("pods", subject.id.name)
    elif kind == "HorizontalPodAutoscaler":
        if target := _target(subject):
            yield _key("object", *target)
    else:
        yield from _selected(subject)


def _runs(subject: Object, workload: Object) -> bool:
    """Whether a workload is really meant: labels are looked up by one of them only."""
    if workload.template_path is None:
        return (
            subject.id.kind == "HorizontalPodAutoscaler"
        )  # it can scale custom kinds that we know nothing of
    direct = ("ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "Namespace")
    return subject.id.kind in (*direct, "HorizontalPodAutoscaler") or _selects(subject, workload)


def _policies(subject: Object) -> Iterator[Key]:
    if subject.id.kind == "Namespace":
        for kind in _POLICIES:
            yield _key("kind", kind, subject.id.name)
        yield _key("kind", "CiliumClusterwideNetworkPolicy")
    else:
        yield from _selectors("NetworkPolicy")(subject)


def _policy_holds(subject: Object, policy: Object) -> bool:
    return subject.id.kind == "Namespace" or _selects(policy, subject)


def _bindings(subject: Object) -> Iterator[Key]:
    kind, namespace, name = subject.id.kind, subject.namespace, subject.id.name
    if kind == "ClusterRole":
        yield _key("grants", kind, "", name)
    elif kind == "Role":
        yield _key("grants", kind, namespace, name)
    elif kind == "ServiceAccount":
        yield from _named_as(namespace, name)
    elif subject.template_path is not None:
        yield from _named_as(namespace, _account(subject.pod))


def _named_as(namespace: str, account: str) -> Iterator[Key]:
    """Where to look for what names a service account, or a group that it is in (authentication/serviceaccount)."""
    yield _key("subject", "ServiceAccount", namespace, account)
    for group in ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"):
        yield _key("subject", "Group", "", group)


def _names_somebody(_: Object, binding: Object) -> bool:
    return any(True for _ in _subjects(binding))


def _accounts(subject: Object) -> Iterator[Key]:
    if subject.template_path is not None:
        yield _key("object", "ServiceAccount", subject.namespace, _account(subject.pod))
    elif subject.id.kind == "Namespace":
        yield _key("kind", "ServiceAccount", subject.id.name)
    else:
        for kind, namespace, name in _subjects(subject):
            if kind == "ServiceAccount":
                yield _key("object", kind, namespace, name)


def _referenced(kind: str) -> Callable[[Object], Iterator[Key]]:
    def look(subject: Object) -> Iterator[Key]:
        start = _key("uses", kind, "")
        for key in subject.keys:  # what it uses is what it is found under by those who are used
            if key.startswith(start):
                yield _key("object", kind, key.removeprefix(start))

    return look


def _autoscalers(subject: Object) -> Iterator[Key]:
    yield _key("scales", subject.id.kind, subject.namespace, subject.id.name)


def _everywhere(*kinds: str) -> Callable[[Object], Iterator[Key]]:
    return lambda _: (_key("kind", kind) for kind in kinds)


class _Relation(NamedTuple):
    """Where to look for the objects a relation leads to, and which of those found there it means."""

    look: Callable[[Object], Iterable[Key]]
    holds: Callable[[Object, Object], bool] | None = None
    meaning: str = ""


_RELATIONS: Final[dict[str, _Relation]] = {
    "workloads": _Relation(
        _workloads,
        _runs,
        "the workloads that a Service, NetworkPolicy or PodDisruptionBudget selects, that a HorizontalPodAutoscaler "
        "scales, that use a ServiceAccount, ConfigMap, Secret or PersistentVolumeClaim, or that run in a Namespace",
    ),
    "networkPolicies": _Relation(
        _policies, _policy_holds, "the NetworkPolicies, Cilium's included, that select a workload's pods or "
        "stand in a Namespace",
    ),
    "services": _Relation(
        lambda s: (*_selectors("Service")(s), *(_key("object", "Service", *b) for b in _backends(s))),
        lambda s, found: s.template_path is None or _selects(found, s),
        "the Services that select a workload's pods, or that an Ingress or a Gateway API route leads to",
    ),
    "disruptionBudgets": _Relation(
        _selectors("PodDisruptionBudget"),
        lambda s, found: _selects(found, s),
        "the PodDisruptionBudgets that select a workload's pods",
    ),
    "autoscalers": _Relation(_autoscalers, None, "the HorizontalPodAutoscalers that scale a workload"),
    "routes": _Relation(
        lambda s: (_key("routes", s.namespace, s.id.name),) if s.id.kind == "Service" else (),
        None,
        "the Ingresses and Gateway API routes that lead to a Service",
    ),
    "serviceAccounts": _Relation(
        _accounts,
        None,
        "the ServiceAccount a workload runs as, those that a binding names, or those of a Namespace",
    ),
    "roleBindings": _Relation(
        _bindings,
        _names_somebody,
        "the RoleBindings and ClusterRoleBindings that grant a Role or ClusterRole to somebody, or that name a "
        "ServiceAccount or the one a workload runs as, or a group that it is in",
    ),
    "roles": _Relation(
        lambda s: (_key("object", *_role(s)),) if s.id.kind in _BINDINGS else (),
        None,
        "the Role or ClusterRole that a binding grants",
    ),
    "configMaps": _Relation(_referenced("ConfigMap"), None, "the ConfigMaps that a workload uses"),
    "secrets": _Relation(_referenced("Secret"), None, "the Secrets that a workload uses"),
    "persistentVolumeClaims": _Relation(
        _referenced("PersistentVolumeClaim"), None, "the PersistentVolumeClaims that a workload mounts"
    ),
    "namespaces": _Relation(
        lambda s: (_key("object", "Namespace", "", s.namespace),),
        None,
        "the Namespace an object is in",
    ),
    "podSecurityPolicies": _Relation(
        _everywhere("PodSecurityPolicy"), None, "all PodSecurityPolicies of the workspace"
    ),
    "admissionPolicies": _Relation(
        _everywhere(*_WEBHOOKS), None, "all admission webhooks and admission policies of the workspace"
    ),
}  # fmt: skip

NAMES: Final[dict[str, str]] = {name: relation.meaning for name, relation in _RELATIONS.items()}
"""The relations that controls can ask for, and what each leads to; of an object it makes no sense for, nowhere."""


def variable(name: str) -> str:
    """What a relation is called among CEL's values; chains have dots."""
    return name.replace(".", "_")


def unknown(name: str) -> str:
    """The first step of a chain of relations that there is none of; empty where all are known."""
    return next((step for step in name.split(".") if step not in NAMES), "")


def _role(binding: Object) -> tuple[str, str, str]:
    reference = _map(binding.data.get("roleRef"))
    kind = _text(reference.get("kind"))
    return kind, "" if kind == "ClusterRole" else binding.namespace, _text(reference.get("name"))


def _subjects(binding: Object) -> Iterator[tuple[str, str, str]]:
    """(kind, namespace, name) of all that a binding names; only service accounts have a namespace."""
    subjects = binding.data.get("subjects") if binding.id.kind in _BINDINGS else None
    for subject in subjects if isinstance(subjects, list) else ():
        if isinstance(subject, dict):
            kind = _text(subject.get("kind"))
            own = _text(subject.get("namespace")) or binding.namespace
            yield kind, own if kind == "ServiceAccount" else "", _text(subject.get("name"))


def _account(pod: dict[str, Any]) -> str:
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


def _backends(route: Object) -> Iterator[tuple[str, str]]:
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


def _target(autoscaler: Object) -> tuple[str, str, str] | None:
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
