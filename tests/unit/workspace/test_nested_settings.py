"""Settings of a folder hold on top of those above it, in every scan, and weaken nothing that those lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.manifests import LABELLED_POD as POD
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.workspace.configuration import Configuration, configure, settings_above

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = """\
id: %s
%stitle: Ours
score: 9
description: d
remediation: r
checks:
- match: workloads
  deny: "true"
  at: metadata.name
  message: ours
"""


@pytest.fixture
def mono(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a folder of its own settings, and one without."""
    for folder in (".git", "apps/worker/deep", "platform"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("apps/worker/a.yaml", "apps/worker/deep/b.yaml", "platform/c.yaml"):
        (tmp_path / name).write_text(POD % ((name[-6],) * 2))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, text: str) -> None:
    (folder / ".kscan.yaml").write_text(text)


def report(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.stdout, result.stderr
    return {**json.loads(result.stdout), "exit": result.exit_code}


def found(report: dict[str, Any]) -> dict[str, set[str]]:
    """The controls of the findings, by file."""
    by_file: dict[str, set[str]] = {}
    for finding in report["findings"]:
        by_file.setdefault(finding["file"], set()).add(finding["control"])
    return by_file


def said(report: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(problem["file"], problem["line"], problem["message"]) for problem in report["problems"]]


def holding(folder: Path) -> tuple[Configuration, list[str]]:
    configuration, words = configure(folder)
    assert words == ()
    return configuration, [entry.problem.message for entry in configuration.problems]


@pytest.mark.parametrize(
    "paths",
    [["."], ["apps", "platform"], ["apps/worker", "platform"], ["apps/worker/deep", "platform", "apps"]],
)
def test_settings_hold_for_their_folder_in_every_scan(mono: Path, paths: list[str]) -> None:
    settings(mono, "frameworks: []\ncontrols: {include: [C-0057, C-0038]}\n")
    settings(mono / "apps/worker", "controls: {exclude: [C-0057]}\n")
    seen = report(*paths)
    assert found(seen) == {
        "apps/worker/a.yaml": {"C-0038"},
        "apps/worker/deep/b.yaml": {"C-0038"},
        "platform/c.yaml": {"C-0038", "C-0057"},
    }
    assert [(c["change"], c["id"], c["file"], c["line"]) for c in seen["changes"]] == [
        ("excluded", "C-0057", "apps/worker/.kscan.yaml", 1)
    ]


def test_a_file_that_is_named_has_its_folders_settings(mono: Path) -> None:
    settings(mono, "frameworks: []\ncontrols: {include: [C-0057, C-0038]}\n")
    settings(mono / "apps/worker", "controls: {exclude: [C-0057]}\n")
    assert found(report("apps/worker/deep/b.yaml")) == {"apps/worker/deep/b.yaml": {"C-0038"}}


def test_a_config_that_is_named_holds_for_all(mono: Path) -> None:
    settings(mono / "apps/worker", "frameworks: []\ncontrols: {include: [C-0057]}\n")
    (mono / "ours.yaml").write_text("frameworks: []\ncontrols: {include: [C-0038]}\n")
    assert set().union(*found(report("--config", "ours.yaml", ".")).values()) == {"C-0038"}


def test_files_under_different_settings_speak_of_each_other(mono: Path) -> None:
    """A Service above selects pods below: neither is alone."""
    settings(mono, "frameworks: []\ncontrols: {include: [C-0293]}\n")
    settings(mono / "apps/worker", "controls: {include: [C-0038]}\n")
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {selector: {app: %s}}\n"
    )
    (mono / "platform/s.yaml").write_text(service % "a")
    (mono / "platform/t.yaml").write_text(service % "nobody")
    assert [file for file, ids in found(report(".")).items() if "C-0293" in ids] == ["platform/t.yaml"]


def test_patterns_begin_at_the_folder_that_names_them(mono: Path) -> None:
    settings(mono, "frameworks: []\ncontrols: {include: [C-0038]}\nexclude: [/platform]\n")
    settings(mono / "apps/worker", "exclude: [/a.yaml]\n")
    seen = report(".")
    assert list(found(seen)) == ["apps/worker/deep/b.yaml"]
    assert seen["summary"]["skipped"]["excluded"] == 2


def test_choices_replace_and_lists_add(mono: Path) -> None:
    settings(
        mono,
        "frameworks: [nsa]\nkubernetesVersion: '1.30'\ninputs: {a: [x]}\ncontrols: {exclude: [C-0057, C-0038]}\n",
    )
    settings(
        mono / "apps/worker",
        "kubernetesVersion: '1.33'\ninputs: {b: [z]}\ncontrols: {include: [C-0038], severity: {C-0013: low}}\n",
    )
    holds = holding(mono / "apps/worker")[0].settings
    assert holds.frameworks == ("nsa",)
    assert holds.kubernetes_version == "1.33"
    assert holds.inputs == {"a": ("x",), "b": ("z",)}
    assert holds.controls.exclude == ("C-0057",)
    assert holds.controls.include == ("C-0038",)
    assert holds.controls.severity == {"C-0013": "low"}


