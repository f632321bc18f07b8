"""Who selects, binds, mounts and routes to whom.

A relation is a question that looks under a few keys of the index and keeps what really holds. The keys are the
decision behind this room: what a finding depends on is known without evaluating it (`Bound.dependencies`).

Left out on purpose: what of this is a security problem (controls), and when to follow them (`workspace/project.py`).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp.graph import pods, roles
from kscan_lsp.graph.builtin import find_builtin
from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.references import (
    BINDINGS,
    account_of,
    backends_of,
    labels_of,
    role_of,
    spec_of,
    subjects_of,
)
from kscan_lsp.kubernetes.runtime_labels import may_run
from kscan_lsp.kubernetes.selectors import matches, selectors_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from kscan_lsp.graph.index import Index, Key, Object


class Link(NamedTuple):
    """An object that a relation leads to, and those that a chain of relations passed on the way."""

    object: Object
    via: tuple[Object, ...] = ()


class Bound(NamedTuple):
    """The relations of one object: what each leads to, and the keys that decided it."""

    links: tuple[Mapping[str, tuple[Link, ...]], ...]
    """For each of its pod templates, as if it had no other; once for an object without any."""
    dependencies: frozenset[Key]


def bind(subject: Object, names: Collection[str], index: Index) -> Bound:
    """Follow relations from an object.

    Args:
        subject: where they start.
        names: of `NAMES`; one with dots is a chain, each relation followed from what the one before leads to.
        index: the workspace.
    """
    dependencies: set[Key] = set()
    subjects = [subject]
    if len(subject.templates) > 1:
        subjects = [replace(subject, templates=(one,)) for one in subject.templates]
    links = tuple([_linked(one, names, index, dependencies) for one in subjects])
    return Bound(links, frozenset(dependencies))


def _linked(
    subject: Object, names: Collection[str], index: Index, dependencies: set[Key]
) -> dict[str, tuple[Link, ...]]:
    ends: dict[str, tuple[Link, ...]] = {"": (Link(subject),)}
    for name in sorted(names):
        so_far = ""
        for step in name.split("."):
            start, so_far = so_far, f"{so_far}.{step}" if so_far else step
            if so_far not in ends:
                ends[so_far] = tuple(
                    Link(found, (*link.via, link.object) if start else ())
                    for link in ends[start]
                    for found in _follow(step, link.object, index, dependencies)
                )
    return {name: ends[name] for name in names}


def _follow(name: str, subject: Object, index: Index, dependencies: set[Key]) -> Iterator[Object]:
    seen: set[Object] = set()
    relation = _RELATIONS[name]
    for start in _reached(relation.before, [subject], index, dependencies):
        ends = [*_step(relation, start, index, dependencies)]
        # the rules that a role of every cluster takes from others of them are among its own
        has_all = relation.after == "members" and any(not end.file for end in ends)
        for found in _reached(relation.after, ends, index, dependencies):
            if found not in seen and (found.file or not has_all or found in ends):
                seen.add(found)
                yield found


def _step(relation: _Relation, subject: Object, index: Index, dependencies: set[Key]) -> Iterator[Object]:
    for key in relation.look(subject):
        dependencies.add(key)
        declared = index.find(key)
        for found in chain(declared, find_builtin(key, index)) if relation.builtin else declared:
            if relation.holds is None or relation.holds(subject, found):
                yield found


def _reached(name: str, starts: Iterable[Object], index: Index, dependencies: set[Key]) -> Iterator[Object]:
    """Some objects, and all that a relation leads to from them in any number of steps; none where it has no name."""
    if not name:
        yield from starts
        return
    waiting = [*starts]
    seen: set[Object] = set()
    for one in waiting:  # which grows on the way
        if one not in seen:
            seen.add(one)
            yield one
            waiting += _step(_RELATIONS[name], one, index, dependencies)


_WEBHOOKS: Final = (
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)


def _accounts(subject: Object) -> Iterator[Key]:
    if subject.templates:
        for pod in subject.pods:
            yield key_of("object", "ServiceAccount", subject.namespace, account_of(pod))
    elif subject.id.kind == "Namespace":
        yield key_of("kind", "ServiceAccount", subject.id.name)
    else:
        for kind, namespace, name in subjects_of(subject):
            if kind == "ServiceAccount":
                yield key_of("object", kind, namespace, name)


def _referenced(kind: str) -> Callable[[Object], Iterator[Key]]:
    def look(subject: Object) -> Iterator[Key]:
        start = key_of("uses", kind, "")
        for key in subject.keys:  # what it uses is what it is found under by those who are used
            if key.startswith(start):
                yield key_of("object", kind, key.removeprefix(start))

    return look


def _volumes(subject: Object) -> Iterator[Key]:
    if subject.id.kind == "PersistentVolumeClaim":
        spec = spec_of(subject)
        if isinstance(name := spec.get("volumeName"), str) and name:
            yield key_of("object", "PersistentVolume", "", name)
            return
        yield key_of("reserved", subject.namespace, subject.id.name)
        if isinstance(storage := spec.get("storageClassName"), str):
            yield key_of("class", storage)


def _backs(claim: Object, volume: Object) -> bool:
    """Whether a volume that was found for a claim can be bound to it (core/v1 PersistentVolumeClaimSpec)."""
    wanted = spec_of(claim)
    modes, offered = wanted.get("accessModes"), spec_of(volume).get("accessModes")
    if isinstance(modes, list) and isinstance(offered, list) and any(mode not in offered for mode in modes):
        return False
    selector = wanted.get("selector")
    return not isinstance(selector, dict) or matches(selector, labels_of(volume))


def _autoscalers(subject: Object) -> Iterator[Key]:
    yield key_of("scales", subject.id.kind, subject.namespace, subject.id.name)


def _everywhere(*kinds: str) -> Callable[[Object], Iterator[Key]]:
    return lambda _: (key_of("kind", kind) for kind in kinds)


class _Relation(NamedTuple):
    """Where to look for the objects a relation leads to, and which of those found there it means."""

    look: Callable[[Object], Iterable[Key]]
    holds: Callable[[Object, Object], bool] | None = None
    meaning: str = ""
    before: str = ""
    """A relation that is followed first, any number of times: the look is from all that it leads to."""
    after: str = ""
    """A relation that is followed then, any number of times, from what was found."""
    builtin: bool = False
    """Whether it leads to what every cluster has, too."""


_RELATIONS: Final[dict[str, _Relation]] = {
    "workloads": _Relation(
        pods.workloads,
        pods.runs,
        "the workloads that a Service, NetworkPolicy or PodDisruptionBudget selects, that a HorizontalPodAutoscaler "
        "scales, that use a ServiceAccount, ConfigMap, Secret or PersistentVolumeClaim, or that run in a Namespace",
    ),
    "networkPolicies": _Relation(
        pods.policies,
        pods.policy_holds,
        "the NetworkPolicies, Cilium's and Calico's included, that select a workload's pods or stand in a Namespace",
    ),
    "services": _Relation(
        lambda s: (*pods.selectors("Service")(s), *(key_of("object", "Service", *b) for b in backends_of(s))),
        lambda s, found: not s.templates or pods.selects(found, s),
        "the Services that select a workload's pods, or that an Ingress or a Gateway API route leads to",
    ),
    "customOwners": _Relation(
        lambda s: (key_of("custom", s.namespace),) if s.id.kind == "Service" else (),
        lambda s, found: any(may_run(found.id, found.data, x["matchLabels"]) for _, x in selectors_of(s.id, s.data)),
        "the custom objects whose operator may make the pods that a Service selects",
    ),
    "disruptionBudgets": _Relation(
        pods.selectors("PodDisruptionBudget"),
        lambda s, found: pods.selects(found, s),
        "the PodDisruptionBudgets that select a workload's pods",
    ),
    "autoscalers": _Relation(_autoscalers, None, "the HorizontalPodAutoscalers that scale a workload"),
    "routes": _Relation(
        lambda s: (key_of("routes", s.namespace, s.id.name),) if s.id.kind == "Service" else (),
        None,
        "the Ingresses and Gateway API routes that lead to a Service",
    ),
    "attachedRoutes": _Relation(
        lambda s: (key_of("attached", s.namespace, s.id.name),) if s.id.kind == "Gateway" else (),
        None,
        "the Gateway API routes that attach themselves to a Gateway",
    ),
    "serviceAccounts": _Relation(
        _accounts,
        None,
        "the ServiceAccount a workload runs as, those that a binding names, or those of a Namespace",
    ),
    "roleBindings": _Relation(
        roles.bindings,
        roles.names_somebody,
        "the RoleBindings and ClusterRoleBindings that grant a Role or ClusterRole to somebody, or that name a "
        "ServiceAccount or the one a workload runs as, or a group that it is in; for a ClusterRole also those that "
        "grant what aggregates it",
        before="aggregators",
    ),
    "roles": _Relation(
        lambda s: (key_of("object", *role_of(s)),) if s.id.kind in BINDINGS else (),
        None,
        "the Role or ClusterRole that a binding grants, and the ClusterRoles that this one aggregates; those built "
        "into Kubernetes included",
        after="members",
        builtin=True,
    ),
    "members": _Relation(
        roles.members,
        lambda s, found: found is not s and roles.aggregates(s, found),
        "the ClusterRoles that a ClusterRole aggregates, those built into Kubernetes included",
        builtin=True,
    ),
    "aggregators": _Relation(
        roles.aggregators,
        lambda s, found: found is not s and roles.aggregates(found, s),
        "the ClusterRoles that aggregate a ClusterRole, those built into Kubernetes (admin, edit, view) included",
        after="aggregators",
        builtin=True,
    ),
    "actsAs": _Relation(
        roles.acted_as,
        None,
        "the bindings that name a user, group or ServiceAccount that a Role or ClusterRole may impersonate, or get a "
        "token for, by name",
    ),
    "bindableRoles": _Relation(
        roles.bound_by_name,
        None,
        "the roles that a Role or ClusterRole may bind by name, those built into Kubernetes included",
        builtin=True,
    ),
    "configMaps": _Relation(_referenced("ConfigMap"), None, "the ConfigMaps that a workload uses"),
    "secrets": _Relation(_referenced("Secret"), None, "the Secrets that a workload uses"),
    "persistentVolumeClaims": _Relation(
        _referenced("PersistentVolumeClaim"), None, "the PersistentVolumeClaims that a workload mounts"
    ),
    "persistentVolumes": _Relation(
        _volumes,
        _backs,
        "the PersistentVolumes that a PersistentVolumeClaim names, that name it, or that have its storage class",
    ),
    "namespaces": _Relation(
        lambda s: (key_of("object", "Namespace", "", s.namespace),),
        None,
        "the Namespace an object is in",
    ),
    "podSecurityPolicies": _Relation(
        _everywhere("PodSecurityPolicy"), None, "all PodSecurityPolicies of the workspace"
    ),
    "admissionPolicies": _Relation(
        _everywhere(*_WEBHOOKS), None, "all admission webhooks, admission policies and their bindings of the workspace"
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
