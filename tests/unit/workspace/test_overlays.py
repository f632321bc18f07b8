"""Overlays in a project that changes: judged again where that matters, and by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from support.objects import empty_project

from kscan_lsp.render.kustomize.building import Built
from kscan_lsp.workspace.overlays import OverlayBuild, judge_overlays

if TYPE_CHECKING:
    from kscan_lsp.workspace.results import CheckedFile

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: default}
spec: {podSelector: {matchLabels: {app: web}}}
"""


def overlay(path: str, text: str) -> OverlayBuild:
    return OverlayBuild(path, Built(text), {path: "", "base/web.yaml": ""}, str, path)


def controls(file: CheckedFile) -> set[str]:
    return {one.finding.control for one in file.findings()}


@pytest.fixture
def prod() -> OverlayBuild:
    return overlay("prod/kustomization.yaml", WEB)


def test_a_manifest_that_comes_is_seen_by_overlays(prod) -> None:
    project = empty_project().with_file("base/web.yaml", WEB)
    judged = judge_overlays(project, [prod])
    project = project.with_apart(judged.files)
    assert "C-0260" in controls(project.files[prod.path])
    # what it is built from is judged with it alone
    assert not project.files["base/web.yaml"].documents
    project = project.with_file("policy.yaml", POLICY)
    again = judge_overlays(project, [prod], judged)
    assert "C-0260" not in controls(again.files[prod.path])


def test_an_overlay_does_not_see_what_others_build(prod) -> None:
    other = overlay("dev/kustomization.yaml", POLICY)
    judged = judge_overlays(empty_project(), [other, prod])
    project = empty_project().with_apart(judged.files)
    assert "C-0260" in controls(project.files[prod.path])
    # nor when all files of a folder have been read, or anything is different in one
    project = project.with_relations(project.files).with_file("web.yaml", WEB)
    assert "C-0260" in controls(project.files[prod.path])
    # manifests see the objects of all
    assert "C-0260" not in controls(project.files["web.yaml"])


def test_overlays_that_were_judged_before_all_files_were_read_are_left_to_be_judged_again(prod) -> None:
    other = overlay("dev/kustomization.yaml", POLICY)
    project = replace(empty_project(), whole=False)
    judged = judge_overlays(project, [other, prod])
    project = project.with_apart(judged.files).completed()
    settled = project.with_relations(project.files)
    assert settled.files[prod.path] is project.files[prod.path]
    again = judge_overlays(settled, [other, prod], judged)
    assert "C-0260" in controls(again.files[prod.path])


def test_what_does_not_concern_an_overlay_leaves_it_as_it_is(prod) -> None:
    project = empty_project()
    judged = judge_overlays(project, [prod])
    project = project.with_apart(judged.files)
    assert judge_overlays(project, [prod], judged) is judged
    project = project.with_file("pod.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert judge_overlays(project, [prod], judged).files is judged.files


def test_what_is_no_file_of_an_overlay_any_more_is_gone(prod) -> None:
    project = empty_project().with_apart(judge_overlays(empty_project(), [prod]).files)
    left = project.with_apart(judge_overlays(project, []).files)
    assert not left.files
    assert not left.index.files
