"""What policies say of objects, as the API server would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.admitting import admitting_project, policy, said, said_of, unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
  namespace: shop
  labels: {owner: me}
spec:
  replicas: 9
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
      - name: good
        image: registry.example.com/a:1
      - name: bad
        image: docker.io/b:1
        securityContext: {privileged: true}
"""
SHOP = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {env: prod}}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: a, image: b}]}\n"
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}


@pytest.mark.parametrize(
    ("expression", "places"),
    [
        ("object.spec.replicas <= 5", ["replicas: 9"]),
        ("!has(object.spec.replicas) || object.spec.replicas <= 5", ["replicas: 9"]),
        ("object.metadata.namespace != 'shop' || object.spec.replicas < 3", ["replicas: 9"]),
        ("object.metadata.name == 'd' && object.spec.replicas < 3", ["replicas: 9"]),
        ("has(object.metadata.annotations)", ["metadata"]),
        ("has(object.metadata.labels.team)", ["labels: {owner: me}"]),
        (
            "object.spec.template.spec.containers.all(c, c.image.startsWith('registry.'))",
            ["image: docker.io/b:1"],
        ),
        (
            "!object.spec.template.spec.containers.exists(c, c.?securityContext.?privileged.orValue(false))",
            ["privileged: true"],
        ),
        (
            "object.spec.template.spec.containers.all(c, has(c.resources.limits))",
            ["name: good", "name: bad"],
        ),
        ("object.spec.template.spec.containers.exists(c, c.name == 'proxy')", ["containers"]),
        (
            "object.spec.template.spec.containers.filter(c, c.image.contains('docker.io')).size() == 0",
            ["image: docker.io/b:1"],
        ),
        (
            "object.spec.template.spec.containers.map(c, c.image).all(i, i.startsWith('registry.'))",
            ["image: docker.io/b:1"],
        ),
        ("object.spec.template.spec.containers[1].image == 'x'", ["image: docker.io/b:1"]),
        ("object.metadata.?labels['owner'].orValue('') == 'you'", ["owner: me"]),
        ("object.metadata.labels.all(k, k.startsWith('x'))", ["owner: me"]),
        ("(object.spec.replicas > 5 ? object.metadata.name : 'x') == 'y'", ["name: d"]),
        ("!(object.metadata.name in ['d', 'e'])", ["name: d"]),
        ("request.operation == 'UPDATE'", ["name: d"]),
        ("[1, 2].all(i, i > object.spec.replicas)", ["replicas: 9"]),
        ("object.spec.template.spec.containers.all(c, c.name.matches('^g') && c.image != '')", ["name: bad"]),
    ],
)
def test_the_field_that_decided_is_marked(expression: str, places: list[str]) -> None:
    assert [one.marked for one in said(DEPLOYMENT, policy(expression))] == places


def test_a_place_is_found_through_variables() -> None:
    text = policy(
        [{"expression": "size(variables.bad) == 0", "messageExpression": "'not: ' + variables.bad[0].image"}],
        variables=[
            {"name": "spec", "expression": "object.spec.template.spec"},
            {
                "name": "all",
                "expression": "variables.spec.containers + variables.spec.?initContainers.orValue([])",
            },
            {"name": "bad", "expression": "variables.all.filter(c, !c.image.startsWith('registry.'))"},
        ],
    )
    (one,) = said(DEPLOYMENT, text)
    assert (one.path, one.message) == ("spec.template.spec.containers[1].image", "not: docker.io/b:1")


