"""What Gatekeeper's constraints say of objects."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.policy.admission import gatekeeper_id, is_of_admission, stand_in
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document
from tests.support.admitting import admitting_project, said, said_of, unanswered
from tests.support.gatekeeper import constraint, template

POD = """apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop, labels: {team: a}}
spec:
  containers:
  - {name: a, image: shop/a}
  - {name: b, image: other/b}
"""
REPOS = template(
    {
        "expression": "object.spec.containers.all(c, variables.params.repos.exists(r, c.image.startsWith(r)))",
        "messageExpression": "'only from ' + variables.params.repos.join(', ')",
    },
    schema={"type": "object", "properties": {"repos": {"type": "array", "items": {"type": "string"}}}},
)  # fmt: skip
ALWAYS = template({"expression": "false", "message": "no"})
ID = "Gatekeeper/K8sTest/c"


def test_a_finding_marks_the_field_that_decided() -> None:
    (one,) = said(POD, REPOS, constraint({"repos": ["shop/"]}))
    assert one == ("spec.containers[1].image", "image: other/b", "high", "only from shop/")
    assert said(POD, REPOS, constraint({"repos": ["shop/", "other/"]})) == []


def test_what_is_filtered_and_named_is_marked_where_it_was_filtered() -> None:
    bad = template(
        "size(variables.bad) == 0",
        variables=[
            {"name": "containers", "expression": "variables.anyObject.spec.containers"},
            {
                "name": "bad",
                "expression": "variables.containers.filter(c, !c.image.startsWith('shop/')).map(c, c.name)",
            },
        ],
    )
    (one,) = said(POD, bad, constraint())
    assert one.path == "spec.containers[1].image"


def test_a_finding_leads_to_the_validation_of_the_template() -> None:
    project = admitting_project().with_files(
        [("a.yaml", POD, False), ("t.yaml", ALWAYS, False), ("c.yaml", constraint(), False)]
    )
    ((_, finding),) = project.files["a.yaml"].findings()
    (related,) = finding.related
    assert related.file == "t.yaml"
    assert related.document[related.span.start : related.span.end] == '"false"'


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (None, True),
        ({"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}, True),
        ({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}]}, True),
        ({"kinds": [{"kinds": ["Pod"]}]}, True),
        ({"kinds": [{"apiGroups": [""]}]}, True),
        ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Pod"]}]}, False),
        ({"kinds": [{"apiGroups": [""], "kinds": ["Service"]}]}, False),
        ({"kinds": [{"kinds": ["Service"]}, {"kinds": ["Pod"]}]}, True),
        ({"namespaces": ["shop"]}, True),
        ({"namespaces": ["sh*"]}, True),
        ({"namespaces": ["*op"]}, True),
        ({"namespaces": ["*ho*"]}, True),
        ({"namespaces": ["s*p"]}, False),
        ({"namespaces": ["other"]}, False),
        ({"excludedNamespaces": ["sh*"]}, False),
        ({"excludedNamespaces": ["kube-*"]}, True),
        ({"scope": "Namespaced"}, True),
        ({"scope": "Cluster"}, False),
        ({"scope": "cluster"}, True),
        ({"name": "p"}, True),
        ({"name": "q*"}, False),
        ({"source": "Generated"}, False),
        ({"source": "All"}, True),
        ({"labelSelector": {"matchLabels": {"team": "a"}}}, True),
        ({"labelSelector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}}, False),
    ],
)
def test_match(match: dict[str, Any] | None, fits: bool) -> None:
    assert bool(said(POD, ALWAYS, constraint(match=match))) is fits


def test_a_namespace_selector_asks_for_the_namespace_of_the_workspace() -> None:
    asks = constraint(match={"namespaceSelector": {"matchLabels": {"env": "prod"}}})
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: %s}}\n"
    assert len(said(POD, ALWAYS, asks, others=space % "prod")) == 1
    assert said(POD, ALWAYS, asks, others=space % "dev") == []
    (why,) = unanswered(POD, ALWAYS, asks)
    assert "no file has Namespace 'shop'" in why


def test_what_lives_in_no_namespace() -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: []\n"
    assert len(said(role, ALWAYS, constraint(match={"scope": "Cluster", "namespaces": ["x"]}))) == 1
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, labels: {a: b}}\n"
    assert said(space, ALWAYS, constraint(match={"excludedNamespaces": ["kube-*"]})) == []
    assert len(said(space, ALWAYS, constraint(match={"namespaceSelector": {"matchLabels": {"a": "b"}}}))) == 1


@pytest.mark.parametrize(
    ("spec", "severity"),
    [
        ({}, "high"),
        ({"enforcementAction": "deny"}, "high"),
        ({"enforcementAction": "warn"}, "medium"),
        ({"enforcementAction": "dryrun"}, "low"),
        (
            {
                "enforcementAction": "scoped",
                "scopedEnforcementActions": [
                    {"action": "warn", "enforcementPoints": [{"name": "validation.gatekeeper.sh"}]},
                    {"action": "deny", "enforcementPoints": [{"name": "audit.gatekeeper.sh"}]},
                ],
            },
            "medium",
        ),
        (
            {
                "enforcementAction": "scoped",
                "scopedEnforcementActions": [{"action": "deny", "enforcementPoints": [{"name": "*"}]}],
            },
            "high",
        ),
    ],
)
def test_how_severe_it_is_follows_from_the_action(spec: dict[str, Any], severity: str) -> None:
    (one,) = said(POD, ALWAYS, constraint(**spec))
    assert one.severity == severity


def test_a_scoped_constraint_without_actions_does_nothing() -> None:
    assert said(POD, ALWAYS, constraint(enforcementAction="scoped")) == []


def test_parameters_have_the_defaults_of_the_schema() -> None:
    least = template(
        "variables.anyObject.spec.containers.size() >= variables.params.least",
        schema={"type": "object", "properties": {"least": {"type": "integer", "default": 3}}},
    )
    assert len(said(POD, least, constraint({}))) == 1
    assert said(POD, least, constraint({"least": 2})) == []


def test_without_parameters_there_is_null() -> None:
    assert said(POD, template("variables.params == null"), constraint()) == []


def test_a_condition_and_a_failure_policy() -> None:
    named = template(
        "false", matchCondition=[{"name": "n", "expression": "variables.anyObject.metadata.name != 'p'"}]
    )
    assert said(POD, named, constraint()) == []
    assert len(said(POD, template("object.absent == 1"), constraint())) == 1
    assert said(POD, template("object.absent == 1", failurePolicy="Ignore"), constraint()) == []


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        ([constraint()], "no file has the ConstraintTemplate for K8sTest"),
        ([constraint(), template("nothing == 1")], "Gatekeeper refuses its template"),
        ([constraint({"x": 1}), template("false", schema={"properties": {"y": {}}})], "the constraint is refused"),
        ([constraint(enforcementAction="no"), ALWAYS], "the constraint is refused"),
        ([constraint(), template(code=[{"engine": "Starlark", "source": {}}])], "it is written in Starlark"),
        ([constraint(), template("request.userInfo.username == 'a'")], "needs who asks"),
    ],
)  # fmt: skip
def test_what_is_not_evaluated_is_said(policies: list[str], why: str) -> None:
    assert said(POD, *policies) == []
    (reason,) = unanswered(POD, *policies)
    assert why in reason


def test_templates_and_constraints_are_not_judged() -> None:
    assert said(constraint(name="d"), ALWAYS, constraint()) == []
    assert said(REPOS, template("false", kind="Other"), constraint(kind="Other")) == []


def test_an_edit_of_a_template_or_an_object_counts() -> None:
    files = [
        ("a.yaml", POD, False),
        ("t.yaml", REPOS, False),
        ("c.yaml", constraint({"repos": ["shop/"]}), False),
    ]
    project = admitting_project().with_files(files)
    assert len(said_of(project.files["a.yaml"])) == 1
    edited = project.with_files([("a.yaml", POD.replace("other/b", "shop/b"), False)])
    assert said_of(edited.files["a.yaml"]) == []
    edited = edited.with_files([("t.yaml", ALWAYS, False)])
    assert [one.message for one in said_of(edited.files["a.yaml"])] == ["no"]
    edited = edited.with_files([("c.yaml", constraint(match={"kinds": [{"kinds": ["Service"]}]}), False)])
    assert said_of(edited.files["a.yaml"]) == []


@pytest.mark.parametrize(
    "value", [None, 1, "x", [], {}, [1], [[]], {"a": {"b": 1}}, [{"kinds": 1, "apiGroups": {}}]]
)
@pytest.mark.parametrize(
    "where", ["match", "parameters", "enforcementAction", "scopedEnforcementActions", "spec"]
)
def test_wrong_types_do_no_harm(value: object, where: str) -> None:
    spec = {"spec": value} if where == "spec" else {"spec": {"enforcementAction": "scoped", where: value}}
    text = str(
        {
            "apiVersion": "constraints.gatekeeper.sh/v1beta1",
            "kind": "K8sTest",
            "metadata": {"name": "c"},
            **spec,
        }
    )
    text = text.replace("None", "null")
    said(POD, ALWAYS, text)
    kinds = {
        "match": {"kinds": value},
        "parameters": {"namespaces": value, "excludedNamespaces": value, "name": value},
    }
    said(
        POD, ALWAYS, constraint(match=kinds.get(where, {"namespaceSelector": value, "labelSelector": value}))
    )
    said(
        POD,
        template("false", schema={"properties": value, "items": value, "default": value}),
        constraint({"a": [1]}),
    )  # type: ignore[dict-item]
    admitting_project().with_files([("t.yaml", template(code=value, variables=value), False)])  # type: ignore[arg-type]


def findings(comment: str, settings: str = "{}") -> list[Any]:
    """What a constraint finds in a pod with a comment behind its name."""
    chosen = Settings.of(read_document(settings).data)
    project = Project(Evaluator(choose(PolicySet(), chosen)[0], admitting_project().evidence))
    text = f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p{comment}\nspec: {{}}\n"
    files = [("a.yaml", text, False), ("t.yaml", ALWAYS, False), ("c.yaml", constraint(), False)]
    file = project.with_files(files).files["a.yaml"]
    assert [problem.message for _, problem in file.problems()] == []
    return [finding for _, finding in file.findings() if finding.control == ID]


def test_it_is_accepted_left_out_and_made_less_severe_by_its_id() -> None:
    (one,) = findings(f"  # kscan:ignore {ID} -- agreed")
    assert one.disposition.reason == "agreed"
    (one,) = findings("  # kscan:ignore Gatekeeper/K8sTest/other -- agreed")
    assert one.disposition is None
    assert findings("", f"controls: {{exclude: [{ID}]}}") == []
    assert findings("", f"controls: {{severity: {{{ID}: low}}}}")[0].severity.label == "low"
    assert findings("", "admission: {evaluate: false}") == []
    assert gatekeeper_id("K8sTest", "c") == ID
    assert is_of_admission(ID)
    assert "K8sTest c" in stand_in(ID).title


def test_what_constraints_say_is_counted() -> None:
    policies = [ALWAYS, constraint(), template("true", kind="Fine"), constraint(kind="Fine")]
    policies += [constraint(kind="Absent"), constraint(kind="Fine", name="no", match={"name": "q"})]
    files = [("a.yaml", POD, False), *((f"{n}.yaml", text, False) for n, text in enumerate(policies))]
    project = admitting_project().with_files(files)
    (verdicts,) = [one for part in project.files["a.yaml"].parts for one in part.verdicts]
    assert verdicts.failed == {ID}
    assert verdicts.passed == {"Gatekeeper/Fine/c"}
    assert {one.control for one in verdicts.unevaluated} == {"Gatekeeper/Absent/c"}
