"""JMESPath as Kyverno has it, its functions, and variables in texts."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp import paths
from kscan_lsp.admission.matching import Request
from kscan_lsp.kyverno.budget import Budget, OverBudget
from kscan_lsp.kyverno.context import Context, context_of
from kscan_lsp.kyverno.expressions import NotFound, Query, QueryError, Unanswerable
from kscan_lsp.kyverno.model import ContextEntry

POD = {
    "metadata": {"name": "p", "labels": {"app": "shop"}, "annotations": {"list": '["a","b"]', "for": "name"}},
    "spec": {
        "replicas": 3,
        "containers": [
            {"name": "a", "image": "nginx", "ports": [{"containerPort": 80}]},
            {"name": "b", "image": "ghcr.io/x/y:2", "ports": [{"containerPort": 81}, {"containerPort": 82}]},
        ],
    },
}


def created(namespace: str) -> Request:
    """What creates a pod in a namespace."""
    return Request("", "v1", "Pod", "pods", namespace, "p", {}, None).as_a("CREATE")


def _context() -> Context:
    return context_of(POD, created("shop"), None)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("request.operation", "CREATE"),
        ("request.object.metadata.labels.team || 'none'", "none"),
        ("request.object.spec.containers[?name == 'b'].image | [0]", "ghcr.io/x/y:2"),
        ("request.object.spec.containers[].ports[].containerPort", [80, 81, 82]),
        ("request.object.spec.containers[].missing", []),
        ("request.object.spec.missing[]", None),
        ("length(request.object.spec.containers)", 2),
        ("request.object.spec.[initContainers, containers][].name", ["a", "b"]),
        ("!(request.object.spec.hostNetwork)", True),
        ("request.object.spec.missing == null", True),
        ("request.object.spec.replicas > `2`", True),
        ("request.object.metadata.name > `2`", None),
        ("images.containers.a.registry", "docker.io"),
        ("images.containers.a.tag", "latest"),
        ("images.containers.b.path", "x/y"),
        ("images.containers.b.reference", "ghcr.io/x/y:2"),
        ("request.oldObject.spec.x", None),
        ("regex_match('^[a-z]+$', 'abc')", True),
        ("regex_match('^[a-z]+$', 'a1')", False),
        ("regex_replace_all('([0-9])', 'a1b2', 'x$1')", "ax1bx2"),
        ("regex_replace_all_literal('[0-9]', 'a1', '$1')", "a$1"),
        ("replace_all('a-b-c', '-', '.')", "a.b.c"),
        ("replace('a-b-c', '-', '.', `1`)", "a.b-c"),
        ("split('a,b', ',')", ["a", "b"]),
        ("to_upper('a')", "A"),
        ("trim('xxaxx', 'x')", "a"),
        ("trim_prefix('abc', 'ab')", "c"),
        ("truncate('abcdef', `3`)", "abc"),
        ("equal_fold('A', 'a')", True),
        ("compare('a', 'b')", -1),
        ("pattern_match('a*', 'abc')", True),
        ("label_match({app: 'shop'}, request.object.metadata.labels)", True),
        ("label_match({app: 'other'}, request.object.metadata.labels)", False),
        ("to_boolean('True')", True),
        ("add(`1`, `2`)", 3),
        ("add('1Gi', '1Gi')", "2147483648"),
        ("add('1h', '30s')", "1h0m30s"),
        ("subtract('1h', '5s')", "59m55s"),
        ("multiply('500m', `3`)", "1.5"),
        ("divide('1Gi', '512Mi')", 2),
        ("divide(`7`, `2`)", 3.5),
        ("modulo(`7`, `2`)", 1),
        ("sum(['1Gi', '1Gi'])", "2147483648"),
        ("round(`2.5`, `0`)", 3),
        ("base64_decode('aGVsbG8=')", "hello"),
        ("base64_encode('hello')", "aGVsbG8="),
        ("path_canonicalize('/a/../b')", "/b"),
        ("semver_compare('1.2.3', '>=1.0.0 <2.0.0')", True),
        ("semver_compare('2.0.0', '>=1.0.0 <2.0.0')", False),
        ("semver_compare('1.2.3', '1.x')", True),
        ("parse_json(request.object.metadata.annotations.list)", ["a", "b"]),
        ("parse_yaml('a: [1, 2]').a", [1, 2]),
        ("lookup(request.object.metadata.labels, 'app')", "shop"),
        ("lookup(`[1, 2]`, `1`)", 2),
        ("items(request.object.metadata.labels, 'k', 'v')", [{"k": "app", "v": "shop"}]),
        ("object_from_lists(['a', 'b'], ['1', '2'])", {"a": "1", "b": "2"}),
        ("image_normalize('nginx')", "docker.io/nginx:latest"),
        ("is_external_url('http://10.0.0.1/x')", False),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("time_add('2024-01-01T00:00:00Z', '1h')", "2024-01-01T01:00:00Z"),
        ("time_diff('2024-01-01T00:00:00Z', '2024-01-01T01:30:00Z')", "1h30m0s"),
        ("time_after('2024-01-02T00:00:00Z', '2024-01-01T00:00:00Z')", True),
        ("time_to_cron('2024-01-07T03:04:00Z')", "4 3 7 1 0"),
        ("time_truncate('2024-01-01T01:59:00Z', '1h')", "2024-01-01T01:00:00Z"),
        ("time_parse('0', '1700000000')", "2023-11-14T22:13:20Z"),
        ("to_string({a: `1`})", '{"a":1}'),
    ],
)
def test_an_expression_has_the_value_that_kyverno_gives_it(expression: str, value: Any) -> None:
    assert _context().search(expression) == value


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("request.object.metadata.labels.team", NotFound),
        ("nobody", NotFound),
        ("request.object.[", QueryError),
        ("nothing('x')", QueryError),
        ("length(request.object.spec.missing)", QueryError),
        ("to_upper(`1`)", QueryError),
        ("divide(`1`, `0`)", QueryError),
        ("add('1Gi', `1`)", QueryError),
        ("parse_json('{')", QueryError),
        ("regex_match('[', 'a')", QueryError),
        ("request.userInfo.username || 'x'", Unanswerable),
        ("request.roles", Unanswerable),
        ("serviceAccountName", Unanswerable),
        ("time_now_utc()", Unanswerable),
        ("random('[a-z]')", Unanswerable),
        ("is_external_url('http://example.com')", Unanswerable),
        ("x509_decode('a')", Unanswerable),
        ("(" * 3_000 + "a" + ")" * 3_000, QueryError),
    ],
)
def test_what_has_no_value_says_why(expression: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _context().search(expression)


def test_an_error_quotes_no_value_of_the_manifest() -> None:
    data = {"spec": {"secret": "hunter2"}}
    context = context_of(data, created(""), None)
    for expression in ("add(request.object.spec.secret, `1`)", "time_utc(request.object.spec.secret)",
                       "abs(request.object.spec.secret)", "parse_json(request.object.spec.secret)"):  # fmt: skip
        with pytest.raises(QueryError) as caught:
            context.search(expression)
        assert "hunter2" not in str(caught.value)


def test_what_grows_without_end_is_given_up() -> None:
    doubling = "request.object | " + " | ".join(["[@, @]"] * 40)
    with pytest.raises(OverBudget):
        Query(Budget(steps=5_000)).search(f"to_string({doubling.replace('request.object', '@')})", {"a": 1})
    with pytest.raises(OverBudget):
        Query(Budget(steps=5_000)).search("@ | " + " | ".join(["[@, @][]"] * 40), ["a"] * 10)
    with pytest.raises((OverBudget, QueryError)):
        Query(Budget(steps=5_000)).search("@ | " + " | ".join(["join('', [@, @])"] * 40), "aaaaaaaaaa")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ request.object.spec.replicas }}", 3),
        ("n={{ request.object.spec.replicas }}", "n=3"),
        ("{{request.object.metadata.name}}/{{ request.operation }}", "p/CREATE"),
        ("{{ request.object.metadata.{{ request.object.metadata.annotations.for }} }}", "p"),
        ("{{ request.object.metadata.labels }}!", '{"app":"shop"}!'),
        ("\\{{ request.operation }}", "{{ request.operation }}"),
        ("{{ {a: request.operation}.a }}", "CREATE"),
        ("{{ x", "{{ x"),
    ],
)
def test_variables_in_texts(text: str, value: Any) -> None:
    assert _context().substituted(text) == value


def test_what_a_variable_gives_is_not_looked_through_without_end() -> None:
    data = {"metadata": {"name": "{{ request.object.metadata.name }}"}}
    context = context_of(data, created(""), None)
    with pytest.raises(OverBudget):
        context.substituted("x {{ request.object.metadata.name }}")
    assert (
        context.substituted("x {{- request.object.metadata.name }}") == "x {{ request.object.metadata.name }}"
    )


def test_names_that_a_rule_defines() -> None:
    context = _context()
    context.load(
        (
            ContextEntry("given", value={"a": "{{ request.object.metadata.name }}"}),
            ContextEntry("picked", value=[{"n": 1}, {"n": 2}], path="[1].n"),
            ContextEntry("found", path="request.object.spec.missing", default="none"),
            ContextEntry("bad", path="request.object.spec.missing"),
            ContextEntry("asked", unknown="the cluster"),
            ContextEntry("config", config=("ns", "name")),
            ContextEntry("other", config=("ns", "other")),
        )
    )
    context.configs = {("ns", "name"): {"data": {"k": "v"}}}
    assert context.search("given.a") == "p"
    assert context.search("picked") == 2
    assert context.search("found") == "none"
    assert context.search("config.data.k") == "v"
    with pytest.raises(QueryError):
        context.search("bad")
    for unknown in ("asked", "other.data.k"):
        with pytest.raises(Unanswerable):
            context.search(unknown)


@pytest.mark.parametrize(
    ("expression", "places"),
    [
        ("request.object.spec.replicas", ["spec.replicas"]),
        ("request.object.spec.containers[].image", ["spec.containers[0].image", "spec.containers[1].image"]),
        ("request.object.spec.containers[?name=='b'].image", ["spec.containers[1].image"]),
        ("request.object.spec.[initContainers, containers][].ports[].containerPort",
         ["spec.containers[0].ports[0].containerPort", "spec.containers[1].ports[0].containerPort",
          "spec.containers[1].ports[1].containerPort"]),
        ("length(request.object.spec.containers)", ["spec.containers"]),
        ("request.object.spec.containers[1].image | split(@, ':')", ["spec.containers[1].image"]),
        ("request.object.spec.missing || 'x'", ["spec.missing"]),
        ("request.object.metadata.labels.*", ["metadata.labels.app"]),
        ("images.containers.b.registry", ["spec.containers[1].image"]),
        ("request.operation", []),
        ("'text'", []),
    ],
)  # fmt: skip
def test_a_value_is_traced_to_the_fields_that_it_comes_from(expression: str, places: list[str]) -> None:
    assert [paths.show(path) for _, path in _context().places(expression)] == places
