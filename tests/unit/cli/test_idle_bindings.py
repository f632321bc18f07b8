"""A binding that is about nothing is said, where all of a workspace was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.admitting import mutating, policy
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec: {}\n"
IDLE = "no object here is among those that this binding and policy 'p' are about"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/web.yaml").write_text(POD)
    return tmp_path


def said(*paths: str) -> list[tuple[str, str]]:
    run = CliRunner().invoke(app, ["scan", *(paths or (".",)), "--format", "json"])
    problems = json.loads(run.stdout)["problems"]
    return [(one["file"], one["message"]) for one in problems if "binding" in one["message"]]


@pytest.mark.parametrize(
    ("about", "idle"),
    [
        ({}, False),
        ({"objectSelector": {"matchLabels": {"app": "web"}}}, False),
        ({"objectSelector": {"matchLabels": {"app": "wep"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ship"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"env": "prod"}}}, False),  # a cluster may have it
    ],
)
def test_a_selector_that_selects_nothing_is_said(here: Path, about: dict[str, object], *, idle: bool) -> None:
    (here / "p.yaml").write_text(policy("true", binding={"matchResources": about}))
    assert said() == ([("p.yaml", IDLE)] if idle else [])


def test_it_is_at_the_binding_and_no_failure(here: Path) -> None:
    rules = [{"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["*"], "resources": ["deployments"]}]
    (here / "p.yaml").write_text(policy("true", matchConstraints={"resourceRules": rules}))
    run = CliRunner().invoke(app, ["scan", ".", "--format", "json", "--fail-on", "none", "--allow-unscanned"])
    (problem,) = [one for one in json.loads(run.stdout)["problems"] if one["message"] == IDLE]
    assert run.exit_code == 0
    assert problem["line"] == 3


def test_a_policy_about_deletions_is_about_what_may_be_deleted(here: Path) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["DELETE"], "resources": ["pods"]}
    (here / "p.yaml").write_text(policy("true", matchConstraints={"resourceRules": [rule]}))
    assert said() == []
    (here / "p.yaml").write_text(
        policy("true", matchConstraints={"resourceRules": [{**rule, "resources": ["services"]}]})
    )
    assert said() == [("p.yaml", IDLE)]


def test_a_binding_of_what_changes_objects_is_asked_where_that_is_applied(here: Path) -> None:
    about = {"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}}
    (here / "m.yaml").write_text(mutating("Object{}", name="p", binding=about))
    assert said() == []
    (here / ".kscan.yaml").write_text("admission: {mutate: true}\n")
    assert said() == [("m.yaml", IDLE)]


def test_who_did_not_see_everything_does_not_know(here: Path) -> None:
    (here / "apps/p.yaml").write_text(
        policy("true", binding={"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}})
    )
    assert said() == [("apps/p.yaml", IDLE)]
    assert said("apps") == []
    assert said("apps/p.yaml") == []
    (here / ".kscan.yaml").write_text("exclude: [apps/web.yaml]\n")
    assert said() == []
