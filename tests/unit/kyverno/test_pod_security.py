"""Rules that ask for a level of the Pod Security Standards."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from kscan_lsp import paths
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from tests.support.admitting import unanswered
from tests.support.kyverno import about, cluster_policy

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  hostNetwork: true
  containers:
  - name: a
    image: nginx:1
    securityContext: {capabilities: {add: [SYS_TIME]}}
  - name: b
    image: ghcr.io/x/y:1
    securityContext: {capabilities: {add: [SYS_TIME]}}
"""
HOST = "spec.hostNetwork"
FIRST = "spec.containers[0]"
SECOND = "spec.containers[1]"


def _places(security: dict[str, Any], pod: str = POD) -> list[str]:
    """Which fields or containers of a pod a rule fails for."""
    ruleset, _ = choose(PolicySet(), Settings())
    ruleset = msgspec.structs.replace(ruleset, policies=builtin_policies())
    policy = cluster_policy({"match": about("Pod"), "validate": {"podSecurity": security}})
    project = Project(Evaluator(ruleset, Evidence(date(2026, 1, 1))))
    file = project.with_files([("a.yaml", pod, False), ("p.yaml", policy, False)]).files["a.yaml"]
    return [paths.show(finding.path[:3]) for _, finding in file.findings()]


@pytest.mark.parametrize(
    ("exclude", "places"),
    [
        ([], [HOST, FIRST, SECOND]),
        ([{"controlName": "Host Namespaces"}], [FIRST, SECOND]),
        ([{"controlName": "Capabilities", "images": ["nginx*"]}], [HOST, SECOND]),
        ([{"controlName": "Capabilities", "images": ["docker.io/*"]}], [HOST, SECOND]),
        ([{"controlName": "Capabilities", "images": ["*"]}, {"controlName": "Host Namespaces"}], []),
        ([{"controlName": "Capabilities"}], [HOST, FIRST, SECOND]),
        ([{"controlName": "Host Namespaces", "images": ["*"]}], [HOST, FIRST, SECOND]),
    ],
)
def test_what_a_level_refuses(exclude: list[dict[str, Any]], places: list[str]) -> None:
    found = _places({"level": "baseline", "version": "latest", "exclude": exclude})
    assert found == places


def test_the_levels() -> None:
    assert _places({"level": "privileged"}) == []
    assert len(_places({"level": "restricted"})) > len(_places({"level": "baseline"}))


def test_controls_that_look_at_other_objects_elsewhere_are_asked_too() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes: [{name: v, hostPath: {path: /x}}]\n"
    assert _places({"level": "baseline"}, pod) == ["spec.volumes[0]"]
    assert _places({"level": "baseline", "exclude": [{"controlName": "HostPath Volumes"}]}, pod) == []


def test_a_capability_is_excluded_wherever_it_is_found() -> None:
    pod = POD.replace("SYS_TIME", "SYS_ADMIN").replace("  hostNetwork: true\n", "")
    assert _places({"level": "baseline"}, pod)
    assert (
        _places({"level": "baseline", "exclude": [{"controlName": "Capabilities", "images": ["*"]}]}, pod)
        == []
    )


def test_an_exclusion_of_single_values_leaves_the_rule_open() -> None:
    excluded = {"controlName": "Capabilities", "images": ["*"], "restrictedField": "x", "values": ["y"]}
    assert _places({"level": "baseline", "exclude": [excluded, {"controlName": "Host Namespaces"}]}) == []


def test_without_the_framework_nothing_is_said() -> None:
    policy = cluster_policy({"match": about("Pod"), "validate": {"podSecurity": {"level": "baseline"}}})
    assert unanswered(POD, policy) == ["the framework 'pss-baseline' is not there"]
