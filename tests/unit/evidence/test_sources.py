"""Reports in every form say the same of the same image, and no file does any harm."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images, scanning
from support.images import CONFIG, DIGEST, FORMS, OPENSSL, VECTOR, as_bytes

from kscan_lsp.evidence.sources import registry
from kscan_lsp.evidence.sources.common import MAX_VULNERABILITIES
from kscan_lsp.evidence.sources.ignored import read_grype_rules, read_trivyignore
from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path

KNOWS_PURLS = {"trivy", "grype", "manifest", "manifests", "cyclonedx"}
KNOWS_EPSS = {"grype", "manifest", "manifests"}


def problem(data: object) -> str:
    reading = read_report(data if isinstance(data, bytes) else as_bytes(data))
    assert reading.contents.images == ()
    assert reading.contents.statements == ()
    return reading.problem


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    reading = read_report(as_bytes(FORMS[form]))
    assert reading.problem == ""
    (image,) = reading.contents.images
    assert image.names == ("docker.io/library/nginx:1.25.3",)
    assert image.digests <= {DIGEST, CONFIG}
    assert bool(image.digests) == (form not in {"kubescape", "sarif of grype"})
    openssl, curl = image.vulnerabilities
    assert (openssl.id, openssl.package, openssl.installed) == (
        "CVE-2026-0001",
        "libssl3",
        "3.0.11-1~deb12u1",
    )
    assert openssl.fixed == ("3.0.11-1~deb12u2", "3.0.13-1")
    assert (openssl.severity, curl.severity) == (Severity.CRITICAL, Severity.HIGH)
    assert (curl.id, curl.package, curl.installed, curl.fixed) == ("CVE-2026-0002", "curl", "7.88.1-10", ())
    assert openssl.purl == (OPENSSL if form in KNOWS_PURLS else "")
    assert openssl.rce == (form != "kubescape")
    assert not curl.rce
    assert (openssl.kev, openssl.epss) == ((True, 0.91) if form in KNOWS_EPSS else (False, None))
    assert openssl.vector == ("" if form in {"kubescape", "sarif of grype"} else VECTOR)
    assert openssl.score == (0 if form == "kubescape" else 9.8)
    assert openssl.aliases == (("DSA-5532-1",) if form in KNOWS_PURLS else ())
    assert image.made == (None if form.startswith("sarif") else date(2026, 1, 10))
    assert image.system == ("debian 12.2" if form in KNOWS_PURLS else "")
    assert image.end_of_life == (form in KNOWS_PURLS - {"cyclonedx"})


@pytest.mark.skipif(os.name == "nt", reason="Trivy comes for Linux")
def test_every_form_that_a_real_scanner_writes_says_the_same(tmp_path: Path) -> None:
    scanning.archive(tmp_path / "shop.tar", "registry.example/shop:1.0")
    offline = ["--skip-db-update", "--skip-java-db-update", "--offline-scan"]

    def trivy(*arguments: str) -> bytes:
        command = [str(scanning.trivy()), "--quiet", "--cache-dir", str(tmp_path), *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout

    scanning.database(tmp_path)
    whole = trivy("image", "-f", "json", "--list-all-pkgs", *offline, "--input", "shop.tar")
    (tmp_path / "whole.json").write_bytes(whole)
    written = {
        form: trivy("convert", "-f", form, "whole.json") for form in ("sarif", "cyclonedx", "spdx-json")
    }
    (tmp_path / "shop.spdx.json").write_bytes(written["spdx-json"])
    written |= {"json": whole, "sbom": trivy("sbom", "-f", "json", *offline, "shop.spdx.json")}
    (inventory,) = read_report(written.pop("spdx-json")).contents.inventories
    assert {(one.name, one.version) for one in inventory.packages} == {
        ("openssl", "3.1.4-r0"), ("busybox", "1.36.1-r9"),
    }  # fmt: skip
    for form, data in written.items():
        (image,) = read_report(data).contents.images
        assert (image.names, image.digests) == (inventory.names, inventory.digests), form
        assert image.names == ("registry.example/shop:1.0",)
        assert len(image.digests) == 1
        (found,) = image.vulnerabilities
        assert (found.id, found.package, found.installed, found.fixed, found.severity, found.score) == (
            "CVE-2026-0001", "openssl", "3.1.4-r0", ("3.1.5-r0",), Severity.CRITICAL, 9.8,
        )  # fmt: skip
        assert found.purl.startswith("pkg:apk/alpine/openssl@3.1.4-r0") == (form != "sarif")


def test_who_made_a_report_is_known() -> None:
    made = {form: read_report(as_bytes(data)).contents.images[0].source for form, data in FORMS.items()}
    assert made == {
        "trivy": "Trivy 0.69.1",
        "grype": "Grype 0.104.0",
        "manifest": "Kubescape v0.104.0",
        "manifests": "Kubescape v0.104.0",
        "kubescape": "Kubescape",
        "cyclonedx": "Trivy 0.69.1",
        "sarif of trivy": "Trivy 0.69.1",
        "sarif of grype": "Grype 0.104.0",
    }


def test_an_object_that_lost_what_was_found_is_no_clean_image() -> None:
    """A list of `kubectl get` has objects with nothing in their specification."""
    listed = images.manifest()
    empty = {
        "metadata": {"withRelevancy": False, "tool": {"name": "", "version": "", "databaseVersion": ""},
                     "report": {"createdAt": None}},
        "payload": {"matches": None, "source": None, "distro": {"name": "", "version": "", "idLike": None},
                    "descriptor": {"name": "", "version": ""}},
    }  # fmt: skip
    for spec in (empty, {}, None):
        listed["spec"] = spec
        assert "resourceVersion=fullSpec" in problem({"kind": "List", "items": [images.manifest(), listed]})
        assert "resourceVersion=fullSpec" in problem(listed)
    # one that has nothing in it says who has looked
    clean = images.manifest()
    clean["spec"]["payload"] = {"matches": None}
    (image,) = read_report(as_bytes(clean)).contents.images
    assert (image.vulnerabilities, image.names) == ((), ("docker.io/library/nginx:1.25.3",))


def test_what_was_seen_in_use_is_not_what_is_in_an_image() -> None:
    filtered = images.manifest()
    filtered["spec"]["metadata"] |= {"withRelevancy": True, "report": {"createdAt": "2026-01-12T00:00:00Z"}}
    filtered["spec"]["payload"]["matches"] = []
    both = read_report(as_bytes({"kind": "List", "items": [images.manifest(), filtered]}))
    (image,) = both.contents.images
    assert len(image.vulnerabilities) == 2
    assert "only what of an image was seen in use" in problem(filtered)


def test_a_file_is_no_name_of_an_image() -> None:
    found = images.trivy(ArtifactName="sboms/shop.cdx.json", ArtifactType="cyclonedx")
    (image,) = read_report(as_bytes(found)).contents.images
    assert image.names == ("docker.io/library/nginx:1.25.3",)
    assert "does not say which image" in problem({**found, "Metadata": {}})
    log = images.sarif_of_trivy()
    log["runs"][0]["properties"]["imageName"] = "images/shop.tar"
    (image,) = read_report(as_bytes(log)).contents.images
    assert image.names == ("docker.io/library/nginx:1.25.3",)


def test_a_layer_that_images_share_is_none_of_them() -> None:
    bom = images.cyclonedx()
    layer = "sha256:" + "1a" * 32
    bom["metadata"]["component"]["properties"].append({"name": "aquasecurity:trivy:DiffID", "value": layer})
    (image,) = read_report(as_bytes(bom)).contents.images
    assert image.digests == {DIGEST, CONFIG}


def test_several_reports_in_one_file_are_read() -> None:
    """As `kubescape scan image` writes them of several images."""
    both = read_report(as_bytes([images.grype("a:1"), images.grype("b:1")]))
    assert both.problem == ""
    assert [one.names for one in both.contents.images] == [
        ("docker.io/library/a:1",),
        ("docker.io/library/b:1",),
    ]
    some = read_report(
        b"\n " + as_bytes([images.grype("a:1"), images.trivy(Results=7), images.openvex("a:1")])
    )
    assert "looks like Trivy" in some.problem
    assert (len(some.contents.images), len(some.contents.statements)) == (1, 1)


def test_what_grype_was_told_to_ignore_stays_ignored() -> None:
    report = images.grype()
    (match,) = report["matches"][1:]
    report["matches"] = report["matches"][:1]
    report["ignoredMatches"] = [
        {**match, "appliedIgnoreRules": [{"vulnerability": "CVE-2026-0002", "reason": "no"}]}
    ]
    (image,) = read_report(as_bytes(report)).contents.images
    assert [(one.id, one.status, one.reason, one.counts) for one in image.vulnerabilities] == [
        ("CVE-2026-0001", "", "", True),
        ("CVE-2026-0002", "ignored", "no", False),
    ]


def test_numbers_that_cannot_be_are_none() -> None:
    bom, grype, trivy = images.cyclonedx(), images.grype(), images.trivy()
    for number in (1e300, -1, 11):
        bom["vulnerabilities"][0]["ratings"][0]["score"] = number
        found = grype["matches"][0]["vulnerability"]
        found |= {"epss": [{"epss": number}], "cvss": [{"vector": VECTOR, "metrics": {"baseScore": number}}]}
        grype["matches"][0]["relatedVulnerabilities"] = []
        cvss = {"nvd": {"V3Vector": VECTOR, "V3Score": number}}
        trivy["Results"][0]["Vulnerabilities"][0]["CVSS"] = cvss
        for data in (bom, grype, trivy):
            (image,) = read_report(as_bytes(data)).contents.images
            assert (image.vulnerabilities[0].score, image.vulnerabilities[0].epss) == (0, None)


def test_a_digest_that_is_none_is_left_out() -> None:
    report = images.trivy()
    for digest in ("sha256:" + "zz" * 32, "sha256:" + "ab" * 31, DIGEST + " or another", "sha256:"):
        report["Metadata"]["RepoDigests"] = [f"nginx@{digest}"]
        (image,) = read_report(as_bytes(report)).contents.images
        assert (image.digests, image.pinned) == ({CONFIG}, "")


def test_what_powershell_writes_is_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        reading = read_report(json.dumps(images.grype()).encode(encoding))
        assert reading.problem == ""
        assert len(reading.contents.images) == 1
    assert "it is no JSON" in problem(b"\xff\xfe\x00")


def test_what_cyclonedx_says_of_a_vulnerability_counts() -> None:
    bom = images.cyclonedx()
    bom["vulnerabilities"][0]["analysis"] = {"state": "not_affected", "justification": "code_not_reachable"}
    (image,) = read_report(as_bytes(bom)).contents.images
    assert [(one.status, one.reason) for one in image.vulnerabilities] == [
        ("not_affected", "code not reachable"),
        ("", ""),
    ]


def test_a_cyclonedx_document_of_no_image_states_what_does_not_matter() -> None:
    bom = images.cyclonedx(metadata={"timestamp": "2026-01-11T00:00:00Z"}, components=[])
    bom["vulnerabilities"][0]["analysis"] = {"state": "false_positive", "detail": "not built in"}
    contents = read_report(as_bytes(bom)).contents
    assert contents.images == ()
    (statement,) = contents.statements
    assert statement.ids == {"CVE-2026-0001", "DSA-5532-1"}
    assert [product.name for product in statement.products] == [OPENSSL]
    assert (statement.status, statement.reason) == ("not_affected", "not built in")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is no JSON"),
        (b"{", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[]", "it is a list of 0 reports"),
        (b"[[]]", "Expected `object`, got `array`"),
        (b"[" + b"{}," * 1_000 + b"{}]", "it is a list of 1,001 reports"),
        (b"[7, {}]", "Expected `object`, got `int`"),
        ({}, "it is in none of the forms"),
        (b"[" * 100_000, "it "),
        (b'{"matches":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        ({"spdxVersion": "SPDX-2.3", "packages": []}, "lists packages and no vulnerabilities"),
        ({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}, "it is SPDX 3, which is not"),
        ({"bomFormat": "CycloneDX", "components": []}, "lists packages and no vulnerabilities"),
        (images.kubescape("a:1", "b:1"), "does not say which has what"),
        ({"summaryDetails": {"controls": {}}}, "says nothing of images"),
        (images.trivy(ArtifactType="filesystem"), "a report of a filesystem, not of an image"),
        (images.grype(source={"type": "directory", "target": "/src"}), "a report of a directory, not of an image"),
        (images.trivy(ArtifactName="", Metadata={}), "does not say which image it is about"),
        ({"runs": [{"tool": {"driver": {"name": "eslint"}}, "results": []}]}, "SARIF of eslint"),
        ({"runs": [{"tool": {"driver": {"name": "Trivy"}}, "results": []}]}, "does not say which image"),
        (images.trivy(Results=[{"Vulnerabilities": 5}]), "Trivy but is not as that has to be: Expected `array | null`"),
        (images.grype(matches={}), "looks like Grype"),
        ({"@context": "x", "statements": [{"vulnerability": 1}]}, "looks like OpenVEX"),
        ({"document": []}, "looks like CSAF"),
        ({"kind": ["VulnerabilityManifest"]}, "it is in none of the forms"),
    ],
)  # fmt: skip
def test_what_says_nothing_says_why(data: object, said: str) -> None:
    found = problem(data)
    assert said in found
    assert found.isprintable()
    assert len(found) < 400


def test_more_than_any_image_has_is_one_problem() -> None:
    entry = {"VulnerabilityID": "CVE-1", "PkgName": "p"}
    many = images.trivy(Results=[{"Vulnerabilities": [entry] * (MAX_VULNERABILITIES + 1)}])
    assert "it lists 50,001 vulnerabilities" in problem(many)


def test_a_million_entries_and_more_bytes_than_are_read_are_one_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lots = (
        b'{"SchemaVersion":2,"ArtifactName":"a:1","Results":[{"Vulnerabilities":['
        + b"{}," * 1_000_000
        + b"{}]}]}"
    )
    assert "missing required field `VulnerabilityID`" in problem(lots)
    monkeypatch.setattr(registry, "MAX_BYTES", 100)
    assert "no more than 100 are read" in problem(lots[:101])


def test_nothing_that_a_report_says_reaches_a_terminal_as_it_is() -> None:
    report = images.trivy()
    one = report["Results"][0]["Vulnerabilities"][0]
    one |= {
        "VulnerabilityID": "CVE-1\x1b[2J",
        "PkgName": "p\u202ekcah",
        "InstalledVersion": "1\r\n2",
        "Title": "<script>alert(1)</script>" + "x" * 1_000,
        "PrimaryURL": "javascript:alert(1)",
        "FixedVersion": "\x00",
    }
    (image,) = read_report(as_bytes(report)).contents.images
    found = image.vulnerabilities[0]
    texts = [found.id, found.package, found.installed, found.title, *found.fixed]
    assert all(text.isprintable() for text in texts)
    assert len(found.title) <= 300
    assert found.url == ""


def _wrong(data: Any, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The paths to everything in plain data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(deeper for key, value in items for deeper in _wrong(value, (*path, key)))]


@pytest.mark.parametrize("form", [*FORMS, "openvex", "csaf"])
@pytest.mark.parametrize("other", [None, 7, "x", [], {}, [None], True, 1e308])
def test_a_value_of_another_type_anywhere_is_at_most_a_problem(form: str, other: object) -> None:
    more = {"openvex": images.openvex(OPENSSL), "csaf": images.csaf(OPENSSL, image=f"pkg:oci/nginx@{DIGEST}")}
    whole = FORMS.get(form) or more[form]
    for path in _wrong(whole)[1:]:
        data = json.loads(json.dumps(whole))
        *above, last = path
        place = data
        for key in above:
            place = place[key]
        place[last] = other
        reading = read_report(as_bytes(data))
        if reading.contents.images == () and reading.contents.statements == ():
            assert reading.problem


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_at_most_a_problem(data: bytes) -> None:
    assert problem(data)


def test_lists_of_what_to_ignore_are_read() -> None:
    text = """
