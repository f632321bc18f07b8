"""CycloneDX documents as JSON, 1.4 and newer, with vulnerabilities, and with what `analysis` says of them (VEX).

Source: https://cyclonedx.org/docs/1.6/json/. A document without `vulnerabilities` is an inventory: nobody has looked.
One without a component of its own, or that is about no container, says by `analysis` what of packages does not matter.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct, field, json

from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.sources.common import (
    MAX_TEXT,
    PROGRAM,
    Contents,
    OwnReportError,
    clean,
    day_of,
    digests_in,
    first_digest,
    first_line,
    link,
    names_in,
    refuse_too_many,
    runs_code,
    severity_of,
    severity_of_score,
)
from kscan_lsp.evidence.vex import Product, Statement, purl_of


class _CdxProperty(Struct):
    name: str | None = None
    value: str | None = None


class _CdxComponent(Struct):
    name: str
    type: str | None = None
    version: str | None = None
    purl: str | None = None
    bom_ref: str | None = field(default=None, name="bom-ref")
    properties: list[_CdxProperty] | None = None
    components: list[_CdxComponent] | None = None


class _CdxMetadata(Struct):
    timestamp: str | None = None
    component: _CdxComponent | None = None
    tools: Any = None


class _CdxRating(Struct):
    severity: str | None = None
    score: float | None = None
    vector: str | None = None
    method: str | None = None


class _CdxSource(Struct):
    name: str | None = None
    url: str | None = None


class _CdxReference(Struct):
    id: str | None = None


class _CdxAdvisory(Struct):
    url: str | None = None


class _CdxAnalysis(Struct):
    state: str | None = None
    justification: str | None = None
    detail: str | None = None


class _CdxAffected(Struct):
    ref: str


class _CdxVulnerability(Struct):
    id: str
    source: _CdxSource | None = None
    references: list[_CdxReference] | None = None
    ratings: list[_CdxRating] | None = None
    cwes: list[int] | None = None
    description: str | None = None
    recommendation: str | None = None
    advisories: list[_CdxAdvisory] | None = None
    analysis: _CdxAnalysis | None = None
    affects: list[_CdxAffected] | None = None
    updated: str | None = None


class _CdxBom(Struct):
    metadata: _CdxMetadata | None = None
    components: list[_CdxComponent] | None = None
    vulnerabilities: list[_CdxVulnerability] | None = None


_DECODER = json.Decoder(_CdxBom)
_STATES: Final = {
    "not_affected": "not_affected", "false_positive": "not_affected", "resolved": "fixed",
    "resolved_with_pedigree": "fixed", "exploitable": "affected", "in_triage": "under_investigation",
}  # fmt: skip
_JUSTIFICATIONS: Final = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}
"""What of CycloneDX's justifications OpenVEX has a word for; `requires_...` is about nothing that it knows."""
_VERSION: Final = re.compile(r"(?:[Uu]pgrade|[Uu]pdate) (\S{1,300}) to (?:version )?([^;]+)")
"""How Trivy writes what fixes a vulnerability, once for each package, between semicolons."""
_MAX_DEPTH: Final = 20
"""Levels of components inside one another."""


def read(data: bytes) -> Contents:
    """What a CycloneDX document says of an image, or of packages in any.

    Raises:
        OwnReportError: this program wrote it.
        ReportError: it has more than any image has.
    """
    bom = _DECODER.decode(data)
    meta = bom.metadata or _CdxMetadata()
    if PROGRAM in _tool_names(meta.tools):
        raise OwnReportError
    if bom.vulnerabilities is None:
        return Contents(
            note="it lists packages and no vulnerabilities: have a scanner read it, and keep what that writes"
        )
    number = sum(len(one.affects or ()) or 1 for one in bom.vulnerabilities)
    refuse_too_many(number)
    made, subject = day_of(meta.timestamp), meta.component
    if subject is None or subject.type != "container":
        return Contents(
            statements=tuple(
                _statement(one, meta.timestamp or "") for one in bom.vulnerabilities if one.analysis
            )
        )
    known = {c.bom_ref: c for c in _all(bom.components or [], _MAX_DEPTH) if c.bom_ref}
    found = [
        _vulnerability(one, known.get(affected.ref) or _named(affected.ref))
        for one in bom.vulnerabilities
        for affected in one.affects or ()
        if affected.ref != subject.bom_ref or subject.bom_ref not in known
    ]
    notes = [
        p.value
        for p in subject.properties or ()
        if p.value and p.name and p.name.startswith("aquasecurity:trivy:")
    ]
    purl = purl_of(subject.purl or "")
    where = dict(purl.qualifiers) if purl else {}
    named = (
        _reference(subject),
        where.get("repository_url") and f"{where['repository_url']}:{where.get('tag', 'latest')}",
    )
    digests = (subject.name, subject.version, purl and purl.version, *notes)
    system = next((c for c in known.values() if c.type == "operating-system"), None)
    image = ImageReport(
        names_in(
            (
                *(named if where.get("tag") else named[:1]),
                *(n for n in notes if ":" in n and "sha256:" not in n),
            )
        ),
        digests_in(text for text in digests if text and "sha256:" in text),
        tuple(found),
        _tool(meta.tools),
        made=made,
        system=clean(f"{system.name} {system.version or ''}".strip(), 80) if system else "",
        pinned=first_digest((purl.version if purl else "", subject.name)),
    )
    return Contents((image,))


