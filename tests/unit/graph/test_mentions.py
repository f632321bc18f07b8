"""Names in manifests: where they stand, what they mean, and that the keys of the index are made of the same."""

from __future__ import annotations

import pytest
from support.objects import RULES

from kscan_lsp import paths
from kscan_lsp.graph.mentions import mentions
from kscan_lsp.workspace.objects import objects_of

WORKLOAD = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop, namespace: store}
spec:
  serviceName: peers
  template:
    metadata: {labels: {app: shop}}
    spec:
      serviceAccountName: shop
      imagePullSecrets: [{name: registry}]
      volumes:
      - name: files
        projected: {sources: [{configMap: {name: files, items: [{key: a.txt, path: a}]}}, {secret: {name: keys}}]}
      - {name: one, configMap: {name: one}}
      - {name: two, secret: {secretName: two, items: [{key: tls.key, path: k}]}}
      - {name: data, persistentVolumeClaim: {claimName: data}}
      initContainers: [{name: i, image: i, envFrom: [{secretRef: {name: boot}}]}]
      containers:
      - name: shop
        image: shop:1
        envFrom: [{configMapRef: {name: settings}}, {secretRef: {}}, 1]
        env:
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: t}}}
        - {name: MODE, valueFrom: {configMapKeyRef: {name: modes, key: m}}}
"""
TASK = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: build}
spec:
  serviceAccountName: builder
  templates:
  - name: make
    container: {image: make, env: [{name: A, valueFrom: {secretKeyRef: {name: token, key: t}}}]}
"""
OTHERS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: store}
roleRef: {kind: ClusterRole, name: viewer}
subjects: [{kind: ServiceAccount, name: shop, namespace: other}, {kind: User, name: eve},
  {kind: ServiceAccount, name: own}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: store}
