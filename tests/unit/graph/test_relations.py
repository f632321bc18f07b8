"""Relations: who they lead to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from support.objects import RULES, listed

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.graph import pods
from kscan_lsp.graph.binding import Followed, any_of, bind, leads_nowhere
from kscan_lsp.graph.index import Index, Object
from kscan_lsp.graph.relations import RELATIONS
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from kscan_lsp.graph.following import Link

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
    bound = bind(index.files["subject.yaml"][0], [name], Followed(index))
    return [f"{link.object.id.kind}/{link.object.id.name}" for link in bound.links[0][name]]


def test_who_names_nothing_is_led_nowhere_whatever_there_is() -> None:
    (one,) = objects_of("a.yaml", DEPLOYMENT, RULES)
    (plain,) = objects_of("a.yaml", listed("Deployment", "shop", api="apps/v1"), RULES)
    for name in ("secrets", "configMaps", "persistentVolumeClaims.persistentVolumes"):
        assert not leads_nowhere(one, [name])
        assert leads_nowhere(plain, [name])
    claims = "spec: {volumeClaimTemplates: [{metadata: {name: data}}]}"
    (made,) = objects_of("a.yaml", listed("StatefulSet", "shop", api="apps/v1", rest=claims), RULES)
    assert not leads_nowhere(made, ["persistentVolumeClaims"]), "nobody writes its claims"
    assert not leads_nowhere(plain, ["secrets", "namespaces"])
    assert not leads_nowhere(plain, ["namespace:ResourceQuota"])


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: store}\n"


def one(kind: str, namespace: str, more: str = "") -> str:
    """An object of any kind, called as its namespace."""
    return f"apiVersion: example.org/v1\nkind: {kind}\nmetadata: {{name: {namespace}, namespace: {namespace}{more}}}\n"


@pytest.mark.parametrize("subject", [DEPLOYMENT, NAMESPACE])
def test_a_relation_leads_to_objects_of_any_kind(subject: str) -> None:
    others = [one("ResourceQuota", "store"), one("ResourceQuota", "shop"), one("LimitRange", "store")]
    assert led_to("namespace:ResourceQuota", subject, *others) == ["ResourceQuota/store"]
    assert led_to("all:ResourceQuota", subject, *others) == ["ResourceQuota/store", "ResourceQuota/shop"]
    assert led_to("namespace:Widget", subject, *others) == []


def test_objects_of_any_kind_are_led_to_in_chains() -> None:
    assert led_to(
        "namespaces.namespace:ResourceQuota", DEPLOYMENT, NAMESPACE, one("ResourceQuota", "store")
    ) == ["ResourceQuota/store"]


def test_owners_are_named_by_references() -> None:
    owned = one("Widget", "store", ", ownerReferences: [{kind: Deployment, name: shop}]")
    assert led_to("owners", owned, DEPLOYMENT, one("Deployment", "shop")) == ["Deployment/shop"]
    assert led_to("owned:Widget", DEPLOYMENT, owned, one("Widget", "store"), one("Widget", "shop")) == [
        "Widget/store"
    ]
    assert led_to("owned:Gadget", DEPLOYMENT, owned) == []


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


@pytest.mark.parametrize(
    ("kind", "rest", "selected"),
    [
        ("NetworkPolicy", "spec: {}", True),
        ("NetworkPolicy", "spec: {selector: all()}", True),
        ("NetworkPolicy", "spec: {selector: app == 'shop' && has(tier)}", True),
        ("NetworkPolicy", "spec: {selector: app == 'cart'}", False),
        ("NetworkPolicy", "spec: {selector: nonsense}", False),
        ("NetworkPolicy", "spec: {selector: {app: shop}}", False),
        ("NetworkPolicy", "spec: {serviceAccountSelector: all()}", False),
        ("NetworkPolicy", "spec: {selector: projectcalico.org/namespace == 'store'}", True),
        ("GlobalNetworkPolicy", "spec: {selector: app == 'shop'}", True),
        ("GlobalNetworkPolicy", "spec: {namespaceSelector: projectcalico.org/name == 'store'}", True),
        ("GlobalNetworkPolicy", "spec: {namespaceSelector: projectcalico.org/name == 'other'}", False),
        ("GlobalNetworkPolicy", "spec: {namespaceSelector: global()}", False),
        ("StagedNetworkPolicy", "spec: {}", False),
    ],
)
def test_policies_of_calico(kind: str, rest: str, selected: bool) -> None:
    for group in ("projectcalico.org/v3", "crd.projectcalico.org/v1"):
        policy = listed(kind, "one", api=group, rest=rest)
        assert led_to("networkPolicies", DEPLOYMENT, policy) == ([f"{kind}/one"] if selected else [])
        assert led_to("workloads", policy, DEPLOYMENT) == (["Deployment/shop"] if selected else [])
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: store}\n"
    there = [] if kind == "StagedNetworkPolicy" else [f"{kind}/one"]
    assert led_to("networkPolicies", namespace, policy) == there


@pytest.mark.parametrize(
    ("kind", "selector", "selected"),
    [
        ("StatefulSet", "{app: shop, statefulset.kubernetes.io/pod-name: shop-0}", True),
        ("StatefulSet", "{statefulset.kubernetes.io/pod-name: shop-12}", True),
        ("StatefulSet", "{statefulset.kubernetes.io/pod-name: cart-0}", False),
        ("StatefulSet", "{statefulset.kubernetes.io/pod-name: shop-x}", False),
        ("StatefulSet", "{apps.kubernetes.io/pod-index: '3', app: shop}", True),
        ("StatefulSet", "{apps.kubernetes.io/pod-index: '3', app: cart}", False),
        ("StatefulSet", "{job-name: shop}", False),
        ("Deployment", "{apps.kubernetes.io/pod-index: '3'}", False),
        ("Deployment", "{pod-template-hash: 6d4b75cb6d}", True),
        ("DaemonSet", "{controller-revision-hash: 6d4b75cb6d}", True),
    ],
)
def test_labels_that_a_controller_sets(kind: str, selector: str, selected: bool) -> None:
    workload = DEPLOYMENT.replace("kind: Deployment", f"kind: {kind}")
    for service in (
        listed("Service", "one", rest=f"spec: {{selector: {selector}}}"),
        listed(
            "NetworkPolicy", "one", api=NETWORKING, rest=f"spec: {{podSelector: {{matchLabels: {selector}}}}}"
        ),
    ):
        assert led_to("workloads", service, workload) == ([f"{kind}/shop"] if selected else [])
        relation = "services" if "kind: Service" in service else "networkPolicies"
        assert len(led_to(relation, workload, service)) == selected


def test_pods_that_an_operator_makes() -> None:
    service = listed("Service", "one", rest="spec: {selector: {cnpg.io/cluster: pg, app: db}}")
    for api, kind, name, rest, owns in (
        ("postgresql.cnpg.io/v1", "Cluster", "other", "", True),
        ("example.com/v1", "Database", "pg", "", True),
        ("example.com/v1", "Database", "other", "", False),
        ("apps.kruise.io/v1", "CloneSet", "x",
         "spec: {template: {metadata: {labels: {app: db, cnpg.io/cluster: pg}}}}", True),
        ("monitoring.coreos.com/v1", "ServiceMonitor", "pg", "", False),
        ("monitoring.coreos.com/v1", "Prometheus", "pg", "", True),
        ("networking.istio.io/v1", "VirtualService", "pg", "", False),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "pg", "", False),
        ("v1", "ConfigMap", "pg", "", False),
    ):  # fmt: skip
        other = listed(kind, name, api=api, rest=rest)
        assert led_to("customOwners", service, other) == ([f"{kind}/{name}"] if owns else []), (api, kind)
        assert led_to("customOwners", service, other.replace("store", "elsewhere")) == []


def test_from_a_claim_to_its_volume() -> None:
    def volume(name: str, spec: str, labels: str = "") -> str:
        metadata = f"{{name: {name}, labels: {{{labels}}}}}"
        return f"apiVersion: v1\nkind: PersistentVolume\nmetadata: {metadata}\nspec: {spec}\n"

    volumes = [
        volume("named", "{storageClassName: fast}"),
        volume("kept", "{claimRef: {namespace: store, name: data}, storageClassName: manual}"),
        volume("manual", "{storageClassName: manual, accessModes: [ReadWriteOnce]}", "disk: ssd"),
        volume("unclassed", "{accessModes: [ReadWriteOnce]}"),
        volume("odd", "{storageClassName: [manual], claimRef: nonsense}"),
    ]
    for spec, found in (
        ("{volumeName: named, storageClassName: manual}", ["named"]),
        ("{}", ["kept"]),
        ("{storageClassName: manual, accessModes: [ReadWriteOnce]}", ["kept", "manual"]),
        ("{storageClassName: manual, accessModes: [ReadWriteMany]}", ["kept"]),
        ("{storageClassName: manual, selector: {matchLabels: {disk: ssd}}}", ["manual"]),
        ("{storageClassName: manual, selector: {matchLabels: {disk: hdd}}}", []),
        ("{storageClassName: ''}", ["kept", "unclassed"]),
        ("nonsense", ["kept"]),
    ):
        claim = listed("PersistentVolumeClaim", "data", rest=f"spec: {spec}")
        assert led_to("persistentVolumes", claim, *volumes) == [
            f"PersistentVolume/{name}" for name in found
        ], spec
        chain = "persistentVolumeClaims.persistentVolumes"
        assert led_to(chain, DEPLOYMENT, claim, *volumes) == [f"PersistentVolume/{name}" for name in found]


def test_routes_of_a_gateway() -> None:
    api = "gateway.networking.k8s.io/v1"
    gateway = listed("Gateway", "edge", api=api)
    routes = [
        listed("HTTPRoute", "here", api=api, rest="spec: {parentRefs: [{name: edge}]}"),
        listed(
            "GRPCRoute", "there", api=api, rest="spec: {parentRefs: [{name: edge, namespace: store}]}"
        ).replace("namespace: store}\nspec", "namespace: elsewhere}\nspec"),
        listed("HTTPRoute", "mesh", api=api, rest="spec: {parentRefs: [{kind: Service, name: edge}]}"),
        listed("HTTPRoute", "other", api=api, rest="spec: {parentRefs: [{name: other}, nonsense]}"),
    ]
    assert led_to("attachedRoutes", gateway, *routes) == ["HTTPRoute/here", "GRPCRoute/there"]


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


RBAC = "rbac.authorization.k8s.io"


def cluster_role(name: str, rest: str = "rules: []", labels: str = "") -> str:
    return f"apiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n{rest}\n"


def aggregating(name: str, selector: str, labels: str = "") -> str:
    return cluster_role(name, f"aggregationRule: {{clusterRoleSelectors: [{selector}]}}", labels)


def test_roles_that_every_cluster_has() -> None:
    bound = BINDING.replace("ROLE", "ClusterRole")
    edit = bound.replace("reader", "edit")
    assert led_to("roles", edit) == ["ClusterRole/edit"]
    assert led_to("roleBindings.roles", DEPLOYMENT, edit)[0] == "ClusterRole/edit"
    assert led_to("roles", bound.replace("reader", "cluster-admin")) == ["ClusterRole/cluster-admin"]
    assert led_to("roles", bound) == []
    role = BINDING.replace("ROLE", "Role").replace("reader", "extension-apiserver-authentication-reader")
    assert led_to("roles", role) == []
    assert led_to("roles", role.replace("store", "kube-system")) == [
        "Role/extension-apiserver-authentication-reader"
    ]


def test_a_role_of_the_workspace_has_the_last_word() -> None:
    text = BINDING.replace("ROLE", "ClusterRole").replace("reader", "cluster-admin")
    index, _ = Index().with_file("a.yaml", objects_of("a.yaml", text, RULES))
    (link,) = bind(index.files["a.yaml"][0], ["roles"], Followed(index)).links[0]["roles"]
    assert link.object.file == ""
    own, changed = index.with_file("b.yaml", objects_of("b.yaml", cluster_role("cluster-admin"), RULES))
    bound = bind(index.files["a.yaml"][0], ["roles"], Followed(index))
    assert any_of(bound.dependencies, changed)
    (link,) = bind(own.files["a.yaml"][0], ["roles"], Followed(own)).links[0]["roles"]
    assert link.object.file == "b.yaml"


def test_roles_that_take_the_rules_of_others() -> None:
    everyone = aggregating(
        "all", "{matchLabels: {ops: 'true'}}, {matchExpressions: [{key: sre, operator: Exists}]}"
    )
    one, two = cluster_role("one", labels="ops: 'true'"), cluster_role("two", labels="sre: x")
    inner = aggregating("inner", "{matchLabels: {deep: 'true'}}", labels="ops: 'true'")
    deep, other = cluster_role("deep", labels="deep: 'true'"), cluster_role("other", labels="ops: 'no'")
    files = (one, two, inner, deep, other)
    bound = BINDING.replace("ROLE", "ClusterRole").replace("reader", "all")
    assert set(led_to("roles", bound, everyone, *files)) == {
        f"ClusterRole/{name}" for name in ("all", "one", "two", "inner", "deep")
    }
    assert led_to("roleBindings", deep, everyone, inner, bound) == ["RoleBinding/shop"]
    assert led_to("roleBindings", other, everyone, inner, bound) == []
    assert led_to("aggregators", deep, everyone, inner) == ["ClusterRole/inner", "ClusterRole/all"]
    assert led_to("members", everyone, *files) == ["ClusterRole/one", "ClusterRole/inner", "ClusterRole/two"]


def test_roles_that_take_their_own_rules_end() -> None:
    one = aggregating("one", "{matchLabels: {a: b}}", "a: b")
    two = aggregating("two", "{}", "a: b")
    bound = BINDING.replace("ROLE", "ClusterRole").replace("reader", "one")
    assert led_to("roles", bound, one, two)[:2] == ["ClusterRole/one", "ClusterRole/two"]
    assert led_to("roleBindings", two, one, bound) == ["RoleBinding/shop"]


def test_rules_added_to_what_everybody_has() -> None:
    added = cluster_role("more", labels=f"{RBAC}/aggregate-to-view: 'true'")
    assert led_to("aggregators", added) == ["ClusterRole/view", "ClusterRole/edit", "ClusterRole/admin"]
    assert led_to("aggregators", cluster_role("more", labels=f"{RBAC}/aggregate-to-view: 'false'")) == []
    bound = BINDING.replace("ROLE", "ClusterRole").replace("reader", "admin")
    assert led_to("roleBindings", added, bound) == ["RoleBinding/shop"]
    assert "ClusterRole/more" in led_to("roles", bound, added)


def rules(*given: str) -> str:
    return "rules: [" + ", ".join(given) + "]"


def test_who_can_be_impersonated_by_name() -> None:
    def names(resources: str, verb: str, *named: str) -> str:
        return f"{{apiGroups: [''], resources: [{resources}], verbs: [{verb}], resourceNames: [{', '.join(named)}]}}"

    bindings = listed(
        "RoleBinding", "b", api=f"{RBAC}/v1",
        rest="roleRef: {kind: ClusterRole, name: cluster-admin}\n"
        "subjects: [{kind: User, name: jane}, {kind: Group, name: ops}, "
        "{kind: ServiceAccount, name: bot, namespace: x}]",
    )  # fmt: skip
    found = ["RoleBinding/b"]
    for allowed, wanted in (
        (names("users", "impersonate", "jane"), found),
        (names("users", "impersonate", "'system:serviceaccount:x:bot'"), found),
        (names("users", "impersonate", "'system:serviceaccount:y:bot'"), []),
        (names("users", "get", "jane"), []),
        (names("groups", "'*'", "ops"), found),
        (names("groups", "impersonate", "jane"), []),
        (names("serviceaccounts", "impersonate", "bot"), found),
        (names("serviceaccounts/token", "create", "bot"), found),
        (names("serviceaccounts", "create", "bot"), []),
    ):
        assert led_to("actsAs", cluster_role("r", rules(allowed)), bindings) == wanted, allowed
    elsewhere = listed(
        "Role", "r", api=f"{RBAC}/v1", rest=rules(names("serviceaccounts", "impersonate", "bot"))
    )
    assert led_to("actsAs", elsewhere, bindings) == []
    assert led_to("actsAs", elsewhere.replace("store", "x"), bindings) == found
    assert led_to("actsAs.roles", elsewhere.replace("store", "x"), bindings) == ["ClusterRole/cluster-admin"]


def test_roles_that_can_be_bound_by_name() -> None:
    bind = (
        f"{{apiGroups: [{RBAC}], resources: [clusterroles], verbs: [bind], resourceNames: [view, own, none]}}"
    )
    text = cluster_role("r", rules(bind))
    assert led_to("bindableRoles", text, cluster_role("own")) == ["ClusterRole/view", "ClusterRole/own"]
    assert led_to("bindableRoles", text.replace("[bind]", "[get]")) == []
    assert led_to("bindableRoles", cluster_role("r", "rules: nonsense")) == []
    assert (
        led_to("bindableRoles", cluster_role("r", "rules: [nonsense, {verbs: bind, resourceNames: [x]}]"))
        == []
    )


def test_nothing_points_at_what_is_in_no_file() -> None:
    text = DEPLOYMENT + "---\n" + BINDING.replace("ROLE", "ClusterRole").replace("reader", "cluster-admin")
    project = Project(Evaluator(RULES, Evidence(TODAY))).with_file("a.yaml", text)
    (found,) = [f for _, f in project.files["a.yaml"].findings() if f.control == "C-0272"]
    assert "cluster-admin" in found.message
    assert [(place.file, place.message) for place in found.related] == [("a.yaml", "granted here")]


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


def test_what_asks_the_same_shares_the_answer() -> None:
    workloads = listed("Pod", "a", "b", "c", rest="spec: {serviceAccountName: shop, containers: [{name: a}]}")
    bindings = "---\n".join(
        BINDING.replace("ROLE", "Role").replace("name: shop,", f"name: grant{n},", 1) for n in range(3)
    )
    index, _ = Index().with_file("a.yaml", objects_of("a.yaml", f"{workloads}---\n{bindings}", RULES))
    followed = Followed(index)
    first, *others = (
        bind(one, ["roleBindings", "roleBindings.roles"], followed)
        for one in index.files["a.yaml"]
        if one.id.kind == "Pod"
    )
    assert first.links[0]["roleBindings"]
    for other in others:
        assert all(other.links[0][name] is links for name, links in first.links[0].items())
        assert other.dependencies == first.dependencies
    assert len(followed.answers.known) == 2


SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: store}
spec:
  template:
    spec:
      containers: []
      volumes:
      - {name: scratch, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: fast}}}}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {storageClassName: slow}}
  - nonsense
  - {spec: {}}
"""


