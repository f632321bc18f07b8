"""Relations: who they lead to."""

from __future__ import annotations

from datetime import date

import pytest
from support.objects import RULES, listed

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.graph import relations
from kscan_lsp.graph.index import Index
from kscan_lsp.workspace.project import Project, objects_of

TODAY = date(2026, 1, 1)

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: store}
spec:
  template:
    metadata: {labels: {app: shop, tier: web}}
    spec:
      serviceAccountName: shop
      imagePullSecrets: [{name: registry}]
      volumes:
      - name: files
        projected: {sources: [{configMap: {name: files}}, {secret: {name: keys}}]}
      - {name: data, persistentVolumeClaim: {claimName: data}}
      containers:
      - name: shop
        image: shop:1
        envFrom: [{configMapRef: {name: settings}}]
        env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: t}}}]
"""


def led_to(name: str, subject: str, *others: str) -> list[str]:
    """The names of the objects that a relation leads to from the first object of a manifest."""
    index = Index()
    for file, text in {
        "subject.yaml": subject,
        **{f"{n}.yaml": text for n, text in enumerate(others)},
    }.items():
        index, _ = index.with_file(file, objects_of(file, text, RULES))
    bound = relations.bind(index.files["subject.yaml"][0], [name], index)
    return [f"{link.object.id.kind}/{link.object.id.name}" for link in bound.links[name]]


NETWORKING = "networking.k8s.io/v1"


@pytest.mark.parametrize(
    ("rest", "selected"),
    [
        ("spec: {podSelector: {}}", True),
        ("spec: {}", True),
        ("spec: {podSelector: {matchLabels: {app: shop}}}", True),
        ("spec: {podSelector: {matchLabels: {app: shop, tier: web}}}", True),
        ("spec: {podSelector: {matchLabels: {app: shop, tier: db}}}", False),
        ("spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [shop]}]}}", True),
        ("spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [a, shop]}]}}", True),
        ("spec: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [shop]}]}}", False),
        ("spec: {podSelector: {matchExpressions: [{key: zone, operator: DoesNotExist}]}}", True),
        ("spec: {podSelector: {matchExpressions: [{key: zone, operator: Exists}]}}", False),
        ("spec: {podSelector: {matchExpressions: nonsense}}", False),
        ("spec: {podSelector: nonsense}", False),
    ],
)
def test_network_policies_select_pods(rest: str, selected: bool) -> None:
    policy = listed("NetworkPolicy", "one", api=NETWORKING, rest=rest)
    assert led_to("networkPolicies", DEPLOYMENT, policy) == (["NetworkPolicy/one"] if selected else [])
    assert led_to("workloads", policy, DEPLOYMENT) == (["Deployment/shop"] if selected else [])
    elsewhere = policy.replace("namespace: store", "namespace: other")
    assert led_to("networkPolicies", DEPLOYMENT, elsewhere) == []


@pytest.mark.parametrize(
    ("kind", "rest", "selected"),
    [
        ("CiliumNetworkPolicy", "spec: {endpointSelector: {}}", True),
        ("CiliumNetworkPolicy", "specs: [{endpointSelector: {matchLabels: {'k8s:app': shop}}}]", True),
        ("CiliumNetworkPolicy", "spec: {endpointSelector: {matchLabels: {app: other}}}", False),
        ("CiliumClusterwideNetworkPolicy", "spec: {endpointSelector: {matchLabels: {any:app: shop}}}", True),
        (
            "CiliumClusterwideNetworkPolicy",
            "spec: {endpointSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': store}}}",
            True,
        ),
        ("CiliumClusterwideNetworkPolicy", "spec: {nodeSelector: {}}", False),
    ],
)
def test_policies_of_cilium(kind: str, rest: str, selected: bool) -> None:
    policy = listed(kind, "one", api="cilium.io/v2", rest=rest)
    assert led_to("networkPolicies", DEPLOYMENT, policy) == ([f"{kind}/one"] if selected else [])
    assert led_to("workloads", policy, DEPLOYMENT) == (["Deployment/shop"] if selected else [])


def test_services_select_pods_and_get_routes() -> None:
    service = listed("Service", "shop", rest="spec: {selector: {app: shop}}")
    empty = listed("Service", "external", rest="spec: {selector: {}}")
    ingress = listed(
        "Ingress",
        "shop",
        api=NETWORKING,
        rest="spec: {rules: [{http: {paths: [{backend: {service: {name: shop}}}]}}],"
        " defaultBackend: {service: {name: external}}}",
    )
    route = listed(
        "HTTPRoute",
        "shop",
        api="gateway.networking.k8s.io/v1",
        rest="spec: {rules: [{backendRefs: [{name: shop}]}]}",
    )
    assert led_to("services", DEPLOYMENT, service, empty) == ["Service/shop"]
    assert led_to("workloads", service, DEPLOYMENT) == ["Deployment/shop"]
    assert led_to("workloads", empty, DEPLOYMENT) == []
    assert led_to("services", ingress, service, empty) == ["Service/shop", "Service/external"]
    assert led_to("services", route, service, empty) == ["Service/shop"]
    assert led_to("routes", service, ingress, route) == ["Ingress/shop", "HTTPRoute/shop"]


def test_what_a_pod_uses() -> None:
    used = {
        "configMaps": listed("ConfigMap", "files", "settings", "unused"),
        "secrets": listed("Secret", "keys", "token", "registry", "unused"),
        "persistentVolumeClaims": listed("PersistentVolumeClaim", "data", "unused"),
        "serviceAccounts": listed("ServiceAccount", "shop", "default"),
    }
    found = {name: led_to(name, DEPLOYMENT, text) for name, text in used.items()}
    assert found == {
        "configMaps": ["ConfigMap/files", "ConfigMap/settings"],
        "secrets": ["Secret/keys", "Secret/token", "Secret/registry"],
        "persistentVolumeClaims": ["PersistentVolumeClaim/data"],
        "serviceAccounts": ["ServiceAccount/shop"],
    }
    for name in ("files", "settings"):
        assert led_to("workloads", listed("ConfigMap", name), DEPLOYMENT) == ["Deployment/shop"]
    assert led_to("workloads", listed("ConfigMap", "unused"), DEPLOYMENT) == []


BINDING = listed(
    "RoleBinding",
    "shop",
    api="rbac.authorization.k8s.io/v1",
    rest="roleRef: {kind: ROLE, name: reader}\nsubjects: [{kind: ServiceAccount, name: shop}]",
)


def test_from_a_workload_to_its_role() -> None:
    role = listed("Role", "reader", api="rbac.authorization.k8s.io/v1")
    cluster_role = listed("ClusterRole", "reader", api="rbac.authorization.k8s.io/v1")
    bound = BINDING.replace("ROLE", "Role")
    assert led_to("roleBindings", DEPLOYMENT, bound) == ["RoleBinding/shop"]
    assert led_to("roleBindings.roles", DEPLOYMENT, bound, role, cluster_role) == ["Role/reader"]
    bound = BINDING.replace("ROLE", "ClusterRole")
    assert led_to("roleBindings.roles", DEPLOYMENT, bound, role, cluster_role) == ["ClusterRole/reader"]
    assert led_to("roleBindings", cluster_role, bound) == ["RoleBinding/shop"]
    assert led_to("roleBindings", listed("ServiceAccount", "shop"), bound) == ["RoleBinding/shop"]
    assert led_to("serviceAccounts", bound, listed("ServiceAccount", "shop", "other")) == [
        "ServiceAccount/shop"
    ]


@pytest.mark.parametrize("bindings", [20, 21, 33])
def test_places_that_are_left_out_are_counted(bindings: int) -> None:
    api = "rbac.authorization.k8s.io/v1"
    reading = "rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]"
    granting = "roleRef: {kind: Role, name: read}\nsubjects: [{kind: User, name: jane}]"
    project = Project(Evaluator(RULES, Evidence(TODAY))).with_file(
        "role.yaml", listed("Role", "read", api=api, rest=reading)
    )
    names = [f"b{n}" for n in range(bindings)]
    project = project.with_file("b.yaml", listed("RoleBinding", *names, api=api, rest=granting))
    found = [f for _, f in project.files["role.yaml"].findings() if f.control == "C-0015"]
    (messages,) = [[place.message for place in finding.related] for finding in found]
    left = f"; {bindings - 20} more like this are not shown" if bindings > 20 else ""
    assert messages == ["granted to these subjects"] * 19 + [f"granted to these subjects{left}"]


def test_autoscalers_and_budgets() -> None:
    scaler = listed(
        "HorizontalPodAutoscaler",
        "shop",
        api="autoscaling/v2",
        rest="spec: {scaleTargetRef: {kind: Deployment, name: shop}}",
    )
    budget = listed(
        "PodDisruptionBudget", "shop", api="policy/v1", rest="spec: {selector: {matchLabels: {tier: web}}}"
    )
    assert led_to("autoscalers", DEPLOYMENT, scaler) == ["HorizontalPodAutoscaler/shop"]
    assert led_to("workloads", scaler, DEPLOYMENT) == ["Deployment/shop"]
    assert led_to("disruptionBudgets", DEPLOYMENT, budget) == ["PodDisruptionBudget/shop"]
