"""What charts and overlays made at a commit is what policies see as the object before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import kustomize
from support.admitting import policy
from support.git import git, needs_git, repository
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.render.makers import helm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

needs_helm = pytest.mark.skipif(helm() is None, reason="needs what renders charts")
UPDATES = {
    "resourceRules": [
        {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["deployments"]}
    ]
}
FILES = {
    "policy.yaml": policy(
        "object.spec.replicas * 2 >= oldObject.spec.replicas", name="shrink", matchConstraints=UPDATES
    ),
    ".kscan.yaml": "frameworks: []\ncontrols: {include: [C-0057]}\n",
}
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop}
spec:
  replicas: REPLICAS
  template: {spec: {containers: [{name: a, image: a}]}}
"""


def deployment(replicas: object, name: str = "web") -> str:
    return DEPLOYMENT.replace("REPLICAS", str(replicas)).replace("NAME", name)


TEMPLATE = deployment("{{ .Values.replicas }}")
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "chart/values.yaml": "replicas: 6\n",
    "chart/templates/web.yaml": TEMPLATE,
}
AT = "chart/templates/web.yaml:5 VAP/shrink"
OVERLAYS = {
    "base/web.yaml": deployment(6),
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "dev/kustomization.yaml": "resources: [../base]\nreplicas: [{name: web, count: 2}]\n",
    "prod/kustomization.yaml": "resources: [../base]\nreplicas: [{name: web, count: 20}]\n",
}


def changed(here: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)


def committed(here: Path, *arguments: str) -> None:
    git(here, *(arguments or ("commit", "--quiet", "--all", "--message=more")))


def scan(*arguments: str) -> tuple[list[str], list[str]]:
    """The findings of policies, as `file:line control`, and why any was not evaluated."""
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    report: dict[str, Any] = json.loads(result.stdout)
    found = [
        f"{one['file']}:{one['range']['start']['line']} {one['control']}"
        for one in report["findings"]
        if one["control"].startswith("VAP/")
    ]
    return found, [one["reason"] for one in report["notScanned"]]


@needs_helm
def test_an_object_of_a_chart_is_updated_with_what_its_commit_renders(here: Path) -> None:
    repository(here, {**FILES, **CHART})
    assert scan() == ([], [])
    changed(here, {"chart/values.yaml": "replicas: 2\n"})
    assert scan() == ([AT], [])
    assert scan("chart", "policy.yaml") == ([AT], [])
    git(here, "checkout", "--quiet", "-b", "change")
    committed(here)
    assert scan() == ([], [])
    assert scan("--new-since", "main") == ([AT], [])
    changed(here, {"chart/values.yaml": "replicas: 4\n"})
    assert scan("--new-since", "main") == ([], [])  # half as many as there, and twice as many as here


@needs_helm
def test_what_is_staged_of_a_chart_is_held_against_the_last_commit(here: Path) -> None:
    repository(here, {**FILES, **CHART})
    changed(here, {"chart/values.yaml": "replicas: 2\n"})
    assert scan("--staged") == ([], [])
    committed(here, "add", "--all")
    assert scan("--staged") == ([AT], [])


@needs_helm
def test_each_of_the_values_of_a_chart_has_its_own_past(here: Path) -> None:
    files = {**FILES, **CHART, "chart/values-prod.yaml": "replicas: 40\n"}
    repository(here, files)
    assert scan() == ([], [])
    changed(here, {"chart/values-prod.yaml": "replicas: 10\n"})
    found, why = scan()
    assert (found, why) == ([AT], [])
    # the defaults alone: what production has is as it was
    changed(here, {"chart/values-prod.yaml": "replicas: 40\n", "chart/values.yaml": "replicas: 2\n"})
    assert scan() == ([AT], [])
    # a values file that is new updates nothing
    changed(here, {"chart/values.yaml": "replicas: 6\n", "chart/values-new.yaml": "replicas: 1\n"})
    assert scan() == ([], [])


@needs_helm
def test_a_release_is_known_by_its_name(here: Path) -> None:
    settings = (
        f"{FILES['.kscan.yaml']}charts:\n- path: chart\n  releases:\n  - {{name: web, values: [prod.yaml]}}\n"
    )
    files = {**FILES, **CHART, ".kscan.yaml": settings, "prod.yaml": "replicas: 40\n"}
    files["chart/templates/web.yaml"] = TEMPLATE.replace("name: web,", 'name: "{{ .Release.Name }}",')
    repository(here, files)
    assert scan() == ([], [])
    changed(here, {"prod.yaml": "replicas: 10\n"})
    assert scan() == ([AT], [])


@needs_helm
def test_a_template_that_had_no_action_is_what_it_was(here: Path) -> None:
    repository(here, {**FILES, **CHART, "chart/templates/web.yaml": deployment(6)})
    changed(here, {"chart/templates/web.yaml": TEMPLATE, "chart/values.yaml": "replicas: 2\n"})
    assert scan() == ([AT], [])


@needs_helm
@pytest.mark.parametrize(
    ("before", "why"),
    [
        ({"chart/templates/web.yaml": TEMPLATE.replace("}}", "")}, "this chart does not render"),
        ({"chart/templates/web.yaml": TEMPLATE.replace("spec:", '{{ fail "no" }}spec:')}, "no"),
        ({"chart/link": "-> values.yaml"}, "it has links in it"),
        (
            {"other/Chart.yaml": CHART["chart/Chart.yaml"], "chart/Chart.yaml": ""},
            "the chart is not there, and",
        ),
    ],
)
def test_what_a_chart_made_that_cannot_be_rendered_is_not_known(
    here: Path, before: dict[str, str], why: str
) -> None:
    repository(here, {})
    files = {**FILES, **CHART, **before}
    changed(here, {name: text for name, text in files.items() if text and not text.startswith("->")})
    for name, text in files.items():
        if text.startswith("->"):
            (here / name).symlink_to(text[3:])
    committed(here, "add", "--all")
    committed(here)
    for name in before:
        (here / name).unlink(missing_ok=True)
    changed(here, {**CHART, "chart/values.yaml": "replicas: 2\n"})
    found, said = scan()
    assert found == []
    assert any("needs the object as it was before (oldObject): it is not known what" in one for one in said)
    assert any(why in one for one in said), said


