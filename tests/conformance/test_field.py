"""Situations that people reported to other tools, or met when they used this one: what must and must not be reported.

The cases lie beside a developer's checkout (`shared/field`, with the reason in each `expect.md`); without them these
tests are skipped, and the same kinds of fault are covered by the controls' own tests.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kscan_lsp.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


class Expected(NamedTuple):
    """What a case must and must not report: `CONTROL Kind/name`, with the path of the finding where it matters."""

    must: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    """`CONTROL Kind/name`, or `CONTROL` alone for anything of it."""
    frameworks: tuple[str, ...] = ("allcontrols",)
    files: tuple[str, ...] = ("",)


CASES = {
    "08-init-and-sidecar-probes": Expected(
        must=(
            "C-0018 StatefulSet/db spec.template.spec.initContainers[1].readinessProbe",
            "C-0056 StatefulSet/db spec.template.spec.initContainers[1].livenessProbe",
        ),
        never=("C-0018 Job/once", "C-0056 Job/once", "C-0018 CronJob/often", "C-0056 CronJob/often"),
    ),
    "18-windows": Expected(
        must=("C-0013 Pod/winsel", "C-0211 Pod/winsel"),
        never=(
            "C-0013 Pod/win",
            *(f"{control} Pod/{pod}" for control in ("C-0016", "C-0017", "C-0055", "C-0210", "KS-0029")
              for pod in ("win", "winsel")),
        ),
    ),
    "22-cilium": Expected(
        must=("C-0030 Pod/other", "C-0260 Pod/other"),
        never=tuple(f"{control} Pod/{pod}" for control in ("C-0030", "C-0260") for pod in "abd"),
    ),
    "23-services": Expected(
        must=("C-0293 Service/dangling",),
        never=tuple(
            f"C-0293 Service/{name}"
            for name in ("sts-pod0", "sts-index", "external-mt1", "ext", "rollout-svc", "pg-rw")
        ),
    ),
    "29-pdb": Expected(
        must=(
            "KS-0038 PodDisruptionBudget/zero spec.maxUnavailable",
            "KS-0038 PodDisruptionBudget/hundred spec.minAvailable",
            "KS-0038 PodDisruptionBudget/same spec.minAvailable",
        ),
        never=tuple(f"KS-0038 PodDisruptionBudget/{name}" for name in ("sink", "and", "all")),
    ),
    "48-aggregated-roles": Expected(
        files=("a.yaml",),
        must=(
            *(f"{control} ClusterRole/member rules[0].resources[0]" for control in ("C-0187", "C-0035", "C-0015")),
            "C-0267 Pod/ops",
            "C-0272 Pod/ops",
        ),
    ),
    "54-helm-hook-cronjob": Expected(
        must=(
            "KS-0001 CronJob/old",
            "KS-0001 Deployment/older",
            "C-0298 Ingress/one",
            "C-0298 Ingress/two spec.rules[0].http.paths[0].backend.service.port",
        ),
    ),
    "55-hostpath-readonly": Expected(
        must=(
            *(f"C-0074 Pod/hp spec.volumes[{n}].hostPath.path" for n in (1, 2, 3, 4)),
            "KS-0044 Pod/hp spec.volumes[3].hostPath.path",
            "C-0045 Pod/hp spec.containers[2].volumeMounts[0].readOnly",
            "C-0045 Pod/hp spec.containers[3].volumeMounts[0].readOnly",
        ),
        never=("C-0074 Pod/hp spec.volumes[0].hostPath.path",),
    ),
    "56-pv-hostpath": Expected(
        must=("C-0048 Pod/viapvc spec.volumes[0].persistentVolumeClaim", "C-0020 PersistentVolume/pv"),
    ),
    "64-secrets-resourcenames": Expected(
        must=("C-0015 Role/mixed rules[1].resources[0]", "C-0186 Role/mixed rules[1].resources[0]"),
        never=("C-0015 Role/scoped", "C-0186 Role/scoped", "C-0015 Role/mixed rules[0].resources[0]"),
    ),
    "67-ingress-cloud-tls": Expected(never=("C-0263", "C-0298")),
    "74-builtin-cluster-admin": Expected(
        files=("a.yaml",),
        must=(
            "KS-0043 ClusterRoleBinding/b roleRef",
            "C-0035 ClusterRoleBinding/b roleRef",
            "C-0015 RoleBinding/e roleRef",
            "C-0053 RoleBinding/e",
            "C-0267 Pod/vianew",
            "C-0272 Pod/vianew",
        ),
        never=("C-0035 RoleBinding/e", "KS-0043 RoleBinding/e"),
    ),
    "sec-01-cluster-admin-binding": Expected(
        must=("KS-0043 ClusterRoleBinding/devs-admin roleRef", "KS-0043 ClusterRoleBinding/ci-admin roleRef"),
        frameworks=("recommended", "allcontrols"),
    ),
    "sec-12-network": Expected(
        must=(
            "C-0030 Deployment/api",
            "C-0260 Deployment/api",
            "KS-0045 NetworkPolicy/out spec.ingress",
            "KS-0046 NetworkPolicy/out spec.egress[0]",
            "C-0263 Gateway/edge spec.listeners[0].protocol",
            "C-0263 Ingress/pay spec.rules[0].host",
        ),
    ),
    "dev-08-rbac-silent": Expected(
        must=("KS-0043 ClusterRoleBinding/payments-ci roleRef", "KS-0043 ClusterRole/everything"),
        frameworks=("recommended", "allcontrols"),
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def field(shared: Path) -> Path:
    folder = shared / "field"
    if not folder.is_dir():
        pytest.skip("needs the cases from the field beside the checkout (shared/field)")
    return folder


def reported(path: Path, framework: str) -> list[tuple[str, str]]:
    """(`CONTROL Kind/name`, path) of all that a scan reports."""
    argv = ["kscan", "scan", str(path), "--format", "json", "--fail-on", "none", "--framework", framework]
    out = io.StringIO()
    before, sys.argv = sys.argv, argv
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            main()
    finally:
        sys.argv = before
    return [
        (f"{found['control']} {found['resource']['kind']}/{found['resource']['name']}", found["path"])
        for found in json.loads(out.getvalue())["findings"]
    ]


def is_among(wanted: str, found: list[tuple[str, str]]) -> bool:
    control, _, rest = wanted.partition(" ")
    if not rest:
        return any(what.startswith(f"{control} ") for what, _ in found)
    who, _, path = rest.partition(" ")
    return any(what == f"{control} {who}" and path in ("", where) for what, where in found)


@pytest.mark.parametrize(
    ("case", "framework", "file"),
    [
        (case, name, file)
        for case, given in CASES.items()
        for name in given.frameworks
        for file in given.files
    ],
)
def test_case(field: Path, case: str, framework: str, file: str) -> None:
    expected, found = CASES[case], reported(field / case / file, framework)
    assert [wanted for wanted in expected.must if not is_among(wanted, found)] == []
    assert [never for never in expected.never if is_among(never, found)] == []
