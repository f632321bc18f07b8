"""The tree has everything, at its place, whatever the text."""

from __future__ import annotations

import pytest
from support.trees import nodes

from kscan_lsp.yaml import parser
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.json_reader import read_json
from kscan_lsp.yaml.parser import MAX_DEPTH
from kscan_lsp.yaml.reader import Read, read
from kscan_lsp.yaml.tree import Alias, Entry, Mapping, Scalar, Sequence


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a:   # c\nb: 1\n", [("a", 0, 1), (None, 2, 2), ("b", 9, 10), (1, 12, 13)]),
        ("-\n- x\n-   # c\n", [(None, 1, 1), ("x", 4, 5), (None, 7, 7)]),
        (
            "{a: , b, c: }",
            [("a", 1, 2), (None, 3, 3), ("b", 6, 7), (None, 7, 7), ("c", 9, 10), (None, 11, 11)],
        ),
        ("a: &x\nb: !!str\n", [("a", 0, 1), (None, 5, 5), ("b", 6, 7), ("", 14, 14)]),
        ("a: &x  !!str  12 # c", [("a", 0, 1), ("12", 14, 16)]),
        ("? a\n: b\n", [("a", 2, 3), ("b", 6, 7)]),
        ("? a\n", [("a", 2, 3), (None, 3, 3)]),
        ("---\n# c\n'x'\n", [("x", 8, 11)]),
        ("a: x y # c\n", [("a", 0, 1), ("x y", 3, 6)]),
        ("a: x\n  y  \n\n# c\nb: 1", [("a", 0, 1), ("x y", 3, 8), ("b", 16, 17), (1, 19, 20)]),
        ("a: |\n  x  \n\n\n# c\n", [("a", 0, 1), ("x  \n", 3, 10)]),
        ("a: |+\n  x\n\nb: 1", [("a", 0, 1), ("x\n\n", 3, 9), ("b", 11, 12), (1, 14, 15)]),
        ("a: >\n\nb: 1", [("a", 0, 1), ("", 3, 4), ("b", 6, 7), (1, 9, 10)]),
    ],
)
def test_where_scalars_are(text: str, places: list[tuple[object, int, int]]):
    found = [n for n in nodes(read(text)) if isinstance(n, Scalar)]
    assert sorted(((n.start, n.end, n.value) for n in found), key=lambda f: f[:2]) == [
        (start, end, value) for value, start, end in places
    ]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: b\nc: d\n\n# comment\n", "a: b\nc: d"),
        ("x:\n  - a\n  - b: c\n    # comment\n", "x:\n  - a\n  - b: c"),
        ("- - a\n  - b\n# c\n", "- - a\n  - b"),
        ("&a !t # c\nk: v\n", "k: v"),
        ("&a\n- v\n", "- v"),
        ("&a [1, 2] # c\n", "[1, 2]"),
        ("!t\n# c\n{a: 1}\n", "{a: 1}"),
        ("k:\n", "k:"),
        ("# c\n--- # d\nk: |\n  x\n  y\n\n", "k: |\n  x\n  y"),
    ],
)
def test_where_a_root_is(text: str, content: str):
    root = read(text).root
    assert root is not None
    assert text[root.start : root.end] == content


def test_what_the_tree_keeps():
    root = read("? a\n: &x [1]\nb: *x\n<<: {c: 1}\n").root
    assert isinstance(root, Mapping)
    first, second, third = root.entries
    assert first.explicit
    assert not second.explicit
    assert isinstance(first.value, Sequence)
    assert first.value.flow
    assert (first.value.anchor, first.value.props) == ("x", 6)
    assert isinstance(second.value, Alias)
    assert second.value.target is first.value
    assert isinstance(third.key, Scalar)
    assert third.key.value == "<<"


@pytest.mark.parametrize("text", ["a?: b\n", "a: b?\nc: d\n", "# ?\na: b\n", "a: b # ? c\nd: e\n"])
def test_a_question_mark_in_a_text_asks_nothing(text: str):
    root = read(text).root
    assert isinstance(root, Mapping)
    assert not any(entry.explicit for entry in root.entries)


