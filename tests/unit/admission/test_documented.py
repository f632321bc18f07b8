"""What the API server's documentation shows of admission policies, with objects and values of our own.

Source: kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy: limits of replicas with and without
params, params by namespace, optional ones, match conditions, variables, images by the environment of a namespace, audit
annotations, messages, and the table of expressions.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.admitting import policy, said, unanswered

LIMIT = {"apiVersion": "limits.example.org/v1", "kind": "CopyLimit"}


def namespace(name: str, **labels: str) -> str:
    return _text("v1", "Namespace", {"name": name, "labels": labels})


def deployment(copies: int, space: str = "qa", **metadata: Any) -> str:
    containers = [{"name": "shop", "image": metadata.pop("image", "shop:1")}]
    pod = {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": containers}}
    spec = {"replicas": copies, "selector": {"matchLabels": {"app": "shop"}}, "template": pod}
    return _text("apps/v1", "Deployment", {"name": "shop", "namespace": space, **metadata}, spec=spec)


def limit(name: str, space: str = "", **fields: Any) -> str:
    metadata = {"name": name, **({"namespace": space} if space else {})}
    return _text(LIMIT["apiVersion"], LIMIT["kind"], metadata, **fields)


def _text(api_version: str, kind: str, metadata: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields})


def both(*texts: str) -> str:
    return "\n---\n".join(texts)


def messages(text: str, one: str, *others: str) -> list[str]:
    return [found.message for found in said(text, one, others=both(*others))]


QA, LIVE = namespace("qa", stage="qa"), namespace("live", stage="live")
ONLY_QA = {"matchResources": {"namespaceSelector": {"matchLabels": {"stage": "qa"}}}}


def test_a_limit_holds_in_the_namespaces_that_a_binding_selects() -> None:
    limited = policy("object.spec.replicas <= 4", binding=ONLY_QA)
    assert messages(deployment(5), limited, QA, LIVE) == ["failed expression: object.spec.replicas <= 4"]
    assert messages(deployment(4), limited, QA, LIVE) == []
    assert messages(deployment(5, "live"), limited, QA, LIVE) == []


def by_params(binding: dict[str, Any], expression: str = "object.spec.replicas <= params.most") -> str:
    validation = {
        "expression": expression,
        "messageExpression": "'no more than ' + string(params.?most.orValue(0)) + ' copies'",
    }
    return policy([validation], paramKind=LIMIT, binding=binding)


def test_the_same_policy_has_another_limit_by_another_binding() -> None:
    lax = {"paramRef": {"name": "lax", "parameterNotFoundAction": "Deny"}, **ONLY_QA}
    strict = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "strict"},
        "spec": {
            "policyName": "p",
            "validationActions": ["Deny"],
            "paramRef": {"name": "strict", "parameterNotFoundAction": "Deny"},
            "matchResources": {
                "namespaceSelector": {
                    "matchExpressions": [{"key": "stage", "operator": "NotIn", "values": ["qa"]}]
                }
            },
        },
    }
    limited = both(by_params(lax), json.dumps(strict))
    around = QA, LIVE, limit("lax", most=9), limit("strict", most=2)
    assert messages(deployment(10), limited, *around) == ["no more than 9 copies"]
    assert messages(deployment(9), limited, *around) == []
    assert messages(deployment(3, "live"), limited, *around) == ["no more than 2 copies"]


def test_params_are_those_of_the_namespace_where_the_kind_has_one() -> None:
    own = by_params({"paramRef": {"name": "own", "parameterNotFoundAction": "Deny"}})
    around = QA, LIVE, limit("own", "qa", most=9), limit("own", "live", most=2)
    assert messages(deployment(5), own, *around) == []
    assert messages(deployment(5, "live"), own, *around) == ["no more than 2 copies"]
    selected = by_params(
        {"paramRef": {"selector": {}, "namespace": "live", "parameterNotFoundAction": "Allow"}}
    )
    assert messages(deployment(5), selected, *around) == ["no more than 2 copies"]
    assert messages(deployment(5), selected, QA) == []


def test_what_params_need_not_have_is_asked_for_first() -> None:
    optional = by_params(
        {"paramRef": {"name": "own", "parameterNotFoundAction": "Deny"}},
        "!has(params.least) || (params.least >= 2 && params.least <= object.spec.replicas)",
    )
    for least, admitted in ((None, True), (2, True), (1, False), (6, False)):
        fields = {} if least is None else {"least": least}
        assert bool(messages(deployment(5), optional, QA, limit("own", **fields))) is not admitted


def test_conditions_take_requests_out() -> None:
    leases = "!(request.resource.group == 'coordination.k8s.io' && request.resource.resource == 'leases')"
    out = policy("false", matchConditions=[{"name": "no-leases", "expression": leases}])
    lease = _text("coordination.k8s.io/v1", "Lease", {"name": "shop", "namespace": "qa"})
    assert messages(lease, out) == []
    assert messages(deployment(1), out) == ["failed expression: false"]
    who = "!('system:nodes' in request.userInfo.groups)"
    asked = policy("false", matchConditions=[{"name": "no-kubelets", "expression": who}])
    assert messages(deployment(1), asked) == []
    assert "userInfo" in str(unanswered(deployment(1), asked))
    may = "authorizer.group('limits.example.org').resource('copylimits').name('own').check('breakglass').allowed()"
    granted = policy("false", matchConditions=[{"name": "no-breakglass", "expression": f"!{may}"}])
    assert "authorizer" in str(unanswered(deployment(1), granted))


def test_a_variable_is_named_by_who_comes_behind_it() -> None:
    tier = {
        "name": "tier",
        "expression": "'tier' in object.metadata.labels ? object.metadata.labels['tier'] : 'none'",
    }
    named = policy("variables.tier == 'front'", variables=[tier])
    assert messages(deployment(1, labels={"tier": "front"}), named) == []
    assert messages(deployment(1, labels={"app": "shop"}), named) == [
        "failed expression: variables.tier == 'front'"
    ]


LABELS = "namespaceObject.metadata.labels"
STAGES = policy(
    [
        {
            "expression": "variables.free || variables.ours.all(c, c.image.startsWith(variables.stage + '.'))",
            "messageExpression": "'only ' + variables.stage + ' images in ' + namespaceObject.metadata.name",
        }
    ],
    variables=[
        {
            "name": "stage",
            "expression": f"'stage' in {LABELS} ? {LABELS}['stage'] : 'live'",
        },
        {"name": "free", "expression": "object.metadata.?labels.?free.orValue('') == 'true'"},
        {"name": "all", "expression": "object.spec.template.spec.containers"},
        {"name": "ours", "expression": "variables.all.filter(c, c.image.contains('shop.example/'))"},
    ],
)


@pytest.mark.parametrize(
    ("image", "space", "labels", "expected"),
    [
        ("qa.shop.example/web:1", "qa", {}, []),
        ("live.shop.example/web:1", "qa", {}, ["only qa images in qa"]),
        ("live.shop.example/web:1", "qa", {"free": "true"}, []),
        ("nginx:1", "qa", {}, []),
        ("live.shop.example/web:1", "other", {}, []),
        ("qa.shop.example/web:1", "other", {}, ["only live images in other"]),
    ],
)
def test_images_are_of_the_stage_of_their_namespace(
    image: str, space: str, labels: dict[str, str], expected: list[str]
) -> None:
    around = QA, namespace("other", team="shop")
    assert messages(deployment(1, space, image=image, labels=labels), STAGES, *around) == expected


COPIES = "object.spec.replicas <= 30"


def test_an_audit_says_what_it_says_and_refuses_nothing() -> None:
    noted = {"key": "many-copies", "valueExpression": "'copies: ' + string(object.spec.replicas)"}
    audited = policy(
        [
            {
                "expression": "object.spec.replicas <= 30",
                "messageExpression": "'there are ' + string(object.spec.replicas)",
            }
        ],
        auditAnnotations=[noted],
        binding={"validationActions": ["Audit"]},
    )
    (one,) = said(deployment(31), audited, others=QA)
    assert (one.severity, one.message) == ("low", "there are 31")


@pytest.mark.parametrize("fails", ["Fail", "Ignore"])
def test_a_field_that_an_object_has_not_is_an_error_of_the_policy(fails: str) -> None:
    slip = policy("object.replicas > 1", failurePolicy=fails)
    assert bool(messages(deployment(5), slip)) is (fails == "Fail")


WIDGET = {
    "least": 1, "copies": 2, "most": 3, "states": {"Ready": 1}, "one": [1], "two": [], "words": {"KEY": "abc"},
    "env": [{"name": "KEY", "value": "abc"}, {"name": "OTHER", "value": "1"}], "health": "ok: 5 of 5",
    "parts": [{"key": "a", "size": 5}, {"key": "b", "size": 50}], "share": "42%", "left": ["a"], "right": ["b"],
    "names": ["a"], "details": {"a": {}}, "hosts": [{"name": "a"}, {"name": "b"}], "first": "b",
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "broken"),
    [
        ("object.spec.least <= object.spec.copies && object.spec.copies <= object.spec.most", {"copies": 4}),
        ("'Ready' in object.spec.states", {"states": {}}),
        ("(size(object.spec.one) == 0) != (size(object.spec.two) == 0)", {"two": [1]}),
        (
            "!('KEY' in object.spec.words) || object.spec.words['KEY'].matches('^[a-zA-Z]*$')",
            {"words": {"KEY": "1"}},
        ),
        (
            "object.spec.env.filter(e, e.name == 'KEY').all(e, e.value.matches('^[a-zA-Z]*$'))",
            {"env": [{"name": "KEY", "value": "1"}]},
        ),
        (
            "has(object.spec.first) && object.spec.copies + object.spec.least <= object.spec.most",
            {"least": 2},
        ),
        ("object.spec.health.startsWith('ok')", {"health": "not ok"}),
        ("object.spec.parts.exists(p, p.key == 'a' && p.size < 10)", {"parts": [{"key": "a", "size": 10}]}),
        (
            "type(object.spec.share) == string ? object.spec.share == '42%' : object.spec.share == 42",
            {"share": 41},
        ),
        ("object.metadata.name == 'only'", None),
        ("object.spec.left.all(one, !(one in object.spec.right))", {"right": ["a"]}),
        (
            "1 == size(object.spec.details) && object.spec.names.all(n, n in object.spec.details)",
            {"names": ["b"]},
        ),
        ("size(object.spec.hosts.filter(h, h.name == object.spec.first)) == 1", {"first": "c"}),
    ],
)
def test_expressions_of_the_table(expression: str, broken: dict[str, Any] | None) -> None:
    def widget(name: str, spec: dict[str, Any]) -> str:
        return _text("shop.example/v1", "Widget", {"name": name, "namespace": "qa"}, spec=spec)

    assert messages(widget("only", WIDGET), policy(expression)) == []
    other = widget("only" if broken else "other", {**WIDGET, **(broken or {})})
    assert set(messages(other, policy(expression))) == {f"failed expression: {expression}"}
