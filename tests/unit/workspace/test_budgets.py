"""What a whole control may take: for an object, and for all of a workspace."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.budgets import HEAVY, TOO_MUCH, control, pod
from typer.testing import CliRunner

from kscan_lsp.cli import processes
from kscan_lsp.cli.main import app
from kscan_lsp.engine import budget
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.workspace import budgets
from kscan_lsp.workspace.budgets import over_budget, set_aside
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMED = HEAVY % "container.name != ''"
ASKED = "container.image.endsWith(':1')"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "policies/slow.yaml").write_text(control("ORG-0001", NAMED), encoding="utf-8")
    (tmp_path / "policies/quick.yaml").write_text(control("ORG-0002", ASKED), encoding="utf-8")
    (tmp_path / ".kscan.yaml").write_text(
        "policies: policies\nframeworks: []\ncontrols: {include: [ORG-0001, ORG-0002]}\n", encoding="utf-8"
    )
    return tmp_path


def project(folder: Path, clock: Callable[[], float] | None = None) -> Project:
    return Project(Evaluator(configure(folder)[0].ruleset, Evidence(date(2026, 1, 1)), clock))


def said(judged: Project, name: str = "a.yaml") -> tuple[dict[str, int], dict[str, str]]:
    """How often each control is found in a file, and why others said nothing."""
    found: dict[str, int] = {}
    for part in judged.files[name].parts:
        for finding in part.findings:
            found[finding.control] = found.get(finding.control, 0) + 1
    unevaluated = [
        one for part in judged.files[name].parts for verdicts in part.verdicts for one in verdicts.unevaluated
    ]
    return found, {one.control: one.reason for one in unevaluated}


def test_a_control_that_is_over_says_nothing_of_the_object_and_others_do(folder: Path) -> None:
    judged = project(folder).with_file("a.yaml", pod(240))
    assert said(judged) == ({"ORG-0002": 240}, {"ORG-0001": TOO_MUCH})
    assert said(project(folder).with_file("a.yaml", pod(200)))[1] == {}


def test_its_checks_are_added_up(folder: Path) -> None:
    text = control("ORG-0001", *(NAMED.replace("!= ''", f"!= 'x{number}'") for number in range(24)))
    (folder / "policies/slow.yaml").write_text(text, encoding="utf-8")
    assert said(project(folder).with_file("a.yaml", pod(10)))[1] == {"ORG-0001": TOO_MUCH}
    assert said(project(folder).with_file("a.yaml", pod(1)))[1] == {}


def test_what_is_over_does_not_depend_on_what_was_judged_before(folder: Path) -> None:
    texts = [pod(200), pod(240), pod(230), pod(240).replace("c3,", "d3,"), pod(240) + "# the end\n", pod(200)]
    expected = [said(project(folder).with_file("a.yaml", text)) for text in texts]
    edited = project(folder)
    found = []
    for text in texts:
        edited = edited.with_file("a.yaml", text)
        found.append(said(edited))
    assert found == expected


def test_an_edit_keeps_count(folder: Path) -> None:
    before = project(folder).with_file("a.yaml", pod(200))
    after = before.with_file("a.yaml", pod(200).replace("name: c3,", "name: d3,"))
    alone = project(folder).with_file("a.yaml", pod(200).replace("name: c3,", "name: d3,"))
    work = [[v.work for part in one.files["a.yaml"].parts for v in part.verdicts] for one in (after, alone)]
    assert work[0] == work[1] != [{}]


def test_what_is_asked_of_namespaces_and_of_related_objects_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_WORK", 50_000)
    spaces = control("ORG-0001", HEAVY % "objectName != ''").replace("each: containers", "each: namespace")
    spaces = spaces.replace("{container.name}", "{objectName}")
    related = control("ORG-0002", HEAVY % "others == []").replace(
        "each: containers", "each: resource\n  relations: {others: serviceAccounts}"
    )
    (folder / "policies/slow.yaml").write_text(spaces, encoding="utf-8")
    (folder / "policies/quick.yaml").write_text(
        related.replace("{container.name}", "{objectName}"), encoding="utf-8"
    )
    text = pod(1).replace("name: web}", "name: web, namespace: shop}")
    judged = project(folder).with_file("a.yaml", text)
    assert said(judged) == ({}, dict.fromkeys(("ORG-0001", "ORG-0002"), TOO_MUCH))
    assert {name for name, _ in over_budget([judged])} == {"ORG-0001", "ORG-0002"}


def test_a_clock_has_the_last_word(folder: Path) -> None:
    (folder / "policies/slow.yaml").write_text(
        control("ORG-0001", "container.name == 'c0'"), encoding="utf-8"
    )
    ticks = itertools.count()
    judged = project(folder, lambda: next(ticks) / 100).with_file("a.yaml", pod(200))
    assert set(said(judged)[1].values()) == {budget.TOO_SLOW}
    quick = itertools.count()
    judged = project(folder, lambda: next(quick) / 10_000).with_file("a.yaml", pod(200))
    assert said(judged) == ({"ORG-0001": 1, "ORG-0002": 200}, {})


def test_a_control_is_set_aside_for_all_objects_until_its_file_changes(folder: Path) -> None:
    judged = project(folder).with_files([("a.yaml", pod(240), False), ("b.yaml", pod(1), False)])
    over = over_budget([judged])
    held = set_aside(configure(folder)[0], over)
    (problem,) = held.problems
    assert (problem.path.name, problem.problem.fatal) == ("slow.yaml", True)
    assert problem.problem.message == (
        f"ORG-0001 is set aside until this file changes, and judges nothing: {TOO_MUCH} for the Pod 'web'; "
        "loop over less, ask less of each entry, or match fewer objects"
    )
    again = Project(Evaluator(held.ruleset, Evidence(date(2026, 1, 1)))).with_file("b.yaml", pod(1))
    assert said(again, "b.yaml") == (
        {"ORG-0002": 1},
        {"ORG-0001": f"it is set aside: {TOO_MUCH} for the Pod 'web'"},
    )
    (folder / "policies/slow.yaml").write_text(control("ORG-0001", NAMED) + "# better\n", encoding="utf-8")
    assert set_aside(configure(folder)[0], over).problems == ()


def test_it_is_the_same_control_each_time(folder: Path) -> None:
    memo = PolicyMemo()
    configuration = configure(folder, memo=memo)[0]
    judged = Project(Evaluator(configuration.ruleset, Evidence(None))).with_file("a.yaml", pod(240))
    over = over_budget([judged])
    one, other = (set_aside(configure(folder, memo=memo)[0], over) for _ in range(2))
    assert one.ruleset.controls["ORG-0001"] is other.ruleset.controls["ORG-0001"]


def test_what_it_takes_for_all_objects_is_added_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [(f"{number}.yaml", pod(100, f"p{number}"), False) for number in range(4)]
    assert over_budget([project(folder).with_files(texts)]) == {}
    monkeypatch.setattr(budgets, "MAX_WORK", 30_000_000)
    (one,) = over_budget([project(folder).with_files(texts)]).values()
    assert one.control.set_aside == "its checks together are too much work for all objects here"
    assert over_budget([project(folder).with_files(texts[:3])]) == {}


def test_controls_that_come_with_the_program_have_no_such_limit(folder: Path) -> None:
    # nor do they need one: it holds where their own tests run, since those are read with their files
    assert project(folder).ruleset.limited == {"ORG-0001", "ORG-0002"}
    assert configure(None)[0].ruleset.limited == frozenset()


@pytest.mark.parametrize(("order", "allowed"), [(["a.yaml", "b.yaml"], False), (["b.yaml", "a.yaml"], True)])
def test_a_scan_says_it_once_and_is_not_complete(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    order: list[str],
    allowed: bool,
) -> None:
    (folder / "a.yaml").write_text(pod(240), encoding="utf-8")
    (folder / "b.yaml").write_text(pod(1, "b"), encoding="utf-8")
    (folder / "policies/own.yaml").write_text(
        "id: own\ntitle: t\ncontrols: [{id: ORG-0001}, {id: ORG-0002}]\n", encoding="utf-8"
    )
    (folder / ".kscan.yaml").write_text("policies: policies\nframeworks: [own]\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    more = ["--allow-unscanned"] if allowed else []
    done = CliRunner().invoke(app, ["scan", *order, "--format", "json", "--fail-on", "none", *more])
    report = json.loads(done.stdout)
    assert done.exit_code == (2 if allowed else 3)
    (problem,), (left,) = report["problems"], report["notScanned"]
    assert (problem["file"], problem["message"]) == ("policies/slow.yaml", left["reason"])
    assert problem["message"].startswith("ORG-0001 is set aside until this file changes")
    assert {(one["control"], one["file"]) for one in report["findings"]} == {
        ("ORG-0002", "a.yaml"),
        ("ORG-0002", "b.yaml"),
    }
    (framework,) = report["summary"]["frameworks"]
    assert (framework["score"], framework["controls"]["run"]) == (0, 1)
    assert framework["controls"]["notEvaluated"] == ["ORG-0001"]
    (slow,) = (one for one in report["controls"] if one["id"] == "ORG-0001")
    assert (slow["evaluated"], slow["notEvaluated"]["count"]) == (0, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_processes_that_share_a_scan_say_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.yaml").write_text(pod(240), encoding="utf-8")
    (folder / "b.yaml").write_text(pod(1, "b"), encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(processes, "PAYS_FROM", 0)
    monkeypatch.setattr(processes, "MIN_EACH", 1)
    found = []
    for count in ("1", "2"):
        done = CliRunner().invoke(app, ["scan", ".", "--format", "json", "--jobs", count])
        found.append((done.exit_code, done.stdout))
    assert found[0][0] == 3
    assert found[0] == found[1]
