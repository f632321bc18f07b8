"""Images that values of a chart or a kustomization give: what is found of them leads to the line that does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import images
from support.images import NGINX, as_bytes
from support.kustomize import found
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

PROD = "nginx:1.26.0"
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: %s
"""
IN_VALUES = '"{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"'


def write(here: Path, files: dict[str, str]) -> None:
    (here / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [KS-0060, KS-0061]}\n")
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)


def report(name: str, *, left: int = 0) -> bytes:
    made = images.grype(name)
    made["matches"] = made["matches"][left:]
    made["source"]["target"] |= {"imageID": "", "manifestDigest": "", "repoDigests": []}
    return as_bytes(made)


def scan(*arguments: str):
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.stdout, result.output
    return json.loads(result.stdout)


def of(report, control: str):
    return [one for one in report["findings"] if one["control"] == control]


def places(finding) -> list[tuple[str, int, str]]:
    return [(one["file"], one["range"]["start"]["line"], one["message"]) for one in finding["related"]]


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("helm_python")
    write(
        tmp_path,
        {
            "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: 1.25.3\n",
            "shop/values.yaml": "image:\n  repository: nginx\n  tag: 1.25.3\n",
            "shop/values-prod.yaml": "image:\n  tag: 1.26.0\n",
            "shop/templates/web.yaml": POD % IN_VALUES,
        },
    )
    (tmp_path / "now.grype.json").write_bytes(report(NGINX))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tag_is_what_a_finding_about_an_image_comes_from(chart: Path) -> None:
    (one,) = of(scan(), "KS-0060")
    assert places(one) == [("shop/values.yaml", 3, "image.tag sets this")]
    assert one["renderedWith"] == ["shop/values.yaml"]


@pytest.mark.parametrize(
    ("values", "line", "value"),
    [
        ('image:\n  repository: nginx\n  digest: ""\n  tag: ""\n', 4, "image.tag"),
        ("image:\n  repository: nginx\n", 2, "image.repository"),
        ("image:\n  tag: 1.25.3\n  repository: docker.io/library/nginx\n", 2, "image.tag"),
    ],
)
def test_without_a_tag_it_is_where_one_would_be_set_or_the_name(chart, values, line, value) -> None:
    (chart / "shop/values.yaml").write_text(values)
    (one,) = of(scan(), "KS-0060")
    assert places(one) == [("shop/values.yaml", line, f"{value} sets this")]


def test_a_digest_counts_before_the_tag_that_is_with_it(chart: Path) -> None:
    image = '"{{ .Values.image.repository }}:{{ .Values.image.tag }}@{{ .Values.image.digest }}"'
    (chart / "shop/templates/web.yaml").write_text(POD % image)
    values = f"image:\n  digest: {images.DIGEST}\n  repository: nginx\n  tag: 1.25.3\n"
    (chart / "shop/values.yaml").write_text(values)
    (chart / "now.grype.json").write_bytes(as_bytes(images.grype()))
    (chart / "shop/values-prod.yaml").unlink()
    (one,) = of(scan(), "KS-0060")
    assert places(one)[0] == ("shop/values.yaml", 2, "image.digest sets this")


def test_another_image_of_another_values_file_is_another_finding(chart: Path) -> None:
    (chart / "prod.grype.json").write_bytes(report(PROD))
    found = scan()
    one, other = of(found, "KS-0060")
    assert places(one) == [("shop/values.yaml", 3, "image.tag sets this")]
    assert places(other) == [("shop/values-prod.yaml", 2, "image.tag sets this")]
    assert other["renderedWith"] == ["shop/values-prod.yaml"]
    assert sorted(image["reference"] for image in found["images"]) == [NGINX, PROD]
    assert [len(image["workloads"]) for image in found["images"]] == [1, 1]


def test_the_same_image_of_another_values_file_is_one_finding(chart: Path) -> None:
    (chart / "shop/values-prod.yaml").write_text("image: {tag: 1.25.3}\n")
    (one,) = of(scan(), "KS-0060")
    assert [file for file, _, _ in places(one)] == ["shop/values.yaml", "shop/values-prod.yaml"]


@pytest.fixture
def overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": POD % "shop-web:0.1",
            "prod/kustomization.yaml": "resources: [../base]\n",
        },
    )
    (tmp_path / "now.grype.json").write_bytes(as_bytes(images.grype()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KSCAN_KUSTOMIZE", found().path)
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("newName: nginx\n    newTag: 1.25.3", 5),
        ("newTag: 1.25.3\n    newName: nginx", 4),
        (f"newName: nginx\n    digest: {images.DIGEST}", 5),
    ],
)
def test_a_finding_about_an_image_stands_in_the_kustomization(overlay: Path, entry: str, line: int) -> None:
    text = f"resources: [../base]\nimages:\n  - name: shop-web\n    {entry}\n"
    (overlay / "prod/kustomization.yaml").write_text(text)
    found = scan()
    (one,) = of(found, "KS-0060")
    assert (one["file"], one["range"]["start"]["line"]) == ("prod/kustomization.yaml", line)
    assert places(one) == [("base/web.yaml", 8, "this is changed by the kustomization")]
    (image,) = found["images"]
    assert [(one["file"], one["line"]) for one in image["workloads"]] == [("prod/kustomization.yaml", line)]