def test_claims_that_are_made_for_pods_lead_to_volumes_as_others_do() -> None:
    made = "persistentVolumeClaims"
    assert led_to(made, SET) == [
        *(f"PersistentVolumeClaim/data-db-{ordinal}" for ordinal in range(5)),
        "PersistentVolumeClaim/db-scratch",
    ]
    written = listed("PersistentVolumeClaim", "data-db-0", rest="spec: {volumeName: own}")
    volumes = [
        listed("PersistentVolume", name, rest=f"spec: {spec}").replace(", namespace: store", "")
        for name, spec in (
            ("own", "{}"),
            ("fast", "{storageClassName: fast}"),
            ("kept", "{claimRef: {namespace: store, name: data-db-1}}"),
            ("other", "{claimRef: {namespace: store, name: data-db}}"),
        )
    ]
    chain = "persistentVolumeClaims.persistentVolumes"
    assert led_to(chain, SET, written, *volumes) == [f"PersistentVolume/{n}" for n in ("own", "kept", "fast")]
    assert led_to("workloads", written, SET) == ["StatefulSet/db"]


def index_of(*texts: str) -> Index:
    return Index().with_file("a.yaml", objects_of("a.yaml", "---\n".join(texts), RULES))[0]


def bound_to(name: str, kind: str, index: Index) -> list[tuple[Link, ...]]:
    """What a relation leads to from each object of a kind."""
    followed = Followed(index)
    return [
        bind(one, [name], followed).links[0][name] for one in index.files["a.yaml"] if one.id.kind == kind
    ]