@pytest.mark.parametrize(
    ("actions", "severities"),
    [
        (["Deny"], ["high"]),
        (["Warn", "Audit"], ["medium"]),
        (["Audit"], ["low"]),
        (["Audit", "Deny"], ["high"]),
        ([], []),
    ],
)
def test_what_a_binding_does_is_how_severe_it_is(actions: list[str], severities: list[str]) -> None:
    found = said(POD, policy("false", binding={"validationActions": actions}))
    assert [one.severity for one in found] == severities


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (RULE, True),
        ({**RULE, "resources": ["*"]}, True),
        ({**RULE, "resources": ["pods"]}, False),
        ({**RULE, "resources": ["deployments/scale"]}, False),
        ({**RULE, "apiGroups": ["extensions"]}, True),
        ({**RULE, "apiGroups": ["batch"]}, False),
        ({**RULE, "apiVersions": ["v1beta1"]}, True),
        ({**RULE, "operations": ["DELETE"]}, False),
        ({**RULE, "operations": ["*"]}, True),
        ({**RULE, "scope": "Cluster"}, False),
        ({**RULE, "scope": "Namespaced"}, True),
        ({**RULE, "resourceNames": ["other"]}, False),
        ({**RULE, "resourceNames": ["d"]}, True),
    ],
)
def test_rules_choose_what_a_policy_is_about(rule: dict[str, object], matches: bool) -> None:
    assert bool(said(DEPLOYMENT, policy("false", matchConstraints={"resourceRules": [rule]}))) is matches


def test_an_exact_match_takes_no_other_version() -> None:
    constraints = {"resourceRules": [{**RULE, "apiVersions": ["v1beta1"]}], "matchPolicy": "Exact"}
    assert said(DEPLOYMENT, policy("false", matchConstraints=constraints)) == []


def test_what_is_excluded_is_not_judged() -> None:
    constraints = {"resourceRules": [{**RULE, "resources": ["*"]}], "excludeResourceRules": [RULE]}
    assert said(DEPLOYMENT, policy("false", matchConstraints=constraints)) == []


def test_selectors_choose_objects_and_namespaces() -> None:
    def found(selectors: Mapping[str, object], others: str = SHOP) -> bool:
        return bool(said(DEPLOYMENT, policy("false", binding={"matchResources": selectors}), others=others))

    assert found({"objectSelector": {"matchLabels": {"owner": "me"}}})
    assert not found({"objectSelector": {"matchLabels": {"owner": "you"}}})
    assert found({"namespaceSelector": {"matchLabels": {"env": "prod"}}})
    assert not found({"namespaceSelector": {"matchLabels": {"env": "test"}}})
    by_name = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
    assert found(by_name, others="")


def test_a_namespace_that_no_file_has_leaves_it_open() -> None:
    binding = {"matchResources": {"namespaceSelector": {"matchLabels": {"env": "prod"}}}}
    (why,) = unanswered(DEPLOYMENT, policy("false", binding=binding))
    assert why.startswith("no file has Namespace 'shop'")
    assert said(DEPLOYMENT, policy("false", binding=binding)) == []


def test_a_condition_that_is_false_ends_it() -> None:
    conditions = [{"name": "n", "expression": "request.namespace != 'shop'"}]
    assert said(DEPLOYMENT, policy("false", matchConditions=conditions)) == []
    with_error = [{"name": "e", "expression": "object.nothing == 1"}, *conditions]
    assert said(DEPLOYMENT, policy("false", matchConditions=with_error)) == []


def test_an_error_is_a_violation_unless_failures_are_ignored() -> None:
    (one,) = said(DEPLOYMENT, policy("object.spec.nothing == 1"))
    assert (
        one.message == "expression 'object.spec.nothing == 1' resulted in error: a field is missing: nothing"
    )
    assert said(DEPLOYMENT, policy("object.spec.nothing == 1", failurePolicy="Ignore")) == []
    (one,) = said(
        DEPLOYMENT, policy("true", matchConditions=[{"name": "e", "expression": "object.nothing == 1"}])
    )
    assert "resulted in error" in one.message


@pytest.mark.parametrize(
    ("expression", "needs"),
    [
        ("authorizer.group('').resource('pods').check('get').allowed()", "the cluster's authorizer"),
        ("request.userInfo.username == 'me'", "who asks"),
        ("object.spec.replicas > 20 || has(request.userInfo.groups)", "who asks"),
        ("namespaceObject.metadata.labels.env == 'x'", "the Namespace"),
    ],
)
def test_what_no_file_can_answer_is_said(expression: str, needs: str) -> None:
    (why,) = unanswered(DEPLOYMENT, policy(expression))
    assert needs in why
    assert expression in why
    assert said(DEPLOYMENT, policy(expression)) == []


def test_what_decides_without_it_is_judged() -> None:
    assert (
        unanswered(
            DEPLOYMENT, policy("object.spec.replicas == 9 || authorizer.path('/x').check('get').allowed()")
        )
        == []
    )


