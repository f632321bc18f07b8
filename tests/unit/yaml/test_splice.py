"""What is spliced, what is left to the reader, and what the two trees share."""

from __future__ import annotations

import pytest
from support.splicing import spliced

from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.splice import splice

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


@pytest.mark.parametrize("more", ["\n", "\n# c", "\n\n# c\n", "\n  # c\n#\n"])
def test_lines_that_come_and_go_behind_the_last(more):
    before = "a: b\nc: d"
    assert spliced(before, before + more) is not None
    assert spliced(before + more, before) is not None


def test_what_is_moved_keeps_its_tags():
    before = "a: 1\nb: !!str 2\nc: !!map\n  d: !!str 3\n"
    for after in (before.replace("1\n", "1\n\n# c\n"), before.replace("1", "12")):
        assert spliced(before, after) is not None
        assert spliced(after, before) is not None


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
