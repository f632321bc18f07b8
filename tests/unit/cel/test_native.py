"""What is answered without the CEL runtime."""

from __future__ import annotations

from typing import Any

import pytest
from support.natives import FAILED, asked, exactly

from kscan_lsp import cel
from kscan_lsp.policy.environment import CONTROLS

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 7, 2**63 - 1, -(2**63), 1.0, 1.5, "", "a", "A", "a,b", "7", "-7", " 7", "x" * 300, "é",
    "aXÉ", "😀a", [], [None], ["a"], ["a", "b", 1], [1, True, 1.0], [["a"]], [{"a": 1}], {}, {"a": 1}, {"a": "a"},
    {"a": True}, {"a": []}, {"a": ["a", "b"]}, {"a": {}}, {"a": {"a": "b"}}, {"a": {"a": {"a": 1}}}, {"b": "a"},
    {"a": "nginx:1.0", "b": "c"}, [1] * 50, ["a"] * 2_500,
]  # fmt: skip

QUESTIONS = [
    "item", "item.a", "item.a.a", "has(item.a)", "has(item.a.a)", "item['a']", "item[0]", "item[item.a]",
    "item.?a.hasValue()", "item.?a.?a.orValue('none')", "item.?a.a.orValue('none')", "item.?a[0].orValue('none')",
    "item.?a[?0].orValue('none')", "item.?a[?-1].?b.orValue(1)", "item in [1, 'a', true]",
    "item[?0].orValue('none')", "item[?-1].hasValue()", "item[?'a'].orValue(7)", "item.?a.value()",
    "item.?a.or(item.?b).orValue(0)", "item.?a.or(item.?b).hasValue()", "item.?a == item.?b", "item.?a != item.?a",
    "item == 'a'", "item == 1", "item == true", "item == []", "item == {}", "item == null", "item == item",
    "item != 'a'", "item.?a.orValue(1) == item.?b.orValue(1)", "[item] == [item]", "[item, 1] == ['a', 1]",
    "'a' in item", "1 in item", "item in ['a', 'b']", "item in [1, 'a', null, true]", "item in {'a': 1}",
    "size(item)", "size(item) > 0", "item.size()", "item > 1", "item >= 'a'", "item < 1", "item <= 7", "item < item",
    "item + item", "item + 'a'", "item + 1", "item + ['a']", "item - 1", "1 - item", "string(item)", "int(item)",
    "item && true", "item || false", "false && item", "true || item", "item.a && false", "item.a || true", "!item",
    "item ? 1 : 2", "true ? item : 'a'", "item.?a.hasValue() ? item.a : 'none'", "{'a': item, 'b': 1}", "{}", "[]",
    "[item, 'a', -3, true]", "item.exists(x, x == 'a')", "item.all(x, x == 'a')", "item.filter(x, x == 'a')",
    "item.map(x, [x])", "item.map(x, x != 'a', string(x))", "item.exists(x, item.exists(y, x == y))",
    "item.filter(x, x.?a.hasValue()).map(x, x.a)", "size(item.filter(x, x == 'a')) > 0", "item.exists_one(x, x == 'a')",
    "[1, 2].exists(x, item == x)", "['a', 'b'].all(x, x in item)", "[['a'], item].map(x, x.exists(y, y == 'a'))",
    "item.filter(x, x.?a.orValue('') == 'a')", "item.filter(x, x.?a.orValue('') == item[0].a)",
    "item.filter(x, x.?a.orValue('a') == 'a').map(x, x.a)", "size(item.filter(x, x.?a.orValue(1) == 1))",
    "[item, {'a': 'a'}].filter(x, x.?a.orValue('') == x.a)", "[item, {}].filter(x, x.?a.orValue('a') == item.a)",
    "[[item]].map(x, x.filter(y, y.?a.orValue('') == x[0].a))", "item.?a.?a.?b.hasValue()", "item.a.?a.a.hasValue()",
    "item.?a.?a.or(item.?b).?a.orValue({'a': [1]})", "item.?a.orValue([]).exists(x, x == 'a')", "item.a.a.a",
    "item.?a.?b.orValue(item.?b.orValue(2))", "item.?a.orValue(item)", "item.a && item.a && !item.a",
    "item == 1 || item == 'a' || item.?a.orValue(true)", "(item || true) && (true || item) && item != 1",
    "item in ['a', 1, true, ['a'], {}, 'A']", "'a' in [item]", "[['a'], []].map(x, x + ['b'])",
    "cel.bind(x, item.a, cel.bind(y, x.a, item == 1 || y == 1))", "[item, 1].map(i, cel.bind(x, [i], x + x))",
    "cel.bind(x, item.a, true || x)", "cel.bind(x, item.?a, x.hasValue() ? x.value() : 'none')",
    "cel.bind(x, item + item, x + x)", "[1, 2].map(i, cel.bind(x, i + 1, cel.bind(i, x + 1, i + x)))",
    "cel.bind(x, item, item.exists(item, item == x))", "[1].map(x, [2].map(x, x) + [x])",
    "item.contains('a')", "item.startsWith('a')", "item.endsWith('a')", "item.contains('')", "'abc'.contains(item)",
    "item.lowerAscii()", "item.upperAscii()", "item.split(',')", "'a,b'.split(item)", "item.indexOf('a')",
    "item.lastIndexOf('a')", "item.substring(1)", "item.substring(0, 1)", "'abc'.substring(item)",
    "item.replace('a', 'b')", "item.join()", "item.join(',')", "['a'].join(item)", "item.trim()",
    "imageRef(item)", "imageRef(item).tag", "imageRef(item.a).name == 'docker.io/library/nginx'",
    "imageListed(item, ['a'])", "matchesAny(item, ['a|b'])", "matchesAny('a', item)", "matchesAny(item, ['('])",
    "item.matches('a')", "quantity(item) == quantity('7')", "isQuantity(item)",
    "quantity(item).isLessThan(quantity('9'))",
    "credential('password', item, ['password'], [])",
    "selects({'matchLabels': item}, {'a': 'a'})", "decodeBase64(item)",
    "item.min()", "item.sort()", "item.sum()", "sets.contains(item, ['a'])", "isIP(item)", "ip('::1').family()",
    "type(item) == list", "item / 2", "item * 2", "-item", "double(item)", "item[?'a'].hasValue() && item.a == 'a'",
]  # fmt: skip

