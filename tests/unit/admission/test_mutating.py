"""Objects are judged as MutatingAdmissionPolicies change them, at the places that their text has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp import paths
from kscan_lsp.settings.model import ControlSettings, Settings
from kscan_lsp.settings.sections import AdmissionSettings
from kscan_lsp.workspace.admissions import asked_about
from tests.support.admitting import (
    admitting_project,
    assert_edits_say_what_a_fresh_start_says,
    mutating,
    policy,
    said_of,
)
from tests.support.kyverno import cluster_policy

if TYPE_CHECKING:
    from kscan_lsp.workspace.results import CheckedFile

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec:
  containers:
  - name: api
    image: registry.example.com/api:1
  - name: log
    image: docker.io/log:2
"""


def judged(text: str, *policies: str, mutate: bool = True) -> CheckedFile:
    files = [("a.yaml", text, False)]
    files += [(f"policy{number}.yaml", one, False) for number, one in enumerate(policies)]
    return admitting_project(mutate=mutate).with_files(files).files["a.yaml"]


def stored(text: str, *policies: str) -> dict[str, Any]:
    """The object of a text as it would be stored."""
    ((admission,),) = [part.admitted for part in judged(text, *policies).parts]
    if admission.stored is not None:
        return admission.stored.mutated.data
    ((verdicts,),) = [part.verdicts for part in judged(text, *policies).parts]
    return verdicts.resource.data


def notes(checked: CheckedFile) -> list[str]:
    return [problem.message for _, problem in checked.problems()]


def test_nothing_is_changed_where_the_settings_do_not_say_so() -> None:
    change = mutating('Object{metadata: Object.metadata{labels: {"team": "pay"}}}')
    wants = policy("has(object.metadata.labels.team)")
    assert [one.message for one in said_of(judged(POD, change, wants, mutate=False))]
    assert said_of(judged(POD, change, wants)) == []


def test_what_a_mutation_answers_is_said() -> None:
    change = mutating('Object{metadata: Object.metadata{labels: {"team": "pay"}}}', name="teams")
    checked = judged(POD, change, policy("has(object.metadata.labels.team)"))
    assert notes(checked) == ["1 finding is answered by MutatingAdmissionPolicy 'teams': VAP/p"]
    ((verdicts,),) = [part.verdicts for part in checked.parts]
    assert verdicts.answered == (("teams", "VAP/p"),)
    assert (verdicts.passed, verdicts.failed) == ({"VAP/p"}, set())


SIDECAR = """
  Object{
    spec: Object.spec{
      initContainers: [
        Object.spec.initContainers{
          name: "tunnel", image: "registry.example.com/tunnel:3", restartPolicy: "Always",
          env: [Object.spec.initContainers.env{name: "MODE", value: "edge"}]
        }
      ]
    }
  }"""


def test_a_sidecar_is_added_unless_it_is_there() -> None:
    condition = {
        "name": "no-tunnel",
        "expression": "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'tunnel')",
    }
    change = mutating(SIDECAR, matchConditions=[condition])
    assert stored(POD, change)["spec"]["initContainers"] == [
        {
            "env": [{"name": "MODE", "value": "edge"}],
            "image": "registry.example.com/tunnel:3",
            "name": "tunnel",
            "restartPolicy": "Always",
        }
    ]
    there = POD + "  initContainers:\n  - name: tunnel\n    image: own\n"
    assert stored(there, change)["spec"]["initContainers"] == [{"name": "tunnel", "image": "own"}]
    # without the condition, it is merged with what has its name
    (merged,) = stored(there, mutating(SIDECAR))["spec"]["initContainers"]
    assert (merged["image"], merged["restartPolicy"]) == ("registry.example.com/tunnel:3", "Always")


