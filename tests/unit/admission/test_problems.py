"""What is wrong with a policy is said at its characters."""

from __future__ import annotations

from textwrap import indent

import pytest

from kscan_lsp.admission.problems import problems_of
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.yaml.document import read_document
from tests.support.admitting import admitting_project, mutating, policy

HEAD = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p.example.com}
spec:
"""


def marked(spec: str) -> list[tuple[str, str]]:
    """(what is marked, message) of each problem of a policy with this spec."""
    document = read_document(HEAD + indent(spec, "  "))
    assert document.complete
    found = [problem for one in resources_of(document, {})[0] for problem in problems_of(one)]
    return [(document.text[p.span.start : p.span.end], p.message) for p in found]


def test_a_good_policy_has_none() -> None:
    found = marked("""
variables:
- {name: all, expression: "object.spec.containers"}
- {name: some, expression: "variables.all.filter(c, c.name != '')"}
matchConditions:
- {name: mine, expression: "request.userInfo.username != 'me' && request.namespace != 'kube-system'"}
validations:
- expression: variables.some.all(c, c.image.matches(object.metadata.annotations.pattern))
  messageExpression: "'no: ' + string(size(variables.some))"
- expression: authorizer.group('').resource('pods').namespace('x').check('get').allowed()
- expression: object.metadata.?labels['x'].orValue('') == ''
auditAnnotations:
- {key: x, valueExpression: "'a' + request.name"}
""")
    assert [message for _, message in found] == [
        "not judged here where it decides: it needs who asks (request.userInfo)",
        "not judged here where it decides: it needs the cluster's authorizer",
    ]


@pytest.mark.parametrize(
    ("spec", "where", "message"),
    [
        ('validations: [{expression: "object.spec.replicas <= "}]', " ", "ends here"),
        ("validations:\n- expression: 'object.x == ''a'' +'\n", "+", "ends here"),
        ("validations:\n- expression: object.x == nope\n", "nope", "undeclared reference to 'nope'"),
        ("validations:\n- expression: >-\n    object.x ==\n    nope\n", "nope", "undeclared reference"),
        ("validations:\n- expression: |\n    object.x ==\n      nope\n", "nope", "undeclared reference"),
        ('validations: [{expression: "\\"x\\" == nope"}]', "nope", "undeclared reference"),
        ("validations:\n- expression: variables.mine == 1\n", "variables", "no variable 'mine'"),
        ("validations:\n- expression: object.spec.x\n", "object.spec.x", "may be no boolean"),
        (
            "validations:\n- {expression: 'true', messageExpression: object.spec.x}\n",
            "object.spec.x",
            "may be no text",
        ),
        ("validations:\n- expression: object.x == int('y')\n", "int", "int('y') has no value"),
        (
            "validations:\n- expression: object.x + 'a'\n  messageExpression: 1 + 2\n",
            "1 + 2",
            "gives a number, not text",
        ),
        ("validations:\n- expression: 'true'\n  messageExpression: size(object.x)\n", "size", "not text"),
        (
            "validations:\n- expression: request.operatin == 'CREATE'\n",
            "operatin",
            "did you mean 'operation'",
        ),
        ("validations:\n- expression: params.max > 1\n", "params.max > 1", "has no paramKind"),
        ("validations:\n- message: x\n", "message", "'expression' is missing"),
        ("matchConditions:\n- {name: a, expression: \"'x'\"}\n", "\"'x'\"", "gives text, not true or false"),
        ('auditAnnotations:\n- {key: a, valueExpression: "x y"}\n', "y", "Syntax error"),
        ('variables:\n- {name: a-b, expression: "1"}\n', "a-b", "cannot be the name of a variable"),
        (
            "variables:\n- {name: a, expression: variables.b}\n- {name: b, expression: '1'}\n",
            "variables",
            "stand before",
        ),
    ],
)
def test_a_fault_is_marked_where_it_is(spec: str, where: str, message: str) -> None:
    (first, *_) = [entry for entry in marked(spec) if message in entry[1]] or [("", str(marked(spec)))]
    assert message in first[1]
    assert first[0].startswith(where)


def test_a_variable_that_does_not_compile_is_told_once() -> None:
    found = marked(
        "variables:\n- {name: a, expression: nope}\nvalidations:\n- expression: variables.a == 1\n"
    )
    assert [where for where, _ in found] == ["nope"]


def test_what_only_an_update_has_is_no_problem() -> None:
    rule = "{apiGroups: ['*'], apiVersions: ['*'], operations: [%s], resources: [pods]}"
    rules = f"matchConstraints: {{resourceRules: [{rule}]}}\n"
    validation = "validations:\n- expression: oldObject == null || object == oldObject\n"
    assert marked(rules % "UPDATE" + validation) == []
    assert marked(rules % "CREATE, UPDATE" + validation) == []


def bound(binding: str, *policies: str) -> list[tuple[str, str, str]]:
    """(what is marked, code, message) of each problem of a binding."""
    text = HEAD.replace("Policy\n", "PolicyBinding\n") + indent(binding, "  ")
    files = [("b.yaml", text, False), *((f"{n}.yaml", one, False) for n, one in enumerate(policies))]
    file = admitting_project().with_files(files).files["b.yaml"]
    return [
        (text[place.span.start : place.span.end], problem.code, problem.message)
        for place, problem in file.problems()
        if place.span
    ]


def test_a_binding_names_a_policy_that_is_there() -> None:
    ((marked, code, message),) = bound("policyName: typo\nvalidationActions: [Deny]\n", policy("true"))
    assert (marked, code) == ("typo", "admission")
    assert message.startswith("no ValidatingAdmissionPolicy 'typo'")
    assert bound("policyName: p\nvalidationActions: [Deny]\n", policy("true")) == []


def test_a_binding_that_refuses_nothing_is_noted() -> None:
    ((_, code, message),) = bound("policyName: p\nvalidationActions: [Warn, Audit]\n", policy("true"))
    assert code == "unused"
    assert message == "this binding refuses nothing: it warns and audits"


def test_a_binding_has_params_where_its_policy_has() -> None:
    ref = "policyName: p\nvalidationActions: [Deny]\nparamRef: {name: a, parameterNotFoundAction: Deny}\n"
    ((_, _, message),) = bound(ref, policy("true"))
    assert "has no paramKind" in message
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert bound(ref, policy("true", paramKind=kind)) == []
    ((_, _, message),) = bound("policyName: p\nvalidationActions: [Deny]\n", policy("true", paramKind=kind))
    assert "names none (paramRef)" in message


def changing(patch: str, expression: str) -> list[tuple[str, str]]:
    """(what is marked, message) of each problem of a policy with this mutation, but that it is not applied."""
    field = patch[0].lower() + patch[1:] if patch != "JSONPatch" else "jsonPatch"
    text = HEAD.replace("Validating", "Mutating") + indent(
        f"variables:\n- {{name: many, expression: object.spec.replicas}}\nmutations:\n- patchType: {patch}\n"
        f"  {field}:\n    expression: |\n{indent(expression, '      ')}\n",
        "  ",
    )
    document = read_document(text)
    assert document.complete
    (one,), _ = resources_of(document, {})
    found = problems_of(one, mutates=True, minor=36)
    return [(document.text[p.span.start : p.span.end], p.message) for p in found]


@pytest.mark.parametrize(
    ("patch", "expression"),
    [
        ("ApplyConfiguration", "Object{spec: Object.spec{replicas: variables.many + 1}}"),
        (
            "ApplyConfiguration",
            "has(object.x) ? Object{} : Object{spec: Object.spec{?a: optional.of(1)}} // no",
        ),
        ("JSONPatch", '[JSONPatch{op: "add", path: "/a", value: {"b": [1]}}] + (true ? [] : [JSONPatch{}])'),
        (
            "JSONPatch",
            'object.x.matches(object.y) ? [JSONPatch{op: "test", path: "/" + string(object.z)}] : []',
        ),
    ],
)
def test_a_good_mutation_has_no_problems(patch: str, expression: str) -> None:
    assert changing(patch, expression) == []


@pytest.mark.parametrize(
    ("patch", "expression", "where", "message"),
    [
        (
            "ApplyConfiguration",
            "Object{\n  spec: Object.spec{replicas: nope}\n}",
            "nope",
            "undeclared reference",
        ),
        (
            "ApplyConfiguration",
            "Object{spec: Object.spec{replicas: variables.mny}}",
            "variables",
            "did you mean 'many'",
        ),
        (
            "ApplyConfiguration",
            'Object{spec: Objekt.spec{a: "x"}}',
            "Objekt",
            "there is no type 'Objekt.spec'",
        ),
        ("ApplyConfiguration", "Object{spec: Object.spec{a: 1 + 'x'}}", "+", "no matching overload"),
        ("ApplyConfiguration", "Object{spec: Object.spec{a: }}", "}", "Syntax error"),
        ("ApplyConfiguration", "{'spec': {'replicas': 1}}", "|", "must give Object{...}"),
        ("ApplyConfiguration", "Object.spec{}", "|", "must give Object{...}"),
        ("ApplyConfiguration", "[JSONPatch{}]", "|", "must give Object{...}"),
        ("JSONPatch", "Object{}", "|", "must give a list of JSONPatch{...}"),
        ("JSONPatch", "[{'op': 'add'}]", "|", "must give a list of JSONPatch{...}"),
        ("JSONPatch", '[JSONPatch{op: "add", pth: "/a"}]', "pth", "JSONPatch has no field 'pth'"),
        ("JSONPatch", "[JSONPatch{op: 1}]", "1", "no matching overload"),
        ("JSONPatch", "[JSONPatch{op: 'add', path: params.x}]", "|", "has no paramKind"),
        ("Merge", "Object{}", "Merge", "must be one of ApplyConfiguration, JSONPatch"),
    ],
)
def test_a_mistake_in_a_mutation_is_marked(patch: str, expression: str, where: str, message: str) -> None:
    ((marked_, told),) = changing(patch, expression)
    assert message in told
    assert marked_ == where


def test_a_mutation_without_its_expression_is_refused() -> None:
    text = HEAD.replace("Validating", "Mutating") + "  mutations:\n  - patchType: JSONPatch\n"
    (one,), _ = resources_of(read_document(text), {})
    (problem,) = problems_of(one, mutates=True, minor=36)
    assert problem.message.startswith("'jsonPatch' is missing, which 'JSONPatch' takes")


def test_a_binding_of_a_policy_that_changes_objects_has_to_name_one() -> None:
    (_, binding) = mutating("Object{}", name="m").split("\n---\n")
    project = admitting_project().with_files([("b.yaml", binding, False)])
    (told,) = [problem.message for _, problem in project.files["b.yaml"].problems()]
    assert told.startswith("no MutatingAdmissionPolicy 'm' is in this workspace")
    project = project.with_file("m.yaml", mutating("Object{}", name="m").split("\n---\n")[0])
    assert [problem.message for _, problem in project.files["b.yaml"].problems()] == []


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
@pytest.mark.parametrize(
    "mutations", ["[{patchType: JSONPatch, jsonPatch: {expression: '[JSONPatch{}]'}}]", "[]", "3"]
)
def test_a_policy_that_changes_objects_is_noted_and_not_applied(version: str, mutations: str) -> None:
    text = (
        HEAD.replace("/v1", f"/{version}").replace("Validating", "Mutating") + f"  mutations: {mutations}\n"
    )
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n"
    files = [("m.yaml", text, False), ("a.yaml", pod, False), ("p.yaml", policy("has(object.x)"), False)]
    project = admitting_project().with_files(files)
    (problem,) = [found for _, found in project.files["m.yaml"].problems() if found.code != "syntax"]
    assert problem.message.startswith(
        "this policy is not applied here: objects are judged as they are written"
    )
    assert problem.code == "unused"
    (finding,) = project.files["a.yaml"].findings()
    assert finding.finding.control == "VAP/p"
