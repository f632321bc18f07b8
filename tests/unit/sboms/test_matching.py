"""Inventories are matched as Grype does it: its answers were recorded, and are compared live where it is installed."""

from __future__ import annotations

import json
import shutil
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("univers")
from support import grype
from support.grype import V31, Said
from support.grype_answers import ANSWERS, SAID

from kscan_lsp.evidence import matching
from kscan_lsp.evidence.matching import TooLongError, report_of
from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.findings import Severity
from kscan_lsp.workspace.grype_database import DatabaseError, GrypeDatabase

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.evidence.inventory import Inventory

DAY = date(2026, 1, 15)
DIFFERENT = {
    # Grype names the fixes of all branches; what is no update of what is installed is none
    "pkg:npm/semver-two@2.0.0": [("GHSA-aaaa-aaaa-0002", "2.0.5")],
    # one vulnerability by two names is one
    "pkg:golang/golang.org/x/net@v0.1.0": [("GHSA-aaaa-aaaa-0008", "0.17.0")],
}
LODASH = "pkg:npm/lodash@4.17.20"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    epss = [("CVE-2026-1001", 0.91), ("CVE-2026-1040", 0.2)]
    return grype.database(folder / "vulnerability.db", SAID, kev=["CVE-2026-1001"], epss=epss)


@pytest.fixture
def database(file: Path) -> GrypeDatabase:
    return GrypeDatabase(file)


def inventory(document: dict[str, Any]) -> Inventory:
    (found,) = read_report(json.dumps(document).encode()).contents.inventories
    return found


def by_purl(report: ImageReport) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for one in report.vulnerabilities:
        found.setdefault(one.purl, []).append((one.id, ", ".join(sorted(one.fixed))))
    return {purl: sorted(entries) for purl, entries in found.items()}


@pytest.mark.parametrize("system", ANSWERS)
def test_what_is_found_is_what_grype_finds(database: GrypeDatabase, system: tuple[str, str] | None) -> None:
    expected = ANSWERS[system]
    found = by_purl(report_of(inventory(grype.sbom(system, list(expected))), database, DAY))
    assert {purl: found.get(purl, []) for purl in expected} == {
        purl: DIFFERENT.get(purl, answer) for purl, answer in expected.items()
    }


def test_grype_still_says_what_was_recorded(file: Path, tmp_path: Path) -> None:
    program = shutil.which("grype")
    if program is None:
        pytest.skip("there is no Grype; its answers are recorded in tests/support/grype_answers.py")
    for system, expected in ANSWERS.items():
        found = grype.answers(program, file, tmp_path, grype.sbom(system, list(expected)))
        assert {purl: found.get(purl, []) for purl in expected} == expected


def test_a_vulnerability_has_all_that_the_database_knows_of_it(database: GrypeDatabase) -> None:
    report = report_of(inventory(grype.sbom(("debian", "10"), [LODASH])), database, DAY)
    assert (report.source, report.made) == ("Grype database 6.1.9", date(2026, 1, 9))
    assert (report.system, report.end_of_life) == ("debian 10", True)
    assert report.names == ("docker.io/library/shop:1",)
    (found,) = report.vulnerabilities
    assert (found.id, found.aliases, found.package, found.installed, found.fixed) == (
        "GHSA-aaaa-aaaa-0001",
        ("CVE-2026-1001",),
        "lodash",
        "4.17.20",
        ("4.17.21",),
    )
    assert (found.severity, found.score, found.vector) == (Severity.CRITICAL, 9.8, V31["vector"])
    assert (found.kev, found.epss, found.rce) == (True, 0.91, True)
    assert found.url == "https://example.com/GHSA-aaaa-aaaa-0001"


