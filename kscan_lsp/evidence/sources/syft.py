"""Syft's own form (`syft IMAGE -o json`): an inventory, with more about packages than other forms have.

Source: the JSON schema of Syft, major version 16, and the types of `syft/format/syftjson/model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, json

from kscan_lsp.evidence.inventory import Inventory, package_of, system_of
from kscan_lsp.evidence.sources.common import (
    NOT_LOOKED,
    Contents,
    ReportError,
    clean,
    digests_in,
    first_digest,
    names_in,
    refuse_too_many,
)

if TYPE_CHECKING:
    from kscan_lsp.evidence.inventory import Package


class _SyftArtifact(Struct):
    purl: str | None = None
    metadata: Any = None
    """Of many forms, by the type of the package."""


class _SyftImage(Struct):
    userInput: str | None = None
    imageID: str | None = None
    manifestDigest: str | None = None
    tags: list[str] | None = None
    repoDigests: list[str] | None = None


class _SyftSource(Struct):
    type: str | None = None
    metadata: _SyftImage | None = None
    target: _SyftImage | str | None = None
    """In versions before 0.85."""


class _SyftDistro(Struct):
    id: str | None = None
    versionID: str | None = None
    versionCodename: str | None = None
    extendedSupport: bool | None = None


class _SyftDocument(Struct):
    artifacts: list[_SyftArtifact]
    source: _SyftSource | None = None
    distro: _SyftDistro | None = None


_DECODER = json.Decoder(_SyftDocument)


def read(data: bytes) -> Contents:
    """The packages of the image that a document is about.

    Raises:
        ReportError: it is about something else.
    """
    document = _DECODER.decode(data)
    source = document.source or _SyftSource()
    if source.type != "image":
        raise ReportError(f"it is an inventory of a {clean(source.type, 40) or 'file'}, not of an image")
    refuse_too_many(len(document.artifacts))
    image = source.metadata or (source.target if isinstance(source.target, _SyftImage) else _SyftImage())
    distro = document.distro or _SyftDistro()
    registry = image.repoDigests or []
    found = Inventory(
        names_in((image.userInput, *(image.tags or ()))),
        digests_in((image.userInput, image.imageID, image.manifestDigest, *registry)),
        tuple([package for one in document.artifacts if (package := _package(one))]),
        system_of(
            distro.id, distro.versionID, distro.versionCodename, extended=distro.extendedSupport is True
        ),
        first_digest((*registry, image.userInput)),
    )
    return Contents(note=NOT_LOOKED, inventories=(found,))


def _package(artifact: _SyftArtifact) -> Package | None:
    said = artifact.metadata if isinstance(artifact.metadata, dict) else {}

    def text(name: str) -> str | None:
        found = said.get(name)
        return found if isinstance(found, str) else None

    return package_of(
        artifact.purl,
        upstreams=((text("source"), text("sourceVersion")), (text("originPackage"), None)),
        source_rpm=text("sourceRpm"),
        module=text("modularityLabel"),
    )
