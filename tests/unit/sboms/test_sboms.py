"""An inventory in the workspace is looked up in the database of the machine, which no repository names."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("univers")
from support import grype, images
from support.grype_answers import SAID
from support.images import as_bytes
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.workspace import sboms
from kscan_lsp.workspace.images import may_be_report

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "registry.example/shop:1"
POD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
  - {{name: web, image: "{IMAGE}"}}
"""
PURLS = ["pkg:npm/lodash@4.17.20", "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb10u5"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return grype.database(tmp_path / "cache/grype/db/6/vulnerability.db", SAID, kev=["CVE-2026-1001"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a pod, and an inventory of its image."""
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    (folder / "pod.yaml").write_text(POD)
    (folder / "shop.cdx.json").write_bytes(as_bytes(grype.sbom(("debian", "10"), PURLS, IMAGE)))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in (sboms.DATABASE, "GRYPE_DB_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def scan(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["scan", ".", "-f", "json", "--fail-on", "none", *arguments])
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def problems(report: dict[str, Any]) -> list[str]:
    return [one["message"] for one in report["problems"]]


def test_an_inventory_is_a_report_where_there_is_a_database(here: Path, database: Path) -> None:
    report = scan()
    assert report["problems"] == []
    (image,) = report["images"]
    assert (image["reference"], image["counts"]) == (IMAGE, "1 critical, 1 high; all have fixes")
    assert (image["source"], image["made"]) == ("Grype database 6.1.9", "2026-01-09")
    assert (image["system"], image["endOfLife"]) == ("debian 10", True)
    found = {one["package"]: one for one in image["vulnerabilities"]}
    assert (found["lodash"]["id"], found["lodash"]["kev"]) == ("GHSA-aaaa-aaaa-0001", True)
    assert found["openssl"]["fixed"] == ["1.1.1n-0+deb10u6"]
    controls = {one["control"] for one in report["findings"]}
    assert {"KS-0060", "KS-0064", "KS-0065"} <= controls


def test_statements_are_about_it_as_about_any_other(here: Path, database: Path) -> None:
    vex = images.openvex("pkg:npm/lodash", cve="CVE-2026-1001")
    (here / "shop.openvex.json").write_bytes(as_bytes(vex))
    (image,) = scan()["images"]
    assert image["counts"] == "1 high; 1 has a fix"


def test_without_a_database_it_says_what_to_do(here: Path) -> None:
    (said,) = problems(scan())
    assert said.startswith(
        "nothing follows from this report: it lists packages and no vulnerabilities: have a scanner"
    )
    assert "database of Grype" in said


def test_nothing_is_looked_up_of_what_a_report_is_about(
    here: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "shop.grype.json").write_bytes(as_bytes(images.grype(IMAGE)))
    monkeypatch.setattr(sboms, "find_database", lambda: pytest.fail("it was looked for"))
    (image,) = scan()["images"]
    assert image["source"] == "Grype 0.104.0"


def test_the_user_may_name_a_database_and_settings_may_not(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = grype.database(tmp_path / "other/vulnerability.db", SAID)
    grype.database(here / "vulnerability.db", SAID)
    assert "have a scanner" in problems(scan())[0]
    for named in (other, other.parent):
        monkeypatch.setenv(sboms.DATABASE, str(named))
        assert scan()["images"][0]["vulnerabilities"]
    monkeypatch.delenv(sboms.DATABASE)
    monkeypatch.setenv("GRYPE_DB_CACHE_DIR", str(tmp_path / "nothing"))
    assert scan()["images"] == []
    for wrong in ("vulnerability.db", str(tmp_path / "nothing"), str(tmp_path)):
        monkeypatch.setenv(sboms.DATABASE, wrong)
        (said,) = problems(scan())
        assert f"KSCAN_IMAGE_DATABASE names no database of Grype: '{wrong}'; write the whole path" in said


def test_where_grype_keeps_its_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRYPE_DB_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA", sboms.DATABASE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    path = grype.database(tmp_path / ".cache/grype/db/6/vulnerability.db", [])
    assert sboms.find_database() == path
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sboms.find_database() is None


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_broken_database_is_one_problem(here: Path, database: Path, content: bytes) -> None:
    database.write_bytes(content)
    (said,) = problems(scan())
    assert "the database of Grype on this machine cannot be used: it is no vulnerability database" in said


def test_a_database_that_is_damaged_inside_is_one_problem(here: Path, database: Path) -> None:
    data = bytearray(database.read_bytes())
    # all but the page that lists the tables, and the one that says which schema it has
    for page in range(3, len(data) // 4_096):
        data[page * 4_096 : (page + 1) * 4_096] = b"\xff" * 4_096
    database.write_bytes(data)
    (said,) = problems(scan())
    assert "the database of Grype on this machine cannot be used: " in said


def test_a_database_that_is_renewed_is_read_anew(here: Path, database: Path) -> None:
    assert len(scan()["images"][0]["vulnerabilities"]) == 2
    database.unlink()
    grype.database(database, [])
    os.utime(database, (1, 1))
    assert scan()["images"][0]["vulnerabilities"] == []


def test_without_the_extra_it_says_so(here: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sboms._matched.cache_clear()
    monkeypatch.setitem(sys.modules, "kscan_lsp.evidence.matching", None)
    (said,) = problems(scan())
    assert "'pip install kscan-lsp[sbom]'" in said
    sboms._matched.cache_clear()


def test_an_inventory_of_no_image_is_left_out(here: Path, database: Path) -> None:
    document = grype.sbom(None, PURLS, "")
    document["metadata"]["component"]["version"] = ""
    (here / "shop.cdx.json").write_bytes(as_bytes(document))
    assert problems(scan()) == ["this report is left out: it does not say which image it is about"]


def test_a_hostile_inventory_does_no_harm(here: Path, database: Path) -> None:
    hostile = ["pkg:deb/debian/openssl@" + "9" * 290, "pkg:pypi/django@" + "1." * 140 + "x", "pkg:npm/\x1b[2J@1",
               "pkg:npm/lodash@' OR 1=1 --", "pkg:rpm/a/b@1:2:3-4?epoch=99999999999999999999"]  # fmt: skip
    document = grype.sbom(("debian", "10"), PURLS, IMAGE)
    more = [{"bom-ref": p, "type": "library", "name": p, "version": "1", "purl": p} for p in hostile]
    document["components"] += more * 1_000
    (here / "shop.cdx.json").write_bytes(as_bytes(document))
    report = scan()
    assert report["problems"] == []
    assert "\x1b" not in json.dumps(report, ensure_ascii=False)


@pytest.mark.parametrize(
    "name", ["shop.syft.json", "shop.spdx.json", "shop.cdx.json", ".kscan/images/shop.json"]
)
def test_inventories_are_looked_for_by_their_usual_names(tmp_path: Path, name: str) -> None:
    assert may_be_report(tmp_path / name)
