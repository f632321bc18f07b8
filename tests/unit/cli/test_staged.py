"""`kscan scan --staged`: what the next commit has, whatever stands in the work tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.git import environment, git, needs_git, repository
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.files.revision import RevisionError, read_staged

pytestmark = needs_git

HOST_PID = "C-0038"
ROOT = Path(__file__).parents[3]


def pod(name: str, *, host: bool) -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec: {{hostPID: {str(host).lower()}, containers: [{{name: a, image: 'registry.example/a:1'}}]}}\n"
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    return repository(tmp_path, {"old.yaml": pod("old", host=True)})


def staged(*arguments: str, control: str = HOST_PID) -> tuple[int, dict[str, Any]]:
    words = ["scan", "--staged", "--format", "json", "--control", control, *arguments]
    result = CliRunner().invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout) if result.stdout else {"error": result.stderr}


def files(report: dict[str, Any]) -> list[str]:
    return [finding["file"] for finding in report["findings"]]


def test_the_index_counts_and_not_the_work_tree(here: Path) -> None:
    (here / "new.yaml").write_text(pod("new", host=True))
    git(here, "add", "new.yaml")
    (here / "new.yaml").write_text(pod("new", host=False))
    assert files(staged()[1]) == ["new.yaml"]
    git(here, "add", "new.yaml")
    (here / "new.yaml").write_text(pod("new", host=True))
    status, report = staged()
    assert (status, files(report), report["summary"]["files"]) == (0, [], 1)


def test_a_file_that_is_only_in_the_index_is_read(here: Path) -> None:
    (here / "new.yaml").write_text(pod("new", host=True))
    git(here, "add", "new.yaml")
    (here / "new.yaml").unlink()
    assert files(staged()[1]) == ["new.yaml"]
    assert files(staged("new.yaml")[1]) == ["new.yaml"]


def test_only_what_the_commit_changes_is_reported(here: Path) -> None:
    assert staged()[1]["summary"]["files"] == 0
    (here / "gone.yaml").write_text(pod("gone", host=True))
    git(here, "add", ".")
    git(here, "commit", "-qm", "second")
    git(here, "rm", "-q", "gone.yaml")
    (here / "old.yaml").write_text(pod("older", host=True))
    assert staged()[1]["summary"]["files"] == 0
    git(here, "add", "old.yaml")
    assert files(staged()[1]) == ["old.yaml"]


def test_the_first_commit_has_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    repository(tmp_path, {})
    (tmp_path / "a.yaml").write_text(pod("a", host=True))
    git(tmp_path, "add", ".")
    assert files(staged()[1]) == ["a.yaml"]


def test_named_files_are_reported_whether_or_not_they_change(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub/new.yaml").write_text(pod("new", host=True))
    git(here, "add", ".")
    assert files(staged("old.yaml")[1]) == ["old.yaml"]
    assert files(staged("sub")[1]) == ["sub/new.yaml"]
    assert files(staged("old.yaml", ".")[1]) == ["old.yaml", "sub/new.yaml"]


def test_other_files_count_for_what_they_declare(here: Path) -> None:
    unprotected = "C-0260"
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
    )
    (here / "web.yaml").write_text(pod("web", host=False))
    git(here, "add", "web.yaml")
    without = files(staged(control=unprotected)[1])
    (here / "policy.yaml").write_text(policy)
    git(here, "add", "policy.yaml")
    git(here, "commit", "-qm", "policy", "policy.yaml")
    _, report = staged(control=unprotected)
    assert (without, files(report), report["summary"]["files"]) == (["web.yaml"], [], 1)


def test_fingerprints_are_those_of_the_whole_project(here: Path) -> None:
    (here / "zz.yaml").write_text(pod("old", host=True))
    git(here, "add", ".")
    _, report = staged()
    whole = json.loads(CliRunner().invoke(app, ["scan", "--format", "json", "--control", HOST_PID]).stdout)
    assert [f["fingerprint"] for f in report["findings"]] == [
        f["fingerprint"] for f in whole["findings"] if f["file"] == "zz.yaml"
    ]


def test_what_a_scan_leaves_alone_is_left_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kscan_lsp.cli.charts.helm", lambda: None)  # nothing renders charts
    (here / ".kscan.yaml").write_text("exclude: [out/]\n")
    for name in ("out/a.yaml", ".github/a.yaml", "notes.yaml", "chart/templates/a.yaml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(pod("a", host=True) if name != "notes.yaml" else "a: 1\n")
    (here / "chart/Chart.yaml").write_text("name: chart\n")
    (here / "chart/templates/a.yaml").write_text(pod("{{ .Values.name }}", host=True))
    git(here, "add", ".")
    status, report = staged()
    assert (status, files(report)) == (0, [])
    assert report["summary"]["skipped"]["excluded"] == 2
    assert report["summary"]["skipped"]["helm-template"] == 1


def test_a_broken_manifest_is_not_passed(here: Path) -> None:
    (here / "broken.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: [\n")
    git(here, "add", ".")
    status, report = staged()
    assert (status, report["notScanned"][0]["file"]) == (3, "broken.yaml")


def test_only_what_the_commit_brings_can_be_asked_for(here: Path) -> None:
    (here / "old.yaml").write_text(pod("old", host=True) + "---\n" + pod("new", host=True))
    git(here, "add", ".")
    status, report = staged("--new-since", "HEAD", "--new-only")
    assert [finding["resource"]["name"] for finding in report["findings"]] == ["new"]
    assert status == 1


def test_mistakes_are_told(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "there is no file or folder 'nowhere.yaml'" in staged("nowhere.yaml")[1]["error"]
    assert "leave '-' out" in staged("-")[1]["error"]
    (here / "unknown.yaml").write_text(pod("a", host=False))
    status, report = staged("unknown.yaml")
    assert (status, "git add" in report["notScanned"][0]["reason"]) == (3, True)
    assert "needs files of one git repository" in staged(str(tmp_path_factory.mktemp("bare")))[1]["error"]


def test_a_merge_that_is_not_finished_is_told(here: Path) -> None:
    git(here, "checkout", "-qb", "other")
    (here / "old.yaml").write_text(pod("one", host=True))
    git(here, "commit", "-qam", "one")
    git(here, "checkout", "-q", "main")
    (here / "old.yaml").write_text(pod("two", host=True))
    git(here, "commit", "-qam", "two")
    with pytest.raises(Exception, match="merge"):
        git(here, "merge", "other")
    with pytest.raises(RevisionError, match=r"'old.yaml' is not merged yet"):
        read_staged(here, lambda _: True)
    assert "not merged yet" in staged()[1]["error"]


def test_no_program_that_a_repository_names_is_run(here: Path) -> None:
    mark = here / "ran"
    script = here / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\ncat\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "filter.x.clean", "filter.x.smudge", "diff.x.textconv"):
        git(here, "config", key, str(script))
    (here / ".gitattributes").write_text("*.yaml diff=x\n")
    (here / "new.yaml").write_text(pod("new", host=True))
    git(here, "-c", "core.fsmonitor=false", "add", "new.yaml")
    (here / ".gitattributes").write_text("*.yaml filter=x diff=x\n")
    mark.unlink(missing_ok=True)
    assert files(staged()[1]) == ["new.yaml"]
    assert not mark.exists()


@pytest.mark.skipif(os.name != "posix", reason="the hook is a script for sh")
def test_a_hook_of_git_judges_what_is_committed_and_no_more(here: Path) -> None:
    """`git commit FILE` commits from an index of its own, and a linked worktree has another."""
    hook = here / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kscan_lsp scan --staged --control {HOST_PID}\n')
    hook.chmod(0o755)
    variables = {**environment(), "PYTHONPATH": str(ROOT)}

    def commit(folder: Path, *arguments: str) -> int:
        command = ["git", "commit", "--quiet", "--message=a", *arguments]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False).returncode

    (here / "bad.yaml").write_text(pod("bad", host=True))
    git(here, "add", "bad.yaml")
    (here / "old.yaml").write_text(pod("old", host=False))
    assert commit(here, "old.yaml") == 0
    assert commit(here) == 1
    linked = here.parent / "linked"
    git(here, "worktree", "add", "-q", "-b", "linked", str(linked))
    (linked / "new.yaml").write_text(pod("new", host=False))
    git(linked, "add", "new.yaml")
    assert commit(linked) == 0
    (linked / "new.yaml").write_text(pod("new", host=True))
    assert commit(linked, "--all") == 1
