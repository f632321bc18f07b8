"""Every form of the report tells of images, counts them once, and gates ask about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import sync_playwright
from support import images
from support.forms import CHECKS, HOSTILE
from support.images import DIGEST, NGINX, OPENSSL, as_bytes
from support.reporting import SCHEMA
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec:
  containers:
  - {name: web, image: "%s"}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which three pods run two images; a report is about one of these."""
    (tmp_path / ".git").mkdir()
    pods = [POD % ("web", "web", NGINX), POD % ("inner", "inner", NGINX), POD % ("other", "other", "other:1")]
    (tmp_path / "a.yaml").write_text("---\n".join([*pods, SERVICE]))
    (tmp_path / "x.grype.json").write_bytes(as_bytes(images.grype()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kscan(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["scan", ".", *arguments])


def report(*arguments: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(kscan("-f", "json", *arguments).stdout)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data)] == []
    return data


def test_an_image_is_there_once_with_its_workloads(here: Path) -> None:
    known, unknown = report()["images"]
    assert (known["reference"], known["digest"], known["source"]) == (NGINX, DIGEST, "Grype 0.104.0")
    assert [(w["resource"]["name"], w["line"], w["exposure"]) for w in known["workloads"]] == [
        ("web", 6, ["NodePort web"]),
        ("inner", 13, []),
    ]
    assert known["exposure"] == ["NodePort web"]
    openssl, curl = known["vulnerabilities"]
    assert (openssl["id"], openssl["purl"], openssl["kev"], openssl["severity"]) == (
        "CVE-2026-0001",
        OPENSSL,
        True,
        "critical",
    )
    assert (curl["fixed"], curl["score"], curl["status"]) == ([], None, None)
    assert (unknown["reference"], unknown["source"], unknown["vulnerabilities"]) == ("other:1", None, [])


def test_what_is_settled_is_told_and_not_counted(here: Path) -> None:
    (here / "x.openvex.json").write_bytes(as_bytes(images.openvex(OPENSSL)))
    known, _ = report()["images"]
    assert known["counts"] == "1 high; none has a fix"
    assert [(one["id"], one["status"]) for one in known["vulnerabilities"]] == [
        ("CVE-2026-0002", None),
        ("CVE-2026-0001", "not_affected"),
    ]
    assert "1 other does not count: 1 not affected" in kscan("-f", "html").stdout


def test_without_reports_there_are_none(here: Path) -> None:
    (here / "x.grype.json").unlink()
    assert report()["images"] == []
    for form in ("html", "markdown", "pretty"):
        assert "no report" not in kscan("-f", form).stdout.lower()


def test_forms_for_people_tell_of_them(here: Path) -> None:
    pretty = " ".join(kscan().stdout.split())
    assert (
        "nginx:1.25.3: 1 critical, 1 high; 1 has a fix; in 2 workloads; reachable from outside (NodePort web)"
        in pretty
    )
    assert "no report is about other:1" in pretty
    markdown = kscan("-f", "markdown").stdout
    assert "| nginx:1.25.3 | 1 critical, 1 high; 1 has a fix | NodePort web | 2 |" in markdown
    assert "| other:1 | no report |  | 1 |" in markdown


def test_results_of_sarif_have_packages_and_versions(here: Path) -> None:
    text = kscan("-f", "sarif").stdout
    CHECKS["sarif"](text)
    found = json.loads(text)["runs"][0]["results"]
    of_images = [one for one in found if one["ruleId"] == "KS-0060"]
    assert len(of_images) == 2
    for one in of_images:
        about = one["properties"]["image"]
        assert (about["digest"], about["more"]) == (DIGEST, 0)
        assert about["vulnerabilities"][0] == {
            "id": "CVE-2026-0001",
            "severity": "critical",
            "purl": OPENSSL,
            "package": "libssl3",
            "installed": "3.0.11-1~deb12u1",
            "fixed": ["3.0.11-1~deb12u2", "3.0.13-1"],
            "kev": True,
        }
    assert not any("image" in one["properties"] for one in found if not one["ruleId"].startswith("KS-006"))


@pytest.mark.parametrize("form", ["json", "html", "sarif", "markdown", "csv", "junit"])
def test_what_a_report_says_does_no_harm(here: Path, form: str) -> None:
    hostile = images.grype()
    match = hostile["matches"][0]
    for number, text in enumerate(HOSTILE):
        more = json.loads(json.dumps(match))
        more["artifact"] |= {"name": text, "version": text}
        more["vulnerability"] |= {"id": f"{text}{number}", "dataSource": text, "fix": {"versions": [text]}}
        more["relatedVulnerabilities"] = [{"id": text, "description": text}]
        hostile["matches"].append(more)
    (here / "x.grype.json").write_bytes(as_bytes(hostile))
    CHECKS[form](kscan("-f", form).stdout_bytes.decode())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (
            ["--fail-on-cve", "critical"],
            1,
            "1 vulnerability of 1 image is critical: CVE-2026-0001 in libssl3 of nginx:1.25.3",
        ),
        (["--fail-on-cve", "high"], 1, "2 vulnerabilities of 1 image are high or worse"),
        (
            ["--fail-on-cve", "high", "--only-fixable"],
            1,
            "1 vulnerability of 1 image is high or worse and has a fix",
        ),
        (["--kev"], 1, "1 vulnerability of 1 image is exploited"),
        (["--fail-on-cve", "critical"], 1, "1 image has no report"),
        (["--fail-on-cve", "none"], 0, ""),
        (["--only-fixable"], 2, ""),
        ([], 0, ""),
    ],
)
def test_gates_ask_about_vulnerabilities(here: Path, arguments: list[str], status: int, said: str) -> None:
    result = kscan("--fail-on", "none", *arguments)
    assert result.exit_code == status
    assert said in " ".join(result.stdout.split())


