"""CycloneDX documents as JSON, 1.4 and newer, with vulnerabilities, and with what `analysis` says of them (VEX).

Source: https://cyclonedx.org/docs/1.6/json/. A document without any vulnerability is an inventory: nobody has looked.
One without a component of its own, or that is about no container, says by `analysis` what of packages does not matter.
"""

from __future__ import annotations

from typing import Final

from msgspec import json

from kscan_lsp.evidence.images import ImageReport, Vulnerability
from kscan_lsp.evidence.sources.common import (
    MAX_TEXT,
    PROGRAM,
    Contents,
    OwnReportError,
    clean,
    day_of,
    first_line,
    link,
    moment_of,
    refuse_too_many,
    runs_code,
    score_of,
    severity_of,
    severity_of_score,
)
from kscan_lsp.evidence.sources.cyclonedx_document import (
    CdxAnalysis,
    CdxBom,
    CdxComponent,
    CdxMetadata,
    CdxRating,
    CdxVulnerability,
    components_in,
    subject_of,
    tool_of,
    tools_in,
)
from kscan_lsp.evidence.sources.cyclonedx_inventory import inventory_of
from kscan_lsp.evidence.vex import Product, Statement, purl_of
from kscan_lsp.regex import regex

_DECODER = json.Decoder(CdxBom)
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
_VERSION: Final = regex(r"(?:[Uu]pgrade|[Uu]pdate) (\S{1,300}) to (?:version )?([^;]+)")
"""How Trivy writes what fixes a vulnerability, once for each package, between semicolons."""


def read(data: bytes) -> Contents:
    """What a CycloneDX document says of an image, or of packages in any.

    Raises:
        OwnReportError: this program wrote it.
        ReportError: it has more than any image has.
    """
    bom = _DECODER.decode(data)
    meta = bom.metadata or CdxMetadata()
    if any(tool.get("name") == PROGRAM for tool in tools_in(meta.tools)):
        raise OwnReportError
    if not bom.vulnerabilities:
        # Trivy writes an empty list where it has not looked for any
        return inventory_of(bom)
    found = bom.vulnerabilities
    refuse_too_many(sum(len(one.affects or ()) or 1 for one in found))
    if meta.component is None or meta.component.type != "container":
        return Contents(
            statements=tuple(_statement(one, meta.timestamp or "") for one in found if one.analysis)
        )
    return Contents((_image(bom, meta, meta.component),))


def _image(bom: CdxBom, meta: CdxMetadata, subject: CdxComponent) -> ImageReport:
    components = components_in(bom)
    known = {c.bom_ref: c for c in components if c.bom_ref}
    found = [
        _vulnerability(one, known.get(affected.ref) or _named(affected.ref))
        for one in bom.vulnerabilities or ()
        for affected in one.affects or ()
        if affected.ref != subject.bom_ref or subject.bom_ref not in known
    ]
    about = subject_of(subject)
    system = next((c for c in components if c.type == "operating-system"), None)
    return ImageReport(
        about.names,
        about.digests,
        tuple(found),
        tool_of(meta.tools),
        made=day_of(meta.timestamp),
        system=clean(f"{system.name} {system.version or ''}".strip(), 80) if system else "",
        pinned=about.pinned,
    )


def _named(ref: str) -> CdxComponent:
    """What a reference to no component of the document says of it, if it is a package URL."""
    purl = purl_of(ref.partition("#")[2] or ref)
    if purl is None:
        return CdxComponent(ref)
    return CdxComponent(purl.name.rpartition("/")[2], version=purl.version, purl=ref.partition("#")[2] or ref)


def _vulnerability(one: CdxVulnerability, component: CdxComponent) -> Vulnerability:
    ratings = one.ratings or []
    rated = [severity for rating in ratings if (severity := severity_of(rating.severity))]
    best = max(
        (r for r in ratings if r.score),
        key=lambda r: ("4" in (r.method or ""), r.score or 0),
        default=CdxRating(),
    )
    severity = max(rated, default=None) or severity_of_score(score_of(best.score))
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
        score_of(best.score),
        rce=runs_code((one.description,), weaknesses, vector),
        title=first_line(one.description),
        url=next(filter(None, map(link, links)), ""),
        status=status,
        reason=reason,
        justification=justification,
    )


def _analysed(one: CdxVulnerability) -> tuple[str, str, str]:
    """The status, why in words, and as one of OpenVEX's justifications."""
    said = one.analysis or CdxAnalysis()
    reason = clean(said.detail, MAX_TEXT) or clean((said.justification or "").replace("_", " "), 100)
    status = _STATES.get(said.state or "", "")
    why = _JUSTIFICATIONS.get(said.justification or "", "") if status == "not_affected" else ""
    return status, reason, why


def _statement(one: CdxVulnerability, made: str) -> Statement:
    status, reason, justification = _analysed(one)
    named = frozenset(clean(name, 100) for name in (one.id, *(r.id for r in one.references or ())) if name)
    products = tuple([Product(clean(a.ref.partition("#")[2] or a.ref)) for a in one.affects or ()])
    return Statement(
        named,
        products,
        status or "under_investigation",
        reason,
        "CycloneDX",
        made=moment_of(one.updated or made),
        justification=justification,
    )
