"""The tree has everything, at its place, whatever the text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kscan_lsp.yaml import parser, scalars
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.json_reader import read_json
from kscan_lsp.yaml.parser import MAX_DEPTH
from kscan_lsp.yaml.reader import read
from kscan_lsp.yaml.tree import Alias, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.reader import Read
    from kscan_lsp.yaml.tree import Node

# Whatever means something to a YAML parser, and what trips offsets up.
TOKENS = [
    ":", " ", "\n", "  ", "\t", "-", "- ", '"', "'", "#", " #", "{", "}", "[", "]", ",", "&a ", "*a", "!", "!!str ",
    "!!int ", "|", ">", "|\n  ", "%", "@", "`", "?", "? ", "a", "b: ", "1", "\n---\n", "\n...\n", "<<: ", "\\", "😀",
    "\r\n", "\r", "é", "a: b\n", "~", "0", ".", "|-", "\u2028", "\u0085", "\ufeff", "\x00", "\ud800", "\n  ", "\n- ",
    "key: value\n", "x: {y: [1, 2]}\n", "http://x:80/y",
]  # fmt: skip
hostile = st.lists(st.sampled_from(TOKENS), max_size=25).map("".join) | st.text(max_size=30)

SAMPLE = """\
# a comment: not a value
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "ledger"   # quoted
  labels: {app: 'ledger', tier: back-end, "on": yes}
  annotations:
    empty:
    tilde: ~
    text: plain over
      two lines
    emoji: 😀 and more
    folded: >-
      one
      two

    literal: |+
      #!/bin/sh
      echo 'hi'

  ? complex key
  : &anchor
    a: 1
spec: !custom
- - nested
  - &x !!str 12
-
- *x
- [http://x:80/y, nginx:1.25, "a":b, [], {}, {k: }]
- <<: *anchor
  b: 0777
"""


def nodes(result: Read) -> Iterator[Node]:
    waiting = [result.root] if result.root else []
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Mapping):
            waiting += [part for entry in node.entries for part in (entry.key, entry.value)]
        elif isinstance(node, Sequence):
            waiting += node.items


def children(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        return [part for entry in node.entries for part in (entry.key, entry.value)]
    return node.items if isinstance(node, Sequence) else []


def check_places(text: str, result: Read) -> None:
    for problem in result.problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
    for node in nodes(result):
        assert 0 <= node.start <= node.end <= len(text)
        if not isinstance(node, Alias) and node.props >= 0:
            assert node.props < node.start
            assert text[node.props] in "&!"
        behind = node.start
        for child in children(node):
            assert behind <= child.start <= child.end <= node.end
            behind = child.end


@given(hostile)
@example("- \n- a\n-\n")
@example("{a: , b: \n , c}")
@example("? \n: \n")
@example("a: !!str\nb: &x # c\n")
@example("[a:b]: c:d\n")
@example("\ufeff\ufeffa: b")
def test_any_text_is_read_and_every_place_is_inside(text: str):
    result = read(text)
    check_places(text, result)
    if result.root is None and result.fault is None:
        assert data_of(result.root).value is None
    if result.fault is not None:
        assert result.root is None
        assert len(result.problems) == 1
        assert result.problems[0].fatal


@given(hostile)
def test_any_text_is_read_as_json(text: str):
    result = read_json(text)
    check_places(text, result)
    data_of(result.root)


@given(st.integers(0, len(SAMPLE)), st.sampled_from([*TOKENS, ""]), st.integers(0, 3))
def test_a_changed_sample_is_read_and_every_place_is_inside(at: int, token: str, gone: int):
    text = SAMPLE[:at] + token + SAMPLE[at + gone :]
    check_places(text, read(text))


def again(text: str) -> object:
    result = read(text)
    assert result.root is not None, text
    return data_of(result.root).value


@given(st.integers(0, len(SAMPLE)), st.sampled_from([*TOKENS, ""]), st.integers(0, 3))
@example(0, "", 0)
@example(461, "-", 3)
def test_the_text_of_a_node_reads_as_the_node(at: int, token: str, gone: int):
    text = SAMPLE[:at] + token + SAMPLE[at + gone :]
    result = read(text)
    keys = {id(e.key) for n in nodes(result) if isinstance(n, Mapping) for e in n.entries}
    for node in nodes(result):
        own = text[node.start : node.end]
        if isinstance(node, Scalar):
            tagged = node.props >= 0 and "!" in text[node.props : node.start]
            if tagged or node.start == node.end or node.style in {"|", ">"}:
                continue
            if own.startswith(("---", "...", "\ufeff")) or own.endswith(":") or own == "-":
                continue  # plain where it stands, something else on its own
            value = again(own)
            if id(node) in keys and node.style == "" and not re.search(r"[\r\n\u0085\u2028]", own):
                value = scalars.key_text(own)
            assert value == node.value
        elif own[:1] in {"[", "{"} and "*" not in own and "&" not in own:
            assert again(own) == data_of(node).value


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\ufeff"]), st.booleans())
def test_places_do_not_depend_on_line_ends_marks_and_wide_characters(end: str, mark: str, wide: bool):
    text = SAMPLE.replace("😀", "😀é\u2028x" if wide else "x")
    there = read(mark + text.replace("\n", end))
    here = read(text)
    assert data_of(there.root).value == data_of(here.root).value
    source = mark + text.replace("\n", end)
    for one, other in zip(nodes(here), nodes(there), strict=True):
        assert text[one.start : one.end].replace("\n", end) == source[other.start : other.end]


def outline(text: str) -> list[tuple[str, object]]:
    """Every node as its kind or value, and its text."""
    result = read(text)
    found: list[tuple[str, object]] = []
    for node in sorted(nodes(result), key=lambda n: (n.start, -n.end)):
        kind = "*" if isinstance(node, Alias) else getattr(node, "value", type(node).__name__)
        found.append((text[node.start : node.end], kind))
    return found


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

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.sampled_from([None, 0, 2]), st.booleans(), st.sampled_from(["", "\ufeff", "\n "]))
def test_json_is_read_as_the_standard_library_reads_it(
    value: object, indent: int | None, plain: bool, before: str
):
    text = before + json.dumps(value, indent=indent, ensure_ascii=plain)
    result = read_json(text)
    assert not result.problems
    assert data_of(result.root).value == value
    check_places(text, result)
    for node in nodes(result):
        assert data_of(read_json(text[node.start : node.end]).root).value == data_of(node).value


@given(json_values, st.data())
def test_broken_json_is_one_problem_where_the_standard_library_sees_one(value: object, data: st.DataObject):
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    text = (
        text[:at]
        + data.draw(st.sampled_from(["", ",", '"', "}", "]", ":", "x", "\n", "\\", "0"]))
        + text[at + 1 :]
    )
    try:
        expected = json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert read_json(text).problems or not text.strip()
        return
    result = read_json(text)
    if not result.problems:  # a number may be too large for kubectl, and half a surrogate pair is replaced
        written = re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(expected, ensure_ascii=False))
        assert data_of(result.root).value == json.loads(written)


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
