"""What a control sees of the file that a manifest is in, and inputs that are others in a folder."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.kustomize import found as found_kustomize
from support.manifests import LABELLED_POD as POD
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.load import load
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.places import path_in
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = """\
id: ORG-0001
title: Team
severity: medium
description: d
remediation: r
inputs:
  allowed: [none]
checks:
- match: [{groups: ['*'], kinds: ['*']}]
  deny: "!(path in inputs.allowed)"
  at: metadata.name
  message: "{path}"
"""
SETTINGS = "policies: [policies]\nframeworks: []\ncontrols: {include: [ORG-0001]}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (".git", "policies", "apps/shop", "apps/bank/deep", "plain folder/ü"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "policies/control.yaml").write_text(CONTROL)
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    for name in ("apps/shop/a.yaml", "apps/bank/deep/b.yaml", "plain folder/ü/c d.yaml"):
        (tmp_path / name).write_text(POD % (("x",) * 2))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def messages(*arguments: str, stdin: str | None = None) -> list[str]:
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments], input=stdin)
    assert result.stdout, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    assert report["problems"] == []
    return sorted(finding["message"] for finding in report["findings"])


@pytest.mark.parametrize(
    ("here", "scanned", "seen"),
    [
        (".", ["."], ["apps/bank/deep/b.yaml", "apps/shop/a.yaml", "plain folder/ü/c d.yaml"]),
        ("apps/bank", ["."], ["apps/bank/deep/b.yaml"]),
        ("apps/bank", ["../shop/a.yaml"], ["apps/shop/a.yaml"]),
        ("policies", ["../apps/bank/deep"], ["apps/bank/deep/b.yaml"]),
    ],
)
def test_a_path_begins_at_the_repository_wherever_the_scan_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch, here: str, scanned: list[str], seen: list[str]
) -> None:
    monkeypatch.chdir(folder / here)
    assert messages(*scanned) == seen


def test_without_a_checkout_it_begins_at_the_outermost_settings(folder: Path) -> None:
    (folder / ".git").rmdir()
    (folder / "apps/.kscan.yaml").write_text("inputs: {allowed: []}\n")
    assert messages("apps/shop") == ["apps/shop/a.yaml"]


def test_standard_input_has_none(folder: Path) -> None:
    assert messages("-", stdin=POD % (("x",) * 2)) == [""]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("file:///r/plain%20folder/%C3%BC.yaml", "plain folder/ü.yaml"),
        ("/r/a.yaml", "a.yaml"),
        ("/r/../etc/a.yaml", ""),
        ("/rest/a.yaml", ""),
        ("untitled:Untitled-1", ""),
        ("file://", ""),
        ("file:///r/%ff.yaml", "\ufffd.yaml"),
        ("/r/\0.yaml", "\0.yaml"),
        ("", ""),
    ],
)
def test_names_of_files_in_a_project(name: str, seen: str) -> None:
    assert path_in("/r", name) == seen


def test_an_unsaved_buffer_has_none_wherever_the_editor_runs(folder: Path) -> None:
    assert path_in(str(folder), "untitled:Untitled-1") == path_in(str(folder), "<stdin>") == ""


def test_an_editor_sees_the_same_as_a_scan(folder: Path) -> None:
    configuration, _ = configure(folder)
    file = folder / "plain folder/ü/c d.yaml"
    project = Project(Evaluator(configuration.ruleset, Evidence(date(2026, 1, 1))))
    checked = project.with_file(file.as_uri(), file.read_text()).files[file.as_uri()]
    assert [f.finding.message for f in checked.findings()] == ["plain folder/ü/c d.yaml"]


def test_the_same_text_in_two_files_is_told_apart(folder: Path) -> None:
    configuration, _ = configure(folder)
    project = Project(Evaluator(configuration.ruleset, Evidence(date(2026, 1, 1))))
    text = POD % (("x",) * 2)
    project = project.with_files([(name, text, False) for name in ("a.yaml", "b.yaml", "a.yaml")])
    edited = project.with_document("b.yaml", 0, text.replace("name: x", "name: y"))
    for one in (project, edited):
        found = {p: [f.finding.message for f in file.findings()] for p, file in one.files.items()}
        assert found == {"a.yaml": ["a.yaml"], "b.yaml": ["b.yaml"]}


def test_a_chart_shows_its_template(folder: Path) -> None:
    chart = folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (chart / "templates/pod.yaml").write_text(POD % (("{{ .Release.Name }}",) * 2))
    assert messages("chart") == ["chart/templates/pod.yaml"]


def test_an_overlay_shows_the_file_of_its_base(folder: Path) -> None:
    found_kustomize()
    (folder / "base").mkdir()
    (folder / "base/pod.yaml").write_text(POD % (("base",) * 2))
    (folder / "base/other.yaml").write_text(POD % (("other",) * 2))
    (folder / "base/kustomization.yaml").write_text("resources: [pod.yaml, other.yaml]\n")
    (folder / "prod").mkdir()
    (folder / "prod/kustomization.yaml").write_text("resources: [../base]\nnamePrefix: p-\n")
    assert messages("base", "prod") == ["base/other.yaml", "base/pod.yaml"]


def test_inputs_are_others_in_a_folder_with_settings_of_its_own(folder: Path) -> None:
    (folder / "apps/shop/.kscan.yaml").write_text("inputs: {allowed: [apps/shop/a.yaml]}\n")
    (folder / "apps/bank/.kscan.yaml").write_text("inputs: {allowed: [elsewhere]}\n")
    assert messages(".") == ["apps/bank/deep/b.yaml", "plain folder/ü/c d.yaml"]


def test_a_map_and_a_number_are_others_there_too(folder: Path) -> None:
    control = CONTROL.replace(
        "  allowed: [none]\n",
        "  allowed: {type: map, default: {apps: [a]}}\n  most: {type: number, default: 1}\n",
    ).replace("!(path in inputs.allowed)", "inputs.most > 1 && !('b' in inputs.allowed.apps)")
    (folder / "policies/control.yaml").write_text(control)
    (folder / "apps/.kscan.yaml").write_text("inputs: {most: 2}\n")
    (folder / "apps/bank/.kscan.yaml").write_text("inputs: {allowed: {apps: [b]}}\n")
    assert messages(".") == ["apps/shop/a.yaml"]


def test_a_name_of_a_let_may_still_be_path(folder: Path) -> None:
    control = CONTROL.replace("  deny:", "  let: {path: \"'mine'\"}\n  deny:")
    (folder / "policies/control.yaml").write_text(control)
    assert messages("apps/shop") == ["mine"]


def test_a_test_of_a_control_says_where_its_manifest_is() -> None:
    tests = (
        "tests:\n- name: shop\n  path: apps/shop/a.yaml\n  inputs: {allowed: [apps/shop/a.yaml]}\n"
        "  manifest: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: a}\n"
        "- name: bank\n  path: apps/bank/a.yaml\n"
        "  manifest: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: a}\n"
        "    #          ^^^^^^^ ORG-0001\n"
    )
    policies = load([("c.yaml", read_document(CONTROL + tests))], complete_policies())
    assert policies.problems == ()
    assert [outcome.failure for outcome in run_tests(policies.controls["ORG-0001"], policies)] == ["", ""]


def test_controls_that_do_not_ask_are_told_nothing(folder: Path) -> None:
    (folder / "policies/control.yaml").write_text(
        CONTROL.replace("!(path in inputs.allowed)", "true").replace("{path}", "x")
    )
    assert configure(folder)[0].ruleset.root is None