def test_an_object_is_created() -> None:
    assert said(DEPLOYMENT, policy("oldObject == null && request.operation == 'CREATE'")) == []
    update = {"resourceRules": [{**RULE, "operations": ["UPDATE"]}]}
    (why,) = unanswered(DEPLOYMENT, policy("oldObject.spec.replicas > 3", matchConstraints=update))
    assert "as it was before" in why
    (one,) = said(DEPLOYMENT, policy("object.spec.replicas < 3", matchConstraints=update))
    assert one.marked == "replicas: 9"


def test_defaults_are_those_of_the_api_server() -> None:
    given = POD.replace("{name: a, image: b}", "{name: a, image: 'b:1', ports: [{containerPort: 1}]}")
    assert (
        said(
            given,
            policy(
                "object.spec.restartPolicy == 'Always' && object.spec.containers[0].ports[0].protocol == 'TCP'"
            ),
        )
        == []
    )
    assert said(given, policy("object.spec.containers.all(c, c.imagePullPolicy == 'IfNotPresent')")) == []
    assert said(POD, policy("object.spec.containers.all(c, c.imagePullPolicy == 'Always')")) == []
    bare = DEPLOYMENT.replace("  replicas: 9\n", "")
    assert said(bare, policy("object.spec.replicas == 1 && object.metadata.namespace == 'shop'")) == []


def test_admission_policies_judge_no_admission_policies() -> None:
    text = policy("false")
    assert said(text, text) == []


def test_a_message_may_be_made() -> None:
    def message(**validation: str) -> str:
        return said(DEPLOYMENT, policy([{"expression": "false", **validation}]))[0].message

    assert message() == "failed expression: false"
    assert message(message=" no ") == "no"
    assert message(message="no", messageExpression="'has ' + string(object.spec.replicas)") == "has 9"
    assert message(message="no", messageExpression="string(object.nothing)") == "no"
    assert message(message="no", messageExpression="''") == "no"


def test_nothing_of_a_secret_is_told() -> None:
    given = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n"
    found = said(
        given,
        policy(
            [{"expression": "false", "message": "no", "messageExpression": "string(object.stringData.a)"}]
        ),
    )
    assert [one.message for one in found] == ["no"]


def test_params_are_those_that_a_binding_names_or_selects() -> None:
    def params(name: str, most: int, labels: str = "{}") -> str:
        return (
            "apiVersion: rules.example.com/v1\nkind: ReplicaLimit\n"
            f"metadata: {{name: {name}, namespace: shop, labels: {labels}}}\n"
            f"maxReplicas: {most}\n"
        )

    def found(ref: Mapping[str, object], others: str) -> list[str]:
        kind = {"apiVersion": "rules.example.com/v1", "kind": "ReplicaLimit"}
        text = policy(
            [
                {
                    "expression": "object.spec.replicas <= params.maxReplicas",
                    "messageExpression": "string(params.maxReplicas)",
                }
            ],
            paramKind=kind,
            binding={"paramRef": ref},
        )
        answers = [one.message for one in said(DEPLOYMENT, text, others=others)]
        return answers or unanswered(DEPLOYMENT, text, others=others)

    named = {"name": "a", "namespace": "shop", "parameterNotFoundAction": "Deny"}
    assert found(named, params("a", 3)) == ["3"]
    assert found(named, params("a", 30)) == []
    assert found({"name": "a", "parameterNotFoundAction": "Deny"}, params("a", 3)) == ["3"]
    assert found(named, "") == ["no file has the ReplicaLimit 'a', which has the params"]
    selected = {"selector": {"matchLabels": {"tier": "one"}}, "parameterNotFoundAction": "Allow"}
    both = params("a", 3, "{tier: one}") + "---\n" + params("b", 5, "{tier: one}") + "---\n" + params("c", 1)
    assert found(selected, both) == ["3; 5"]
    assert found(selected, "") == []


def test_a_policy_without_a_binding_says_nothing_and_a_broken_one_says_so() -> None:
    assert said(DEPLOYMENT, policy("false", binding={"policyName": "other"})) == []
    assert unanswered(DEPLOYMENT, policy("object.spec.replicas <")) == [
        "the API server refuses this policy: see what is wrong in its manifest"
    ]


