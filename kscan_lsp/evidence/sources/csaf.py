"""CSAF 2.0 advisories, of the profile VEX and others: what a vendor says of its products.

Source: https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html, sections 3.2.2 (product tree) and 3.2.3
(vulnerabilities). A product without a package URL is known to nobody here, and is left out. Red Hat names a package
without a version for each of its systems, affected on one and not on another: there the CPE of the system says which is
meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, json

from kscan_lsp.evidence.sources.common import MAX_TEXT, Contents, clean, moment_of, refuse_too_many
from kscan_lsp.evidence.vex import JUSTIFICATIONS, Product, Statement, purl_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator


class _CsafHelper(Struct):
    purl: str | None = None
    cpe: str | None = None


class _CsafProduct(Struct):
    product_id: str
    name: str | None = None
    product_identification_helper: _CsafHelper | None = None


class _CsafBranch(Struct):
    branches: list[_CsafBranch] | None = None
    product: _CsafProduct | None = None


class _CsafRelationship(Struct):
    full_product_name: _CsafProduct
    product_reference: str
    relates_to_product_reference: str


class _CsafTree(Struct):
    branches: list[_CsafBranch] | None = None
    full_product_names: list[_CsafProduct] | None = None
    relationships: list[_CsafRelationship] | None = None


class _CsafNote(Struct):
    details: str | None = None
    category: str | None = None
    product_ids: list[str] | None = None


class _CsafFlag(Struct):
    label: str | None = None
    product_ids: list[str] | None = None


class _CsafId(Struct):
    text: str | None = None


class _CsafVulnerability(Struct):
    cve: str | None = None
    ids: list[_CsafId] | None = None
    product_status: dict[str, list[str]] | None = None
    flags: list[_CsafFlag] | None = None
    threats: list[_CsafNote] | None = None


class _CsafPublisher(Struct):
    name: str | None = None


class _CsafTracking(Struct):
    current_release_date: str | None = None


class _CsafAbout(Struct):
    publisher: _CsafPublisher | None = None
    tracking: _CsafTracking | None = None


class _CsafAdvisory(Struct):
    document: _CsafAbout
    product_tree: _CsafTree | None = None
    vulnerabilities: list[_CsafVulnerability] | None = None


_DECODER = json.Decoder(_CsafAdvisory)
_STATUSES: Final = {
    "known_not_affected": "not_affected", "fixed": "fixed", "first_fixed": "fixed", "known_affected": "affected",
    "under_investigation": "under_investigation",
}  # fmt: skip
_MAX_DEPTH: Final = 30
"""Levels of branches inside one another (CSAF's own limit)."""
_SYSTEM: Final = regex(r"cpe:(?:/|2\.3:)(?:o:[^:]+:[^:]+|a:redhat:enterprise_linux):(\d[^:]*)")
"""The version of the operating system that a CPE is about."""


def read(data: bytes) -> Contents:
    """What an advisory states of products that have package URLs."""
    advisory = _DECODER.decode(data)
    vulnerabilities = advisory.vulnerabilities or []
    refuse_too_many(len(vulnerabilities))
    products = _products(advisory.product_tree or _CsafTree())
    about = advisory.document
    by = clean(about.publisher.name if about.publisher else "", 100)
    made = moment_of(about.tracking.current_release_date if about.tracking else "")
    return Contents(
        statements=tuple(one for found in vulnerabilities for one in _statements(found, products, by, made))
    )


def _products(tree: _CsafTree) -> dict[str, Product]:
    listed = [*(tree.full_product_names or ()), *_below(tree.branches or [], _MAX_DEPTH)]
    found = {
        one.product_id: Product(clean(one.product_identification_helper.purl))
        for one in listed
        if one.product_identification_helper and one.product_identification_helper.purl
    }
    cpes = {
        one.product_id: one.product_identification_helper.cpe
        for one in listed
        if one.product_identification_helper and one.product_identification_helper.cpe
    }
    for relationship in tree.relationships or ():
        # a component of a platform: of it there are images and machines, and the package is what is known of both
        part = found.get(relationship.product_reference)
        whole = found.get(relationship.relates_to_product_reference)
        meant = part and _component(part, whole, cpes.get(relationship.relates_to_product_reference, ""))
        if meant:
            found[relationship.full_product_name.product_id] = meant
    return found


def _component(part: Product, whole: Product | None, cpe: str) -> Product | None:
    """What a component of something is; None where it is of something that nobody knows here."""
    if whole is not None and whole.name.startswith(("pkg:oci/", "pkg:docker/")):
        return Product(whole.name, (part.name,))
    purl = purl_of(part.name)
    if not cpe or (purl and purl.version):
        return part
    system = _SYSTEM.match(cpe)
    return Product(part.name, system=clean(system[1], 40)) if system else None


def _below(branches: list[_CsafBranch], depth: int) -> Iterator[_CsafProduct]:
    for branch in branches:
        if branch.product:
            yield branch.product
        if branch.branches and depth:
            yield from _below(branch.branches, depth - 1)


def _statements(
    found: _CsafVulnerability, products: dict[str, Product], by: str, made: str
) -> Iterator[Statement]:
    ids = frozenset(clean(name, 100) for name in (found.cve, *(one.text for one in found.ids or ())) if name)
    for status, names in (found.product_status or {}).items():
        if status not in _STATUSES:
            continue
        by_reason: dict[tuple[str, str], list[Product]] = {}
        for name in names:
            if name in products:
                by_reason.setdefault(_reason(found, name), []).append(products[name])
        for (reason, why), meant in by_reason.items():
            yield Statement(
                ids,
                tuple(dict.fromkeys(meant)),
                _STATUSES[status],
                reason,
                by,
                made=made,
                justification=why if _STATUSES[status] == "not_affected" else "",
            )


def _reason(found: _CsafVulnerability, product: str) -> tuple[str, str]:
    """Why a product has a status, in words, and as one of OpenVEX's justifications."""
    flags = (flag.label for flag in found.flags or () if product in (flag.product_ids or (product,)))
    flag = next(filter(None, flags), "")
    why = flag if flag in JUSTIFICATIONS else ""
    for threat in found.threats or ():
        if threat.category == "impact" and threat.details and product in (threat.product_ids or (product,)):
            return clean(threat.details, MAX_TEXT), why
    return clean(flag.replace("_", " "), 100), why