@pytest.mark.parametrize(
    "text", ["", "\n", "# c\n", "---\n", "---\n# c\n...\n", "\ufeff", "\ufeff# c\n", " \n\n"]
)
def test_nothing_is_nothing(text: str):
    assert read(text) == Read(None, ())


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("[http://x:80/y]", ["http://x:80/y"]),
        ("{image: nginx:1.25}", {"image": "nginx:1.25"}),
        ("{a:}", {"a:": None}),
        ("{a :b, c: d:e}", {"a :b": None, "c": "d:e"}),
        ("[a:, b::c]", ["a:", "b::c"]),
        ('{"a":b:c, "d" :e}', {"a": "b:c", "d": "e"}),
        ("a: [x:y]\nb: !!str 1\nc: x:y\n", {"a": ["x:y"], "b": "1", "c": "x:y"}),
        ("a: !t:u x\nb: [x:y]\n", {"a": "x", "b": ["x:y"]}),
        ("1\t", 1),
        ("a:\tb\n", {"a": "b"}),
    ],
)
def test_what_only_kubectl_accepts(text: str, data: object):
    result = read(text)
    assert not result.problems
    assert data_of(result.root).value == data
    assert parser.first_error(text) is None


@pytest.mark.parametrize(
    "text", ["[::1]", "[:a]", "{a: :b}", "[a?b]", "- \ta: b\n", "a: - b", "a: @b", ": a"]
)
def test_what_kubectl_refuses(text: str):
    assert read(text).fault is not None


