"""What is said of Gatekeeper's templates and constraints themselves, and where."""

from __future__ import annotations

import json

import pytest

from tests.support.admitting import admitting_project
from tests.support.gatekeeper import constraint, template

SCHEMA = {
    "type": "object",
    "required": ["repos"],
    "properties": {
        "repos": {"type": "array", "items": {"type": "string"}},
        "mode": {"type": "string", "enum": ["a", "b"]},
        "most": {"type": "integer"},
        "free": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "port": {"type": "integer", "x-kubernetes-int-or-string": True},
    },
}


def problems(text: str, *others: str) -> list[tuple[str, str]]:
    """(marked text, message) of all that is said of a template or constraint."""
    files = [("p.yaml", text, False), *((f"{n}.yaml", one, False) for n, one in enumerate(others))]
    return [
        (part.document.text[problem.span.start : problem.span.end], problem.message)
        for part in admitting_project().with_files(files).files["p.yaml"].parts
        for problem in part.problems
    ]


@pytest.mark.parametrize(
    ("parameters", "marked", "message"),
    [
        ({"repos": "x"}, '"x"', "'repos' must be a list"),
        ({"repos": [1]}, "1", "must be a text"),
        ({"repos": [], "mode": "c"}, '"c"', "must be one of a, b"),
        ({"repos": [], "most": True}, "true", "must be a whole number"),
        ({"repos": [], "modee": "a"}, '"a"', "no parameter 'modee'; did you mean 'mode'?"),
        ({"repos": [], "free": {"x": 1}}, "1", "must be true or false"),
        ({}, "{}", "'repos' is missing"),
    ],
)
def test_parameters_that_do_not_fit(parameters: object, marked: str, message: str) -> None:
    ((where, told),) = problems(constraint(parameters), template("true", schema=SCHEMA))
    assert (where, message in told) == (marked, True), told


def test_parameters_that_fit() -> None:
    fitting = {"repos": ["a"], "mode": "b", "free": {"any": True}, "port": "http", "most": None}
    assert problems(constraint(fitting), template("true", schema=SCHEMA)) == []
    # what the schema does not have is kept by old templates
    assert (
        problems(constraint({"repos": [], "x": 1}), template("true", schema=SCHEMA, version="v1beta1")) == []
    )


def test_a_constraint_without_a_template() -> None:
    ((where, told),) = problems(constraint())
    assert where == '"K8sTest"'
    assert "no ConstraintTemplate for K8sTest is in this workspace" in told


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        (constraint(enforcementAction="warn"), '"warn"', "refuses nothing: it only warns"),
        (constraint(enforcementAction="dryrun"), '"dryrun"', "only records"),
        (constraint(enforcementAction="Deny"), '"Deny"', "must be deny, warn, dryrun or scoped"),
        (constraint(match={"scope": "cluster"}), '"cluster"', "takes any other for '*'"),
        (
            constraint(enforcementAction="scoped", scopedEnforcementActions=[{"action": "x"}]),
            '{"action": "x"}',
            "'action' must be deny, warn or dryrun",
        ),
    ],
)  # fmt: skip
def test_what_a_constraint_does(text: str, marked: str, message: str) -> None:
    ((where, told),) = problems(text, template("true"))
    assert (where, message in told) == (marked, True), told


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        (template("variables.anyObjec == 1"), "variables", "no variable 'anyObjec'; did you mean 'anyObject'?"),
        (template("true &&"), "", "something is missing"),
        (
            template("true", variables=[{"name": "params", "expression": "1"}]),
            '"params"',
            "keeps the name 'params' for itself",
        ),
        (
            template("true", variables=[{"name": "x", "expression": "object.a +"}]),
            "",
            "something is missing",
        ),
        (
            template("true", matchCondition=[{"name": "x", "expression": "'a'"}]),
            '"\'a\'"',
            "gives",
        ),
        (template("true", matchConditions=[]), "[]", "calls the field 'matchCondition'"),
        (template("true", failurePolicy="No"), '"No"', "must be Fail or Ignore"),
        (template(), '{"validations": []}', "the template says nothing"),
        (template(code=[]), "", "the target says nothing"),
        (template("true").replace('"k8stest"', '"other"'), '"other"', "its name must be 'k8stest'"),
        (template("true", kind=""), '""', "the kind of its constraints is missing"),
        (template("true").replace("admission.k8s", "x"), "", "the target must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_template(text: str, marked: str, message: str) -> None:
    told = problems(text)
    assert any(message in said and (not marked or marked == where) for where, said in told), told


def test_an_expression_that_is_too_large_here_is_no_fault_of_gatekeepers() -> None:
    deep = "(" * 300 + "true" + ")" * 300
    told = [message for _, message in problems(template(deep))]
    assert any(message.startswith("not judged here: ") for message in told), told
    assert not any("refuses" in message for message in told)


def test_a_template_needs_one_target() -> None:
    data = json.loads(template("true"))
    for targets in (None, [], [1], [{}, {}], {"a": 1}):
        data["spec"]["targets"] = targets
        assert any("needs one target" in message for _, message in problems(json.dumps(data)))
