"""What the tests of a control must show before they pass."""

from __future__ import annotations

import re

import pytest
from support.reporting import PRIVILEGED

from kscan_lsp.authoring.marking import marked
from kscan_lsp.policy import load as loading
from kscan_lsp.testing.run import found_by, run_tests
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.yaml.document import read_document

CONTROL = (
    PRIVILEGED
    + """\
tests:
- name: privileged
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: api
        securityContext:
          privileged: true
        # ^^^^^^^^^^^^^^^^ T-0001
"""
)


def failures(text: str) -> list[str]:
    loaded = loading.load([("t.yaml", read_document(text))], builtin_policies())
    assert loaded.problems == ()
    outcomes = run_tests(loaded.controls["T-0001"], loaded)
    return [outcome.failure for outcome in outcomes if outcome.failure]


def test_a_field_that_is_missing_is_asked_for_in_another_way() -> None:
    assert "deny: container.?securityContext" in CONTROL
    text = re.sub(r"deny: .*", "deny: container.securityContext.runAsUser == 0", CONTROL)
    line = text[: text.index("deny:")].count("\n") + 1
    asked = f"where it may be, ask for '.?runAsUser.orValue(...)' (line {line} of the control)"
    assert failures(text) == [f"Pod was not evaluated: a field is missing: runAsUser; {asked}"]


def test_a_control_that_is_shown_at_work_passes() -> None:
    assert failures(CONTROL) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("^ T-0001", "^ T-0002", "line 8 of the manifest is marked for T-0002, and this is a test of T-0001"),
        ("^ T-0001", "^", "a mark that means nothing, at line 9 of the manifest: no control is named"),
        ("^ T-0001", "^ t-1", "a mark that means nothing, at line 9 of the manifest: 't-1' is no control id"),
        ("container.name}", "container.nam}", "something in braces gives nothing"),
        ("privileged: false", "privileged: 1", "no test shows a fix that holds: "),
        ("privileged: false", "privilegd: false", "no test shows a fix that holds: "),
        (
            "{securityContext.privileged: false}",
            "{securityContext.privileged: true}",
            "no test shows a fix",
        ),
        (
            "privileged: true\n        # ^^^^^^^^^^^^^^^^ T-0001",
            "privileged: false",
            "no test shows what this control finds",
        ),
        ("^ T-0001", "^ T-0001 x2", "1 reported, not 2 at line 8 of the manifest, columns 7 to 22"),
        (
            "^ T-0001",
            "^ T-0001 x0",
            "a mark that means nothing, at line 9 of the manifest: 'T-0001 x0' is no",
        ),
        (
            "# ^^^^^^^^^^^^^^^^",
            "# ^^^^^^^^^^^",
            "nothing reported at line 8 of the manifest, columns 7 to 17",
        ),
    ],
)
def test_what_tests_do_not_show_or_get_wrong(old: str, new: str, said: str) -> None:
    assert old in CONTROL
    (failure,) = failures(CONTROL.replace(old, new))
    assert failure.startswith(said)


TWICE = """\
id: T-0001
title: t
score: 5
description: d
remediation: r
checks:
- {each: containers, deny: "!has(container.tty)", at: tty, message: no terminal}
- {each: containers, deny: "!has(container.stdin)", at: stdin, message: no input}
tests:
- name: neither
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: api
      # ^^^^^^^^^ T-0001
"""


@pytest.mark.parametrize(
    ("times", "said"), [("", []), (" x2", []), (" x1", ["2 reported, not 1"]), (" x3", ["2 reported, not 3"])]
)
def test_findings_at_one_place_are_counted_where_a_mark_says_how_many(times: str, said: list[str]) -> None:
    found = failures(TWICE.replace("^ T-0001", f"^ T-0001{times}"))
    assert [one.partition(" at ")[0] for one in found] == said


def test_marks_that_are_made_say_how_often_where_it_is_not_once() -> None:
    loaded = loading.load([("t.yaml", read_document(TWICE))], builtin_policies())
    found = found_by(loaded.controls["T-0001"], loaded, loaded.sources["T-0001"].tests[0])
    assert found is not None
    manifest = loaded.sources["T-0001"].tests[0].manifest
    assert marked(found.manifest, found.marks, "T-0001") == manifest.replace("^ T-0001", "^ T-0001 x2")


def test_checks_that_fail_at_one_path_are_counted_though_they_are_one_finding() -> None:
    same = TWICE.replace("at: stdin", "at: tty")
    assert failures(same.replace("^ T-0001", "^ T-0001 x2")) == []
    (failure,) = failures(same.replace("^ T-0001", "^ T-0001 x1"))
    assert failure.startswith("2 reported, not 1")


def test_a_control_without_tests_fails() -> None:
    assert failures(CONTROL.partition("tests:")[0]) == [
        "this control has no tests: add a manifest that fails and one that passes"
    ]


@pytest.mark.parametrize("version", ["latest", "'1'", "1.x", "1.30"])
def test_a_version_that_is_none_is_a_problem_of_the_file(version: str) -> None:
    text = CONTROL.replace("- name: privileged", f"- name: privileged\n  kubernetesVersion: {version}")
    (problem,) = loading.load([("t.yaml", read_document(text))]).problems
    assert (
        problem.problem.message
        == "'kubernetesVersion' must be a Kubernetes version as a string, such as '1.33'"
    )
    assert failures(text.replace(version, "'1.30'")) == []
