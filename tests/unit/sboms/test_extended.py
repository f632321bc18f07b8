"""Extended support: its fixes count for those who have it, as in `rhel_eus_test.go` and `matcher_ubuntu_esm_test.go` of
Grype, whose cases these are.
"""

from __future__ import annotations

import json
from datetime import date

import pytest

pytest.importorskip("univers")
from support import grype
from support.grype import Said

from kscan_lsp.evidence.inventory import System, system_of
from kscan_lsp.evidence.matching import report_of
from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.workspace.grype_database import GrypeDatabase

DAY = date(2026, 1, 15)
ESM_FIX = "1.12.0-1~ubuntu16.04.3+esm1"
SAID = [
    Said("CVE-2021-3782", "xenial", "wayland", (("", "", "wont-fix"),)),
    Said("CVE-2021-3782", "xenial+esm", "wayland", ((f"< {ESM_FIX}", ESM_FIX, "fixed"),)),
    Said("CVE-2016-9586", "xenial", "curl", (("", "", "wont-fix"),)),
    Said("CVE-2021-9999", "xenial", "wayland", (("< 1.11.0-3", "1.11.0-3", "fixed"),)),
    Said(
        "CVE-2024-0001",
        "rhel9",
        "kernel",
        (("< 0:5.14.0-503.11.1.el9_5", "0:5.14.0-503.11.1.el9_5", "fixed"),),
    ),
    Said(
        "CVE-2024-0002",
        "rhel9",
        "kernel",
        (("< 0:5.14.0-503.11.1.el9_5", "0:5.14.0-503.11.1.el9_5", "fixed"),),
    ),
    Said(
        "CVE-2024-0002",
        "rhel9.4+eus",
        "kernel",
        (("< 0:5.14.0-427.80.1.el9_4", "0:5.14.0-427.80.1.el9_4", "fixed"),),
    ),
    Said("CVE-2024-0003", "rhel9", "kernel", (("< 0:5.14.0-430.el9_2", "0:5.14.0-430.el9_2", "fixed"),)),
    Said(
        "CVE-2024-0004",
        "rhel9.6+eus",
        "kernel",
        (("< 0:5.14.0-999.el9_6", "0:5.14.0-999.el9_6", "fixed"),),
    ),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> GrypeDatabase:
    return GrypeDatabase(grype.database(tmp_path_factory.mktemp("database") / "vulnerability.db", SAID))


def found(database: GrypeDatabase, system: tuple[str, str] | None, purl: str) -> dict[str, tuple[str, ...]]:
    (inventory,) = read_report(json.dumps(grype.sbom(system, [purl])).encode()).contents.inventories
    return {one.id: one.fixed for one in report_of(inventory, database, DAY).vulnerabilities}


WAYLAND = "pkg:deb/ubuntu/wayland@{}?arch=amd64"
CLIENT = "pkg:deb/ubuntu/libwayland-client0@{0}?arch=amd64&upstream=wayland"
KERNEL = "pkg:rpm/redhat/kernel@5.14.0-{}?arch=x86_64"


@pytest.mark.parametrize(
    ("version", "purl", "expected"),
    [
        ("16.04", WAYLAND.format("1.11.0-2"), {"CVE-2021-3782": (), "CVE-2021-9999": ("1.11.0-3",)}),
        (
            "16.04+esm",
            WAYLAND.format("1.11.0-2"),
            {"CVE-2021-3782": (ESM_FIX,), "CVE-2021-9999": ("1.11.0-3",)},
        ),
        ("16.04+esm", CLIENT.format("1.11.0-4"), {"CVE-2021-3782": (ESM_FIX,)}),
        # nobody without it has that fix, whatever is installed
        ("16.04", WAYLAND.format(ESM_FIX), {"CVE-2021-3782": ()}),
        ("16.04+esm", WAYLAND.format(ESM_FIX), {}),
        ("16.04+fips,ESM", WAYLAND.format(ESM_FIX), {}),
        ("16.04+esm", CLIENT.format(ESM_FIX), {}),
        ("16.04+esm", "pkg:deb/ubuntu/curl@7.47.0-1ubuntu2", {"CVE-2016-9586": ()}),
    ],
)
def test_what_ubuntu_fixes_for_subscribers(database: GrypeDatabase, version, purl, expected) -> None:
    assert found(database, ("ubuntu", version), purl) == expected


EL9_5, EL9_4, EL9_2 = "0:5.14.0-503.11.1.el9_5", "0:5.14.0-427.80.1.el9_4", "0:5.14.0-430.el9_2"
ONE, TWO, THREE = "CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003"


@pytest.mark.parametrize(
    ("version", "release", "expected"),
    [
        ("9.4", "427.el9_4", {ONE: (EL9_5,), TWO: (EL9_5,), THREE: (EL9_2,)}),
        # what is fixed in 9.5 does not come to 9.4; what was in 9.2 does
        ("9.4+eus", "427.el9_4", {ONE: (), TWO: (EL9_4,), THREE: (EL9_2,)}),
        ("9.4+eus", "427.80.1.el9_4", {ONE: (), THREE: (EL9_2,)}),
        # the fixes of one minor release are not those of another
        ("9.6+eus", "427.80.1.el9_4", {ONE: (EL9_5,), TWO: (EL9_5,), THREE: (EL9_2,)}),
        ("9+eus", "427.el9_4", {ONE: (), TWO: (), THREE: ()}),
    ],
)
def test_what_red_hat_fixes_for_subscribers(database: GrypeDatabase, version, release, expected) -> None:
    assert found(database, ("rhel", version), KERNEL.format(release)) == expected


def test_a_package_url_says_it_too(database: GrypeDatabase) -> None:
    assert found(database, None, f"{WAYLAND.format(ESM_FIX)}&distro=ubuntu-16.04%2Besm") == {}
    assert found(database, None, f"{WAYLAND.format(ESM_FIX)}&distro=ubuntu-16.04") == {"CVE-2021-3782": ()}


@pytest.mark.parametrize(
    ("name", "version", "extended", "channel"),
    [
        ("rhel", "9.4", True, "eus"),
        ("rhel", "9.4+eus", False, "eus"),
        ("ubuntu", "16.04", True, "esm"),
        ("rhel", "9.4", False, ""),
        ("debian", "12", True, ""),
        ("debian", "12+esm", False, ""),
        ("ubuntu", "16.04+eus", False, ""),
        ("centos", "9+eus", True, ""),
    ],
)
def test_only_who_sells_it_has_it(name: str, version: str, extended: bool, channel: str) -> None:
    system = system_of(name, version, extended=extended)
    assert system is not None
    assert system.channel == channel


def test_syft_says_who_has_it_and_then_updates_have_not_ended(database: GrypeDatabase) -> None:
    document = {
        "artifacts": [{"purl": WAYLAND.format("1.11.0-2")}],
        "source": {"type": "image", "metadata": {"userInput": "shop:1"}},
        "distro": {
            "id": "ubuntu",
            "versionID": "16.04",
            "versionCodename": "xenial",
            "extendedSupport": True,
        },
        "artifactRelationships": [],
    }
    for extended, ended in ((True, False), (False, True)):
        document["distro"]["extendedSupport"] = extended  # type: ignore[index]
        (inventory,) = read_report(json.dumps(document).encode()).contents.inventories
        report = report_of(inventory, database, DAY)
        assert report.end_of_life == ended
        assert report.system == ("ubuntu 16.04+esm" if extended else "ubuntu 16.04")
    assert database.ended(System("ubuntu", "16.04"), DAY)
