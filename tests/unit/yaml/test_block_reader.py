"""Whether a text was read by the short cut or from events cannot be seen; and nearly all that people write takes it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from kscan_lsp.cel.views import view
from kscan_lsp.text import LineIndex
from kscan_lsp.yaml import block_lines
from kscan_lsp.yaml.block_reader import is_empty, read_block
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.document import read_document, split
from kscan_lsp.yaml.event_reader import read_events
from kscan_lsp.yaml.outcome import Read
from kscan_lsp.yaml.reader import read
from kscan_lsp.yaml.tree import MAX_DEPTH, MAX_NODES

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[3]

NASTY = (
    *" \n-:#?,[]{}&*!|>'\"%@`~.<=\\\t\r0an", "- ", ": ", " #", "  ", "\n\n", "\n  ", "\n- ", "---\n", "--- ", "...\n",
    "|\n  ", ">-\n  ", "''", "\\n", "<<: ", "on: ", "é", "😀", "\xa0", "\u2028", "\u0085", "\ufeff", "\x00", "\u200b",
    "\ue001", "\n \n", "\n      \n", "# c\n", "\n# c\n", "{a: b}", "[a, 'b']", "{}", "x:\n", ":a", "\r\n",
)  # fmt: skip
"""What means something to a YAML parser, or must not be in a text."""

SMALL = (
    "---\n# x\na: b # y\nc:\n- d\n- e: f\n  g: 'h'\n",
    "a:\n  b: \"c\"\n  d: [e, 'f']\n  g: {h: 1}\n  i:\n    - 2\n    -\n",
    "a: |\n    x\n\n      y\nb: >-\n  l\n  m\nc: |-\n  z\n\n",
    'a: {b: {c: d}, e: [f, {}], g: "h\\"\\n"}\n',
    "- a\n-\n  b: http://c:1\n- 'd': ~\n  e: # f\n  g:\n  - h",
)

PIECES = (
    "a:", "b: c", "- a", "-", "- b: c", "- a:", "# c", "", "   ", "b: 'c'", '"d": e', "- |", "a: |", "a: >-", "a: >",
    "a: |-", "text", "[a, b]", "a: [b, {c: d}]", "{a: b}", "- {}", "---", "--- a", "...", "a: b # c", "a: b: c",
    "on: 1", "- - a", "a: *b", "&a b", "'x", "c: -", "c: -1", "c: - d", "? a", ": b", "a : b", "a:b", "a: # c",
    "a: | # c", "- # c", "a: |2", "a: |+", "... a: b", "a: '", "%x", "a: [b", "b]",
)  # fmt: skip
"""Lines to put below each other, at any column."""


def accepted(text: str) -> bool:
    """Whether the short cut is taken, after holding what it gives against the events."""
    block = read_block(text)
    if is_empty(text):
        assert block is None
        assert read_events(text) == Read(None, ()), text
        return True
    if block is None:
        return False
    expected = read_events(text)
    assert not expected.problems, text
    assert msgspec.msgpack.encode(block.root) == msgspec.msgpack.encode(expected.root), text
    if block.data is not None:
        assert repr(block.data) == repr(data_of(expected.root)), (
            text
        )  # which has an order, and tells 1 from true
    assert block.starts == LineIndex(text).starts
    if block.plain:
        assert block.data is not None
        assert view(block.data.value) == (block.data.value, True), text
        assert view(block.data.value).value is block.data.value, text
    return True


def share(texts: Iterable[str]) -> float:
    """How many of the documents that have a tree take the short cut."""
    taken = [accepted(text) for text in texts if read_events(text).root is not None]
    assert taken
    return sum(taken) / len(taken)


def documents(folder: Path) -> list[str]:
    return [d for path in sorted(folder.rglob("*.y*ml")) for d in split(path.read_text("utf-8"))]


def test_what_people_wrote_takes_the_short_cut(shared: Path) -> None:
    assert share(documents(shared / "corpus")) > 0.95


def test_examples_take_the_short_cut() -> None:
    assert share(documents(ROOT / "examples")) > 0.9


def test_manifests_of_controls_take_the_short_cut() -> None:
    texts = []
    for path in sorted((ROOT / "policies" / "controls").glob("*.yaml")):
        text = path.read_text("utf-8")
        texts.append(text)
        for test in data_of(read(text).root).value.get("tests", ()):
            texts += [d for which in ("manifest", "fixed") for d in split(test.get(which) or "")]
    assert share(texts) > 0.9


@pytest.mark.parametrize("text", ["", "\n", "# c", "# c\n", "---\n# c\n", "\n# c\n\n#d"])
def test_a_document_of_comments_is_nothing(text: str) -> None:
    assert is_empty(text)
    assert accepted(text)


@pytest.mark.parametrize(
    "text", ["---#", "--- #", "#\t", "a", "# \x00", "---\n---", " #\n", "#\r\n", "\ufeff"]
)
def test_nothing_is_said_to_be_nothing_that_may_be_something(text: str) -> None:
    assert not is_empty(text)


@pytest.mark.parametrize("text", SMALL)
def test_what_is_typed_anywhere_and_every_beginning_of_a_text_is_read_as_events_say(text: str) -> None:
    assert accepted(text)
    changed = [text[:at] for at in range(len(text))]
    for at in range(len(text) + 1):
        changed.append(text[:at] + text[at + 1 :])
        for sign in NASTY:
            changed += [text[:at] + sign + text[at:], text[:at] + sign + text[at + 1 :]]
    taken = sum(map(accepted, changed))
    assert len(changed) * 0.1 < taken < len(changed) * 0.9


def test_lines_in_any_order_and_at_any_column_are_read_as_events_say() -> None:
    dice = random.Random(7)  # noqa: S311 - nothing is secret
    taken = 0
    for _ in range(8_000):
        lines = [
            " " * dice.choice((0, 0, 1, 2, 2, 4)) + dice.choice(PIECES) for _ in range(dice.randint(1, 5))
        ]
        taken += accepted("\n".join(lines) + dice.choice(("", "\n", "\n")))
    assert taken > 500


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# c\n",
        "---\n",
        "a: b\n---\nc: d\n",
        "---\n---\na: b\n",
        "a: b\n...\n",
        "a: b\r\n",
        "a:\tb\n",
        "\ufeffa: b\n",
        "a: b\u2028c\n",
        "a: \ud800\n",
        "a: &b c\n",
        "a: *b\n",
        "a: !!str b\n",
        "a: b\n c\n",
        'a: "b\n  c"\n',
        'a: "\\x41"\n',
        'a: "\\/"\n',
        "? a\n: b\n",
        "a: b\n c: d\n",
        "a:\n  b: c\n d: e\n",
        "a: |2\n   b\n",
        "a: |+\n  b\n\n",
        "a: |\n   b\n \n    \n",
        "a: >\n b\n\n c\n",
        "a: {b: [c\n",
        "a: [b]]\n",
        "a: [b}\n",
        "a: [b: c]\n",
        "a: {b: {c}}\n",
        "a: [,]\n",
        "a: " + "[" * 9 + "]" * 9 + "\n",
        "a: [b, ]\n",
        "a: {b, c}\n",
        "a: [http://b:1]\n",
        "b\n",
        "x" * 1030 + ": a\n",
        '"' + "x" * 1030 + '": a\n',
        "a: {" + "x" * 1030 + ": b}\n",
    ],
)
def test_what_it_is_not_sure_of_is_left_to_the_events(text: str) -> None:
    assert read_block(text) is None


def test_a_document_as_deep_as_may_be_is_read_and_a_deeper_one_is_not() -> None:
    for step in ("a:", "-"):
        lines = [" " * depth + step for depth in range(MAX_DEPTH + 1)]
        for depth in (MAX_DEPTH - 5, *range(MAX_DEPTH - 2, MAX_DEPTH + 1)):
            text = "\n".join(lines[:depth]) + " b\n"
            accepted(text)
            assert read(text).fault is None
            assert msgspec.msgpack.encode(read(text)) == msgspec.msgpack.encode(read_events(text))
        assert (fault := read("\n".join(lines)).fault)
        assert fault.code == "limit"


def test_a_text_that_may_have_more_values_than_a_document_may_have_is_left_to_the_events() -> None:
    assert read_block("-\n" * (MAX_NODES // 100)) is not None
    assert read_block("-\n" * MAX_NODES) is None


def test_a_key_is_read_and_a_merge_is_left_to_the_events() -> None:
    assert accepted("on: yes\n0x10: 010\n'<<': {a: 1}\n")
    text = "on: yes\n0x10: 010\n<<: {a: 1}\n"
    assert not accepted(text)
    assert read_document(text).data == {"true": True, "16": 8, "a": 1}


def test_what_a_text_means_is_made_on_the_way():
    block = read_block("a: {b: 1}\nc:\n- d: 'e'\n  f:\n- |\n  g\non: yes\n")
    assert block is not None
    assert block.data == ({"a": {"b": 1}, "c": [{"d": "e", "f": None}, "g\n"], "true": True}, ())


@pytest.mark.parametrize(
    "text",
    ["a: 1\na: 2\n", "a:\n  b: 1\n  b: 2\n", "a: {b: 1, b: 2}\n", "<<: {a: 1}\n", "a: .inf\n", "~: 1\n"],
)
def test_what_has_a_problem_is_left_to_another_look(text: str):
    block = read_block(text)
    assert block is None or block.data is None
    assert read_document(text).problems or text.startswith("<<")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a: {b: 1, c: ['d']}\ne: |\n  f\ng: 1.5\n", True),
        ("a:\n", False),
        ("a: ~\n", False),
        ("a: {b: null}\n", False),
        ("-\n", False),
        ("a: 1\na: 2\n", False),
        ("a: &b c\n", False),
        ("a: " + "b" * 100_000 + "\n", False),
    ],
)
def test_it_is_known_whether_values_are_plain(text: str, plain: bool):
    assert read_document(text).read().plain is plain


def test_lines_that_come_again_are_read_alike_wherever_they_stand():
    first = "a: {b: [c, {d: 'e'}]}\nf:\n  - g: h\n"
    block_lines.known_lines.clear()
    assert accepted(first)
    assert accepted("x:\n  - y\n" + first)
    one, other = read_block(first), read_block(first)
    assert one
    assert one.data
    assert other
    assert other.data
    assert one.data.value["a"]["b"] is not other.data.value["a"]["b"]
    assert one.data == other.data


def test_what_lines_say_is_remembered_of_short_ones_and_of_so_many():
    block_lines.known_lines.clear()
    assert read_block("a: " + "b" * 100 + "\n")
    assert not [line for line in block_lines.known_lines if len(line) > 80]
    assert read_block("".join(f"a{number}: b{number}\n" for number in range(5_000)))
    assert len(block_lines.known_lines) <= 2_048
