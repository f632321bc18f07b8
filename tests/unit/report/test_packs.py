"""Every report for a machine or a reviewer names the packs of policies that its verdicts rest on, with versions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, image: nginx}]\n"
USED = r"fintech \d+\.\d+\.\d+ \(sha256:[0-9a-f]{64}\)"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / ".kscan.yaml").write_text("extends: fintech\nframeworks: fintech\n")
    (tmp_path / "pod.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path)
    forms = ("json", "sarif", "junit", "markdown", "pretty")
    wide = {"COLUMNS": "200"}
    return {form: CliRunner().invoke(app, ["scan", "--format", form], env=wide).stdout for form in forms}


def test_packs_are_named_with_version_and_digest(told: dict[str, str]) -> None:
    assert {form for form, text in told.items() if not re.search(USED, text)} == {"sarif"}
    ((pack),) = json.loads(told["sarif"])["runs"][0]["tool"]["extensions"]
    assert f"{pack['name']} {pack['version']} ({pack['properties']['digest']})" in told["json"]
