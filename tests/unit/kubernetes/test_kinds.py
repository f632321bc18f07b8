"""Kinds that are nearly one."""

import pytest

from kscan_lsp.kubernetes.kinds import CLUSTER_SCOPED_KINDS, GROUPS, meant_kind


@pytest.mark.parametrize(
    ("api_version", "kind", "meant"),
    [
        ("v1", "pod", "v1 Pod"),
        ("v1", "Pod ", "v1 Pod"),
        ("v1", "P\u200bod", "v1 Pod"),
        ("v1", "\u0420\u043ed", "v1 Pod"),  # Cyrillic
        ("apps/v1", "Deploymnet", "apps/v1 Deployment"),
        ("apps/v1", "deployments", "apps/v1 Deployment"),
        ("networking.k8s.io/v1", "networkpolicies", "networking.k8s.io/v1 NetworkPolicy"),
        ("apps/v1beta9", "Deployment", "apps/v1 Deployment"),
        ("apps/v1beta9", "Deploymnet", "apps/v1 Deployment"),
        ("v1", "Deployment", "apps/v1 Deployment"),
        ("apps/v1", "Pod", "v1 Pod"),
        ("app/v1", "Deployment", "apps/v1 Deployment"),
        ("networking.k8s.oi/v1", "Ingress", "networking.k8s.io/v1 Ingress"),
        ("policy/v1", "NetworkPolicy", "networking.k8s.io/v1 NetworkPolicy"),
        ("", "Pod", "v1 Pod"),
    ],
)
def test_what_is_nearly_a_kind_is_told(api_version: str, kind: str, meant: str) -> None:
    assert meant_kind(api_version, kind) == meant


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("argoproj.io/v1alpha1", "Workflow"),
        ("serving.knative.dev/v1", "Service"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
        ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
        ("networking.istio.io/v1", "Gateway"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
        ("metrics.k8s.io/v1beta1", "PodMetrics"),
        ("v1", "PersistentVolumeClaimList"),
        ("v1", "Whatever"),
        ("extensions/v1beta1", "Ingress"),
    ],
)
def test_what_others_may_have_defined_is_left_alone(api_version: str, kind: str) -> None:
    assert meant_kind(api_version, kind) == ""


def test_every_kind_of_kubernetes_is_known() -> None:
    served = [(g, v, k) for g, known in GROUPS.items() for v in known.versions for k in known.kinds]
    assert len(served) > 150
    assert not [one for one in served if meant_kind(f"{one[0]}/{one[1]}".lstrip("/"), one[2])]
    assert {"Namespace", "ClusterRole"} <= CLUSTER_SCOPED_KINDS
    assert "Role" not in CLUSTER_SCOPED_KINDS
