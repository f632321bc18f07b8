"""The command line as people and programs use it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from support.reporting import POD, SCHEMA
from typer.testing import CliRunner

import kscan_lsp
from kscan_lsp import __version__
from kscan_lsp.cli.main import app
from kscan_lsp.files import encoding

if TYPE_CHECKING:
    from click.testing import Result

PACKAGE = Path(kscan_lsp.__file__).parent
NAMED_TUPLE = r"(?m)^class \w+\(NamedTuple\):"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: api
        image: registry.example/api:1.0
        securityContext:
          privileged: true
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kscan(*argv: str, stdin: bytes | str | None = None) -> Result:
    result = CliRunner().invoke(app, list(argv), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def report(*argv: str, stdin: bytes | str | None = None) -> dict:
    result = kscan("scan", *argv, "--format", "json", stdin=stdin)
    read = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(read)
    return {**read, "exit": result.exit_code, "stderr": result.stderr}


def test_version() -> None:
    assert kscan("--version").stdout == f"kscan {__version__}\n"


def test_no_command_shows_help() -> None:
    assert "scan" in kscan("--help").stdout


def test_a_folder_is_scanned(here: Path) -> None:
    (here / "deploy").mkdir()
    (here / "deploy/web.yaml").write_text(DEPLOYMENT)
    (here / "deploy/case.json").write_text('{"rule": "x"}')
    (here / "deploy/values.yaml").write_text("replicas: 1\n")
    (here / "deploy/broken.json").write_text("{")
    found = report("deploy", "--control", "C-0057")
    assert found["exit"] == 1
    assert found["stderr"] == ""
    assert found["summary"]["skipped"]["not-kubernetes"] == 3
    assert [(f["file"], f["range"]["start"]["line"]) for f in found["findings"]] == [("deploy/web.yaml", 15)]
    assert found["summary"]["frameworks"] == []
    assert [c["id"] for c in found["controls"]] == ["C-0057"]


def test_the_working_folder_is_the_default(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    assert [f["file"] for f in report("--control", "C-0057")["findings"]] == ["web.yaml"]


def test_files_elsewhere_have_their_whole_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    assert {f["file"] for f in report("../web.yaml", "--control", "C-0057")["findings"]} == {
        f"{here.as_posix()}/web.yaml"
    }


def test_a_named_file_is_always_read(here: Path) -> None:
    (here / ".gitignore").write_text("*\n")
    (here / ".hidden").mkdir()
    (here / ".hidden/manifest.txt").write_text(DEPLOYMENT)
    assert report(".hidden/manifest.txt", "--control", "C-0057")["summary"]["files"] == 1
    assert report("--control", "C-0057")["summary"]["files"] == 0


def test_a_file_named_twice_is_scanned_once(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    assert report(".", "web.yaml", "--control", "C-0057")["summary"]["files"] == 1


def test_two_scans_are_the_same_bytes(here: Path) -> None:
    for name in ("b", "a", "c"):
        (here / f"{name}.yaml").write_text(DEPLOYMENT.replace("web", name))
    first, second = (kscan("scan", "--format", "json", "--framework", "allcontrols").stdout for _ in range(2))
    assert first == second


def test_standard_input() -> None:
    found = report("-", "--control", "C-0057", stdin=DEPLOYMENT)
    assert [f["file"] for f in found["findings"]] == ["<stdin>"]
    found = report("-", "--control", "C-0057", "--stdin-name", "web.yaml", stdin=DEPLOYMENT.encode("utf-16"))
    assert [f["file"] for f in found["findings"]] == ["web.yaml"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [
        {"name": "a", "securityContext": {"privileged": True}}]}}  # fmt: skip
    assert len(report("-", "--control", "C-0057", stdin=json.dumps(pod, indent="\t"))["findings"]) == 1
    assert report("-", "--control", "C-0057", stdin=b"\xff\xfe\x00")["exit"] == 3


def test_what_should_have_been_scanned_and_was_not(here: Path) -> None:
    (here / "latin.yaml").write_bytes((POD + "# caf\xe9\n").encode("latin-1"))
    found = report("--control", "C-0057")
    assert found["exit"] == 3
    assert [(n["file"], n["line"]) for n in found["notScanned"]] == [("latin.yaml", 10)]


@pytest.mark.usefixtures("without_helm", "without_kustomize")
def test_templates_and_patches_are_left_alone(here: Path) -> None:
    (here / "chart/templates").mkdir(parents=True)
    (here / "chart/Chart.yaml").write_text("apiVersion: v2\nname: c\n")
    (here / "chart/templates/a.yaml").write_text(DEPLOYMENT + "# {{ .Release.Name }}\n")
    (here / "kustomization.yaml").write_text("kind: Kustomization\npatches: [{path: patch.yaml}]\n")
    (here / "patch.yaml").write_text(DEPLOYMENT)
    expected = {
        "excluded": 0,
        "helm-template": 1,
        "jinja-template": 0,
        "kustomize-patch": 1,
        "not-kubernetes": 2,
    }
    assert report("--control", "C-0057")["summary"]["skipped"] == expected
    assert report("patch.yaml", "--control", "C-0057")["summary"]["skipped"]["kustomize-patch"] == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["scan", "nothing.yaml"], "no file or folder 'nothing.yaml'"),
        (["scan", "--control", "C-0057,C-005"], "unknown control 'C-005'; did you mean"),
        (["scan", "--framework", "nsaa"], "did you mean 'nsa'?"),
        (["scan", "--framework", "pci"], "unknown framework 'pci'; did you mean 'pci-dss-v4.0.1'?"),
        (["scan", "--framework", "cis-v1"], "unknown framework 'cis-v1'; did you mean 'cis-v1.12.0'?"),
        (["scan", "--config", "nothing.yaml"], "no settings file 'nothing.yaml'"),
        (["scan", "--format", "nothing"], "nothing"),
        (["scan", "--fail-on", "nothing"], "nothing"),
        (["scan", "--compliance-threshold", "101"], "--compliance-threshold"),
        (["scan", "-o", "no/such/folder"], "cannot write"),
        (["explain", "C-9999"], "unknown control 'C-9999'"),
        (["test", "nothing"], "no file or folder 'nothing'"),
        (["test", "--control", "C-9999"], "unknown control 'C-9999'"),
        (["nothing"], "nothing"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(argv: list[str], said: str) -> None:
    result = kscan(*argv)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_settings_are_found_above_and_their_problems_placed(here: Path) -> None:
    (here / ".kscan.yaml").write_text("framework: nsa\ncontrols:\n  exclude: [C-0057, C-0058x]\n")
    (here / "a/b").mkdir(parents=True)
    (here / "a/b/web.yaml").write_text(DEPLOYMENT)
    found = report("a/b", "--fail-on", "none")
    assert found["exit"] == 2
    assert ".kscan.yaml:1:1: unknown key 'framework'; did you mean 'frameworks'?" in found["stderr"]
    assert (".kscan.yaml", 1, 1) in {(p["file"], p["line"], p["column"]) for p in found["problems"]}
    assert "C-0057" not in {f["control"] for f in found["findings"]}


def test_each_path_has_its_own_settings(here: Path) -> None:
    for name, excluded in (("a", "C-0057"), ("b", "C-0016")):
        (here / name).mkdir()
        settings = f"frameworks: [allcontrols]\ncontrols: {{exclude: [{excluded}]}}\n"
        (here / name / ".kscan.yaml").write_text(settings)
        (here / name / "web.yaml").write_text(DEPLOYMENT)
    found = {(f["file"], f["control"]) for f in report("a", "b")["findings"]}
    assert ("a/web.yaml", "C-0057") not in found
    assert ("b/web.yaml", "C-0057") in found
    assert ("a/web.yaml", "C-0016") in found
    assert ("b/web.yaml", "C-0016") not in found


def test_config_replaces_what_would_be_found(here: Path) -> None:
    (here / ".kscan.yaml").write_text("controls: {exclude: [C-0057]}\n")
    (here / "other.yaml").write_text("frameworks: [nsa]\ncontrols: {severity: {C-0057: low}}\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    found = report("web.yaml", "--config", "other.yaml")
    assert [f["severity"] for f in found["findings"] if f["control"] == "C-0057"] == ["low"]
    assert [f["id"] for f in found["summary"]["frameworks"]] == ["nsa"]


def test_exclude_of_the_settings(here: Path) -> None:
    (here / ".kscan.yaml").write_text("exclude: [old/]\n")
    (here / "old").mkdir()
    (here / "old/web.yaml").write_text(DEPLOYMENT)
    assert report()["summary"]["skipped"]["excluded"] == 1
    assert report("old/web.yaml")["summary"]["files"] == 1


def test_an_exclusion_that_excludes_nothing_is_said_and_fails_nothing(here: Path) -> None:
    for folder in ("old", "node_modules"):
        (here / folder).mkdir()
        (here / folder / "web.yaml").write_text(DEPLOYMENT)
    (here / "web.yaml").write_text(DEPLOYMENT)
    settings = [
        "frameworks: [nsa]",
        "controls: {exclude: [C-0057, KS-0044, C-0001], include: [C-0001]}",
        "exclude:",
        *("- old/", "- gone/", "- node_modules/", "- '!kept.yaml'", "- /home/me/web.yaml", "- old/web.yaml"),
    ]
    (here / ".kscan.yaml").write_text("\n".join(settings))
    argv = ("--fail-on", "none")
    nothing = "leaves nothing out: nothing here that would be scanned matches it"
    found = report(*argv)
    assert found["exit"] == 0
    assert [(one["line"], one["message"]) for one in found["problems"]] == [
        (2, "this takes nothing out: no chosen framework has KS-0044"),
        (5, f"'gone/' {nothing}"),
        (8, f"'/home/me/web.yaml' {nothing}; the slash at its start is the folder of the settings"),
        (9, f"'old/web.yaml' {nothing}"),
    ]
    # of a part of the folder nobody can tell, and who names other frameworks did not choose these
    assert [one["line"] for one in report("old", "web.yaml", *argv)["problems"]] == [2]
    assert report("web.yaml", "--framework", "mitre", *argv)["problems"] == []
    assert kscan("fix").exit_code == 0


@pytest.mark.parametrize("quoted", ["'{here}/web.yaml'", "'!{here}/*.yaml'", "'C:\\web.yaml'", "~/web.yaml"])
def test_a_path_of_the_machine_is_no_pattern(here: Path, quoted: str) -> None:
    (here / ".kscan.yaml").write_text(f"exclude: [gone/, 'D:/x', {quoted.format(here=here)}, web.yaml]\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    found = report("web.yaml", "--fail-on", "none")
    assert found["exit"] == 2
    _, own = sorted(found["problems"], key=lambda one: int(one["column"]))
    assert own["column"] == 26
    assert "matches no file: patterns begin at the folder of the settings" in own["message"]
    assert ("write '/" in own["message"]) == ("here" in quoted)


def test_inputs_in_a_file_of_kubescapes(here: Path) -> None:
    (here / ".kscan.yaml").write_text("inputs: security/inputs.json\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "security").mkdir()
    lists = {"imageRepositoryAllowList": ["quay.io"], "servicesNames": ["minio"], "publicRegistries": None}
    (here / "security/inputs.json").write_text(json.dumps(lists))
    found = report("web.yaml", "--fail-on", "none", "--control", "C-0078")
    assert [f["control"] for f in found["findings"]] == ["C-0078"]
    assert (found["problems"], found["exit"]) == ([], 0)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("inputs: {imageRepositoryAlowList: [quay.io]}\n", 1, 10),
        ("inputs:\n  imageRepositoryAlowList:\n  - quay.io\n", 2, 3),
    ],
)
def test_a_misspelt_input_in_the_settings_is_marked_at_its_name(
    here: Path, text: str, line: int, column: int
) -> None:
    (here / ".kscan.yaml").write_text(text)
    (here / "web.yaml").write_text(DEPLOYMENT)
    (problem,) = report("web.yaml", "--fail-on", "none")["problems"]
    assert problem["message"].endswith("did you mean 'imageRepositoryAllowList'?")
    assert (problem["file"], problem["line"], problem["column"]) == (".kscan.yaml", line, column)


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ("{}", "(no name)"),
        ("{generateName: run-}", "run-"),
        ("{name: '', generateName: run-}", "run-"),
        ("[]", "(no name)"),
    ],
)
def test_an_object_without_a_name_is_printed_in_one_way(here: Path, metadata: str, name: str) -> None:
    (here / "a.yaml").write_text(
        f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\n"
        "spec: {hostPID: true, containers: [{name: a, image: a}]}\n"
    )
    options = ("scan", "a.yaml", "--fail-on", "none", "--control", "C-0034,C-0038,C-0073")
    found = json.loads(kscan(*options, "--format", "json").stdout)["findings"]
    assert {finding["resource"]["name"] for finding in found} == {name}
    if metadata != "[]":
        assert f"pod '{name}' belongs to no controller" in found[0]["message"]
        assert any(f"is mounted into Pod '{name}'" in finding["message"] for finding in found)
    assert f"Pod/{name}\n" in kscan(*options).stdout
    assert f"Pod <b>{name}</b>" in kscan(*options, "--format", "html").stdout


def test_of_a_secret_only_values_are_left_out(here: Path) -> None:
    (here / ".kscan.yaml").write_text("policies: [own]\nframeworks: []\ncontrols: {include: [BANK-0007]}\n")
    (here / "own").mkdir()
    control = (
        "id: BANK-0007\ntitle: t\nscore: 8\ndescription: d\nremediation: r\nchecks:\n"
        "- {match: [{groups: [''], kinds: [Secret]}], deny: 'true', at: kind, message: m}\n"
    )
    (here / "own" / "c.yaml").write_text(control)

    def shown(text: str) -> str:
        (here / "s.yaml").write_text(text)
        return kscan("scan", "--fail-on", "none", "s.yaml").stdout

    assert "1 │ kind: Secret" in shown("kind: Secret\napiVersion: v1\nstringData: {a: hunter2}\n")
    for line in (
        "{kind: Secret, apiVersion: v1, stringData: {a: hunter2}}\n",
        "{kind: Secret, apiVersion: v1, data: {a: hunter2}}\n",
    ):
        assert "hunter2" not in shown(line)
        assert "kind: Secret" in shown(line)
        assert "a: ********" in shown(line)
    copy = """'{"data":{"a":"hunter2"}}'"""
    annotations = f"{{kubectl.kubernetes.io/last-applied-configuration: {copy}}}"
    assert "hunter2" not in shown(
        f"{{kind: Secret, apiVersion: v1, metadata: {{annotations: {annotations}}}}}\n"
    )


def test_a_file_that_looks_like_settings_and_is_not_read_is_said(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)

    def said() -> list[tuple[str, str]]:
        return [(p["file"], p["message"]) for p in report("web.yaml", "--fail-on", "none")["problems"]]

    (here / "kscan.yaml").write_text("anything: else\n")
    assert said() == []
    (here / "kscan.yaml").write_text("frameworks: nsa\n")
    assert said() == [
        ("kscan.yaml", "this file is not read; to be settings, it has to be called .kscan.yaml")
    ]
    (here / ".kscan.yml").write_text("frameworks: nsa\n")
    assert said() == [("kscan.yaml", "this file is not read: the settings are in .kscan.yml")]
    (here / "kscan.yaml").unlink()
    assert said() == []
    (here / ".kscan.yaml").write_text("frameworks: nsa\n")
    assert said() == [(".kscan.yml", "this file is not read: the settings are in .kscan.yaml")]


def test_a_misspelt_name_in_a_file_of_inputs_is_said(here: Path) -> None:
    (here / ".kscan.yaml").write_text("inputs: inputs.json\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "inputs.json").write_text('{"imageRepositoryAlowList": ["quay.io"], "servicesNames": []}')
    (problem,) = report("web.yaml", "--fail-on", "none", "--control", "C-0078")["problems"]
    assert (problem["file"], problem["column"]) == ("inputs.json", 2)
    assert problem["message"].endswith("did you mean 'imageRepositoryAllowList'?")


def test_what_is_wrong_in_a_file_of_inputs_is_said_in_its_place(here: Path) -> None:
    (here / ".kscan.yaml").write_text("inputs: inputs.json\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "inputs.json").write_text(
        '{"insecureCapabilities": 5,\n "sensitiveValues": ["("],\n "imageRepositoryAllowList": ["quay.io"]}'
    )
    found = report("web.yaml", "--fail-on", "none", "--control", "C-0078")
    assert [f["control"] for f in found["findings"]] == ["C-0078"]
    assert found["exit"] == 2
    assert [(p["file"], p["line"], p["column"]) for p in found["problems"]] == [
        ("inputs.json", 1, 26),
        ("inputs.json", 2, 22),
    ]
    assert found["problems"][0]["message"] == (
        "input 'insecureCapabilities' is a list of texts; write 'insecureCapabilities: [one, another]'"
    )
    assert found["problems"][1]["message"].startswith("not a regular expression")


def test_a_file_of_inputs_that_is_not_there(here: Path) -> None:
    (here / ".kscan.yaml").write_text("inputs: inputs.json\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    problem = {
        "file": ".kscan.yaml",
        "line": 1,
        "column": 9,
        "message": "there is no file or folder 'inputs.json'",
    }
    assert report("web.yaml")["problems"] == [problem]


def test_frameworks_by_option(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    found = report("--framework", "nsa", "--framework", "allcontrols")
    assert [f["id"] for f in found["summary"]["frameworks"]] == ["nsa", "allcontrols"]
    assert report("--framework", "NSA,allcontrols")["summary"] == found["summary"]


def test_a_framework_without_its_version_is_the_newest(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / ".kscan.yaml").write_text("frameworks: [pci-dss, CIS]\n")
    found = report("web.yaml")
    assert [framework["id"] for framework in found["summary"]["frameworks"]] == [
        "pci-dss-v4.0.1",
        "cis-v1.12.0",
    ]
    assert found["stderr"] == ""
    found = report("web.yaml", "--framework", "cis-eks,cis-aks")
    assert [one["id"] for one in found["summary"]["frameworks"]] == ["cis-eks-t1.8.0", "cis-aks-t1.8.0"]


def test_the_gate(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    common = ["scan", "--framework", "nsa", "--format", "json"]
    assert kscan(*common).exit_code == 1
    assert kscan(*common, "--fail-on", "none").exit_code == 0
    assert kscan(*common, "--fail-on", "none", "--compliance-threshold", "99").exit_code == 1
    assert kscan(*common, "--fail-on", "none", "--compliance-threshold", "0").exit_code == 0


def test_output_goes_where_it_is_asked_to_go(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    result = kscan("scan", "--format", "json", "--output", "report.json", "--fail-on", "none")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert json.loads((here / "report.json").read_text())["schema"] == 2
    kscan("scan", "--format", "html", "--output", "report.html")
    assert "web.yaml:" in (here / "report.html").read_text().replace("<wbr>", "").replace(
        '<span class="at">', ""
    )
    kscan("scan", "--output", "report.txt")
    assert "web.yaml" in (here / "report.txt").read_text()


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("report.JSON", "{"),
        ("report.html", "<!doctype html>"),
        ("report.txt", "web.yaml"),
        ("report", "web.yaml"),
    ],
)
def test_the_ending_of_the_file_chooses_the_format(here: Path, name: str, starts: str) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    kscan("scan", "web.yaml", "--output", name)
    assert (here / name).read_text().startswith(starts)
    kscan("scan", "web.yaml", "--output", name, "--format", "json")
    assert (here / name).read_text().startswith("{")


TOY = """\
import sys
from kscan_lsp.report.formats import FORMATS, Format
FORMATS["toy"] = Format(lambda report: f"{len(report.findings)} found, {[*report.rules]}\\n", (".toy",))
from kscan_lsp.cli.main import app
app(sys.argv[1:])
"""


def test_a_format_is_one_row(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    run = functools.partial(subprocess.run, capture_output=True, text=True)
    command = [sys.executable, "-c", TOY, "scan", "--control", "C-0057", "web.yaml"]
    assert run([*command, "--format", "toy"]).stdout == "1 found, ['C-0057']\n"
    assert run([*command, "--output", "a.toy"]).stdout == ""
    assert (here / "a.toy").read_text() == "1 found, ['C-0057']\n"
    assert "|policyreport|cyclonedx|toy>" in "".join(run([*command, "--help"]).stdout.split())


def test_fixes_by_option(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    assert "edits" not in report("--control", "C-0057")["findings"][0]["fix"]
    edit = report("--control", "C-0057", "--fixes")["findings"][0]["fix"]["edits"][0]
    assert edit["newText"].endswith("false")


def test_fix_shows_a_diff_that_patch_takes(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    result = kscan("fix", "--unsafe", "--control", "C-0057")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == ["--- a/web.yaml", "+++ b/web.yaml"]
    assert "+          privileged: false" in result.stdout
    assert "1 fix in 1 file; --write makes it" in result.stderr
    assert (here / "web.yaml").read_text() == DEPLOYMENT


def test_fix_leaves_what_is_not_safe_to_be_asked_for(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    result = kscan("fix", "--control", "C-0057", "--write")
    assert "nothing to fix safely; 1 more to review with --unsafe" in result.stderr
    assert (here / "web.yaml").read_text() == DEPLOYMENT


def test_fix_writes_and_changes_nothing_else(here: Path) -> None:
    path = here / "web.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DEPLOYMENT.replace("\n", "\r\n").encode())
    path.chmod(0o600)
    result = kscan("fix", "--unsafe", "--write", "--control", "C-0057")
    assert (result.exit_code, result.stdout) == (0, "")
    fixed = DEPLOYMENT.replace("privileged: true", "privileged: false").replace("\n", "\r\n").encode()
    assert path.read_bytes() == b"\xef\xbb\xbf" + fixed
    assert path.stat().st_mode & 0o777 == 0o600
    assert "nothing to fix" in kscan("fix", "--unsafe", "--control", "C-0057").stderr


def test_fix_of_standard_input_is_a_filter() -> None:
    result = kscan("fix", "-", "--unsafe", "--write", "--control", "C-0057", stdin=DEPLOYMENT)
    assert result.stdout == DEPLOYMENT.replace("privileged: true", "privileged: false")
    assert kscan("fix", "-", "--write", "--control", "C-0057", stdin="a: 1\n").stdout == "a: 1\n"


def test_fix_that_cannot_be_written_fails(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    monkeypatch.setattr(encoding, "write", lambda *_: "it cannot be written: no space")
    result = kscan("fix", "--unsafe", "--write", "--control", "C-0057")
    assert result.exit_code == 3
    assert "web.yaml: it cannot be written: no space" in result.stderr
    assert "0 fixes made in 0 files, 1 file could not be written" in result.stderr


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("there are no links here")


@pytest.mark.parametrize("write", [[], ["--write"]], ids=["diff", "write"])
def test_fix_changes_nothing_that_was_not_asked_for(here: Path, write: list[str]) -> None:
    """Within a repository links are followed, so what they lead to is judged; a fix stays where it was asked for."""
    for folder in (".git", "asked", "other"):
        (here / folder).mkdir()
    (here / "other" / "web.yaml").write_text(DEPLOYMENT)
    linked(here / "asked" / "link.yaml", here / "other" / "web.yaml")
    result = kscan("fix", "--unsafe", "--control", "C-0057", *write, "asked")
    assert (result.exit_code, result.stdout) == (3, "")
    target = here / "other" / "web.yaml"
    assert (
        f"asked/link.yaml: a link leads to it, and nothing is written through links; name {target}"
        in result.stderr
    )
    named = kscan("fix", "--unsafe", "--control", "C-0057", *write, "asked/link.yaml")
    assert (named.exit_code, named.stdout) == (3, "")
    assert target.read_text() == DEPLOYMENT


def test_a_file_that_has_a_link_beside_it_is_fixed_under_its_own_name(here: Path) -> None:
    (here / "real.yaml").write_text(DEPLOYMENT)
    linked(here / "a-link.yaml", here / "real.yaml")
    result = kscan("fix", "--unsafe", "--control", "C-0057")
    assert result.stdout.splitlines()[:2] == ["--- a/real.yaml", "+++ b/real.yaml"]
    assert result.stdout.count("+++") == 1


def test_a_report_is_not_written_through_a_link(here: Path) -> None:
    """In a repository somebody else may have made it, to lead anywhere."""
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "precious.txt").write_text("precious")
    linked(here / "report.html", here / "precious.txt")
    for command in (
        ("scan", "--format", "html", "--output", "report.html", "web.yaml"),
        ("--log-file", "report.html", "scan", "web.yaml"),
    ):
        result = kscan(*command)
        assert result.exit_code == 2
        assert f"it is a link to '{here / 'precious.txt'}'" in result.stderr
    assert (here / "precious.txt").read_text() == "precious"


def test_fix_leaves_a_file_alone_that_is_read_only_or_has_two_names(here: Path) -> None:
    path = here / "web.yaml"
    path.write_text(DEPLOYMENT)
    path.chmod(0o444)
    assert "web.yaml: it is read-only" in kscan("fix", "--unsafe", "--control", "C-0057", "--write").stderr
    path.chmod(0o644)
    try:
        (here / "same.txt").hardlink_to(path)
    except OSError:
        pytest.skip("there are no links here")
    assert "it has other names" in kscan("fix", "--unsafe", "--control", "C-0057", "--write").stderr
    assert path.read_text() == DEPLOYMENT


def test_fix_says_what_it_could_not_read(here: Path) -> None:
    (here / "broken.yaml").write_text("apiVersion: v1\nkind: [Pod\n")
    result = kscan("fix")
    assert result.exit_code == 3
    assert "broken.yaml:2: " in result.stderr


def test_a_threshold_needs_a_framework(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    result = kscan("scan", "--control", "C-0057", "--fail-on", "none", "--compliance-threshold", "95")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--compliance-threshold needs a framework" in result.stderr
    (here / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [C-0057], exclude: [C-0057]}\n")
    assert "no control is on" in kscan("scan").stdout


@pytest.mark.usefixtures("without_helm", "without_kustomize")
def test_charts_are_rendered_before_they_are_judged(here: Path) -> None:
    (here / "Chart.yaml").write_text("name: shop\n")
    (here / "templates").mkdir()
    (here / "templates" / "web.yaml").write_text("kind: Pod\nspec: {{ .Values.spec }}\n")
    result = kscan("scan")
    assert "run: helm template . | kscan scan -" in " ".join(result.stdout.split())
    assert result.exit_code == 3
    (here / "web.yaml").write_text(DEPLOYMENT)
    result = kscan("scan", "--fail-on", "none")
    assert "helm template . | kscan scan -  judge what it renders to" in result.stdout
    assert result.exit_code == 0


NOTHING_HERE = "there is no Kubernetes manifest here"
PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"


@pytest.mark.parametrize(
    ("files", "path", "reason"),
    [
        ({}, ".", NOTHING_HERE),
        ({"a.yaml": "a: 1\n"}, ".", NOTHING_HERE),
        ({"a.yaml": "# nothing yet\n"}, "a.yaml", NOTHING_HERE),
        ({"a.json": "{}"}, "a.json", NOTHING_HERE),
        ({".gitignore": "x\n", "x/a.yaml": DEPLOYMENT, ".git/HEAD": ""}, ".", "excluded, by the settings or"),
        (
            {"c/Chart.yaml": "name: c\n", "c/templates/a.yaml": "kind: {{ x }}"},
            "c/templates/a.yaml",
            "run: helm template c |",
        ),
        ({"c/Chart.yaml": "name: c\n", "c/templates/a.yaml": "kind: {{ x }}"}, "c", "run: helm template c |"),
        ({"a.yaml": "kind: {{ .x }}\n"}, "a.yaml", "pipe that into 'kscan scan -'"),
        ({"a.yaml": "kind: {{ x }}\n"}, "a.yaml", "run: jinja2 a.yaml variables.yaml |"),
        (
            {"o/kustomization.yaml": "patches: [{path: p.yaml}]\n", "o/p.yaml": PATCH},
            "o",
            "run: kustomize build o |",
        ),
        (
            {"o/kustomization.yaml": "patches: [{path: p.yaml}]\n", "o/p.yaml": PATCH},
            "o/p.yaml",
            "run: kustomize build o |",
        ),
        ({"o/kustomization.yaml": "resources: [a]\n"}, "o/kustomization.yaml", "run: kustomize build o |"),
        (
            {"o/kustomization.yaml": "patches: [{path: ../p/p.yaml}]\n", "p/p.yaml": PATCH},
            ".",
            "run: kustomize build o |",
        ),
    ],
)
@pytest.mark.usefixtures("without_helm", "without_kustomize")
def test_nothing_scanned_is_no_pass(here: Path, files: dict[str, str], path: str, reason: str) -> None:
    for name, text in files.items():
        (here / name).parent.mkdir(exist_ok=True, parents=True)
        (here / name).write_text(text)
    found = report(path)
    (place,) = found["notScanned"]
    assert (place["file"], found["exit"]) == (path, 3)
    assert reason in place["reason"]
    assert kscan("scan", path, "--allow-unscanned").exit_code == 0
    (here / "web.yaml").write_text(DEPLOYMENT)
    assert kscan("scan", path, "web.yaml", "--fail-on", "none").exit_code == (0 if path == "." else 3)


EVIL = "*a" * 15 + "b"
"""Which a matcher that tracks back takes ages to try on many letters a."""


@pytest.mark.parametrize(
    ("settings", "ignore", "status"),
    [
        ("frameworks: [nsa]\n", EVIL, 0),
        (f"exclude: ['{EVIL}']\n", "", 0),
        ("policies: [pipe.yaml]\n", "", 2),
        ("policies: [/]\n", "", 2),
        (f"policies: ['{'n' * 300}']\n", "", 2),
        (f"policies: ['{'n/' * 3000}']\n", "", 2),
        ("inputs: pipe.yaml\n", "", 2),
        ("inputs: /etc/passwd\n", "", 2),
    ],
)
def test_no_file_of_a_workspace_makes_a_scan_hang(
    here: Path, settings: str, ignore: str, status: int
) -> None:
    (here / ".git").mkdir()
    (here / ".kscan.yaml").write_text(settings)
    (here / ".gitignore").write_text(ignore)
    if hasattr(os, "mkfifo"):
        os.mkfifo(here / "pipe.yaml")
    (here / f"{'a' * 60}.yaml").write_text(DEPLOYMENT)
    found = report("--fail-on", "none")
    assert found["exit"] == status
    told = status == 2 or settings.startswith("exclude")  # which excludes nothing
    assert [(p["file"], p["line"]) for p in found["problems"]] == [(".kscan.yaml", 1)] * told


@pytest.mark.parametrize("text", ["", "Error: no such chart\n", "---\n", "{}"])
def test_nothing_on_standard_input_is_no_pass(here: Path, text: str) -> None:
    result = kscan("scan", "-", stdin=text)
    assert "did the command before it fail?" in " ".join(result.stdout.split())
    assert result.exit_code == 3


@pytest.mark.usefixtures("without_kustomize")
def test_a_folder_with_manifests_may_hold_other_things(here: Path) -> None:
    (here / "o").mkdir()
    (here / "o/kustomization.yaml").write_text("patches: [{path: p.yaml}]\n")
    (here / "o/p.yaml").write_text(PATCH)
    (here / "web.yaml").write_text(DEPLOYMENT)
    found = report("--fail-on", "none")
    assert (found["exit"], found["notScanned"]) == (0, [])
    command = "kustomize build o | kscan scan -"
    assert found["skipped"] == [
        {"file": "o/kustomization.yaml", "reason": "not-kubernetes", "hint": command},
        {"file": "o/p.yaml", "reason": "kustomize-patch", "hint": command},
    ]
    assert "o/p.yaml: Kustomize patch; run: kustomize build o" in kscan("scan", "--list-skipped").stdout


OWN = """\
id: C-0057
title: Ours
score: 1.0
description: d
remediation: r
checks:
- {deny: 'false', at: kind, message: m}
tests:
- {name: none, manifest: 'kind: Pod'}
"""


def test_what_takes_a_built_in_id_says_so(here: Path) -> None:
    (here / ".kscan.yaml").write_text("frameworks: [nsa]\npolicies: [own.yaml, ours.yaml]\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "own.yaml").write_text(OWN)
    (here / "ours.yaml").write_text("id: nsa\ntitle: Ours\ncontrols: [{id: C-0057}]\n")
    found = report("--fail-on", "none")
    assert found["exit"] == 2
    assert "own.yaml:1:5: C-0057 comes with kscan" in found["stderr"]
    assert "'replaces: nsa' if it is to count in its place" in found["stderr"]
    assert found["summary"]["frameworks"][0]["controls"]["run"] > 10
    (here / "own.yaml").write_text(OWN.replace("title:", "replaces: C-0057\ntitle:"))
    (here / "ours.yaml").write_text("id: nsa\nreplaces: nsa\ntitle: Ours\ncontrols: [{id: C-0057}]\n")
    found = report()
    assert found["exit"] == 0
    (framework,) = found["summary"]["frameworks"]
    assert framework["controls"]["run"] == 1
    assert framework["replacedBy"] == {"file": "ours.yaml", "line": 1}
    assert found["changes"] == [
        {"change": "replaced", "id": "C-0057", "file": "own.yaml", "line": 1},
        {"change": "replaced", "id": "nsa", "file": "ours.yaml", "line": 1},
    ]
    assert "C-0057 is defined by this project, own.yaml:1" in kscan("scan").stdout
    assert "defined by this project" in kscan("scan", "--format", "html").stdout
    assert "Ours (defined by this project)" in kscan("list", "controls").stdout
    assert "Ours (defined by this project)" in kscan("list", "frameworks").stdout


def test_what_settings_take_out_or_lower_is_said(here: Path) -> None:
    (here / ".kscan.yaml").write_text(
        "frameworks: [nsa]\ncontrols:\n  exclude:\n  - C-0057\n  severity: {C-0013: low, C-0016: critical}\n"
    )
    (here / "web.yaml").write_text(DEPLOYMENT)
    assert report()["changes"] == [
        {"change": "excluded", "id": "C-0057", "file": ".kscan.yaml", "line": 4},
        {"change": "lowered", "id": "C-0013", "file": ".kscan.yaml", "line": 5, "detail": "medium to low"},
    ]
    page = kscan("scan", "--format", "html").stdout
    assert "Changed standards" in page
    assert "lowered from medium to low" in page


def test_the_threshold_counts_accepted_risks_as_passed_and_says_so(here: Path) -> None:
    accepted = DEPLOYMENT.replace("privileged: true", "privileged: true # kscan:ignore C-0057 -- the driver")
    assert accepted != DEPLOYMENT
    (here / "web.yaml").write_text(accepted)
    (framework,) = report()["summary"]["frameworks"]
    low, high = framework["score"], framework["scoreAccepted"]
    assert low < high < 100
    between, above = str((low + high) / 2), str(high + 0.01)
    assert kscan("scan", "--fail-on", "none", "--compliance-threshold", between).exit_code == 0
    result = kscan("scan", "--fail-on", "none", "--compliance-threshold", above)
    assert result.exit_code == 1
    assert "accepted risks counted as passed" in " ".join(result.stdout.split())


@pytest.mark.parametrize("command", [["git", "apply", "-"], ["patch", "-p1", "--binary"]], ids=lambda c: c[0])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("last", [True, False], ids=["whole", "no-last-line-end"])
@pytest.mark.parametrize("name", ["web.yaml", "our web.yaml"])
def test_a_diff_applied_gives_what_write_writes(
    here: Path, command: list[str], end: str, last: bool, name: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    path = here / name
    given = (DEPLOYMENT if last else DEPLOYMENT.rstrip("\n")).replace("\n", end).encode()
    path.write_bytes(given)
    diff = kscan("fix", "--unsafe", "--control", "C-0057").stdout_bytes
    assert kscan("fix", "--unsafe", "--control", "C-0057", "--write").exit_code == 0
    written = path.read_bytes()
    assert written != given
    path.write_bytes(given)
    subprocess.run(command, input=diff, check=True, capture_output=True)
    assert path.read_bytes() == written


def test_a_diff_of_files_elsewhere_applies_from_the_root(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("patch") is None or here.drive:
        pytest.skip("there is no patch, or no single root")
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    result = kscan("fix", "--unsafe", "--control", "C-0057", "..")
    assert "use 'patch -p1 -d /'" in result.stderr
    subprocess.run(["patch", "-p1", "-d", "/"], input=result.stdout_bytes, check=True, capture_output=True)
    assert (here / "web.yaml").read_text() == DEPLOYMENT.replace("privileged: true", "privileged: false")


@pytest.mark.parametrize("text", [DEPLOYMENT, DEPLOYMENT.rstrip("\n")], ids=["whole", "no-last-line-end"])
def test_what_is_said_of_a_filter_has_a_line_of_its_own(text: str) -> None:
    command = [sys.executable, "-m", "kscan_lsp", "fix", "-", "--write"]
    run = functools.partial(subprocess.run, command, input=text.encode(), check=True)
    together = run(stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    apart = run(capture_output=True)
    assert apart.stdout.decode() == text
    assert together.splitlines() == [*text.splitlines(), *apart.stderr.decode().splitlines()]


def test_a_diff_on_a_terminal_has_colours_unless_told_otherwise(here: Path) -> None:
    pty = pytest.importorskip("pty")
    (here / "web.yaml").write_text(DEPLOYMENT)

    def shown(**environment: str) -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "kscan_lsp", "fix", "--unsafe", "--control", "C-0057"]
        plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        subprocess.run(
            command, stdout=theirs, stderr=subprocess.DEVNULL, env={**plain, **environment}, check=True
        )
        os.close(theirs)
        try:
            return os.read(ours, 65_536).decode().replace("\r\n", "\n")
        finally:
            os.close(ours)

    assert "\x1b[32m+          privileged: false\x1b[0m\n" in shown()
    assert shown(NO_COLOR="1") == kscan("fix", "--unsafe", "--control", "C-0057").stdout


def test_a_list_of_controls_is_that_of_the_settings(here: Path) -> None:
    (here / ".kscan.yaml").write_text("controls: {exclude: [C-0016], severity: {C-0057: low}}\n")
    lines = kscan("list", "controls").stdout.splitlines()
    said = {line.split()[0]: line.split()[1:3] for line in lines}
    assert (said["C-0057"], said["C-0016"]) == (["low", "on"], ["medium", "off"])


def test_explain_and_list() -> None:
    page = kscan("explain", "c-0057").stdout
    for part in ("C-0057 Privileged container", "What and why", "How to fix it", "kscan:ignore C-0057"):
        assert part in page
    assert any(
        line.split()[:3] == ["C-0057", "high", "on"] for line in kscan("list", "controls").stdout.splitlines()
    )
    assert any(line.startswith("nsa ") for line in kscan("list", "frameworks").stdout.splitlines())
    kinds = [line.split()[:3] for line in kscan("list", "kinds").stdout.splitlines()]
    assert ["CronJob", "batch", "spec.jobTemplate.spec.template"] in kinds
    assert ["Pod", "core", "(the"] in kinds
    assert "PCI DSS v4.0.1: 7.2.2, 7.2.5, 8.2.4" in kscan("explain", "C-0280").stdout


def test_explain_finds_controls_by_words_of_their_titles() -> None:
    found = kscan("explain", "PRIVILEGED")
    lines = found.stdout.splitlines()
    assert [line.split()[0] for line in lines][:1] == ["C-0057"]
    assert len(lines) > 1
    assert all("rivileged" in line for line in lines)
    assert found.stderr == f"{len(lines)} controls; 'kscan explain C-0057' explains one\n"
    for words in (["tiller"], ["helm", "Tiller"]):
        assert kscan("explain", *words).stdout.startswith("KS-0036 Tiller of Helm 2")
    both = kscan("explain", "c-0057", "C-0012").stdout
    assert both.count("What and why") == 2
    nothing = kscan("explain", "unheard", "of")
    assert nothing.exit_code == 2
    assert "unknown control 'unheard of', and no title has that" in nothing.stderr


CONTROL = """\
id: T-0001
title: Privileged
score: 8.0
description: d
remediation: r
checks:
- each: containers
  deny: container.?securityContext.?privileged.orValue(false)
  at: securityContext.privileged
  message: m
