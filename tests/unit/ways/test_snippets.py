"""What docs/ci.md and the templates show is what each system reads, and what they run exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

from kscan_lsp.cli.main import app

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
GITLAB = (ROOT / ".gitlab/kscan.yml").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(info: str) -> list[str]:
    found = [match["text"] for match in BLOCK.finditer(PAGE) if match["info"] == info]
    assert found, f"docs/ci.md has no block of {info}"
    return found


def loaded(text: str) -> Any:
    return YAML(typ="safe").load(text)


def gitlab_parts() -> list[Any]:
    return list(YAML(typ="safe").load_all(GITLAB))


def scripts() -> list[str]:
    (pipeline,) = blocks("groovy jenkins")
    jenkins = re.findall(r"'''(.*?)'''", pipeline, re.DOTALL)
    azure = [step["bash"] for text in blocks("yml azure") for step in loaded(text)["steps"] if "bash" in step]
    return [*blocks("sh"), *jenkins, *azure, "\n".join(gitlab_parts()[1]["kscan"]["script"])]


def test_every_block_is_checked() -> None:
    known = {"sh", "yml pre-commit", "yml workflow", "yml gitlab", "yml azure", "groovy jenkins"}
    assert {match["info"] for match in BLOCK.finditer(PAGE)} == known


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("script", scripts())
def test_scripts_are_scripts(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shellcheck = shutil.which("shellcheck", path=sysconfig.get_path("scripts"))
    if shellcheck:
        # the names of files of GitLab's job are split on purpose
        command = [shellcheck, "--shell=bash", "--exclude=SC2086", "-"]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", scripts())
def test_options_exist(script: str) -> None:
    known = {option for one in typer.main.get_command(app).commands["scan"].params for option in one.opts}
    joined = script.replace("\\\n", " ")
    used = re.findall(r"kscan\"? scan\b([^\n#]*)", joined)
    assert {option for line in used for option in re.findall(r"(?<![\w-])--[a-z-]+", line)} <= known | {"--"}


def test_what_is_installed_is_pinned_by_hash() -> None:
    for script in scripts():
        for line in re.findall(r"pip\"? install([^\n]*)", script.replace("\\\n", " ")):
            assert "--require-hashes" in line
            assert "--only-binary :all:" in line


@pytest.mark.parametrize("text", blocks("yml pre-commit"))
def test_pre_commit_takes_its_settings(text: str, tmp_path: Path) -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib", reason="needs pre-commit")
    path = tmp_path / ".pre-commit-config.yaml"
    path.write_text(text)
    repo = clientlib.load_config(str(path))["repos"][0]
    hook = repo["hooks"][0]
    assert hook["id"] == "kscan"
    if repo["repo"] == "local":
        (own,) = loaded((ROOT / ".pre-commit-hooks.yaml").read_text())
        assert {key: hook[key] for key in ("entry", "types_or", "require_serial")} == {
            key: own[key] for key in ("entry", "types_or", "require_serial")
        }


@pytest.mark.parametrize("text", blocks("yml workflow"))
def test_workflows_are_workflows(text: str, tmp_path: Path) -> None:
    inputs = loaded((ROOT / ".github/actions/kscan/action.yml").read_text())["inputs"]
    for step in loaded(text)["jobs"]["kscan"]["steps"]:
        assert re.search(r"@[0-9a-f]{40}$", step["uses"])
        assert "OWNER/kscan" not in step["uses"] or set(step["with"]) <= set(inputs)
    path = tmp_path / "kscan.yml"
    path.write_text(text)
    places = [sysconfig.get_path("scripts"), os.environ["PATH"], str(Path.home() / "go/bin")]
    actionlint = shutil.which("actionlint", path=os.pathsep.join(places))
    if actionlint is None:
        pytest.skip("needs actionlint")
    done = subprocess.run([actionlint, "-no-color", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def faults(schema: str, text: str) -> list[str]:
    """What does not fit the schema that a system publishes, of which a program that checks files carries a copy."""
    schemas = pytest.importorskip("check_jsonschema.builtin_schemas", reason="needs check-jsonschema")
    rules = schemas.get_builtin_schema(f"vendor.{schema}")
    return [error.message for error in validator_for(rules)(rules).iter_errors(loaded(text))]


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        ("gitlab-ci", [*blocks("yml gitlab"), GITLAB.partition("\n---\n")[2]]),
        ("azure-pipelines", blocks("yml azure")),
        ("github-workflows", blocks("yml workflow")),
        ("github-actions", [(ROOT / ".github/actions/kscan/action.yml").read_text()]),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_each_system_reads_fits_its_schema(schema: str, texts: list[str]) -> None:
    assert [fault for text in texts for fault in faults(schema, text)] == []


def test_what_does_not_fit_is_seen() -> None:
    assert faults("gitlab-ci", "kscan: {script: {nothing: like it}}\n")
    assert faults("azure-pipelines", "steps: [{tusk: A@1}]\n")
    assert faults("github-actions", "name: a\nruns: {using: composite, steps: [{run: a}]}\n")


def test_the_inputs_that_are_listed_are_those_there_are() -> None:
    inputs = set(loaded((ROOT / ".github/actions/kscan/action.yml").read_text())["inputs"])
    rows = PAGE.partition("| input | default |")[2].partition("\n\n")[0].splitlines()[2:]
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])} == inputs


def test_the_component_of_gitlab_has_what_it_uses() -> None:
    header, jobs = gitlab_parts()
    inputs = header["spec"]["inputs"]
    used = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", GITLAB))
    assert used == set(inputs)
    assert all("$[[" not in line for line in jobs["kscan"]["script"])  # they come as variables
    for text in blocks("yml gitlab"):
        (include,) = loaded(text)["include"]
        assert (ROOT / include["file"].lstrip("/")).exists()
        assert set(include["inputs"]) <= set(inputs)


def test_azure_has_steps() -> None:
    for text in blocks("yml azure"):
        assert all({"task", "bash"} & set(step) for step in loaded(text)["steps"])


def test_the_pipeline_of_jenkins_closes_what_it_opens() -> None:
    for text in blocks("groovy jenkins"):
        rest = re.sub(r"'''.*?'''|'[^'\n]*'", "''", text, flags=re.DOTALL)
        assert "'" not in rest.replace("''", "")
        depth = 0
        for character in re.findall(r"[{}]", rest):
            depth += 1 if character == "{" else -1
            assert depth >= 0
        assert depth == 0
