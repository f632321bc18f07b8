"""Reports of one image in every form, with the fields that the programs write, and what each says of it."""

from __future__ import annotations

import json
from typing import Any

DIGEST = "sha256:" + "ab" * 32
CONFIG = "sha256:" + "cd" * 32
NGINX = "nginx:1.25.3"
OPENSSL = "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12.2"
CURL = "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12.2"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def trivy(name: str = NGINX, *, day: str = "2026-01-10", **changes: Any) -> dict[str, Any]:
    report = {
        "SchemaVersion": 2,
        "ReportID": "019b9a3c-5d5a-7f0e-8f5f-0d9c1b2a3c4d",
        "CreatedAt": f"{day}T09:08:07.123456789+01:00",
        "Trivy": {"Version": "0.69.1"},
        "ArtifactName": name,
        "ArtifactType": "container_image",
        "Metadata": {
            "Size": 190000000,
            "OS": {"Family": "debian", "Name": "12.2", "EOSL": True},
            "ImageID": CONFIG,
            "DiffIDs": ["sha256:" + "12" * 32],
            "RepoTags": [name],
            "RepoDigests": [f"nginx@{DIGEST}"],
            "ImageConfig": {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["nginx"]}},
        },
        "Results": [
            {
                "Target": f"{name} (debian 12.2)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2026-0001",
                        "VendorIDs": ["DSA-5532-1"],
                        "PkgID": "libssl3@3.0.11-1~deb12u1",
                        "PkgName": "libssl3",
                        "PkgIdentifier": {"PURL": OPENSSL, "UID": "f0e1"},
                        "InstalledVersion": "3.0.11-1~deb12u1",
                        "FixedVersion": "3.0.11-1~deb12u2, 3.0.13-1",
                        "Status": "fixed",
                        "Layer": {"DiffID": "sha256:" + "12" * 32},
                        "SeveritySource": "debian",
                        "PrimaryURL": "https://avd.aquasec.com/nvd/cve-2026-0001",
                        "Title": "openssl: remote code execution in the parser",
                        "Description": "A remote attacker can execute arbitrary code.",
                        "Severity": "CRITICAL",
                        "CweIDs": ["CWE-787"],
                        "VendorSeverity": {"nvd": 4},
                        "CVSS": {"nvd": {"V3Vector": VECTOR, "V3Score": 9.8}},
                        "References": ["https://example.com/1"],
                        "PublishedDate": "2025-12-01T00:00:00Z",
                    },
                    {
                        "VulnerabilityID": "CVE-2026-0002",
                        "PkgName": "curl",
                        "PkgIdentifier": {"PURL": CURL},
                        "InstalledVersion": "7.88.1-10",
                        "Status": "affected",
                        "Severity": "HIGH",
                    },
                ],
            },
            {"Target": "usr/share/doc", "Class": "lang-pkgs", "Type": "node-pkg"},
        ],
    }
    return {**report, **changes}


