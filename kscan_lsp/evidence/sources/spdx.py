"""SPDX documents, 2.2 and 2.3 as JSON: inventories, which have packages and no vulnerabilities.

Sources: https://spdx.github.io/spdx-spec/v2.3/; what Syft and Trivy write of images into names, annotations and
`sourceInfo`. Documents of SPDX 3 are recognised and not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, json

from kscan_lsp.evidence.inventory import Inventory, package_of, system_of
from kscan_lsp.evidence.sources.common import (
    NOT_LOOKED,
    Contents,
    day_of,
    digests_in,
    first_digest,
    is_archive,
    names_in,
    refuse_too_many,
)
from kscan_lsp.evidence.vex import purl_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.evidence.inventory import Package


class _SpdxReference(Struct):
    referenceType: str | None = None
    referenceLocator: str | None = None


class _SpdxChecksum(Struct):
    algorithm: str | None = None
    checksumValue: str | None = None


class _SpdxNote(Struct):
    comment: str | None = None


class _SpdxPackage(Struct):
    name: str
    versionInfo: str | None = None
    sourceInfo: str | None = None
    primaryPackagePurpose: str | None = None
    externalRefs: list[_SpdxReference] | None = None
    annotations: list[_SpdxNote] | None = None
    checksums: list[_SpdxChecksum] | None = None


class _SpdxCreation(Struct):
    created: str | None = None


class _SpdxDocument(Struct):
    spdxVersion: str | None = None
    name: str | None = None
    packages: list[_SpdxPackage] | None = None
    creationInfo: _SpdxCreation | None = None


_DECODER = json.Decoder(_SpdxDocument)
_BUILT: Final = regex(r"built package from: (\S{1,300}) (\S{1,300})")


def read(data: bytes) -> Contents:
    """The packages of the image that a document is about."""
    document = _DECODER.decode(data)
    if document.spdxVersion is None:
        return Contents(note="it is SPDX 3, which is not read; write it as SPDX 2.3 or as CycloneDX")
    packages = document.packages or []
    refuse_too_many(len(packages))
    image = next((one for one in packages if one.primaryPackagePurpose == "CONTAINER"), None)
    if image is None:
        return Contents(note=NOT_LOOKED)
    purl = purl_of(_purl(image))
    where = dict(purl.qualifiers) if purl else {}
    notes = dict((one.comment or "").partition(": ")[::2] for one in image.annotations or () if one.comment)
    version = image.versionInfo or ""
    sums = (f"sha256:{c.checksumValue}" for c in image.checksums or () if c.algorithm == "SHA256")
    digests = (version, purl.version if purl else "", notes.get("ImageID"), notes.get("RepoDigest"), *sums)
    named = "" if is_archive(image.name) else image.name
    if named and version and ":" not in version and ":" not in named.rpartition("/")[2]:
        named = f"{named}:{version}"
    tagged = f"{where['repository_url']}:{where['tag']}" if {"repository_url", "tag"} <= where.keys() else ""
    systems = (
        system_of(one.name, one.versionInfo)
        for one in packages
        if one.primaryPackagePurpose == "OPERATING-SYSTEM"
    )
    known = Inventory(
        names_in((named, tagged, notes.get("Reference"), notes.get("RepoTag"))),
        digests_in(text for text in (*digests, image.name) if text and "sha256:" in text),
        tuple([package for one in packages if one is not image and (package := _package(one))]),
        next(filter(None, systems), None),
        first_digest((purl.version if purl else "", notes.get("RepoDigest"))),
        day_of(document.creationInfo.created if document.creationInfo else ""),
    )
    return Contents(note=NOT_LOOKED, inventories=(known,))


def _purl(package: _SpdxPackage) -> str:
    locators = (one.referenceLocator for one in package.externalRefs or () if one.referenceType == "purl")
    return next(filter(None, locators), "")


def _package(package: _SpdxPackage) -> Package | None:
    built = _BUILT.search((package.sourceInfo or "")[:1_000])
    return package_of(_purl(package), upstreams=[(built[1], built[2])] if built else ())
