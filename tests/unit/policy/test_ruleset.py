"""Policies and settings made one: which controls are on, and what they read."""

from __future__ import annotations

import pytest

from kscan_lsp.findings import Severity
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import Ruleset, choose, members_of
from kscan_lsp.settings.model import Settings
from kscan_lsp.yaml.document import read_document


def control(number: int, check: str = "each: containers", extra: str = "") -> str:
    return f"""\
id: KS-000{number}
title: Title
score: 7.5
description: d
remediation: r
{extra}
checks:
- {check}
  deny: 'true'
  message: m
"""


ENVIRONMENT = """\
each: 'containers.env[*]'
  let: {bad: 'matchesAny(item.name, inputs.patterns)'}
  when: bad"""
POLICIES = loading.load(
    (f"{number}.yaml", read_document(text))
    for number, text in enumerate(
        [
            control(1),
            control(2, "match: [{groups: [rbac.authorization.k8s.io], kinds: [Role]}]"),
            control(3, ENVIRONMENT, "inputs: {patterns: ['^A'], words: [b]}"),
            control(4),
            "id: first\ntitle: First\naliases: [Eins]\ncontrols: [{id: KS-0001}, {id: KS-0002}]\n",
            "id: second\ntitle: Second\ncontrols: [{id: KS-0002}, {id: KS-0003}]\n",
            "id: every\ntitle: Every\ncontrols: all\n",
            "id: none\ntitle: None\ncontrols: []\n",
        ]
    )
)  # fmt: skip


def chosen(only: tuple[str, ...] = (), **settings: object) -> tuple[Ruleset, list[tuple[str, str]]]:
    settings.setdefault("frameworks", ["first"])
    rules, wrong = choose(POLICIES, Settings.model_validate(settings), only=only)
    return rules, [(".".join(map(str, entry.path)), entry.message) for entry in wrong]


def on(only: tuple[str, ...] = (), **settings: object) -> list[str]:
    rules, wrong = chosen(only, **settings)
    assert wrong == []
    return [name.removeprefix("KS-000") for name in rules.controls]


def test_the_policies_of_this_test_are_right() -> None:
    assert POLICIES.problems == ()


def test_which_controls_are_on() -> None:
    assert on() == ["1", "2"]
    assert on(frameworks=["EINS"]) == ["1", "2"]
    assert on(frameworks=["second", "first"]) == ["1", "2", "3"]
    assert on(frameworks=["every"]) == ["1", "2", "3", "4"]
    assert on(frameworks=["none"]) == []
    assert on(frameworks=[]) == []
    assert on(controls={"include": ["KS-0004"], "exclude": ["KS-0001"]}) == ["2", "4"]
    assert on(controls={"include": ["KS-0001"], "exclude": ["KS-0001"]}) == ["2"]
    assert on(("KS-0004",), controls={"exclude": ["KS-0004"]}) == ["4"]


def test_members_of() -> None:
    assert members_of(POLICIES.frameworks["none"], POLICIES) == ()
    assert members_of(POLICIES.frameworks["every"], POLICIES) == tuple(POLICIES.controls)


def test_severities_and_inputs() -> None:
    rules, wrong = chosen(
        controls={"severity": {"KS-0001": "low"}}, inputs={"words": ["x"], "patterns": ["^B", "c+"]}
    )
    assert wrong == []
    assert rules.severities == {"KS-0001": Severity.LOW, "KS-0002": Severity.HIGH}
    assert rules.inputs == {"words": ["x"], "patterns": ["^B", "c+"]}
    assert chosen()[0].inputs == {"words": ["b"], "patterns": ["^A"]}


UNKNOWN = "unknown control 'KS-0011'; did you mean 'KS-0001'?"


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        (
            {"frameworks": ["first", "secnd"]},
            "frameworks.1",
            "unknown framework 'secnd'; did you mean 'second'?",
        ),
        ({"controls": {"include": ["KS-0011"]}}, "controls.include.0", UNKNOWN),
        ({"controls": {"exclude": ["KS-0001", "KS-0011"]}}, "controls.exclude.1", UNKNOWN),
        ({"controls": {"severity": {"KS-0011": "low"}}}, "controls.severity.KS-0011", UNKNOWN),
        ({"inputs": {"wrds": []}}, "inputs.wrds", "no control reads an input 'wrds'; did you mean 'words'?"),
        (
            {"podSpecPaths": [{"kind": "X", "path": "a..b"}]},
            "podSpecPaths.0.path",
            """'.' cannot stand here; write an unusual key as ["key"] (column 3 of 'a..b')""",
        ),
    ],
)
def test_names_that_nothing_has(settings: dict[str, object], path: str, message: str) -> None:
    assert chosen(**settings)[1] == [(path, message)]


def test_a_wrong_regular_expression_is_said_and_left_out() -> None:
    rules, wrong = chosen(inputs={"patterns": ["("]})
    assert [path for path, _ in wrong] == ["inputs.patterns.0"]
    assert rules.inputs["patterns"] == ["^A"]
    assert chosen(inputs={"words": ["("]})[1] == []


def test_only_unknown_controls() -> None:
    rules, wrong = chosen(("KS-0011", "KS-0002"))
    assert list(rules.controls) == ["KS-0002"]
    assert wrong == [("controls.0", UNKNOWN)]


def test_pod_spec_paths() -> None:
    rules, wrong = chosen(podSpecPaths=[{"kind": "X", "group": "g.io", "path": "spec.pod"}])
    assert wrong == []
    assert rules.pod_spec_paths == {("g.io", "X"): ("spec", "pod")}


def test_a_misspelt_input_is_no_input() -> None:
    ruleset, wrong = chosen(inputs={"wrods": ["a"]})
    assert wrong == [("inputs.wrods", "no control reads an input 'wrods'; did you mean 'words'?")]
    assert ruleset.inputs.keys() == {"patterns", "words"}


def test_what_may_be_meant_by_a_misspelt_input_is_never_another_misspelt_one() -> None:
    _, wrong = chosen(inputs={"wordz": ["a"], "wordzz": ["a"]})
    assert [message.rpartition("; ")[2] for _, message in wrong] == ["did you mean 'words'?"] * 2
