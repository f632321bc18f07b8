"""Inputs that are maps and numbers: declared in a control, set in settings, typed in expressions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.cli.agents import knowledge
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp.features import vocabulary
from kscan_lsp.policy.load import load
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.report.catalog import control_page
from kscan_lsp.report.lines import Screen, plain_text
from kscan_lsp.settings.model import Settings
from kscan_lsp.settings.shape import MisfitError
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.workspace.configuration import Configuration

CONTROL = """\
id: ORG-0001
title: Replicas and registries
severity: medium
description: d
remediation: r
inputs:
  most: {type: number, default: 3}
  share: {type: number, default: 0.5}
  words: {type: list, default: [one]}
  registries:
    type: map
    default:
      shop: [registry.example.com/shop, mirror.example.com]
      bank: registry.bank.example
checks:
- match: [{groups: [apps], kinds: [Deployment]}]
  let:
    team: object.?metadata.?labels.?team.orValue('')
    spread: double(object.spec.replicas) * inputs.share
  when: spread >= 0.0 && 'one' in inputs.words
  deny: object.spec.replicas > inputs.most
  at: spec.replicas
  message: "{object.spec.replicas} of {inputs.most} for {team}, {spread}"
- each: containers
  deny: "!imageListed(container.image, inputs.registries[?object.metadata.labels.team].orValue([]))"
  at: image
  message: "no registry of {object.metadata.labels.team}: {inputs.registries[object.metadata.labels.team]}"
"""
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {team: TEAM}}
spec:
  replicas: 4
  template:
    spec: {containers: [{name: web, image: registry.example.com/shop/web:1}]}
"""


def configured(folder: Path, settings: str = "", control: str = CONTROL) -> Configuration:
    (folder / ".git").mkdir(exist_ok=True)
    (folder / "control.yaml").write_text(control)
    chosen = "policies: [control.yaml]\nframeworks: []\ncontrols: {include: [ORG-0001]}\n"
    (folder / ".kscan.yaml").write_text(chosen + settings)
    return configure(folder)[0]


def problems(configuration: Configuration) -> list[tuple[str, str, str]]:
    return [
        (one.path.name, one.document.text[one.problem.span.start : one.problem.span.end], one.problem.message)
        for one in configuration.problems
    ]


def messages(configuration: Configuration, team: str = "shop") -> list[str]:
    project = Project(Evaluator(configuration.ruleset, Evidence(date(2026, 1, 1))))
    file = project.with_file("a.yaml", MANIFEST.replace("TEAM", team)).files["a.yaml"]
    assert not any(v.unevaluated for p in file.documents for v in p.checked.verdicts)
    return [f.finding.message for f in file.findings()]


def test_their_defaults_hold_and_expressions_have_their_types(tmp_path: Path) -> None:
    configuration = configured(tmp_path)
    assert problems(configuration) == []
    assert messages(configuration) == ["4 of 3 for shop, 2"]
    assert messages(configuration, "bank")[1:] == ["no registry of bank: registry.bank.example"]
    assert messages(configuration, "other")[1:] == ["no registry of other: ?"]


def test_settings_replace_them(tmp_path: Path) -> None:
    settings = (
        "inputs: {most: 4, share: 1, registries: {shop: [other.example.com], bank: registry.example.com}}"
    )
    configuration = configured(tmp_path, settings)
    assert problems(configuration) == []
    assert messages(configuration) == ["no registry of shop: other.example.com"]
    assert messages(configuration, "bank") == []


