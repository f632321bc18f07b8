"""Reports of Trivy as JSON (`trivy image -f json`), schema version 2.

Source: https://trivy.dev/docs/latest/configuration/reporting/#json and the types `Report`, `Metadata` and
`DetectedVulnerability` of Trivy. It has no EPSS and no KEV.
"""

from __future__ import annotations

from msgspec import Struct, json

from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.sources.common import (
    MAX_NAME,
    MAX_TEXT,
    Contents,
    ReportError,
    clean,
    day_of,
    digests_in,
    first_digest,
    is_archive,
    link,
    names_in,
    refuse_too_many,
    runs_code,
    score_of,
    severity_of,
)


class _TrivyCvss(Struct):
    V3Vector: str | None = None
    V40Vector: str | None = None
    V3Score: float | None = None
    V40Score: float | None = None


class _TrivyIdentifier(Struct):
    PURL: str | None = None


class _TrivyFound(Struct):
    VulnerabilityID: str
    PkgName: str
    InstalledVersion: str | None = None
    FixedVersion: str | None = None
    Severity: str | None = None
    SeveritySource: str | None = None
    PkgIdentifier: _TrivyIdentifier | None = None
    VendorIDs: list[str] | None = None
    CVSS: dict[str, _TrivyCvss] | None = None
    CweIDs: list[str] | None = None
    Title: str | None = None
    Description: str | None = None
    PrimaryURL: str | None = None


class _TrivyResult(Struct):
    Vulnerabilities: list[_TrivyFound] | None = None


class _TrivyOs(Struct):
    Family: str | None = None
    Name: str | None = None
    EOSL: bool | None = None


class _TrivyMeta(Struct):
    OS: _TrivyOs | None = None
    ImageID: str | None = None
    RepoTags: list[str] | None = None
    RepoDigests: list[str] | None = None
    Reference: str | None = None
    """In newer versions; of an inventory, what that says of its image."""


class _TrivyItself(Struct):
    Version: str | None = None


class _TrivyReport(Struct):
    ArtifactName: str
    ArtifactType: str | None = None
    CreatedAt: str | None = None
    Trivy: _TrivyItself | None = None
    Metadata: _TrivyMeta | None = None
    Results: list[_TrivyResult] | None = None


_DECODER = json.Decoder(_TrivyReport)


def read(data: bytes) -> Contents:
    """What a report of Trivy says of an image.

    Raises:
        ReportError: it is about something else.
    """
    report = _DECODER.decode(data)
    of_inventory = report.ArtifactType in {"cyclonedx", "spdx"}
    if not of_inventory and report.ArtifactType not in {None, "container_image"}:
        raise ReportError(f"it is a report of a {clean(report.ArtifactType, 40)}, not of an image")
    meta = report.Metadata or _TrivyMeta()
    found = [one for result in report.Results or () for one in result.Vulnerabilities or ()]
    refuse_too_many(len(found))
    system = meta.OS or _TrivyOs()
    named = "" if of_inventory or is_archive(report.ArtifactName) else report.ArtifactName
    image = ImageReport(
        names_in((named, meta.Reference, *(meta.RepoTags or ()))),
        digests_in((named, meta.Reference, meta.ImageID, *(meta.RepoDigests or ()))),
        tuple([_vulnerability(one) for one in found]),
        "Trivy",
        clean(report.Trivy.Version if report.Trivy else "", 40),
        day_of(report.CreatedAt),
        clean(f"{system.Family or ''} {system.Name or ''}".strip(), 80),
        bool(system.EOSL),
        pinned=first_digest(meta.RepoDigests or ()),
    )
    return Contents((image,))


def _vulnerability(one: _TrivyFound) -> Vulnerability:
    cvss = one.CVSS or {}
    scored = cvss.get(one.SeveritySource or "") or cvss.get("nvd") or next(iter(cvss.values()), _TrivyCvss())
    vector = clean(scored.V40Vector or scored.V3Vector, 200)
    weaknesses = one.CweIDs or ()
    return Vulnerability(
        clean(one.VulnerabilityID, 100),
        clean(one.PkgName, MAX_NAME),
        clean(one.InstalledVersion, 200),
        tuple(
            clean(version.strip(), 200) for version in (one.FixedVersion or "").split(",") if version.strip()
        ),
        severity_of(one.Severity),
        tuple([clean(name, 100) for name in (one.VendorIDs or ())[:20]]),
        clean(one.PkgIdentifier.PURL if one.PkgIdentifier else ""),
        vector,
        score_of(scored.V40Score or scored.V3Score),
        rce=runs_code((one.Title, one.Description), weaknesses, vector),
        title=clean(one.Title, MAX_TEXT),
        url=link(one.PrimaryURL),
    )