def test_what_a_vendor_does_not_say_is_taken_from_nvd(database: GrypeDatabase) -> None:
    golang = "pkg:golang/golang.org/x/net@v0.1.0"
    (found,) = report_of(inventory(grype.sbom(None, [golang])), database, DAY).vulnerabilities
    assert (found.title, found.score, found.epss, found.severity) == (
        "HTTP/2 rapid reset",
        9.8,
        0.2,
        Severity.HIGH,
    )
    assert set(found.aliases) == {"CVE-2026-1040", "GO-2026-0008"}


@pytest.mark.parametrize(
    ("ratings", "severity"),
    [
        (("medium", V31), Severity.MEDIUM),
        ((V31,), Severity.CRITICAL),
        (({"vector": "AV:N/AC:M/Au:N/C:N/I:P/A:N", "version": "2.0"},), Severity.MEDIUM),
        (
            ({"vector": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}, "low"),
            Severity.LOW,
        ),
        (("unknown", V31), Severity.CRITICAL),
        ((), None),
        (({"vector": "nonsense"}, 7, None, {"vector": 7}), None),
    ],
)
def test_the_first_rating_that_can_be_read_counts(
    tmp_path: Path, ratings: tuple[object, ...], severity: Severity | None
) -> None:
    said = [Said("GHSA-1", "npm", "lodash", (("", "", "not-fixed"),), ratings=ratings)]
    opened = GrypeDatabase(grype.database(tmp_path / "d", said))
    (found,) = report_of(inventory(grype.sbom(None, [LODASH])), opened, DAY).vulnerabilities
    assert found.severity == severity


def test_of_a_module_of_another_stream_nothing_is_said(database: GrypeDatabase) -> None:
    purl = "pkg:rpm/redhat/nodejs@18.18.0-1.module%2Bel9?arch=x86_64&epoch=1"
    for label, number in (("nodejs:18:9020020240101", 1), ("nodejs:16:9020020240101", 0), ("", 0)):
        document = grype.sbom(("rhel", "9.2"), [purl])
        document["components"][0]["properties"] = [{"name": "syft:metadata:modularityLabel", "value": label}]
        found = inventory(document)
        if not label:  # which a property cannot say
            found = matching.replace(found, packages=(matching.replace(found.packages[0], module=""),))
        assert len(report_of(found, database, DAY).vulnerabilities) == number


def test_a_database_without_the_newer_tables_is_read(tmp_path: Path) -> None:
    import sqlite3

    path = grype.database(tmp_path / "d", SAID[:1], schema=(6, 0, 1))
    with sqlite3.connect(path) as connection:
        for table in ("unaffected_package_handles", "cwe_handles", "epss_handles"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE operating_systems DROP COLUMN eol_date")
    openssl = "pkg:deb/debian/openssl@3.0.1-1"
    report = report_of(inventory(grype.sbom(("debian", "12"), [openssl])), GrypeDatabase(path), DAY)
    assert [one.id for one in report.vulnerabilities] == ["CVE-2026-1001"]
    assert not report.end_of_life


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5_000])
def test_what_is_no_database_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "d").write_bytes(content)
    with pytest.raises(DatabaseError, match="it is no vulnerability database of Grype"):
        GrypeDatabase(tmp_path / "d")


def test_a_database_of_another_schema_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="it has schema 5, and 6 is read"):
        GrypeDatabase(grype.database(tmp_path / "d", [], schema=(5, 0, 0)))


def test_a_broken_record_is_said(tmp_path: Path) -> None:
    import sqlite3

    path = grype.database(tmp_path / "d", [Said("GHSA-1", "npm", "lodash", (("", "", ""),))])
    for broken in ("{", '{"ranges": 7}'):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE blobs SET value = ?", (broken,))
        with pytest.raises(DatabaseError, match="not as it has to be"):
            report_of(inventory(grype.sbom(None, [LODASH])), GrypeDatabase(path), DAY)


def test_nobody_waits_forever(database: GrypeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "PATIENCE", -1)
    with pytest.raises(TooLongError):
        report_of(inventory(grype.sbom(None, [LODASH])), database, DAY)