@pytest.mark.parametrize("size", [4_096, 200_000])
@pytest.mark.parametrize("unit", ["[", "{a: ", "- ", "[[", "? ", '{"a":['])
def test_brackets_without_end_stop_the_reading_early(unit: str, size: int):
    text = unit * (size // len(unit))
    result = read(text)
    (problem,) = result.problems
    assert (problem.code, problem.fatal) == ("limit", True)
    if unit in {"[", "[["}:
        (problem,) = read_json(text).problems
        assert (problem.code, problem.span.start) == ("limit", MAX_DEPTH)


def test_as_deep_as_allowed():
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert not read(text).problems
    assert not read_json(text).problems


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("a:\n\tb: c\n", "\t", "a tab cannot indent YAML; use spaces"),
        ("a:\n  b: 1\n  \tc: 2\n", "\t", "a tab cannot indent YAML; use spaces"),
        ("spec:\n  name nginx\n  image: x\n", "name nginx", "a ':' is missing on this line"),
        ("metadata:\n  labels\n    app: x\n", "labels", "a ':' is missing on this line"),
        ("a:b\nc: d\n", "a:b", "a space is missing after the ':' on this line"),
        ("a: b: c\n", ": c"[0], "a second ':' on one line; put the value into quotes"),
        (
            "a: x\n  b: y\n",
            "b: y",
            "this line is indented below a line that has a value already; indent it like its neighbours",
        ),
        (
            'a: "x\nb: "y"\nc: d\n',
            '"',
            "this quote is closed on a later line; is a closing quote missing here?",
        ),
        ('a: "x\nb: c\n', '"x', "this quote is never closed"),
        ("a: 'x\n", "'x", "this quote is never closed"),
        (
            'a: "x" y\n',
            "y",
            "text behind a closing quote; put the quotes around all of it, or escape the inner quote",
        ),
        (
            'a: "\\d"\n',
            '\\d"',
            "this escape is not known to YAML; write a backslash as \\\\, or use single quotes",
        ),
        (
            'a: "\\xzz"\n',
            'zz"',
            "\\x, \\u and \\U want hexadecimal digits; write a backslash as \\\\, or use single quotes",
        ),
        ("a: [1, 2\nb: c\n", "[", "this '[' is not closed, or a ',' is missing behind it"),
        ("a: {x: 1\nb: c\n", "{", "this '{' is not closed, or a ',' is missing behind it"),
        ("a: [1, 'x' 3]\n", "3", "a ',' or ']' is missing here"),
        (
            "a:\n  b: 1\n c: 2\n",
            "c: 2",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        (
            "a:\n- x\nb: 1\n- y\n",
            "y",
            "a list item cannot stand among keys; is its key missing above, or the indentation wrong?",
        ),
        (
            "a:\n  - x\n  b: y\n",
            "b: y",
            "this does not line up with the list above; begin an item with '- ', or indent it like the others",
        ),
        ("a: - b\n", "- b", "a list cannot start on the line of its key; begin it on the next line"),
        ("a: @b\n", "@", "a value cannot start with '@'; put it into quotes"),
        (
            "a: *b\n",
            "*b",
            "no anchor of this name stands above this alias; define it first, or put the text into quotes",
        ),
        ("a: &\nb: c\n", "&", "this is no valid anchor; if '&' is part of the text, put it into quotes"),
        ("a: !<b\nc: d\n", "!<b", "this is no valid tag; if '!' is part of the text, put it into quotes"),
        (
            "a: |x\n  y\n",
            "|x",
            "only '-', '+', a digit or a comment stands behind '|' or '>'; begin the text on the next line",
        ),
        (
            " a: b\nc: d\n",
            "a: b",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        (
            "a: b\n\x00",
            "\x00",
            "the character U+0000 is not allowed; is this a binary file, or in another encoding?",
        ),
        (
            "a: \ud800b\n",
            "\ud800",
            "the character U+D800 is not allowed; is this a binary file, or in another encoding?",
        ),
        (
            "{{- if .x }}\na: b\n",
            "{{- if .x }}",
            "'{{' is template language, not YAML; render the template first, or quote the value",
        ),
        (
            '"name nginx"\nb: c\n',
            "b: c",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        ("a: [b, %x]\n", "%", "a value cannot start with '%'; put it into quotes"),
        (
            "a:\n  this is a very long line of text without any colon\n  b: c\n",
            "this is a very long line of text without any colon",
            "a ':' is missing on this line",
        ),
        ("%YAML 2.0\n---\na: b\n", "%YAML 2.0", "kubectl reads YAML 1.1 only; remove this line"),
        ("a: b\n? - c\n  d\n- e\n", "d", "a ':' is missing on this line"),
        ("a: ? b\n", "? b", "a '?' cannot stand here; if it is part of a text, put it into quotes"),
        ("a: {? b, ]}\n", "]}", "this cannot stand inside [ ] or { }"),
        (
            "  a: b\nc: d\n",
            "a: b",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        ("a: `x`\n", "`", "a value cannot start with '`'; put it into quotes"),
        (
            "a: b\nx: {{ y }} z\n",
            "{{ y }}",
            "'{{' is template language, not YAML; render the template first, or quote the value",
        ),
        ("a: b\nx: {{ y\n", "{", "this '{' is not closed, or a ',' is missing behind it"),
        ("[a: b: c]\n", ":", "a ',' or ']' is missing here"),
        ("a: !x!y z\n", "!x!y z", "this is no valid tag; if '!' is part of the text, put it into quotes"),
        ("]\n", "]", "a value is missing here; if this is part of a text, put it into quotes"),
        (
            "a: b ]\n c: d\n",
            "c: d",
            "this line is indented below a line that has a value already; indent it like its neighbours",
        ),
        (
            "a: 'x\n  y' z\nb: c\n",
            "'",
            "this quote is closed on a later line; is a closing quote missing here?",
        ),
        (
            "a: 'x\n  y'\n z: c\n",
            "z: c",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        ("x: a\nx\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: c\n", "x", "a ':' is missing on this line"),
        ("\ta: b\n", "\t", "a tab cannot indent YAML; use spaces"),
        ("a: *\n", "*", "this is no valid alias; if '*' is part of the text, put it into quotes"),
        (
            "? |\n  a\n b: c\n",
            "b: c",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        ("a: {b: c\n", "{", "this '{' is not closed, or a ',' is missing behind it"),
        ("- a\nb\n", "b", "a ':' is missing on this line"),
        ("a:\n  - b\n  c\n", "c", "a ':' is missing on this line"),
        (
            "a: b\n\n# c\n\n  d: e\n",
            "d: e",
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        ('{"a" b}\n', "b", "a ',' or '}' is missing here"),
        (
            '"a" b: c\n',
            '"a" b: c',
            "this does not line up with the lines above; indent it like its neighbours",
        ),
        ("%FOO\n---\na: b\n", "%FOO", "this directive is not valid; kubectl knows only '%YAML 1.1'"),
    ],
)
def test_errors_name_the_slip_and_its_place(text: str, at: str, message: str):
    (problem,) = read(text).problems
    assert problem.message == message
    assert text[problem.span.start : problem.span.end] == at
    assert (problem.code, problem.fatal) == ("syntax", True)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a: b\n...\nc: d\n", "c: d"),
        ("a: b\n...\n# c\n...\n--- x\n", "--- x"),
        ("a: b\n---\nc: d\n", "---"),
        ("a: b\n...\n", ""),
        ("a: b\n... # c\n", ""),
        ("a: b\n...\n\n# c\n", ""),
    ],
)
def test_text_behind_the_document_is_a_problem(text: str, rest: str):
    result = read(text)
    assert data_of(result.root).value == {"a": "b"}
    assert [text[p.span.start : p.span.end] for p in result.problems] == ([rest] if rest else [])


# JSON


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ('{"a": 1,}', ",", "JSON allows no comma after the last entry; remove it"),
        ("[1,]", ",", "JSON allows no comma after the last item; remove it"),
        ('{"a": 1', "{", "this object is never closed; add '}'"),
        ('[1, {"a": [2}]', "}", "a ',' or ']' is missing here"),
        ('{"a" 1}', "1", "a ':' is missing here, after the key"),
        ("{a: 1}", "a", "a key in double quotes is missing here"),
        ("{'a': 1}", "'", "a key in double quotes is missing here"),
        ('{"a": tru}', "tru", "this is no JSON value; put a text into double quotes"),
        ('{"a": 01}', "01", "this is no JSON value; put a text into double quotes"),
        ('{"a": NaN}', "NaN", "this is no JSON value; put a text into double quotes"),
        ('{"a": }', "}", "a value is missing here"),
        ('{"a":', "", "the file ends where a value should be"),
        ('{"a": "x}', '"', "this text has no closing quote"),
        (
            '{"a": "\n"}',
            "\n",
            "a line end, tab or control character inside a text; write it as \\n, \\t or \\u001f",
        ),
        ('{"a": "\\d"}', "\\", "this escape is not known to JSON; write a backslash as \\\\"),
        ('{"a": 1e999}', "1e999", "this number is too large"),
        ('// c\n{"a": 1}', "//", "this is no JSON value; put a text into double quotes"),
        (
            '{"a": 1} {"b": 2} {"c" 3}',
            "3",
            "a ':' is missing here, after the key; a value ends before this, and what follows it is not read",
        ),
    ],
)
def test_json_errors_name_the_slip_and_its_place(text: str, at: str, message: str):
    (problem,) = read_json(text).problems
    assert problem.message == message
    assert text[problem.span.start : problem.span.end] == at
    assert problem.fatal


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -float(2**63)),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", float(2**63)),
        ("1" + "0" * 400, None),
        ("12345678901234567890123", 12345678901234567890123.0),
        ("1e3", 1000.0),
        ("-0.5E-1", -0.05),
        ("10", 10),
    ],
)
def test_json_numbers_are_int64_or_floats(text: str, number: float | None):
    result = read_json(text)
    if number is None:
        assert [problem.message for problem in result.problems] == ["this number is too large"]
        return
    value = data_of(result.root).value
    assert (type(value), value) == (type(number), number)


