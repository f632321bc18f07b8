"""Label selectors: which pods a Service, a policy or a budget is about.

Every kind that selects pods says so in its own place and with its own reading of "empty" and "absent". Here they all
become one thing: pairs of a namespace ("*" for all) and a LabelSelector.

Sources: core/v1 ServiceSpec, networking.k8s.io/v1 NetworkPolicySpec, policy/v1 PodDisruptionBudgetSpec, Cilium's
documentation of endpoint selectors, Calico's of policies, and Kubernetes' list of well-known labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kscan_lsp.kubernetes import calico
from kscan_lsp.kubernetes.labels import selects
from kscan_lsp.kubernetes.network_policies import CALICO
from kscan_lsp.kubernetes.pod_templates import labels_of
from kscan_lsp.kubernetes.runtime_labels import is_runtime_label, sets_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.kubernetes.pod_templates import PodTemplate

Selector: TypeAlias = dict[str, Any]
"""A LabelSelector: `matchLabels` and `matchExpressions`. Nothing in it selects everything. Or Calico's: `calico`, and
`namespaces` for where, both in Calico's own notation."""

CLUSTER_SCOPED: Final = frozenset(
    {"CiliumClusterwideNetworkPolicy", "ClusterRole", "ClusterRoleBinding", "GatewayClass", "GlobalNetworkPolicy",
     "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
     "Namespace", "Node", "PersistentVolume", "PodSecurityPolicy", "PriorityClass", "StorageClass",
     "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"}
)  # fmt: skip
"""Kinds without a namespace, as far as relations meet them."""

_NAMESPACE_LABEL: Final = "io.kubernetes.pod.namespace"
"""The label that Cilium gives every pod."""


def namespace_of(who: ResourceId) -> str:
    """The namespace of an object: `default` where the manifest is silent, empty for what has none."""
    if who.kind in CLUSTER_SCOPED:
        return ""
    return who.namespace or "default"


def labels_of_pods(data: dict[str, Any], template: PodTemplate, namespace: str) -> dict[str, str]:
    """The labels of the pods that a template of a workload makes, Cilium's label for the namespace included."""
    return {**labels_of(data, template), _NAMESPACE_LABEL: namespace}


def selectors_of(who: ResourceId, data: dict[str, Any]) -> Iterator[tuple[str, Selector]]:
    """What an object selects: namespace ("*" for all) and selector; nothing for kinds that select no pods."""
    spec = data.get("spec")
    if spec is not None and not isinstance(spec, dict):
        return
    spec = spec or {}
    where = namespace_of(who) or "*"
    match who.kind:
        case "Service" if not who.group:
            selector = spec.get("selector")
            if (
                isinstance(selector, dict) and selector
            ):  # without one, something else looks after its endpoints
                yield where, {"matchLabels": selector}
        case "NetworkPolicy" | "GlobalNetworkPolicy" if who.group in CALICO:
            selector, namespaces = spec.get("selector", ""), spec.get("namespaceSelector", "")
            if (
                isinstance(selector, str)
                and isinstance(namespaces, str)
                and not spec.get("serviceAccountSelector")
            ):
                yield where, {"calico": selector, "namespaces": namespaces}
        case "NetworkPolicy" if who.group in {"networking.k8s.io", "extensions"}:
            selector = spec.get("podSelector")
            if selector is None or isinstance(selector, dict):
                yield where, selector or {}
        case "PodDisruptionBudget":
            selector = spec.get("selector")
            if isinstance(selector, dict) and (selector or not who.api_version.endswith("/v1beta1")):
                yield where, selector
        case "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy":
            specs = data.get("specs")
            for one in (spec, *(specs if isinstance(specs, list) else ())):
                selector = one.get("endpointSelector") if isinstance(one, dict) else None
                if isinstance(selector, dict):
                    yield where, _without_sources(selector)


def matches(selector: Selector, labels: dict[str, str]) -> bool:
    """Whether a selector selects pods with these labels; one that Kubernetes refuses selects nothing."""
    try:
        return _selects_as_calico(selector, labels) if "calico" in selector else selects(selector, labels)
    except ValueError:
        return False


def selects_pods_of(selector: Selector, who: ResourceId, labels: dict[str, str]) -> bool:
    """Whether a selector selects pods of a workload: those with its labels, and with some that its controller sets."""
    if matches(selector, labels):
        return True
    wanted = {name: values[0] for name, values in _wanted(selector) if len(values) == 1}
    added = {name: value for name, value in wanted.items() if sets_label(who, name, value)}
    return bool(added) and matches(selector, {**labels, **added})


def _selects_as_calico(selector: Selector, labels: dict[str, str]) -> bool:
    """Calico gives pods and namespaces labels of its own; of a namespace nothing else is known here than its name."""
    namespace = labels.get(_NAMESPACE_LABEL, "")
    pod = {**labels, "projectcalico.org/namespace": namespace, "projectcalico.org/orchestrator": "k8s"}
    there = {"projectcalico.org/name": namespace, "kubernetes.io/metadata.name": namespace}
    return calico.selects(selector["calico"], pod) and calico.selects(selector["namespaces"], there)


def required(selector: Selector) -> tuple[str, str] | tuple[()]:
    """A label that all selected pods have by their manifest; empty where none is surely required."""
    found = ((name, values[0]) for name, values in _wanted(selector) if len(values) == 1)
    return min((pair for pair in found if not is_runtime_label(pair[0])), default=())


def _wanted(selector: Selector) -> Iterator[tuple[str, list[str]]]:
    """The labels that a selector asks for, with the values that it takes."""
    pairs, rules = selector.get("matchLabels"), selector.get("matchExpressions")
    for name, value in pairs.items() if isinstance(pairs, dict) else ():
        if isinstance(value, str):
            yield name, [value]
    for rule in rules if isinstance(rules, list) else ():
        values = rule.get("values") if isinstance(rule, dict) else None
        if isinstance(values, list) and rule.get("operator") == "In":
            yield str(rule.get("key")), [str(value) for value in values]


def _without_sources(selector: Selector) -> Selector:
    """A selector of Cilium's with plain label keys: `k8s:app` and `any:app` say where a label comes from."""
    pairs, rules = selector.get("matchLabels"), selector.get("matchExpressions")
    plain = dict(selector)
    if isinstance(pairs, dict):
        plain["matchLabels"] = {_plain(key): value for key, value in pairs.items()}
    if isinstance(rules, list):
        plain["matchExpressions"] = [
            {**rule, "key": _plain(rule.get("key"))} if isinstance(rule, dict) else rule for rule in rules
        ]
    return plain


def _plain(key: object) -> object:
    return key.removeprefix("k8s:").removeprefix("any:") if isinstance(key, str) else key
