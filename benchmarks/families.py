"""Texts that grow: one family for every relation, for every limit of a reader, and for every kind of repair.

A family is a function from a number to a text of about so many parts, each as small as its kind allows, so that what
grows with the parts shows and not what one of them costs. In a family about a relation all parts lead to the same
object, or all to all: that is where work for each of n comes to meet the other n.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Family(NamedTuple):
    """A text by its number of parts, and the number to begin with; four times twice as many follow."""

    name: str
    first: int
    text: Callable[[int], str]
    json: bool = False


def _documents(*texts: str) -> str:
    return "---\n".join(texts)


def _many(n: int, template: str) -> str:
    """A template n times, with `NN` for the number."""
    return "---\n".join(template.replace("NN", str(number)) for number in range(n))


_POD_SPEC = """\
spec:
  containers:
  - name: main
    image: registry.example.com/shop:1.0
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-NN\n  labels: {app: shop, own: pod-NN}\n" + _POD_SPEC
_HEAD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  labels: {app: shop}\n"

ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader-NN}
rules:
- {apiGroups: [""], resources: [secrets, pods/exec], verbs: ["*"]}
"""
BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: binding-NN}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader-NN}
subjects:
- {kind: ServiceAccount, name: shop, namespace: default}
"""
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: shop-NN}\n"
_RUNS_AS = POD + "  serviceAccountName: shop\n"
_ONE_ROLE = ROLE.replace("NN", "0")
_TO_ONE_ROLE = BINDING.replace("name: reader-NN", "name: reader-0")
CLUSTER_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: part-NN
  labels: {aggregate: shop}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get]}
"""
_AGGREGATING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: whole-NN}
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {aggregate: shop}
"""
_IMPERSONATING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: actor-NN}
rules:
- {apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate], resourceNames: [shop]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [bind], resourceNames: [reader-0]}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: policy-NN}
spec:
  podSelector: {matchLabels: {app: shop}}
  policyTypes: [Ingress]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: service-NN}
spec:
  selector: {app: shop}
  ports: [{port: 22}]
"""
_BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: budget-NN}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: shop}}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
      - name: main
        image: registry.example.com/shop:1.0
"""
_AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scaler-NN}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
"""
_INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ingress-NN}
spec:
  defaultBackend: {service: {name: service-0, port: {number: 22}}}
"""
_GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: shop
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""
_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route-NN}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: service-0, port: 22}]}]
"""
_CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim-NN}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: slow
  resources: {requests: {storage: 1Gi}}
"""
_VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: volume-NN}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: slow
  capacity: {storage: 1Gi}
  hostPath: {path: /data}
"""
_MOUNTS_CLAIM = POD + "  volumes: [{name: data, persistentVolumeClaim: {claimName: claim-NN}}]\n"
_MOUNTS_ONE_CLAIM = _MOUNTS_CLAIM.replace("claim-NN", "claim-0")
_USES = """\
    envFrom:
    - configMapRef: {name: settings}
    - secretRef: {name: keys}
"""
_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: info}\n"
_KEYS = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {level: info}\n"
_NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-NN}\n"
_IN_NAMESPACE = POD.replace("  labels", "  namespace: team-0\n  labels")
_PSP = "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: psp-NN}\nspec: {privileged: true}\n"
_WEBHOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook-NN}
webhooks: [{name: hook.example.com, clientConfig: {url: "https://example.com"}}]
"""
_OPERATED = """\
apiVersion: example.com/v1
kind: Database
metadata: {name: db-NN, labels: {app: shop}}
spec: {replicas: 1}
"""


def _list(n: int, item: str) -> str:
    items = (item.replace("NN", str(number)).splitlines(keepends=True) for number in range(n))
    lines = (("- " if i == 0 else "  ") + line for one in items for i, line in enumerate(one))
    return "apiVersion: v1\nkind: List\nitems:\n" + "".join(lines)


def _pod(spec: str) -> str:
    return _HEAD + _POD_SPEC + spec


def _rows(n: int, row: str) -> str:
    return row * n if "NN" not in row else "".join(row.replace("NN", str(number)) for number in range(n))


def _json_pods(n: int) -> list[object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{number}", "labels": {"app": "shop"}},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/shop:1.0"}]},
        }
        for number in range(n)
    ]


