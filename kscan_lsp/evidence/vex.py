"""What somebody says about vulnerabilities of something they know: VEX statements, and lists of what to ignore.

A statement is about products: images, packages, or packages in images. A product is named by a package URL (purl), an
image reference or a digest; where it is a package alone, it is meant in every image. What a statement leaves out
(a version, a qualifier) it says of all.

Sources: OpenVEX 0.2.0; package-url's specification; "Minimum Requirements for VEX" of CISA.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.evidence.images import full_name
from kscan_lsp.kubernetes.images import begins_digest
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from kscan_lsp.evidence.images import ImageReport, Vulnerability

ANYTHING: Final = "*"
"""The product of a list of what to ignore that names none."""
STATUSES: Final = frozenset({"not_affected", "affected", "fixed", "under_investigation"})
JUSTIFICATIONS: Final = frozenset({
    "component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
})  # fmt: skip
"""OpenVEX's words for why something is not affected; the labels of CSAF's flags are the same."""


class Product(Struct, frozen=True):
    """What a statement is about: an image, a package, or packages of an image."""

    name: str
    """A package URL, an image reference, a digest, the name of a package, or `ANYTHING`."""
    parts: tuple[str, ...] = ()
    """The package URLs of what of it is meant; empty for all of it."""
    system: str = ""
    """The version of the distribution on which it is meant, such as `9`; empty for any."""


class Statement(Struct, frozen=True):
    """One statement."""

    ids: frozenset[str]
    products: tuple[Product, ...]
    status: str
    reason: str = ""
    by: str = ""
    """Who says so, or where."""
    until: date | None = None
    """The last day on which it holds."""
    made: str = ""
    """When, as text that sorts; of several statements the last one counts."""
    only_unfixed: bool = False
    """Whether it is about what has no fix."""
    installed: str = ""
    """The version that it is about; empty for any."""
    justification: str = ""
    """One of `JUSTIFICATIONS`, or empty."""


class Purl(Struct, frozen=True):
    """A package URL, taken apart."""

    type: str
    name: str
    """With its namespace: `debian/openssl`."""
    version: str
    qualifiers: frozenset[tuple[str, str]]
    written: str = ""
    """The name with upper and lower case, as some ecosystems tell them apart."""


_PURL: Final = regex(r"pkg:/*([A-Za-z0-9.+-]+)/([^@?#]+)(?:@([^?#]*))?(?:\?([^#]*))?(?:#.*)?", re.DOTALL)


def purl_of(text: str) -> Purl | None:
    """A package URL taken apart; None where it is none."""
    found = _PURL.fullmatch(text)
    if found is None:
        return None
    pairs = (pair.partition("=") for pair in (found[4] or "").split("&") if pair)
    name = unquote(found[2]).strip("/")
    return Purl(
        found[1].lower(),
        name.lower(),
        unquote(found[3] or ""),
        frozenset((key.lower(), unquote(value)) for key, _, value in pairs),
        name,
    )


def with_statements(report: ImageReport, statements: Iterable[Statement], today: date) -> ImageReport:
    """A report with what statements say of its vulnerabilities; of several about one, the last made counts."""
    by_id: dict[str, list[Statement]] = {}
    for statement in statements:
        if statement.until is None or today <= statement.until:
            for name in statement.ids:
                by_id.setdefault(name, []).append(statement)
    if not by_id:
        return report
    found = tuple([_said_of(one, report, by_id) for one in report.vulnerabilities])
    same = all(one is other for one, other in zip(found, report.vulnerabilities, strict=True))
    return report if same else replace(report, vulnerabilities=found)


def _said_of(one: Vulnerability, report: ImageReport, by_id: dict[str, list[Statement]]) -> Vulnerability:
    named = [s for name in (ANYTHING, *sorted(one.ids)) for s in by_id.get(name, ())]
    about = [s for s in named if _is_about(s, one, report)]
    if not about:
        return one
    # a list of what to ignore has no day: who keeps it has it hold now, whatever a vendor says of its product
    # of two of the same time, the one that stands below
    last = max(reversed(about), key=lambda statement: (statement.status == "ignored", statement.made))
    reason = f"{last.reason} ({last.by})" if last.reason and last.by else last.reason or last.by
    return replace(one, status=last.status, reason=reason, justification=last.justification)


def _is_about(statement: Statement, one: Vulnerability, report: ImageReport) -> bool:
    if (statement.only_unfixed and one.fixed) or statement.installed not in {"", one.installed}:
        return False
    for product in statement.products:
        if product.name == ANYTHING or _is_package(product.name, one):
            if _is_on(product.system, report.system):
                return True
            continue
        if _is_image(product.name, report) and (
            not product.parts or any(_is_package(part, one) for part in product.parts)
        ):
            return True
    return False


def _is_on(version: str, system: str) -> bool:
    """Whether what an image is built on, such as `redhat 9.4`, is of a version."""
    return not version or f"{system.rpartition(' ')[2]}.".startswith(f"{version}.")


def _is_package(name: str, one: Vulnerability) -> bool:
    meant = purl_of(name)
    if meant is None:
        return name == one.package
    there = purl_of(one.purl)
    if there is None:
        return meant.name.rpartition("/")[2] == one.package.lower() and meant.version in {"", one.installed}
    return (
        meant.type == there.type
        and meant.name == there.name
        and meant.version in {"", there.version}
        and all(
            pair in there.qualifiers for pair in meant.qualifiers if pair[0] in {"arch", "distro", "epoch"}
        )
    )


def _is_image(name: str, report: ImageReport) -> bool:
    if begins_digest(name):
        return name in report.digests
    meant = purl_of(name)
    if meant is None:
        _, _, digest = name.partition("@")
        return digest in report.digests if digest else full_name(name) in report.names
    if meant.type not in {"oci", "docker"}:
        return False
    if begins_digest(meant.version):
        return meant.version in report.digests
    asked = dict(meant.qualifiers)
    where = asked.get("repository_url") or (meant.name if meant.type == "docker" else "")
    tag = asked.get("tag", "") or meant.version
    for known in report.names:
        repository, _, known_tag = known.rpartition(":")
        same = (
            repository == full_name(where).rpartition(":")[0]
            if where
            else repository.endswith(f"/{meant.name}")
        )
        if same and tag in {"", known_tag}:
            return True
    return False