def _reference(subject: _CdxComponent) -> str:
    name, version = clean(subject.name), clean(subject.version)
    if not version or version.startswith("sha256:") or ":" in name.rpartition("/")[2] or "@" in name:
        return name
    return f"{name}:{version}"


def _all(components: list[_CdxComponent], depth: int) -> list[_CdxComponent]:
    below = [
        more for one in components if one.components and depth for more in _all(one.components, depth - 1)
    ]
    return components + below


def _named(ref: str) -> _CdxComponent:
    """What a reference to no component of the document says of it, if it is a package URL."""
    purl = purl_of(ref.partition("#")[2] or ref)
    if purl is None:
        return _CdxComponent(ref)
    return _CdxComponent(
        purl.name.rpartition("/")[2], version=purl.version, purl=ref.partition("#")[2] or ref
    )


def _tools(tools: Any) -> list[dict[str, Any]]:
    """The tools that made a document, as CycloneDX has them since 1.5, or as it had them before."""
    listed = tools.get("components") if isinstance(tools, dict) else tools
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _tool_names(tools: Any) -> set[str]:
    return {one["name"] for one in _tools(tools) if isinstance(one.get("name"), str)}


def _tool(tools: Any) -> str:
    first = next(iter(_tools(tools)), {})
    name, version = first.get("name"), first.get("version")
    named = {"trivy": "Trivy", "grype": "Grype"}.get(name, name) if isinstance(name, str) else "CycloneDX"
    return clean(f"{named} {version}" if isinstance(version, str) else named, 80)


def _vulnerability(one: _CdxVulnerability, component: _CdxComponent) -> Vulnerability:
    ratings = one.ratings or []
    rated = [severity for rating in ratings if (severity := severity_of(rating.severity))]
    best = max(
        (r for r in ratings if r.score),
        key=lambda r: ("4" in (r.method or ""), r.score or 0),
        default=_CdxRating(),
    )
    severity = max(rated, default=None) or severity_of_score(best.score or 0)
    vector = clean(best.vector, 200)
    advice = dict(_VERSION.findall(clean(one.recommendation, 4_000)))
    fixed = advice.get(component.name, "").split(",")
    status, reason, justification = _analysed(one)
    weaknesses = [f"CWE-{number}" for number in one.cwes or ()]
    links = (one.source.url if one.source else "", *(a.url for a in one.advisories or ()))
    return Vulnerability(
        clean(one.id, 100),
        clean(component.name),
        clean(component.version, 200),
        tuple(clean(version.strip(" ."), 200) for version in fixed if version.strip(" .")),
        severity,
        tuple(
            dict.fromkeys(clean(r.id, 100) for r in (one.references or ())[:20] if r.id and r.id != one.id)
        ),
        clean(component.purl),
        vector,
        float(best.score or 0),
        rce=runs_code((one.description,), weaknesses, vector),
        title=first_line(one.description),
        url=next(filter(None, map(link, links)), ""),
        status=status,
        reason=reason,
        justification=justification,
    )


def _analysed(one: _CdxVulnerability) -> tuple[str, str, str]:
    """The status, why in words, and as one of OpenVEX's justifications."""
    said = one.analysis or _CdxAnalysis()
    reason = clean(said.detail, MAX_TEXT) or clean((said.justification or "").replace("_", " "), 100)
    status = _STATES.get(said.state or "", "")
    why = _JUSTIFICATIONS.get(said.justification or "", "") if status == "not_affected" else ""
    return status, reason, why


def _statement(one: _CdxVulnerability, made: str) -> Statement:
    status, reason, justification = _analysed(one)
    named = frozenset(clean(name, 100) for name in (one.id, *(r.id for r in one.references or ())) if name)
    products = tuple([Product(clean(a.ref.partition("#")[2] or a.ref)) for a in one.affects or ()])
    return Statement(
        named,
        products,
        status or "under_investigation",
        reason,
        "CycloneDX",
        made=clean(one.updated or made, 40),
        justification=justification,
    )
