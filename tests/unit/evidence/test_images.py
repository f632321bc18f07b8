"""Which report is about which image, what several say together, and what statements make of it."""

from __future__ import annotations

from datetime import date

import pytest
from support import images
from support.images import CURL, DIGEST, NGINX, OPENSSL, as_bytes

from kscan_lsp.evidence.image_facts import image_facts
from kscan_lsp.evidence.images import ImageReport, Vulnerability, full_name, images_of
from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.evidence.vex import Product, Statement, purl_of, with_statements
from kscan_lsp.findings import Severity

DAY = date(2026, 1, 15)


def report(*data: object) -> ImageReport:
    (found,) = (image for one in data for image in read_report(as_bytes(one)).contents.images)
    return found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("quay.io/a/b:2", "quay.io/a/b:2"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("", ""),
    ],
)
def test_a_name_is_completed(text: str, name: str) -> None:
    assert full_name(text) == name


@pytest.mark.parametrize(
    ("image", "known"),
    [
        (NGINX, True),
        ("docker.io/library/nginx:1.25.3", True),
        ("nginx:1.25", False),
        ("nginx", False),
        (f"nginx@{DIGEST}", True),
        (f"mirror.example.com/nginx:7@{DIGEST}", True),
        (f"nginx:1.25.3@sha256:{'0' * 64}", False),
        ("", False),
        ("::@@", False),
    ],
)
def test_an_image_is_found_by_digest_then_by_name(image: str, known: bool) -> None:
    assert (images_of([report(images.trivy())]).of(image) is not None) == known


def test_a_report_without_digests_is_of_whatever_has_the_tag() -> None:
    found = images_of([report(images.sarif_of_grype())])
    assert found.of(f"nginx:1.25.3@sha256:{'0' * 64}") is not None
    assert found.of(f"nginx@sha256:{'0' * 64}") is None


def test_of_one_tool_the_newest_report_counts() -> None:
    old, new = report(images.trivy(day="2026-01-01", Results=[])), report(images.trivy(day="2026-01-02"))
    for order in ([old, new], [new, old]):
        found = images_of(order).of(NGINX)
        assert found is not None
        assert found.made == date(2026, 1, 2)
        assert len(found.vulnerabilities) == 2


@pytest.mark.parametrize(("day", "made"), [("2026-01-16", DAY), ("2026-01-17", None), ("2999-01-01", None)])
def test_a_report_of_a_day_that_has_not_come_is_not_the_newest(day: str, made: date | None) -> None:
    false, true = report(images.trivy(day=day, Results=[])), report(images.trivy(day="2026-01-15"))
    alone = image_facts([false], [], DAY, max_age_days=1).images.of(NGINX)
    assert alone is not None
    assert alone.made == made
    both = image_facts([false, true], [], DAY, max_age_days=1).images.of(NGINX)
    assert both is not None
    assert bool(both.vulnerabilities) == (made is None)


def test_reports_of_several_tools_are_made_one() -> None:
    extra = images.grype()
    extra["matches"].append(
        {
            "vulnerability": {"id": "CVE-2026-0003", "severity": "Low"},
            "artifact": {"name": "tar", "version": "1"},
        }
    )
    both = images_of([report(images.trivy()), report(extra)])
    found = both.of(NGINX)
    assert found is both.of(f"nginx@{DIGEST}")
    assert found is not None
    assert found.source == "Trivy 0.69.1 and Grype 0.104.0"
    openssl, curl, tar = found.vulnerabilities
    assert (openssl.id, openssl.kev, openssl.epss) == ("CVE-2026-0001", True, 0.91)
    assert (curl.id, tar.id) == ("CVE-2026-0002", "CVE-2026-0003")


def test_one_vulnerability_by_two_names_is_one() -> None:
    one = ImageReport(("a:1",), frozenset(), (Vulnerability("GHSA-1", "p", aliases=("CVE-1",)),), "Grype")
    other = ImageReport(("a:1",), frozenset(), (Vulnerability("CVE-1", "p", severity=Severity.LOW),), "Trivy")
    (found,) = images_of([one, other]).by_name["a:1"].vulnerabilities
    assert (found.id, found.aliases, found.severity) == ("GHSA-1", ("CVE-1",), Severity.LOW)


@pytest.mark.parametrize(
    ("product", "about"),
    [
        (OPENSSL, True),
        ("pkg:deb/debian/libssl3@3.0.11-1~deb12u1", True),
        ("pkg:deb/debian/libssl3@3.0.11-1%7Edeb12u1?arch=amd64", True),
        ("pkg:deb/debian/libssl3", True),
        ("pkg:deb/debian/libssl3@1", False),
        ("pkg:deb/ubuntu/libssl3", False),
        ("pkg:deb/debian/libssl3?arch=arm64", False),
        (f"pkg:oci/nginx@{DIGEST}", True),
        (f"pkg:oci/nginx@sha256%3A{'ab' * 32}?repository_url=docker.io/library/nginx", True),
        (f"pkg:oci/nginx@sha256:{'0' * 64}", False),
        ("pkg:oci/nginx?repository_url=index.docker.io/library/nginx&tag=1.25.3", True),
        ("pkg:oci/nginx?tag=1.25.4", False),
        ("pkg:oci/nginx?repository_url=quay.io/nginx", False),
        ("pkg:docker/nginx@1.25.3", True),
        (NGINX, True),
        ("nginx:1.25.4", False),
        (DIGEST, True),
        (f"docker.io/nginx@{DIGEST}", True),
        ("libssl3", True),
        ("something", False),
    ],
)
def test_a_statement_is_about_the_product_that_it_names(product: str, about: bool) -> None:
    (statement,) = read_report(as_bytes(images.openvex(product))).contents.statements
    openssl, curl = with_statements(report(images.trivy()), [statement], DAY).vulnerabilities
    assert openssl.counts == (not about)
    assert curl.counts
    if about:
        assert openssl.status == "not_affected"
        assert openssl.reason == "vulnerable code not in execute path (The shop's team)"


