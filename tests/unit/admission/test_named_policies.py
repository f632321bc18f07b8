"""Policies in files that settings name: they count as if they were among the manifests, and nothing else there does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.admitting import mutating, policy
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "controls: {include: [C-0057]}\nframeworks: []\nadmission: {policies: [platform]}\n"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: a, image: b}]}
"""
LIMITS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: shop}\ndata: {name: %s}\n"
NAMED = policy(
    "object.metadata.name == params.data.name",
    name="named",
    paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    matchConstraints={
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        ]
    },
    binding={"paramRef": {"name": "limits", "namespace": "shop", "parameterNotFoundAction": "Deny"}},
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        ".kscan.yaml": SETTINGS,
        "platform/named.yaml": NAMED,
        "platform/other.yaml": f"{LIMITS % 'db'}---\n{POD}",
        "apps/web.yaml": POD,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".git").mkdir()
    return tmp_path


def scanned(path: str = "apps") -> tuple[int, dict[str, Any]]:
    run = CliRunner().invoke(app, ["scan", path, "--format", "json"])
    return run.exit_code, json.loads(run.stdout)


def test_what_settings_name_judges_what_is_scanned(here: Path) -> None:
    status, report = scanned()
    assert status == 1
    (finding,) = report["findings"]
    assert (finding["control"], finding["file"]) == ("VAP/named", "apps/web.yaml")
    assert [place["file"] for place in finding["related"]] == ["platform/named.yaml"]
    assert report["summary"]["files"] == 1
    (here / "platform/other.yaml").write_text(LIMITS % "web")
    assert scanned()[0] == 0


def test_policies_that_change_objects_are_named_alike(here: Path) -> None:
    change = mutating(
        '[JSONPatch{op: "replace", path: "/metadata/name", value: params.data.name}]',
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        binding={"paramRef": {"name": "limits", "namespace": "shop", "parameterNotFoundAction": "Deny"}},
    )
    (here / "platform/change.yaml").write_text(change)
    assert scanned()[0] == 1
    (here / ".kscan.yaml").write_text(SETTINGS.replace("policies:", "mutate: true, policies:"))
    status, report = scanned()
    assert (status, report["findings"]) == (0, [])
    assert report["summary"]["answered"] == [{"policy": "m", "findings": 1}]


def test_what_is_scanned_besides_counts_once(here: Path) -> None:
    _, report = scanned(".")
    assert sorted(finding["file"] for finding in report["findings"]) == [
        "apps/web.yaml",
        "platform/other.yaml",
    ]


@pytest.mark.parametrize("name", ["none", "../elsewhere"])
def test_what_is_not_there_is_said_at_its_place(here: Path, name: str) -> None:
    (here.parent / "elsewhere").mkdir(exist_ok=True)
    said = SETTINGS.replace("[platform]", f"['{name}']")
    (here / ".kscan.yaml").write_text(said)
    status, report = scanned()
    wrong = [problem for problem in report["problems"] if problem["file"] == ".kscan.yaml"]
    assert status == 2
    assert [problem["line"] for problem in wrong] == [3]


def test_what_cannot_be_read_is_said(here: Path) -> None:
    (here / "platform/bad.yaml").write_bytes(b"\xff\xfe\x00")
    _, report = scanned()
    assert "'bad.yaml' is left out" in "".join(problem["message"] for problem in report["problems"])
