"""What programs write of what an image consists of is read from each form, and says the same."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from support import images
from support.images import CONFIG, CURL, DIGEST, NGINX, OPENSSL, as_bytes

from kscan_lsp.evidence.inventory import Inventory, System, package_of, system_of
from kscan_lsp.evidence.sources.registry import read_report


def syft(**changes: Any) -> dict[str, Any]:
    document = {
        "artifacts": [
            {
                "id": "1",
                "name": "libssl3",
                "version": "3.0.11-1~deb12u1",
                "type": "deb",
                "purl": OPENSSL,
                "metadataType": "dpkg-db-entry",
                "metadata": {"package": "libssl3", "source": "openssl", "version": "3.0.11-1~deb12u1"},
            },
            {
                "id": "2",
                "name": "curl",
                "version": "7.88.1-10",
                "type": "deb",
                "purl": CURL,
                "metadata": {"source": ""},
            },
            {"id": "3", "name": "a file", "version": "", "type": "binary"},
        ],
        "artifactRelationships": [],
        "source": {
            "id": "x",
            "name": "nginx",
            "version": DIGEST,
            "type": "image",
            "metadata": {
                "userInput": NGINX,
                "imageID": CONFIG,
                "manifestDigest": DIGEST,
                "tags": [NGINX],
                "repoDigests": [f"nginx@{DIGEST}"],
            },
        },
        "distro": {"id": "debian", "versionID": "12", "versionCodename": "bookworm", "idLike": []},
        "descriptor": {"name": "syft", "version": "1.40.0"},
        "schema": {"version": "16.1.0"},
    }
    return {**document, **changes}


def of_syft_as_cyclonedx() -> dict[str, Any]:
    return images.cyclonedx(
        metadata={
            "timestamp": "2026-01-10T08:00:00Z",
            "tools": {"components": [{"type": "application", "name": "syft", "version": "1.40.0"}]},
            "component": {"bom-ref": "i", "type": "container", "name": NGINX, "version": DIGEST},
        },
        components=[
            {
                "type": "library",
                "name": "libssl3",
                "version": "3.0.11-1~deb12u1",
                "purl": OPENSSL,
                "properties": [{"name": "syft:metadata:source", "value": "openssl"}],
            },
            {"type": "library", "name": "curl", "version": "7.88.1-10", "purl": CURL},
            {"type": "file", "name": "/etc/x"},
            {
                "type": "operating-system",
                "name": "debian",
                "version": "12",
                "properties": [{"name": "syft:distro:versionCodename", "value": "bookworm"}],
            },
        ],
        vulnerabilities=None,
    )


def of_trivy_as_cyclonedx() -> dict[str, Any]:
    document = images.cyclonedx(vulnerabilities=[])  # it writes an empty list where it has not looked
    document["components"][0]["version"] = "12"
    document["components"][1]["properties"] = [
        {"name": "aquasecurity:trivy:SrcName", "value": "openssl"},
        {"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.11"},
        {"name": "aquasecurity:trivy:SrcRelease", "value": "1~deb12u1"},
    ]
    return document


def spdx() -> dict[str, Any]:
    def package(name: str, version: str, purl: str, **more: Any) -> dict[str, Any]:
        references = [
            {
                "referenceCategory": "SECURITY",
                "referenceType": "cpe23Type",
                "referenceLocator": "cpe:2.3:a:x",
            },
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl},
        ]
        return {"name": name, "versionInfo": version, "externalRefs": references, **more}

    return {
        "spdxVersion": "SPDX-2.3",
        "name": "nginx",
        "creationInfo": {"created": "2026-01-10T08:00:00Z", "creators": ["Tool: syft-1.40.0"]},
        "packages": [
            package(
                "libssl3",
                "3.0.11-1~deb12u1",
                OPENSSL,
                sourceInfo="built package from: openssl 3.0.11-1~deb12u1",
            ),
            package("curl", "7.88.1-10", CURL),
            {"name": "debian", "versionInfo": "12", "primaryPackagePurpose": "OPERATING-SYSTEM"},
            package(
                "nginx",
                "1.25.3",
                f"pkg:oci/nginx@{DIGEST}?arch=amd64&tag=1.25.3",
                primaryPackagePurpose="CONTAINER",
                checksums=[{"algorithm": "SHA256", "checksumValue": "ab" * 32}],
            ),
        ],
    }


FORMS = {
    "syft": syft(),
    "syft as cyclonedx": of_syft_as_cyclonedx(),
    "trivy as cyclonedx": of_trivy_as_cyclonedx(),
    "spdx": spdx(),
}


def inventory(document: object) -> Inventory:
    (found,) = read_report(as_bytes(document)).contents.inventories
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    reading = read_report(as_bytes(FORMS[form]))
    assert "it lists packages and no vulnerabilities" in reading.problem
    assert reading.contents.images == ()
    (found,) = reading.contents.inventories
    assert found.names == ("docker.io/library/nginx:1.25.3",)
    assert DIGEST in found.digests
    assert found.system is not None
    assert (found.system.name, found.system.version) == ("debian", "12")
    assert found.made == (None if form == "syft" else date(2026, 1, 10))
    openssl, curl = found.packages
    assert (openssl.kind, openssl.name, openssl.version) == ("deb", "libssl3", "3.0.11-1~deb12u1")
    assert [name for name, _ in openssl.upstreams] == ["openssl"]
    assert openssl.upstreams[0][1] in {"", "3.0.11-1~deb12u1"}
    assert (curl.name, curl.upstreams, curl.system) == ("curl", (), System("debian", "12.2"))


def test_a_trivy_report_as_cyclonedx_that_found_something_is_one() -> None:
    reading = read_report(as_bytes(images.cyclonedx()))
    assert reading.contents.inventories == ()
    assert len(reading.contents.images) == 1


@pytest.mark.parametrize(
    ("purl", "name", "version", "upstreams"),
    [
        ("pkg:deb/debian/vim-tiny@9.0?upstream=vim&epoch=2", "vim-tiny", "2:9.0", [("vim", "")]),
        ("pkg:deb/debian/a@1?upstream=b%402-3", "a", "1", [("b", "2-3")]),
        ("pkg:deb/debian/curl@1?upstream=curl", "curl", "1", []),
        ("pkg:deb/debian/curl@1%2Bb1?upstream=curl%401", "curl", "1+b1", [("curl", "1")]),
        (
            "pkg:rpm/redhat/openssl-libs@3.0.7-1.el9?epoch=1&upstream=openssl-3.0.7-1.el9.src.rpm",
            "openssl-libs",
            "1:3.0.7-1.el9",
            [("openssl", "3.0.7-1.el9")],
        ),
        ("pkg:rpm/redhat/a@1?upstream=nonsense", "a", "1", []),
        ("pkg:npm/%40angular/core@1", "@angular/core", "1", []),
        ("pkg:maven/org.slf4j/slf4j-api@1", "org.slf4j:slf4j-api", "1", []),
        ("pkg:pypi/zope.interface@1", "zope-interface", "1", []),
        ("pkg:golang/golang.org/x/net@v1", "golang.org/x/net", "v1", []),
        ("pkg:nuget/Newtonsoft.Json@1", "Newtonsoft.Json", "1", []),
    ],
)
def test_a_package_is_called_as_its_ecosystem_calls_it(
    purl: str, name: str, version: str, upstreams: list[tuple[str, str]]
) -> None:
    found = package_of(purl)
    assert found is not None
    assert (found.name, found.version, list(found.upstreams)) == (name, version, upstreams)


@pytest.mark.parametrize("purl", [None, "", "nginx", "pkg:npm/a", "pkg:npm/a@", "pkg:npm/a@" + "1" * 2_000])
def test_what_nobody_could_match_is_left_out(purl: str | None) -> None:
    assert package_of(purl) is None


@pytest.mark.parametrize(
    ("purl", "system"),
    [
        ("pkg:deb/debian/a@1?distro=debian-12.2", System("debian", "12.2")),
        ("pkg:apk/alpine/a@1?distro=3.18.4", System("alpine", "3.18.4")),
        ("pkg:rpm/redhat/a@1?distro=redhat-9.3", System("rhel", "9.3")),
        ("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", System("opensuse-leap", "15.5")),
        ("pkg:deb/debian/a@1?distro=debian-sid", System("debian", "", "sid")),
        ("pkg:deb/debian/a@1?distro=debian", System("debian")),
        ("pkg:deb/debian/a@1", None),
    ],
)
def test_a_package_may_name_its_distribution(purl: str, system: System | None) -> None:
    found = package_of(purl)
    assert found is not None
    assert found.system == system


def test_a_distribution_without_a_name_is_none() -> None:
    assert system_of("", "12") is None
    assert system_of(None, None) is None
    assert system_of("x" * 1_000, "12") is None
    assert str(system_of("Amazon", "2")) == "amzn 2"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (syft(source={"type": "directory", "metadata": {}}), "an inventory of a directory, not of an image"),
        (syft(artifacts=[{}] * 50_001), "50,001"),
        (syft(artifacts=7), "looks like Syft"),
        ({"spdxVersion": "SPDX-2.3", "packages": [{"name": 7}]}, "looks like SPDX"),
        (
            {"bomFormat": "CycloneDX", "components": [{"name": "a"}]},
            "it lists packages and no vulnerabilities",
        ),
    ],
)
def test_what_is_no_inventory_of_an_image_says_why(document: object, said: str) -> None:
    reading = read_report(as_bytes(document))
    assert said in reading.problem
    assert reading.contents.inventories == ()


def _places(data: Any, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(deeper for key, value in items for deeper in _places(value, (*path, key)))]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("other", [None, 7, "\x1b[2J", [], {}, [None], True])
def test_a_value_of_another_type_anywhere_is_at_most_a_problem(form: str, other: object) -> None:
    for path in _places(FORMS[form])[1:]:
        data = json.loads(json.dumps(FORMS[form]))
        *above, last = path
        place = data
        for key in above:
            place = place[key]
        place[last] = other
        reading = read_report(as_bytes(data))
        assert reading.problem
        assert reading.problem.isprintable()