@pytest.mark.parametrize(
    ("locked", "below", "message"),
    [
        ("C-0057", "controls: {exclude: [C-0057]}", "'C-0057' stays on: settings above lock it"),
        ("controls", "controls: {exclude: [C-0057]}", "'C-0057' stays on: settings above lock it"),
        (
            "controls",
            "controls: {severity: {C-0057: low}}",
            "'C-0057' keeps its severity: settings above lock it",
        ),
        ("frameworks", "frameworks: [mitre]", "'nsa' stays chosen, too: settings above lock frameworks"),
        ("exclude", "exclude: ['*.yaml']", "'*.yaml' excludes nothing: settings above lock 'exclude'"),
        (
            "inputs",
            "inputs: {insecureCapabilities: [X]}",
            "'inputs' has no effect here: settings above lock it",
        ),
        (
            "kubernetesVersion",
            "kubernetesVersion: '1.20'",
            "'kubernetesVersion' has no effect here: settings above lock it",
        ),
        (
            "admission",
            "admission: {mutate: true, evaluate: false}",
            "'admission' has no effect here: settings above lock it",
        ),
    ],
)
def test_what_is_locked_is_not_weakened(mono: Path, locked: str, below: str, message: str) -> None:
    settings(mono, f"frameworks: [nsa]\nlocked: [{locked}]\n")
    settings(mono / "apps/worker", f"{below}\n")
    seen = report("--fail-on", "none", ".")
    assert said(seen) == [("apps/worker/.kscan.yaml", 1, message)]
    assert seen["exit"] == 2
    assert "C-0057" in found(seen)["apps/worker/a.yaml"]
    assert seen["changes"] == []
    assert {f["severity"] for f in seen["findings"] if f["control"] == "C-0057"} == {"high"}
    holds = holding(mono / "apps/worker")[0]
    assert "1.20" not in holds.settings.kubernetes_version
    assert (holds.ruleset.admission, holds.ruleset.mutates) == (True, False)


@pytest.mark.parametrize("locked", ["C-0057", "controls"])
def test_a_locked_control_is_not_defined_anew(mono: Path, locked: str) -> None:
    settings(mono, f"frameworks: [nsa]\nlocked: [{locked}]\n")
    settings(mono / "apps/worker", "policies: [ours.yaml, more.yaml]\ncontrols: {include: [ORG-0001]}\n")
    (mono / "apps/worker/ours.yaml").write_text(CONTROL % ("C-0057", "replaces: C-0057\n"))
    (mono / "apps/worker/more.yaml").write_text(CONTROL % ("ORG-0001", ""))
    configuration, messages = holding(mono / "apps/worker")
    assert messages == ["'C-0057' stays as it is: settings above lock it"]
    assert configuration.ruleset.controls["C-0057"].title == "Privileged container"
    assert "ORG-0001" in configuration.ruleset.controls


def test_what_is_not_locked_may_be_chosen_below(mono: Path) -> None:
    settings(mono, "frameworks: [nsa]\nlocked: [C-0057, frameworks]\n")
    settings(
        mono / "apps/worker",
        "frameworks: [nsa, mitre]\ncontrols: {exclude: [C-0038], severity: {C-0013: low}}\n",
    )
    configuration, messages = holding(mono / "apps/worker")
    assert messages == []
    assert configuration.settings.frameworks == ("nsa", "mitre")
    assert "C-0038" not in configuration.ruleset.controls


def test_a_folder_between_may_lock_more_and_unlock_nothing(mono: Path) -> None:
    settings(mono, "frameworks: [nsa]\nlocked: [C-0057]\n")
    settings(mono / "apps", "locked: [C-0038]\n")
    settings(mono / "apps/worker", "locked: []\ncontrols: {exclude: [C-0038, C-0057, C-0013]}\n")
    configuration, messages = holding(mono / "apps/worker")
    assert sorted(messages) == [
        "'C-0038' stays on: settings above lock it",
        "'C-0057' stays on: settings above lock it",
    ]
    assert configuration.settings.controls.exclude == ("C-0013",)


def test_files_are_named_from_where_their_settings_stand(mono: Path) -> None:
    settings(mono, "policies: [own.yaml]\ninputs: inputs.json\n")
    settings(mono / "apps/worker", "policies: [own.yaml]\ncontrols: {include: [ORG-0001, ORG-0002]}\n")
    (mono / "own.yaml").write_text(CONTROL % ("ORG-0001", ""))
    (mono / "apps/worker/own.yaml").write_text(CONTROL % ("ORG-0002", ""))
    (mono / "inputs.json").write_text('{"insecureCapabilities": ["ONE"]}')
    configuration, messages = holding(mono / "apps/worker")
    assert messages == []
    assert {"ORG-0001", "ORG-0002"} <= configuration.ruleset.controls.keys()
    assert configuration.ruleset.inputs["insecureCapabilities"] == ["ONE"]
    assert {path.name for path in configuration.files} == {".kscan.yaml", "own.yaml", "inputs.json"}