tests:
- name: set
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata: {name: a}
    spec:
      containers:
      - name: a
        securityContext:
          privileged: true
    #     ^^^^^^^^^^^^^^^^ T-0001
"""


def test_control_files_are_tested(here: Path) -> None:
    (here / "good.yaml").write_text(CONTROL)
    result = kscan("test", "good.yaml", "--verbose")
    assert result.exit_code == 0, result.stdout
    assert "ok   T-0001 Privileged: 1 passed" in result.stdout
    (here / "good.yaml").write_text(CONTROL.replace("privileged: true", "privileged: false"))
    result = kscan("test", "good.yaml")
    assert result.exit_code == 1
    assert "good.yaml:12:" in result.stdout
    (here / "good.yaml").write_text(CONTROL.replace("deny: ", "deny: )"))
    result = kscan("test", "good.yaml")
    assert result.exit_code == 2
    assert "good.yaml:8:" in result.stdout


def test_own_policies_of_the_settings(here: Path) -> None:
    (here / "policies").mkdir()
    (here / "policies/own.yaml").write_text(CONTROL)
    settings = "policies: [policies]\ncontrols: {include: [T-0001]}\nframeworks: []\nexclude: [policies/]\n"
    (here / ".kscan.yaml").write_text(settings)
    (here / "web.yaml").write_text(DEPLOYMENT)
    assert [f["control"] for f in report()["findings"]] == ["T-0001"]


def run_in_process(*argv: str) -> set[str]:
    """A real run of the command; returns the modules that it imported."""
    code = (
        "import sys\nfrom kscan_lsp.__main__ import main\nsys.argv = ['kscan', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nsys.stderr.write('\\n'.join(sys.modules))\n"
    )
    run = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    return set(run.stderr.split("\n"))


def test_what_a_command_held_is_left_to_the_system(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    code = (
        "import sys\nfrom kscan_lsp.__main__ import main\nfrom kscan_lsp.cli import reports\n"
        "class Outputs(tuple):\n    def __del__(self): print('taken apart')\n"
        "made = reports.outputs_of\nreports.outputs_of = lambda *a, **k: Outputs(made(*a, **k))\n"
        "sys.argv = ['kscan', 'scan', 'web.yaml', '--format', 'csv']\nmain()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert run.returncode == 1
    assert "C-0057" in run.stdout
    assert "taken apart" not in run.stdout


def test_a_log_file_is_written_and_a_wrong_one_said(here: Path) -> None:
    run_in_process("--log-file", "log.txt", "list", "frameworks")
    assert f"kscan {__version__}" in (here / "log.txt").read_text()
    assert kscan("--log-file", "no/such/log.txt", "list", "frameworks").exit_code == 2


def test_a_report_that_goes_to_no_terminal_imports_nothing_for_one(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    loaded = run_in_process("scan", "web.yaml")
    assert "kscan_lsp.report.pretty" in loaded
    assert "rich.console" not in loaded


def test_a_json_report_pays_for_nothing_it_does_not_need(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    loaded = run_in_process("scan", "web.yaml", "--format", "json")
    assert "kscan_lsp.report.build" in loaded
    assert not {"html", "kscan_lsp.report.html", "kscan_lsp.report.lines", "kscan_lsp.report.pretty"} & loaded
    # what settings and options may ask for, and most do not
    besides = (
        "cli.main", "cli.baselines", "report.drift", "report.added", "fixes.verify", "edits", "policy.compile_check",
        "workspace.packs", "workspace.releases", "dispositions.entries", "redaction.trees", "yaml.splice",
    )  # fmt: skip
    assert not {f"kscan_lsp.{name}" for name in besides} & loaded
    assert not {name.split(".")[0] for name in loaded} & {
        "rich",
        "pygls",
        "pathspec",
        "lsprotocol",
        "asyncio",
        "logging",
        "ruamel",
        "_ruamel_yaml",
    }
    # to make the class of one takes six times as long as a struct: those left are unpacked, compared or put in order
    files = [
        PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in loaded if "kscan_lsp." in name
    ]
    named = [
        line for file in files if file.exists() for line in re.findall(NAMED_TUPLE, file.read_text("utf-8"))
    ]
    assert 0 < len(named) <= 25


def test_jinja_is_template_language_too(here: Path) -> None:
    loop = "  {% for c in containers %}\n  - name: {{ c.name }}\n  {% endfor %}\n"
    (here / "looped.yaml").write_text(f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{loop}")
    (here / "set.yaml").write_text(f"{{% set name = 'x' %}}\n{DEPLOYMENT}")
    (here / "helm.yaml").write_text('apiVersion: v1\nkind: Pod\nmetadata:\n  {{- include "a.labels" . }}\n')
    (here / "one of.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ name | default('x') }}\n"
    )
    found = report()
    assert found["summary"]["skipped"] == {
        "excluded": 0,
        "helm-template": 1,
        "jinja-template": 3,
        "kustomize-patch": 0,
        "not-kubernetes": 0,
    }
    assert {entry["file"]: entry["hint"] for entry in found["skipped"]} == {
        "helm.yaml": "",
        "looped.yaml": "jinja2 looped.yaml variables.yaml | kscan scan -",
        "one of.yaml": "jinja2 'one of.yaml' variables.yaml | kscan scan -",
        "set.yaml": "jinja2 set.yaml variables.yaml | kscan scan -",
    }
    said = report("set.yaml")["notScanned"][0]["reason"]
    assert said.endswith(
        "a Jinja template can only be judged as it is rendered; run: " + found["skipped"][3]["hint"]
    )
    assert "template can only be judged" in report("-", stdin="a: 1\n{% if x %}\n")["notScanned"][0]["reason"]


@pytest.mark.parametrize(
    ("action", "language"),
    [
        ("{{ .Values.x }}", "helm"), ("{{- $x }}", "helm"), ("{{/* note */}}", "helm"), ("{{ end }}", "helm"),
        ('{{- include "x" . | nindent 2 }}', "helm"), ("{{ toYaml .Values }}", "helm"), ("{{ (list 1) }}", "helm"),
        ("{{ name }}", "jinja"), ("{{ name | upper }}", "jinja"), ("{{ a.b }}", "jinja"), ("{{ a['b'] }}", "jinja"),
        ("{{ a if b else c }}", "jinja"), ("{{ a or 'b' }}", "jinja"), ("{% if a %}", "jinja"), ("{# note #}", "jinja"),
        ("{{ lookup('env', 'X') }}", "jinja"),
    ],
)  # fmt: skip
def test_which_template_language_it_is(here: Path, action: str, language: str) -> None:
    (here / "a.yaml").write_text(f"apiVersion: v1\nkind: Pod\n{action}\nmetadata: {{name: a}}\n")
    assert report("a.yaml")["skipped"][0]["reason"] == f"{language}-template"


@pytest.mark.parametrize("name", ["values.yaml", "values-prod.yaml", "values.dev.yml"])
def test_values_outside_of_a_chart_may_have_a_kind(here: Path, name: str) -> None:
    values = "apiVersion: apps/v1\nkind: Deployment\nreplicaCount: 2\nimage: {repository: a, tag: b}\n"
    (here / name).write_text(values)
    (here / "values-of-a-shop-x.yaml").write_text(POD)
    found = report()
    assert (found["summary"]["files"], found["summary"]["resources"]) == (1, 1)
    assert found["skipped"] == [{"file": name, "reason": "not-kubernetes", "hint": ""}]
    named = report(name)
    assert named["exit"] == 3
    assert "no Kubernetes manifest" in named["notScanned"][0]["reason"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {containers: []}\n",
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n",
        "image: a\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 'a\n",
    ],
)
def test_a_manifest_may_be_called_values(here: Path, text: str) -> None:
    (here / "values.yaml").write_text(text)
    found = report("values.yaml")
    assert found["skipped"] == []
    assert found["summary"]["resources"] or found["notScanned"]


def test_a_nameless_object_is_judged_in_any_other_file(here: Path) -> None:
    (here / "deploy.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\nreplicaCount: 2\n")
    (here / "my-values.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\nreplicaCount: 2\n")
    assert report()["summary"]["resources"] == 2


SHOP = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccount: web
  containers:
  - {name: api, image: 'shop/api:1.0', env: [{name: PASSWORD, value: hunter2}], securityContext: {privileged: true}}
"""


