"""What Kubescape writes: VulnerabilityManifest objects of its operator, and the reports of `kubescape scan`.

The objects carry Grype's matches (https://kubescape.io/docs/operator/vulnerabilities/; the types of
`spdx.softwarecomposition.kubescape.io/v1beta1`). `kubescape scan --scan-images -f json` puts the vulnerabilities of all
images in one list that does not say which image has which (`VulnerabilitySummary` of opa-utils): of one image it is
read, of several it cannot be.
"""

from __future__ import annotations

from msgspec import Struct, json

from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.sources import grype
from kscan_lsp.evidence.sources.common import (
    Contents,
    ReportError,
    clean,
    day_of,
    digests_in,
    first_digest,
    names_in,
    refuse_too_many,
    severity_of,
)


class _KubescapeAbout(Struct):
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    creationTimestamp: str | None = None


class _KubescapeTool(Struct):
    name: str | None = None
    version: str | None = None


class _KubescapeMade(Struct):
    createdAt: str | None = None


class _KubescapeMetadata(Struct):
    tool: _KubescapeTool | None = None
    report: _KubescapeMade | None = None


class _KubescapeSpec(Struct):
    payload: grype.GrypeReport | None = None
    metadata: _KubescapeMetadata | None = None


class _KubescapeManifest(Struct):
    metadata: _KubescapeAbout | None = None
    spec: _KubescapeSpec | None = None


class _KubescapeList(Struct):
    items: list[_KubescapeManifest]


_MANIFEST, _LIST = json.Decoder(_KubescapeManifest), json.Decoder(_KubescapeList)


def read_manifest(data: bytes) -> Contents:
    """What a VulnerabilityManifest says of an image."""
    return Contents((_image(_MANIFEST.decode(data)),))


def read_list(data: bytes) -> Contents:
    """What a list of them says, as `kubectl get vulnerabilitymanifests -o json` writes it."""
    return Contents(tuple([_image(one) for one in _LIST.decode(data).items if one.spec]))


def _image(manifest: _KubescapeManifest) -> ImageReport:
    about, spec = manifest.metadata or _KubescapeAbout(), manifest.spec or _KubescapeSpec()
    notes = about.annotations or {}
    payload, made = spec.payload or grype.GrypeReport(), spec.metadata or _KubescapeMetadata()
    named = (notes.get("kubescape.io/image-tag"), notes.get("kubescape.io/image-id"))
    source = payload.source.target if payload.source else None
    target = None if isinstance(source, str) else source
    references = (*named, *((target.userInput, *(target.tags or ())) if target else ()))
    digests = (target.manifestDigest, *(target.repoDigests or ())) if target else ()
    when = (made.report.createdAt if made.report else None) or about.creationTimestamp
    version = clean(made.tool.version if made.tool else "", 40)
    return grype.image_of(
        payload,
        names=references,
        digests=(*references, *digests),
        by=("Kubescape", version),
        made=when,
        pinned=first_digest(references),
    )


class _KubescapeCve(Struct):
    id: str
    package: str
    severity: str | None = None
    version: str | None = None
    fixVersions: list[str] | None = None


class _KubescapeVulnerabilities(Struct):
    CVEs: list[_KubescapeCve] | None = None
    images: list[str] | None = None


class _KubescapeDetails(Struct):
    vulnerabilities: _KubescapeVulnerabilities | None = None


class _KubescapePosture(Struct):
    summaryDetails: _KubescapeDetails
    generationTime: str | None = None


_POSTURE = json.Decoder(_KubescapePosture)


def read_scan(data: bytes) -> Contents:
    """What a report of a scan with images says of the image in it.

    Raises:
        ReportError: there are several.
    """
    report = _POSTURE.decode(data)
    found = report.summaryDetails.vulnerabilities or _KubescapeVulnerabilities()
    images, cves = found.images or [], found.CVEs or []
    if not images:
        return Contents(
            note="it is a report of manifests, and says nothing of images; 'kubescape scan image' makes one"
        )
    if len(images) > 1:
        raise ReportError(
            f"it is about {len(images)} images and does not say which has what; "
            "'kubescape scan image NAME -f json' makes a report of each"
        )
    refuse_too_many(len(cves))
    vulnerabilities = tuple(
        Vulnerability(
            clean(one.id, 100),
            clean(one.package),
            clean(one.version, 200),
            tuple([clean(version, 200) for version in (one.fixVersions or ())[:20]]),
            severity_of(one.severity),
        )
        for one in cves
    )
    made = day_of(report.generationTime)
    image = ImageReport(names_in(images), digests_in(images), vulnerabilities, "Kubescape", made=made)
    return Contents((image,))
