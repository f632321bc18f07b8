"""What is made from the reading of another text is what reading would have given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.splice import splice
from kscan_lsp.yaml.tree import Alias, Mapping, Sequence

POD = """\
kind: Pod
metadata:
  name: api  # ours
  labels:
    app: "api"
spec:
  hostNetwork: false
  containers:
    - name: api
      image: registry.example.com/api:1.0
      args: [a, b]
      command:
      - --port=80
      - |
        # text
    - name: proxy
      image: 'proxy'
"""


def plain(node):
    """A tree as something that can be compared: everything in it, with the types of values."""
    if isinstance(node, Mapping):
        parts = [(plain(e.key), plain(e.value), e.explicit) for e in node.entries]
    elif isinstance(node, Sequence):
        parts = [plain(item) for item in node.items]
    elif isinstance(node, Alias):
        return ("alias", node.start, node.end, node.name)
    else:
        parts = [repr(node.value), node.style]
    return (type(node).__name__, node.start, node.end, node.anchor, node.tag, node.props, parts)


def spliced(before, after):
    """What `splice` makes of a change, compared with reading; None where that is left to the reader."""
    read = read_document(before)
    if not read.complete or read.problems or read.root is None:
        return None
    made = splice(read.root, read.data, before, after)
    if made is not None:
        anew = read_document(after)
        assert anew.complete
        assert not anew.problems
        assert not anew.blanked
        assert plain(made.root) == plain(anew.root)
        assert repr(made.data) == repr(anew.data)  # the order of keys counts, and 1 is not true
        assert repr(read.data) == repr(read_document(before).data), "what was read before has changed"
    return made


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: api ", "name: apis "),
        ("false", "true"),
        ("false", "2"),
        ("false", "null"),
        ("false", "'false'"),
        ('"api"', '"a: b # c"'),
        ("'proxy'", "'pro\"xy'"),
        ("api:1.0", "api:1.0@sha256:0"),
        ("proxy\n", "proxy two\n"),
        ("ours\n", "ours\n\n"),
        ("kind: Pod\n", "kind: Pod\n  # a: b\n\n"),
        ("'proxy'\n", "'proxy'\n# the end"),
        ("command:\n", "command:\n# of the program\n"),
    ],
)
def test_a_change_that_is_spliced(old, new):
    changed = POD.replace(old, new)
    assert spliced(POD, changed) is not None
    assert spliced(changed, POD) is not None


def test_crlf_and_what_surrounds_a_value():
    before = POD.replace("\n", "\r\n")
    assert spliced(before, before.replace("hostNetwork: false", "hostNetwork: true")) is not None


def test_what_did_not_change_is_shared():
    read = read_document(POD)
    made = splice(read.root, read.data, POD, POD.replace("'proxy'", "'other'"))
    assert made.data["metadata"] is read.data["metadata"]
    assert made.data["spec"]["containers"][0] is read.data["spec"]["containers"][0]
    assert made.data["spec"]["containers"][1]["image"] == "other"
    moved = splice(read.root, read.data, POD, POD.replace("metadata", "\nmetadata"))
    assert moved.data is read.data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: api ", "names: api "),  # a key
        ("# ours", "# theirs"),
        ("false", ""),
        ("false", "*a"),
        ("false", "a: b"),
        ("false", "&a b"),
        ("false", "|"),
        ("false", '"\\u0041"'),
        ("false", "\tx"),
        ("'proxy'", "'proxy"),
        ("[a, b]", "[a, c]"),
        ("# text", "text"),
        ("# text\n", "# text\n\n"),
        ("# text\n", "# text\n        # more\n"),
        ("--port=80", "--port=81"),
        ("  hostNetwork", " hostNetwork"),
    ],
)
def test_what_is_left_to_the_reader(old, new):
    assert spliced(POD, POD.replace(old, new)) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: b\n\n  c\n", "a: x\n\n  c\n"),
        ("a: b\n\n  c\n", "a: b\n\n\n  c\n"),
        ("a: 'b\n\n  c'\n", "a: 'b\n\n\n  c'\n"),
        ("a: &x b\nc: *x\n", "a: &x d\nc: *x\n"),
        ("a: !!str\n  b\n", "a: !!str\n  c\n"),
        ("<<:\n  a: b\n", "<<:\n  a: c\n"),
        ("? |\n  a\nb: c\n", "? |\n  a\n  \nb: c\n"),
        ("a: >-\n  b\n\nc: d\n", "a: >-\n  b\n\n\nc: d\n"),
        ("a: b\n\n  \t\nd: e\n", "a: b\n\n#\n  \t\nd: e\n"),
        ("a: b\na: c\n", "a: b\na: d\n"),
        ("--- # x\na: 1\n", "--- # x\n#\na: 1\n"),
        ("a: [b,\n  c\n]\n", "a: [b,\n  c,d\n]\n"),
        ("a: !!str\n  b\n", "a: !!str\n# c\n  b\n"),
        ("? a\n:\n  b\n", "? a\n:\n  c\n"),
        ("!!int 1:\n  a: b\n", "!!int 1:\n  a: c\n"),
        ("a:\n- !!bool yes:\n  - b\n", "a:\n- !!bool yes:\n  - c\n"),
    ],
)
def test_what_is_in_doubt_is_read(before, after):
    assert spliced(before, after) is None


LINES = [
    "a: b",
    "  c: 'd'",
    "  - e",
    "- f: 1",
    "  g:",
    "h: |",
    "    i j",
    "",
    "  # k: l",
    '"m": "n"',
    "o: [p,",
    "  q]",
    "? r",
    ": s",
    "t: !!str",
    "---",
    "...",
    "u: &v w",
    "x: *v",
    "\t",
    "y: >+",
    "!!int 2:",
]
PARTS = [
    "x",
    "true",
    "07",
    "y z",
    "'q'",
    '"q"',
    ": ",
    "#",
    " #",
    "- ",
    "\n",
    "\n\n",
    "\n# c\n",
    "  ",
    "\r\n",
    "é",
    "|",
]


@given(st.lists(st.sampled_from(LINES), max_size=9), st.sampled_from(["\n", "\r\n"]), st.data())
def test_no_change_of_any_text_shows_how_it_was_read(lines, line_end, data):
    before = line_end.join(lines) + line_end
    places = [*range(len(before) + 1)]
    start = data.draw(st.sampled_from(places))
    end = min(len(before), start + data.draw(st.integers(0, 4)))
    spliced(before, before[:start] + data.draw(st.sampled_from(PARTS)) + before[end:])
