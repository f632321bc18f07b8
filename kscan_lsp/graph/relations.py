"""Who selects, binds, mounts and routes to whom.

A relation is a question that looks under a few keys of the index and keeps what really holds. The keys are the
decision behind this room: what a finding depends on is known without evaluating it (`binding.Bound`).

Left out on purpose: following relations (`following.py`), and what of this is a security problem (controls).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.graph import claims, pods, roles, spaces
from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.references import (
    BINDINGS,
    account_of,
    aggregated_by,
    backends_of,
    labels_of,
    owners_of,
    role_of,
    spec_of,
    subjects_of,
)
from kscan_lsp.kubernetes.runtime_labels import may_run
from kscan_lsp.kubernetes.selectors import matches, selectors_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from kscan_lsp.graph.index import Key, Object


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


class Relation(Struct, frozen=True):
    """Where to look for the objects a relation leads to, and which of those found there it means."""

    look: Callable[[Object], Iterable[Key]]
    holds: Callable[[Object, Object], bool] | None = None
    meaning: str = ""
    reads: Callable[[Object], Hashable] | None = None
    """What `holds` and `made` read of the object that it starts from, besides where it looks; None where that may be
    anything."""
    alike: Callable[[Object], Hashable] | None = None
    """What `holds` reads of an object that was found there; None where that may be anything."""
    sort: Callable[[Object], Hashable] | None = None
    """What tells those apart that it leads to, of which any would do: of each sort, the first few are meant."""
    others: bool = False
    """Whether it never leads to the object that it starts from."""
    before: str = ""
    """A relation that is followed first, any number of times: the look is from all that it leads to."""
    after: str = ""
    """A relation that is followed then, any number of times, from what was found."""
    builtin: bool = False
    """Whether it leads to what every cluster has, too."""
    made: Callable[[Object], Iterable[Object]] = lambda _: ()
    """What it leads to that no file declares, unless one does."""


RELATIONS: Final[dict[str, Relation]] = {
    "workloads": Relation(
        pods.workloads,
        pods.runs,
        "the workloads that a Service, NetworkPolicy or PodDisruptionBudget selects, that a HorizontalPodAutoscaler "
        "scales, that use a ServiceAccount, ConfigMap, Secret or PersistentVolumeClaim, or that run in a Namespace",
        reads=pods.selection_of,
        alike=pods.labels_asked,
    ),
    "networkPolicies": Relation(
        pods.policies,
        pods.policy_holds,
        "the NetworkPolicies, Cilium's and Calico's included, that select a workload's pods or stand in a Namespace",
        reads=pods.labels_asked,
        alike=pods.selection_of,
    ),
    "services": Relation(
        lambda s: (*pods.selectors("Service")(s), *(key_of("object", "Service", *b) for b in backends_of(s))),
        lambda s, found: not s.templates or pods.selects(found, s),
        "the Services that select a workload's pods, or that an Ingress or a Gateway API route leads to",
        reads=pods.labels_asked,
        alike=pods.selection_of,
    ),
    "customOwners": Relation(
        lambda s: (key_of("custom", s.namespace),) if s.id.kind == "Service" else (),
        lambda s, found: any(may_run(found.id, found.data, x["matchLabels"]) for _, x in selectors_of(s.id, s.data)),
        "the custom objects whose operator may make the pods that a Service selects",
        reads=pods.selection_of,
    ),
    "disruptionBudgets": Relation(
        pods.selectors("PodDisruptionBudget"),
        lambda s, found: pods.selects(found, s),
        "the PodDisruptionBudgets that select a workload's pods",
        reads=pods.labels_asked,
        alike=pods.selection_of,
    ),
    "autoscalers": Relation(_autoscalers, None, "the HorizontalPodAutoscalers that scale a workload"),
    "routes": Relation(
        lambda s: (key_of("routes", s.namespace, s.id.name),) if s.id.kind == "Service" else (),
        None,
        "the Ingresses and Gateway API routes that lead to a Service",
    ),
    "attachedRoutes": Relation(
        lambda s: (key_of("attached", s.namespace, s.id.name),) if s.id.kind == "Gateway" else (),
        None,
        "the Gateway API routes that attach themselves to a Gateway",
    ),
    "serviceAccounts": Relation(
        _accounts,
        None,
        "the ServiceAccount a workload runs as, those that a binding names, or those of a Namespace",
    ),
    "roleBindings": Relation(
        roles.bindings,
        lambda _, found: roles.names_somebody(found),
        "the RoleBindings and ClusterRoleBindings that grant a Role or ClusterRole to somebody, or that name a "
        "ServiceAccount or the one a workload runs as, or a group that it is in; for a ClusterRole also those that "
        "grant what aggregates it",
        before="aggregators",
        reads=lambda _: None,
        alike=roles.names_somebody,
    ),
    "roles": Relation(
        lambda s: (key_of("object", *role_of(s)),) if s.id.kind in BINDINGS else (),
        None,
        "the Role or ClusterRole that a binding grants, and the ClusterRoles that this one aggregates; those built "
        "into Kubernetes included",
        after="members",
        builtin=True,
    ),
    "members": Relation(
        roles.members,
        roles.aggregates,
        "the ClusterRoles that a ClusterRole aggregates, those built into Kubernetes included",
        alike=lambda found: tuple(sorted(labels_of(found).items())),
        others=True,
        builtin=True,
    ),
    "aggregators": Relation(
        roles.aggregators,
        lambda s, found: roles.aggregates(found, s),
        "the ClusterRoles that aggregate a ClusterRole, those built into Kubernetes (admin, edit, view) included",
        alike=lambda found: repr(aggregated_by(found)),
        others=True,
        after="aggregators",
        builtin=True,
    ),
    "actsAs": Relation(
        roles.acted_as,
        None,
        "the bindings that name a user, group or ServiceAccount that a Role or ClusterRole may impersonate, or get a "
        "token for, by name",
    ),
    "bindableRoles": Relation(
        roles.bound_by_name,
        None,
        "the roles that a Role or ClusterRole may bind by name, those built into Kubernetes included",
        builtin=True,
    ),
    "configMaps": Relation(_referenced("ConfigMap"), None, "the ConfigMaps that a workload uses"),
    "secrets": Relation(_referenced("Secret"), None, "the Secrets that a workload uses"),
    "persistentVolumeClaims": Relation(
        _referenced("PersistentVolumeClaim"),
        None,
        "the PersistentVolumeClaims that a workload mounts; those that are made for the pods of a StatefulSet, or for "
        "ephemeral volumes, included",
        made=claims.made_by,
    ),
    "persistentVolumes": Relation(
        _volumes,
        _backs,
        "the PersistentVolumes that a PersistentVolumeClaim names, that name it, or that have its storage class; of "
        "many with one kind of source the first 20",
        reads=lambda s: repr((spec_of(s).get("accessModes"), spec_of(s).get("selector"))),
        alike=lambda found: (repr(spec_of(found).get("accessModes")), tuple(sorted(labels_of(found).items()))),
        sort=lambda found: tuple(sorted(map(str, spec_of(found)))),
    ),
    "namespaces": Relation(
        lambda s: (key_of("object", "Namespace", "", s.namespace),),
        None,
        "the Namespace an object is in",
    ),
    "owners": Relation(
        lambda s: (
            key_of("object", kind, where, name) for kind, name in owners_of(s) for where in (s.namespace, "")
        ),
        None,
        "the objects that an object's `ownerReferences` name",
    ),
    "podSecurityPolicies": Relation(
        _everywhere("PodSecurityPolicy"), None, "all PodSecurityPolicies of the workspace"
    ),
    "admissionPolicies": Relation(
        _everywhere(*_WEBHOOKS), None, "all admission webhooks, admission policies and their bindings of the workspace"
    ),
    "undeclared": Relation(
        spaces.declarations, lambda _, __: False, reads=lambda _: None, alike=lambda _: None, made=spaces.undeclared
    ),
    "naming": Relation(spaces.naming, sort=lambda _: None),
}  # fmt: skip


NAMES: Final[dict[str, str]] = {name: one.meaning for name, one in RELATIONS.items() if one.meaning}
"""The relations that controls can ask for, and what each leads to; of an object it makes no sense for, nowhere."""

OF_A_KIND: Final[dict[str, str]] = {
    "namespace:KIND": "all objects of a kind, such as `namespace:ResourceQuota`, that stand in the namespace of an "
    "object, or in the Namespace that it is",
    "all:KIND": "all objects of a kind in the workspace, such as `all:ExternalSecret`; an expression tells by names, "
    "labels (`selects`) or fields which of them are meant",
    "owned:KIND": "the objects of a kind in the same namespace whose `ownerReferences` name an object",
}
"""Relations to objects of any kind: how they are written, and what they lead to."""

_OF_A_KIND: Final = regex(r"(namespace|all|owned):([A-Z][A-Za-z0-9]*)")


@cache
def _of_a_kind(word: str, kind: str) -> Relation:
    if word == "all":
        return Relation(_everywhere(kind), None)

    def beside(subject: Object) -> tuple[Key, ...]:
        inside = subject.id.name if subject.id.kind == "Namespace" else subject.namespace
        return (key_of("kind", kind, inside),)

    if word == "namespace":
        return Relation(beside, None)
    return Relation(
        beside,
        lambda s, found: (s.id.kind, s.id.name) in owners_of(found),
        reads=lambda s: (s.id.kind, s.id.name),
        alike=lambda found: tuple(owners_of(found)),
    )


def relation_of(name: str) -> Relation:
    """A relation by its name.

    Raises:
        KeyError: there is none (`unknown`).
    """
    known = RELATIONS.get(name)
    if known is None:
        found = _OF_A_KIND.fullmatch(name)
        if found is None:
            raise KeyError(name)
        return _of_a_kind(found[1], found[2])
    return known


def variable(name: str) -> str:
    """What a relation is called among CEL's values; chains have dots, those to a kind a colon."""
    return name.replace(".", "_").replace(":", "_")


def unknown(name: str) -> str:
    """The first step of a chain of relations that there is none of; empty where all are known."""
    return next((s for s in name.split(".") if s not in NAMES and not _OF_A_KIND.fullmatch(s)), "")