def test_a_mistake_is_said_where_it_was_made(mono: Path) -> None:
    settings(mono, "frameworks: [nsa, nonsense]\n")
    settings(mono / "apps/worker", "controls:\n  exclude: [C-9999]\n  severity: {C-9998: low}\n")
    seen = report("--fail-on", "none", ".")
    places = [(file, line) for file, line, _ in said(seen)]
    assert sorted(places) == [
        (".kscan.yaml", 1),
        ("apps/worker/.kscan.yaml", 2),
        ("apps/worker/.kscan.yaml", 3),
    ]


def test_another_checkout_has_nothing_above(mono: Path) -> None:
    settings(mono, "frameworks: [nsa]\n")
    (mono / "apps/.git").mkdir()
    settings(mono / "apps/worker", "controls: {exclude: [C-0057]}\n")
    assert settings_above(mono / "apps/worker/.kscan.yaml") == (mono / "apps/worker/.kscan.yaml",)


def test_diagnostics_are_of_a_whole_workspace(mono: Path) -> None:
    settings(mono, "frameworks: [nsa]\n")
    settings(mono / "apps/worker", "diagnostics: workspace\n")
    configuration, messages = holding(mono / "apps/worker")
    assert messages == ["'diagnostics' holds for a whole workspace; set it in its outermost folder"]
    assert configuration.settings.diagnostics == "open"


@pytest.mark.parametrize("below", ["frameworks: [pci-dss]", "frameworks: []\ncontrols: {include: [C-0013]}"])
@pytest.mark.parametrize("locked", ["C-0057", "controls"])
def test_a_locked_control_stays_on_whatever_frameworks_are_chosen(
    mono: Path, locked: str, below: str
) -> None:
    settings(mono, f"frameworks: []\ncontrols: {{include: [C-0057]}}\nlocked: [{locked}]\n")
    settings(mono / "apps/worker", "frameworks: [mitre]\n")
    assert "C-0057" in holding(mono / "apps/worker")[0].ruleset.controls
    settings(mono, f"frameworks: [nsa]\nlocked: [{locked}]\n")
    settings(mono / "apps/worker", f"{below}\n")
    configuration, messages = holding(mono / "apps/worker")
    assert "C-0057" in configuration.ruleset.controls
    if locked == "C-0057" and "pci-dss" in below:
        assert messages == []  # which has it, too
    else:
        assert any("C-00" in one and one.endswith(("lock it", "lock them")) for one in messages)


def test_the_default_frameworks_are_locked_like_others(mono: Path) -> None:
    settings(mono, "locked: [frameworks]\n")
    settings(mono / "apps/worker", "frameworks: [mitre]\n")
    configuration, messages = holding(mono / "apps/worker")
    assert messages == ["'recommended' stays chosen, too: settings above lock frameworks"]
    assert configuration.settings.frameworks == ("recommended", "mitre")


def test_the_lists_of_a_locked_control_stay(mono: Path) -> None:
    settings(mono, "frameworks: []\ncontrols: {include: [C-0078, C-0046]}\nlocked: [C-0078]\n")
    settings(
        mono / "apps/worker",
        "inputs:\n  imageRepositoryAllowList: ['docker.io']\n  insecureCapabilities: [X]\n",
    )
    configuration, messages = holding(mono / "apps/worker")
    assert messages == [
        "'imageRepositoryAllowList' stays as it is: a control that settings above lock reads it"
    ]
    assert "imageRepositoryAllowList" not in configuration.settings.inputs
    assert configuration.ruleset.inputs["insecureCapabilities"] == ["X"]


def test_a_locked_framework_is_not_defined_anew(mono: Path) -> None:
    settings(mono, "frameworks: [nsa]\nlocked: [frameworks]\n")
    settings(mono / "apps/worker", "policies: [ours.yaml]\n")
    (mono / "apps/worker/ours.yaml").write_text(
        "id: nsa\nreplaces: nsa\ntitle: Ours\ncontrols: [{id: C-0013}]\n"
    )
    configuration, messages = holding(mono / "apps/worker")
    assert "'nsa' stays as it is: settings above lock it" in messages
    assert "C-0057" in configuration.ruleset.controls


def test_a_lock_that_locks_nothing_is_said(mono: Path) -> None:
    settings(mono, "locked: [framework, C-57, nonsense]\n")
    _, messages = holding(mono)
    assert [message.partition(";")[0] for message in messages] == [
        f"'{name}' is no control and no key to be locked" for name in ("framework", "C-57", "nonsense")
    ]
    assert "did you mean 'frameworks'?" in messages[0]
