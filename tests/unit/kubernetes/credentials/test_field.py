"""What people reported of credentials, in the inputs that lie beside a developer's checkout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "01-secret-path-env": set(),
    "02-plain-credentials": {f"env[{n}].value" for n in range(12)} | {"args[0]", "args[2]", "command[2]"},
    "03-envfrom-secret": set(),
    "37-sops": {"stringData.TOKEN"},
    "dev-05-credential-noise": {
        "data.STRIPE", "data.DATABASE_URL", 'data["application.yaml"]', "args[0]", "args[2]", "env[10].value",
        "env[11].value",
    },
    "sec-03-credentials-missed": {
        "stringData.password", 'stringData["tls.key"]', "data.password", "stringData.PASSWORD",
        'data["application.yaml"]', "data.DB_PASSWORD", "data.id_rsa", "args[0]", "args[1]", "command[2]",
        "env[0].value", "env[1].value", "env[2].value",
    },
}  # fmt: skip


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_right_places_are_reported(folder: str, shared: Path) -> None:
    options = ["--control", "C-0012,KS-0017", "--format", "json", "--fail-on", "none"]
    report = json.loads(CliRunner().invoke(app, ["scan", str(shared / "field" / folder), *options]).stdout)
    assert report["summary"]["resources"]
    found = {finding["path"].removeprefix("spec.containers[0].") for finding in report["findings"]}
    assert found == EXPECTED[folder]