@pytest.mark.parametrize(
    ("expression", "label"),
    [
        (
            """[JSONPatch{op: "test", path: "/metadata/labels/app", value: "web"},
                JSONPatch{op: "replace", path: "/metadata/labels/app", value: "shop"}]""",
            {"app": "shop"},
        ),
        (
            """[JSONPatch{op: "test", path: "/metadata/labels/app", value: "other"},
                JSONPatch{op: "replace", path: "/metadata/labels/app", value: "shop"}]""",
            {"app": "web"},
        ),
        (
            '[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a.b/c~d"), value: "x"}]',
            {"app": "web", "a.b/c~d": "x"},
        ),
        ('[JSONPatch{op: "copy", from: "/metadata/name", path: "/metadata/labels/app"}]', {"app": "web"}),
        ('[JSONPatch{op: "move", from: "/metadata/labels/app", path: "/metadata/labels/b"}]', {"b": "web"}),
        ('object.metadata.name == "web" ? [JSONPatch{op: "remove", path: "/metadata/labels/app"}] : []', {}),
    ],
)
def test_a_json_patch_is_done(expression: str, label: dict[str, str]) -> None:
    assert stored(POD, mutating(expression))["metadata"]["labels"] == label


def test_a_json_patch_has_objects_for_values() -> None:
    value = "Object.spec.affinity{podAffinity: Object.spec.affinity.podAffinity{}}"
    change = mutating(f'[JSONPatch{{op: "add", path: "/spec/affinity", value: {value}}}]')
    assert stored(POD, change)["spec"]["affinity"] == {"podAffinity": {}}


def test_what_the_api_server_fills_in_is_seen_and_not_kept() -> None:
    change = mutating(
        'Object{metadata: Object.metadata{labels: {"restarts": object.spec.restartPolicy,'
        ' "in": object.metadata.namespace, "pulls": object.spec.containers[0].imagePullPolicy}}}'
    )
    found = stored(POD, change)
    assert found["metadata"]["labels"] == {
        "app": "web",
        "in": "shop",
        "pulls": "IfNotPresent",
        "restarts": "Always",
    }
    assert found["spec"] == stored(POD)["spec"]


def test_a_finding_in_the_text_stays_there_when_entries_before_it_are_added() -> None:
    first = mutating(
        '[JSONPatch{op: "add", path: "/spec/containers/0", value: Object.spec.containers{name: "first", image: "f"}}]'
    )
    wants = policy("object.spec.containers.all(c, c.image.startsWith('registry.'))")
    checked = judged(POD, first, wants)
    found = [(finding.finding, checked.text) for finding in checked.findings()]
    marked = [
        (paths.show(one.path), one.stable_path, text[one.span.start : one.span.end]) for one, text in found
    ]
    assert marked == [
        ("spec.containers[0].image", "spec.containers[name=first].image", "containers"),
        ("spec.containers[1].image", "spec.containers[name=log].image", "image: docker.io/log:2"),
    ]
    assert [[one.message for one in finding.related] for finding, _ in found] == [
        ["the policy 'p' says so", "added by MutatingAdmissionPolicy 'm'"],
        ["the policy 'p' says so"],
    ]
    assert found[0][0].related[1].file == "policy0.yaml"


def test_a_value_that_is_set_is_named_beside_its_place() -> None:
    change = mutating('[JSONPatch{op: "replace", path: "/spec/containers/0/image", value: "evil/api"}]')
    checked = judged(POD, change, policy("object.spec.containers.all(c, !c.image.startsWith('evil'))"))
    (placed,) = checked.findings()
    span = placed.finding.span
    assert checked.text[span.start : span.end] == "image: registry.example.com/api:1"
    assert placed.finding.related[-1].message == "set by MutatingAdmissionPolicy 'm'"


def test_what_is_missing_is_missing_in_the_text_though_its_parent_was_added() -> None:
    change = mutating(
        "Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name,"
        " securityContext: Object.spec.containers.securityContext{runAsNonRoot: true}})}}"
    )
    wants = policy("object.spec.containers.all(c, has(c.securityContext.runAsUser))")
    (first, second) = said_of(judged(POD, change, wants))
    assert (first.path, first.marked) == ("spec.containers[0].securityContext.runAsUser", "name: api")
    assert (second.path, second.marked) == ("spec.containers[1].securityContext.runAsUser", "name: log")


