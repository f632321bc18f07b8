"""What rules of Kyverno read: what else is typed in an object changes nothing that they say."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.admission.reads import different, touches
from kscan_lsp.kyverno.expressions import NotFound, Query, QueryError
from kscan_lsp.kyverno.reading import kyverno_policy_of
from kscan_lsp.kyverno.reads import tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.admission.reads import FieldTree

ENV = "request.object.spec.containers[].env"
EXPRESSIONS = [
    f"{ENV}[?name == 'PASSWORD'][] | length(@)",
    f"{ENV}[?name == 'PASSWORD'] | length(@)",
    f"{ENV}[?name == 'PASSWORD'][].value | length(@)",
    f"{ENV}[][] | length(@)",
    f"{ENV}[][]",
    f"{ENV}[?name == 'PASSWORD'][].value",
    f"{ENV} | [0]",
    "length(request.object.spec.containers[0].image)",
    "length(request.object.spec.containers[0])",
    "length(request.object.spec.containers)",
    "length([request.object.spec.containers[0].image, 'a'])",
    "request.object.spec.containers[*].ports[].containerPort | length(@)",
    "request.object.spec.containers[*].[name, image] | length(@)",
    "request.object.spec.containers[*].[name, image][] | [0]",
    "request.object.spec.containers[].command[][] | length(@)",
]
OBJECT: dict[str, Any] = {
    "kind": "Pod",
    "spec": {
        "containers": [
            {
                "name": "shop",
                "image": "nginx",
                "env": [{"name": "PASSWORD", "value": "x"}, {"name": "B"}],
                "ports": [{"containerPort": 80}],
            },
            {"name": "b", "image": "b", "env": [], "command": [["a"], "b"]},
        ]
    },
}


def tree(expression: str) -> FieldTree | None:
    condition = {"key": f"{{{{ {expression} }}}}", "operator": "Equals", "value": 1}
    rule = {
        "name": "r",
        "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
        "validate": {"deny": {"conditions": {"any": [condition]}}},
    }
    policy = kyverno_policy_of("p", "", {"spec": {"rules": [rule]}})
    return tree_of(tuple(one for one in policy.rules if one.name == "r"))


def answer(expression: str, data: dict[str, Any]) -> str:
    try:
        return repr(Query().search(expression, {"request": {"object": data}}))
    except (NotFound, QueryError) as error:
        return f"{type(error).__name__}: {error}"


def edits(value: Any) -> Iterator[Any]:
    """A value with one thing in it that is another."""
    yield from ([], {}, None, "typed", 7, [["typed"]], [{"name": "PASSWORD"}])
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: one} for one in edits(inner))
        yield {**value, "more": 1}
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield value[:number] + value[number + 1 :]
            yield from ([*value[:number], one, *value[number + 1 :]] for one in edits(inner))
        yield [*value, "more"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_edit_of_what_is_not_read_changes_no_answer(expression: str) -> None:
    before, read = answer(expression, OBJECT), tree(expression)
    untouched = 0
    for edited in edits(copy.deepcopy(OBJECT["spec"])):
        now = {**OBJECT, "spec": edited}
        if any(touches(place, read) for place in different(OBJECT, now)):
            continue
        untouched += 1
        assert answer(expression, now) == before, edited
    assert untouched


def test_what_only_counts_reads_nothing_of_what_it_counts() -> None:
    value = ("spec", "containers", 0, "env", 0, "value", "")
    assert not touches(value, tree(EXPRESSIONS[0]))
    assert touches((*value[:5], "name", ""), tree(EXPRESSIONS[0]))
    assert touches(value[:4], tree(EXPRESSIONS[0]))
    assert touches(value, tree(f"{ENV}[?name == 'PASSWORD'][].value"))
