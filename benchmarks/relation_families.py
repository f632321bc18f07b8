"""Texts that grow by their relations: objects that all lead to the same one, or all to all.

That is where work for each of n comes to meet the other n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Family(NamedTuple):
    """A text by its number of parts, and the number to begin with; four times twice as many follow."""

    name: str
    first: int
    text: Callable[[int], str]
    json: bool = False


def documents(*texts: str) -> str:
    """Texts as the documents of one file."""
    return "---\n".join(texts)


def many(n: int, template: str) -> str:
    """A template n times, with `NN` for the number."""
    return "---\n".join(template.replace("NN", str(number)) for number in range(n))


POD_SPEC = """\
spec:
  containers:
  - name: main
    image: registry.example.com/shop:1.0
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-NN\n  labels: {app: shop, own: pod-NN}\n" + POD_SPEC
HEAD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\n  labels: {app: shop}\n"

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
ONE_ROLE = ROLE.replace("NN", "0")
TO_ONE_ROLE = BINDING.replace("name: reader-NN", "name: reader-0")
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
INGRESS = """\
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


def pod(spec: str) -> str:
    """A pod with more lines at the end."""
    return HEAD + POD_SPEC + spec


def rows(n: int, row: str) -> str:
    """A line n times, with the number where it has `NN`."""
    return row * n if "NN" not in row else "".join(row.replace("NN", str(number)) for number in range(n))


RELATIONS = (
    Family("RoleBindings and Roles to one account", 25, lambda n: documents(
        _RUNS_AS, ACCOUNT.replace("-NN", ""), many(n, ROLE), many(n, BINDING))),
    Family("RoleBindings to one Role, pods of one account", 25, lambda n: documents(
        ONE_ROLE, ACCOUNT.replace("-NN", ""), many(n, TO_ONE_ROLE), many(n, _RUNS_AS))),
    Family("RoleBindings to one Role, one of which names n accounts", 25, lambda n: documents(
        ONE_ROLE, many(n, TO_ONE_ROLE), TO_ONE_ROLE + rows(n, "- {kind: ServiceAccount, name: shop-NN}\n"),
        many(n, ACCOUNT))),
    Family("ClusterRoles that one aggregates, which n RoleBindings grant", 25, lambda n: documents(
        many(n, CLUSTER_ROLE), _AGGREGATING.replace("NN", "0"),
        many(n, BINDING.replace("kind: Role,", "kind: ClusterRole,").replace("reader-NN", "whole-0")))),
    Family("ClusterRoles that aggregate n others", 25, lambda n: documents(
        many(n, CLUSTER_ROLE), many(n, _AGGREGATING))),
    Family("a Role that acts as an account of n RoleBindings", 25, lambda n: documents(
        _IMPERSONATING.replace("NN", "0"), many(n, TO_ONE_ROLE), many(n, ROLE),
        BINDING.replace("reader-NN", "actor-0"))),
    Family("NetworkPolicies of the same pods", 25, lambda n: documents(many(n, POLICY), many(n, POD))),
    Family("Services of the same pods", 25, lambda n: documents(many(n, SERVICE), many(n, POD))),
    Family("PodDisruptionBudgets of the same pods", 25, lambda n: documents(many(n, _BUDGET), many(n, POD))),
    Family("HorizontalPodAutoscalers of one Deployment", 25, lambda n: documents(
        _DEPLOYMENT, many(n, _AUTOSCALER), many(n, _BUDGET))),
    Family("Services and custom objects", 25, lambda n: documents(many(n, SERVICE), many(n, _OPERATED))),
    Family("Ingresses to one Service of many pods", 25, lambda n: documents(
        SERVICE.replace("NN", "0"), many(n, INGRESS), many(n, POD))),
    Family("routes of one Gateway to one Service", 25, lambda n: documents(
        _GATEWAY, SERVICE.replace("NN", "0"), many(n, _ROUTE), many(n, POD))),
    Family("claims and volumes of one class", 25, lambda n: documents(
        many(n, _CLAIM), many(n, _VOLUME), many(n, _MOUNTS_CLAIM))),
    Family("pods that mount one claim", 25, lambda n: documents(
        _CLAIM.replace("NN", "0"), many(n, _VOLUME), many(n, _MOUNTS_ONE_CLAIM))),
    Family("pods that use one ConfigMap and Secret", 50, lambda n: documents(
        _MAP, _KEYS, many(n, POD + _USES))),
    Family("a pod that uses n ConfigMaps and Secrets", 100, lambda n: documents(
        many(n, _MAP.replace("settings", "settings-NN")), many(n, _KEYS.replace("keys", "keys-NN")),
        pod("    envFrom:\n" + rows(
            n, "    - configMapRef: {name: settings-NN}\n    - secretRef: {name: keys-NN}\n")))),
    Family("Namespaces, and pods of one", 50, lambda n: documents(
        many(n, _NAMESPACE), many(n, _IN_NAMESPACE),
        many(n, ACCOUNT.replace("{name", "{namespace: team-0, name")),
        many(n, POLICY.replace("{name", "{namespace: team-0, name")))),
    Family("PodSecurityPolicies", 25, lambda n: documents(many(n, _PSP), many(n, POD))),
    Family("admission webhooks, and Namespaces", 50, lambda n: documents(
        many(n, _WEBHOOK), many(n, _NAMESPACE))),
)  # fmt: skip
