"""What is known of images as a bill of materials with VEX: CycloneDX 1.6, as JSON, for programs that track those.

One BOM for a scan. Each image is a component, and has those of its packages that have a vulnerability. What stands in
it depends on the report alone: there is no time in it, and its serial number is made of the rest. Findings of controls
are no part of it: the form knows none.
Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import __version__
from kscan_lsp.regex import regex
from kscan_lsp.report.exchange import named, one_line

if TYPE_CHECKING:
    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Report

_STATES: Final = {
    "affected": "exploitable",
    "not_affected": "not_affected",
    "fixed": "resolved",
    "under_investigation": "in_triage",
}
"""What a VEX status is to CycloneDX. What is ignored has no state there: nobody has said why, or for how long."""
_JUSTIFICATIONS: Final = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
"""OpenVEX's reasons that mean the same in CycloneDX; any other stands in `detail` alone."""
_METHODS: Final = {"CVSS:3.0/": "CVSSv3", "CVSS:3.1/": "CVSSv31", "CVSS:4.0/": "CVSSv4"}
_SHA256: Final = regex(r"sha256:([0-9a-f]{64})")


def render(report: Report) -> str:
    """The BOM as text."""
    known = [(f"image:{at}", image) for at, image in enumerate(report.images, 1)]
    bom: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "kscan", "version": __version__}]}
        },
        "components": [_image(ref, image) for ref, image in known],
        "vulnerabilities": [one for ref, image in known for one in _vulnerabilities(ref, image)],
    }
    content = json.dumps(bom, sort_keys=True)
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    return json.dumps(bom, indent=2) + "\n"


def _image(ref: str, image: ReportedImage) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "container", "bom-ref": ref, "name": one_line(image.reference)}
    if image.digest:
        component["version"] = one_line(image.digest)
    if digest := _SHA256.fullmatch(image.digest):
        component["hashes"] = [{"alg": "SHA-256", "content": digest[1]}]
    packages = {
        _package_ref(ref, one): _package(ref, one) for one in (*image.vulnerabilities, *image.settled)
    }
    if packages:
        component["components"] = list(packages.values())
    component["properties"] = [
        {"name": f"kscan:{name}", "value": one_line(value)}
        for name, values in (
            ("source", (image.source or "no report",)),
            ("workload", map(named, image.workloads)),
            ("exposure", image.exposure),
        )
        for value in values
    ]
    return component


def _package_ref(ref: str, one: Vulnerability) -> str:
    """What a package of an image is referred to by: two images may have the same one, and one statement each."""
    return one_line(f"{ref}/{one.purl or f'{one.package}@{one.installed}'}")


def _package(ref: str, one: Vulnerability) -> dict[str, Any]:
    package = {"type": "library", "bom-ref": _package_ref(ref, one), "name": one_line(one.package)}
    if one.installed:
        package["version"] = one_line(one.installed)
    if one.purl:
        package["purl"] = one_line(one.purl)
    return package


def _vulnerabilities(ref: str, image: ReportedImage) -> list[dict[str, Any]]:
    """Each vulnerability of an image once, with all packages that have it and of which the same is said."""
    said: dict[tuple[object, ...], dict[str, Any]] = {}
    for one in (*image.vulnerabilities, *image.settled):
        key = (one.id, one.fixed, one.status, one.reason, one.severity, one.vector, one.score)
        entry = said.setdefault(key, _vulnerability(image, one))
        affected = {"ref": _package_ref(ref, one)}
        if affected not in entry["affects"]:
            entry["affects"].append(affected)
    return [{"bom-ref": f"{ref}/vulnerability:{at}", **entry} for at, entry in enumerate(said.values(), 1)]


def _vulnerability(image: ReportedImage, one: Vulnerability) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": one_line(one.id),
        "source": {"name": one_line(image.source)},
        "affects": [],
    }
    if one.aliases:
        source = {"name": one_line(image.source)}
        entry["references"] = [
            {"id": one_line(alias), "source": source} for alias in dict.fromkeys(one.aliases)
        ]
    rating: dict[str, Any] = {"severity": one.severity.label if one.severity else "unknown"}
    if one.score:
        rating["score"] = one.score
    if one.vector:
        rating |= {"method": _METHODS.get(one.vector[:9], "other"), "vector": one_line(one.vector)}
    entry["ratings"] = [rating]
    if one.title:
        entry["description"] = one_line(one.title)
    if one.fixed:
        entry["recommendation"] = one_line(f"Update to {' or '.join(one.fixed)}")
    if analysis := _analysis(one):
        entry["analysis"] = analysis
    if one.kev:
        entry["properties"] = [{"name": "kscan:kev", "value": "true"}]
    return entry


def _analysis(one: Vulnerability) -> dict[str, Any]:
    """What a statement says of it; nothing where there is none."""
    if not one.status:
        return {}
    analysis: dict[str, Any] = {}
    if state := _STATES.get(one.status):
        analysis["state"] = state
    if one.status == "not_affected" and one.justification in _JUSTIFICATIONS:
        analysis["justification"] = _JUSTIFICATIONS[one.justification]
    if one.status in {"affected", "fixed"} and one.fixed:
        analysis["response"] = ["update"]
    if detail := ": ".join(filter(None, ("" if state else one.status, one.reason))):
        analysis["detail"] = one_line(detail)
    return analysis