def test_what_is_said_stays_at_its_place_around_a_line_that_cannot_be_read() -> None:
    replicas = policy("object.spec.replicas < 3", matchConstraints={"resourceRules": [RULE]})
    project = admitting_project().with_files([("a.yaml", DEPLOYMENT, False), ("p.yaml", replicas, False)])
    for line in ("  name: d\n  annot", "  name: d\n  annotations", "\n  name: d\n  annot"):
        text = DEPLOYMENT.replace("  name: d", line, 1)
        project = project.with_file("a.yaml", text)
        assert [one.marked for one in said_of(project.files["a.yaml"])] == ["replicas: 9"]
        fresh = admitting_project().with_files([("a.yaml", text, False), ("p.yaml", replicas, False)])
        assert said_of(project.files["a.yaml"]) == said_of(fresh.files["a.yaml"])
    project = project.with_file("a.yaml", DEPLOYMENT.replace("replicas: 9", "replicas: 2"))
    assert said_of(project.files["a.yaml"]) == []


def test_an_edit_of_a_policy_asks_again_those_that_it_is_about() -> None:
    project = admitting_project().with_files(
        [
            ("a.yaml", DEPLOYMENT, False),
            ("b.yaml", POD, False),
            ("p.yaml", policy("object.spec.replicas < 3", matchConstraints={"resourceRules": [RULE]}), False),
        ]
    )
    assert [one.marked for one in said_of(project.files["a.yaml"])] == ["replicas: 9"]
    edited = project.with_file(
        "p.yaml", policy("object.spec.replicas < 30", matchConstraints={"resourceRules": [RULE]})
    )
    assert said_of(edited.files["a.yaml"]) == []
    assert edited.files["b.yaml"] is project.files["b.yaml"]
    gone = project.without_file("p.yaml")
    assert said_of(gone.files["a.yaml"]) == []
    typed = project.with_document("a.yaml", 0, DEPLOYMENT.replace("replicas: 9", "replicas: 2"))
    assert said_of(typed.files["a.yaml"]) == []
    pods = {"resourceRules": [{**RULE, "apiGroups": [""], "resources": ["pods"]}]}
    moved = project.with_file("p.yaml", policy("has(object.spec.nodeName)", matchConstraints=pods))
    assert said_of(moved.files["a.yaml"]) == []
    assert len(said_of(moved.files["b.yaml"])) == 1


def test_too_much_work_is_not_done() -> None:
    containers = "".join(f"\n      - {{name: c{number}, image: x}}" for number in range(300))
    text = DEPLOYMENT + containers.removeprefix("\n") + "\n"
    every = "object.spec.template.spec.containers"
    squared = f"{every}.all(a, {every}.all(b, {every}.all(c, {every}.all(d, a.name + b.name + c.name + d.name != ''))))"
    (why,) = unanswered(text, policy(squared))
    assert "is not evaluated" in why
    assert said(text, policy(squared)) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [("object.spec", []), ("object.missing", ["expression 'has(variables.x)' resulted in error"])],
)
def test_a_variable_is_there_if_it_has_a_value(value: str, expected: list[str]) -> None:
    found = said(DEPLOYMENT, policy("has(variables.x)", variables=[{"name": "x", "expression": value}]))
    assert [one.message.partition(":")[0] for one in found] == expected


def test_a_field_that_is_held_against_a_list_of_the_policy_is_marked() -> None:
    (one,) = said(POD, policy("['x/', 'y/'].exists(r, object.spec.containers[0].image.startsWith(r))"))
    assert one.path == "spec.containers[0].image"


def test_an_edit_of_a_field_that_is_read_through_a_variable_counts() -> None:
    text = policy(
        "variables.spec.hostNetwork == false", variables=[{"name": "spec", "expression": "object.spec"}]
    )
    files = [
        ("p.yaml", text, False),
        ("a.yaml", POD.replace("spec: {", "spec: {hostNetwork: false, "), False),
    ]
    project = admitting_project().with_files(files)
    assert said_of(project.files["a.yaml"]) == []
    edited = project.with_files([("a.yaml", POD.replace("spec: {", "spec: {hostNetwork: true, "), False)])
    assert len(said_of(edited.files["a.yaml"])) == 1
