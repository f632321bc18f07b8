"""Kinds that run pods: every row of the table is judged where it says, with fixes, and partial templates say little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.evaluating import TODAY, fresh, judged
from support.judging import found, project_of, unevaluated

from kscan_lsp import paths
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.kubernetes.pod_shapes import SHAPES, sources_of
from kscan_lsp.kubernetes.pod_templates import TABLE
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

EVERYTHING = fresh()
PRIVILEGED = {"name": "a", "image": "a:1", "securityContext": {"privileged": True}}
IS_PRIVILEGED = """\
- each: containers
  deny: container.?securityContext.?privileged.orValue(false)
  at: securityContext.privileged
  message: "{container.name} {role}"
"""


def put(data: Any, pattern: paths.Pattern, value: object) -> Any:
    """Plain data with a value at a path; where a pattern has all items of something, there is one, in a list."""
    if not pattern:
        return value
    step, rest = pattern[0], pattern[1:]
    if step is paths.EACH:
        return [put(data[0] if data else {}, rest, value)]
    return {**(data or {}), step: put((data or {}).get(step), rest, value)}


def containers_in(place: Any) -> list[paths.Pattern]:
    """Where a place of the table may have containers."""
    if not place.shape:
        return [(*place.pattern, "spec", name, None) for name in ("containers", "initContainers")]
    lists = sources_of(place.shape).lists
    return [
        (*place.pattern, *source.pattern)
        for name in ("containers", "initContainers", "ephemeralContainers")
        for source in lists.get(name, ())
    ]


ROWS = [
    pytest.param(group, kind, row.places, id=f"{kind}.{group} {number}")
    for number, row in enumerate(TABLE)
    for group in row.groups
    for kind in row.kinds
]


def object_of(group: str, kind: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{group}/v1" if group else "v1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "shop"},
    }


@pytest.mark.parametrize(("group", "kind", "places"), ROWS)
def test_every_place_of_the_table_is_judged(group: str, kind: str, places: tuple[Any, ...]) -> None:
    for place in places:
        for where in containers_in(place):
            text = json.dumps(put(object_of(group, kind), where, PRIVILEGED))
            if where[-2] == "initContainers" and (
                not place.shape or SHAPES[place.shape].only_with == "containers"
            ):
                continue  # alone, they are no pod
            expected = (*[0 if step is None else step for step in where], "securityContext", "privileged")
            assert [one.path for one in found(IS_PRIVILEGED, text)] == [paths.show(expected)]


@pytest.mark.parametrize(("group", "kind", "places"), ROWS)
def test_what_a_kind_has_is_of_a_type_that_is_known(group: str, kind: str, places: tuple[Any, ...]) -> None:
    for place in places:
        for where in containers_in(place):
            wrong = {**PRIVILEGED, "securityContext": {"privileged": "yes"}}
            text = json.dumps(put(object_of(group, kind), where, wrong))
            (part,) = project_of(IS_PRIVILEGED, a=text).files["a.yaml"].parts
            messages = [problem.message for problem in part.problems]
            assert messages[0].startswith("'privileged' must be true or false"), where


@pytest.mark.parametrize(
    ("group", "kind", "places"),
    [p for p in ROWS if p.values[2][0].partial],
    ids=lambda value: str(value)[:20],
)
def test_of_a_part_of_a_pod_only_what_is_written_counts(
    group: str, kind: str, places: tuple[Any, ...]
) -> None:
    """What is missing, an operator gives, or who runs it."""
    for place in places:
        for where in containers_in(place):
            for container in ({"name": "a"}, {"name": "a", "image": "$(params.image)"}):
                if not place.shape and "image" in container:
                    continue
                text = json.dumps(put(object_of(group, kind), where, container))
                ((findings, _, missing),) = judged(text, EVERYTHING)
                assert [f"{one.control} {one.printed_path}" for one in findings] == []
                assert {one.reason for one in missing if not one.reason.startswith("no manifest")} == set()


WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: build, namespace: ci}
spec:
  entrypoint: main
  securityContext: {runAsUser: 0}
  hostNetwork: true
  serviceAccountName: builder
  volumes:
  - name: socket
    hostPath: {path: /run/docker.sock}
  templateDefaults:
    container:
      securityContext: {runAsNonRoot: false}
  templates:
  - name: main
    dag: {tasks: [{name: build, template: build}]}
  - name: build
    volumes:
    - name: node
      hostPath: {path: /etc}
    initContainers:
    - {name: first, image: a:1, securityContext: {privileged: true}}
    container:
      image: "{{inputs.parameters.image}}"
      securityContext:
        privileged: true
    sidecars:
    - {name: dind, image: docker:dind}
  - name: check
    script:
      image: alpine:3
      source: echo
"""


