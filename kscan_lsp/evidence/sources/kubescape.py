"""What Kubescape writes: VulnerabilityManifest objects of its operator, and the reports of `kubescape scan`.

The objects carry Grype's matches (https://kubescape.io/docs/operator/vulnerabilities/; the types of
`spdx.softwarecomposition.kubescape.io/v1beta1`). A list of them, as `kubectl get` has it, leaves the matches out
without a word (README of kubescape/storage, "Requesting the full spec on a LIST"), and one that is filtered by
relevancy has only what was seen in use: neither says what is in an image. `kubescape scan --scan-images -f json` puts
the vulnerabilities of all images in one list that does not say which image has which (`VulnerabilitySummary` of
opa-utils): of one image it is read, of several it cannot be.
"""

from __future__ import annotations

from typing import Final

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
    withRelevancy: bool | None = None
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


_WHOLE: Final = (
    "/apis/spdx.softwarecomposition.kubescape.io/v1beta1/namespaces/kubescape/vulnerabilitymanifests"
    "?resourceVersion=fullSpec"
)
_MANIFEST, _LIST = json.Decoder(_KubescapeManifest), json.Decoder(_KubescapeList)


def read_manifest(data: bytes) -> Contents:
    """What a VulnerabilityManifest says of an image.

    Raises:
        ReportError: it does not say what is in one.
    """
    return _contents([_MANIFEST.decode(data)])


def read_list(data: bytes) -> Contents:
    """What a list of them says.

    Raises:
        ReportError: it does not say what is in images.
    """
    return _contents(_LIST.decode(data).items)


def _contents(manifests: list[_KubescapeManifest]) -> Contents:
    if any(_is_empty(one.spec or _KubescapeSpec()) for one in manifests):
        raise ReportError(
            "it has objects without what was found, as lists of 'kubectl get' do; "
            f"have them whole: kubectl get --raw '{_WHOLE}'"
        )
    whole = [
        one for one in manifests if not (one.spec and one.spec.metadata and one.spec.metadata.withRelevancy)
    ]
    if manifests and not whole:
        raise ReportError(
            "it lists only what of an image was seen in use; keep the manifests of whole images, "
            "which have the label kubescape.io/context=non-filtered"
        )
    return Contents(tuple(map(_image, whole)))


def _is_empty(spec: _KubescapeSpec) -> bool:
    """Whether an object has lost what was found: one of an image without any says at least who has looked."""
    payload, made = spec.payload or grype.GrypeReport(), spec.metadata or _KubescapeMetadata()
    by = made.tool.version if made.tool else None
    return not (payload.matches or payload.ignoredMatches or payload.source or by)


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