def test_the_diff_masks_values_unless_it_is_told_to_show_them(here: Path) -> None:
    (here / "web.yaml").write_text(SHOP)
    chosen = ("fix", "web.yaml", "--control", "C-0294,C-0057", "--unsafe")
    masked, whole = kscan(*chosen), kscan(*chosen, "--show-values")
    assert "hunter2" not in masked.stdout + masked.stderr
    line = "  - {name: api, image: 'shop/api:1.0', env: [{name: PASSWORD, value: ********}]"
    assert all(f"\n{sign}{line}" in masked.stdout for sign in "+-")
    assert masked.stdout == whole.stdout.replace("hunter2", "********")
    assert "masked in this diff; --show-values" in masked.stderr
    assert "masked" not in whole.stderr
    patch = subprocess.run(
        ["patch", "-p1"], input=whole.stdout, text=True, capture_output=True, cwd=here, check=False
    )
    assert patch.returncode == 0, patch.stdout
    assert "privileged: false" in (here / "web.yaml").read_text()


def test_a_diff_without_secrets_says_nothing_of_them(here: Path) -> None:
    (here / "web.yaml").write_text(SHOP.replace("PASSWORD", "COLOUR"))
    assert "mask" not in kscan("fix", "web.yaml", "--control", "C-0294").stderr


