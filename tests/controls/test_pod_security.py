"""The Pod Security Standards, row by row: what the documentation forbids is a finding of that row, and of no other.

Every case starts from a pod that the restricted standard admits, and changes one thing. The rows, their names and the
values that they allow are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/ for 1.37.
"""

from __future__ import annotations

import copy
import json
from datetime import date

import pytest
from support.judging import check_file

from kscan_lsp.policy import ruleset
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies

POLICIES = builtin_policies()
LISTS = ("containers", "initContainers", "ephemeralContainers")
HARDENED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "annotations": {}},
    "spec": {
        name: [{"name": name, "image": "registry.example/web:1.0", "securityContext": dict(HARDENED)}]
        for name in LISTS
    },
}
WINDOWS = {"os": {"name": "windows"}}
USER_NAMESPACE = {"hostUsers": False}
OWN = "securityContext"

# The rows: what is forbidden and what is allowed, as changes to the pod's spec, to each kind of container, and to the
# annotations. A change replaces the value of its key; None takes the key away.

BASELINE = {
    "HostProcess": (
        [{"pod": {OWN: {"windowsOptions": {"hostProcess": True}}}},
         {"container": {OWN: {"windowsOptions": {"hostProcess": True}}}}],
        [{"pod": {OWN: {"windowsOptions": {"hostProcess": False}}}},
         {"container": {OWN: {"windowsOptions": {"runAsUserName": "ContainerUser"}}}}],
    ),
    "Host Namespaces": (
        [{"pod": {name: True}} for name in ("hostNetwork", "hostPID", "hostIPC")],
        [{"pod": {name: False}} for name in ("hostNetwork", "hostPID", "hostIPC")],
    ),
    "Privileged Containers": (
        [{"container": {OWN: {"privileged": True, "allowPrivilegeEscalation": None}}}],
        [{"container": {OWN: {"privileged": False}}}],
    ),
    "Capabilities": (
        [{"container": {OWN: {"capabilities": {"add": [name], "drop": ["ALL"]}}}}
         for name in ("NET_RAW", "NET_ADMIN", "SYS_PTRACE", "ALL", "CAP_CHOWN", "chown")],
        [{"container": {OWN: {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}}}],
    ),
    "HostPath Volumes": (
        [{"pod": {"volumes": [{"name": "a", "hostPath": {"path": "/var/log"}}]}},
         {"pod": {"volumes": [{"name": "a", "hostPath": {}}]}}],
        [{"pod": {"volumes": [{"name": "a", "hostPath": None}]}}],
    ),
    "Host Ports": (
        [{"container": {"ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]}}],
        [{"container": {"ports": [{"containerPort": 80, "hostPort": 0}]}}],
    ),
    "Host Probes / Lifecycle Hooks (v1.34+)": (
        [{"container": {probe: {action: {"host": "10.0.0.1", "port": 80}}}}
         for probe in ("livenessProbe", "readinessProbe", "startupProbe") for action in ("httpGet", "tcpSocket")]
        + [{"container": {"lifecycle": {hook: {action: {"host": "127.0.0.1", "port": 80}}}}}
           for hook in ("postStart", "preStop") for action in ("httpGet", "tcpSocket")],
        [{"container": {"livenessProbe": {"httpGet": {"host": "", "port": 80}}}},
         {"container": {"lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}}],
    ),
    "AppArmor": (
        [{"pod": {OWN: {"appArmorProfile": {"type": "Unconfined"}}}},
         {"container": {OWN: {"appArmorProfile": {"type": "Unconfined"}}}},
         {"annotations": {"container.apparmor.security.beta.kubernetes.io/containers": "unconfined"}},
         {"annotations": {"container.apparmor.security.beta.kubernetes.io/nobody": "own"}}],
        [{"pod": {OWN: {"appArmorProfile": {"type": "RuntimeDefault"}}}},
         {"container": {OWN: {"appArmorProfile": {"type": "Localhost", "localhostProfile": "web"}}}},
         *({"annotations": {"container.apparmor.security.beta.kubernetes.io/containers": value}}
           for value in ("", "runtime/default", "localhost/web"))],
    ),
    "SELinux": (
        [{whose: {OWN: {"seLinuxOptions": options}}} for whose in ("pod", "container")
         for options in ({"type": "spc_t"}, {"user": "system_u"}, {"role": "system_r"})],
        [{"pod": {OWN: {"seLinuxOptions": {"type": name, "user": "", "role": "", "level": "s0:c1"}}}}
         for name in ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")],
    ),
    "/proc Mount Type": (
        [{"container": {OWN: {"procMount": "Unmasked"}}}],
        [{"container": {OWN: {"procMount": "Default"}}}],
    ),
    "Seccomp": (
        [{"pod": {OWN: {"seccompProfile": {"type": "Unconfined"}}}},
         {"container": {OWN: {"seccompProfile": {"type": "Unconfined"}}}}],
        [{"container": {OWN: {"seccompProfile": {"type": "Localhost", "localhostProfile": "web.json"}}}},
         {"annotations": {"container.seccomp.security.alpha.kubernetes.io/containers": "unconfined"}}],
    ),
    "Sysctls": (
        [{"pod": {OWN: {"sysctls": [{"name": name, "value": "1"}]}}}
         for name in ("kernel.msgmax", "net.core.somaxconn", "net.ipv4.tcp_syncookie")],
        [{"pod": {OWN: {"sysctls": [{"name": name, "value": "1"}]}}}
         for name in ("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
                      "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
                      "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
                      "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
                      "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat")],
    ),
}  # fmt: skip

RESTRICTED = {
    "Volume Types": (
        [{"pod": {"volumes": [{"name": "a", kind: {}}]}}
         for kind in ("hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs",
                      "rbd", "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte",
                      "azureDisk", "portworxVolume", "photonPersistentDisk", "scaleIO", "storageos")],
        [{"pod": {"volumes": [{"name": "a", kind: {}}]}}
         for kind in ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
                      "projected", "secret")]
        + [{"pod": {"volumes": [{"name": "a"}]}}],
    ),
    "Privilege Escalation (v1.8+)": (
        [{"container": {OWN: {"allowPrivilegeEscalation": value}}} for value in (True, None)],
        [{"pod": WINDOWS, "container": {OWN: {"allowPrivilegeEscalation": None}}}],
    ),
    "Running as Non-root": (
        [{"container": {OWN: {"runAsNonRoot": value}}} for value in (False, None)]
        + [{"pod": {OWN: {"runAsNonRoot": False}}},
           {"pod": {OWN: {"runAsNonRoot": True}}, "container": {OWN: {"runAsNonRoot": False}}},
           {"pod": WINDOWS, "container": {OWN: {"runAsNonRoot": None}}}],
        [{"pod": {OWN: {"runAsNonRoot": True}}, "container": {OWN: {"runAsNonRoot": None}}},
         {"pod": USER_NAMESPACE, "container": {OWN: {"runAsNonRoot": False}}}],
    ),
    "Running as Non-root user (v1.23+)": (
        [{"pod": {OWN: {"runAsUser": 0}}}, {"container": {OWN: {"runAsUser": 0}}}],
        [{"pod": {OWN: {"runAsUser": 1}}}, {"container": {OWN: {"runAsUser": 65534}}},
         {"pod": {OWN: {"runAsUser": 0}, **USER_NAMESPACE}}],
    ),
    "Seccomp (v1.19+)": (
        [{"pod": {OWN: {"seccompProfile": {"type": "Unconfined"}}}},
         *({"container": {OWN: {"seccompProfile": value}}} for value in (None, {"type": "Unconfined"})),
         {"pod": {OWN: {"seccompProfile": {"type": "RuntimeDefault"}}},
          "container": {OWN: {"seccompProfile": {"type": "Unconfined"}}}}],
        [{"pod": {OWN: {"seccompProfile": {"type": "Localhost", "localhostProfile": "web.json"}}},
          "container": {OWN: {"seccompProfile": None}}},
         {"pod": WINDOWS, "container": {OWN: {"seccompProfile": None}}}],
    ),
    "Capabilities (v1.22+)": (
        [{"container": {OWN: {"capabilities": value}}}
         for value in (None, {"drop": []}, {"drop": ["NET_RAW"]}, {"drop": ["all"]}, {"drop": ["CAP_ALL"]},
                       {"drop": ["ALL"], "add": ["CHOWN"]}, {"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "KILL"]})],
        [{"container": {OWN: {"capabilities": {"drop": ["ALL", "KILL"], "add": ["NET_BIND_SERVICE"]}}}},
         {"pod": WINDOWS, "container": {OWN: {"capabilities": None}}}],
    ),
    "/proc Mount Type": ([{"pod": USER_NAMESPACE, "container": {OWN: {"procMount": "Unmasked"}}}], []),
}  # fmt: skip

DEFAULT_CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip

SAME_FIELD = {
    "Capabilities": "Capabilities (v1.22+)",
    "HostPath Volumes": "Volume Types",
    "Seccomp": "Seccomp (v1.19+)",
}
"""Rows of baseline, and the stricter ones about the same field in restricted."""


def pods(change):
    """The pod with a change, made to one kind of container at a time."""
    for listed in LISTS if "container" in change else LISTS[:1]:
        pod = copy.deepcopy(POD)
        pod["metadata"]["annotations"].update(change.get("annotations", {}))
        for target, changes in ((pod["spec"], "pod"), (pod["spec"][listed][0], "container")):
            for key, value in change.get(changes, {}).items():
                target[key] = {**target.get(key, {}), **value} if key == OWN else value
        yield pod


def violated(framework: str, pod, kind: str = "Pod") -> set[str]:
    """The rows that a pod violates, by the findings about it."""
    members = POLICIES.frameworks[framework].members
    rules, _ = ruleset.choose(POLICIES, Settings(frameworks=(framework,)))
    if kind == "Deployment":
        pod = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": {"template": pod}}
    checked = check_file("pod.json", json.dumps(pod), rules, date(2026, 1, 1), json=True)
    (verdicts,) = checked.documents[0].checked.verdicts
    assert verdicts.unevaluated == ()
    return {members[finding.control].section for finding in verdicts.findings}


def cases(rows, kind):
    return [(row, change) for row, changes in rows.items() for change in changes[kind]]


def test_every_row_is_here() -> None:
    baseline, restricted = (
        POLICIES.frameworks[f"pss-{level}"].members for level in ("baseline", "restricted")
    )
    assert {member.section for member in baseline.values()} == BASELINE.keys()
    expected = (BASELINE.keys() - SAME_FIELD.keys()) | RESTRICTED.keys()
    assert {member.section for member in restricted.values()} == expected


@pytest.mark.parametrize("kind", ["Pod", "Deployment"])
def test_a_hardened_pod_is_admitted(kind: str) -> None:
    assert violated("pss-restricted", POD, kind) == set()
    assert violated("pss-baseline", POD, kind) == set()


def test_the_default_pod_is_admitted_by_baseline() -> None:
    pod = {**POD, "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.0"}]}}
    assert violated("pss-baseline", pod) == set()
    assert violated("pss-restricted", pod) == RESTRICTED.keys() - {
        "Volume Types", "Running as Non-root user (v1.23+)", "/proc Mount Type"
    }  # fmt: skip


@pytest.mark.parametrize(("row", "change"), cases(BASELINE, 0))
def test_baseline_forbids(row: str, change) -> None:
    for pod in pods(change):
        assert violated("pss-baseline", pod) == {row}
        assert violated("pss-baseline", pod, "Deployment") == {row}
        assert SAME_FIELD.get(row, row) in violated("pss-restricted", pod)


@pytest.mark.parametrize(("row", "change"), cases(BASELINE, 1))
def test_baseline_admits(row: str, change) -> None:
    for pod in pods(change):
        assert violated("pss-baseline", pod) == set(), row


@pytest.mark.parametrize(("row", "change"), cases(RESTRICTED, 0))
def test_restricted_forbids(row: str, change) -> None:
    for pod in pods(change):
        assert violated("pss-restricted", pod) == {row}
        assert violated("pss-restricted", pod, "Deployment") == {row}


@pytest.mark.parametrize(("row", "change"), cases(RESTRICTED, 1))
def test_restricted_admits(row: str, change) -> None:
    for pod in pods(change):
        assert violated("pss-restricted", pod) == set(), row


@pytest.mark.parametrize("name", DEFAULT_CAPABILITIES)
def test_baseline_admits_the_default_capabilities(name: str) -> None:
    (pod, *_) = pods({"container": {OWN: {"capabilities": {"add": [name]}}}})
    assert violated("pss-baseline", pod) == set()


@pytest.mark.parametrize("name", ["SYS_ADMIN", "CAP_SYS_ADMIN"])
def test_sys_admin_is_also_as_good_as_privileged(name: str) -> None:
    (pod, *_) = pods({"container": {OWN: {"capabilities": {"add": [name]}}}})
    assert violated("pss-baseline", pod) == {"Capabilities", "Privileged Containers"}


def test_a_user_namespace_relaxes_baseline_only() -> None:
    (pod, *_) = pods({"pod": USER_NAMESPACE, "container": {OWN: {"procMount": "Unmasked"}}})
    assert violated("pss-baseline", pod) == set()
