"""The types of the Kubernetes fields that controls read.

They are those of the Kubernetes API reference, v1.30 (core/v1 PodSpec and what it contains, and the objects around it).

Left out on purpose: unknown fields, required fields and value ranges. That is a schema validator's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

# A type is a word, a mapping of fields, [element type], ("map", value type), or (EVERY, type) of a list's items or a
# map's values.
STR: Final = "a string"
INT: Final = "a whole number"
BOOL: Final = "true or false"
QUANTITY: Final = "a quantity such as 250m or 128Mi"
INT_OR_STR: Final = "a number or a string"
STR_MAP: Final = ("map", STR)
EVERY: Final = "every"

METADATA: Final = {
    "name": STR,
    "generateName": STR,
    "namespace": STR,
    "labels": STR_MAP,
    "annotations": STR_MAP,
    "ownerReferences": [{"kind": STR, "name": STR}],
}
_SELECTOR: Final = {
    "matchLabels": STR_MAP,
    "matchExpressions": [{"key": STR, "operator": STR, "values": [STR]}],
}
_SELINUX: Final = {"user": STR, "role": STR, "type": STR, "level": STR}
_PROFILE: Final = {"type": STR, "localhostProfile": STR}
_WINDOWS: Final = {
    "hostProcess": BOOL,
    "runAsUserName": STR,
    "gmsaCredentialSpecName": STR,
    "gmsaCredentialSpec": STR,
}
_CONTAINER_SECURITY: Final = {
    "allowPrivilegeEscalation": BOOL,
    "appArmorProfile": _PROFILE,
    "capabilities": {"add": [STR], "drop": [STR]},
    "privileged": BOOL,
    "procMount": STR,
    "readOnlyRootFilesystem": BOOL,
    "runAsGroup": INT,
    "runAsNonRoot": BOOL,
    "runAsUser": INT,
    "seLinuxOptions": _SELINUX,
    "seccompProfile": _PROFILE,
    "windowsOptions": _WINDOWS,
}
_HTTP_GET: Final = {"host": STR, "path": STR, "port": INT_OR_STR, "scheme": STR}
_HANDLER: Final = {
    "exec": {"command": [STR]},
    "httpGet": _HTTP_GET,
    "tcpSocket": {"host": STR, "port": INT_OR_STR},
    "grpc": {"port": INT},
}
_REF: Final = {"name": STR, "key": STR, "optional": BOOL}
CONTAINER: Final = {
    "name": STR,
    "image": STR,
    "imagePullPolicy": STR,
    "command": [STR],
    "args": [STR],
    "workingDir": STR,
    "env": [
        {
            "name": STR,
            "value": STR,
            "valueFrom": {"secretKeyRef": _REF, "configMapKeyRef": _REF, "fieldRef": {"fieldPath": STR}},
        }
    ],
    "envFrom": [{"prefix": STR, "configMapRef": _REF, "secretRef": _REF}],
    "ports": [{"containerPort": INT, "hostPort": INT, "hostIP": STR, "name": STR, "protocol": STR}],
    "resources": {"limits": ("map", QUANTITY), "requests": ("map", QUANTITY)},
    "restartPolicy": STR,
    "securityContext": _CONTAINER_SECURITY,
    "livenessProbe": _HANDLER,
    "readinessProbe": _HANDLER,
    "startupProbe": _HANDLER,
    "lifecycle": {"postStart": _HANDLER, "preStop": _HANDLER},
    "volumeMounts": [
        {"name": STR, "mountPath": STR, "readOnly": BOOL, "subPath": STR, "mountPropagation": STR}
    ],
}
CONTAINER_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")

POD_SPEC: Final = {
    "automountServiceAccountToken": BOOL,
    "containers": [CONTAINER],
    "initContainers": [CONTAINER],
    "ephemeralContainers": [CONTAINER],
    "hostAliases": [{"ip": STR, "hostnames": [STR]}],
    "hostIPC": BOOL,
    "hostNetwork": BOOL,
    "hostPID": BOOL,
    "hostUsers": BOOL,
    "hostname": STR,
    "nodeName": STR,
    "nodeSelector": STR_MAP,
    "os": {"name": STR},
    "resources": {"limits": ("map", QUANTITY), "requests": ("map", QUANTITY)},
    "priorityClassName": STR,
    "runtimeClassName": STR,
    "restartPolicy": STR,
    "schedulerName": STR,
    "serviceAccount": STR,
    "serviceAccountName": STR,
    "shareProcessNamespace": BOOL,
    "tolerations": [{"key": STR, "operator": STR, "value": STR, "effect": STR}],
    "topologySpreadConstraints": [{"maxSkew": INT, "topologyKey": STR, "whenUnsatisfiable": STR}],
    "securityContext": {
        "appArmorProfile": _PROFILE,
        "fsGroup": INT,
        "fsGroupChangePolicy": STR,
        "runAsGroup": INT,
        "runAsNonRoot": BOOL,
        "runAsUser": INT,
        "seLinuxOptions": _SELINUX,
        "seccompProfile": _PROFILE,
        "supplementalGroups": [INT],
        "sysctls": [{"name": STR, "value": STR}],
        "windowsOptions": _WINDOWS,
    },
    "volumes": [
        {
            "name": STR,
            "hostPath": {"path": STR, "type": STR},
            "secret": {"secretName": STR, "items": [{"key": STR, "path": STR}]},
            "configMap": {"name": STR, "items": [{"key": STR, "path": STR}]},
            "emptyDir": {"medium": STR, "sizeLimit": QUANTITY},
            "persistentVolumeClaim": {"claimName": STR, "readOnly": BOOL},
            "projected": {
                "sources": [
                    {
                        "serviceAccountToken": {"path": STR, "expirationSeconds": INT},
                        "secret": _REF,
                        "configMap": _REF,
                    }
                ]
            },
            "csi": {"driver": STR, "readOnly": BOOL},
        }
    ],
}
POD_TEMPLATE: Final = {"metadata": METADATA, "spec": POD_SPEC}

_CORE: Final = frozenset({""})
_APPS: Final = frozenset({"apps", "extensions"})
_BATCH: Final = frozenset({"batch"})
_RBAC: Final = frozenset({"rbac.authorization.k8s.io"})
_NETWORKING: Final = frozenset({"networking.k8s.io", "extensions"})
_GATEWAY: Final = frozenset({"gateway.networking.k8s.io"})
_CILIUM: Final = frozenset({"cilium.io"})
_CALICO: Final = frozenset({"projectcalico.org", "crd.projectcalico.org"})
_ADMISSION: Final = frozenset({"admissionregistration.k8s.io"})

_UPDATE: Final = {
    "type": STR,
    "rollingUpdate": {"maxSurge": INT_OR_STR, "maxUnavailable": INT_OR_STR, "partition": INT},
}
_ROLE: Final = {
    "rules": [
        {
            "apiGroups": [STR],
            "resources": [STR],
            "resourceNames": [STR],
            "verbs": [STR],
            "nonResourceURLs": [STR],
        }
    ]
}
_BINDING: Final = {
    "roleRef": {"apiGroup": STR, "kind": STR, "name": STR},
    "subjects": [{"apiGroup": STR, "kind": STR, "name": STR, "namespace": STR}],
}
_SERVICE_SPEC: Final = {
    "externalIPs": [STR],
    "loadBalancerSourceRanges": [STR],
    "type": STR,
    "selector": STR_MAP,
    "ports": [{"name": STR, "port": INT, "targetPort": INT_OR_STR, "protocol": STR}],
}
_BACKEND: Final = {
    "service": {"name": STR, "port": {"name": STR, "number": INT}},
    "serviceName": STR,
    "servicePort": INT_OR_STR,
}
_INGRESS_SPEC: Final = {
    "defaultBackend": _BACKEND,
    "backend": _BACKEND,
    "ingressClassName": STR,
    "rules": [{"host": STR, "http": {"paths": [{"backend": _BACKEND}]}}],
    "tls": [{"hosts": [STR], "secretName": STR}],
}
_ROUTE: Final = {
    "spec": {
        "hostnames": [STR],
        "parentRefs": [{"kind": STR, "name": STR, "namespace": STR, "sectionName": STR, "port": INT}],
        "rules": [{"backendRefs": [{"group": STR, "kind": STR, "name": STR, "namespace": STR}]}],
    }
}
_BLOCK: Final = {"cidr": STR, "except": [STR]}
_PEERS: Final = [{"ipBlock": _BLOCK, "podSelector": _SELECTOR, "namespaceSelector": _SELECTOR}]
_PORTS: Final = [{"port": INT_OR_STR, "protocol": STR}]
_POLICY_SPEC: Final = {
    "podSelector": _SELECTOR,
    "policyTypes": [STR],
    "ingress": [{"from": _PEERS, "ports": _PORTS}],
    "egress": [{"to": _PEERS, "ports": _PORTS}],
}
_ALLOWED: Final = {"namespaces": {"from": STR}}
_LISTENER: Final = {"name": STR, "hostname": STR, "port": INT, "protocol": STR, "allowedRoutes": _ALLOWED}
_PATH: Final = {"path": STR, "type": STR}
_VOLUME_SPEC: Final = {"accessModes": [STR], "claimRef": _REF, "hostPath": _PATH, "storageClassName": STR}
_CLAIM_SPEC: Final = {"accessModes": [STR], "selector": _SELECTOR, "storageClassName": STR, "volumeName": STR}
_CILIUM_SPEC: Final = {"endpointSelector": _SELECTOR, "enableDefaultDeny": {"ingress": BOOL, "egress": BOOL}}
_CILIUM_POLICY: Final = {"spec": _CILIUM_SPEC, "specs": [_CILIUM_SPEC]}
_WEBHOOKS: Final = {"webhooks": [{"name": STR, "failurePolicy": STR, "rules": [{"scope": STR}]}]}
_JOB_SPEC: Final = {"selector": _SELECTOR, "template": POD_TEMPLATE, "parallelism": INT, "completions": INT}
_REPLICATED: Final = {"replicas": INT, "selector": _SELECTOR, "template": POD_TEMPLATE}

_KINDS: Final[dict[str, tuple[frozenset[str], dict[str, Any]]]] = {
    "Pod": (_CORE, {"spec": POD_SPEC}),
    "PodTemplate": (_CORE, {"template": POD_TEMPLATE}),
    "ReplicationController": (_CORE, {"spec": {**_REPLICATED, "selector": STR_MAP}}),
    "Deployment": (_APPS, {"spec": {**_REPLICATED, "strategy": _UPDATE}}),
    "ReplicaSet": (_APPS, {"spec": _REPLICATED}),
    "DaemonSet": (
        _APPS,
        {"spec": {"selector": _SELECTOR, "template": POD_TEMPLATE, "updateStrategy": _UPDATE}},
    ),
    "StatefulSet": (_APPS, {"spec": {**_REPLICATED, "serviceName": STR, "updateStrategy": _UPDATE}}),
    "Job": (_BATCH, {"spec": _JOB_SPEC}),
    "CronJob": (
        _BATCH,
        {"spec": {"schedule": STR, "jobTemplate": {"metadata": METADATA, "spec": _JOB_SPEC}}},
    ),
    "PodSecurityPolicy": (
        frozenset({"policy", "extensions"}),
        {
            "spec": {
                "allowPrivilegeEscalation": BOOL,
                "allowedCapabilities": [STR],
                "hostIPC": BOOL,
                "hostNetwork": BOOL,
                "hostPID": BOOL,
                "privileged": BOOL,
                "requiredDropCapabilities": [STR],
                "runAsUser": {"rule": STR, "ranges": [{"min": INT, "max": INT}]},
            }
        },
    ),
    "Node": (_CORE, {"status": {"nodeInfo": {"kubeletVersion": STR}}}),
    "ConfigMap": (_CORE, {"data": STR_MAP, "binaryData": STR_MAP}),
    "Secret": (_CORE, {"data": STR_MAP, "stringData": STR_MAP, "type": STR}),
    "Service": (_CORE, {"spec": _SERVICE_SPEC}),
    "PersistentVolume": (_CORE, {"spec": _VOLUME_SPEC}),
    "PersistentVolumeClaim": (_CORE, {"spec": _CLAIM_SPEC}),
    "ServiceAccount": (_CORE, {"automountServiceAccountToken": BOOL}),
    "Role": (_RBAC, _ROLE),
    "ClusterRole": (_RBAC, {**_ROLE, "aggregationRule": {"clusterRoleSelectors": [_SELECTOR]}}),
    "RoleBinding": (_RBAC, _BINDING),
    "ClusterRoleBinding": (_RBAC, _BINDING),
    "Ingress": (_NETWORKING, {"spec": _INGRESS_SPEC}),
    "NetworkPolicy": (_NETWORKING, {"spec": _POLICY_SPEC}),
    "GlobalNetworkPolicy": (_CALICO, {"spec": {"selector": STR, "namespaceSelector": STR, "types": [STR]}}),
    "CiliumNetworkPolicy": (_CILIUM, _CILIUM_POLICY),
    "CiliumClusterwideNetworkPolicy": (_CILIUM, _CILIUM_POLICY),
    "HTTPRoute": (_GATEWAY, _ROUTE),
    "GRPCRoute": (_GATEWAY, _ROUTE),
    "TLSRoute": (_GATEWAY, _ROUTE),
    "TCPRoute": (_GATEWAY, _ROUTE),
    "UDPRoute": (_GATEWAY, _ROUTE),
    "HorizontalPodAutoscaler": (
        frozenset({"autoscaling"}),
        {"spec": {"scaleTargetRef": {"apiVersion": STR, "kind": STR, "name": STR}}},
    ),
    "MutatingWebhookConfiguration": (_ADMISSION, _WEBHOOKS),
    "ValidatingWebhookConfiguration": (_ADMISSION, _WEBHOOKS),
    "ValidatingAdmissionPolicy": (_ADMISSION, {"spec": {"failurePolicy": STR}}),
    "PodDisruptionBudget": (
        frozenset({"policy"}),
        {"spec": {"minAvailable": INT_OR_STR, "maxUnavailable": INT_OR_STR, "selector": _SELECTOR}},
    ),
    "Gateway": (
        frozenset({"networking.istio.io", "gateway.networking.k8s.io"}),
        {
            "spec": {
                "servers": [{"tls": {"minProtocolVersion": STR}}],
                "listeners": [_LISTENER],
            }
        },
    ),
    "TLSOption": (frozenset({"traefik.io", "traefik.containo.us"}), {"spec": {"minVersion": STR}}),
}
"""Kinds that controls read, with the API groups they are in and their fields."""
KINDS: Final = frozenset(_KINDS)
"""Their names."""

Fields: TypeAlias = dict[str, Any]


def known_fields(group: str, kind: str) -> Fields | None:
    """What is known about the fields of a kind beside its metadata; None for what is not in the table.

    Args:
        group: its API group, without the version.
        kind: its name.
    """
    groups, known = _KINDS.get(kind, (_CORE, {}))
    return known if known and group in groups else None


def groups_of(kind: str) -> tuple[str, ...]:
    """The API groups that a kind of the table is in; none for any other."""
    return tuple(sorted(_KINDS[kind][0])) if kind in _KINDS else ()


def is_whole_number(fields: Fields, path: Path) -> bool:
    """Whether the field at a path of an object holds a whole number."""
    here: Any = fields
    for part in path:
        if isinstance(here, list):
            here = here[0]
        elif isinstance(here, tuple):
            here = here[1]
        else:
            here = here.get(part) if isinstance(here, dict) else None
    return bool(here == INT)
