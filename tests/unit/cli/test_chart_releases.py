"""Releases of charts that manifests name: Argo CD, Flux and helmfile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.files.remotes import repository_name

pytest.importorskip("helm_python")

if TYPE_CHECKING:
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}
spec:
  hostPID: {{ .Values.pid }}
  hostIPC: {{ .Values.ipc }}
  hostNetwork: {{ .Values.net }}
  containers: [{name: a, image: a/b:1}]
"""
URL = "https://git.example.com/team/deploy"
APPLICATION = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: prod, namespace: argocd}}
spec:
  destination: {{namespace: live}}
  source:
    repoURL: {URL}.git
    path: charts/shop
    helm:
      valueFiles: [pid.yaml]
      valuesObject: {{ipc: true}}
      parameters:
        - {{name: net, value: "true"}}
"""
REFERRING = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: prod}}
spec:
  sources:
    - repoURL: git@git.example.com:team/deploy.git
      path: charts/shop
      helm:
        valueFiles: [$here/env/pid.yaml]
        values: |
          ipc: true
          net: true
    - repoURL: {URL}
      ref: here
"""
FLUX = f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: deploy, namespace: flux}}
spec: {{url: {URL}}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: prod, namespace: flux}}
spec:
  chart:
    spec:
      chart: ./charts/shop
      sourceRef: {{kind: GitRepository, name: deploy}}
      valuesFiles: [env/pid.yaml]
  valuesFrom:
    - {{kind: ConfigMap, name: more}}
  values: {{net: true}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: more, namespace: flux}}
data:
  values.yaml: |
    ipc: true
    net: false
