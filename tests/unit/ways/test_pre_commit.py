"""The hook for pre-commit: run by the real program, in a fresh repository, on what is staged."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.git import environment, git, needs_git, repository

ROOT = Path(__file__).parents[3]
HOOKS = ".pre-commit-hooks.yaml"

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {hostPID: true, containers: [{name: a, image: 'a:1', resources: {limits: {memory: 1Mi}}}]}
"""


def hooks() -> list[dict[str, object]]:
    loaded: list[dict[str, object]] = YAML(typ="safe").load((ROOT / HOOKS).read_text())
    return loaded


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A repository with the hook, which takes the program that is tested and installs nothing."""
    if importlib.util.find_spec("pre_commit") is None:
        pytest.skip("needs pre-commit: install the dev dependency group")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "kscan").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kscan_lsp "$@"\n')
    (programs / "kscan").chmod(0o755)
    manifest = (ROOT / HOOKS).read_text()
    assert "language: python" in manifest
    source = repository(
        tmp_path / "source", {HOOKS: manifest.replace("language: python", "language: system")}
    )
    config = f"repos:\n- repo: {source}\n  rev: {git(source, 'rev-parse', 'HEAD').strip()}\n  hooks: [{{id: kscan}}]\n"
    return repository(tmp_path / "here", {".pre-commit-config.yaml": config, "README.md": "a\n"})


def pre_commit(here: Path, *arguments: str) -> tuple[int, str]:
    variables = {
        **environment(),
        "PATH": f"{here.parent / 'programs'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(here.parent / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=here, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@needs_git
def test_a_commit_is_stopped_by_what_is_staged_and_by_nothing_else(here: Path) -> None:
    manifest = here / "pod.yaml"
    manifest.write_text(POD)
    git(here, "add", "pod.yaml")
    manifest.write_text(POD.replace("hostPID: true, ", ""))  # repaired, and not added
    status, said = pre_commit(here, "run")
    assert (status, "C-0038" in said) == (1, True), said
    assert "hostPID" not in manifest.read_text()

    git(here, "add", "pod.yaml")
    manifest.write_text(POD)  # broken again, and not added
    status, said = pre_commit(here, "run")
    assert (status, "Passed" in said) == (0, True), said
    assert manifest.read_text() == POD


@needs_git
def test_git_runs_it_before_a_commit_and_all_files_can_be_asked_about(here: Path) -> None:
    assert pre_commit(here, "install")[0] == 0
    (here / "pod.yaml").write_text(POD)
    (here / "values.yaml").write_text("a: 1\n")
    git(here, "add", "--all")
    path = f"{here.parent / 'programs'}{os.pathsep}{os.environ['PATH']}"
    variables = {
        **environment(), "PATH": path, "PYTHONPATH": str(ROOT), "PRE_COMMIT_HOME": str(here.parent / "home"),
    }  # fmt: skip
    done = subprocess.run(
        ["git", "commit", "-m", "pod"], cwd=here, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "C-0038" in done.stderr + done.stdout) == (1, True), done
    git(here, "commit", "--no-verify", "--quiet", "--message=pod")
    assert "no files to check" in pre_commit(here, "run")[1]
    status, said = pre_commit(here, "run", "--all-files")
    assert (status, "C-0038" in said) == (1, True), said


def test_it_is_a_hook_as_pre_commit_wants_it() -> None:
    assert [hook["id"] for hook in hooks()] == ["kscan"]
    if importlib.util.find_spec("pre_commit") is None:
        pytest.skip("needs pre-commit: install the dev dependency group")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", HOOKS],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