def order(*, again: str) -> dict[str, Any]:
    """A policy that looks for what a later one adds."""
    looks = mutating(
        'Object{metadata: Object.metadata{labels: {"saw": has(object.metadata.labels.late) ? "yes" : "no"}}}',
        name="a-looks",
        reinvocationPolicy=again,
    )
    adds = mutating('Object{metadata: Object.metadata{labels: {"late": "x"}}}', name="b-adds")
    found: dict[str, Any] = stored(POD, adds, looks)["metadata"]["labels"]
    return found


def test_policies_come_in_the_order_of_their_names_and_once_more_if_they_say_so() -> None:
    assert order(again="Never")["saw"] == "no"
    assert order(again="IfNeeded")["saw"] == "yes"


def test_one_that_is_asked_again_is_asked_once_more_and_no_more() -> None:
    grows = mutating(
        '[JSONPatch{op: "replace", path: "/metadata/labels/app", value: object.metadata.labels.app + "+"}]',
        reinvocationPolicy="IfNeeded",
    )
    assert stored(POD, grows)["metadata"]["labels"]["app"] == "web++"


def test_mutations_of_a_policy_see_what_those_before_them_made() -> None:
    change = mutating(
        'Object{metadata: Object.metadata{labels: {"a": "1"}}}',
        'Object{metadata: Object.metadata{labels: {"b": object.metadata.labels.a + "2"}}}',
    )
    assert stored(POD, change)["metadata"]["labels"] == {"app": "web", "a": "1", "b": "12"}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ('[JSONPatch{op: "remove", path: "/spec/nodeSelector"}]', "no '/spec/nodeSelector' in the object"),
        ('[JSONPatch{op: "add", path: "/spec/containers/9", value: {}}]', "no place in that list"),
        ('[JSONPatch{op: "zap", path: "/spec"}]', "no operation 'zap'"),
        ("Object{spec: Object.spec{nodeSelector: {'a': 'b'}}}", "replaced as a whole: spec.nodeSelector"),
        ("Object{spec: Object.spec{hostNetwork: 'yes'}}", "spec.hostNetwork must be true or false"),
        ("Object{spec: Object.spec{hostNet: true}}", "no field spec.hostNet"),
        ("Object{spec: Object.metadata{}}", "type 'Object.metadata' where 'Object.spec' belongs"),
        ("Object{spec: Object.spec{containers: [Object.spec.containers{image: 'x'}]}}", "has no 'name'"),
        (
            "Object{metadata: Object.metadata{labels: {'a': object.metadata.labels.nope}}}",
            "a field is missing",
        ),
    ],
)
def test_a_mutation_that_fails_has_the_object_refused_unless_the_policy_ignores_it(
    expression: str, reason: str
) -> None:
    checked = judged(POD, mutating(expression))
    (finding,) = said_of(checked)
    assert (finding.path, finding.marked, finding.severity) == ("metadata.name", "name: web", "high")
    assert finding.message.startswith("mutation '")
    assert reason in finding.message
    ((verdicts,),) = [part.verdicts for part in checked.parts]
    assert verdicts.failed == {"MAP/m"}
    assert said_of(judged(POD, mutating(expression, failurePolicy="Ignore"))) == []


def test_policies_of_others_judge_what_is_stored() -> None:
    wants = cluster_policy({"pattern": {"metadata": {"labels": {"team": "?*"}}}, "message": "no team"})
    change = mutating('Object{metadata: Object.metadata{labels: {"team": "pay"}}}')
    assert len(said_of(judged(POD, wants, change, mutate=False))) == 1
    checked = judged(POD, wants, change)
    assert said_of(checked) == []
    assert notes(checked) == ["1 finding is answered by MutatingAdmissionPolicy 'm': Kyverno/p/r0"]


def test_nothing_of_a_secret_is_told() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: hunter2}\n"
    (finding,) = said_of(
        judged(text, mutating('[JSONPatch{op: "remove", path: "/a/" + object.stringData.key}]'))
    )
    assert finding.message.endswith("fails: see what it does to the object")
    assert "hunter2" not in finding.message