"""
SET = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: all}}
spec:
  generators:
    - git: {{repoURL: {URL}, directories: [{{path: charts/*}}]}}
  template:
    metadata: {{name: a}}
    spec:
      destination: {{namespace: live}}
      source:
        repoURL: {URL}
        path: '{{{{ .path.path }}}}'
"""
HELMFILE = """\
releases:
  - name: prod
    namespace: live
    chart: ./charts/shop
    values: [env/pid.yaml, {ipc: true}]
    set: [{name: net, value: true}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        ".git/config": f'[remote "origin"]\n\turl = {URL}.git\n',
        "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
        "charts/shop/values.yaml": "pid: false\nipc: false\nnet: false\n",
        "charts/shop/pid.yaml": "pid: true\n",
        "charts/shop/templates/pod.yaml": POD,
        "env/pid.yaml": "pid: true\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scan(*arguments: str):
    result = CliRunner().invoke(app, ["scan", "--format", "json", "--fail-on", "none", *arguments, "."])
    assert result.stdout, result.output
    return json.loads(result.stdout)


def found(report) -> dict[str, list[str]]:
    return {
        one["control"]: one["renderedWith"]
        for one in report["findings"]
        if one["control"] in {"C-0038", "C-0041"} and "renderedWith" in one
    }


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("app.yaml", APPLICATION, "release prod: charts/shop/pid.yaml"),
        ("app.yaml", REFERRING, "release prod: env/pid.yaml"),
        ("flux.yaml", FLUX, "release prod: env/pid.yaml"),
        ("helmfile.yaml", HELMFILE, "release prod: env/pid.yaml"),
    ],
)
def test_manifests_name_releases_of_charts(here: Path, name: str, text: str, label: str) -> None:
    (here / name).write_text(text)
    report = scan()
    assert found(report) == {"C-0038": [label], "C-0041": [label]}
    assert sum(one["control"] == "C-0038" for one in report["findings"]) == 2
    assert report["notScanned"] == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("app.yaml", APPLICATION, 13),
        ("app.yaml", APPLICATION.replace("ipc: true", "net: true").replace("name: net", "name: a"), 11),
        ("app.yaml", f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: a}}\n---\n{REFERRING}", 16),
        ("flux.yaml", FLUX, 17),
        ("helmfile.yaml", HELMFILE, 6),
        ("helmfile.yaml", HELMFILE.replace("ipc: true", "net: true").replace("name: net", "name: a"), 5),
        (
            ".kscan.yaml",
            "charts:\n  - path: charts/shop\n    releases:\n      - name: prod\n        set: {net: true}\n",
            5,
        ),
    ],
)
def test_a_finding_leads_to_the_value_that_a_manifest_says(
    here: Path, name: str, text: str, line: int
) -> None:
    (here / name).write_text(text)
    (finding,) = [one for one in scan()["findings"] if one["control"] == "C-0041"]
    related = [(one["file"], one["range"]["start"]["line"], one["message"]) for one in finding["related"]]
    assert related == [(name, line, "net sets this")]


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("a.yaml", APPLICATION.replace("team/deploy", "other/repo"), 7, "no remote of it has that address"),
        (
            "a.yaml",
            APPLICATION.replace("pid.yaml", "none.yaml"),
            10,
            "there is no values file 'none.yaml' here",
        ),
        ("a.yaml", APPLICATION.replace("pid.yaml", "../../../x.yaml"), 10, "is outside of this repository"),
        (
            "f.yaml",
            FLUX.replace("kind: ConfigMap, name: more", "kind: Secret, name: more"),
            12,
            "Secret 'more' of its",
        ),
        (
            "f.yaml",
            FLUX.replace("kind: GitRepository, name", "kind: HelmRepository, name"),
            13,
            "not of a GitRep",
        ),
        ("helmfile.yaml", HELMFILE.replace("env/pid.yaml", "x.yaml.gotmpl"), 5, "its values are a template"),
        (
            "helmfile.yaml",
            HELMFILE.replace("name: prod", "name: {{ .Environment.Name }}"),
            2,
            "is a template",
        ),
        ("helmfile.yaml", HELMFILE.replace("/shop", "/{{ .Values.app }}"), 4, "list them under 'charts'"),
        ("set.yaml", SET, 13, "ApplicationSet 'all' is not rendered"),
        ("set.yaml", SET.replace("'{{ .path.path }}'", "charts/shop"), 13, "ApplicationSet 'all'"),
    ],
)
def test_what_is_not_known_from_files_is_said_once_and_not_guessed(
    here: Path, name: str, text: str, line: int, said: str
) -> None:
    (here.parent / "x.yaml").write_text("a: 1\n")
    (here / name).write_text(text)
    report = scan()
    assert found(report) == {}
    (one,) = report["notScanned"]
    assert (one["file"], one["line"]) == (name, line)
    assert said in one["reason"]
    assert "is not rendered" in one["reason"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("helmfile.yaml", HELMFILE.replace("./charts/shop", "oci/{{ .Values.x }}")),
        ("set.yaml", SET.replace("'{{ .path.path }}'", "apps/{{ .path.path }}")),
    ],
)
def test_templates_of_releases_of_elsewhere_are_not_spoken_of(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    assert scan()["notScanned"] == []


def test_settings_may_list_the_releases_that_a_template_makes(here: Path) -> None:
    (here / "set.yaml").write_text(SET)
    assert len(scan()["notScanned"]) == 1
    (here / ".kscan.yaml").write_text("charts:\n  - path: charts/shop\n    releases: [{name: prod}]\n")
    assert scan()["notScanned"] == []


def test_charts_of_elsewhere_are_not_spoken_of(here: Path) -> None:
    (here / "app.yaml").write_text(APPLICATION.replace("charts/shop", "charts/other"))
    report = scan()
    assert report["notScanned"] == []


@pytest.mark.parametrize("broken", [None, 1, [], "x", {"a": 1}, [1], [None], {"": {}}])
@pytest.mark.parametrize(
    "key", ["source", "helm", "valueFiles", "values", "valuesObject", "parameters", "destination"]
)
def test_nothing_breaks_it(here: Path, key: str, broken: object) -> None:
    helm: dict[str, object] = {"valueFiles": ["pid.yaml"]}
    source: dict[str, object] = {"repoURL": URL, "path": "charts/shop", "helm": helm}
    spec: dict[str, object] = {"source": source}
    (spec if key in {"source", "destination"} else source if key == "helm" else helm)[key] = broken
    text = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    (here / "app.json").write_text(json.dumps(text))
    scan()


@pytest.mark.parametrize(
    "url",
    [
        "https://h.io/a/b",
        "https://me@h.io/a/b.git",
        "ssh://git@h.io/a/b.git",
        "git@h.io:a/b.git",
        "ssh://git@h.io:22/a/b",
    ],
)
def test_a_repository_has_one_name(url: str) -> None:
    assert repository_name(url) == "h.io/a/b"