def test_gates_of_the_settings_and_what_accepts(here: Path) -> None:
    (here / ".kscan.yaml").write_text("gate: {failOn: none, failOnCve: critical, allowUnscanned: true}\n")
    assert kscan().exit_code == 1
    (here / ".trivyignore").write_text("CVE-2026-0001\n")
    assert kscan().exit_code == 0
    assert kscan("--fail-on-cve", "high").exit_code == 1


def test_a_gate_without_any_report_does_not_pass_in_silence(here: Path) -> None:
    (here / "x.grype.json").unlink()
    result = kscan("--fail-on", "none", "--fail-on-cve", "critical")
    assert result.exit_code == 1
    assert "2 images have no report" in " ".join(result.stdout.split())
    assert kscan("--fail-on", "none", "--fail-on-cve", "critical", "--allow-unscanned").exit_code == 0


def test_the_page_filters_without_a_script(here: Path) -> None:
    (here / "r.html").write_text(kscan("-f", "html").stdout)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        except Exception as error:  # noqa: BLE001 - whatever keeps it from starting
            pytest.skip(f"there is no Chromium: {error}")
        page = browser.new_page()
        page.goto((here / "r.html").as_uri())

        def shown() -> list[str]:
            rows = page.locator(".vulnerabilities tbody tr")
            return [row.locator("td").first.inner_text() for row in rows.all() if row.is_visible()]

        assert shown() == ["CVE-2026-0001", "CVE-2026-0002"]
        for box in (".show-critical", ".only-fixable", ".only-exploited"):
            checked = box.startswith(".only")
            page.set_checked(box, checked)
            assert shown() == (["CVE-2026-0001"] if checked else ["CVE-2026-0002"])
            page.set_checked(box, not checked)
        page.select_option(".package", label="curl (1)")
        assert shown() == ["CVE-2026-0002"]
        page.select_option(".package", "0")
        page.check(".only-exposed")
        assert len(shown()) == 2
        browser.close()


def test_cyclonedx_has_what_is_known_and_what_somebody_says_of_it(here: Path) -> None:
    (here / "x.openvex.json").write_bytes(as_bytes(images.openvex(OPENSSL)))
    text = kscan("-f", "cyclonedx").stdout
    CHECKS["cyclonedx"](text)
    assert kscan("-f", "cyclonedx").stdout == text
    bom = json.loads(text)
    known, unknown = bom["components"]
    assert (known["name"], known["version"], "components" in unknown) == (NGINX, DIGEST, False)
    entry = next(one for one in bom["vulnerabilities"] if one["id"] == "CVE-2026-0001")
    (package,) = (one for one in known["components"] if one["bom-ref"] == entry["affects"][0]["ref"])
    assert (package["purl"], entry["analysis"]["state"]) == (OPENSSL, "not_affected")
    assert entry["ratings"][0]["severity"] == "critical"
    assert entry["recommendation"].startswith("Update to ")
