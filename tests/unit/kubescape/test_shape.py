"""What the text of a rule shows."""

from __future__ import annotations

import pytest

from kscan_lsp.kubescape.shape import shape_of
from tests.support.kubescape import OWNER, TWICE

HEAD = "package armo_builtins\nimport rego.v1\n"


@pytest.mark.parametrize(
    "text",
    [
        OWNER,
        HEAD + "deny contains a if {\n  some wl in input\n  a := f(wl)\n}\nf(x) := x if x.kind\n",
        HEAD
        + "deny contains a if {\n  a := input[_]\n}\ndeny contains a if {\n  b = input[_]\n  a := b\n}\n",
        # all that a condition says, taken out one by one
        HEAD + 'deny contains a if {\n  ps := [p | p = input[_]; p.kind == "Pod"]\n  a := ps[_]\n}\n',
        HEAD + 'deny contains a if {\n  a := input[_] # not input[_]\n  a.x == "input {"\n}\n',
    ],
)
def test_a_rule_that_looks_at_one_object_at_a_time(text: str) -> None:
    assert shape_of(text).alone


@pytest.mark.parametrize(
    "text",
    [
        TWICE,
        HEAD + "deny contains a if {\n  a := input[_]\n  b := input[_]\n  a != b\n}\n",
        HEAD
        + "deny contains a if {\n  a := input[_]\n  not has(a)\n}\nhas(a) if { b := input[_]; b.x == a.x }\n",
        HEAD + "deny contains a if {\n  count(input) > 1\n  a := {}\n}\n",
        HEAD + "deny contains a if {\n  a := input[i]\n  i > 0\n}\n",
        HEAD + "deny contains a if {\n  some i, a in input\n}\n",
        HEAD + "deny contains a if {\n  not input[_].kind\n  a := {}\n}\n",
        HEAD
        + "pods contains p if {\n  p := input[_]\n}\ndeny contains a if {\n  count(pods) > 1\n  a := {}\n}\n",
        HEAD + "deny contains a if {\n  ps := [p | p = input[_]; p.kind]\n  count(ps) == 0\n  a := {}\n}\n",
        HEAD + "deny contains a if a := input[_]\n",
        HEAD + "deny contains a if {\n  a := input[_]\n",
        HEAD + "deny contains a if {\n  a := input[_]\n}}\n",
    ],
)
def test_a_rule_that_may_look_at_several(text: str) -> None:
    assert not shape_of(text).alone


def test_functions_without_a_body_are_true_for_what_stands_in_their_heads() -> None:
    text = HEAD + 'old("a")\nold("b") if { true }\ndeny contains x if {\n  x := input[_]\n  old(x.v)\n}\n'
    (module,) = shape_of(text).modules
    assert 'old("a") := true\n' in module
    assert 'old("b") if {' in module
    assert "  old(x.v)\n" in module


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("data.cautils.list_contains([], 1)", ""),
        ("data.postureControlInputs.a[_]", ""),
        ("x.data.other.a", ""),
        ("data.other.a", "data.other"),
        ("client.query_all(1)", ""),
        ("cosign.verify(x, y)", "network"),
    ],
)
def test_what_it_reads_besides(body: str, why: str) -> None:
    found = shape_of(f"{HEAD}deny contains x if {{\n  x := input[_]\n  {body}\n}}\n").unsupported
    assert (why in found) if why else (not found)


def test_an_import_that_is_not_used_does_no_harm() -> None:
    with_import = HEAD + "import data.kubernetes.api.client\ndeny contains x if {\n  x := input[_]\n"
    assert not shape_of(with_import + "}\n").unsupported
    assert "API server" in shape_of(with_import + "  client.query_all(1)\n}\n").unsupported


def test_what_kubescape_gives_is_there_if_it_is_used() -> None:
    shape = shape_of(HEAD + "import data.cautils\ndeny contains x if {\n  x := input[_]\n  cautils.f(1)\n}\n")
    assert [text.partition("\n")[0] for text in shape.modules] == ["package armo_builtins", "package cautils"]
    named = shape_of(HEAD + "deny contains x if {\n  x := image.parse_normalized_name(input[_].image)\n}\n")
    assert "data.kscan_image.parse_normalized_name(" in named.modules[0]
    assert named.modules[1].startswith("package kscan_image")


def test_the_lists_that_it_reads() -> None:
    text = (
        HEAD
        + "deny contains x if {\n  x := data.postureControlInputs.one[_]\n  data.postureControlInputs.two\n}\n"
    )
    assert shape_of(text).inputs == {"one", "two"}


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "f()\n",
        "import data.x\n",
        "x := [y | y = input[_]; y]\n",
        "{",
        "deny[a] { a := input[_] }\n",
        '"',
        "x :=",
    ],
)
def test_a_text_that_repeats_itself_takes_no_longer_than_it_is(part: str) -> None:
    assert len(shape_of(HEAD + part * (40_000 // len(part))).modules) == 1


def test_short_names_in_regular_expressions_are_ascii_as_in_opa() -> None:
    tests = 'regex.match("^[\\\\w.-]+\\\\d\\\\.$", x.a)\n  re_match(`\\w[^\\d]`, x.b)'
    (module,) = shape_of(f"{HEAD}deny contains x if {{\n  x := input[_]\n  {tests}\n}}\n").modules
    assert '"^[0-9A-Za-z_.-]+[0-9]\\\\.$"' in module
    assert "`[0-9A-Za-z_][^0-9]`" in module


def test_functions_that_end_a_rule_here_have_a_stand_in() -> None:
    body = "count(x.a) > 0\n  json.unmarshal(x.b) == 1\n  x.count(1)"
    text = f"{HEAD}count(x) := 1\ndeny contains x if {{\n  x := input[_]\n  {body}\n}}\n"
    module, safe = shape_of(text).modules
    assert (
        "\n  data.kscan_safe.size(x.a) > 0\n  data.kscan_safe.unmarshal_json(x.b) == 1\n  x.count(1)"
        in module
    )
    assert "\ncount(x) := 1" in module
    assert safe.startswith("package kscan_safe")


def test_what_a_negated_call_is_given_has_a_value_first() -> None:
    body = 'not f(x.a.b, x, "c, d")\n  ys := [y | y := x.b[_]; not y.c; not g(y.d)]\n  not h(x.e) == 1\n  not f(x.a[_])'
    (module,) = shape_of(f"{HEAD}deny contains x if {{\n  x := input[_]\n  {body}\n}}\n").modules
    assert '  kscan_given0 = x.a.b; not f(kscan_given0, x, "c, d")\n' in module
    assert "; not y.c; kscan_given1 = y.d; not g(kscan_given1)]" in module
    assert "  not h(x.e) == 1\n  not f(x.a[_])" in module
