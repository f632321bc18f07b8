"""The action for GitHub: its steps run as the scripts they are, with a runner and a `gh` that are made up."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".github/actions/kscan"
ACTION = YAML(typ="safe").load((FOLDER / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}

pytestmark = pytest.mark.skipif(
    os.name != "posix" or shutil.which("bash") is None, reason="the steps are scripts for bash"
)

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {hostPID: true, containers: [{name: a, image: 'a:1'}]}
"""
GH = """\
#!%(python)s
import json, os, subprocess, sys
words = sys.argv[1:]
state = %(state)r
with open(state, encoding="utf-8") as file:
    known = json.load(file)
assert words.pop(0) == "api" and os.environ["GH_TOKEN"] == "secret"
if known["refuse"]:
    sys.exit("HTTP 403: Resource not accessible by integration")
method, body, path = "GET", None, None
while words:
    word = words.pop(0)
    if word == "--method": method = words.pop(0)
    elif word == "--field":
        key, _, value = words.pop(0).partition("=@")
        assert key == "body"
        with open(value, encoding="utf-8") as file: body = file.read()
    elif word == "--jq": assert ".user.login" in words.pop(0)
    elif not word.startswith("--"): path = word
known["calls"].append([method, path])
if method == "GET":
    for one in known["comments"]:  # what the filter of --jq says
        if one["by"] == os.environ["KSCAN_AUTHOR"] and one["body"].startswith(os.environ["KSCAN_MARK"]):
            print(one["id"])
elif method == "POST":
    known["comments"].append({"id": 100 + len(known["comments"]), "by": "github-actions[bot]", "body": body})
else:
    next(one for one in known["comments"] if path.endswith("/%%s" %% one["id"]))["body"] = body
with open(state, "w", encoding="utf-8") as file:
    json.dump(known, file)
"""


class Runner:
    """What the steps see of a machine of GitHub."""

    def __init__(self, folder: Path, inputs: dict[str, str]) -> None:
        defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        self.values = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        self.values["inputs.token"] = "secret"
        self.values["steps.install.outputs.python"] = str(folder / "python")
        self.values["steps.python.outputs.python-path"] = sys.executable
        self.values["github.event.pull_request.number"] = "7"
        self.workspace, self.temp = folder / "workspace", folder / "temp"
        for one in (self.workspace, self.temp / "kscan", folder / "programs"):
            one.mkdir(parents=True)
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for file in self.files.values():
            file.touch()
        # the program that is tested, as the step `Install` would have it
        (folder / "python").write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -P "$@"\n')
        self.state = folder / "gh.json"
        self.comments([])
        (folder / "programs/gh").write_text(GH % {"python": sys.executable, "state": str(self.state)})
        for one in (folder / "python", folder / "programs/gh"):
            one.chmod(0o755)
        self.path = f"{folder / 'programs'}{os.pathsep}{os.environ['PATH']}"

    def comments(self, there: list[dict[str, Any]], *, refuse: bool = False) -> None:
        self.state.write_text(json.dumps({"comments": there, "calls": [], "refuse": refuse}))

    @property
    def known(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.state.read_text())
        return loaded

    def filled(self, text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: self.values[found[1]], str(text))

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        step = STEPS[name]
        variables = {
            "PATH": self.path, "HOME": str(self.temp), "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(self.temp), "GITHUB_REPOSITORY": "someone/shop", "GITHUB_ACTION_PATH": str(FOLDER),
            **{name: str(file) for name, file in self.files.items()},
            **{name: self.filled(value) for name, value in step.get("env", {}).items()},
        }  # fmt: skip
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        for line in self.files["GITHUB_OUTPUT"].read_text().splitlines():
            key, _, value = line.partition("=")
            self.values[f"steps.{step.get('id')}.outputs.{key}"] = value
        self.files["GITHUB_OUTPUT"].write_text("")
        return done

    def output(self, name: str) -> str:
        return self.values.get(f"steps.scan.outputs.{name}", "")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path, {})
    (made.workspace / "pod.yaml").write_text(POD)
    return made


def test_a_scan_writes_its_reports_and_fails_the_job_at_the_end(runner: Runner) -> None:
    done = runner.run("Scan")
    assert done.returncode == 0, done.stderr
    folder = Path(runner.output("folder"))
    assert json.loads((folder / "kscan.sarif").read_text())["runs"][0]["results"]
    assert runner.output("sarif") == str(folder / "kscan.sarif")
    assert runner.run("Write the summary").returncode == 0
    assert "C-0038" in runner.files["GITHUB_STEP_SUMMARY"].read_text()
    assert runner.run("Pass or fail").returncode == 1


def test_what_passes_passes(tmp_path: Path) -> None:
    runner = Runner(tmp_path, {"fail-on": "none"})
    (runner.workspace / "pod.yaml").write_text(POD)
    runner.run("Scan")
    assert runner.run("Pass or fail").returncode == 0


