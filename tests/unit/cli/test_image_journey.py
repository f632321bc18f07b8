"""The journey of a team: see what is wrong with manifests and images, fix both, and keep it so.

The scanner is real, its database and the images are those of the tests, and there is no network.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from support import scanning
from support.git import git, needs_git
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.workspace import image_scanner

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Trivy comes for Linux")

OLD, NEW = "registry.example/shop:1.0", "registry.example/shop:1.1"
MANIFEST = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  namespace: shop
spec:
  selector:
    matchLabels: {{app: shop}}
  template:
    metadata:
      labels: {{app: shop}}
    spec:
      hostPID: true
      containers:
      - name: web
        image: {OLD}  # the shop
        securityContext:
          privileged: true
---
apiVersion: v1
kind: Service
metadata: {{name: shop, namespace: shop}}
spec: {{type: LoadBalancer, selector: {{app: shop}}, ports: [{{port: 80}}]}}
"""
GATES = ("--fail-on", "critical", "--fail-on-cve", "high")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a workload, and archives of the image that it runs and of the next one."""
    folder = tmp_path / "checkout"
    archives = folder / ".kscan/images"
    archives.mkdir(parents=True)
    scanning.archive(archives / "old.tar", OLD)
    scanning.archive(archives / "new.tar", NEW, openssl="3.1.5-r0")
    (folder / "shop.yaml").write_text(MANIFEST)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "the shop")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(image_scanner.SCANNER, str(scanning.trivy()))
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(scanning.database(tmp_path / "trivy")))
    return folder


def kscan(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def scan(*arguments: str) -> tuple[dict[str, Any], Result]:
    result = kscan("scan", ".", "--scan-images", "-f", "json", *GATES, *arguments)
    assert result.stderr == ""
    return json.loads(result.stdout), result


def found(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["control"], one["resource"]["name"], one["path"]) for one in report["findings"]}


@needs_git
def test_from_what_is_wrong_to_a_gate_that_passes(here: Path) -> None:
    before, result = scan()
    assert result.exit_code == 1
    lines = {one["control"]: (one["range"]["start"]["line"], one["severity"]) for one in before["findings"]}
    assert lines["C-0057"] == (18, "high")
    assert lines["C-0038"][0] == 13
    assert lines["KS-0060"] == (16, "critical")
    (image,) = before["images"]
    assert (image["reference"], image["exposure"]) == (OLD, ["LoadBalancer shop"])
    assert [
        (v["id"], v["package"], v["installed"], v["fixed"], v["severity"]) for v in image["vulnerabilities"]
    ] == [("CVE-2026-0001", "openssl", "3.1.4-r0", ["3.1.5-r0"], "critical")]

    # the fixes, and the version that the archive of the next image shows to be better
    fixed = kscan("fix", ".", "--write", "--unsafe", "--verify")
    assert fixed.exit_code == 0, fixed.output
    text = (here / "shop.yaml").read_text()
    assert "privileged: true" not in text
    assert "hostPID: true" not in text
    assert "# the shop" in text
    (here / "shop.yaml").write_text(text.replace(OLD, NEW))

    after, result = scan()
    assert result.exit_code == 0, result.stdout
    assert found(after) < found(before), "nothing is new"
    assert not {"C-0057", "C-0038", "KS-0060", "KS-0061"} & {one["control"] for one in after["findings"]}
    (image,) = after["images"]
    assert (image["reference"], image["counts"], image["vulnerabilities"]) == (NEW, "nothing known", [])

    # what is left is written down, and from then on only what is new fails
    assert kscan("baseline", "create", ".", "--scan-images").exit_code == 0
    _, result = scan("--fail-on", "low")
    assert result.exit_code == 0, result.stdout
    # as a pull request it takes something away, and adds nothing
    comment = kscan("scan", ".", "--scan-images", "-f", "markdown", "--new-since", "HEAD", *GATES)
    assert comment.exit_code == 0
    assert f"- {NEW}: nothing new" in comment.stdout
    # whoever goes back is told
    (here / "shop.yaml").write_text(text)
    report, result = scan()
    assert result.exit_code == 1
    new = {one["control"] for one in report["findings"] if one["status"] == "open"}
    assert "KS-0060" in new
    assert "C-0057" not in new
