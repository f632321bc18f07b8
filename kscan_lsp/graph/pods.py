"""Which pods an object is about: those that it selects, scales, restricts or stands around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.references import POLICIES, target_of
from kscan_lsp.kubernetes.runtime_labels import names_pods
from kscan_lsp.kubernetes.selectors import labels_of_pods, required, selectors_of, selects_pods_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from kscan_lsp.graph.index import Key, Object


def selected(subject: Object) -> Iterator[Key]:
    """Where to look for the pods that an object selects."""
    for where, selector in selectors_of(subject.id, subject.data):
        yield key_of("pods", where, *required(selector))


def selects(selecting: Object, workload: Object) -> bool:
    """Whether an object selects the pods of a workload."""
    wanted = [
        selector
        for where, selector in selectors_of(selecting.id, selecting.data)
        if where in {"*", workload.namespace}
    ]
    return any(
        selects_pods_of(selector, workload.id, labels_of_pods(workload.data, template, workload.namespace))
        for template in (workload.templates if wanted else ())
        for selector in wanted
    )


def labels_asked(subject: Object) -> Hashable:
    """What `selects` reads of a workload: equal only where the same objects select its pods."""
    if not subject.templates:
        return subject.id.kind
    labels = [
        tuple(labels_of_pods(subject.data, template, subject.namespace).items())
        for template in subject.templates
    ]
    name = subject.id.name if names_pods(subject.id.kind) else ""
    return subject.id.kind, name, subject.namespace, tuple(labels)


def selection_of(subject: Object) -> Hashable:
    """What `selects` and `runs` read of an object that selects pods."""
    return subject.id.kind, repr([*selectors_of(subject.id, subject.data)])


def selectors(kind: str) -> Callable[[Object], Iterator[Key]]:
    """Where to look for what selects the pods of a workload."""

    def look(subject: Object) -> Iterator[Key]:
        for template in subject.templates:
            labels = labels_of_pods(subject.data, template, subject.namespace)
            for where in (subject.namespace, "*"):
                yield key_of("selector", kind, where)
                for pair in labels.items():
                    yield key_of("selector", kind, where, *pair)

    return look


def workloads(subject: Object) -> Iterator[Key]:
    """Where to look for the workloads whose pods an object selects, scales, is used by, or has in it."""
    kind = subject.id.kind
    if kind in ("ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim"):
        yield key_of("uses", kind, subject.namespace, subject.id.name)
    elif kind == "Namespace":
        yield key_of("pods", subject.id.name)
    elif kind == "HorizontalPodAutoscaler":
        if target := target_of(subject):
            yield key_of("object", *target)
    else:
        yield from selected(subject)


def runs(subject: Object, workload: Object) -> bool:
    """Whether a workload is really meant: labels are looked up by one of them only."""
    if not workload.templates:  # an autoscaler can scale custom kinds that we know nothing of
        return subject.id.kind == "HorizontalPodAutoscaler"
    direct = ("ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "Namespace")
    return subject.id.kind in (*direct, "HorizontalPodAutoscaler") or selects(subject, workload)


def policies(subject: Object) -> Iterator[Key]:
    """Where to look for the network policies that select the pods of a workload, or hold in a namespace."""
    if subject.id.kind == "Namespace":
        for kind in POLICIES:
            yield key_of("kind", kind, subject.id.name)
        yield key_of("kind", "CiliumClusterwideNetworkPolicy")
        yield key_of("kind", "GlobalNetworkPolicy")
    else:
        yield from selectors("NetworkPolicy")(subject)


def policy_holds(subject: Object, policy: Object) -> bool:
    """Whether a policy that was found there is really meant."""
    return subject.id.kind == "Namespace" or selects(policy, subject)
