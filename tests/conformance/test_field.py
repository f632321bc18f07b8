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
    accepted: tuple[str, ...] = ()
    """As `must`, of what is suppressed."""
    frameworks: tuple[str, ...] = ("allcontrols",)
    """Empty names stand for what the settings of the case choose."""
    files: tuple[str, ...] = ("",)
    problems: tuple[str, ...] = ()
    """All of them, as `file:line` and how the message begins."""
    resources: int | None = None
    """How many are read."""


CREDENTIALS = ("C-0012", "C-0259", "KS-0017")
CASES = {
    "01-secret-path-env": Expected(never=CREDENTIALS),
    "02-plain-credentials": Expected(
        must=(
            *(f"{control} Pod/leaky spec.containers[0].env[{n}].value" for control in ("C-0012", "C-0259")
              for n in range(12)),
            "C-0012 Pod/leaky spec.containers[0].command[2]",
            "C-0012 Pod/leaky spec.containers[0].args[0]",
            "C-0012 Pod/leaky spec.containers[0].args[2]",
        ),
    ),
    "03-envfrom-secret": Expected(must=("C-0207 Pod/ref spec.containers[0].envFrom[0].secretRef",), never=CREDENTIALS),
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
    "26-argo-rollout": Expected(
        must=(
            *(f"C-0057 {who}" for who in ("Rollout/my-app", "Service/fn", "DeploymentConfig/dc", "Workflow/wf",
                                          "Task/tk", "Prometheus/p", "PyTorchJob/pt")),
        ),
        frameworks=("recommended", "allcontrols"),
    ),
    "27-rc-selector": Expected(
        must=("C-0296 ReplicationController/rc spec.selector.tier",),
        never=("C-0296 Job/j", "C-0296 Deployment/expr"),
    ),
    "29-pdb": Expected(
        must=(
            "KS-0038 PodDisruptionBudget/zero spec.maxUnavailable",
            "KS-0038 PodDisruptionBudget/hundred spec.minAvailable",
            "KS-0038 PodDisruptionBudget/same spec.minAvailable",
        ),
        never=tuple(f"KS-0038 PodDisruptionBudget/{name}" for name in ("sink", "and", "all")),
    ),
    "30-list-kinds": Expected(
        must=(
            *(f"C-0057 {who}" for who in ("Deployment/in-list", "Pod/typed", "Pod/typed2", "Deployment/typed3",
                                          "Pod/j1", "Pod/j2", "Pod/one", "Pod/two")),
        ),
        problems=(),
    ),
    "37-sops": Expected(
        must=("KS-0017 Secret/real stringData.TOKEN",),
        never=(
            *(f"KS-0017 Secret/{name}" for name in ("db", "placeholder", "empty", "sa-token", "mergeme")),
            "C-0012 ConfigMap/c", "C-0012 Pod/enc", "C-0259 Pod/enc",
        ),
    ),
    "39-helm-chart": Expected(must=("C-0057 Pod/static",), resources=1),
    "45-suppress-annotation": Expected(
        accepted=(
            *(
                f"C-0057 {who}"
                for who in ("Deployment/onobject", "Deployment/ontemplate", "CronJob/cj", "Deployment/kubescape-style")
            ),
            "C-0260 Deployment/ontemplate",
        ),
        problems=(),
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
    "58-allowlist-wildcards": Expected(
        must=(
            "C-0078 Pod/img spec.containers[4].image",
            "C-0078 Pod/img spec.containers[5].image",
            "C-0001 Pod/img spec.containers[5].image",
        ),
        never=(
            *(f"C-0078 Pod/img spec.containers[{n}].image" for n in range(4)),
            *(f"C-0001 Pod/img spec.containers[{n}].image" for n in range(5)),
        ),
    ),
    "63-globs": Expected(resources=3),
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
    "80-tab-only-line": Expected(
        must=("C-0057 Pod/tabs spec.containers[0].securityContext.privileged",),
        problems=("blankline.yaml:10 a tab cannot indent YAML",),
    ),
    "sec-01-cluster-admin-binding": Expected(
        must=("KS-0043 ClusterRoleBinding/devs-admin roleRef", "KS-0043 ClusterRoleBinding/ci-admin roleRef"),
        frameworks=("recommended", "allcontrols"),
    ),
    "sec-03-credentials-missed": Expected(
        must=(
            *(f"C-0012 Pod/p spec.containers[0].{path}" for path in ("args[0]", "args[1]", "command[2]", "env[0].value",
                                                                     "env[1].value", "env[2].value")),
            'C-0012 ConfigMap/cm data["application.yaml"]',
            "C-0012 ConfigMap/cm data.id_rsa",
            "C-0012 ConfigMap/cm data.DB_PASSWORD",
            "KS-0017 Secret/sops-part stringData.PASSWORD",
        ),
        never=("KS-0017 Secret/sops-part stringData.A",),
    ),
    "sec-06-suppression-template-annotation": Expected(
        accepted=(
            "C-0041 Deployment/d spec.template.spec.hostNetwork",
            "C-0013 Deployment/d",
            "C-0016 Deployment/d",
            "C-0271 Deployment/d",
        ),
        must=("C-0041 Pod/p",),
        problems=(
            "namespace.yaml:3 nothing to suppress: C-0041 finds nothing here",
            "namespace.yaml:16 nothing to suppress: C-0041 finds nothing here",
        ),
    ),
    "sec-08-c0192-ignores-vap": Expected(never=("C-0192",)),
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
    "sec-16-rollout-and-crds": Expected(
        must=(
            *(f"C-0057 {who}" for who in ("Rollout/ledger", "Service/kn", "Workflow/wf", "Task/t", "CloneSet/c")),
            "KS-0051 Deploymnet/typo",
        ),
        frameworks=("recommended", "allcontrols"),
    ),
    "dev-02-wrong-type-hides": Expected(
        must=("C-0041 Pod/p", "C-0038 Pod/p"),
        files=("pod.yaml",),
        problems=("pod.yaml:12 'allowPrivilegeEscalation' must be true or false",),
    ),
    "dev-04-lists": Expected(
        must=("C-0057 Pod/a", "C-0038 Pod/a", "KS-0043 ClusterRole/x"),
        problems=(
            "jsonc.json:2 a key in double quotes is missing here",
            "multi.yaml:20 this '{' is not closed",
        ),
    ),
    "dev-05-credential-noise": Expected(
        must=(
            *(f"C-0012 ConfigMap/c data{key}" for key in (".STRIPE", ".DATABASE_URL", '["application.yaml"]')),
            *(f"C-0012 Pod/c spec.containers[0].{path}" for path in ("args[0]", "args[2]", "env[10].value",
                                                                     "env[11].value")),
        ),
        never=(
            *(f"C-0012 Pod/c spec.containers[0].env[{n}].value" for n in (*range(10), 12, 13, 14)),
            *(f"C-0012 ConfigMap/c data.{key}" for key in ("MONKEY", "API_KEY", "VAULT_TOKEN", "JWT_ALGORITHM",
                                                           "SECRET_NAME", "PASSWORD_MIN_LENGTH", "TOKEN_URL")),
        ),
    ),
    "dev-10-misspelt-framework": Expected(
        must=("C-0041 CronJob/settlement",),
        frameworks=("",),
        problems=(".kscan.yaml:1 unknown framework 'recomended', so 'recommended' applies",),
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


class Reported(NamedTuple):
    """What a scan says: (`CONTROL Kind/name`, path) of findings, and `file:line message` of problems."""

    open: list[tuple[str, str]]
    accepted: list[tuple[str, str]]
    problems: list[str]
    resources: int
    unjudged: dict[str, str]
    """By control, the first reason."""


def scanned(path: Path, *options: str) -> str:
    """What a scan prints."""
    argv = ["kscan", "scan", str(path), "--fail-on", "none", *options]
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
    return out.getvalue()


def reported(path: Path, framework: str) -> Reported:
    """What a scan says by a framework, or by the one that the settings beside the files choose."""
    report = json.loads(scanned(path, "--format", "json", *(["--framework", framework] if framework else [])))
    found: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for one in report["findings"]:
        who = f"{one['control']} {one['resource']['kind']}/{one['resource']['name']}"
        found[one["status"] == "open"].append((who, one["path"]))
    problems = [
        f"{one['file'].rpartition('/')[2]}:{one['line']} {one['message']}" for one in report["problems"]
    ]
    reasons = {
        one["id"]: one["notEvaluated"]["reasons"][0]["reason"]
        for one in report["controls"]
        if one["notEvaluated"] and one["notEvaluated"]["reasons"]
    }
    return Reported(found[True], found[False], problems, report["summary"]["resources"], reasons)


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
    assert [wanted for wanted in expected.must if not is_among(wanted, found.open)] == []
    assert [wanted for wanted in expected.accepted if not is_among(wanted, found.accepted)] == []
    assert [never for never in expected.never if is_among(never, found.open)] == []
    assert len(found.problems) == len(expected.problems), found.problems
    for told, wanted in zip(found.problems, expected.problems, strict=True):
        assert told.startswith(wanted)
    assert expected.resources in (None, found.resources)


def test_a_field_of_a_wrong_type_hides_nothing_else(field: Path) -> None:
    folder = field / "dev-02-wrong-type-hides"
    wrong, right = (reported(folder / name, "allcontrols") for name in ("pod.yaml", "pod-ok.yaml"))
    assert wrong.open == right.open
    told = {control for control, reason in wrong.unjudged.items() if "allowPrivilegeEscalation" in reason}
    assert told == {"C-0016"}


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("1.16", {"KS-0050 FlowSchema/f"}),
        ("1.24", {"KS-0001 CSIDriver/c", "KS-0001 APIService/v1.x", "KS-0050 FlowSchema/f"}),
        ("1.25", {"KS-0001 PodSecurityPolicy/p", "KS-0001 CSIDriver/c", "KS-0001 APIService/v1.x",
                  "KS-0050 FlowSchema/f"}),
        ("1.32", {f"KS-0001 {who}" for who in ("FlowSchema/f", "PodSecurityPolicy/p", "HorizontalPodAutoscaler/h",
                                               "CSIDriver/c", "APIService/v1.x")}),
    ],
)  # fmt: skip
def test_the_chosen_version_decides(field: Path, tmp_path: Path, version: str, found: set[str]) -> None:
    (tmp_path / "a.yaml").write_text((field / "69-kubernetes-version" / "a.yaml").read_text())
    (tmp_path / ".kscan.yaml").write_text(f"kubernetesVersion: {version}\n")
    versions = {who for who, _ in reported(tmp_path, "allcontrols").open if who[:7] in ("KS-0001", "KS-0050")}
    assert versions == found


@pytest.mark.parametrize("framework", ["recommended", "allcontrols"])
def test_a_key_is_renamed_with_its_comments(field: Path, tmp_path: Path, framework: str) -> None:
    """Case dev-07-rename-fix."""
    text = (field / "dev-07-rename-fix" / "pod.yaml").read_text()
    (tmp_path / "pod.yaml").write_text(text)
    argv, sys.argv = sys.argv, ["kscan", "fix", "--write", "--framework", framework, str(tmp_path)]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            main()
    finally:
        sys.argv = argv
    renamed = text.replace("  serviceAccount: checkout", "  serviceAccountName: checkout").splitlines()
    assert [line for line in renamed if "erviceAccount" in line or "RBAC-12" in line] == [
        line
        for line in (tmp_path / "pod.yaml").read_text().splitlines()
        if "erviceAccount" in line or "RBAC-12" in line
    ]


def test_a_secrets_own_kind_is_shown(field: Path) -> None:
    shown = scanned(field / "sec-14-mask-secret-kind")
    assert "kind: Secret" in shown
    assert "***" not in shown


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("controls: {severity: {high: [C-0013, C-0016]}}", "1:29 must be a severity; write the control first"),
        ("controls: {severity: {C-0013: High}}", "1:31 'High' is no severity; did you mean 'high'?"),
        ("inputs: {sensitiveValuesAllowed: ['[unclosed']}", "1:35 not a regular expression"),
        ("inputs: {imageRepositoryAllowList: ['https://registry.bank.example/']}",
         "1:37 'https://registry.bank.example/' matches no image"),
        ("inputs: {imageRepositoryAllowList: ['^registry\\.bank.*']}", "1:37 '^registry\\.bank.*' matches no image"),
        ("podSpecPaths: [{kind: Rollout, group: argoproj.io/v1alpha1, path: spec.template}]",
         "1:39 a group has no version here; write 'argoproj.io'"),
        ("exclude: [./pod.yaml]", "1:11 './pod.yaml' matches no file"),
        ("exclude: [/abs/path/pod.yaml]", "1:11 '/abs/path/pod.yaml' leaves nothing out"),
        ("controls: {exclude: [C-0296]}", "1:22 this takes nothing out: no chosen framework has C-0296"),
        ("kubernetesVersion: 1.3", "1:20 nothing is known of Kubernetes 1.3"),
    ],
)  # fmt: skip
def test_settings_say_what_is_wrong_with_them(tmp_path: Path, settings: str, told: str) -> None:
    """Case sec-05-settings-messages."""
    (tmp_path / ".kscan.yaml").write_text(settings)
    (tmp_path / "pod.yaml").write_text("{apiVersion: v1, kind: Pod, spec: {containers: []}}")
    report = json.loads(scanned(tmp_path, "--format", "json"))
    problems = [f"{p['line']}:{p['column']} {p['message']}" for p in report["problems"]]
    assert [problem for problem in problems if problem.startswith(told)] == problems[:1]
