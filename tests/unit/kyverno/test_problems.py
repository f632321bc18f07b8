"""What is said of Kyverno's policies themselves, and where."""

from __future__ import annotations

import pytest

from tests.support.admitting import admitting_project

HEAD = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec:\n"
RULE = HEAD + "  rules:\n  - name: r\n    match: {any: [{resources: {kinds: [Pod]}}]}\n"


def problems(text: str) -> list[tuple[str, str]]:
    """(marked text, message) of all that is said of a policy."""
    file = admitting_project().with_files([("p.yaml", text, False)]).files["p.yaml"]
    return [
        (part.document.text[problem.span.start : problem.span.end], problem.message)
        for part in file.parts
        for problem in part.problems
    ]


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        (HEAD.replace("spec:\n", ""), "apiVersion: kyverno.io/v1", "'spec' with 'rules'"),
        (HEAD + "  rules: {a: 1}\n", "{a: 1}", "'rules' must be a list"),
        (HEAD + "  rules: [3]\n", "3", "an entry of 'rules' must be a map"),
        (RULE, "name: r", "'validate' must be a map"),
        (RULE + "    validate: {message: x}\n", "{message: x}", "'validate' needs one of"),
        (RULE + "    validate: {pattern: {a: '{{ request.[ }}'}}\n", "request", "not a JMESPath"),
        (
            RULE + "    validate:\n      deny:\n        conditions:\n          any:\n"
            "          - {key: a, operator: Equalz, value: b}\n",
            "Equalz",
            "unknown operator 'Equalz'; did you mean 'Equals'?",
        ),
        (
            RULE + "    validate:\n      deny:\n        conditions:\n          some: []\n",
            "[]",
            "conditions have 'any' and 'all', and no 'some'",
        ),
        (
            RULE + "    validate: {foreach: [{pattern: {a: b}}]}\n",
            "{pattern: {a: b}}",
            "'foreach' needs a 'list'",
        ),
        (
            RULE.replace("kinds", "kind") + "    validate: {pattern: {a: b}}\n",
            "[Pod]",
            "'resources' has no field 'kind'; did you mean 'kinds'?",
        ),
        (
            RULE + "    context: [{name: x}]\n    validate: {pattern: {a: b}}\n",
            "{name: x}",
            "an entry of 'context' needs",
        ),
        (RULE + "    validate: {podSecurity: {level: base}}\n", "base", "'level' must be one of privileged, baseline"),
        (
            RULE + "    context: [{name: request, variable: {value: a}}]\n    validate: {pattern: {a: b}}\n",
            "request",
            "'request' is a name of Kyverno's own",
        ),
        (
            RULE + "    validate:\n      cel:\n        expressions:\n        - expression: object.spec.a == objekt.b\n",
            "objekt",
            "undeclared reference to 'objekt.b'",
        ),
        (
            RULE + "    validate: {pattern: {a: b}}\n  - name: r\n    match: {any: [{resources: {kinds: [Pod]}}]}\n"
            "    validate: {pattern: {a: c}}\n",
            "r",
            "another rule is called 'r' already",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(text: str, marked: str, message: str) -> None:
    found = [one for one in problems(text) if message in one[1]]
    assert len(found) == 1, problems(text)
    assert found[0][0] == marked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RULE + "    mutate: {patchStrategicMerge: {a: b}}\n", "mutate: what it changes is not applied here"),
        (RULE + "    generate: {kind: X}\n", "generate: what it makes is not made here"),
        (RULE + "    verifyImages: [{imageReferences: ['*']}]\n", "verifyImages: no file says"),
        (RULE + "    validate: {manifests: {}}\n", "no file says whether a manifest is signed"),
        (
            RULE + "    context: [{name: x, apiCall: {urlPath: /x}}]\n    validate: {pattern: {a: b}}\n",
            "'x' is what the API server says (apiCall)",
        ),
        (
            "apiVersion: policies.kyverno.io/v1\nkind: MutatingPolicy\nmetadata: {name: m}\nspec: {}\n",
            "MutatingPolicy: policies of this kind are not applied here",
        ),
        (
            "apiVersion: kyverno.io/v2\nkind: CleanupPolicy\nmetadata: {name: m}\nspec: {}\n",
            "not applied here",
        ),
        (
            "apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {name: e}\nspec: {podSecurity: [{x: y}]}\n",
            "podSecurity counts for nothing here",
        ),
    ],
)
def test_what_is_not_done_is_noted_for_each_rule(text: str, message: str) -> None:
    assert [one for _, one in problems(text) if message in one]


@pytest.mark.parametrize("rules", ["  background: true\n", "  rules: []\n"])
def test_a_policy_without_rules_is_none_that_kyverno_refuses(rules: str) -> None:
    assert problems(HEAD + rules) == []


def test_a_policy_that_is_right_has_no_problem() -> None:
    assert (
        problems(RULE + "    validate: {message: '{{ element }}', pattern: {metadata: {name: '?*'}}}\n") == []
    )
