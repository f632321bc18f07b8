"""Patches, templates and kustomizations are told from manifests by the folders around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kscan_lsp.files.encoding import SourceText
from kscan_lsp.files.manifest import read_manifest
from kscan_lsp.files.partials import Partials

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml]
patches:
- path: patches/one.yaml
- target: {kind: Deployment}
  patch: |-
    - op: remove
      path: /spec
- path: https://example.com/patch.yaml
patchesStrategicMerge:
- ./two.yaml
- |-
  apiVersion: apps/v1
  kind: Deployment
patchesJson6902:
- target: {kind: Deployment}
  path: three.yaml
"""


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_patches_of_a_kustomization(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, KUSTOMIZATION)
    partials = Partials()
    reasons = {p: partials.reason_to_skip(tmp_path / p)
               for p in ("patches/one.yaml", "two.yaml", "three.yaml", "deployment.yaml", name)}  # fmt: skip
    assert reasons == {
        "patches/one.yaml": "kustomize-patch",
        "two.yaml": "kustomize-patch",
        "three.yaml": "kustomize-patch",
        "deployment.yaml": "",
        name: "not-kubernetes",
    }


def test_a_component_has_patches_like_any_kustomization(tmp_path: Path) -> None:
    component = KUSTOMIZATION.replace("kind: Kustomization", "kind: Component")
    write(tmp_path / "overlays/prod/kustomization.yaml", component)
    assert Partials().reason_to_skip(tmp_path / "overlays/prod/two.yaml") == "kustomize-patch"
    assert Partials().reason_to_skip(tmp_path / "overlays/two.yaml") == ""


def test_a_patch_outside_the_folder_counts_once_its_kustomization_was_met(tmp_path: Path) -> None:
    kustomization = write(tmp_path / "prod/kustomization.yaml", "patches:\n- path: ../shared/p.yaml\n")
    partials = Partials()
    assert partials.reason_to_skip(tmp_path / "shared/p.yaml") == ""
    partials.add_kustomization(kustomization)
    assert partials.reason_to_skip(tmp_path / "shared/p.yaml") == "kustomize-patch"


@pytest.mark.parametrize(
    "text", ["", "patches: 1\n", "patches: [1, null, {path: 3}]\n", "a: [\n", "- x\n", "\0"]
)
def test_a_strange_kustomization_names_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path / "kustomization.yaml", text)
    assert Partials().reason_to_skip(tmp_path / "a.yaml") == ""


def test_templates_of_a_chart(tmp_path: Path) -> None:
    write(tmp_path / "chart/Chart.yaml", "apiVersion: v2\nname: c\n")
    partials = Partials()
    assert partials.reason_to_skip(tmp_path / "chart/templates/a.yaml") == "helm-template"
    assert partials.reason_to_skip(tmp_path / "chart/templates/deep/a.yaml") == "helm-template"
    assert partials.reason_to_skip(tmp_path / "chart/crds/a.yaml") == ""
    assert partials.reason_to_skip(tmp_path / "other/templates/a.yaml") == ""


def test_the_nearest_folder_says_what_a_file_is_part_of(tmp_path: Path) -> None:
    write(tmp_path / "chart/Chart.yaml", "apiVersion: v2\nname: c\n")
    write(tmp_path / "kustomization.yaml", "patches:\n- path: chart/templates/a.yaml\n- path: chart/b.yaml\n")
    write(tmp_path / "chart/templates/in/kustomization.yaml", "patches: [{path: c.yaml}]\n")
    partials = Partials()
    chart, around = str(tmp_path / "chart"), str(tmp_path)
    assert partials.rendering(tmp_path / "chart/templates/a.yaml") == ("helm template", chart)
    assert partials.rendering(tmp_path / "chart/b.yaml") == ("kustomize build", around)
    assert partials.rendering(tmp_path / "chart/c.yaml") is None
    inner = str(tmp_path / "chart/templates/in")
    assert partials.rendering(tmp_path / "chart/templates/in/c.yaml") == ("kustomize build", inner)
    assert partials.rendering(tmp_path / "chart/templates/in/d.yaml") == ("helm template", chart)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("chart/values.yaml", "not-kubernetes"),
        ("chart/values-prod.yml", "not-kubernetes"),
        ("chart/values.schema.yaml", "not-kubernetes"),
        ("chart/valuesfrom.yaml", ""),
        ("chart/deploy.yaml", ""),
        ("other/values.yaml", ""),
    ],
)
def test_the_values_of_a_chart_are_no_manifests_whatever_their_keys(tmp_path, name: str, reason: str) -> None:
    write(tmp_path / "chart/Chart.yaml")
    write(tmp_path / name, "apiVersion: v1\nkind: Pod\n")
    assert Partials().reason_to_skip(tmp_path / name) == reason


def test_a_template_without_an_action_is_a_manifest(tmp_path) -> None:
    write(tmp_path / "chart/Chart.yaml")
    plain = write(tmp_path / "chart/templates/plain.yaml", "kind: Pod\n")
    action = write(tmp_path / "chart/templates/action.yaml", "kind: Pod\nname: {{ .Release.Name }}\n")
    read = read_manifest(plain, Partials(), named=False)
    assert isinstance(read, SourceText)
    assert read.text == "kind: Pod\n"
    assert read_manifest(action, Partials(), named=True) == "helm-template"
    assert read_manifest(tmp_path / "chart/templates/gone.yaml", Partials(), named=True) == "helm-template"
