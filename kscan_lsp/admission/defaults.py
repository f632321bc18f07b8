"""What the API server puts into an object before any policy sees it, of what policies ask for.

Source: pkg/apis/core/v1/defaults.go, pkg/apis/apps/v1/defaults.go and pkg/apis/batch/v1/defaults.go of Kubernetes 1.34;
`metadata.namespace` comes from the request.

Left out on purpose: what is allocated (addresses, node ports), and what other admission plugins put in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.graph.index import Object

_ROLLING: Final = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
_SPECS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("apps", "Deployment"): {"replicas": 1, "strategy": _ROLLING, "revisionHistoryLimit": 10,
                             "progressDeadlineSeconds": 600},
    ("apps", "ReplicaSet"): {"replicas": 1},
    ("apps", "StatefulSet"): {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
                              "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
    ("apps", "DaemonSet"): {"revisionHistoryLimit": 10,
                            "updateStrategy": {"type": "RollingUpdate",
                                               "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}},
    ("", "ReplicationController"): {"replicas": 1},
    ("batch", "Job"): {"completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed",
                       "suspend": False},
    ("batch", "CronJob"): {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3,
                           "failedJobsHistoryLimit": 1},
    ("", "Service"): {"type": "ClusterIP", "sessionAffinity": "None"},
}  # fmt: skip
"""By group and kind, the fields of `spec`."""
_POD: Final[dict[str, Any]] = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
    "securityContext": {},
}
_CONTAINER: Final[dict[str, Any]] = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")
_PODS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("", "Pod"): ("spec",),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    **{
        kind: ("spec", "template", "spec")
        for kind in _SPECS
        if kind not in {("", "Service"), ("batch", "CronJob")}
    },
}


def with_defaults(one: Object, namespace: str) -> dict[str, Any]:
    """An object as policies see it when it is created.

    Args:
        one: the object.
        namespace: where it is created; empty for what has none.
    """
    kind = (one.id.group, one.id.kind)
    data = dict(one.data)
    metadata = data.get("metadata")
    if namespace and isinstance(metadata, dict):
        data["metadata"] = {"namespace": namespace, **metadata}
    spec = data.get("spec")
    if kind in _SPECS and isinstance(spec, dict):
        data["spec"] = _filled(spec, _SPECS[kind])
        if kind == ("", "Service"):
            data["spec"] = _service(data["spec"])
    if way := _PODS.get(kind):
        data = _at(data, way, _pod)
    return data


def _at(value: Any, way: tuple[str, ...], change: Callable[[dict[str, Any]], Any]) -> Any:
    """The value with what stands at a way changed, where there is a map."""
    if not isinstance(value, dict):
        return value
    if not way:
        return change(value)
    return {**value, way[0]: _at(value[way[0]], way[1:], change)} if way[0] in value else value


def _filled(given: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in defaults.items() if given.get(key) is None}, **_present(given)}


def _present(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    found = _filled(spec, _POD)
    for name in _LISTS:
        if isinstance(listed := found.get(name), list):
            found[name] = [_container(one) if isinstance(one, dict) else one for one in listed]
    return found


def _container(given: dict[str, Any]) -> dict[str, Any]:
    found = _filled(given, _CONTAINER)
    image = found.get("image")
    if isinstance(image, str) and "imagePullPolicy" not in found:
        _, colon, tag = image.rpartition("/")[2].partition(":")
        latest = "@" not in image and (not colon or tag == "latest")
        found["imagePullPolicy"] = "Always" if latest else "IfNotPresent"
    if isinstance(ports := found.get("ports"), list):
        found["ports"] = [
            _filled(one, {"protocol": "TCP"}) if isinstance(one, dict) else one for one in ports
        ]
    return found


def _service(spec: dict[str, Any]) -> dict[str, Any]:
    if isinstance(ports := spec.get("ports"), list):
        spec["ports"] = [
            _filled(one, {"protocol": "TCP", "targetPort": one.get("port")}) if isinstance(one, dict) else one
            for one in ports
        ]
    return spec
