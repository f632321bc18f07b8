"""The tree has everything, at its place, whatever the text; and scalars mean one thing."""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st
from support.trees import nodes

from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.json_reader import read_json
from kscan_lsp.yaml.reader import read
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.yaml.outcome import Read
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


def whole(text: str) -> int | float:
    """A whole number: an int64, or else a float."""
    return int(text) if -(2**63) <= int(text) < 2**63 else float(text)


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
        expected = json.loads(text, parse_int=whole, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert read_json(text).problems or not text.strip()
        return
    result = read_json(text)
    if result.problems:
        assert "too large" in result.problems[0].message
        return
    shown = re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(expected, ensure_ascii=False))
    assert json.dumps(data_of(result.root).value, ensure_ascii=False) == shown


@given(st.text(alphabet="0123456789abxo._+-eEyYnN~", max_size=12))
def test_every_plain_scalar_has_one_json_value(text: str):
    value = scalars.plain(text)
    assert value is None or isinstance(value, str | int | float)
    if isinstance(value, int) and not isinstance(value, bool):
        assert -(2**63) <= value < 2**63
    if isinstance(value, str):
        assert value == text
    key = scalars.key_text(text)
    assert key is None or isinstance(key, str)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_float_keys_read_back_as_the_same_float32(number: float):
    key = scalars.value_as_key(number)
    assert key is not None
    assert struct.unpack("f", struct.pack("f", float(key)))[0] == number
