"""Labels that no manifest gives a pod, because the controller that makes the pod does.

A selector that asks for one is right, and a workload whose controller sets it is what it means. And there are pods that
no manifest describes at all: those that an operator makes for a custom object.

Sources: Kubernetes, "Well-Known Labels, Annotations and Taints", and the controllers of batch/v1 and apps/v1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kscan_lsp.findings import ResourceId

_JOBS: Final = frozenset({"Job", "CronJob"})
_BY_CONTROLLER: Final[dict[str, tuple[frozenset[str], str]]] = {
    "statefulset.kubernetes.io/pod-name": (frozenset({"StatefulSet"}), r"{name}-\d+"),
    "apps.kubernetes.io/pod-index": (frozenset({"StatefulSet"}), r"\d+"),
    "batch.kubernetes.io/job-completion-index": (_JOBS, r"\d+"),
    "batch.kubernetes.io/job-name": (_JOBS, r"{name}(-\w+)?"),
    "job-name": (_JOBS, r"{name}(-\w+)?"),
    "batch.kubernetes.io/controller-uid": (_JOBS, ".*"),
    "controller-uid": (_JOBS, ".*"),
    "controller-revision-hash": (frozenset({"StatefulSet", "DaemonSet"}), ".*"),
    "pod-template-generation": (frozenset({"DaemonSet"}), ".*"),
    "pod-template-hash": (frozenset({"Deployment", "ReplicaSet"}), ".*"),
    "rollouts-pod-template-hash": (frozenset({"Rollout"}), ".*"),
}
"""By label, the kinds whose controllers set it, and the values that they give."""


def is_runtime_label(name: str) -> bool:
    """Whether a controller sets a label."""
    return name in _BY_CONTROLLER


def names_pods(kind: str) -> bool:
    """Whether a controller of workloads of a kind sets labels that have the workload's name in them."""
    return any(kind in kinds and "{name}" in values for kinds, values in _BY_CONTROLLER.values())


def sets_label(who: ResourceId, name: str, value: str) -> bool:
    """Whether the controller of a workload gives some of its pods this label."""
    kinds, values = _BY_CONTROLLER.get(name, (frozenset(), ""))
    return who.kind in kinds and re.fullmatch(values.format(name=re.escape(who.name)), value) is not None


_NO_PODS: Final = frozenset(
    {"cert-manager.io", "cilium.io", "constraints.gatekeeper.sh", "containo.us", "external-secrets.io",
     "getambassador.io", "istio.io", "keda.sh", "konghq.com", "kyverno.io", "linkerd.io",
     "monitoring.coreos.com", "projectcalico.org", "projectcontour.io", "templates.gatekeeper.sh", "traefik.io"}
)  # fmt: skip
"""API groups of custom objects that no pods are made for, but for the kinds below."""
_PODS: Final = frozenset({"Alertmanager", "Prometheus", "PrometheusAgent", "ThanosRuler"})


def may_run_pods(who: ResourceId) -> bool:
    """Whether somebody may make pods for an object that Kubernetes itself knows nothing of."""
    if "." not in who.group or who.group.endswith(".k8s.io"):
        return False
    parts = who.group.split(".")
    return who.kind in _PODS or not any(".".join(parts[n:]) in _NO_PODS for n in range(len(parts)))


def may_run(who: ResourceId, data: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether pods that an operator makes for a custom object may have the labels wanted.

    They may where the object has a pod template with these labels, where one of the labels names the object, and where
    one is of the operator's own domain (`cnpg.io/cluster` of an object of `postgresql.cnpg.io`).
    """
    here: Any = data
    for part in ("spec", "template", "metadata", "labels"):
        here = here.get(part) if isinstance(here, dict) else None
    if isinstance(here, dict) and wanted.items() <= here.items():
        return True
    domains = [name.partition("/")[0] for name in wanted if "/" in name]
    return who.name in wanted.values() or any(f".{who.group}".endswith(f".{domain}") for domain in domains)
