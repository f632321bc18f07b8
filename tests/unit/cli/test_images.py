"""What a scan says of images where there are reports, and that nothing is different where there are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import images
from support.images import NGINX, as_bytes
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.evidence.model import NO_REPORT

if TYPE_CHECKING:
    from pathlib import Path

SHOP = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      containers:
      - name: web
        image: {NGINX}
      - name: side
        image: busybox:1.36
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: shop}
spec: {type: LoadBalancer, selector: {app: shop}, ports: [{port: 80}]}
"""
RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
subjects: [{kind: ServiceAccount, name: shop, namespace: shop}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a workload that is reached from outside."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "service.yaml").write_text(SERVICE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scan(*arguments: str, status: int | None = None) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["scan", "-f", "json", "--fail-on", "none", *(arguments or (".",))])
    if status is not None:
        assert result.exit_code == status, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def of_images(report: dict[str, Any]) -> dict[str, str]:
    return {
        one["control"]: one["message"] for one in report["findings"] if one["control"].startswith("KS-006")
    }


def test_the_image_line_says_what_is_known(here: Path) -> None:
    (here / "shop.grype.json").write_bytes(as_bytes(images.grype()))
    report = scan(status=0)
    found = of_images(report)
    assert found["KS-0060"] == (
        "image of container 'web': 1 critical, 1 high; 1 has a fix; reachable from outside (LoadBalancer shop); "
        "exploited today: CVE-2026-0001 in libssl3"
    )
    assert set(found) == {"KS-0060", "KS-0063", "KS-0064", "KS-0065"}
    (finding,) = (one for one in report["findings"] if one["control"] == "KS-0060")
    assert finding["range"]["start"] == {"line": 11, "column": 9}
    assert [place["file"] for place in finding["related"]] == ["service.yaml"]
    unknown = next(one for one in report["controls"] if one["id"] == "KS-0060")["notEvaluated"]
    assert unknown is None
    unknown = next(one for one in report["controls"] if one["id"] == "KS-0061")["notEvaluated"]
    assert [(one["line"], one["reason"]) for one in unknown["reasons"]] == [(13, NO_REPORT)]
    assert report["notScanned"] == []


def test_what_the_workload_may_do_is_said_with_it(here: Path) -> None:
    (here / "shop.grype.json").write_bytes(as_bytes(images.grype()))
    (here / "service.yaml").write_text(RIGHTS)
    (here / "shop.yaml").write_text(
        SHOP.replace("      containers:", "      serviceAccountName: shop\n      containers:")
    )
    message = "image of container 'web': 1 critical, 1 high; 1 has a fix; "
    rights = "its service account can change pods or read Secrets (Role reader); "
    assert of_images(scan())["KS-0060"].startswith(message + rights)
    (here / "service.yaml").write_text(RIGHTS.replace("shop, namespace: shop}]", "other, namespace: shop}]"))
    assert of_images(scan())["KS-0060"].startswith(message + "exploited")


def test_without_reports_nothing_is_different(here: Path) -> None:
    report = scan(status=0)
    assert not {one["id"] for one in report["controls"]} & {"KS-0060", "C-0083"}
    assert [framework["id"] for framework in report["summary"]["frameworks"]] == ["recommended"]
    told = scan("--control", "C-0083", ".", status=0)
    (control,) = told["controls"]
    assert control["notEvaluated"]["reasons"][0]["reason"].endswith("there is no scanner and no report")


def test_who_names_controls_or_frameworks_gets_those(here: Path) -> None:
    (here / "shop.grype.json").write_bytes(as_bytes(images.grype()))
    assert of_images(scan("--framework", "nsa", ".")) == {}
    assert set(of_images(scan("--framework", "images", "."))) == {"KS-0060", "KS-0063", "KS-0064", "KS-0065"}
    assert [one["control"] for one in scan("--control", "C-0083", ".")["findings"]] == ["C-0083"]
    (here / ".kscan.yaml").write_text("frameworks: [nsa]\ncontrols: {exclude: [KS-0060]}\n")
    assert set(of_images(scan())) == {"KS-0063", "KS-0064", "KS-0065"}


def test_a_report_that_cannot_be_used_is_said_and_fails(here: Path) -> None:
    (here / "shop.grype.json").write_bytes(b"{")
    report = scan(status=2)
    (problem,) = report["problems"]
    assert (problem["file"], problem["line"]) == ("shop.grype.json", 1)
    assert problem["message"].startswith("this report is left out: it is no JSON")
    (here / "shop.grype.json").write_bytes(as_bytes({"spdxVersion": "SPDX-2.3"}))
    (problem,) = scan(status=0)["problems"]
    assert problem["message"].startswith("nothing follows from this report")
