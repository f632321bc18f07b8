"""Compiling, evaluating and printing. See test_cel_functions for the functions, test_cel_limits for the limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from support.expressions import value_of

from kscan_lsp import cel
from kscan_lsp.cel import compiling
from kscan_lsp.cel.compiling import program_of
from kscan_lsp.policy.environment import CONTROLS


def error_of(source: str, *, let: Any = (), result: Any = "any") -> cel.CelError:
    error = cel.compile_expression(CONTROLS, source, let=let, result=result)
    assert isinstance(error, cel.CelError), error
    return error


class TestCompiling:
    def test_equal_sources_share_a_program(self):
        one, other = (cel.compile_expression(CONTROLS, "object.kind == 'Pod'") for _ in range(2))
        assert program_of(CONTROLS, one) is program_of(CONTROLS, other)

    @pytest.mark.parametrize(
        ("source", "line", "column"),
        [
            ("object.kind ==", 1, 15),
            ("'é😀' + object.zz +", 1, 19),
            ("true &&\n  nonsense", 2, 3),
            ("object.name.startsWith(5)", 1, 23),
            ("1 +\n'a'", 1, 3),
            ("", 1, 1),
            ("true // a comment)", None, None),
            ("true) || (true", 1, 5),
        ],
    )
    def test_places_of_errors(self, source, line, column):
        for let in ((), (("a", "1"),), (("a", "object.x"), ("b", "a\n//\n"))):
            found = cel.compile_expression(CONTROLS, source, let=let)
            if line is None:
                assert isinstance(found, cel.Expression)
            else:
                assert (found.line, found.column, found.name) == (line, column, "")

    def test_places_of_errors_behind_let(self):
        let = (("a", "object.x"), ("b", "[a,\n a]"))
        found = error_of("a == b &&\n b.startsWith(1)", let=let)
        assert (found.line, found.column, found.name) == (2, 14, "")

    def test_error_in_let_is_reported_there(self):
        found = error_of("a && b", let=(("a", "object.x"), ("b", "a ||\n  foo")))
        assert (found.name, found.line, found.column) == ("b", 2, 3)
        assert "foo" in found.message

    def test_let_cannot_use_a_later_one(self):
        assert error_of("a", let=(("a", "b"), ("b", "1"))).name == "a"

    @pytest.mark.parametrize("name", ["object", "in", "a.b", "", "1a", "true"])
    def test_bad_names_of_let(self, name):
        assert error_of("true", let=((name, "1"),)).name == name

    @pytest.mark.parametrize(
        ("source", "result", "fits"),
        [
            ("'a'", "bool", False),
            ("1", "bool", False),
            ("object.x", "bool", True),
            ("true", "bool", True),
            ("true", "string", False),
            ("object.x", "string", True),
            ("[1]", "list", True),
            ("inputs.x", "list", True),
            ("{}", "list", False),
            ("object.?x", "any", False),
            ("object.?x", "bool", False),
            ("object.?x.orValue(1)", "any", True),
        ],
    )
    def test_result_types(self, source, result, fits):
        assert isinstance(cel.compile_expression(CONTROLS, source, result=result), cel.Expression) == fits

    def test_relations_are_lists_by_name(self):
        assert error_of("policies.size() > 0").message
        let = [("policies", "relations.networkPolicies")]
        expression = cel.compile_expression(CONTROLS, "policies.size() > 0", let=let)
        assert isinstance(expression, cel.Expression)
        assert cel.deny(expression, cel.bind(CONTROLS, {"relations": {"networkPolicies": [1]}})) is True
        assert isinstance(cel.deny(expression, cel.bind(CONTROLS, {"relations": {}})), cel.Failed)


class TestEvaluating:
    def test_let_is_bound_in_order(self):
        let = (("a", "object.n"), ("b", "a + 1"), ("unused", "1 / 0"))
        assert value_of("[a, b]", let=let, object={"n": 1}) == [1, 2]

    def test_one_activation_serves_many_expressions(self):
        activation = cel.bind(CONTROLS, {"container": {"name": "api"}, "inputs": {"names": ["api"]}})
        for source, wanted in (("container.name in inputs.names", True), ("container.?x.hasValue()", False)):
            assert cel.deny(cel.compile_expression(CONTROLS, source, result="bool"), activation) is wanted

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            (
                "object.missing",
                "a field is missing: missing",
            ),
            ("object[object.secret]", "a field is missing"),
            ("object.secret + 1 == 3", "wrong types: _+_(string, int64)"),
            ("object.secret.x", "looks for a field in something that is not a map"),
            ("[1][object.n]", "a list index is out of range"),
            ("1 / (object.n - object.n)", "division by zero"),
            ("9223372036854775807 + object.n", "a number is out of range"),
            ("int(object.secret)", "the expression failed (invalid argument)"),
            ("pod.x", "pod has no value here"),
            ("quantity(object.secret)", "not a quantity"),
        ],
    )
    def test_reasons_never_quote_the_manifest(self, source, reason):
        assert value_of(source, object={"secret": "hunter2", "n": 7}) == cel.Failed(reason)

    def test_every_kind_of_value(self):
        times = "duration('90s'), timestamp('2024-01-02T03:04:05Z')"
        source = f"[1, 1u, 1.5, true, null, 'a', b'b', [1], {{'k': {{'l': 2}}}}, {times}]"
        found = value_of(source)
        assert found == [
            1,
            1,
            1.5,
            True,
            None,
            "a",
            "b",
            [1],
            {"k": {"l": 2}},
            90.0,
            "2024-01-02T03:04:05+00:00",
        ]
        json.dumps(found)

    def test_numbers_json_has_not(self):
        assert value_of("[0.0 / 0.0, 1.0 / 0.0]") == [".nan", ".inf"]

    def test_keys_are_text(self):
        assert value_of("{2: 'a', true: 'b', 'c': 1}") == {"2": "a", "true": "b", "c": 1}

    def test_deny_wants_a_boolean(self):
        activation = cel.bind(CONTROLS, {"item": "yes", "object": None})
        assert cel.deny(cel.compile_expression(CONTROLS, "item", result="bool"), activation) == cel.Failed(
            "gives text, not true or false"
        )
        assert cel.deny(cel.compile_expression(CONTROLS, "object", result="bool"), activation) == cel.Failed(
            "gives null, not true or false"
        )
        assert isinstance(
            cel.deny(cel.compile_expression(CONTROLS, "item.x", result="bool"), activation), cel.Failed
        )


class TestViews:
    def test_untouched_where_nothing_is_to_do(self):
        data = {"a": [1, {"b": "é", "c": 1.5, "d": True}], "e": {}}
        shown = cel.view(data)
        assert shown.value is data
        assert shown.complete

    def test_nulls(self):
        shared = {"x": None}
        data = {"a": None, "b": [None, {"c": None, "d": 1}], "e": shared, "f": shared}
        shown = cel.view(data)
        assert shown == ({"b": [None, {"d": 1}], "e": {}, "f": {}}, True)
        assert shown.value["e"] is shown.value["f"]
        assert data["a"] is None

    def test_foreign_values(self):
        data = {
            1: 2,
            "big": 2**70,
            "small": -(2**63),
            "huge": 10**400,
            "nan": float("nan"),
            "b": b"\xff",
            "t": (1, 2),
            "o": object,
        }
        shown = cel.view(data)
        assert shown.complete
        assert shown.value == {
            "1": 2, "big": float(2**70), "small": -(2**63), "huge": ".inf", "nan": ".nan",
            "b": "�", "t": [1, 2], "o": "type",
        }  # fmt: skip

    def test_text_the_runtime_would_cut_or_refuse(self):
        shown = cel.view({"a\0": "x\0y", "b": "\ud800"})
        assert shown == ({"a�": "x�y", "b": "�"}, True)
        assert value_of("item == 'x�y' && size(item) == 3", item=shown.value["a�"]) is True

    def test_cycles_are_cut(self):
        data: dict[str, Any] = {"a": 1}
        data["self"] = [data, data]
        assert cel.view(data) == ({"a": 1, "self": [None, None]}, False)

    def test_depth(self):
        data: dict[str, Any] = {}
        for _ in range(99):
            data = {"a": data}
        assert cel.view(data).complete
        value_of("object == 1", object=data)
        assert not cel.view({"a": data}).complete
        assert not cel.view({"b": [[]], "a": data, "c": data}).complete

    def test_billion_laughs(self):
        data: Any = ["ha"] * 10
        for _ in range(60):
            data = [data] * 10
        shown = cel.view({"a": data, "b": 1})
        assert not shown.complete
        assert shown.value["b"] == 1
        # What is left is small enough for the runtime, which copies shared values.
        assert value_of("size(object)", object=shown.value) == 2

    def test_shared_long_text_counts_every_time(self):
        shown = cel.view(["x" * 1_000_000] * 100)
        assert not shown.complete
        assert 0 < sum(item is not None for item in shown.value) < 10


class TestTemplates:
    def rendered(self, text: str, **values: Any) -> str:
        message = cel.template(CONTROLS, text)
        assert isinstance(message, cel.Template), message
        return cel.render(message, cel.bind(CONTROLS, values))

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("plain", "plain"),
            ("", ""),
            ("container '{container.name}' is {item}", "container 'api' is privileged"),
            ("{{}} {{x}}", "{} {x}"),
            ("{1.0} {1.5} {index} {true} {[1, 'a']} {null}", "1 1.5 3 true 1, a null"),
            ("{'}'} {\"{\"} {'''}'''} { {'a': {'b': 1}}.a.b }", "} { } 1"),
            ("{container.missing}, {1 / (index - index)}!", "?, ?!"),
            ("{quantity('1.5Gi')}", "1610612736"),
            ("{{{index}}}", "{3}"),
        ],
    )
    def test_rendering(self, text, wanted):
        assert self.rendered(text, container={"name": "api"}, item="privileged", index=3) == wanted

    @pytest.mark.parametrize(
        ("text", "line", "column"),
        [
            ("a }", 1, 3),
            ("ab {c", 1, 4),
            ("x\n {1 +\n 'x' + foo}", 2, 5),
            ("é {item.}", 1, 9),
            ("{}", 1, 2),
            ("{item.?x}", 1, 2),
        ],
    )
    def test_places_of_errors(self, text, line, column):
        found = cel.template(CONTROLS, text)
        assert isinstance(found, cel.CelError)
        assert (found.line, found.column) == (line, column)

    def test_let(self):
        message = cel.template(CONTROLS, "{a}-{b}", let=(("a", "item"), ("b", "a + 'b'")))
        assert cel.render(message, cel.bind(CONTROLS, {"item": "x"})) == "x-xb"
        assert cel.template(CONTROLS, "{a}", let=(("a", "nope"),)).name == "a"

    def test_messages_stay_short(self):
        assert len(self.rendered("{item}", item="x" * 10_000)) == cel.MAX_MESSAGE


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("relations.x.exists(s, s.object.spec.a)", {"spec"}),
        ("relations.x.exists(s, s.object.?spec.hasValue())", {"spec"}),
        ("relations.x.exists(s, s.object.metadata.labels['a'] == 'b')", {"metadata"}),
        ("relations.x.exists(s, s.object == null)", None),
        ("relations.x.exists(s, s['object'].spec.a)", {"spec"}),
        ("relations.x.exists(s, s[key].spec.a)", None),
        ("relations[key][0].object.spec.a", None),
        ("object.metadata.labels[key] == 'a'", set()),
        ("container.env.exists(e, e[key] == 'a') && relations.x.exists(s, s.object.kind == 'a')", {"kind"}),
        ("relations.x.exists(s, s[?'object'].hasValue())", None),
        ("relations.x.exists(s, s[r'object'].spec.a)", {"spec"}),
        ('relations.x.exists(s, s["""object"""].spec.a)', {"spec"}),
        (r'relations.x.exists(s, s["\u006fbject"].spec.a)', {"spec"}),
        # an entry that is compared, handed over or given as the answer is read whole
        ("relations.x.exists(s, s == item)", None),
        ("relations.x.exists(s, dyn(s) == item)", None),
        ("relations.x == relations.y", None),
        ("relations.x.exists(s, s in item)", None),
        ("relations.x.exists(s, selects({'a': 'b'}, s))", None),
        ("relations.x.filter(s, s.ref.name == 'a')", None),
        ("relations.exists(name, name == 'x')", None),
        ("relations.x.map(s, {'entry': s})", None),
        ("relations.x.exists(s, s.object.exists(k, k == 'spec'))", None),
        ("optional.ofNonZeroValue(relations.x).hasValue()", None),
        # one that is only picked, counted or named is not
        ("relations.x.filter(s, s.ref.name == 'a').map(s, s.ref)", set()),
        ("size(relations.x) > relations.y.size()", set()),
        ("(relations.x + relations.y)[0].object.spec == 1", {"spec"}),
        ("(item == 1 ? relations.x : relations.y).exists(s, s.object.spec == 1)", {"spec"}),
        ("[relations.x].exists(l, l.exists(s, s.object.kind == 'a'))", {"kind"}),
        ("cel.bind(o, relations.x[0].object, o.spec == o.kind)", {"spec", "kind"}),
        ("relations.x.filter(s, s.object.kind == 'a').exists(s, s.object.spec == 1)", {"kind", "spec"}),
        ("relations[?'x'].orValue([]).exists(s, s.object.kind == 'a')", {"kind"}),
    ],
)
def test_what_is_read_of_related_objects_is_never_too_little(source: str, fields: set[str] | None) -> None:
    expression = cel.compile_expression(CONTROLS, source)
    assert isinstance(expression, cel.Expression)
    assert cel.fields_read_of_entries([expression]) == fields


@pytest.mark.parametrize(
    ("source", "column", "hint"),
    [
        ("contaner.image == 'x'", 1, "did you mean 'container'?"),
        ("container.image.startswith('a')", 17, "did you mean 'startsWith'?"),
        ("matchesany('x', ['y'])", 1, "did you mean 'matchesAny'?"),
        ("lst.size() > 1", 1, "did you mean 'list'?"),
        ("len(container.env) > 1", 1, "CEL's word for 'len' is 'size'"),
        ("container.env.any(e, e.name == 'x')", 19, "CEL's word for 'any' is 'exists'"),
        ("container.image == None", 20, "CEL's word for 'None' is 'null'"),
        ("container.tty and 'or' == ''", 15, "CEL writes '&&' for 'and'"),
        ("not container.tty", 5, "CEL writes '!' for 'not'"),
        ("container.image = 'a'", 17, "'==' compares"),
    ],
)
def test_an_error_says_what_may_have_been_meant(source: str, column: int, hint: str) -> None:
    error = cel.compile_expression(CONTROLS, source, let=(("list", "[1]"),))
    assert isinstance(error, cel.CelError)
    assert error.message.endswith(f"; {hint}")
    assert error.column == column


@pytest.mark.parametrize("source", ["nobody.a", "'and' + 1", "container.(", "and", "1 +"])
def test_where_nobody_knows_what_was_meant_there_is_no_hint(source: str) -> None:
    error = cel.compile_expression(CONTROLS, source)
    assert isinstance(error, cel.CelError)
    assert ";" not in error.message


@pytest.mark.parametrize(
    ("source", "let", "fields"),
    [
        ("pod.os.name == 'x'", {}, "pod.os"),
        ("pod.?os.hasValue() && has(pod.volumes)", {}, "pod.os pod.volumes"),
        ("pod['os'] == 'x' && pod[?'hostPID'].hasValue()", {}, "pod.os pod.hostPID"),
        ("pod[key] == 'x'", {}, "key pod"),
        ("pod.size() > 1", {}, "pod"),
        ("pod == object.spec", {}, "pod object.spec"),
        ("'pod.os' == item // container.image", {}, "item"),
        ("object.spec.pod.os == ''", {}, "object.spec"),
        ("[1].exists(pod, pod > 1)", {}, ""),
        ("pod.containers.exists(pod, pod.image == '')", {}, "pod.containers"),
        ("c.image == ''", {"c": "container"}, "container"),
        ("i == ''", {"c": "container.securityContext", "i": "c.privileged", "unused": "pod"},
         "container.securityContext"),
        ("true", {"c": "container"}, ""),
        ("inputs.a.exists(a, a == item.name)", {}, "inputs.a item.name"),
        ("inputs['a'].size() + inputs[?\"b\"].orValue([]).size() > 1", {}, "inputs.a inputs.b"),
        ("inputs[item].size() > 1", {}, "inputs item"),
        ("cel.bind(pod, item.a, pod.os)", {}, "item.a"),
        ("cel.bind(pod, item.a, .pod.os)", {}, "item.a pod.os"),
        ("[1].exists(container, .container.x == container)", {}, "container.x"),
        ("(item == 1 ? pod : container).os", {}, "item pod.os container.os"),
        ("optional.of(pod).value().os", {}, "pod.os"),
        ("object.?spec.optMap(pod, pod.os).hasValue()", {}, "object.spec"),
        ("item['a.b'] == 'x'", {}, "item.a.b"),
        ("item[0] == pod[{'os': 1}.os]", {}, "item pod"),
        ("{'a': pod.os}.a == [container.image][0]", {}, "pod.os container.image"),
    ],
)  # fmt: skip
def test_what_is_read_is_told_from_the_tree(source: str, let: dict[str, str], fields: str) -> None:
    expression = cel.compile_expression(CONTROLS, source, let=tuple(let.items()))
    assert isinstance(expression, cel.Expression), expression
    assert set(expression.reading.fields) == set(fields.split())


@pytest.mark.parametrize(
    ("source", "let", "patterns"),
    [
        ("matchesAny(item, inputs.a)", {}, "inputs.a"),
        ("matchesAny(item, inputs['a'] + inputs.b)", {}, "inputs.a inputs.b"),
        ("matchesAny(item, p)", {"p": "inputs.a"}, "inputs.a"),
        ("inputs.a.exists(p, matchesAny(item, [p]))", {}, "inputs.a"),
        ("matchesAny(item, inputs.?a.orValue([]))", {}, "inputs.a"),
        ("[inputs.a, inputs.b].exists(p, matchesAny(item, p))", {}, "inputs.a inputs.b"),
        ("matchesAny(item, inputs[key])", {}, "inputs.*"),
        ("matchesAny(inputs.a[0], ['x'])", {}, ""),
    ],
)
def test_which_inputs_are_patterns_is_told_from_the_tree(
    source: str, let: dict[str, str], patterns: str
) -> None:
    expression = cel.compile_expression(CONTROLS, source, let=tuple(let.items()))
    assert isinstance(expression, cel.Expression), expression
    assert expression.reading.patterns == tuple(patterns.split())


def test_an_environment_has_the_variables_that_it_is_made_with() -> None:
    request = cel.Environment({"request": cel.Kind.ANY, "params": cel.Kind.LISTS})
    source = "request.userInfo.groups.exists(g, params.admins.exists(a, a.object.name == g))"
    expression = cel.compile_expression(request, source)
    assert isinstance(expression, cel.Expression)
    assert expression.reading.fields == ("params.admins", "request.userInfo")
    assert expression.reading.of_entries == ("name",)
    values = {
        "request": {"userInfo": {"groups": ["ops"]}},
        "params": {"admins": [{"object": {"name": "ops"}}]},
    }
    assert cel.deny(expression, cel.bind(request, values)) is True
    assert isinstance(cel.compile_expression(CONTROLS, source), cel.CelError)
    error = cel.compile_expression(request, "object.kind == ''")
    assert isinstance(error, cel.CelError)
    assert "object" in error.message


def test_the_memo_of_an_environment_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MAX_SOURCES", 10)
    small = cel.Environment({"item": cel.Kind.INT})
    kept = []
    for number in range(50):
        expression = cel.compile_expression(small, f"item == {number}")
        assert isinstance(expression, cel.Expression)
        kept.append(expression)
    assert all(entries <= 10 for entries, _ in small.fill().values())
    answers = [cel.deny(expression, cel.bind(small, {"item": 7})) for expression in kept]
    assert [number for number, answer in enumerate(answers) if answer] == [7]


@pytest.mark.parametrize("stored", ["its own", "another", "garbage", "nothing"])
def test_a_stored_program_gives_what_its_source_gives(stored: str) -> None:
    variables = {"item": cel.Kind.ANY}
    writing, reading = cel.Environment(variables), cel.Environment(variables)
    own, other = (
        cel.compile_expression(writing, source, let=[("n", "7")]) for source in ("item == n", "item != n")
    )
    assert isinstance(own, cel.Expression)
    assert isinstance(other, cel.Expression)
    programs = cel.serialized(writing, [own, other])
    assert cel.serialized(writing, [own, other]) == programs
    reading.ready = {
        "its own": programs,
        # what is stored is taken at its word: nobody else writes it
        "another": dict(zip(programs, reversed(programs.values()), strict=True)),
        "garbage": {source: replace(one, program=b"\x0a\x03abc") for source, one in programs.items()},
        "nothing": {},
    }[stored]
    answers = [cel.deny(own, cel.bind(reading, {"item": number})) for number in (6, 7)]
    assert answers == ([True, False] if stored == "another" else [False, True])
    assert cel.deny(own, cel.bind(reading, {"item": 7.0})) is (stored != "another"), (
        "which the runtime is asked"
    )


def test_names_are_words_of_fields_and_texts() -> None:
    source = "object.metadata['foo-bar/baz'] == 'x y' && pod.?os.hasValue() // comment"
    expression = cel.compile_expression(CONTROLS, source)
    assert isinstance(expression, cel.Expression), expression
    assert set(expression.reading.names) == {"metadata", "foo", "bar", "baz", "x", "y", "os"}
