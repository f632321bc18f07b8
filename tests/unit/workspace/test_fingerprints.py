"""Objects of one identity are told apart, and a fingerprint survives what does not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.objects import empty_project, fingerprints

if TYPE_CHECKING:
    from kscan_lsp.workspace.project import Project

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {hostPID: true, containers: [{name: a, image: b}]}
"""
NAMELESS = """\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, spec: {hostPID: true, containers: [{name: a, image: b}]}}
- {apiVersion: v1, kind: Pod, spec: {hostPID: true, containers: [{name: a, image: b}]}}
"""


def of_control(project: Project, path: str, control: str = "C-0038") -> list[str]:
    return [printed for found, printed in fingerprints(project, path) if found == control]


def judged(*files: tuple[str, str]) -> Project:
    return empty_project().with_files((name, text, False) for name, text in files)


def test_objects_of_one_identity_are_told_apart() -> None:
    (alone,) = of_control(judged(("a.yaml", POD)), "a.yaml")
    twice = of_control(judged(("a.yaml", f"{POD}---\n{POD}")), "a.yaml")
    project = judged(("a.yaml", POD), ("b.yaml", POD))
    apart = [*of_control(project, "a.yaml"), *of_control(project, "b.yaml")]
    assert twice == apart, "in one file or in two, they are counted alike"
    assert twice[0] == alone, "the first is what it is alone"
    assert len({*twice}) == 2
    assert len({*of_control(judged(("a.yaml", NAMELESS)), "a.yaml")}) == 2


def test_another_namespace_or_group_is_another_object_and_another_version_is_not() -> None:
    elsewhere = POD.replace("shop", "other")
    (alone,) = of_control(judged(("a.yaml", elsewhere)), "a.yaml")
    assert of_control(judged(("a.yaml", f"{POD}---\n{elsewhere}")), "a.yaml")[1] == alone
    deployment = (
        "apiVersion: apps/{}\nkind: Deployment\nmetadata: {{name: web}}\n"
        "spec: {{template: {{spec: {{hostPID: true, containers: [{{name: a, image: b}}]}}}}}}\n"
    )
    new, old = deployment.format("v1"), deployment.format("v1beta1")
    assert len({*of_control(judged(("a.yaml", new), ("b.yaml", old)), "b.yaml")}) == 1
    both = judged(("a.yaml", new), ("b.yaml", old))
    assert of_control(both, "a.yaml") == of_control(judged(("a.yaml", old)), "a.yaml")
    assert of_control(both, "a.yaml") != of_control(both, "b.yaml")


def test_a_file_that_is_moved_or_edited_keeps_its_fingerprints() -> None:
    fixed = POD.replace("true", "false")
    before = judged(("a.yaml", POD), ("b.yaml", POD))
    moved = before.without_file("b.yaml").with_file("c/b.yaml", POD)
    assert of_control(moved, "c/b.yaml") == of_control(before, "b.yaml")
    edited = before.with_file("a.yaml", fixed)
    assert of_control(edited, "b.yaml") == of_control(before, "b.yaml"), (
        "a fix in one file says nothing of others"
    )
