"""Every form of the report tells of images, counts them once, and gates ask about them."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from playwright.sync_api import sync_playwright
from support import images
from support.forms import CHECKS, HOSTILE
from support.git import git
from support.images import DIGEST, NGINX, OPENSSL, as_bytes
from support.reporting import SCHEMA, report_of
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.evidence.images import Vulnerability
from kscan_lsp.report import html
from kscan_lsp.report.image_model import ReportedImage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from playwright.sync_api import Browser, Page

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


def test_an_image_that_is_written_in_two_ways_is_one(here: Path) -> None:
    in_full = f"index.docker.io/library/{NGINX}"
    (here / "b.yaml").write_text(
        POD % ("again", "again", in_full) + "---\n" + POD % ("o", "o", "docker.io/other:1")
    )
    known, unknown = report()["images"]
    assert (known["reference"], unknown["reference"]) == (NGINX, "other:1")
    assert [one["resource"]["name"] for one in known["workloads"]] == ["web", "inner", "again"]
    assert [one["resource"]["name"] for one in unknown["workloads"]] == ["other", "o"]
    text = kscan("--fail-on", "none", "--fail-on-cve", "critical").stdout
    assert "1 vulnerability of 1 image is critical" in " ".join(text.split())


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


@pytest.mark.parametrize("form", ["json", "html", "sarif", "markdown", "csv", "images-csv", "junit"])
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


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        except Exception as error:  # noqa: BLE001 - whatever keeps it from starting
            pytest.skip(f"there is no Chromium: {error}")
        yield found
        found.close()


def shown(page: Page) -> list[str]:
    rows = page.locator(".vulnerabilities tbody tr")
    return [row.locator("td").first.inner_text() for row in rows.all() if row.is_visible()]


def test_the_page_filters_without_a_script(here: Path, browser: Browser) -> None:
    (here / "r.html").write_text(kscan("-f", "html").stdout)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((here / "r.html").as_uri())
    assert shown(page) == ["CVE-2026-0001", "CVE-2026-0002"]
    for box in (".show-critical", ".only-fixable", ".only-exploited"):
        checked = box.startswith(".only")
        page.set_checked(box, checked)
        assert shown(page) == (["CVE-2026-0001"] if checked else ["CVE-2026-0002"])
        page.set_checked(box, not checked)
    page.select_option(".package", label="curl (1)")
    assert shown(page) == ["CVE-2026-0002"]
    page.select_option(".package", "0")
    page.check(".only-exposed")
    assert len(shown(page)) == 2
    assert not page.locator(".search").is_visible()
    assert page.locator(".vulnerabilities button").count() == 0


def test_the_page_searches_and_sorts(here: Path, browser: Browser) -> None:
    more = images.grype("other:1")
    more["matches"] = [json.loads(json.dumps(more["matches"][1]))]
    more["matches"][0]["artifact"]["name"] = "zlib"
    more["source"]["target"] |= {"imageID": "", "manifestDigest": "", "repoDigests": []}
    (here / "y.grype.json").write_bytes(as_bytes(more))
    text = kscan("-f", "html").stdout
    CHECKS["html"](text)
    (here / "r.html").write_text(text)
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto((here / "r.html").as_uri())
    search = page.get_by_label("search")
    for words, found in (
        ("OPENSSL", ["CVE-2026-0001"]),
        ("other:1", ["CVE-2026-0002"]),
        ("nginx curl", ["CVE-2026-0002"]),
        ("<nothing>", []),
    ):
        search.fill(words)
        assert shown(page) == found
        assert page.locator("output").inner_text() == f"{len(found)} found"
    # what the boxes leave out is not found
    search.fill("cve")
    assert page.locator("output").inner_text() == "3 found"
    for box, number in ((".only-fixable", 1), (".only-exposed", 2)):
        page.check(box)
        assert page.locator("output").inner_text() == f"{number} found"
        page.uncheck(box)
    search.fill("")
    assert page.locator("output").inner_text() == ""
    assert page.locator(".image").count() == len(
        [one for one in page.locator(".image").all() if one.is_visible()]
    )
    table = page.locator(".vulnerabilities").first
    first = [row.inner_text() for row in table.locator("tbody tr").all()]
    table.get_by_role("button", name="package").click()
    assert [row.inner_text() for row in table.locator("tbody tr").all()] == first[::-1]
    assert table.locator("th").nth(1).get_attribute("aria-sort") == "ascending"
    table.get_by_role("button", name="what").click()
    assert [row.inner_text() for row in table.locator("tbody tr").all()] == first
    assert table.locator("th").nth(1).get_attribute("aria-sort") is None
    assert said == []


def test_a_page_without_vulnerabilities_has_no_script(here: Path) -> None:
    (here / "x.grype.json").unlink()
    text = kscan("-f", "html").stdout
    assert "<script" not in text
    assert "script-src" not in text


def test_the_table_of_images_has_a_row_for_each_vulnerability(here: Path) -> None:
    (here / "x.openvex.json").write_bytes(as_bytes(images.openvex(OPENSSL)))
    text = kscan("-f", "images-csv").stdout_bytes.decode()
    CHECKS["images-csv"](text)
    curl, openssl, unknown = csv.DictReader(io.StringIO(text, newline=""))
    assert (curl["vulnerability"], curl["severity"], curl["fixedIn"], curl["status"]) == (
        "CVE-2026-0002",
        "high",
        "",
        "",
    )
    about = ("image", "digest", "aliases", "package", "purl", "installed", "fixedIn", "severity", "cvss", "epss", "kev",
             "status", "reason", "exposure", "workloads", "source", "endOfLife")  # fmt: skip
    assert [openssl[name] for name in about] == [
        NGINX, DIGEST, "DSA-5532-1", "libssl3", OPENSSL, "3.0.11-1~deb12u1", "3.0.11-1~deb12u2, 3.0.13-1", "critical",
        "9.8", "0.91", "yes", "not_affected", "vulnerable code not in execute path (The shop's team)",
        "NodePort web", "Pod web; Pod inner", "Grype 0.104.0", "yes",
    ]  # fmt: skip
    assert int(openssl["ageDays"]) > 0
    assert (unknown["image"], unknown["vulnerability"], unknown["source"]) == ("other:1", "", "no report")
    kscan("--output", "lead.images.csv")
    assert (here / "lead.images.csv").read_bytes().decode() == text


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def test_a_comment_says_what_a_change_adds(here: Path) -> None:
    shutil.rmtree(here / ".git")
    git(here, "init", "-q")
    newer = images.grype("nginx:1.27.3")
    newer["source"]["target"] |= {"imageID": "", "manifestDigest": "", "repoDigests": []}
    newer["matches"][0]["vulnerability"] |= {"id": "CVE-2026-0009"}
    newer["matches"][0]["relatedVulnerabilities"] = []
    (here / "y.grype.json").write_bytes(as_bytes(newer))
    commit(here)
    manifest = (here / "a.yaml").read_text()
    (here / "a.yaml").write_text(manifest.replace(NGINX, "nginx:1.27.3"))
    text = kscan("-f", "markdown", "--new-since", "HEAD").stdout
    CHECKS["markdown"](text)
    assert "**1 new image, 1 vulnerability that nothing had before**" in text
    assert (
        "- nginx:1.27.3: 1 new (1 critical; 1 has a fix), 1 gone since nginx:1.25.3; "
        "reachable from outside (NodePort web)"
    ) in text
    row = (
        "| critical | CVE-2026-0009 | libssl3 | 3\\.0.11-1\\~deb12u1 | 3\\.0.11-1\\~deb12u2, 3.0.13-1 | yes |"
    )
    assert row in text
    # of what nobody knew anything, all is new
    (here / "x.grype.json").unlink()
    text = kscan("-f", "markdown", "--new-since", "HEAD").stdout
    assert (
        "2 new (1 critical, 1 high; 1 has a fix); no report is about nginx:1.25.3, so all of it counts as new"
        in text
    )
    # what was there before is not new
    commit(here)
    assert "that nothing had before" not in kscan("-f", "markdown", "--new-since", "HEAD").stdout


def test_with_a_baseline_what_is_new_at_an_image_is_what_a_change_adds(here: Path) -> None:
    data = (here / "x.grype.json").read_bytes()
    (here / "x.grype.json").unlink()
    assert CliRunner().invoke(app, ["baseline", "create", "."]).exit_code == 0
    assert "that nothing had before" not in kscan("-f", "markdown").stdout
    (here / "x.grype.json").write_bytes(data)
    text = kscan("-f", "markdown").stdout
    assert "**1 new image, 2 vulnerabilities that nothing had before**" in text
    CHECKS["markdown"](text)


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


def test_the_page_allows_one_script_by_its_hash_in_an_editor_too(here: Path) -> None:
    text = kscan("-f", "html").stdout
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "innerHTML" not in script
    known = ReportedImage(NGINX, (), source="Grype", vulnerabilities=(Vulnerability("CVE-2026-0001", "p"),))
    alone = replace(report_of({"web.yaml": ""}), images=(known,))
    assert "<script>" in html.render(alone)
    in_editor = html.render(alone, lambda name: f"kscan-place:{name}")
    assert policy in in_editor
    assert f"<script>{script}</script>" in in_editor