def test_pods_that_a_policy_cannot_tell_apart_share_what_selects_them() -> None:
    workloads = [
        listed("Pod", name, rest="spec: {containers: [{name: a}]}").replace(
            "namespace: store", f"namespace: store, labels: {{app: shop, own: {name}, tier: {tier}}}"
        )
        for name, tier in (("a", "web"), ("b", "web"), ("c", "db"))
    ]
    policies = [
        listed(
            "NetworkPolicy", name, api=NETWORKING, rest=f"spec: {{podSelector: {{matchLabels: {labels}}}}}"
        )
        for name, labels in (("p", "{app: shop}"), ("q", "{app: shop}"), ("r", "{app: shop, tier: web}"))
    ]
    first, second, third = bound_to("networkPolicies", "Pod", index_of(*workloads, *policies))
    assert [link.object.id.name for link in first] == ["p", "q", "r"]
    assert second is first
    assert [link.object.id.name for link in third] == ["p", "q"]


def test_what_is_grouped_is_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    relation = RELATIONS["networkPolicies"]

    def counted(pod: Object, policy: Object) -> bool:
        asked.append(policy.id.name)
        return pods.policy_holds(pod, policy)

    monkeypatch.setitem(RELATIONS, "networkPolicies", replace(relation, holds=counted))
    names = [f"p{n}" for n in range(30)]
    policies = listed("NetworkPolicy", *names, api=NETWORKING, rest="spec: {podSelector: {}}")
    (links,) = bound_to("networkPolicies", "Deployment", index_of(DEPLOYMENT, policies))
    assert len(links) == 30
    assert asked == ["p0"]