def test_what_the_api_server_cannot_read_is_refused_whatever_the_policy_says() -> None:
    wrong = '[JSONPatch{op: "add", path: "/spec/hostNetwork", value: "yes"}]'
    (finding,) = said_of(judged(POD, mutating(wrong, failurePolicy="Ignore")))
    assert "spec.hostNetwork must be true or false" in finding.message


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (
            'request.userInfo.username == "me" ? Object{} : Object{}',
            "needs who asks (request.userInfo)",
        ),
        (
            "authorizer.group('').resource('pods').check('get').allowed() ? Object{} : Object{}",
            "needs the cluster's authorizer",
        ),
    ],
)
def test_what_no_file_answers_is_not_applied_and_said(expression: str, reason: str) -> None:
    ((verdicts,),) = [part.verdicts for part in judged(POD, mutating(expression)).parts]
    (entry,) = verdicts.unevaluated
    assert entry.control == "MAP/m"
    assert reason in entry.reason


def test_a_kind_that_nothing_is_known_of_is_not_merged_where_that_matters() -> None:
    custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {parts: [{name: a}]}\n"
    labels = mutating('Object{metadata: Object.metadata{labels: {"a": "b"}}, spec: Object.spec{size: 3}}')
    found = stored(custom, labels)
    assert (found["metadata"], found["spec"]["size"]) == ({"name": "w", "labels": {"a": "b"}}, 3)
    lists = mutating('Object{spec: Object.spec{parts: [Object.spec.parts{name: "b"}]}}')
    ((verdicts,),) = [part.verdicts for part in judged(custom, lists).parts]
    (entry,) = verdicts.unevaluated
    assert "nothing is known here of the list spec.parts" in entry.reason


def test_params_decide() -> None:
    change = mutating(
        'Object{metadata: Object.metadata{labels: {"team": params.data.team}}}',
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        binding={"paramRef": {"name": "teams", "namespace": "shop", "parameterNotFoundAction": "Deny"}},
    )
    params = (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: teams, namespace: shop}\ndata: {team: pay}\n"
    )
    assert stored(POD, change, params)["metadata"]["labels"]["team"] == "pay"
    ((verdicts,),) = [part.verdicts for part in judged(POD, change).parts]
    assert ["no file has the ConfigMap 'teams'" in entry.reason for entry in verdicts.unevaluated] == [True]


def test_matching_is_that_of_policies_that_validate() -> None:
    rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]}]
    label = 'Object{metadata: Object.metadata{labels: {"a": "b"}}}'
    assert (
        "a"
        not in stored(POD, mutating(label, matchConstraints={"resourceRules": rules}))["metadata"]["labels"]
    )
    elsewhere = {"matchResources": {"objectSelector": {"matchLabels": {"app": "other"}}}}
    assert "a" not in stored(POD, mutating(label, binding=elsewhere))["metadata"]["labels"]
    here = {"matchResources": {"objectSelector": {"matchLabels": {"app": "web"}}}}
    assert "a" in stored(POD, mutating(label, binding=here))["metadata"]["labels"]


def test_policies_themselves_are_never_changed() -> None:
    label = mutating('Object{metadata: Object.metadata{labels: {"a": "b"}}}')
    project = admitting_project(mutate=True).with_files([("m.yaml", label, False)])
    assert [part.admitted[0].stored for part in project.files["m.yaml"].parts] == [None, None]
    one = project.files["m.yaml"].objects[0]
    assert asked_about(one, project.index, project.ruleset).mutating.policies == ()