@pytest.mark.parametrize(
    ("given", "at", "message"),
    [
        ("most: ['3']", "['3']", "input 'most' is a whole number; write 'most: 20', without quotes"),
        ("most: '3'", "most: '3'", "input 'most' is a whole number; write 'most: 20', without quotes"),
        ("most: 2.5", "most: 2.5", "input 'most' is a whole number; write 'most: 20', without quotes"),
        ("most: {a: [b]}", "{a: [b]}", "input 'most' is a whole number; write 'most: 20', without quotes"),
        ("most: true", "true", "'most' must be a whole number"),
        (
            "most: 99999999999999999999",
            "99999999999999999999",
            "input 'most' is a whole number, and this one is out of range",
        ),
        (f"most: 1{'0' * 400}", "1" + "0" * 400, None),
        ("most: 1e300", "1e300", "input 'most' is a whole number, and this one is out of range"),
        ("share: .inf", ".inf", None),
        ("share: [a]", "share: [a]", "input 'share' is a number; write 'share: 0.5', without quotes"),
        ("words: 3", "3", "input 'words' is a list of texts; write 'words: [one, another]'"),
        ("words: {a: b}", "{a: b}", "input 'words' is a list of texts; write 'words: [one, another]'"),
        (
            "registries: [a]",
            "[a]",
            "input 'registries' is a map of names to lists of texts; write 'registries: {name: [one, another]}'",
        ),
        ("registries: {shop: 5}", "5", "'shop' must be a list"),
        ("registries: {shop: [5]}", "5", "each entry of 'shop' must be a string; quote it"),
        ("registries: {shop: {a: [b]}}", "a", "'shop' must be a list"),
        ("registries: {shop: ['https://a.b']}", "'https://a.b'", None),
        ("mots: 3", "mots", "no control reads an input 'mots'; did you mean 'most'?"),
    ],
)
def test_what_they_are_given_is_judged_at_its_place_and_the_default_holds(
    tmp_path: Path, given: str, at: str, message: str | None
) -> None:
    configuration = configured(tmp_path, f"inputs:\n  {given}\n")
    [(name, text, said)] = problems(configuration)
    assert name == ".kscan.yaml"
    assert message is None or said == message
    assert text.strip() in at or at in text
    assert messages(configuration)[0] == "4 of 3 for shop, 2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "inputs.most\n",
            "inputs.most + 'a'\n",
            "found no matching overload for '_+_' applied to '(int, string)'",
        ),
        (
            "inputs.most\n",
            "inputs.share.size()\n",
            "found no matching overload for 'size' applied to '(double)'",
        ),
        (
            "inputs.most\n",
            "inputs.registries.shop\n",
            "found no matching overload for '_>_' applied to '(dyn, list(string))'",
        ),
        ("inputs.most\n", "inputs.?most.orValue(3)\n", None),
        (
            "inputs.most\n",
            "inputs['most'][0]\n",
            "'inputs.most' is read by this name alone, without '?', brackets or has()",
        ),
        ("default: 3}", "default: x}", "the 'default' is a list of texts, a map"),
        ("default: 3}", "default: true}", None),
        ("{type: number, default: 3}", "{type: number}", "a number has a 'default'"),
        ("{type: number, default: 3}", "{type: numbr, default: 3}", None),
        ("{type: number, default: 3}", "{type: number, default: 3, unit: s}", "unknown key 'unit'"),
        ("{type: number, default: 3}", "3", None),
        ("bank: registry.bank.example", "bank: {a: b}", None),
        ("bank: registry.bank.example", "bank: [1]", "each entry of 'bank' must be a string; quote it"),
    ],
)
def test_a_control_that_misuses_one_is_refused(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    assert CONTROL.count(old) == 1
    found = [
        said
        for name, _, said in problems(configured(tmp_path, control=CONTROL.replace(old, new)))
        if name == "control.yaml"
    ]
    assert found
    assert message is None or message in found[0]


@pytest.mark.parametrize("what", ["fix: {choose: {spec.replicas: most}}", "allow: {most: '\"a\"'}"])
def test_only_a_list_has_entries_to_choose_or_to_allow(tmp_path: Path, what: str) -> None:
    control = CONTROL.replace("  at: spec.replicas\n", f"  at: spec.replicas\n  {what}\n")
    assert "input 'most' is a whole number, and this takes a list of texts" in [
        said for _, _, said in problems(configured(tmp_path, control=control))
    ]


def test_a_name_is_of_one_kind_whoever_declares_it() -> None:
    other = CONTROL.replace("ORG-0001", "ORG-0002").replace(
        "{type: number, default: 3}", "{type: number, default: 0.5}"
    )
    texts = {"one.yaml": CONTROL, "other.yaml": other}
    policies = load((name, read_document(text)) for name, text in texts.items())
    assert [*policies.controls] == ["ORG-0001"]
    assert [(one.source, one.problem.message) for one in policies.problems] == [
        ("other.yaml", "input 'most' is a whole number of another control; give this one another name")
    ]


def test_a_control_is_compiled_again_when_another_says_that_an_input_is_something_else() -> None:
    memo = PolicyMemo()
    reader = CONTROL.replace("  most: {type: number, default: 3}\n", "")
    declares = CONTROL.replace("ORG-0001", "ORG-0002")

    def found(declaring: str) -> list[str]:
        sources = [("b.yaml", reader), ("a.yaml", declaring)]
        loaded = load(((name, memo.document(text, json=False)) for name, text in sources), memo=memo)
        return [one.source for one in loaded.problems]

    assert found(declares) == []
    assert "b.yaml" in found(declares.replace("{type: number, default: 3}", "[a]"))
    assert found(declares) == []


def test_regular_expressions_in_a_map_are_looked_at(tmp_path: Path) -> None:
    control = CONTROL.replace("imageListed(container.image,", "matchesAny(container.image,")
    found = problems(configured(tmp_path, "inputs: {registries: {shop: [a, '(']}}", control))
    assert [text for _, text, _ in found] == ["'('"]


def test_they_are_explained_and_completed(tmp_path: Path) -> None:
    ruleset = configured(tmp_path, "inputs: {most: 7}").ruleset
    control = ruleset.controls["ORG-0001"]
    terminal = plain_text(control_page(control, ruleset, Screen(200)))
    assert "Input most (inputs.most in .kscan.yaml)\n  7\n" in terminal
    assert "  shop: registry.example.com/shop, mirror.example.com\n  bank: registry.bank.example" in terminal
    grammar = vocabulary.grammar_of("file:///.kscan.yaml")
    titles = {term.name: term.title for term in vocabulary.keys(grammar, ("inputs",), ruleset)}
    assert titles["registries"] == "a map of names to lists of texts, read by ORG-0001"
    assert titles["most"] == "a whole number, read by ORG-0001"
    inside = vocabulary.keys(grammar, ("inputs", "registries"), ruleset)
    assert [term.name for term in inside] == ["shop", "bank"]
    assert "hold now: `7`" in vocabulary.explanation("input", "most", (), ruleset)
    said = knowledge.explain("ORG-0001", ruleset)["fromWorkspace"]["inputs"]
    assert said["most"] == 7
    assert said["registries"]["bank"] == ["registry.bank.example"]


def test_whatever_settings_give_an_input_it_stays_what_it_is() -> None:
    policies = load([("c.yaml", read_document(CONTROL))])
    kinds = {"most": int, "share": float, "words": list, "registries": dict}
    given = [
        True,
        5,
        -0.0,
        1.5,
        10**30,
        1e308,
        "x",
        "\U0001f4a5",
        [],
        ["a"],
        {},
        {"a": ["b"]},
        {"a": "b"},
        {"a": []},
    ]
    for name in kinds:
        for value in given:
            try:
                chosen = Settings.of({"frameworks": [], "inputs": {name: value}})
            except MisfitError:
                continue
            ruleset, wrong = choose(policies, chosen)
            assert {one: type(ruleset.input(one)) for one in kinds} == kinds
            said = any(error.path[0] == "inputs" for error in wrong)
            held = ruleset.input(name) == choose(policies, Settings())[0].input(name)
            assert said == held, (name, value)