@pytest.mark.parametrize(("part", "about"), [(OPENSSL, True), (CURL, False)])
def test_a_statement_about_a_part_of_an_image(part: str, about: bool) -> None:
    product = {"@id": f"pkg:oci/nginx@{DIGEST}", "subcomponents": [{"@id": part}]}
    document = images.openvex("", products=[product])
    (statement,) = read_report(as_bytes(document)).contents.statements
    openssl, _ = with_statements(report(images.trivy()), [statement], DAY).vulnerabilities
    assert openssl.counts == (not about)


@pytest.mark.parametrize("image", ["", f"pkg:oci/nginx@{DIGEST}"])
def test_an_advisory_is_a_statement(image: str) -> None:
    (statement,) = read_report(as_bytes(images.csaf(OPENSSL, image=image))).contents.statements
    openssl, _ = with_statements(report(images.trivy()), [statement], DAY).vulnerabilities
    assert (openssl.status, openssl.reason) == ("not_affected", "vulnerable code not present (Shop)")
    (other,) = read_report(as_bytes(images.csaf(CURL, image=image))).contents.statements
    assert with_statements(report(images.trivy()), [other], DAY).vulnerabilities[0].counts


@pytest.mark.parametrize(
    ("cpe", "affected"),
    [
        ("cpe:/o:debian:debian_linux:12", False),
        ("cpe:/o:debian:debian_linux:11", True),
        ("cpe:2.3:o:debian:debian_linux:1:*:*:*:*:*:*:*", True),
        ("cpe:/a:redhat:jboss_enterprise_application_platform:12", True),
    ],
)
def test_an_advisory_about_a_package_of_a_system_is_about_no_other(cpe: str, affected: bool) -> None:
    """The image is built on Debian 12.2."""
    advisory = images.csaf("pkg:deb/debian/libssl3", image=cpe)
    (platform,) = advisory["product_tree"]["full_product_names"]
    platform["product_identification_helper"] = {"cpe": cpe}
    found = read_report(as_bytes(advisory))
    openssl, _ = with_statements(report(images.trivy()), found.contents.statements, DAY).vulnerabilities
    assert openssl.counts == affected


def test_a_statement_by_an_alias_counts_and_the_last_one_decides() -> None:
    def said(status: str, made: str) -> Statement:
        return Statement(frozenset({"DSA-5532-1"}), (Product("*"),), status, made=made)

    image = report(images.trivy())
    first, second = said("not_affected", "2026-01-01"), said("affected", "2026-01-02")
    for order in ([first, second], [second, first]):
        assert with_statements(image, order, DAY).vulnerabilities[0].status == "affected"
    assert with_statements(image, [first], DAY).vulnerabilities[0].status == "not_affected"
    assert with_statements(image, [], DAY) is image


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("2026-01-11T01:00:00+02:00", "2026-01-10T23:30:00Z", "affected"),
        ("2026-01-10T23:30:00Z", "2026-01-11T01:00:00+02:00", "not_affected"),
        ("2026-01-11T00:00:00Z", "2026-01-11T00:00:00.5Z", "affected"),
        ("2026-01-11T00:00:00Z", "2026-01-11T00:00:00Z", "affected"),
        ("2026-01-11T00:00:00Z", "9999-99-99", "not_affected"),
    ],
)
def test_of_two_statements_the_later_one_counts_wherever_it_was_made(
    first: str, second: str, status: str
) -> None:
    statements = [
        statement
        for said, made in (("not_affected", first), ("affected", second))
        for statement in read_report(
            as_bytes(images.openvex(NGINX, said, timestamp=made))
        ).contents.statements
    ]
    found, _ = with_statements(report(images.trivy()), statements, DAY).vulnerabilities
    assert found.status == status


def test_what_was_accepted_for_a_time_counts_again() -> None:
    statement = Statement(frozenset({"CVE-2026-0001"}), (Product("*"),), "ignored", until=DAY)
    image = report(images.trivy())
    assert not with_statements(image, [statement], DAY).vulnerabilities[0].counts
    assert with_statements(image, [statement], date(2026, 1, 16)) is image


def test_what_is_ignored_without_a_fix_counts_with_one() -> None:
    statement = Statement(frozenset({"*"}), (Product("*"),), "ignored", only_unfixed=True)
    openssl, curl = with_statements(report(images.trivy()), [statement], DAY).vulnerabilities
    assert (openssl.counts, curl.counts) == (True, False)


def test_the_worst_is_what_is_exploited_then_what_is_severe() -> None:
    low = Vulnerability("a", "p", severity=Severity.LOW)
    ordered = [
        Vulnerability("b", "p", severity=Severity.CRITICAL, status="fixed"),
        Vulnerability("c", "p"),
        low,
        Vulnerability("d", "p", severity=Severity.HIGH),
        Vulnerability("e", "p", severity=Severity.HIGH, epss=0.5),
        Vulnerability("f", "p", severity=Severity.LOW, kev=True),
    ]
    assert sorted(dict.fromkeys(ordered[::-1]), key=lambda one: one.rank) == ordered


def test_package_urls_are_taken_apart() -> None:
    purl = purl_of("pkg:npm/%40angular/core@12.3.1?a=b#src")
    assert purl is not None
    assert (purl.type, purl.name, purl.version) == ("npm", "@angular/core", "12.3.1")
    assert purl_of("nginx:1") is None