def test_a_policy_of_a_version_that_kubernetes_has_not_yet_is_not_applied() -> None:
    project = admitting_project(mutate=True)
    minor = project.ruleset.kubernetes_minor
    assert minor >= 36
    old = Settings(kubernetes_version="1.35", admission=AdmissionSettings(mutate=True))
    label = 'Object{metadata: Object.metadata{labels: {"a": "b"}}}'
    for version, applied in (("v1", False), ("v1beta1", True), ("v1alpha1", True)):
        files = [("a.yaml", POD, False), ("m.yaml", mutating(label, version=version), False)]
        found = admitting_project(settings=old).with_files(files)
        ((admission,),) = [part.admitted for part in found.files["a.yaml"].parts]
        assert (admission.stored is not None) is applied
        late = [
            one for one in notes(found.files["m.yaml"]) if one.startswith("not applied: Kubernetes has v1 ")
        ]
        assert bool(late) is not applied


def test_a_policy_can_be_left_out() -> None:
    settings = Settings(
        admission=AdmissionSettings(mutate=True), controls=ControlSettings(exclude=("MAP/m",))
    )
    files = [("a.yaml", POD, False), ("m.yaml", mutating(SIDECAR), False)]
    project = admitting_project(settings=settings).with_files(files)
    ((admission,),) = [part.admitted for part in project.files["a.yaml"].parts]
    assert admission.stored is None


def test_edits_say_what_a_fresh_start_says() -> None:
    change = mutating(
        '[JSONPatch{op: "add", path: "/spec/containers/0", value: Object.spec.containers{name: "first", image: "f"}}]',
        'Object{metadata: Object.metadata{labels: {"n": string(size(object.spec.containers))}}}',
    )
    wants = policy(
        "object.spec.containers.all(c, c.image.startsWith('r')) && object.metadata.labels.n == '2'"
    )
    around = admitting_project(mutate=True).with_files([("m.yaml", change, False), ("p.yaml", wants, False)])
    pod = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [%s]}}'
    texts = [
        pod % entries
        for entries in (
            '{"name": "a", "image": "r"}',
            '{"name": "a", "image": "x"}',
            '{"name": "a", "image": "x"}, {"name": "b", "image": "r"}',
            '{"name": "b", "image": "r"}, {"name": "a", "image": "x"}',
            '{"name": "b", "image": "r"}, 3',
            '{"name": "a", "image": "r"}',
        )
    ]
    assert_edits_say_what_a_fresh_start_says(around, texts)


def test_an_edit_of_a_policy_judges_again_what_it_changes() -> None:
    wants = policy("has(object.metadata.labels.team)")
    label = 'Object{metadata: Object.metadata{labels: {"%s": "pay"}}}'
    files = [("a.yaml", POD, False), ("m.yaml", mutating(label % "tem"), False), ("p.yaml", wants, False)]
    project = admitting_project(mutate=True).with_files(files)
    assert len(said_of(project.files["a.yaml"])) == 1
    project = project.with_file("m.yaml", mutating(label % "team"))
    assert said_of(project.files["a.yaml"]) == []
    project = project.without_file("m.yaml")
    assert len(said_of(project.files["a.yaml"])) == 1
    assert notes(project.files["a.yaml"]) == []


@pytest.mark.parametrize(
    "spec",
    [
        "null", "3", "[]", "{mutations: 3}", "{mutations: [3, null, {}, {patchType: 3}]}",
        "{mutations: [{patchType: JSONPatch, jsonPatch: 3}]}",
        "{mutations: [{patchType: JSONPatch, jsonPatch: {expression: 3}}]}",
        "{mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: '\U0001f600'}}]}",
    ],
)  # fmt: skip
def test_what_is_no_policy_breaks_nothing(spec: str) -> None:
    text = (
        "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingAdmissionPolicy\nmetadata: {name: m}\n"
        f"spec: {spec}\n---\n" + mutating(SIDECAR).split("\n---\n")[1]
    )
    assert said_of(judged(POD, text)) == []


def test_a_patch_that_makes_too_much_is_not_applied() -> None:
    custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 3}\n"
    doubling = ", ".join(
        f'JSONPatch{{op: "copy", from: "/spec", path: "/spec/a{number}"}}' for number in range(60)
    )
    ((verdicts,),) = [part.verdicts for part in judged(custom, mutating(f"[{doubling}]")).parts]
    (entry,) = verdicts.unevaluated
    assert "too large, or too deep" in entry.reason