def grype(name: str = NGINX, *, day: str = "2026-01-10", **changes: Any) -> dict[str, Any]:
    report = {
        "matches": [
            {
                "vulnerability": {
                    "id": "CVE-2026-0001",
                    "dataSource": "https://security-tracker.debian.org/tracker/CVE-2026-0001",
                    "namespace": "debian:distro:debian:12",
                    "severity": "Critical",
                    "urls": [],
                    "cvss": [],
                    "epss": [
                        {"cve": "CVE-2026-0001", "epss": 0.91, "percentile": 0.99, "date": "2026-01-09"}
                    ],
                    "knownExploited": [
                        {
                            "cve": "CVE-2026-0001",
                            "vendorProject": "OpenSSL",
                            "product": "OpenSSL",
                            "dateAdded": "2026-01-02",
                        }
                    ],
                    "cwes": [{"cve": "CVE-2026-0001", "cwe": "CWE-94", "source": "nvd", "type": "Primary"}],
                    "fix": {"versions": ["3.0.11-1~deb12u2", "3.0.13-1"], "state": "fixed"},
                    "advisories": [],
                    "risk": 91.2,
                },
                "relatedVulnerabilities": [
                    {
                        "id": "CVE-2026-0001",
                        "dataSource": "https://nvd.nist.gov/vuln/detail/CVE-2026-0001",
                        "namespace": "nvd:cpe",
                        "severity": "Critical",
                        "description": "openssl: remote code execution in the parser",
                        "cvss": [
                            {
                                "source": "nvd@nist.gov",
                                "type": "Primary",
                                "version": "3.1",
                                "vector": VECTOR,
                                "metrics": {"baseScore": 9.8, "exploitabilityScore": 3.9, "impactScore": 5.9},
                                "vendorMetadata": {},
                            }
                        ],
                    },
                    {"id": "DSA-5532-1", "namespace": "debian:advisory"},
                ],
                "matchDetails": [{"type": "exact-indirect-match", "matcher": "dpkg-matcher"}],
                "artifact": {
                    "id": "9f",
                    "name": "libssl3",
                    "version": "3.0.11-1~deb12u1",
                    "type": "deb",
                    "locations": [{"path": "/var/lib/dpkg/status"}],
                    "purl": OPENSSL,
                    "upstreams": [{"name": "openssl"}],
                },
            },
            {
                "vulnerability": {
                    "id": "CVE-2026-0002",
                    "severity": "High",
                    "fix": {"versions": [], "state": "not-fixed"},
                },
                "relatedVulnerabilities": [],
                "artifact": {"name": "curl", "version": "7.88.1-10", "type": "deb", "purl": CURL},
            },
        ],
        "source": {
            "type": "image",
            "target": {
                "userInput": name,
                "imageID": CONFIG,
                "manifestDigest": DIGEST,
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "tags": [name],
                "imageSize": 190000000,
                "layers": [],
                "manifest": "e30=",
                "config": "e30=",
                "repoDigests": [f"nginx@{DIGEST}"],
                "architecture": "amd64",
                "os": "linux",
            },
        },
        "distro": {"name": "debian", "version": "12.2", "idLike": []},
        "descriptor": {
            "name": "grype",
            "version": "0.104.0",
            "configuration": {"output": ["json"]},
            "db": {"status": {"schemaVersion": "v6.1.0", "built": "2026-01-09T06:00:00Z", "valid": True}},
            "timestamp": f"{day}T09:08:07.123456789+01:00",
        },
        "alertsByPackage": [
            {
                "package": {"name": "libssl3", "version": "3.0.11-1~deb12u1"},
                "alerts": [
                    {"type": "distro-eol", "message": "m", "metadata": {"name": "debian", "version": "12.2"}}
                ],
            }
        ],
    }
    return {**report, **changes}


def manifest(name: str = NGINX) -> dict[str, Any]:
    """A VulnerabilityManifest of Kubescape's operator."""
    payload = grype(name)
    payload["descriptor"] = {"name": "", "version": ""}
    del payload["source"]
    return {
        "apiVersion": "spdx.softwarecomposition.kubescape.io/v1beta1",
        "kind": "VulnerabilityManifest",
        "metadata": {
            "name": "nginx-1.25.3-abcdef",
            "namespace": "kubescape",
            "creationTimestamp": "2026-01-10T08:00:00Z",
            "annotations": {
                "kubescape.io/image-id": f"docker.io/library/nginx@{DIGEST}",
                "kubescape.io/image-tag": name,
                "kubescape.io/status": "ready",
            },
            "labels": {"kubescape.io/image-name": "nginx", "kubescape.io/context": "non-filtered"},
        },
        "spec": {
            "metadata": {
                "withRelevancy": False,
                "tool": {"name": "grype", "version": "v0.104.0", "databaseVersion": "sha256:1"},
                "report": {"createdAt": "2026-01-10T08:00:00Z"},
            },
            "payload": payload,
        },
    }


def kubescape(*names: str) -> dict[str, Any]:
    """What `kubescape scan --scan-images -f json` writes of images."""
    cves = [
        {"severity": "Critical", "id": "CVE-2026-0001", "package": "libssl3", "version": "3.0.11-1~deb12u1",
         "fixVersions": ["3.0.11-1~deb12u2", "3.0.13-1"], "fixedState": "fixed"},
        {"severity": "High", "id": "CVE-2026-0002", "package": "curl", "version": "7.88.1-10", "fixVersions": [],
         "fixedState": "not-fixed"},
    ]  # fmt: skip
    return {
        "clusterName": "",
        "generationTime": "2026-01-10T08:00:00Z",
        "summaryDetails": {
            "controls": {},
            "frameworks": [],
            "score": 12.5,
            "vulnerabilities": {
                "mapsSeverityToSummary": {"Critical": {"numberOfCVEs": 1, "numberOfFixableCVEs": 1}},
                "CVEs": cves,
                "packageScores": {},
                "images": list(names or (NGINX,)),
            },
        },
    }