def test_inputs_are_words_and_nothing_else(tmp_path: Path) -> None:
    """Whatever they hold, no command and no option is made of them."""
    mark = tmp_path / "ran"
    evil = f"$(touch {mark}) `touch {mark}`; touch {mark}"
    names = ["a b.yaml", "--version", "$(touch ran) `touch ran`; touch ran"]
    runner = Runner(tmp_path, {"paths": "\n".join([*names, ""]), "frameworks": "nsa"})
    for name in names:
        (runner.workspace / name).write_text(POD)
    runner.run("Scan")
    report = json.loads((Path(runner.output("folder")) / "kscan.json").read_text())
    assert {finding["file"] for finding in report["findings"]} >= {"a b.yaml", "--version"}
    assert [one["id"] for one in report["summary"]["frameworks"]] == ["nsa"]
    for name in ("fail-on", "config", "baseline", "new-since", "frameworks"):
        again = Runner(tmp_path / name, {name: evil})
        (again.workspace / "pod.yaml").write_text(POD)
        again.run("Scan")
        assert again.run("Pass or fail").returncode == 2
    assert not mark.exists()
    assert not [*tmp_path.rglob("ran")]


def test_a_scan_that_did_not_end_is_no_pass(runner: Runner) -> None:
    runner.values["steps.scan.outputs.status"] = ""
    assert runner.run("Pass or fail").returncode == 2


def test_a_comment_is_made_once_and_kept_up_to_date(runner: Runner) -> None:
    runner.run("Scan")
    runner.comments(
        [
            {"id": 1, "by": "somebody", "body": "<!-- kscan scan: kscan -->\nnot ours"},
            {"id": 2, "by": "github-actions[bot]", "body": "<!-- kscan scan: other -->\nanother scan"},
        ]
    )
    assert runner.run("Comment on the pull request").returncode == 0
    assert [call[0] for call in runner.known["calls"]] == ["GET", "POST"]
    made = runner.known["comments"][2]["body"]
    assert made.startswith("<!-- kscan scan: kscan -->\n<!-- kscan -->")
    assert "C-0038" in made
    (runner.workspace / "pod.yaml").write_text(POD.replace("hostPID: true, ", ""))
    runner.run("Scan")
    runner.run("Comment on the pull request")
    assert [call[0] for call in runner.known["calls"]] == ["GET", "POST", "GET", "PATCH"]
    first, second, third = (one["body"] for one in runner.known["comments"])
    assert (first.endswith("not ours"), second.endswith("another scan")) == (True, True)
    assert "C-0038" not in third


def test_a_name_cannot_end_the_mark(tmp_path: Path) -> None:
    runner = Runner(tmp_path, {"name": "a --> @everybody"})
    (runner.workspace / "pod.yaml").write_text(POD)
    runner.run("Scan")
    runner.run("Comment on the pull request")
    assert runner.known["comments"][0]["body"].startswith("<!-- kscan scan: a_--___everybody -->\n")


def test_a_token_that_may_not_comment_fails_nothing(runner: Runner) -> None:
    runner.run("Scan")
    runner.comments([], refuse=True)
    done = runner.run("Comment on the pull request")
    assert (done.returncode, "::notice" in done.stdout) == (0, True)


def test_what_is_installed_is_locked_and_the_program_is_that_of_the_commit(
    runner: Runner, tmp_path: Path
) -> None:
    """With a pip that is made up: nothing is fetched here."""
    python = tmp_path / "made-up"
    python.write_text(
        f"""#!/bin/sh
printf '%s\\n' "$*" >>{tmp_path}/calls
case "$*" in
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
*purelib*) echo {tmp_path} ;;
esac
"""
    )
    python.chmod(0o755)
    runner.values["steps.python.outputs.python-path"] = str(python)
    done = runner.run("Install")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text()
    lock = re.search(r"--require-hashes --only-binary :all: --requirement (\S+)", calls)
    assert lock, calls
    assert Path(lock[1]).resolve() == ROOT / "vscode-extension/server/requirements.txt"
    assert Path((tmp_path / "kscan.pth").read_text().strip()) == ROOT
    assert runner.values["steps.install.outputs.python"].endswith("/kscan/environment/bin/python")


def test_every_script_is_one_that_shellcheck_passes(tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=sysconfig.get_path("scripts")) or shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("needs shellcheck: install the dev dependency group")
    for number, step in enumerate(step for step in STEPS.values() if "run" in step):
        script = tmp_path / f"{number}.sh"
        script.write_text("#!/bin/bash\n" + step["run"])
        done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_every_input_is_used_and_every_output_comes_from_somewhere() -> None:
    text = (FOLDER / "action.yml").read_text()
    assert [name for name in ACTION["inputs"] if not re.search(rf"inputs\.{name}\b", text)] == []
    assert set(re.findall(r"inputs\.([\w-]+)", text)) <= set(ACTION["inputs"])