def places(control: str, text: str = WORKFLOW) -> list[tuple[str, str]]:
    """The paths and marked texts of the findings of a built-in control."""
    (judgement,) = judged(text, EVERYTHING)
    return [
        (one.printed_path, text[one.span.start : one.span.end])
        for one in judgement[0]
        if one.control == control
    ]


def test_each_template_of_a_workflow_is_a_pod_of_its_own() -> None:
    assert places("C-0057") == [
        ("spec.templates[1].initContainers[0].securityContext.privileged", "privileged: true"),
        ("spec.templates[1].container.securityContext.privileged", "privileged: true"),
    ]


def test_what_stands_for_all_templates_is_found_once_where_it_is_written() -> None:
    assert places("C-0041") == [("spec.hostNetwork", "hostNetwork: true")]
    assert places("KS-0028") == [("spec.securityContext.runAsUser", "runAsUser: 0")]
    assert ("spec.volumes[0].hostPath.path", "path: /run/docker.sock") in places("C-0048")
    assert ("spec.templates[1].volumes[0].hostPath.path", "path: /etc") in places("C-0048")
    assert [path for path, _ in places("C-0048")] == [
        "spec.volumes[0].hostPath.path",
        "spec.templates[1].volumes[0].hostPath.path",
    ]


def test_defaults_of_a_container_hold_where_it_says_nothing() -> None:
    found_at = [path for path, _ in places("KS-0027")]
    assert found_at[0] == "spec.templateDefaults.container.securityContext.runAsNonRoot"


def test_an_image_that_is_a_parameter_is_none() -> None:
    assert "spec.templates[1].container.image" not in [path for path, _ in places("KS-0026")]
    assert places("C-0306")[-1][0] == "spec.templates[2].script.image"


def test_pods_that_end_need_no_probes() -> None:
    assert places("C-0018") == places("C-0056") == []


def test_every_fix_in_a_workflow_holds() -> None:
    project = Project(fresh()).with_file("a.yaml", WORKFLOW)
    (part,) = project.files["a.yaml"].parts
    made = 0
    for finding in part.findings:
        options, _ = fixes_of(Site(project, "a.yaml", 0), finding)
        made += bool(options)
        for option in options:
            assert "\0" not in option.text
            assert "hostUsers" not in option.text  # Argo has no such field
    assert made > 20


def test_what_is_remembered_of_a_template_is_not_taken_for_another_place() -> None:
    moved = WORKFLOW.replace("  securityContext: {runAsUser: 0}\n", "").replace(
        "  - name: check\n", "  - name: check\n    securityContext: {runAsUser: 0}\n"
    )
    one_less = WORKFLOW.replace("  - name: main\n    dag: {tasks: [{name: build, template: build}]}\n", "")
    warm = fresh()
    for text in (WORKFLOW, moved, one_less, WORKFLOW):
        assert judged(text, warm) == judged(text, fresh())


TASK = """\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build, namespace: ci}
spec:
  stepTemplate:
    securityContext: {privileged: true}
    env:
    - {name: PASSWORD, value: hunter2hunter2}
    - {name: A, value: other}
  steps:
  - name: one
    image: a:1
    env: [{name: A, value: b}]
    computeResources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}
  - name: two
    image: $(params.image)
    securityContext: {privileged: false}
"""


def test_steps_of_a_task() -> None:
    assert places("C-0057", TASK) == [("spec.stepTemplate.securityContext.privileged", "privileged: true")]
    assert places("C-0012", TASK) == [("spec.stepTemplate.env[0].value", "value: hunter2hunter2")]