def cyclonedx(name: str = NGINX, **changes: Any) -> dict[str, Any]:
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "version": 1,
        "metadata": {
            "timestamp": "2026-01-10T08:00:00+00:00",
            "tools": {"components": [{"type": "application", "name": "trivy", "version": "0.69.1"}]},
            "component": {
                "bom-ref": f"pkg:oci/nginx@{DIGEST}?arch=amd64&repository_url=index.docker.io%2Flibrary%2Fnginx",
                "type": "container",
                "name": name,
                "purl": f"pkg:oci/nginx@{DIGEST}?arch=amd64&repository_url=index.docker.io%2Flibrary%2Fnginx",
                "properties": [
                    {"name": "aquasecurity:trivy:ImageID", "value": CONFIG},
                    {"name": "aquasecurity:trivy:RepoDigest", "value": f"nginx@{DIGEST}"},
                    {"name": "aquasecurity:trivy:RepoTag", "value": name},
                    {"name": "aquasecurity:trivy:SchemaVersion", "value": "2"},
                ],
            },
        },
        "components": [
            {"bom-ref": "os", "type": "operating-system", "name": "debian", "version": "12.2"},
            {"bom-ref": OPENSSL, "type": "library", "name": "libssl3", "version": "3.0.11-1~deb12u1", "purl": OPENSSL},
            {"bom-ref": CURL, "type": "library", "name": "curl", "version": "7.88.1-10", "purl": CURL},
        ],
        "dependencies": [],
        "vulnerabilities": [
            {
                "id": "CVE-2026-0001",
                "source": {"name": "debian", "url": "https://salsa.debian.org/security-tracker-team/security-tracker"},
                "references": [{"id": "DSA-5532-1", "source": {"name": "debian"}}],
                "ratings": [
                    {"source": {"name": "nvd"}, "score": 9.8, "severity": "critical", "vector": VECTOR,
                     "method": "CVSSv31"},
                ],
                "cwes": [94],
                "description": "openssl: remote code execution in the parser",
                "recommendation": "Upgrade libssl3 to version 3.0.11-1~deb12u2, 3.0.13-1",
                "advisories": [{"url": "https://example.com/1"}],
                "affects": [{"ref": OPENSSL, "versions": [{"version": "3.0.11-1~deb12u1", "status": "affected"}]}],
            },
            {"id": "CVE-2026-0002", "ratings": [{"severity": "high"}], "affects": [{"ref": CURL}]},
        ],
    }  # fmt: skip
    return {**document, **changes}


def sarif_of_trivy(name: str = NGINX) -> dict[str, Any]:
    def result(cve: str, package: str, version: str, severity: str, fixed: str) -> dict[str, Any]:
        text = (
            f"Package: {package}\nInstalled Version: {version}\nVulnerability {cve}\nSeverity: {severity}\n"
            f"Fixed Version: {fixed}\nLink: [{cve}](https://avd.aquasec.com/nvd/{cve.lower()})"
        )
        return {"ruleId": cve, "ruleIndex": 0, "level": "error", "message": {"text": text}, "locations": []}

    rule = {
        "id": "CVE-2026-0001",
        "name": "OsPackageVulnerability",
        "shortDescription": {"text": "openssl: remote code execution in the parser"},
        "fullDescription": {"text": "A remote attacker can execute arbitrary code."},
        "helpUri": "https://avd.aquasec.com/nvd/cve-2026-0001",
        "help": {
            "text": "Vulnerability CVE-2026-0001\nSeverity: CRITICAL\nPackage: libssl3\nFixed Version: 1\nLink: x"
        },
        "properties": {"precision": "very-high", "security-severity": "9.8", "cvssv3_vector": VECTOR},
    }
    return {
        "version": "2.1.0",
        "$schema": "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "fullName": "Trivy Vulnerability Scanner",
                        "name": "Trivy",
                        "version": "0.69.1",
                        "rules": [rule],
                    }
                },
                "results": [
                    result("CVE-2026-0001", "libssl3", "3.0.11-1~deb12u1", "CRITICAL", "3.0.11-1~deb12u2, 3.0.13-1"),
                    result("CVE-2026-0002", "curl", "7.88.1-10", "HIGH", ""),
                    {"ruleId": "aws-access-key-id", "message": {"text": "Artifact: a\nSecret AWS\nSeverity: HIGH"}},
                ],
                "columnKind": "utf16CodeUnits",
                "properties": {
                    "imageID": CONFIG,
                    "imageName": name,
                    "repoDigests": [f"nginx@{DIGEST}"],
                    "repoTags": [name],
                },
            }
        ],
    }  # fmt: skip