def test_roles_that_many_aggregate_share_who_does() -> None:
    parts = [cluster_role(f"part{n}", labels="aggregate: shop") for n in range(3)]
    wholes = [aggregating(f"whole{n}", "{matchLabels: {aggregate: shop}}") for n in range(3)]
    found = bound_to("aggregators", "ClusterRole", index_of(*parts, *wholes))
    assert [link.object.id.name for link in found[0]] == ["whole0", "whole1", "whole2"]
    assert found[1] is found[0]
    members = bound_to("members", "ClusterRole", index_of(*parts, *wholes))
    assert members[4] is members[3]
    assert [link.object.id.name for link in members[3]] == ["part0", "part1", "part2"]


def test_a_role_is_none_of_its_own_members() -> None:
    roles = [aggregating(f"r{n}", "{matchLabels: {a: b}}", "a: b") for n in range(3)]
    found = bound_to("members", "ClusterRole", index_of(*roles))
    assert [[link.object.id.name for link in links] for links in found] == [
        ["r1", "r2"],
        ["r0", "r2"],
        ["r0", "r1"],
    ]


def test_of_many_volumes_that_a_claim_may_get_some_of_each_source_are_named() -> None:
    claim = listed("PersistentVolumeClaim", "data", rest="spec: {storageClassName: slow}")
    shared = [f"n{n}" for n in range(25)]
    local = [f"h{n}" for n in range(25)]
    rest = "spec: {storageClassName: slow, %s}"
    volumes = [
        listed("PersistentVolume", *shared, rest=rest % "nfs: {server: s, path: /}"),
        listed("PersistentVolume", *local, rest=rest % "hostPath: {path: /}"),
    ]
    found = led_to("persistentVolumes", claim, *volumes)
    assert found == [f"PersistentVolume/{name}" for name in (*shared[:20], *local[:20])]
