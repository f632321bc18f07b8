"""`podSpecPatch` of Argo's Workflows: merged as the controller does it, shown where it stands, never passed over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.evaluating import fresh, judged
from support.judging import found, project_of, unevaluated

from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.kubernetes.pod_patches import MAX_PATCHES, MAX_VALUES, Patched, read_patch
from kscan_lsp.kubernetes.pod_templates import pod_of
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

EVERYTHING = fresh()
IS_PRIVILEGED = """\
- each: containers
  deny: container.?securityContext.?privileged.orValue(false)
  at: securityContext.privileged
  message: "{container.name} {role}"
"""
PRIVILEGED = "containers: [{name: main, securityContext: {privileged: true}}]"


def workflow(own: str = "", spec: str = "", defaults: str = "", **container: Any) -> str:
    """A Workflow with patches at its three places."""
    template: dict[str, Any] = {"name": "t", "container": {"image": "a:1", **container}}
    template |= {"podSpecPatch": own} if own else {}
    of: dict[str, Any] = {"templates": [template]}
    of |= {"podSpecPatch": spec} if spec else {}
    of |= {"templateDefaults": {"podSpecPatch": defaults}} if defaults else {}
    return json.dumps(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": of}
    )


def pod(text: str) -> dict[str, Any]:
    ((resource,), _) = resources_of(read_document(text, json=True), {})
    seen = pod_of(resource.data, resource.templates[0])
    spec: dict[str, Any] = seen.view["\0pods"]["spec"]
    return spec


OWN, ALL, DEFAULT = (
    "spec.templates[0].podSpecPatch",
    "spec.podSpecPatch",
    "spec.templateDefaults.podSpecPatch",
)


@pytest.mark.parametrize("patch", [
    PRIVILEGED,
    '{"containers": [{"name": "main", "securityContext": {"privileged": true}}]}',
    "containers:\n- name: main\n  securityContext:\n    privileged: true\n",
])  # fmt: skip
def test_a_patch_counts_wherever_it_stands(patch: str) -> None:
    assert [one.path for one in found(IS_PRIVILEGED, workflow(own=patch))] == [OWN]
    assert [one.path for one in found(IS_PRIVILEGED, workflow(spec=patch))] == [ALL]
    assert [one.path for one in found(IS_PRIVILEGED, workflow(defaults=patch))] == [DEFAULT]


def test_the_patch_of_a_template_comes_after_that_of_its_workflow_and_instead_of_the_default() -> None:
    harmless = PRIVILEGED.replace("true", "false")
    assert found(IS_PRIVILEGED, workflow(own=harmless, spec=PRIVILEGED, defaults=PRIVILEGED)) == []
    assert [one.path for one in found(IS_PRIVILEGED, workflow(own=PRIVILEGED, spec=harmless))] == [OWN]


def test_a_workflow_that_refers_to_another_may_patch_its_pods() -> None:
    text = json.dumps({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "metadata": {"name": "w"},
        "spec": {"workflowSpec": {"workflowTemplateRef": {"name": "t"}, "podSpecPatch": PRIVILEGED}},
    })  # fmt: skip
    assert [one.path for one in found(IS_PRIVILEGED, text)] == ["spec.workflowSpec.podSpecPatch"]


def test_a_patch_takes_away_what_would_have_been_found() -> None:
    text = workflow(
        own="containers: [{name: main, securityContext: null}]", securityContext={"privileged": True}
    )
    assert found(IS_PRIVILEGED, text) == []


MERGED: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "maps inside each other": ({"a": {"b": 1, "c": 2}}, "a: {c: 3, d: 4}", {"a": {"b": 1, "c": 3, "d": 4}}),
    "null": ({"a": 1, "b": 2}, "a: null", {"b": 2}),
    "lists of words": ({"command": ["a", "b"]}, "command: [c]", {"command": ["c"]}),
    "tolerations": ({"tolerations": [{"key": "a"}]}, "tolerations: [{key: b}]", {"tolerations": [{"key": "b"}]}),
    "variables by name": (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]},
        "env: [{name: B, value: 2}, {name: C}]",
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": 2}, {"name": "C"}]},
    ),
    "mounts by path": (
        {"volumeMounts": [{"mountPath": "/a", "name": "x"}]},
        "volumeMounts: [{mountPath: /a, readOnly: true}, {mountPath: /b, name: z}]",
        {"volumeMounts": [{"mountPath": "/a", "name": "x", "readOnly": True}, {"mountPath": "/b", "name": "z"}]},
    ),
    "no list before": ({}, "volumes: [{name: a}]", {"volumes": [{"name": "a"}]}),
    "of another type": ({"env": "x"}, "env: [{name: a}]", {"env": [{"name": "a"}]}),
    "items that are none": (
        {"env": [{"name": "a"}]}, "env: [1, {value: b}]", {"env": [{"name": "a"}, 1, {"value": "b"}]}
    ),
}  # fmt: skip


@pytest.mark.parametrize(("own", "patch", "merged"), MERGED.values(), ids=MERGED)
def test_a_patch_is_merged_as_kubernetes_does_it(
    own: dict[str, Any], patch: str, merged: dict[str, Any]
) -> None:
    before = json.dumps(own)
    assert Patched({}, set()).merge(own, read_patch(patch).data, (), ("p",)) == merged
    assert json.dumps(own) == before


@pytest.mark.parametrize("patch", [
    "{{workflow.parameters.patch}}",
    " {{=sprig.toJson(x)}}\n",
    "containers: [",
    "- a",
    "containers: [{$patch: delete, name: main}]",
    "$retainKeys: [containers]",
    f"{{args: [{', '.join('a' for _ in range(MAX_VALUES))}]}}",
])  # fmt: skip
def test_what_nobody_knows_before_it_runs_is_no_pass(patch: str) -> None:
    text = workflow(own=patch)
    (missing,) = unevaluated(IS_PRIVILEGED, text)
    assert missing.reason.endswith("what it changes is not judged")
    (part,) = project_of(IS_PRIVILEGED, a=text).files["a.yaml"].parts
    (entry,) = part.verdicts[0].unevaluated
    assert part.verdicts[0].passed == frozenset()
    assert entry.path == ("spec", "templates", 0, "podSpecPatch")
    # and what is written outside of it is judged
    assert [
        one.path for one in found(IS_PRIVILEGED, workflow(own=patch, securityContext={"privileged": True}))
    ] == ["spec.templates[0].container.securityContext.privileged"]


def test_what_is_not_about_pods_is_judged_whatever_the_patch() -> None:
    check = "- deny: objectName == 'x'\n  message: m\n"
    assert unevaluated(check, workflow(own="{{a}}")) == []


@pytest.mark.parametrize("patch", ["", " \n"])
def test_an_empty_patch_is_none(patch: str) -> None:
    assert unevaluated(IS_PRIVILEGED, workflow(own=patch)) == []


def test_a_patch_that_is_no_text_is_of_a_wrong_type() -> None:
    text = workflow(own="x").replace('"x"', '{"containers": []}')
    (part,) = project_of(IS_PRIVILEGED, a=text).files["a.yaml"].parts
    assert part.problems[0].message.startswith("'podSpecPatch' must be a string")


def test_parameters_stay_as_they_are_written() -> None:
    patch = "containers: [{name: main, resources: {limits: {memory: '{{inputs.a}}Mi', cpu: {{inputs.b}} }}}]"
    (container,) = pod(workflow(own=patch))["containers"]
    assert container["resources"]["limits"] == {"memory": "{{inputs.a}}Mi", "cpu": "{{inputs.b}}"}
    (container,) = pod(workflow(own="containers: [{name: main, image: '{{inputs.image}}'}]"))["containers"]
    assert "image" not in container


def test_of_the_containers_of_the_controller_only_what_is_written_counts() -> None:
    text = workflow(
        own="containers: [{name: wait, resources: {limits: {cpu: 1}}}]\ninitContainers: [{name: init}]"
    )
    plain = workflow()
    ((findings, _, _),), ((expected, _, _),) = judged(text, EVERYTHING), judged(plain, EVERYTHING)
    assert {one.control for one in findings} == {one.control for one in expected}
    assert not any("wait" in one.message or "'init'" in one.message for one in findings)
    patch = PRIVILEGED.replace("main", "wait")
    assert [one.marked for one in found(IS_PRIVILEGED, workflow(own=patch))] == [f'"podSpecPatch": "{patch}"']


def test_a_container_that_the_patch_adds_is_judged_like_any_other() -> None:
    text = workflow(own="containers: [{name: more, image: b:1}]")
    paths = {one.printed_path for one in judged(text, EVERYTHING)[0][0] if one.control == "C-0017"}
    assert paths == {"spec.templates[0].container.securityContext.readOnlyRootFilesystem", OWN}


def test_no_fix_is_offered_inside_a_patch_and_those_outside_hold() -> None:
    project = Project(fresh()).with_file("a.json", workflow(own=PRIVILEGED))
    (part,) = project.files["a.json"].parts
    fixed: dict[str, bool] = {}
    for finding in part.findings:
        options, _ = fixes_of(Site(project, "a.json", 0), finding)
        fixed[finding.control] = bool(options)
        for option in options:
            read = json.loads(option.text)
            assert read["spec"]["templates"][0]["podSpecPatch"] == PRIVILEGED
    assert fixed["C-0057"] is False
    assert fixed["C-0017"] is True


def test_what_was_found_is_not_taken_for_another_place() -> None:
    own = workflow(own=PRIVILEGED)
    warm = fresh()
    for text in (own, workflow(spec=PRIVILEGED), workflow(own="{{a}}"), workflow(), own):
        assert judged(text, warm) == judged(text, fresh())


def test_anything_may_stand_in_a_patch() -> None:
    for patch in (
        "containers: 1", "containers: [1]", "containers: {a: 1}", "securityContext: [1]", "a: [[[[1]]]]",
        "containers: [{name: [1]}]", "? {a: 1}\n: 2", "volumes: .nan", 'x: "\\0"', "a: &a {b: *a}",
    ):  # fmt: skip
        judged(workflow(own=patch), EVERYTHING)


def test_patches_that_are_remembered_are_bounded() -> None:
    for number in range(MAX_PATCHES + 10):
        read_patch(f"a: {number}")
    assert read_patch.cache_info().currsize == MAX_PATCHES


def test_places_lead_to_the_patch_or_to_what_it_leaves() -> None:
    ((resource,), _) = resources_of(read_document(workflow(own=PRIVILEGED), json=True), {})
    made = pod_of(resource.data, resource.templates[0]).composed
    assert made is not None
    container: Path = ("\0pods", "spec", "containers", 0)
    patch, item = ("spec", "templates", 0, "podSpecPatch"), ("spec", "templates", 0, "container")
    assert made.written_at((*container, "securityContext", "privileged")) == patch
    assert made.settable_at((*container, "securityContext", "privileged")) is None
    assert made.written_at((*container, "securityContext", "runAsUser")) == (
        *item,
        "securityContext",
        "runAsUser",
    )
