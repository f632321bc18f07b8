"""SPDX documents: inventories, which have packages and no vulnerabilities.

They are recognised, so that somebody who puts one beside the manifests is told why nothing comes of it.
"""

from __future__ import annotations

from kscan_lsp.evidence.sources.common import Contents


def read(_: bytes) -> Contents:
    """Nothing, and why."""
    return Contents(
        note="it is an SPDX document, which lists packages and no vulnerabilities: have a scanner read it "
        "('grype sbom:FILE -o json', 'trivy sbom FILE -f json'), and keep what that writes"
    )