def test_what_no_control_knows_is_no_pass_though_one_asks_about_every_kind(here: Path) -> None:
    (here / "foo.yaml").write_text("apiVersion: foo.example/v1\nkind: Foo\nmetadata: {name: a}\n")
    found = report("foo.yaml")
    assert found["exit"] == 3
    assert [place["reason"] for place in found["notScanned"]] == [
        "no control that is on looks at what is here: Foo 1"
    ]
    assert "compliance" not in kscan("scan", "foo.yaml").stdout
    assert {framework["score"] for framework in found["summary"]["frameworks"]} == {None}


@pytest.mark.parametrize(
    ("options", "status"), [((), 3), (("--fail-on", "critical"), 0), (("--fail-on", "none"), 0)]
)
def test_a_placeholder_that_decides_the_gate_is_no_pass(
    here: Path, options: tuple[str, ...], status: int
) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT.replace("privileged: true", "privileged: ${PRIVILEGED}"))
    found = report("--control", "C-0057", *options)
    assert (found["exit"], found["controls"][0]["notEvaluated"]["count"]) == (status, 1)


def test_an_annotation_without_a_reason_accepts_nothing(here: Path) -> None:
    def written(annotation: str) -> dict:
        name = f"name: web\n  annotations: {{kscan.dev/ignore: '{annotation}'}}"
        (here / "web.yaml").write_text(DEPLOYMENT.replace("name: web", name, 1))
        return report("--control", "C-0057")

    assert [f["status"] for f in written("C-0057 -- the driver needs it")["findings"]] == ["accepted"]
    found = written("C-0057")
    assert [f["status"] for f in found["findings"]] == ["open"]
    assert "without a reason" in found["problems"][0]["message"]