rules: [{resources: [secrets, pods], resourceNames: [token], verbs: [get]}, 7]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: store}
spec:
  defaultBackend: {service: {name: fallback}}
  tls: [{secretName: cert}]
  rules: [{http: {paths: [{backend: {service: {name: front}}}, {backend: {serviceName: older}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: h, namespace: store}
spec:
  parentRefs: [{name: gate, namespace: edge}]
  rules: [{backendRefs: [{name: front, namespace: other}, {kind: Bucket, name: b}]}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h, namespace: store}
spec: {scaleTargetRef: {kind: StatefulSet, name: shop}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: store}
spec: {volumeName: disk, storageClassName: fast}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec: {claimRef: {name: data, namespace: store}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: shop}
imagePullSecrets: [{name: registry}]
"""


def found(text):
    return [(one, mention) for one in objects_of("a.yaml", text, RULES) for mention in mentions(one)]


def test_names_in_a_pod_stand_where_they_are_written():
    shown = {paths.show(m.path): (m.kind, m.namespace, m.name, m.key, m.whole) for _, m in found(WORKLOAD)}
    pod = "spec.template.spec"
    container = f"{pod}.containers[0]"
    assert shown == {
        "metadata.namespace": ("Namespace", "", "store", "", True),
        "spec.serviceName": ("Service", "store", "peers", "", True),
        f"{pod}.serviceAccountName": ("ServiceAccount", "store", "shop", "", True),
        f"{pod}.imagePullSecrets[0].name": ("Secret", "store", "registry", "", True),
        f"{pod}.volumes[0].projected.sources[0].configMap.name": ("ConfigMap", "store", "files", "", False),
        f"{pod}.volumes[0].projected.sources[0].configMap.items[0].key": (
            "ConfigMap", "store", "files", "a.txt", False,
        ),
        f"{pod}.volumes[0].projected.sources[1].secret.name": ("Secret", "store", "keys", "", True),
        f"{pod}.volumes[1].configMap.name": ("ConfigMap", "store", "one", "", True),
        f"{pod}.volumes[2].secret.secretName": ("Secret", "store", "two", "", False),
        f"{pod}.volumes[2].secret.items[0].key": ("Secret", "store", "two", "tls.key", False),
        f"{pod}.volumes[3].persistentVolumeClaim.claimName": ("PersistentVolumeClaim", "store", "data", "", True),
        f"{pod}.initContainers[0].envFrom[0].secretRef.name": ("Secret", "store", "boot", "", True),
        f"{container}.envFrom[0].configMapRef.name": ("ConfigMap", "store", "settings", "", True),
        f"{container}.env[0].valueFrom.secretKeyRef.name": ("Secret", "store", "token", "", False),
        f"{container}.env[0].valueFrom.secretKeyRef.key": ("Secret", "store", "token", "t", False),
        f"{container}.env[1].valueFrom.configMapKeyRef.name": ("ConfigMap", "store", "modes", "", False),
        f"{container}.env[1].valueFrom.configMapKeyRef.key": ("ConfigMap", "store", "modes", "m", False),
    }  # fmt: skip


def test_names_in_a_pod_of_another_shape_are_led_back():
    shown = {paths.show(m.path): (m.kind, m.namespace, m.name) for _, m in found(TASK)}
    assert shown["spec.serviceAccountName"] == ("ServiceAccount", "default", "builder")
    where = "spec.templates[0].container.env[0].valueFrom.secretKeyRef.name"
    assert shown[where] == ("Secret", "default", "token")


def test_names_outside_of_pods():
    shown = {(one.id.kind, *m[1:4]) for one, m in found(OTHERS) if m.kind != "Namespace"}
    assert shown == {
        ("RoleBinding", "ClusterRole", "", "viewer"),
        ("RoleBinding", "ServiceAccount", "other", "shop"),
        ("RoleBinding", "User", "", "eve"),
        ("RoleBinding", "ServiceAccount", "store", "own"),
        ("Role", "Secret", "store", "token"),
        ("Ingress", "Service", "store", "fallback"),
        ("Ingress", "Secret", "store", "cert"),
        ("Ingress", "Service", "store", "front"),
        ("Ingress", "Service", "store", "older"),
        ("HTTPRoute", "Gateway", "edge", "gate"),
        ("HTTPRoute", "Service", "other", "front"),
        ("HTTPRoute", "Bucket", "store", "b"),
        ("HorizontalPodAutoscaler", "StatefulSet", "store", "shop"),
        ("PersistentVolumeClaim", "PersistentVolume", "", "disk"),
        ("PersistentVolumeClaim", "StorageClass", "", "fast"),
        ("PersistentVolume", "PersistentVolumeClaim", "store", "data"),
        ("ServiceAccount", "Secret", "default", "registry"),
    }


@pytest.mark.parametrize("text", [WORKLOAD, TASK, OTHERS])
def test_whatever_an_object_is_found_under_is_a_name_in_it(text):
    """Of the keys that say what an object refers to; `default` is what is meant where no name is written."""
    kinds = {"routes": "Service", "attached": "Gateway", "reserved": "PersistentVolumeClaim"}
    for one in objects_of("a.yaml", text, RULES):
        named = {m[1:4] for m in mentions(one)}
        for key in one.keys:
            word, *names = key.split("\0")
            if word in ("uses", "grants", "scales") or (word == "subject" and names[1] != "*"):
                assert tuple(names) in named
            elif word in kinds:
                assert (kinds[word], *names) in named


@pytest.mark.parametrize(
    "text",
    [
        WORKLOAD.replace("[{name: registry}]", "1").replace("{name: one, configMap: {name: one}}", "[]"),
        OTHERS.replace("[{kind", "{a: {kind").replace("name: own}]", "name: own}}").replace("viewer", "1"),
        "apiVersion: v1\nkind: Pod\nmetadata: 1\nspec: 1\n",
    ],
)
def test_nothing_is_named_by_what_has_another_type(text):
    assert all(isinstance(m.name, str) for _, m in found(text))
