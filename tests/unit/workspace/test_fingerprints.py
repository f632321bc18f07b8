"""Fingerprints over a project: no two findings have one, and the editor and the command line agree."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.objects import RULES, TEXTS, documents, empty_project

from kscan_lsp.findings import fingerprint
from kscan_lsp.workspace.fingerprints import object_ordinals
from kscan_lsp.workspace.project import Project, objects_of

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


def fingerprints(project: Project, path: str) -> list[tuple[str, str]]:
    """(control, fingerprint) of the findings in a file."""
    ordinals = object_ordinals(project)
    return [
        (finding.control, fingerprint(finding, ordinals.get((path, number, verdicts.resource.root), 0)))
        for number, placed in enumerate(project.files[path].documents)
        for verdicts in placed.checked.verdicts
        for finding in verdicts.findings
    ]


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


NAMES = ["a/b.yaml", "a-b.yaml", "ä.yaml", "z.yaml"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(TEXTS | documents().map(lambda text: f"{text}---\n{text}"), min_size=4, max_size=4),
    order=st.permutations(range(4)),
    opened=st.sets(st.integers(0, 3), min_size=1),
)
def test_the_editor_and_the_command_line_agree(texts: list[str], order: list[int], opened: set[int]) -> None:
    """An editor knows files by URIs, in any order, and of those that are not open only what they declare."""
    command = judged(*((NAMES[n], texts[n]) for n in range(4)))
    editor = empty_project()
    for n in order:
        uri = f"file:///shop/{quote(NAMES[n])}"
        if n in opened:
            editor = editor.with_file(uri, texts[n])
        else:
            editor = editor.with_objects(uri, objects_of(uri, texts[n], RULES))
    for n in opened:
        uri = f"file:///shop/{quote(NAMES[n])}"
        assert fingerprints(editor, uri) == fingerprints(command, NAMES[n])
    every = Counter(found for name in NAMES for found in fingerprints(command, name))
    assert {found: n for found, n in every.items() if n > 1} == {}
