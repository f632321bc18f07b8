"""Completion of keys and values in files of controls, frameworks and packs, while they are typed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.controls import WITH_INPUTS as HEAD
from support.controls import control_view, place_of
from support.positions import offset

from kscan_lsp.lsp.features.control_completion import control_completion
from kscan_lsp.policy.schema import CheckFile, ControlFile, FixFile, FrameworkFile, MatchFile
from kscan_lsp.policy.schema import TestFile as ManifestFile
from kscan_lsp.settings.pack import PackFile
from kscan_lsp.settings.shape import types_of

CHECK = f"{HEAD}checks:\n- each: containers\n"
DONE = "  deny: 'true'\n  message: bad\n"


@pytest.fixture
def offered(tmp_path):
    """The items that are offered at the bar of a file, by their labels, and the text that comes of taking each."""

    def offer(text, name="control.yaml"):
        at = text.index("|")
        text = text.replace("|", "", 1)
        view = replace(control_view(tmp_path, text), path=tmp_path / name)
        found = {}
        for item in control_completion(view, place_of(text, text, at)):
            start, end = (
                offset(text, p, "utf-16") for p in (item.text_edit.range.start, item.text_edit.range.end)
            )
            found[item.label] = (item, text[:start] + item.text_edit.new_text + text[end:])
        return found

    return offer


def keys_of(model, *there) -> set[str]:
    return set(types_of(model)) - set(there)


@pytest.mark.parametrize(
    ("text", "model", "there"),
    [
        ("|", ControlFile, []),
        (f"{HEAD}che|\n", ControlFile, ["id", "title", "score", "description", "remediation", "inputs"]),
        (f"{CHECK}  |\n", CheckFile, ["each"]),
        (f"{CHECK}  d|\n{DONE}", CheckFile, ["each", "deny", "message"]),
        (f"{CHECK}{DONE}- |\n", CheckFile, []),
        (f"{HEAD}checks: [{{each: containers, |", CheckFile, ["each"]),
        (f"{CHECK}{DONE}  fix:\n    |\n", FixFile, []),
        (f"{CHECK}{DONE}  fix: {{safe: true, |}}\n", FixFile, ["safe"]),
        (f"{CHECK}  match:\n  - kinds: [Pod]\n    gr|\n{DONE}", MatchFile, ["kinds"]),
        (f"{CHECK}{DONE}tests:\n- name: a\n  m|\n", ManifestFile, ["name"]),
        ("id: bank\ncontrols: all\nti|\n", FrameworkFile, ["id", "controls"]),
    ],
)  # fmt: skip
def test_keys_are_those_of_the_schema_at_their_level(offered, text, model, there):
    found = offered(text)
    assert set(found) == keys_of(model, *there)
    assert all(item.documentation for item, _ in found.values())


def test_keys_of_packs(offered):
    found = offered("name: bank\nversion: 1.0.0\nd|\n", "kscan-pack.yaml")
    assert set(found) == keys_of(PackFile, "name", "version")
    assert all(item.documentation for item, _ in found.values())


@pytest.mark.parametrize(
    ("text", "label", "result"),
    [
        ("sev|", "severity", "severity: "),
        ("severity: |\n", "critical", "severity: critical\n"),
        ("category: W|\n", "Workload", "category: Workload\n"),
        (f"{CHECK}  de|: x\n", "deny", f"{CHECK}  deny: x\n"),
        (f"{HEAD}checks:\n- each: con|\n", "containers", f"{HEAD}checks:\n- each: containers\n"),
        (f"{HEAD}checks:\n- each: \n  match: |\n", "workloads", f"{HEAD}checks:\n- each: \n  match: workloads\n"),
        (f"{HEAD}checks:\n- use: C-005|\n", "C-0057", f"{HEAD}checks:\n- use: C-0057\n"),
        (f"{CHECK}  match: [{{kinds: [Ser|", "Service", f"{CHECK}  match: [{{kinds: [Service"),
        (f"{CHECK}  match: [{{groups: [apps, |]}}]", "batch", f"{CHECK}  match: [{{groups: [apps, batch]}}]"),
        (f"{CHECK}  relations: {{policies: net|}}\n", "networkPolicies",
         f"{CHECK}  relations: {{policies: networkPolicies}}\n"),
        (f"{CHECK}{DONE}  fix:\n    choose:\n      image: |\n", "registries",
         f"{CHECK}{DONE}  fix:\n    choose:\n      image: registries\n"),
        (f"{CHECK}{DONE}  fix:\n    safe: |\n", "true", f"{CHECK}{DONE}  fix:\n    safe: true\n"),
        (f"{CHECK}{DONE}tests:\n- name: a\n  inputs:\n    |\n", "most",
         f"{CHECK}{DONE}tests:\n- name: a\n  inputs:\n    most: \n"),
        ("id: ORG-0001\ninputs:\n  most: {type: n|", "number", "id: ORG-0001\ninputs:\n  most: {type: number"),
        ("id: bank\ntitle: t\ncontrols:\n- id: C-00|\n", "C-0057",
         "id: bank\ntitle: t\ncontrols:\n- id: C-0057\n"),
        ("id: bank\ntitle: t\ncontrols: |\n", "all", "id: bank\ntitle: t\ncontrols: all\n"),
    ],
)  # fmt: skip
def test_values_are_those_that_may_stand_there(offered, text, label, result):
    assert offered(text)[label][1] == result


def test_values_of_packs(offered):
    pack = "name: bank\nversion: 1.0.0\n"
    assert "nsa" in offered(f"{pack}use: |\n", "kscan-pack.yaml")
    assert {"exceptions", "C-0057"} <= set(offered(f"{pack}locked: [|]\n", "kscan-pack.yaml"))


def test_each_is_one_of_the_names_or_a_path_that_others_have(offered):
    assert {"resource", "podTemplate", "namespace", "containers.env[*]", "rules[*]"} <= set(
        offered(f"{HEAD}checks:\n- each: |\n")
    )


def test_what_relations_lead_to_is_told(offered):
    item, _ = offered(f"{CHECK}  relations:\n    accounts: |\n")["serviceAccounts"]
    assert item.documentation.startswith("the ServiceAccount")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}# che|\n",
        "id: |\n",
        f"{CHECK}{DONE}tests:\n- name: a\n  manifest: |\n    ki|\n".replace("manifest: |", "manifest: >", 1),
        f"{CHECK}{DONE}tests:\n- name: a\n  fixed: 'ki|'\n",
        f"{CHECK}  message: some te|\n",
        f"{CHECK}  let:\n    a|\n",
    ],
)
def test_nothing_is_offered_where_anything_may_stand(offered, text):
    assert offered(text) == {}


def test_a_control_does_not_use_itself(offered):
    text = f"id: C-0057\n{HEAD.partition(chr(10))[2]}checks:\n- use: |\n"
    assert "C-0057" not in offered(text)
    assert "C-0016" in offered(text)