def _nested(n: int) -> str:
    return _HEAD + "spec: " + "[" * n + "]" * n + "\n"


_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n"
_CONTAINER = "  - {name: main-NN, image: registry.example.com/shop:1.0}\n"
_ENV = "    - {name: DB_PASSWORD_NN, value: hunter2hunter2}\n"

RELATIONS = (
    Family("RoleBindings and Roles to one account", 25, lambda n: _documents(
        _RUNS_AS, ACCOUNT.replace("-NN", ""), _many(n, ROLE), _many(n, BINDING))),
    Family("RoleBindings to one Role, pods of one account", 25, lambda n: _documents(
        _ONE_ROLE, ACCOUNT.replace("-NN", ""), _many(n, _TO_ONE_ROLE), _many(n, _RUNS_AS))),
    Family("RoleBindings to one Role, one of which names n accounts", 25, lambda n: _documents(
        _ONE_ROLE, _many(n, _TO_ONE_ROLE), _TO_ONE_ROLE + _rows(n, "- {kind: ServiceAccount, name: shop-NN}\n"),
        _many(n, ACCOUNT))),
    Family("ClusterRoles that one aggregates, which n RoleBindings grant", 25, lambda n: _documents(
        _many(n, CLUSTER_ROLE), _AGGREGATING.replace("NN", "0"),
        _many(n, BINDING.replace("kind: Role,", "kind: ClusterRole,").replace("reader-NN", "whole-0")))),
    Family("ClusterRoles that aggregate n others", 25, lambda n: _documents(
        _many(n, CLUSTER_ROLE), _many(n, _AGGREGATING))),
    Family("a Role that acts as an account of n RoleBindings", 25, lambda n: _documents(
        _IMPERSONATING.replace("NN", "0"), _many(n, _TO_ONE_ROLE), _many(n, ROLE),
        BINDING.replace("reader-NN", "actor-0"))),
    Family("NetworkPolicies of the same pods", 25, lambda n: _documents(_many(n, POLICY), _many(n, POD))),
    Family("Services of the same pods", 25, lambda n: _documents(_many(n, SERVICE), _many(n, POD))),
    Family("PodDisruptionBudgets of the same pods", 25, lambda n: _documents(_many(n, _BUDGET), _many(n, POD))),
    Family("HorizontalPodAutoscalers of one Deployment", 25, lambda n: _documents(
        _DEPLOYMENT, _many(n, _AUTOSCALER), _many(n, _BUDGET))),
    Family("Services and custom objects", 25, lambda n: _documents(_many(n, SERVICE), _many(n, _OPERATED))),
    Family("Ingresses to one Service of many pods", 25, lambda n: _documents(
        SERVICE.replace("NN", "0"), _many(n, _INGRESS), _many(n, POD))),
    Family("routes of one Gateway to one Service", 25, lambda n: _documents(
        _GATEWAY, SERVICE.replace("NN", "0"), _many(n, _ROUTE), _many(n, POD))),
    Family("claims and volumes of one class", 25, lambda n: _documents(
        _many(n, _CLAIM), _many(n, _VOLUME), _many(n, _MOUNTS_CLAIM))),
    Family("pods that mount one claim", 25, lambda n: _documents(
        _CLAIM.replace("NN", "0"), _many(n, _VOLUME), _many(n, _MOUNTS_ONE_CLAIM))),
    Family("pods that use one ConfigMap and Secret", 50, lambda n: _documents(
        _MAP, _KEYS, _many(n, POD + _USES))),
    Family("a pod that uses n ConfigMaps and Secrets", 100, lambda n: _documents(
        _many(n, _MAP.replace("settings", "settings-NN")), _many(n, _KEYS.replace("keys", "keys-NN")),
        _pod("    envFrom:\n" + _rows(
            n, "    - configMapRef: {name: settings-NN}\n    - secretRef: {name: keys-NN}\n")))),
    Family("Namespaces, and pods of one", 50, lambda n: _documents(
        _many(n, _NAMESPACE), _many(n, _IN_NAMESPACE),
        _many(n, ACCOUNT.replace("{name", "{namespace: team-0, name")),
        _many(n, POLICY.replace("{name", "{namespace: team-0, name")))),
    Family("PodSecurityPolicies", 25, lambda n: _documents(_many(n, _PSP), _many(n, POD))),
    Family("admission webhooks, and Namespaces", 50, lambda n: _documents(
        _many(n, _WEBHOOK), _many(n, _NAMESPACE))),
)  # fmt: skip