def test_a_mark_in_front_moves_all_that_is_behind_it():
    text = "a: &x !!str 1\nb: [*x]\nc: {d: !!int e}\n"
    plain, marked = read(text), read(f"\ufeff{text}")
    assert [(p.span.start + 1, p.message) for p in plain.problems] == [
        (p.span.start, p.message) for p in marked.problems
    ]
    for one, other in zip(nodes(plain), nodes(marked), strict=True):
        assert (one.start + 1, one.end + 1) == (other.start, other.end)
        if not isinstance(one, Alias):
            assert (one.props + 1 if one.props >= 0 else -1) == other.props
    for broken in ("a: [1\nb: c\nd: e\n", "a\nb: c\n"):
        fault, moved = read(broken).fault, read(f"\ufeff{broken}").fault
        assert fault is not None
        assert moved is not None
        assert moved.message == fault.message
        assert moved.noticed == fault.noticed + 1
        assert moved.suspects == tuple((start + 1, end + 1) for start, end in fault.suspects)
        assert moved.bracket == (None if fault.bracket is None else fault.bracket + 1)


def test_json_keeps_duplicate_keys_and_reads_lone_surrogates():
    result = read_json('{"a": 1, "a": "\\ud800"}')
    assert isinstance(result.root, Mapping)
    assert all(isinstance(entry, Entry) for entry in result.root.entries)
    data = data_of(result.root)
    assert data.value == {"a": "\ufffd"}
    assert [problem.code for problem in data.problems] == ["duplicate-key"]
