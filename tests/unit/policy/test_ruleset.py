"""Policies and settings made one: which controls are on, and what they read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kscan_lsp.findings import Severity
from kscan_lsp.kubernetes.pod_templates import Place
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
    rules, wrong = choose(POLICIES, Settings.of(settings), only=only)
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


NOTHING = "no framework is chosen and no control included, so 'recommended' applies; use 'exclude' for what not to scan"
WITH_DEFAULT = replace(
    POLICIES,
    frameworks={
        **POLICIES.frameworks,
        "recommended": replace(POLICIES.frameworks["first"], id="recommended"),
    },
)


@pytest.mark.parametrize(
    ("settings", "controls", "messages"),
    [
        ({"frameworks": ["recomended"]}, ["1", "2"],
         ["unknown framework 'recomended', so 'recommended' applies; did you mean 'recommended'?"]),
        ({"frameworks": ["recomended"], "controls": {"include": ["KS-0004"]}}, ["1", "2", "4"],
         ["unknown framework 'recomended', so 'recommended' applies; did you mean 'recommended'?"]),
        ({"frameworks": ["recomended", "second"]}, ["2", "3"],
         ["unknown framework 'recomended'; did you mean 'recommended'?"]),
        ({"frameworks": []}, ["1", "2"],
         [NOTHING]),
        ({"frameworks": [], "controls": {"include": ["KS-0004"]}}, ["4"], []),
        ({"frameworks": [], "controls": {"include": ["KS-0009"]}}, ["1", "2"],
         [NOTHING, "unknown control 'KS-0009'; did you mean 'KS-0004'?"]),
        ({"frameworks": ["none"]}, [], []),
    ],
)  # fmt: skip
def test_a_choice_in_which_nothing_is_right_leaves_the_default_on(
    settings: dict[str, object], controls: list[str], messages: list[str]
) -> None:
    rules, wrong = choose(WITH_DEFAULT, Settings.of(settings))
    assert [name.removeprefix("KS-000") for name in rules.controls] == controls
    assert [entry.message for entry in wrong] == messages


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
    rules, wrong = chosen(inputs={"patterns": ["a", "("]})
    assert [path for path, _ in wrong] == ["inputs.patterns.1"]
    assert rules.inputs["patterns"] == ["^A"]
    rules, wrong = chosen(inputs={"patterns": ["a" * 1_500] * 10})
    assert wrong == [("inputs.patterns", "a list of regular expressions that is too large")]
    assert rules.inputs["patterns"] == ["^A"]
    assert chosen(inputs={"words": ["("]})[1] == []


def test_entries_that_match_no_image_are_said_at_their_place_and_stay() -> None:
    entries = ["quay.io", "https://registry.example/"]
    registered = "each: containers\n  when: imageListed('a.b/c', inputs.trusted)"
    text = control(5, registered, "inputs: {trusted: []}")
    loaded = loading.load([("a.yaml", read_document(text))])
    assert loaded.problems == ()
    settings = {"frameworks": [], "controls": {"include": ["KS-0005"]}, "inputs": {"trusted": entries}}
    rules, wrong = choose(loaded, Settings.of(settings))
    assert [entry.path for entry in wrong] == [("inputs", "trusted", 1)]
    assert rules.inputs["trusted"] == entries


def test_only_unknown_controls() -> None:
    rules, wrong = chosen(("KS-0011", "KS-0002"))
    assert list(rules.controls) == ["KS-0002"]
    assert wrong == [("controls.0", UNKNOWN)]


def test_pod_spec_paths() -> None:
    rules, wrong = chosen(podSpecPaths=[{"kind": "X", "group": "g.io", "path": "spec.pod"}])
    assert wrong == []
    assert rules.pod_spec_paths == {("g.io", "X"): (Place(("spec", "pod"), always=True),)}


def test_several_pod_spec_paths_of_a_kind() -> None:
    rules, _ = chosen(
        podSpecPaths=[
            {"kind": "X", "group": "g.io", "path": path}
            for path in ("spec.pod", "spec.others[*].template", "spec.pod")
        ]
    )
    several = (Place(("spec", "pod")), Place(("spec", "others", None, "template")))
    assert rules.pod_spec_paths == {("g.io", "X"): several}


def test_a_misspelt_input_is_no_input() -> None:
    ruleset, wrong = chosen(inputs={"wrods": ["a"]})
    assert wrong == [("inputs.wrods", "no control reads an input 'wrods'; did you mean 'words'?")]
    assert ruleset.inputs.keys() == {"patterns", "words"}


def test_what_may_be_meant_by_a_misspelt_input_is_never_another_misspelt_one() -> None:
    _, wrong = chosen(inputs={"wordz": ["a"], "wordzz": ["a"]})
    assert [message.rpartition("; ")[2] for _, message in wrong] == ["did you mean 'words'?"] * 2
