"""What kscan writes of images is no source about them; what it states of vulnerabilities others read as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import images
from support.images import DIGEST, NGINX, OPENSSL, as_bytes
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.evidence.sources.registry import read_report

if TYPE_CHECKING:
    from pathlib import Path

POD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
  - {{name: web, image: "{NGINX}"}}
"""
OWN = ("cyclonedx", "json", "sarif", "gitlab-sast")
"""Forms of the report that are JSON of some other form, too."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a pod and a report about its image."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "x.grype.json").write_bytes(as_bytes(images.grype()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kscan(*arguments: str) -> str:
    return CliRunner().invoke(app, ["scan", ".", "--fail-on", "none", *arguments]).stdout


def report() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(kscan("-f", "json"))
    return data


def bom() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(kscan("-f", "cyclonedx"))
    return data


@pytest.mark.parametrize("form", OWN)
@pytest.mark.parametrize("name", ["kscan.cdx.json", ".kscan/images/kscan.json", "kscan.trivy.sarif"])
def test_a_report_of_kscan_is_no_source_where_sources_are_looked_for(
    here: Path, form: str, name: str
) -> None:
    before = report()
    about = ("images", "findings", "controls", "problems")
    (here / ".kscan/images").mkdir(parents=True)
    (here / name).write_text(kscan("-f", form))
    assert [report()[key] for key in about] == [before[key] for key in about]
    assert before["problems"] == []


def test_what_was_accepted_once_does_not_stay_so_by_an_own_report(here: Path) -> None:
    statement = here / "x.openvex.json"
    statement.write_bytes(as_bytes(images.openvex(OPENSSL)))
    (here / "kscan.cdx.json").write_text(kscan("-f", "cyclonedx"))
    assert report()["images"][0]["counts"] == "1 high; none has a fix"
    statement.unlink()
    assert report()["images"][0]["counts"] == "1 critical, 1 high; 1 has a fix"


@pytest.mark.parametrize("form", OWN)
def test_settings_that_name_one_are_told(here: Path, form: str) -> None:
    (here / "out.json").write_text(kscan("-f", form))
    (here / ".kscan.yaml").write_text("images: {reports: [out.json, x.grype.json]}\n")
    (problem,) = report()["problems"]
    assert (problem["file"], problem["message"]) == (
        "out.json",
        "this report is left out: kscan wrote it, and reads what scanners write; name the reports of these",
    )
    # a pattern that happens to lead to it names others
    (here / ".kscan.yaml").write_text('images: {reports: ["*.json"]}\n')
    assert report()["problems"] == []


@pytest.mark.parametrize("form", ["html", "csv", "pretty", "markdown", "junit", "policyreport", "gitlab"])
def test_what_is_no_report_is_one_problem(here: Path, form: str) -> None:
    (here / "kscan.trivy.sarif").write_text(kscan("-f", form))
    (problem,) = report()["problems"]
    assert problem["file"] == "kscan.trivy.sarif"
    # that for GitLab is a list, which could have reports in it
    assert ("it is in none of the forms" if form == "gitlab" else "it is no") in problem["message"]


@pytest.mark.parametrize(
    ("status", "state", "justification"),
    [
        ("affected", "exploitable", None),
        ("not_affected", "not_affected", "code_not_reachable"),
        ("fixed", "resolved", None),
        ("under_investigation", "in_triage", None),
    ],
)
def test_a_status_is_written_as_cyclonedx_has_it_and_read_again_as_it_was(
    here: Path, status: str, state: str, justification: str | None
) -> None:
    said = images.openvex(OPENSSL, status, impact_statement="we never call it")
    (here / "x.openvex.json").write_bytes(as_bytes(said))
    document = bom()
    entry = next(one for one in document["vulnerabilities"] if one["id"] == "CVE-2026-0001")
    assert (entry["analysis"]["state"], entry["analysis"].get("justification")) == (state, justification)
    assert entry["analysis"]["detail"] == "we never call it (The shop's team)"
    # another program has taken it over
    document["metadata"] = {"timestamp": "2026-01-12T00:00:00Z"}
    for component in document["components"][0]["components"]:
        for one in document["vulnerabilities"]:
            for affected in one["affects"]:
                if affected["ref"] == component["bom-ref"]:
                    affected["ref"] = component["purl"]
    (statement,) = read_report(as_bytes(document)).contents.statements
    assert (statement.status, statement.reason) == (status, "we never call it (The shop's team)")
    assert statement.justification == ("vulnerable_code_not_in_execute_path" if justification else "")
    assert [product.name for product in statement.products] == [OPENSSL]


@pytest.mark.parametrize(
    ("theirs", "ours", "again"),
    [
        ("code_not_present", "vulnerable_code_not_present", "code_not_present"),
        ("code_not_reachable", "vulnerable_code_not_in_execute_path", "code_not_reachable"),
        (
            "protected_at_perimeter",
            "inline_mitigations_already_exist",
            "protected_by_mitigating_control",
        ),
        (
            "protected_by_mitigating_control",
            "inline_mitigations_already_exist",
            "protected_by_mitigating_control",
        ),
        ("requires_dependency", "", None),
        ("nonsense", "", None),
    ],
)
def test_a_justification_is_taken_over_where_there_is_a_word_for_it(
    here: Path, theirs: str, ours: str, again: str | None
) -> None:
    (here / "x.grype.json").unlink()
    document = images.cyclonedx()
    document["vulnerabilities"][0]["analysis"] = {"state": "not_affected", "justification": theirs}
    (here / "x.cdx.json").write_bytes(as_bytes(document))
    (image,) = read_report(as_bytes(document)).contents.images
    assert image.vulnerabilities[0].justification == ours
    entry = next(one for one in bom()["vulnerabilities"] if one["id"] == "CVE-2026-0001")
    assert entry["analysis"].get("justification") == again
    assert entry["analysis"]["detail"] == theirs.replace("_", " ")


@pytest.mark.parametrize("state", ["false_positive", "resolved_with_pedigree", "exploitable", "in_triage"])
def test_other_states_of_cyclonedx_become_the_status_that_they_mean(state: str) -> None:
    document = images.cyclonedx()
    document["vulnerabilities"][0]["analysis"] = {"state": state}
    (image,) = read_report(as_bytes(document)).contents.images
    status = {
        "false_positive": "not_affected",
        "resolved_with_pedigree": "fixed",
        "exploitable": "affected",
        "in_triage": "under_investigation",
    }[state]
    assert image.vulnerabilities[0].status == status
    assert image.vulnerabilities[0].counts == (state in {"exploitable", "in_triage"})


def test_what_is_ignored_has_no_state_and_says_so(here: Path) -> None:
    (here / ".trivyignore").write_text("# not ours\nCVE-2026-0001\n")
    entry = next(one for one in bom()["vulnerabilities"] if one["id"] == "CVE-2026-0001")
    assert entry["analysis"] == {"detail": "ignored: not ours (.trivyignore)"}


def test_a_reason_of_csaf_is_taken_over_with_its_flag(here: Path) -> None:
    image = f"pkg:oci/nginx@{DIGEST}?repository_url=docker.io/library/nginx"
    (here / "x.csaf.json").write_bytes(as_bytes(images.csaf(OPENSSL, image=image)))
    entry = next(one for one in bom()["vulnerabilities"] if one["id"] == "CVE-2026-0001")
    assert (entry["analysis"]["state"], entry["analysis"]["justification"]) == (
        "not_affected",
        "code_not_present",
    )
