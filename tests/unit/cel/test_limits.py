"""Hostile expressions on hostile data: every one ends in a reason, and none in a crash or a hang."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from kscan_lsp import cel
from kscan_lsp.cel.compiling import program_of
from kscan_lsp.cel.cost import work
from kscan_lsp.cel.extents import Extent, extent
from kscan_lsp.cel.patterns import compile_pattern, find_all, start_evaluation
from kscan_lsp.policy.environment import CONTROLS


def outcome(source: str, *, let: Any = (), **values: Any) -> Any:
    expression = cel.compile_expression(CONTROLS, source, let=let)
    return (
        expression
        if isinstance(expression, cel.CelError)
        else cel.evaluate(expression, cel.bind(CONTROLS, values))
    )


def reason(source: str, **values: Any) -> str:
    found = outcome(source, **values)
    assert isinstance(found, cel.Failed | cel.CelError), found
    return found.reason if isinstance(found, cel.Failed) else found.message


LARGE = list(range(9_000))
LONG = "x" * 500_000


def test_iterations_are_counted():
    items = list(range(200))
    assert reason("item.all(a, item.all(b, item.all(c, true)))", item=items) == "more than 10,000 iterations"
    assert reason("item.all(a, true)", item=list(range(20_000))) == "more than 10,000 iterations"
    assert outcome("item.all(a, a >= 0)", item=LARGE) is True


@pytest.mark.parametrize(
    "source",
    [
        "item.map(a, a).size()",
        "item.map(a, item).size()",
        "item.all(a, (item + item).size() > 0)",
        "item.all(a, item == item)",
        "item.all(a, sets.contains(item, [a]))",
        "item.all(a, [item, item].all(b, selects({}, {'a': item})))",
        "object.contains(object + 'y')",
        "object.split('').map(c, c).size()",
        "object.replace('', object).size()",
        "object.matches('(x|z)*x(x|z){200}y')",
        "matchesAny(object, ['(x|z)*x(x|z){200}y'])",
        "object.findAll('x|x.*y').size()",
        "object.find('(x|z)*x(x|z){500}y')",
        "item.all(a, object.find('y') == '')",
        "cel.bind(a, object + object, cel.bind(b, a + a + a + a, cel.bind(c, b + b + b + b, size(c + c + c + c))))",
        "item.map(a, string(a)).join(object).size()",
        "item.filter(a, item.exists(b, b == a + 1)).size()",
        "item.all(a, object.lowerAscii().upperAscii().size() > 0)",
    ],
)
def test_work_is_bounded(source):
    assert reason(source, item=LARGE, object=LONG) in {
        "too much work for an object of this size",
        "too much work, even on a small object: loops inside loops, or texts that grow",
        "a regular expression takes too long on this text",
        "more than 10,000 iterations",
    }


def test_texts_that_double_are_refused_at_once():
    doubling = "'" + "x" * 30 + "'"
    for number in range(14):
        doubling = f"cel.bind(v{number}, {doubling}, v{number} + v{number} + v{number} + v{number})"
    assert "texts that grow" in reason(doubling)
    let = [("v0", "'xxxxxxxxxxxxxxxx'"), *((f"v{i}", f"v{i - 1}" + f" + v{i - 1}" * 7) for i in range(1, 12))]
    assert "texts that grow" in outcome("size(v11)", let=let).message
    assert "texts that grow" in reason(
        "'x'" + ".replace('x', 'yyyyyyyyyyyyyyyyyyyy').replace('y', 'xxxxxxxxxxxxxxxxxxxx')" * 5
    )


def test_ordinary_work_is_done():
    containers = [
        {"name": f"c{i}", "env": [{"name": f"E{j}", "value": "v" * 50} for j in range(20)]} for i in range(20)
    ]
    pod = {"containers": containers, "volumes": [{"name": f"v{i}"} for i in range(20)]}
    let = [("names", "pod.containers.map(c, c.name)"), ("long", "pod.containers.filter(c, c.env.size() > 3)")]
    assert outcome("pod.containers.exists(c, c.env.exists(e, e.name == 'E19'))", pod=pod) is True
    assert outcome("long.size() == names.size()", let=let, pod=pod) is True
    assert outcome("pod.volumes.all(v, pod.containers.exists(c, c.name != v.name))", pod=pod) is True
    assert (
        outcome(
            "pod.containers.all(c, c.env.all(e, !matchesAny(e.value, inputs.p)))",
            pod=pod,
            inputs={"p": ["a+b", "^w"]},
        )
        is True
    )


@pytest.mark.parametrize(
    "source",
    [
        "{'a': optional.none()}",
        "[optional.of(1)]",
        "[[optional.of(1)]]",
        "selects({'a': optional.none()}, {})",
        "selects({'a': object.?x}, {})",
        "sets.contains([{'a': object.?x}], [])",
        "sets.contains([1].map(x, optional.of(x)), [])",
        "dyn(object.?x)",
        "selects({'a': dyn(object.?x)}, {})",
        "selects({'a': true ? object.x : object.?x}, {})",
        "object.?x.orValue(object.?y)",
        "cel.bind(o, object.?x, sets.contains([o], [o]))",
        "object.?x",
        "matchesAny('a', [object.?x])",
        "true ? object.?x : 1",
    ],
)
def test_optionals_stay_inside(source):
    found = outcome(source, object={"y": 1})
    assert isinstance(found, cel.CelError | cel.Failed)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("object.?x.?y.orValue(5)", 5),
        ("object.?x.or(object.?y).orValue(0)", 1),
        ("object[?'y'].hasValue()", True),
        ("[?object.?x, ?object.?y]", [1]),
        ("{?'a': object.?x, ?'b': object.?y}", {"b": 1}),
        ("object.?y.optMap(v, v + 1).orValue(0)", 2),
        ("object.?m.optFlatMap(v, v.?n).orValue(0)", 3),
        ("cel.bind(o, object.?y, o.hasValue() ? o.value() : 0)", 1),
        ("(true ? object.?x : object.?y).orValue(9)", 9),
        ("object.?y == optional.of(1)", True),
        ("selects({'matchLabels': object.?labels.orValue({})}, {'a': 'b'})", True),
        ("object.?m.n.hasValue()", True),
        ("[1, 2].exists(i, object.?m.?n.orValue(0) == i + 1)", True),
    ],
)
def test_optionals_that_are_unwrapped(source, wanted):
    assert outcome(source, object={"y": 1, "m": {"n": 3}}) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "object.x.matches(object.p)",
        "object.x.matches(inputs.p[0])",
        "object.x.matches('(')",
        "object.x.matches('" + "a{1000}" * 20 + "')",
        "(" * 100 + "1" + ")" * 100,
        "[" * 100 + "]" * 100,
        "object" + ".a" * 500,
        "+".join(["1"] * 5_000),
        "'" + "a" * 9_000 + "'",
        "object.all(a, b, true)",
        "'\\ud800'",
        "\ud800",
        "a\0b",
    ],
)
def test_refused_when_compiled(source):
    assert isinstance(cel.compile_expression(CONTROLS, source), cel.CelError)


def test_large_results():
    assert reason("[item, item]", item=LARGE) == "gives more than 10,000 values"
    assert len(outcome("item", item=LARGE)) == 9_000


def test_deep_values():
    data: Any = 1
    for _ in range(99):
        data = [data]
    assert outcome("item == item", item=data) is True
    assert outcome("item", item=data) == data


def test_functions_are_not_hidden_from_the_guard():
    for source in (
        "item.map /**/ (a, a)",
        "item.map // x\n(a, a).size()",
        "item.map\n\n(a, a).size()",
        "'//' == '' ? 1 : item.map(a, a).size()",
    ):
        found = cel.compile_expression(CONTROLS, source)
        assert isinstance(found, cel.CelError) or program_of(CONTROLS, found).tree is not None


def test_extents():
    shared = ["y" * 64]
    assert extent([{"a": 1, "b": [True, "x" * 320]}, [shared, shared]]) == Extent(11, 11 + 10 + 4, 11)
    assert extent([]) == Extent(1, 1, 1)
    assert Extent(3, 9, 1).rounded() == Extent(4, 16, 1)


def test_work_grows_with_data():
    source = "pod.containers.filter(c, c.env.exists(e, e.name == c.name)).size() > 1"
    program = program_of(CONTROLS, cel.compile_expression(CONTROLS, source))
    works = [work(program.tree, {"pod": Extent(nodes, 2 * nodes, 8)}) for nodes in (10, 100, 1_000, 10_000)]
    assert works == sorted(works)
    assert works[0] < 1_000


def test_searches_share_a_budget():
    start_evaluation()
    pattern = "x|x.*y"
    assert find_all("x" * 50, pattern) == ["x"] * 50
    with pytest.raises(ValueError, match="too long"):
        find_all("x" * 50_000, pattern)
    with pytest.raises(ValueError, match="too long"):
        find_all("x", pattern)
    start_evaluation()
    assert find_all("x", pattern) == ["x"]
    assert compile_pattern(pattern) is compile_pattern(pattern)


def test_the_lists_that_a_function_was_handed_are_let_go() -> None:
    """The runtime keeps what it hands to functions: in an editor, a list for each keystroke would add up."""
    expression = cel.compile_expression(CONTROLS, "matchesAny(objectName, inputs.patterns)")
    assert isinstance(expression, cel.Expression)
    patterns = {"patterns": [f"pattern-{number}" for number in range(100)]}

    def ask(times: int) -> None:
        for _ in range(times):
            assert cel.deny(expression, cel.bind(CONTROLS, {"objectName": "x", "inputs": patterns})) is False

    ask(10)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ask(200)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 200 < 1_000