def test_settings_have_their_places_where_controls_are_named(here: Path) -> None:
    (here / ".kscan.yaml").write_text("inputs:\n  imageRepositoryAllowList:\n  - 'https://r.example'\n")
    (here / "web.yaml").write_text(DEPLOYMENT)
    (problem,) = report("--control", "C-0078")["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == (".kscan.yaml", 3, 5)


def test_several_reports_of_one_scan(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    result = kscan("scan", "web.yaml", "--output", "a.json", "--output", "b.html", "--control", "C-0057")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert json.loads((here / "a.json").read_text())["schema"] == 2
    assert (here / "b.html").read_text().startswith("<!doctype html>")
    said = "1 file scanned, found 1 high; failed: 1 finding is high or worse\nwritten: a.json, b.html\n"
    assert result.stderr == said


def test_standard_output_may_be_one_of_several(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    both = kscan("scan", "web.yaml", "--output", "-", "--output", "a.json")
    assert both.stdout == kscan("scan", "web.yaml").stdout
    assert (here / "a.json").is_file()
    assert not (here / "-").exists()
    assert kscan("scan", "web.yaml", "--output", "-", "--format", "json").stdout.startswith("{")


def test_reports_do_not_share_a_file_or_a_form(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    twice = kscan("scan", "web.yaml", "--output", "a.json", "--output", "./a.json")
    assert (twice.exit_code, "--output names 'a.json' twice" in twice.stderr) == (2, True)
    formed = kscan("scan", "web.yaml", "--output", "a.json", "--output", "b.html", "--format", "json")
    assert (formed.exit_code, "the form of one report" in formed.stderr) == (2, True)
    assert sorted(path.name for path in here.iterdir()) == ["web.yaml"]


def test_a_page_tells_day_commit_and_settings(here: Path) -> None:
    (here / "web.yaml").write_text(DEPLOYMENT)
    (here / ".kscan.yaml").write_text(
        "frameworks: [nsa]\ncontrols: {severity: {C-0057: low}}\nexclude: [vendor/]\n"
    )
    (here / ".git/refs/heads").mkdir(parents=True)
    (here / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (here / ".git/refs/heads/main").write_text("0123456789" * 4 + "\n")
    kscan("scan", "--output", "r.html", "--control", "C-0057")
    page = (here / "r.html").read_text()
    for part in (
        "<code>012345678901</code> (main)",
        f"{datetime.now(UTC).date()}",
        "<td>C-0057</td>",
        "controls</td>",
        "exclude",
        "vendor/",
        "fails from high on",
    ):
        assert part in page
    kscan("scan", "--output", "r.html")
    page = (here / "r.html").read_text()
    assert "controls.severity.C-0057" in page
    assert "<td>nsa</td>" in page


def test_fix_takes_a_credential_out_without_showing_it(here: Path) -> None:
    value = "hunter2trout"
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n"
        f"    env:\n    - name: DB_PASSWORD\n      value: {value}\n"
    )
    (here / "web.yaml").write_text(text, encoding="utf-8")
    (here / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web-db}\nstringData: {password: $(X)}\n",
        encoding="utf-8",
    )
    shown = kscan("fix", "--unsafe", "--control", "C-0012")
    assert "+          name: web-db" in shown.stdout
    assert "-      value: ********" in shown.stdout
    assert value not in shown.stdout + shown.stderr
    kscan("fix", "--unsafe", "--write", "--control", "C-0012")
    reference = "valueFrom:\n        secretKeyRef:\n          name: web-db\n          key: password"
    assert (here / "web.yaml").read_text(encoding="utf-8") == text.replace(f"value: {value}", reference)


def test_a_fix_is_proven_by_judging_everything_anew(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = here / "deployment.yaml"
    path.write_text(DEPLOYMENT)
    result = kscan("fix", "--unsafe", "--verify", "--control", "C-0057", ".")
    assert result.exit_code == 0
    assert "verified: 1 finding gone, nothing new" in result.stderr
    # one that the program gets wrong is not written
    wrong = DEPLOYMENT.replace("name: api", "name: api\n        env: [{name: A, value: b}]")
    monkeypatch.setattr(
        "kscan_lsp.cli.fix.FixedFile.text", property(lambda _: wrong + "      hostPID: true\n")
    )
    result = kscan("fix", "--unsafe", "--verify", "--write", "--control", "C-0057,C-0038", ".")
    assert result.exit_code == 1
    assert "new, and nothing was written: deployment.yaml: C-0038 of Deployment web" in result.stderr
    assert path.read_text() == DEPLOYMENT


def test_a_fix_that_leaves_something_to_do_is_proven_too(here: Path) -> None:
    (here / "a.yaml").write_text(DEPLOYMENT + "        env: [{name: DB_PASSWORD, value: hunter2hunter2}]\n")
    result = kscan("fix", "--unsafe", "--verify", "--control", "C-0012,KS-0052", ".")
    assert result.exit_code == 0
    assert "verified: 1 finding gone, nothing new, 1 finding left to do" in result.stderr
    assert "left to do: a.yaml: KS-0052" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="other systems have other terminals")
@pytest.mark.parametrize(
    ("answers", "fixed"),
    [("y\nn\n", 1), ("n\n\n", 0), ("a\n", 2), ("what\ny\nq\n", 1), ("q\n", 0)],
)
def test_a_fix_at_a_time(here: Path, answers: str, fixed: int) -> None:
    path = here / "deployment.yaml"
    path.write_text(DEPLOYMENT + "      hostPID: true\n")
    ours, theirs = os.openpty()
    words = ["fix", "--interactive", "--unsafe", "--control", "C-0057,C-0038", "."]
    process = subprocess.Popen(
        [sys.executable, "-m", "kscan_lsp", *words], stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL
    )
    os.close(theirs)
    os.write(ours, answers.encode())
    said = b""
    with contextlib.suppress(OSError):  # the end, as a terminal says it
        while part := os.read(ours, 1 << 16):
            said += part
    os.close(ours)
    assert process.wait() == 0
    text = path.read_text()
    assert ("privileged: true" not in text) + ("hostPID: true" not in text) == fixed
    assert b"Make this fix?" in said
    assert b"this may change what the workload does" in said
    assert b"-      hostPID: true" in said or b"privileged: true" in said


def test_a_fix_at_a_time_takes_a_terminal(here: Path) -> None:
    (here / "deployment.yaml").write_text(DEPLOYMENT)
    result = kscan("fix", "--interactive", ".")
    assert result.exit_code == 2
    assert "--interactive asks on a terminal" in result.stderr