# not reachable here
CVE-2026-0001
CVE-2026-0002 exp:2026-02-01  # until the next release
CVE-2026-0003 exp:2026-13-01
CVE-2026-0004 exp:2026-1-5
"""
    (first, second), left = read_trivyignore(text)
    assert left == "line 5 is left alone: it does not end on a day; write 'exp:2027-01-31'"
    assert (first.ids, first.status, first.reason, first.until) == (
        {"CVE-2026-0001"},
        "ignored",
        "not reachable here",
        None,
    )
    assert (second.reason, second.until) == ("until the next release", date(2026, 1, 31))
    rules = [
        {"vulnerability": "CVE-2026-0001", "reason": "r"},
        {"vulnerability": "CVE-2026-0002", "package": {"name": "curl"}},
        {"fix-state": "not-fixed"},
        {"vulnerability": "CVE-2026-0004", "namespace": "debian"},
        {"package": {"name": "curl", "version": "1"}},
        {"package": {"name": "linux-.*"}},
        {"vulnerability": ["CVE-2026-0005"]},
        {"vulnerability": "", "reason": "r"},
        {"fix-state": "fixed"},
        {"package": {"location": "/usr"}},
        "CVE",
        {},
    ]
    found, left = read_grype_rules({"ignore": rules})
    assert [(sorted(one.ids), one.products[0].name, one.installed, one.only_unfixed) for one in found] == [
        (["CVE-2026-0001"], "*", "", False),
        (["CVE-2026-0002"], "curl", "", False),
        (["*"], "*", "", True),
        (["*"], "curl", "1", False),
    ]
    assert left.startswith("rule 4 is left alone: ")
    assert read_grype_rules(None) == read_grype_rules({"ignore": 7}) == ((), "")
