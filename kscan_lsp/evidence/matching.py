"""The packages of an inventory against a vulnerability database of Grype, as Grype does it.

A package of a distribution is looked up by its own name and by that of the source package that it was built from; one
of a language by its name in the ecosystem. What is said not to be affected takes away what is said to be. Left out on
purpose: what Grype finds by CPE alone, which is guessed from names; and which files a package of the distribution owns.

Fixes of an extended support (EUS of Red Hat, ESM of Ubuntu) count where the inventory says that its packages are from
there, as Grype's `auto` has it: nobody else gets them.

Sources: `grype/matcher` of Grype (`internal/distro.go`, `internal/language.go`, `rpm/matcher.go`, `rpm/almalinux.go`,
`rpm/rhel_eus.go`, `dpkg/ubuntu_esm.go`) and the qualifiers in `grype/pkg/qualifier`.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.evidence.advisories import AffectedRange
from kscan_lsp.evidence.cvss import base_score
from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.inventory import System
from kscan_lsp.evidence.sources.common import (
    MAX_VULNERABILITIES,
    clean,
    first_line,
    link,
    runs_code,
    severity_of,
    severity_of_score,
)
from kscan_lsp.evidence.versions import is_later, is_within
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from kscan_lsp.evidence.advisories import Advisory, Database, Record
    from kscan_lsp.evidence.inventory import Inventory, Package
    from kscan_lsp.findings import Severity

PATIENCE: Final = 60.0
"""Seconds for one inventory."""


class TooLongError(Exception):
    """An inventory takes longer than anybody waits."""


_OF_SYSTEMS: Final = frozenset({"deb", "rpm", "apk", "alpm"})


def report_of(inventory: Inventory, database: Database, today: date) -> ImageReport:
    """What is known of an image by its packages.

    Raises:
        TooLongError: it takes too long, or finds more than any image has.
    """
    ends = time.monotonic() + PATIENCE
    found: dict[tuple[str, str, str], Vulnerability] = {}
    for package in inventory.packages:
        for record, advisory in _matches(package, inventory.system, database):
            one = _vulnerability(package, record, advisory, database)
            known = next((k for name in one.ids if (k := (package.purl, package.name, name)) in found), None)
            if known is None:
                found |= dict.fromkeys(((package.purl, package.name, name) for name in one.ids), one)
            else:
                first = found[known]
                aliases = dict.fromkeys((*first.aliases, *sorted(one.ids - {first.id})))
                both = replace(first, aliases=tuple(aliases))
                found |= dict.fromkeys(((package.purl, package.name, name) for name in both.ids), both)
            if time.monotonic() > ends or len(found) > 10 * MAX_VULNERABILITIES:
                raise TooLongError
    system = inventory.system or next((one.system for one in inventory.packages if one.system), None)
    return ImageReport(
        inventory.names,
        inventory.digests,
        tuple({id(one): one for one in found.values()}.values()),
        "Grype database",
        database.version,
        database.built,
        clean(str(system), 80) if system else "",
        bool(system and database.ended(system, today)),
        pinned=inventory.pinned,
    )


def _matches(
    package: Package, system: System | None, database: Database
) -> Iterator[tuple[Record, Advisory]]:
    if package.version.lower() == "unknown":
        return
    if package.kind not in _OF_SYSTEMS:
        yield from _of_ecosystem(package, system, database)
        return
    own = system or package.system
    if own is None:
        return
    if own.name == "almalinux" and package.kind == "rpm":
        yield from _of_alma(package, own, database)
        return
    if own.channel and package.kind == _EXTENDED[own.channel]:
        yield from _of_extended(package, own, database)
        return
    systems = database.systems(own)
    for name, version in _names(package):
        records = [r for r in database.of_system(name, systems) if _holds(r, package, own, name)]
        # of an rpm Grype takes that for what else is in it, and not for the package itself
        denied = [] if package.kind == "rpm" else database.of_system(name, systems, unaffected=True)
        yield from _without(
            [r for r in records if _affects(r, version, package.kind)],
            [r for r in denied if _holds(r, package, own, name) and _affects(r, version, package.kind)],
            database,
        )


_EXTENDED: Final = {"eus": "rpm", "esm": "deb"}
"""What kind of packages an extended support is of."""
_RELEASE: Final = regex(r"\.el(\d+)(?:_(\d+))?")


def _of_extended(package: Package, system: System, database: Database) -> Iterator[tuple[Record, Advisory]]:
    """The distribution says what is affected, and it and its extended support what fixes that.

    What one of both has fixed in the version that is installed, or before it, is not affected.
    """
    base = database.systems(system)
    both = (*base, *database.systems(system, channel=system.channel))
    for name, version in _names(package):
        disclosed = [
            record
            for record in database.of_system(name, base)
            if _holds(record, package, system, name) and _affects(record, version, package.kind)
        ]
        fixing = [
            (_ids(record, database.advisory(record.vulnerability)), one)
            for record in (database.of_system(name, both) if disclosed else ())
            if _holds(record, package, system, name)
            for one in record.ranges
            if one.fixed
        ]
        for record in disclosed:
            advisory = database.advisory(record.vulnerability)
            ids = _ids(record, advisory)
            about = [one for names, one in fixing if not ids.isdisjoint(names)]
            if any(is_within(version, f">= {one.fixed}", one.format, package.kind) for one in about):
                continue
            within = [one for one in about if system.channel != "eus" or _is_reached(one.fixed, system)]
            yield replace(record, ranges=tuple(dict.fromkeys(within))), advisory


def _is_reached(fixed: str, system: System) -> bool:
    """Whether a fix is for a minor release of Red Hat that an extended one has all updates of: itself, or before it."""
    found = _RELEASE.search(fixed.rpartition("-")[2])
    major, _, minor = re.split(r"[+,]", system.version)[0].partition(".")
    if found is None or not major.isdigit():
        return True
    minor = minor.partition(".")[0]
    return found[1] == major and int(found[2] or 0) <= int(minor if minor.isdigit() else 0)


def _names(package: Package) -> list[tuple[str, str]]:
    """What a package is looked up by, with the version that counts: itself, and what it was built from."""
    own = package.version
    if package.kind == "rpm" and ":" not in own:
        own = f"0:{own}"  # of the package itself it is known that it has none; of its source it is not
    return [(package.name, own), *((name, version or package.version) for name, version in package.upstreams)]


def _of_ecosystem(
    package: Package, system: System | None, database: Database
) -> Iterator[tuple[Record, Advisory]]:
    def said(*, unaffected: bool) -> list[Record]:
        return [
            record
            for record in database.of_ecosystem(package.name, package.kind, unaffected=unaffected)
            if _holds(record, package, system, package.name)
            and _affects(record, package.version, package.kind)
        ]

    for record, advisory in _without(said(unaffected=False), said(unaffected=True), database):
        if not advisory.rejected:
            yield record, advisory


def _of_alma(package: Package, system: System, database: Database) -> Iterator[tuple[Record, Advisory]]:
    """Red Hat says what is affected, AlmaLinux what of that it has fixed, and in which version."""
    if package.name.endswith(("-debuginfo", "-debugsource")):
        return
    systems = database.systems(System("rhel", system.version))
    own = database.systems(system, exactly=True)
    names = _names(package)
    fixes = [
        (_ids(record, database.advisory(record.vulnerability)), record)
        for name, _ in names
        for record in database.of_system(name, own, unaffected=True)
        if _holds(record, package, system, package.name)
    ]
    for name, version in names:
        for record in database.of_system(name, systems):
            if not (_holds(record, package, system, name) and _affects(record, version, "rpm")):
                continue
            advisory = database.advisory(record.vulnerability)
            ids = _ids(record, advisory)
            about = [fix for names_of_it, fix in fixes if not ids.isdisjoint(names_of_it)]
            if any(_affects(fix, names[0][1], "rpm") for fix in about):
                continue
            limits = [r.constraint.removeprefix(">=").strip() for fix in about for r in fix.ranges]
            ranges = tuple(AffectedRange(f"< {limit}", "rpm", limit) for limit in limits[:1] if limit)
            yield (replace(record, ranges=ranges) if ranges else record), advisory


def _without(
    records: Iterable[Record], denied: Iterable[Record], database: Database
) -> Iterator[tuple[Record, Advisory]]:
    """What is said to be affected, but for that of which the same vulnerability is said not to matter."""
    settled = {name for record in denied for name in _ids(record, database.advisory(record.vulnerability))}
    for record in records:
        advisory = database.advisory(record.vulnerability)
        if settled.isdisjoint(_ids(record, advisory)):
            yield record, advisory


def _ids(record: Record, advisory: Advisory) -> set[str]:
    return {name.upper() for name in (advisory.id, *advisory.aliases, *record.cves)}


def _affects(record: Record, version: str, kind: str) -> bool:
    return not record.ranges or any(
        is_within(version, one.constraint, one.format, kind) for one in record.ranges
    )


_ARCHES: Final = {
    "x86_64": "amd64", "x64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "x86": "386",
    "ppc64el": "ppc64le",
}  # fmt: skip
"""Names of processors that are the same (`architecture.DefaultAliases` of Grype)."""
_NO_ARCH: Final = frozenset({"", "noarch", "all"})


def _holds(record: Record, package: Package, system: System | None, name: str) -> bool:
    """Whether the conditions of a record hold for a package, looked up by some name; what is not known does."""
    if record.only_rootio:
        return False  # builds of one vendor, which say so by their names
    if record.module is not None and package.module is not None and package.kind == "rpm":
        oracle = system is not None and system.name == "ol" and not package.module
        same = package.module.startswith(record.module) if record.module else not package.module
        if not same and not oracle:
            return False
    arch = "src" if name != package.name else package.arch
    if record.arch not in _NO_ARCH | {"src"} and arch not in _NO_ARCH:
        if record.arch == "binary-no-arch-specified":
            if arch == "src":
                return False
        elif _ARCHES.get(arch, arch) != _ARCHES.get(record.arch, record.arch):
            return False
    return all(_runs_on(platform, system) for platform in record.platforms)


def _runs_on(cpe: str, system: System | None) -> bool:
    parts = cpe.split(":")
    vendor, product = (*parts[3:5], "", "")[:2] if cpe.startswith("cpe:2.3:") else ("", "")
    if (vendor, product) == ("wordpress", "wordpress"):
        return False
    if system is None:
        return True
    if vendor == "microsoft" and product.startswith("windows"):
        return False
    if (vendor, product) == ("canonical", "ubuntu_linux") or vendor == "ubuntu":
        return system.name == "ubuntu"
    if vendor == "debian" and product in {"debian_linux", "linux"}:
        return system.name == "debian"
    return True


def _vulnerability(package: Package, record: Record, advisory: Advisory, database: Database) -> Vulnerability:
    names = dict.fromkeys((*advisory.aliases, *record.cves))
    aliases = tuple(clean(name, 100) for name in names if name.upper() != advisory.id.upper())
    cves = [name for name in (advisory.id, *aliases) if name.upper().startswith("CVE-")]
    related = [
        one for cve in cves[:5] if advisory.provider != "nvd" and (one := database.nvd(cve)) is not None
    ]
    everywhere = (advisory, *related)
    fixes = [one for one in record.ranges if one.fixed]
    later = [one for one in fixes if is_later(one.fixed, package.version, one.format, package.kind)]
    vectors = [rating for one in everywhere for rating in one.ratings if "/AV:" in f"/{rating}"]
    vector = next((v for v in vectors if v.startswith("CVSS:4")), next(iter(vectors), ""))
    scored = next((score for v in vectors if (score := base_score(v))), 0.0)
    texts = [one.description for one in everywhere]
    chances = [one.epss for one in everywhere if one.epss is not None]
    weaknesses = [name for one in everywhere for name in one.weaknesses]
    return Vulnerability(
        clean(advisory.id, 100),
        clean(package.name),
        clean(package.version, 200),
        tuple(dict.fromkeys(clean(one.fixed, 200) for one in later or fixes)),
        _severity(advisory),
        aliases,
        clean(package.purl),
        clean(vector, 200),
        scored,
        max(chances, default=None),
        any(one.kev for one in everywhere),
        runs_code(texts, weaknesses, vector),
        first_line(next(filter(None, texts), "")),
        link(advisory.url),
    )


def _severity(advisory: Advisory) -> Severity | None:
    """By the first rating that can be read."""
    for rating in advisory.ratings:
        found = severity_of_score(base_score(rating)) if "/" in rating else severity_of(rating)
        if found is not None:
            return found
    return None