def test_a_renamed_field_is_found_under_its_own_name() -> None:
    check = """\
- each: containers
  deny: container.?resources.?limits.?memory.orValue('') == '1Gi'
  at: resources.limits.memory
  message: m
"""
    assert [(one.path, one.marked) for one in found(check, TASK)] == [
        ("spec.steps[0].computeResources.limits.memory", "memory: 1Gi")
    ]
    given = TASK.replace(
        "    env:\n    - {name: PASS",
        "    computeResources: {limits: {memory: 1Gi}}\n    env:\n    - {name: PASS",
    )
    assert [one.path for one in found(check, given)] == [
        "spec.stepTemplate.computeResources.limits.memory",
        "spec.steps[0].computeResources.limits.memory",
    ]


POD_FIELDS = """\
hostNetwork: true
securityContext: {runAsUser: 0}
volumes:
- name: node
  hostPath: {path: /}
env:
- {name: PASSWORD, value: hunter2hunter2}
"""
RUNS = {
    "a TaskRun": ("TaskRun", "spec.podTemplate", "spec.serviceAccountName"),
    "a PipelineRun": ("PipelineRun", "spec.taskRunTemplate.podTemplate", "spec.taskRunTemplate.serviceAccountName"),
    "a PipelineRun of v1beta1": ("PipelineRun", "spec.podTemplate", "spec.serviceAccountName"),
    "a task of a PipelineRun": (
        "PipelineRun",
        "spec.taskRunSpecs[*].podTemplate",
        "spec.taskRunSpecs[*].serviceAccountName",
    ),
    "a task of a PipelineRun of v1beta1": (
        "PipelineRun",
        "spec.taskRunSpecs[*].taskPodTemplate",
        "spec.taskRunSpecs[*].taskServiceAccountName",
    ),
}  # fmt: skip
STEPS = {
    "TaskRun": {"taskSpec": {"steps": [{"name": "one", "image": "a:1"}]}},
    "PipelineRun": {"pipelineSpec": {"tasks": [{"name": "t", "taskSpec": {"steps": [{"image": "a:1"}]}}]}},
}


def found_in(data: dict[str, Any]) -> set[tuple[str, str]]:
    (judgement,) = judged(json.dumps(data), EVERYTHING)
    return {(one.control, one.printed_path) for one in judgement[0]}


@pytest.mark.parametrize("steps", [True, False], ids=["with steps", "without"])
@pytest.mark.parametrize(("kind", "template", "account"), RUNS.values(), ids=RUNS)
def test_what_a_run_says_of_its_pods_is_judged(
    kind: str, template: str, account: str, *, steps: bool
) -> None:
    """Whether its steps are in it, or in a Task that it names."""
    data = put(object_of("tekton.dev", kind), paths.parse_pattern(template), read_document(POD_FIELDS).data)
    data = put(data, paths.parse_pattern(account), "admin")
    data["spec"] |= STEPS[kind] if steps else {"taskRef": {"name": "t"}}
    where = template.replace("[*]", "[0]")
    assert {
        ("C-0041", f"{where}.hostNetwork"),
        ("KS-0028", f"{where}.securityContext.runAsUser"),
        ("KS-0044", f"{where}.volumes[0].hostPath.path"),
        ("C-0012", f"{where}.env[0].value"),
        ("C-0307", account.replace("[*]", "[0]")),
    } <= found_in(data)


def test_a_run_that_says_nothing_of_its_pods_runs_those_of_its_task() -> None:
    run = {**object_of("tekton.dev", "TaskRun"), "spec": {"taskRef": {"name": "t"}, "params": []}}
    assert found(IS_PRIVILEGED, json.dumps(run)) == unevaluated(IS_PRIVILEGED, json.dumps(run)) == []
    ((findings, passed, missing),) = judged(json.dumps(run), EVERYTHING)
    assert findings == missing == ()
    assert "C-0041" not in passed


