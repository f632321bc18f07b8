"""The packaged extension in the real VS Code workbench, offline. See `workbench.py` for how it is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from workbench import EXTENSION, PATIENCE, Workbench, lacking, workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHECKOUT = EXTENSION.parent
SETTLEMENT = CHECKOUT / "examples/payments/insecure/settlement.yaml"

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostPID: true
  containers:
    - name: api
      image: registry.example.com/shop/api:1.0
      resources: {limits: {memory: 64Mi}}
      securityContext:
        runAsUser: 1000
        runAsGroup: 1000
        allowPrivilegeEscalation: false
        privileged: true # since the migration
"""
PRIVILEGED, HOST_PID = ("error", "privileged: true"), ("error", "hostPID: true")


@pytest.fixture(scope="module")
def vsix() -> Path:
    """The VSIX of this checkout, which `.ci/test` makes before the tests."""
    why_not = lacking(EXTENSION)
    if why_not is not None:
        reason = f"{why_not}; .ci/test makes ready what it can"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    (found,) = EXTENSION.glob("*.vsix")
    return found


@pytest.fixture(scope="module")
def trusting(vsix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench that trusts every folder."""
    with workbench(tmp_path_factory.mktemp("trusting"), vsix, trust=True) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one manifest, `pod.yaml`."""
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path


def test_squiggles_follow_the_text(trusting: Workbench, folder: Path) -> None:
    with trusting.window(folder) as window:
        window.open("pod.yaml")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])
        window.go_to(6, 12)
        window.page.keyboard.press("Shift+End")
        window.page.keyboard.type("false")
        window.wait_for_squiggles([PRIVILEGED])
        window.page.keyboard.press("Control+z")
        window.wait_for_squiggles([HOST_PID, PRIVILEGED])


def test_problems_panel_lists_what_the_command_line_reports(trusting: Workbench, folder: Path) -> None:
    manifest = folder / "settlement.yaml"
    manifest.write_text(SETTLEMENT.read_text())
    command = [sys.executable, "-m", "kscan_lsp", "scan", "--format", "json", str(manifest)]
    scan = subprocess.run(command, capture_output=True, text=True, check=False)
    findings = [finding for finding in json.loads(scan.stdout)["findings"] if finding["status"] == "open"]
    with trusting.window(folder) as window:
        window.open(manifest.name)
        window.run("View: Toggle Problems")
        rows = window.page.locator(".markers-panel .monaco-list-row[aria-level='2']")
        expect(rows).to_have_count(len(findings), timeout=PATIENCE)
        for finding in findings:
            row = rows.filter(has_text=finding["message"]).filter(has_text=finding["control"])
            expect(row.first).to_contain_text(f"[Ln {finding['range']['start']['line']}, ")
