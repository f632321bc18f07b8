"""The tree has everything, at its place, whatever the text."""

from __future__ import annotations

import pytest
from support.trees import nodes

from kscan_lsp.yaml import parser
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.json_reader import read_json
from kscan_lsp.yaml.parser import MAX_DEPTH
from kscan_lsp.yaml.reader import read
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
    assert read(text) == (None, (), None)


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
    ("text", "at", "words"),
    [
        ("a:\n\tb: c\n", "\t", "a tab cannot indent YAML"),
        ("a:\n  b: 1\n  \tc: 2\n", "\t", "a tab cannot indent YAML"),
        ("spec:\n  name nginx\n  image: x\n", "name nginx", "a ':' is missing after 'name nginx'"),
        ("metadata:\n  labels\n    app: x\n", "labels", "a ':' is missing after 'labels'"),
        ("a:b\nc: d\n", "a:b", "a space is missing after 'a:'"),
        ("a: b: c\n", ": c"[0], "a second ':' on one line"),
        ("a: x\n  b: y\n", "b: y", "indented below a line that has a value"),
        ('a: "x\nb: "y"\nc: d\n', '"', "closed on a later line"),
        ('a: "x\nb: c\n', '"x', "never closed"),
        ("a: 'x\n", "'x", "never closed"),
        ('a: "x" y\n', "y", "text behind a closing quote"),
        ('a: "\\d"\n', '\\d"', "escape"),
        ('a: "\\xzz"\n', 'zz"', "hexadecimal"),
        ("a: [1, 2\nb: c\n", "[", "this '[' is not closed"),
        ("a: {x: 1\nb: c\n", "{", "this '{' is not closed"),
        ("a: [1, 'x' 3]\n", "3", "a ',' or ']' is missing"),
        ("a:\n  b: 1\n c: 2\n", "c: 2", "does not line up"),
        ("a:\n- x\nb: 1\n- y\n", "y", "a list item cannot stand among keys"),
        ("a:\n  - x\n  b: y\n", "b: y", "does not line up with the list"),
        ("a: - b\n", "- b", "a list cannot start on the line of its key"),
        ("a: @b\n", "@", "cannot start with '@'"),
        ("a: *b\n", "*b", "no anchor '&b'"),
        ("a: &\nb: c\n", "&", "no valid anchor"),
        ("a: !<b\nc: d\n", "!<b", "no valid tag"),
        ("a: |x\n  y\n", "|x", "behind '|' or '>'"),
        (" a: b\nc: d\n", "a: b", "does not line up"),
        ("a: b\n\x00", "\x00", "U+0000 is not allowed"),
        ("a: \ud800b\n", "\ud800", "U+D800 is not allowed"),
        ("{{- if .x }}\na: b\n", "{{- if .x }}", "render the template first"),
        ("%FOO\n---\na: b\n", "%FOO", "directive"),
    ],
)
def test_errors_name_the_slip_and_its_place(text: str, at: str, words: str):
    (problem,) = read(text).problems
    assert words in problem.message
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
    ("text", "at", "words"),
    [
        ('{"a": 1,}', ",", "no comma after the last entry"),
        ("[1,]", ",", "no comma after the last item"),
        ('{"a": 1', "{", "never closed"),
        ('[1, {"a": [2}]', "}", "',' or ']' is missing"),
        ('{"a" 1}', "1", "':' is missing"),
        ("{a: 1}", "a", "key in double quotes"),
        ("{'a': 1}", "'", "key in double quotes"),
        ('{"a": tru}', "tru", "'tru' is no JSON value"),
        ('{"a": 01}', "01", "no JSON value"),
        ('{"a": NaN}', "NaN", "no JSON value"),
        ('{"a": }', "}", "a value is missing"),
        ('{"a":', "", "the file ends"),
        ('{"a": "x}', '"', "no closing quote"),
        ('{"a": "\n"}', "\n", "control character"),
        ('{"a": "\\d"}', "\\", "escape"),
        ('{"a": 1e999}', "1e999", "too large"),
        ('// c\n{"a": 1}', "//", "no JSON value"),
        ('{"a": 1} {"b": 2}', "{", "one value"),
    ],
)
def test_json_errors_name_the_slip_and_its_place(text: str, at: str, words: str):
    (problem,) = read_json(text).problems
    assert words in problem.message
    assert text[problem.span.start : problem.span.end] == at
    assert problem.fatal


def test_json_keeps_duplicate_keys_and_reads_lone_surrogates():
    result = read_json('{"a": 1, "a": "\\ud800"}')
    assert isinstance(result.root, Mapping)
    assert all(isinstance(entry, Entry) for entry in result.root.entries)
    data = data_of(result.root)
    assert data.value == {"a": "\ufffd"}
    assert [problem.code for problem in data.problems] == ["duplicate-key"]