def test_a_step_that_mounts_what_the_run_has_from_the_node_is_found() -> None:
    mount = {"name": "node", "mountPath": "/node", "readOnly": False}
    task = {"taskSpec": {"steps": [{"name": "one", "image": "a:1", "volumeMounts": [mount]}]}}
    spec = {
        "taskRunTemplate": {"podTemplate": read_document(POD_FIELDS).data},
        "pipelineSpec": {"tasks": [{"name": "t", **task}], "finally": [{"name": "f", **task}]},
    }
    assert {path for control, path in found_in({**object_of("tekton.dev", "PipelineRun"), "spec": spec})
            if control == "C-0045"} == {
        f"spec.pipelineSpec.{list_}[0].taskSpec.steps[0].volumeMounts[0].readOnly" for list_ in ("tasks", "finally")
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"])
@pytest.mark.parametrize(
    "templates", [{"workflowTemplateRef": {"name": "t"}}, {"templates": [{"name": "t", "dag": {}}]}]
)
def test_what_a_workflow_says_of_the_pods_of_another_is_judged(kind: str, templates: dict[str, Any]) -> None:
    spec = {
        **read_document(POD_FIELDS).data,
        **templates,
        "serviceAccountName": "admin",
        "templateDefaults": {"container": {"securityContext": {"privileged": True}}},
    }
    where = ("spec", "workflowSpec") if kind == "CronWorkflow" else ("spec",)
    at = ".".join(where)
    assert {
        ("C-0041", f"{at}.hostNetwork"),
        ("KS-0028", f"{at}.securityContext.runAsUser"),
        ("KS-0044", f"{at}.volumes[0].hostPath.path"),
        ("C-0307", f"{at}.serviceAccountName"),
        ("C-0057", f"{at}.templateDefaults.container.securityContext.privileged"),
    } <= found_in(put(object_of("argoproj.io", kind), where, spec))


REFERRING = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
"""


def test_a_rollout_of_a_deployment_runs_no_pods_of_its_own() -> None:
    assert found(IS_PRIVILEGED, REFERRING) == unevaluated(IS_PRIVILEGED, REFERRING) == []
    ((findings, _, missing),) = judged(REFERRING, EVERYTHING)
    assert findings == missing == ()


def test_a_deployment_without_a_template_is_not_judged() -> None:
    (missing,) = unevaluated(IS_PRIVILEGED, "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1}\n")
    assert missing.reason == "there is no pod at spec.template.spec"


def by_settings(text: str, *entries: dict[str, str]) -> list[str]:
    settings = Settings.of({"frameworks": [], "controls": {"include": ["C-0057"]}, "podSpecPaths": entries})
    rules, wrong = choose(builtin_policies(), settings)
    assert wrong == ()
    file = Project(Evaluator(rules, Evidence(TODAY))).with_file("a.yaml", text).files["a.yaml"]
    return [entry.finding.printed_path for entry in file.findings()]


OWN = """\
apiVersion: shop.example/v1
kind: Shop
spec:
  front: {spec: {containers: [{name: a, securityContext: {privileged: true}}]}}
  backs:
  - template: {spec: {containers: [{name: a, securityContext: {privileged: true}}]}}
  - template: {spec: {containers: [{name: a, securityContext: {privileged: true}}]}}
"""


def test_settings_name_several_templates_of_a_kind() -> None:
    shop = {"kind": "Shop", "group": "shop.example"}
    assert by_settings(OWN, {**shop, "path": "spec.front"}, {**shop, "path": "spec.backs[*].template"}) == [
        "spec.front.spec.containers[0].securityContext.privileged",
        "spec.backs[0].template.spec.containers[0].securityContext.privileged",
        "spec.backs[1].template.spec.containers[0].securityContext.privileged",
    ]
    assert by_settings(OWN, {**shop, "path": "spec.none"}, {**shop, "path": "spec.front"}) == [
        "spec.front.spec.containers[0].securityContext.privileged"
    ]


def test_settings_win_over_the_table() -> None:
    text = OWN.replace("shop.example/v1", "argoproj.io/v1alpha1").replace("kind: Shop", "kind: Rollout")
    entry = {"kind": "Rollout", "group": "argoproj.io", "path": "spec.front"}
    assert by_settings(text) == []
    assert by_settings(text, entry) == ["spec.front.spec.containers[0].securityContext.privileged"]


JOB = """\
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: train, namespace: ml}
spec:
  pytorchReplicaSpecs:
    Master:
      template:
        metadata: {labels: {role: master}}
        spec: {serviceAccountName: a, containers: [{name: pytorch, image: a:1}]}
    Worker:
      template:
        metadata: {labels: {role: worker}}
        spec: {serviceAccountName: b, containers: [{name: pytorch, image: a:1}]}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec: {podSelector: {matchLabels: {role: master}}}
"""


def test_relations_are_those_of_each_template() -> None:
    check = """\
- each: podTemplate
  relations: {policies: networkPolicies}
  deny: policies.size() == 0
  at: metadata.labels
  message: m