def sarif_of_grype(name: str = NGINX) -> dict[str, Any]:
    def rule(cve: str, package: str, version: str, severity: str, fixed: str) -> dict[str, Any]:
        text = (
            f"Vulnerability {cve}\nSeverity: {severity}\nPackage: {package}\nVersion: {version}\nFix Version: {fixed}\n"
            f"Type: deb\nLocation: /var/lib/dpkg/status\nData Namespace: debian:distro:debian:12\nLink: [{cve}](https://x)"
        )
        return {
            "id": f"{cve}-{package}",
            "name": "DpkgMatcherExactIndirectMatch",
            "shortDescription": {"text": f"{cve} {severity} vulnerability for {package} package"},
            "fullDescription": {"text": "remote code execution in the parser" if fixed else "a leak"},
            "help": {"text": text},
            "properties": {"security-severity": "9.8" if fixed else "7.5"},
        }

    def result(cve: str, package: str, version: str, severity: str) -> dict[str, Any]:
        text = f"A {severity} vulnerability in deb package: {package}, version {version} was found in image {name}"
        return {"ruleId": f"{cve}-{package}", "message": {"text": text}, "locations": []}

    rules = [
        rule("CVE-2026-0001", "libssl3", "3.0.11-1~deb12u1", "critical", "3.0.11-1~deb12u2,3.0.13-1"),
        rule("CVE-2026-0002", "curl", "7.88.1-10", "high", ""),
    ]
    results = [
        result("CVE-2026-0001", "libssl3", "3.0.11-1~deb12u1", "critical"),
        result("CVE-2026-0002", "curl", "7.88.1-10", "high"),
    ]
    driver = {
        "name": "grype",
        "version": "0.104.0",
        "informationUri": "https://github.com/anchore/grype",
        "rules": rules,
    }
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def openvex(
    product: str, status: str = "not_affected", cve: str = "CVE-2026-0001", **changes: Any
) -> dict[str, Any]:
    statement = {
        "vulnerability": {"name": cve},
        "products": [{"@id": product}],
        "status": status,
        "justification": "vulnerable_code_not_in_execute_path",
        **changes,
    }
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "The shop's team",
        "timestamp": "2026-01-11T00:00:00Z",
        "version": 1,
        "statements": [statement],
    }


def csaf(purl: str, *, image: str = "") -> dict[str, Any]:
    helper = {"product_identification_helper": {"purl": purl}}
    names = [
        {"category": "product_version", "name": "v", "product": {"name": "n", "product_id": "P", **helper}}
    ]
    tree: dict[str, Any] = {"branches": [{"category": "vendor", "name": "Shop", "branches": names}]}
    subject = "P"
    if image:
        tree["full_product_names"] = [
            {"name": "i", "product_id": "I", "product_identification_helper": {"purl": image}}
        ]
        tree["relationships"] = [
            {
                "category": "default_component_of",
                "full_product_name": {"name": "n in i", "product_id": "P:I"},
                "product_reference": "P",
                "relates_to_product_reference": "I",
            }
        ]
        subject = "P:I"
    return {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "publisher": {"category": "vendor", "name": "Shop", "namespace": "https://example.com"},
            "title": "VEX",
            "tracking": {
                "id": "1",
                "status": "final",
                "version": "1",
                "current_release_date": "2026-01-11T00:00:00Z",
                "initial_release_date": "2026-01-11T00:00:00Z",
                "revision_history": [],
            },
        },
        "product_tree": tree,
        "vulnerabilities": [
            {
                "cve": "CVE-2026-0001",
                "product_status": {"known_not_affected": [subject]},
                "flags": [{"label": "vulnerable_code_not_present", "product_ids": [subject]}],
            }
        ],
    }


FORMS = {
    "trivy": trivy(),
    "grype": grype(),
    "manifest": manifest(),
    "manifests": {"apiVersion": "v1", "kind": "List", "items": [manifest()]},
    "kubescape": kubescape(),
    "cyclonedx": cyclonedx(),
    "sarif of trivy": sarif_of_trivy(),
    "sarif of grype": sarif_of_grype(),
}
"""A report of the same image in each form."""


def as_bytes(data: object) -> bytes:
    return json.dumps(data).encode()
