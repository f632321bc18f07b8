"""A folder of controls that were written for Kubescape, as settings name it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.policy.ruleset import same_rules
from kscan_lsp.workspace.configuration import Configuration, configure
from tests.support.kubescape import OWNER, control, framework, metadata, written

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "policies: [org]\nframeworks: [MyOrg]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose settings name a folder with one control."""
    reads = OWNER.replace("  not wl", "  data.postureControlInputs.teams[_]\n  not wl")
    written(
        tmp_path / "org",
        {"owner": (metadata("owner"), reads)},
        [control("ORG-0001", "owner"), control("C-0057", "owner")],
        frameworks__mine=framework("MyOrg", "ORG-0001", "C-0057"),
        **{"default-config-inputs": {"settings": {"postureControlInputs": {"teams": ["a"]}}}},
    )
    (tmp_path / ".kscan.yaml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def configured(root: Path, **options: Any) -> Configuration:
    return configure(root, **options)[0]


def inputs_of(configuration: Configuration) -> dict[str, tuple[str, ...]]:
    """The lists that the rule reads."""
    ((_, rule),) = configuration.ruleset.rego
    return dict(rule.inputs)


def test_its_controls_are_on_with_its_framework(root: Path) -> None:
    found = configured(root)
    assert [*found.ruleset.controls] == ["C-0057", "ORG-0001"]
    assert found.ruleset.controls["C-0057"].checks
    assert [one.id for one in found.ruleset.frameworks] == ["myorg"]
    assert found.ruleset.asks_policies
    assert [one.problem.message for one in found.problems] == [
        "C-0057 comes with kscan, and that one is judged in place of this"
    ]
    assert {path.name for path in found.files} >= {
        "raw.rego",
        "rule.metadata.json",
        "ORG-0001.json",
        "mine.json",
    }


def test_a_workspace_that_is_not_trusted_loads_none_of_it(root: Path) -> None:
    found = configured(root, trusted=False)
    assert not found.ruleset.rego
    assert "ORG-0001" not in found.ruleset.policies.controls


def test_admission_policies_may_be_off_while_its_controls_are_on(root: Path) -> None:
    (root / ".kscan.yaml").write_text(SETTINGS + "admission: {evaluate: false}\n", encoding="utf-8")
    found = configured(root)
    assert (found.ruleset.admission, found.ruleset.asks_policies) == (False, True)


def test_that_none_of_its_controls_is_on_is_said(root: Path) -> None:
    (root / ".kscan.yaml").write_text("policies: [org]\n", encoding="utf-8")
    (note,) = [one.problem for one in configured(root).problems if one.path.name == ".kscan.yaml"]
    assert note.message.startswith("nothing is judged by ORG-0001: choose a framework")
    assert configured(root, only=["ORG-0001"]).ruleset.rego


def test_settings_replace_its_inputs(root: Path) -> None:
    assert inputs_of(configured(root)) == {"teams": ("a",)}
    (root / ".kscan.yaml").write_text(SETTINGS + "inputs: {teams: [b, c]}\n", encoding="utf-8")
    assert inputs_of(configured(root)) == {"teams": ("b", "c")}
    (root / ".kscan.yaml").write_text(SETTINGS + "inputs: {teams: {b: c}}\n", encoding="utf-8")
    found = configured(root)
    assert inputs_of(found) == {"teams": ("a",)}
    assert any("teams" in one.problem.message for one in found.problems)


def test_an_input_of_ours_by_the_same_name_keeps_its_own_default(root: Path) -> None:
    ours = configured(root).ruleset.inputs["sensitiveKeyNames"]
    text = (
        (root / "org/rules/owner/raw.rego")
        .read_text(encoding="utf-8")
        .replace(".teams", ".sensitiveKeyNames")
    )
    (root / "org/rules/owner/raw.rego").write_text(text, encoding="utf-8")
    given = {"settings": {"postureControlInputs": {"sensitiveKeyNames": ["mine"]}}}
    (root / "org/default-config-inputs.json").write_text(json.dumps(given), encoding="utf-8")
    found = configured(root)
    assert inputs_of(found) == {"sensitiveKeyNames": ("mine",)}
    assert found.ruleset.inputs["sensitiveKeyNames"] == ours != ["mine"]


def test_read_again_it_is_the_very_same(root: Path) -> None:
    memo = PolicyMemo()
    before = configured(root, memo=memo)
    assert same_rules(before.ruleset, configured(root, memo=memo).ruleset)
    path = root / "org/rules/owner/raw.rego"
    edited = {path: path.read_text(encoding="utf-8") + "# more\n"}
    assert not same_rules(before.ruleset, configured(root, memo=memo, buffers=edited).ruleset)


def test_its_tests_are_not_read(root: Path) -> None:
    there = root / "org/rules/owner/test/case"
    there.mkdir(parents=True)
    (there / "raw.rego").write_text("package x\n", encoding="utf-8")
    (there / "rule.metadata.json").write_text("{", encoding="utf-8")
    (root / "org/controls/__draft.json").write_text("{", encoding="utf-8")
    assert len(configured(root).problems) == 1


def test_a_link_out_of_the_workspace_is_not_followed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "ORG-0002.json"
    outside.write_text(json.dumps(control("ORG-0002", "owner")), encoding="utf-8")
    try:
        (root / "org/controls/ORG-0002.json").symlink_to(outside)
    except OSError:
        pytest.skip("no links here")
    found = configured(root)
    assert "ORG-0002" not in found.ruleset.policies.controls
    assert any("is a link out of this workspace" in one.problem.message for one in found.problems)


def test_it_may_not_lie_outside_of_the_workspace(root: Path, tmp_path: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    (inner / ".kscan.yaml").write_text(SETTINGS.replace("org", "../org"), encoding="utf-8")
    (inner / ".git").mkdir()
    found = configured(inner, settings_path=inner / ".kscan.yaml")
    assert not found.ruleset.rego
    assert any("outside of this workspace" in one.problem.message for one in found.problems)


def test_among_admission_policies_it_is_in_the_wrong_place(root: Path) -> None:
    (root / ".kscan.yaml").write_text("admission: {policies: [org]}\n", encoding="utf-8")
    assert any("name it under 'policies'" in one.problem.message for one in configured(root).problems)


def test_a_folder_of_our_own_controls_is_read_as_such(tmp_path: Path) -> None:
    for name in ("rules", "controls"):
        (tmp_path / "org" / name).mkdir(parents=True)
    (tmp_path / "org/controls/a.yaml").write_text("id: ORG-0001\n", encoding="utf-8")
    (tmp_path / ".kscan.yaml").write_text("policies: [org]\n", encoding="utf-8")
    assert any("title" in one.problem.message for one in configured(tmp_path).problems)


@pytest.mark.parametrize(
    "name", ["rules/owner/rule.metadata.json", "controls/ORG-0001.json", "frameworks/mine.json"]
)
@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "null", '{"name": {}}', '{"a": ' * 5_000, "\0", "- a: &a [*a, *a]"]
)
def test_whatever_stands_in_a_file_is_a_problem_of_that_file(root: Path, name: str, text: str) -> None:
    path = root / "org" / name
    path.write_text(text, encoding="utf-8")
    assert path in {one.path for one in configured(root).problems}