"""
    (part,) = project_of(check, a=JOB, b=POLICY).files["a.yaml"].parts
    assert [one.printed_path for one in part.findings] == [
        "spec.pytorchReplicaSpecs.Worker.template.metadata.labels"
    ]


def test_others_find_an_object_by_each_of_its_templates() -> None:
    check = """\
- match: [{groups: [networking.k8s.io], kinds: [NetworkPolicy]}, {groups: [""], kinds: [ServiceAccount]}]
  relations: {workloads: workloads}
  deny: workloads.size() == 0
  message: m
"""
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: NAME, namespace: ml}\n"
    texts = {f"s{name}": account.replace("NAME", name) for name in "abc"}
    worker = POLICY.replace("master", "worker")
    files = project_of(check, j=JOB, p=POLICY, q=worker, r=worker.replace("worker", "c"), **texts).files
    assert [name for name, file in files.items() if any(True for _ in file.findings())] == [
        "r.yaml",
        "sc.yaml",
    ]


TEMPLATE = """\
apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: shop}
parameters:
- {name: NAME, value: shop}
- {name: REPLICAS, value: "2"}
- {name: PRIVILEGED, value: "true"}
- {name: IMAGE, required: true}
- {name: ODD}
objects:
- apiVersion: apps.openshift.io/v1
  kind: DeploymentConfig
  metadata: {name: "${NAME}"}
  spec:
    replicas: ${{REPLICAS}}
    template:
      spec:
        hostNetwork: ${{ODD}}
        containers:
        - name: ${NAME}-web
          image: ${IMAGE}
          securityContext:
            privileged: ${{PRIVILEGED}}
- apiVersion: v1
  kind: Service
  metadata: {name: "${NAME}"}
"""


def test_the_objects_of_a_template_are_judged_with_the_values_of_its_parameters() -> None:
    assert [tuple(one) for one in found(IS_PRIVILEGED, TEMPLATE)] == [
        ("spec.template.spec.containers[0].securityContext.privileged", "privileged: ${{PRIVILEGED}}",
         "shop-web container")
    ]  # fmt: skip
    (part,) = project_of(IS_PRIVILEGED, a=TEMPLATE).files["a.yaml"].parts
    assert part.problems == ()
    assert [(v.resource.id.kind, v.resource.id.name) for v in part.verdicts] == [
        ("Template", "shop"),
        ("DeploymentConfig", "shop"),
        ("Service", "shop"),
    ]


def test_an_object_of_a_template_can_be_fixed() -> None:
    text = TEMPLATE.replace("${{PRIVILEGED}}", "true")
    settings = Settings.of({"frameworks": [], "controls": {"include": ["C-0057"]}})
    rules, _ = choose(builtin_policies(), settings)
    project = Project(Evaluator(rules, Evidence(TODAY))).with_file("a.yaml", text)
    (finding,) = project.files["a.yaml"].parts[0].findings
    (option,), _ = fixes_of(Site(project, "a.yaml", 0), finding)
    assert option.text == text.replace("privileged: true", "privileged: false")


def test_an_image_of_a_template_that_nobody_knows_is_none() -> None:
    found_in = [one.control for judgement in judged(TEMPLATE, EVERYTHING) for one in judgement[0]]
    assert "C-0306" not in found_in
    assert "C-0057" in found_in


@pytest.mark.parametrize(
    "objects", ["1", "{a: b}", "[1]", "[{kind: Pod}]", "[&a {apiVersion: v1, kind: Pod, spec: *a}]"]
)
def test_a_template_with_anything_in_it(objects: str) -> None:
    text = f"apiVersion: template.openshift.io/v1\nkind: Template\nparameters: [1, {{name: 2}}]\nobjects: {objects}\n"
    judged(text, EVERYTHING)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("value", [None, 1, "a", [], {}, [1, None, "a"], {"a": 1}])
def test_a_shape_with_anything_in_it(name: str, value: object) -> None:
    (group, kind, place), *_ = [
        (row.groups[0], row.kinds[0], row.places[0]) for row in TABLE if row.places[0].shape == name
    ]
    patterns = [*containers_in(place)]
    for where in patterns:
        for length in range(1, len(where) + 1):
            text = json.dumps(put(object_of(group, kind), where[:length], value))
            assert read_document(text, json=True).complete
            judged(text, EVERYTHING)
