"""CycloneDX documents as JSON, 1.4 and newer: their parts, and which image they are about.

Source: https://cyclonedx.org/docs/1.6/json/.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from msgspec import Struct, field

from kscan_lsp.evidence.sources.common import clean, digests_in, first_digest, is_archive, names_in
from kscan_lsp.evidence.vex import purl_of

_MAX_DEPTH: Final = 20
"""Levels of components inside one another."""
_NAMING: Final = frozenset(
    f"aquasecurity:trivy:{name}" for name in ("ImageID", "RepoDigest", "RepoTag", "Reference")
)
"""What of Trivy's properties says which image it is; a `DiffID` is of a layer, which others may have, too."""


class CdxProperty(Struct):
    """`property` of the schema."""

    name: str | None = None
    value: str | None = None


class CdxComponent(Struct):
    """`component` of the schema."""

    name: str
    type: str | None = None
    version: str | None = None
    purl: str | None = None
    bom_ref: str | None = field(default=None, name="bom-ref")
    properties: list[CdxProperty] | None = None
    components: list[CdxComponent] | None = None


class CdxMetadata(Struct):
    """`metadata` of the schema."""

    timestamp: str | None = None
    component: CdxComponent | None = None
    tools: Any = None


class CdxRating(Struct):
    """`vulnerability.rating` of the schema."""

    severity: str | None = None
    score: float | None = None
    vector: str | None = None
    method: str | None = None


class CdxSource(Struct):
    """`vulnerability.source` of the schema."""

    name: str | None = None
    url: str | None = None


class CdxReference(Struct):
    """`vulnerability.reference` of the schema."""

    id: str | None = None


class CdxAdvisory(Struct):
    """`advisory` of the schema."""

    url: str | None = None


class CdxAnalysis(Struct):
    """`vulnerability.analysis` of the schema."""

    state: str | None = None
    justification: str | None = None
    detail: str | None = None


class CdxAffected(Struct):
    """`vulnerability.affects` of the schema."""

    ref: str


class CdxVulnerability(Struct):
    """`vulnerability` of the schema."""

    id: str
    source: CdxSource | None = None
    references: list[CdxReference] | None = None
    ratings: list[CdxRating] | None = None
    cwes: list[int] | None = None
    description: str | None = None
    recommendation: str | None = None
    advisories: list[CdxAdvisory] | None = None
    analysis: CdxAnalysis | None = None
    affects: list[CdxAffected] | None = None
    updated: str | None = None


class CdxBom(Struct):
    """`bom` of the schema."""

    metadata: CdxMetadata | None = None
    components: list[CdxComponent] | None = None
    vulnerabilities: list[CdxVulnerability] | None = None


class ImageSubject(NamedTuple):
    """The image that a document is about."""

    names: tuple[str, ...]
    digests: frozenset[str]
    pinned: str
    """The digest that a registry has it under; empty where the document does not say."""


def subject_of(component: CdxComponent) -> ImageSubject:
    """The image that the component of the metadata is."""
    notes = [p.value for p in component.properties or () if p.value and p.name in _NAMING]
    purl = purl_of(component.purl or "")
    where = dict(purl.qualifiers) if purl else {}
    named = (
        "" if is_archive(component.name) else _reference(component),
        where.get("repository_url") and f"{where['repository_url']}:{where.get('tag', 'latest')}",
    )
    digests = (component.name, component.version, purl and purl.version, *notes)
    return ImageSubject(
        names_in(
            (
                *(named if where.get("tag") else named[:1]),
                *(n for n in notes if ":" in n and "sha256:" not in n),
            )
        ),
        digests_in(text for text in digests if text and "sha256:" in text),
        first_digest((purl.version if purl else "", component.name)),
    )


def _reference(component: CdxComponent) -> str:
    name, version = clean(component.name), clean(component.version)
    if not version or version.startswith("sha256:") or ":" in name.rpartition("/")[2] or "@" in name:
        return name
    return f"{name}:{version}"


def components_in(bom: CdxBom) -> list[CdxComponent]:
    """All components, also those inside others."""
    return _all(bom.components or [], _MAX_DEPTH)


def _all(components: list[CdxComponent], depth: int) -> list[CdxComponent]:
    below = [
        more for one in components if one.components and depth for more in _all(one.components, depth - 1)
    ]
    return components + below


def tools_in(tools: Any) -> list[dict[str, Any]]:
    """The tools that made a document, as CycloneDX has them since 1.5, or as it had them before."""
    listed = tools.get("components") if isinstance(tools, dict) else tools
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def tool_of(tools: Any) -> str:
    """The first of them with its version, as it is shown."""
    first = next(iter(tools_in(tools)), {})
    name, version = first.get("name"), first.get("version")
    named = {"trivy": "Trivy", "grype": "Grype"}.get(name, name) if isinstance(name, str) else "CycloneDX"
    return clean(f"{named} {version}" if isinstance(version, str) else named, 80)