LARGE = (
    Family("documents", 25, lambda n: _many(n, POD)),
    Family("documents with the same name", 25, lambda n: _many(n, POD.replace("-NN", ""))),
    Family("a List of n pods", 25, lambda n: _list(n, POD)),
    Family("a List of n RoleBindings", 150, lambda n: _list(n, BINDING)),
    Family("a List of n NetworkPolicies", 150, lambda n: _list(n, POLICY)),
    Family("a JSON List of n pods", 25, lambda n: json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": _json_pods(n)}, indent=1), json=True),
    Family("n JSON values", 25, lambda n: "\n".join(json.dumps(pod) for pod in _json_pods(n)), json=True),
    Family("containers", 40, lambda n: _HEAD + "spec:\n  containers:\n" + _rows(n, _CONTAINER)),
    Family("env entries", 250, lambda n: _pod("    env:\n" + _rows(n, _ENV))),
    Family("ports", 250, lambda n: _pod("    ports:\n" + _rows(n, "    - {containerPort: 22, hostPort: 22}\n"))),
    Family("volumes", 250, lambda n: _pod("  volumes:\n" + _rows(
        n, "  - {name: v-NN, hostPath: {path: /var/run/docker.sock}}\n"))),
    Family("volume mounts", 250, lambda n: _pod("    volumeMounts:\n" + _rows(
        n, "    - {name: v-NN, mountPath: /var/run/docker.sock}\n"))),
    Family("arguments", 500, lambda n: _pod("    args:\n" + _rows(n, "    - --password=hunter2\n"))),
    Family("rules of a Role", 250, lambda n: ROLE + _rows(
        n, '- {apiGroups: [""], resources: [secrets], verbs: [get]}\n')),
    Family("subjects of a RoleBinding", 250, lambda n: _documents(
        _ONE_ROLE, _TO_ONE_ROLE + _rows(n, "- {kind: ServiceAccount, name: shop-NN}\n"))),
    Family("Ingress rules", 250, lambda n: _INGRESS + "  rules:\n" + _rows(n, "  - {host: NN.example.com}\n")),
    Family("NetworkPolicy rules", 250, lambda n: POLICY + "  ingress:\n" + _rows(
        n, "  - {from: [{ipBlock: {cidr: 0.0.0.0/0}}]}\n")),
    Family("ConfigMap entries", 500, lambda n: _CONFIG + _rows(n, "  password-NN: hunter2hunter2\n")),
    Family("labels", 500, lambda n: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  labels:\n" + _rows(
        n, "    l-NN: v\n") + _POD_SPEC),
    Family("annotations", 600, lambda n: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  annotations:\n"
        + _rows(n, "    example.com/a-NN: hunter2\n") + _POD_SPEC),
    Family("a long text on one line", 100_000, lambda n: _CONFIG + f"  text: {'word ' * n}\n"),
    Family("a long text in quotes", 60_000, lambda n: _CONFIG + '  text: "' + "a\\tb: c #" * n + '"\n'),
    Family("a long text without a space", 100_000, lambda n: _CONFIG + f"  text: {'aB3' * n}\n"),
    Family("a block scalar of n lines", 20_000, lambda n: _CONFIG + "  text: |\n" + _rows(n, "    password: NN\n")),
    Family("one line of flow entries", 1_000, lambda n: _HEAD + "spec: {containers: [" + ", ".join(
        [f"{{name: a{i}}}" for i in range(n // 20)]) + "], x: [" + "1, " * n + "]}\n"),
    Family("blank lines", 100_000, lambda n: _pod("\n" * n)),
    Family("comments", 50_000, lambda n: _pod("# a comment\n" * n)),
    Family("aliases", 1_000, lambda n: _CONFIG + "  first: &a text\n" + _rows(n, "  k-NN: *a\n")),
    Family("aliases of a mapping", 500, lambda n: _HEAD + "x: &a {name: A, value: b}\n" + _POD_SPEC
        + "    env:\n" + "    - *a\n" * n),
    Family("merges", 500, lambda n: _CONFIG + "  first: &a {x: y}\n" + _rows(n, "  k-NN: {<<: *a, z: w}\n")),
    Family("merges of merges", 200, lambda n: _CONFIG + "  k-0: &a0 {x0: y}\n" + "".join(
        f"  k-{i}: &a{i} {{<<: *a{i - 1}, z: w}}\n" for i in range(1, n))),
    Family("suppressed lines", 250, lambda n: _pod("    env:\n" + _rows(
        n, "    - {name: DB_PASSWORD_NN, value: hunter2hunter2} # kscan:ignore C-0012 -- test\n"))),
    Family("suppressions of nothing", 2_000, lambda n: _pod("# kscan:ignore C-0012 -- test\n" * n)),
    Family("suppressions of unknown controls", 8_000, lambda n: _pod("# kscan:ignore C-9NN9 -- test\n" * n)),
    Family("misspelt suppressions", 2_000, lambda n: _pod("# kscan:ignroe C-0012 -- test\n" * n)),
    Family("suppressed pods", 25, lambda n: _many(
        n, POD.replace("  labels", "  annotations: {kscan.dev/ignore: C-0016 -- test}\n  labels"))),
)  # fmt: skip

BROKEN = (
    Family("lines indented with tabs", 3_000, lambda n: _pod("    env:\n" + "\t\t- name: A\n" * n)),
    Family("lines of a tab only", 3_000, lambda n: _HEAD + "\t\n" * n + _POD_SPEC),
    Family("tabs here and there", 3_000, lambda n: _HEAD + _rows(n, "a-NN: b\n\tc-NN: d\n") + _POD_SPEC),
    Family("documents with tabs", 25, lambda n: _many(n, POD + "\tx: y\n")),
    Family("lines without a colon", 2_000, lambda n: _HEAD + "broken\n" * n + _POD_SPEC),
    Family("lines that line up with nothing", 2_000, lambda n: _pod("   x: y\n" * n)),
    Family("lines with two colons", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: a: b\n")),
    Family("lines below a value", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: a\n    b: c\n")),
    Family("values that begin with a %", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: %a\n")),
    Family("quotes that are never closed", 2_000, lambda n: _CONFIG + _rows(n, '  k-NN: "a\n')),
    Family("text behind quotes", 2_000, lambda n: _CONFIG + _rows(n, '  k-NN: "a" b\n')),
    Family("unknown escapes", 2_000, lambda n: _CONFIG + _rows(n, '  k-NN: "\\q"\n')),
    Family("brackets that are never closed", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: [a\n")),
    Family("brackets closed twice", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: [a]]\n")),
    Family("lists on the line of their key", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: - a\n")),
    Family("block scalars with text behind the mark", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: | a\n")),
    Family("unknown anchors", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: *a\n")),
    Family("bad anchors", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: & a\n")),
    Family("bad tags", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: !<a b\n")),
    Family("forbidden characters", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: a\x01b\n")),
    Family("template language", 2_000, lambda n: _CONFIG + _rows(n, "  k-NN: {{ .Values.a }}\n")),
    Family("statements of templates", 2_000, lambda n: _HEAD + _rows(n, "{{ if .Values.a }}\n") + _POD_SPEC),
    Family("duplicate keys", 2_000, lambda n: _CONFIG + "  key: a\n" * n),
    Family("keys that are no text", 2_000, lambda n: _CONFIG + "  [a]: b\n" * n),
    Family("numbers where text should be", 1_000, lambda n: _pod("    args: [" + "1, " * n + "1]\n")),
    Family("brackets inside brackets", 5_000, _nested),
    Family("brackets that are only opened", 5_000, lambda n: _HEAD + "spec: " + "[" * n + "\n"),
    Family("separators with text behind them", 200, lambda n: "---x\n".join([POD] * n)),
    Family("JSON without commas", 1_000, lambda n: "[\n" + '{"kind": "Pod"}\n' * n + "]\n", json=True),
    Family("JSON with single quotes", 1_000, lambda n: "[\n" + "{'kind': 'Pod'},\n" * n + "1]\n", json=True),
    Family("JSON with a comma too many", 1_000, lambda n: "[\n" + '{"kind": "Pod",},\n' * n + "1]\n", json=True),
)  # fmt: skip

FAMILIES = RELATIONS + LARGE + BROKEN
