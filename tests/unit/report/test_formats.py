"""All forms of the report: each fits its schema whatever a manifest says, and all count the same findings."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.forms import CHECKS, HOSTILE, OPEN, check_markdown, reports_of
from support.reporting import POD, report_of
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.findings import Severity
from kscan_lsp.report.circumstances import Circumstances
from kscan_lsp.report.formats import FORMATS, FixDetail, format_of
from kscan_lsp.report.model import Gate, NotScanned, Report

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
ACCEPTED = POD.replace(
    "privileged: true", "privileged: true # kscan:ignore T-0001 until=2099-01-01 -- it mounts disks"
)
CLEAN = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: api, image: 'a:1'}]}\n"


def pod(name: str, namespace: str = "shop", containers: int = 1) -> str:
    listed = [
        {"name": f"{name}-{n}" if n else name, "securityContext": {"privileged": True}}
        for n in range(containers)
    ]
    data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": listed},
    }
    return json.dumps(data, indent=1) + "\n"


@functools.cache
def run(name: str) -> Report:
    gate = Gate(Severity.HIGH)
    known = Circumstances(date(2026, 1, 2), repository="/srv/shop", inside="deploy")
    if name == "empty":
        return report_of({}, gate=gate)
    if name == "clean":
        return report_of({"web.yaml": CLEAN}, gate=gate, circumstances=known)
    if name == "found":
        texts = {"web.yaml": POD, "accepted.yaml": ACCEPTED, "clean.yaml": CLEAN}
        return report_of(texts, fixes=FixDetail.EDITS, gate=gate, circumstances=known)
    if name == "broken":
        made = report_of({"web.yaml": POD, "broken.yaml": "apiVersion: v1\nkind: Pod\n a: [b\n"}, gate=gate)
        return replace(
            made, not_scanned=(*made.not_scanned, NotScanned("gone\n.yaml", 1, "it \x1b is, gone"))
        )
    if name == "hostile":
        texts = {f"{n} {word}.json": pod(word, word) for n, word in enumerate(HOSTILE)}
        texts |= {f"{word}.json": pod(f"x{n}", word) for n, word in enumerate(HOSTILE)}
        return report_of(texts, fixes=FixDetail.EDITS, gate=gate, circumstances=known)
    texts = {f"d{n % 7}/{n}.json": pod(f"pod-{n}", f"ns-{n % 3}", containers=50) for n in range(100)}
    return report_of(texts, gate=gate, circumstances=known)


RUNS = {"empty": 0, "clean": 0, "found": 3, "broken": 2, "hostile": 4 * len(HOSTILE), "huge": 10_000}
"""Runs, each with how many findings are open."""


def test_every_form_is_checked() -> None:
    assert set(CHECKS) == set(FORMATS) == {*OPEN, "cyclonedx", "images-csv"}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("form", FORMATS)
def test_a_report_fits_its_schema_and_counts_what_the_others_count(form: str, name: str) -> None:
    text = FORMATS[form].render(run(name))
    CHECKS[form](text)
    if form in OPEN and (form, name) != ("pretty", "empty"):  # it counts nothing where there is no file
        assert OPEN[form](text) == RUNS[name]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_report_gives_the_same_text(form: str) -> None:
    assert FORMATS[form].render(run("found")) == FORMATS[form].render(run("found"))


@pytest.mark.parametrize(
    ("output", "form"),
    [
        ("report", "pretty"), ("a.txt", "pretty"), ("a.json", "json"), ("a.HTML", "html"), ("a.sarif", "sarif"),
        ("a.sarif.json", "sarif"), ("a.junit.xml", "junit"), ("TEST-kscan.xml", "junit"), ("a.md", "markdown"),
        ("gl-code-quality-report.json", "gitlab"), ("gl-sast-report.json", "gitlab-sast"), ("a.csv", "csv"),
        ("kscan.policyreport.yaml", "policyreport"), ("a.cdx.json", "cyclonedx"), ("kscan.images.csv", "images-csv"),
    ],
)  # fmt: skip
def test_the_longest_ending_chooses(output: str, form: str) -> None:
    assert format_of(None, output) is FORMATS[form]


@pytest.mark.parametrize("form", FORMATS)
def test_a_form_is_imported_when_it_renders(form: str) -> None:
    module = {"gitlab-sast": "gitlab", "sarif": "sarif.log"}.get(form, form)
    code = (
        "import sys; from kscan_lsp.report.formats import FORMATS\n"
        f"sys.exit('kscan_lsp.report.{module}' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def endings() -> dict[str, str]:
    """A file for every form that an ending chooses."""
    return {
        name: f"report{form.suffixes[0]}" if form.suffixes[0].startswith(".") else form.suffixes[0]
        for name, form in FORMATS.items()
        if form.suffixes
    }


def test_one_run_over_the_corpus_writes_all_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not CORPUS.is_dir():
        reason = f"{CORPUS} is not there"
        pytest.skip(reason)
    monkeypatch.chdir(CORPUS)
    files = {form: tmp_path / name for form, name in endings().items()}
    argv = [part for path in files.values() for part in ("--output", str(path))]
    result = CliRunner().invoke(app, ["scan", ".", "--framework", "allcontrols", *argv])
    assert result.exit_code in {1, 3}, result.output
    texts = {form: path.read_bytes().decode() for form, path in files.items()}
    texts["github"] = (
        CliRunner().invoke(app, ["scan", ".", "--framework", "allcontrols", "-f", "github"]).stdout
    )
    assert set(texts) == set(FORMATS)
    for form, text in texts.items():
        CHECKS[form](text)
    counts = {form: counted(texts[form]) for form, counted in OPEN.items()}
    assert len(set(counts.values())) == 1, counts
    assert counts["json"] > 500
    assert all(path.stat().st_size for path in files.values())


def test_all_forms_know_a_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding stays, one is fixed, one is new."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [C-0057]}\n")
    for name in ("stays", "fixed"):
        (tmp_path / f"{name}.json").write_text(pod(name))
    made = CliRunner().invoke(app, ["baseline", "create"])
    assert made.exit_code == 0, made.output
    (tmp_path / "fixed.json").write_text(pod("fixed").replace("true", "false"))
    (tmp_path / "new.json").write_text(pod("new"))
    (tmp_path / "out").mkdir()
    files = {form: Path("out") / name for form, name in endings().items()}
    argv = [part for path in files.values() for part in ("--output", str(path))]
    assert CliRunner().invoke(app, ["scan", ".", *argv]).exit_code == 1
    texts = {form: path.read_bytes().decode() for form, path in files.items()}
    texts["github"] = CliRunner().invoke(app, ["scan", ".", "-f", "github"]).stdout
    for form, text in texts.items():
        CHECKS[form](text)
        assert form not in OPEN or OPEN[form](text) == 1, form
    comment = texts["markdown"]
    assert ":** 1 new (1 high), 1 fixed, 1 as they were" in comment
    assert "<details><summary>1 fixed</summary>" in comment
    assert "| fixed.json | high | C-0057 | Pod shop/fixed spec.containers" in comment
    (result,) = json.loads(texts["sarif"])["runs"][0]["results"]
    assert result["baselineState"] == "new"
    assert ",baseline,,," in texts["csv"]
    (report,) = reports_of(texts["policyreport"])
    assert report["summary"] == {"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 0}
    said = CliRunner().invoke(app, ["scan", ".", "-f", "sarif", "--sarif-accepted"]).stdout
    states = {one["baselineState"]: one.get("suppressions") for one in json.loads(said)["runs"][0]["results"]}
    assert states["new"] is None
    assert states["unchanged"][0]["justification"].startswith("in the baseline since 20")
    shown = CliRunner().invoke(app, ["baseline", "diff", "--format", "markdown"]).stdout
    check_markdown(shown)


def test_names_count_from_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "web.yaml").write_text(POD)
    (tmp_path / "other.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path / "deploy")
    for argv in (["web.yaml", "../other.yaml"], [str(tmp_path)]):
        said = CliRunner().invoke(app, ["scan", *argv, "--control", "C-0057", "-f", "gitlab"]).stdout
        names = {one["location"]["path"] for one in json.loads(said)}
        assert names == {"deploy/web.yaml", "other.yaml"}


@pytest.mark.skipif(os.name == "nt", reason="there are no such names there")
def test_outside_of_a_repository_names_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["scan", "web.yaml", "--control", "C-0057", "-f", "gitlab"]).stdout
    assert [one["location"]["path"] for one in json.loads(said)] == ["web.yaml"]