FOR_THE_RUNTIME = {
    "item.exists_one(x, x == 'a')", "item.contains('')", "item.replace('a', 'b')", "item.trim()", "item.matches('a')",
    "type(item) == list", "item / 2", "item * 2", "-item", "double(item)", "item == null",
    "matchesAny(item, ['('])", "ip('::1').family()", "item.?a[0].orValue('none')", "item in [1, 'a', null, true]",
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_says_what_the_runtime_says_or_nothing(question: str) -> None:
    known = {index: asked(question, {"item": value}) for index, value in enumerate(VALUES)}
    answers = {index: (mine, its) for index, (mine, its) in known.items() if mine is not None}
    assert {i: exactly(mine) for i, (mine, _) in answers.items()} == {
        i: exactly(its) for i, (_, its) in answers.items()
    }
    assert bool(answers) is (question not in FOR_THE_RUNTIME)


def test_what_is_wrong_is_for_the_runtime_to_say() -> None:
    for question in ("item.a", "item.b.c", "size(item)", "1 + item"):
        assert asked(question, {"item": 1.5}) == (None, FAILED)
    assert asked("item.a", {}) == (None, FAILED), "nothing has that name"


def test_a_loop_that_the_runtime_may_give_up_is_left_to_it() -> None:
    assert asked("item.exists(x, item.exists(y, x + y == 1))", {"item": [1] * 30}) == (False, False)
    assert asked("item.exists(x, item.exists(y, x + y == 1))", {"item": [1] * 60}) == (None, False)
    assert asked("item.exists(x, item.exists(y, x + y == 1))", {"item": [1] * 150}) == (None, FAILED)


def test_what_it_is_asked_about_stays_as_it_is() -> None:
    values = {"item": {"a": ["b", "a"]}}
    assert asked("item.a + item.a", values)[0] == ["b", "a", "b", "a"]
    assert asked("item.a.sort()", values)[0] == ["a", "b"]
    assert asked("matchesAny('a', item.a)", values)[0] is True
    assert values == {"item": {"a": ["b", "a"]}}


def test_what_is_handed_out_is_nobody_elses() -> None:
    for source in ("item", "item.a", "['x', 'y']", "[item.a]"):
        expression = cel.compile_expression(CONTROLS, source)
        assert isinstance(expression, cel.Expression)
        activation = cel.bind(CONTROLS, {"item": {"a": [1, 2]}})
        found = cel.evaluate(expression, activation)
        said = exactly(found)
        assert isinstance(found, list | dict)
        found.clear()
        assert exactly(cel.evaluate(expression, activation)) == said
        assert isinstance(cel.evaluate(expression, activation, 1), cel.Failed)


def test_it_goes_as_deep_as_the_runtime_does() -> None:
    for depth in range(1, 60):
        source = "[" * depth + "item" + "]" * depth + " == []"
        if isinstance(cel.compile_expression(CONTROLS, source), cel.CelError):
            break
        assert asked(source, {"item": 1}) == (False, False)
    assert depth > 10