@needs_helm
def test_what_a_missing_dependency_made_is_not_known(here: Path) -> None:
    chart = {
        **CHART,
        "chart/Chart.yaml": f"{CHART['chart/Chart.yaml']}dependencies: [{{name: sub, version: 1.0.0}}]\n",
    }
    sub = {
        "chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        "chart/charts/sub/templates/sub.yaml": deployment("{{ .Values.n | default 1 }}", "sub"),
    }
    repository(here, {**FILES, **chart})
    changed(here, sub)
    found, (why,) = scan()
    assert found == []
    assert "what 'sub.yaml' made at HEAD: its dependency 'sub' is not in charts/" in why


@needs_helm
def test_a_chart_behind_a_link_is_not_known(here: Path) -> None:
    repository(here, {**FILES, **CHART})
    (here / "link").symlink_to("chart")
    git(here, "add", "--all")
    committed(here)
    changed(here, {"chart/values.yaml": "replicas: 2\n"})
    found, why = scan("link", "policy.yaml")
    assert found == []
    assert "it has links in it" in why[0]


@needs_helm
def test_an_object_that_went_to_another_template_is_what_it_was_with_the_same_values(here: Path) -> None:
    repository(here, {**FILES, **CHART, "chart/values-prod.yaml": "replicas: 40\n"})
    (here / "chart/templates/web.yaml").unlink()
    changed(here, {"chart/templates/now.yaml": TEMPLATE})
    assert scan() == ([], [])
    changed(here, {"chart/values-prod.yaml": "replicas: 10\n"})
    assert scan() == (["chart/templates/now.yaml:5 VAP/shrink"], [])


@needs_helm
def test_what_helm_makes_anew_each_time_is_an_update(here: Path) -> None:
    text = TEMPLATE.replace("name: web,", 'name: web, labels: {r: "{{ randAlphaNum 8 }}"},')
    never = policy("false", name="never", matchConstraints=UPDATES)
    repository(here, {**FILES, **CHART, "chart/templates/web.yaml": text, "policy.yaml": never})
    assert scan()[0] == ["chart/templates/web.yaml:3 VAP/never"]


@needs_helm
def test_a_chart_that_is_new_creates(here: Path) -> None:
    repository(here, {**FILES, "other.yaml": deployment(60)})
    changed(here, CHART)
    assert scan() == ([], [])  # the other is still where it was


def test_an_object_of_an_overlay_is_updated_with_what_its_commit_builds(here: Path) -> None:
    kustomize.found()
    repository(here, {**FILES, **OVERLAYS})
    assert scan() == ([], [])
    text = OVERLAYS["prod/kustomization.yaml"].replace("20", "8")
    changed(here, {"prod/kustomization.yaml": text})
    found, why = scan()
    assert (found, why) == (["prod/kustomization.yaml:2 VAP/shrink"], [])
    # more than development ever had, and no update of that
    changed(here, {"prod/kustomization.yaml": OVERLAYS["prod/kustomization.yaml"].replace("20", "12")})
    assert scan() == ([], [])


def test_an_overlay_that_is_new_updates_no_other(here: Path) -> None:
    kustomize.found()
    repository(here, {**FILES, **OVERLAYS})
    changed(here, {"test/kustomization.yaml": "resources: [../base]\nreplicas: [{name: web, count: 1}]\n"})
    assert scan() == ([], [])


def test_an_overlay_that_was_moved_is_what_it_was(here: Path) -> None:
    kustomize.found()
    repository(here, {**FILES, **OVERLAYS})
    text = OVERLAYS["prod/kustomization.yaml"].replace("../base", "../../base").replace("20", "8")
    (here / "prod/kustomization.yaml").unlink()
    changed(here, {"envs/prod/kustomization.yaml": text})
    assert scan() == (["envs/prod/kustomization.yaml:2 VAP/shrink"], [])


def test_manifests_that_an_overlay_takes_over_are_updated(here: Path) -> None:
    kustomize.found()
    base = {name: text for name, text in OVERLAYS.items() if name == "base/web.yaml"}
    repository(here, {**FILES, **base})
    changed(here, {name: text for name, text in OVERLAYS.items() if not name.startswith("prod")})
    assert scan() == (["dev/kustomization.yaml:2 VAP/shrink"], [])


def test_what_an_overlay_built_that_is_not_built_is_not_known(here: Path) -> None:
    kustomize.found()
    broken = "resources: [../base, missing.yaml]\n"
    repository(here, {**FILES, **OVERLAYS, "prod/kustomization.yaml": broken})
    changed(here, {"prod/kustomization.yaml": OVERLAYS["prod/kustomization.yaml"]})
    found, (why,) = scan()
    assert found == []
    assert "it is not known what 'kustomization.yaml' made at HEAD: this overlay is not built" in why


def test_nothing_is_rendered_for_policies_that_do_not_ask(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("it was rendered")

    monkeypatch.setattr("kscan_lsp.cli.made_before.MakersBefore._read", refused)
    repository(here, {**FILES, **CHART, "policy.yaml": policy("object.spec.replicas > 2", name="few")})
    assert scan() == ([], [])
