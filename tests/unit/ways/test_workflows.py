"""Workflows and the action, read by the programs that know what GitHub makes of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ALL = [*WORKFLOWS, *sorted((ROOT / ".github/actions").glob("*/action.yml"))]


def program(name: str, how: str) -> str:
    """A program of this environment, or of the machine."""
    go = Path.home() / "go/bin"
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"], str(go)])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"needs {name}: {how}")
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_actionlint_finds_nothing() -> None:
    actionlint = program("actionlint", "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
    shellcheck = shutil.which("shellcheck", path=sysconfig.get_path("scripts")) or ""
    done = run(actionlint, "-no-color", "-shellcheck", shellcheck, *WORKFLOWS)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_zizmor_finds_nothing() -> None:
    zizmor = program("zizmor", "install the dev dependency group")
    done = run(zizmor, "--offline", "--no-progress", "--color", "never", ".github")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT / ".github").as_posix())
def test_no_script_is_put_together_from_what_somebody_says(path: Path) -> None:
    """Inputs, names of branches and titles reach scripts as variables."""
    document = YAML(typ="safe").load(path.read_text())
    jobs = document.get("jobs") or {"": document["runs"]}
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert scripts
    allowed = r"\$\{\{ matrix\.[\w.]+ \}\}"  # written in the same file
    assert [script for script in scripts if "${{" in re.sub(allowed, "", script)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_may_more_than_it_says(path: Path) -> None:
    document = YAML(typ="safe").load(path.read_text())
    assert document["permissions"] == {}
    assert all("permissions" in job for job in document["jobs"].values())


def test_nothing_is_published_before_all_tests_have_passed() -> None:
    jobs = YAML(typ="safe").load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    tested = next(
        name for name, job in jobs.items() if any(".ci/run" in s.get("run", "") for s in job["steps"])
    )

    def before(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*map(before, direct))

    publishing = [
        name for name, job in jobs.items() if "write" in job["permissions"].values() or "environment" in job
    ]
    assert {"pypi", "image", "marketplace", "release"} == set(publishing)
    assert all(tested in before(name) for name in publishing)
