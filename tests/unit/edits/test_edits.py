"""Edits go where a person would make them, and a refusal says why there is none."""

from __future__ import annotations

from typing import Any

import pytest
from support.operations import TRICKY, at, edited_by, with_removed, with_set
from support.styles import law_three

from kscan_lsp import edits
from kscan_lsp.edits import Refusal
from kscan_lsp.edits.writing import BlockStyle, FlowStyle, block, flow
from kscan_lsp.paths import parse, show
from kscan_lsp.text import apply_edits
from kscan_lsp.yaml.document import read_document


@pytest.mark.parametrize("text", TRICKY)
def test_strings_stay_strings_also_as_keys(text: str) -> None:
    for rendered in (f"k: {block(text, BlockStyle())[0]}", f"k: [{flow(text, FlowStyle())}]"):
        document = read_document(rendered)
        assert document.data in ({"k": text}, {"k": [text]})
    assert read_document(block({text: 1}, BlockStyle())[0]).data == {text: 1}


def test_ordinary_strings_stay_without_quotes() -> None:
    for text in (
        "nginx:1.25",
        "ALL",
        "512Mi",
        "100m",
        "--port=80",
        "/etc/app",
        "RuntimeDefault",
        "a b",
        "app.io/x",
    ):
        assert block(text, BlockStyle()) == [text]


POD = """\
spec:
  containers:
  - name: api
    image: api:1  # pinned later
    securityContext: {}
    ports:
    - hostPort: 80
      # served inside
      containerPort: 8080
    - containerPort: 81
  # the end of the list
  volumes:
"""


@pytest.mark.parametrize(
    ("operation", "path", "value", "old", "new"),
    [
        (
            "set", "spec.containers[0].securityContext.capabilities.drop", ["ALL"],
            "    securityContext: {}\n",
            "    securityContext:\n      capabilities:\n        drop:\n        - ALL\n",
        ),
        (
            "set", "spec.containers[0].imagePullPolicy", "Always",
            "    - containerPort: 81\n", "    - containerPort: 81\n    imagePullPolicy: Always\n",
        ),
        ("set", "spec.containers[0].image", "on", "api:1", '"on"'),
        ("set", "spec.hostPID", False, "  volumes:\n", "  volumes:\n  hostPID: false\n"),
        (
            "add", "spec.volumes", {"name": "tmp", "emptyDir": {}},
            "volumes:\n", "volumes:\n  - name: tmp\n    emptyDir: {}\n",
        ),
        ("add", "spec.containers", {"name": "b"}, "Port: 81\n", "Port: 81\n  - name: b\n"),
        ("remove", "spec.containers[0].image", None, "    image: api:1  # pinned later\n", ""),
        ("remove", "spec.containers[0].ports[1]", None, "    - containerPort: 81\n", ""),
        ("remove", "spec.containers[0].ports[1].containerPort", None, "containerPort: 81", "{}"),
        ("remove", "spec.containers[0].ports[0].hostPort", None, "hostPort: 80\n      # served", "# served"),
        ("remove", "spec.missing[3].x", None, "", ""),
        ("set", "spec.containers[0].name", "api", "", ""),
    ],
)  # fmt: skip
def test_examples(operation: str, path: str, value: Any, old: str, new: str) -> None:
    document = read_document(POD)
    edit = edited_by(document, operation, parse(path), value)
    assert not isinstance(edit, Refusal)
    assert apply_edits(POD, [edit]) == POD.replace(old, new, 1)


def test_comments_stay_with_what_they_are_about() -> None:
    text = "a: {}  # about a\nb:  # about b\nc:\n  # inside c\n  d: 1 # about d\n"
    document = read_document(text)

    def after(edit: Any) -> str:
        return apply_edits(text, [edit])

    assert after(edits.set_value(document, ("a", "x"), 1)) == text.replace("{}", "{x: 1}")
    assert after(edits.set_value(document, ("b", "x"), 1)) == text.replace("about b\n", "about b\n  x: 1\n")
    assert after(edits.set_value(document, ("b",), 1)) == text.replace("b:", "b: 1")
    assert after(edits.remove(document, ("c", "d"))) == text.replace("d: 1 # about d", "{}")


SHARED = """\
base: &base
  privileged: true
plain: &unused
  a: 1
alias: *base
merged:
  <<: *base
  own: 1
deep:
  list: [*base, 2]
tagged: !!str 5
tree: !custom
  a: 1
text: |
  line
? complex
: 1
twice: 1
twice: 2
"""


@pytest.mark.parametrize(
    ("operation", "path", "reason"),
    [
        (
            "set",
            "base.privileged",
            "base has the anchor &base, which other places use: set base.privileged to 7 by hand",
        ),
        ("set", "alias.privileged", "alias is the alias *base"),
        ("set", "alias", "alias is the alias *base"),
        ("set", "merged.privileged", "comes along with a merge"),
        ("remove", "merged.privileged", "comes along with a merge"),
        ("set", "deep.list[0].privileged", "deep.list[0] is the alias *base"),
        ("remove", "base", "base holds the anchor &base, which other places use: remove base by hand"),
        ("set", "tagged", "has the tag"),
        ("set", "tree.b", "tree has the tag !custom"),
        ("set", "text", "is a block of text"),
        ("set", "text.a", "text is no mapping"),
        ("set", "complex", "written in an unusual way"),
        ("set", "twice", "is there twice"),
        ("remove", "twice", "is there twice"),
        ("set", "plain", "has a value over several lines"),
        ("set", "deep.list[9]", "deep.list has no item 9"),
        ("set", "deep.list.x", "deep.list is no mapping"),
        ("set", "deep[0]", "deep is no list"),
        ("add", "plain", "plain is no list: add 7 to plain by hand"),
        ("set", "new", "with a question mark"),
    ],
)
def test_refusals_say_why_and_what_to_do(operation: str, path: str, reason: str) -> None:
    document = read_document(SHARED)
    edit = edited_by(document, operation, parse(path), 7)
    assert isinstance(edit, Refusal), edit
    assert reason in edit.message
    assert edit.message.endswith("by hand")
    assert show(parse(path)) in edit.message


@pytest.mark.parametrize(
    ("operation", "path"),
    [("remove", "alias"), ("remove", "deep.list[0]"), ("set", "merged.own"), ("set", "merged.new"),
     ("set", "plain.a"), ("add", "deep.list"), ("remove", "plain"), ("remove", "tagged"), ("remove", "text")],
)  # fmt: skip
def test_what_is_next_to_shared_things_can_be_edited(operation: str, path: str) -> None:
    text = SHARED.replace("? complex\n: 1\ntwice: 1\n", "")
    document = read_document(text)
    target = parse(path)
    edit = edited_by(document, operation, target, 7)
    if operation == "remove":
        expected = with_removed(document.data, target)
    else:
        new = 7 if operation == "set" else [*at(document.data, target), 7]
        expected = with_set(document.data, target, new)
    assert not isinstance(edit, Refusal), edit
    assert law_three(document, edit)
    assert read_document(apply_edits(text, [edit])).data == expected


def test_a_line_that_could_not_be_read_stops_edits_around_it() -> None:
    text = "spec:\n  a: 1\n  half\n  b:\n    c: 1\nother:\n  d: 1\n"
    document = read_document(text)
    assert document.blanked
    assert isinstance(edits.set_value(document, ("spec", "a"), 2), Refusal)
    assert isinstance(edits.set_value(document, ("spec", "new"), 2), Refusal)
    assert isinstance(edits.set_value(read_document(": [\n"), ("a",), 1), Refusal)
    assert isinstance(edits.set_value(read_document("# nothing\n"), ("a",), 1), Refusal)
    assert isinstance(edits.set_value(read_document("a: 1\n"), (), 1), Refusal)
    assert isinstance(edits.remove(read_document("a: 1\n"), ()), Refusal)


@pytest.mark.parametrize(
    ("text", "operation", "path", "value", "expected"),
    [
        ("a: |+\n  x\n\n\nb: 1\n", "set", "a2", 1, "a: |+\n  x\n\n\nb: 1\na2: 1\n"),
        ("a:\n  t: |+\n    x\n\n\nb: 1\n", "set", "a.u", 1, "a:\n  t: |+\n    x\n\n\n  u: 1\nb: 1\n"),
        ("a: |+\n  x\n\n\n", "set", "b", 1, "a: |+\n  x\n\n\nb: 1\n"),
        ("a: |\n  x\n\n# end\n", "set", "b", 1, "a: |\n  x\nb: 1\n\n# end\n"),
        ("a: |\n  x\nb: 1", "remove", "b", None, "a: |\n  x\n"),
        ("a: 0\nb: 1", "remove", "b", None, "a: 0"),
        ("a: {b: , c: }\n", "set", "a.d", 1, "a: {b: , c: , d: 1 }\n"),
        ("a: {b, c}\n", "set", "a.d", 1, "a: {b, c, d: 1}\n"),
        ("a: {b: }\n", "set", "a.b", 1, "a: {b: 1 }\n"),
        ("a: [b, c] # d\n", "add", "a", "x y", "a: [b, c, x y] # d\n"),
        ('a: ["b"]\n', "add", "a", "c", 'a: ["b", "c"]\n'),
        ("a: [\n  b, # 1\n  c # 2\n]\n", "add", "a", "d", "a: [\n  b, # 1\n  c # 2\n  , d\n]\n"),
        ("a: {\n  b: 1,\n  c: # 2\n   2 }", "set", "a.d", 3, "a: {\n  b: 1,\n  c: # 2\n   2,\n  d: 3 }"),
        ("a: {\n  b: 1, # 1\n  c: 2 # 2\n }", "set", "a.d", 3, "a: {\n  b: 1, # 1\n  d: 3,\n  c: 2 # 2\n }"),
        ("a: [\n  b, # 1\n  c, # 2\n]\n", "remove", "a[0]", None, "a: [\n  c, # 2\n]\n"),
        ("a: [\n  b, # 1\n  c # 2\n]\n", "remove", "a[1]", None, "a: [\n  b, # 1\n]\n"),
        ("a: [b, c, d]\n", "remove", "a[1]", None, "a: [b, d]\n"),
        ("- - a\n  - b\n- c\n", "remove", "[0][0]", None, "- - b\n- c\n"),
        ("a:\n# no\n- b\n", "remove", "a[0]", None, "a:\n# no\n []\n"),
        ("a: &x\n  b: 1\n", "remove", "a.b", None, "a: &x\n  {}\n"),
        ("-\n- ~\n", "set", "[0].a.b", 1, "- a:\n    b: 1\n- ~\n"),
        ("-\n- ~\n", "set", "[1].a", [1], "-\n- a:\n  - 1\n"),
        ('{"a":{"b":1}}', "set", "a.c", {"d": [1, 2]}, '{"a":{"b":1,"c":{"d":[1,2]}}}'),
        ('{\n\t"a": ["x"]\n}', "set", "b.c", ["y"], '{\n\t"a": ["x"],\n\t"b": {\n\t\t"c": ["y"]\n\t}\n}'),
        ("a: 1\r\n", "set", "b.c", 1, "a: 1\r\nb:\r\n  c: 1\r\n"),
        ("a: 1", "set", "b", 1, "a: 1\nb: 1"),
        ("\ufeffa: 1\n", "set", "b", 1, "\ufeffa: 1\nb: 1\n"),
        ("\ufeffa: 1\nb: 1\n", "remove", "a", None, "\ufeffb: 1\n"),
        ("a: 1\rb: {}\r", "set", "b.c", 1, "a: 1\rb:\r  c: 1\r"),
        ("{}\n", "set", "a.b", 1, "{a: {b: 1}}\n"),
        ("a:\n    b: 1\nc: {}", "set", "c.d.e", [1], "a:\n    b: 1\nc:\n    d:\n        e:\n        - 1"),
        ("a:\n  - b\nc:\n", "set", "c", [1], "a:\n  - b\nc:\n  - 1\n"),
    ],
)  # fmt: skip
def test_layouts(text: str, operation: str, path: str, value: Any, expected: str) -> None:
    document = read_document(text, json=text.startswith("{\n"))
    edit = edited_by(document, operation, parse(path), value)
    assert not isinstance(edit, Refusal), edit
    assert apply_edits(text, [edit]) == expected
    assert law_three(document, edit)


@pytest.mark.parametrize(
    ("text", "operation", "path"),
    [
        ("a: |\n  x", "set", "b"),
        ("a: |+\n  x\nb: 1\n\nc: 1\n", "remove", "b"),
        ("a: |\n  x\nb: 1\n  # not text\nc: 1\n", "remove", "b"),
        ("a: [b # c\n  ]\n", "add", "a"),
        ("a: [b: 1]\n", "set", "a[0].c"),
        ("a: &x\n", "set", "a"),
        ("a:\n  b: 1 # c\u2028c: 2\n", "set", "a.d"),
        ("a: {b: !!null }\n", "set", "a.c"),
    ],
)
def test_doubtful_layouts_are_refused(text: str, operation: str, path: str) -> None:
    document = read_document(text)
    edit = edited_by(document, operation, parse(path), 7)
    assert isinstance(edit, Refusal), apply_edits(text, [edit])


@pytest.mark.parametrize(
    ("text", "path", "result"),
    [
        ("a: 1  # one\nb: 2\n", "a", "c: 1  # one\nb: 2\n"),
        ("# above\na:\n  # inside\n  b: 2\n", "a", "# above\nc:\n  # inside\n  b: 2\n"),
        ("- {a: 1, b: 2} # x\n", "[0].a", "- {c: 1, b: 2} # x\n"),
        ('{"a": 1}', "a", '{"c": 1}'),
        ("'a': 1\n", "a", "'c': 1\n"),
        ('"a" : 1\n', "a", '"c" : 1\n'),
        ("x: &x {a: 1}\n", "x.a", "x: &x {c: 1}\n"),
        ("a: &x 1\nb: *x\n", "a", "c: &x 1\nb: *x\n"),
        ("a:\n", "a", "c:\n"),
        ("b: 1\n", "a", "b: 1\n"),
        ("c: 1\n", "c", "c: 1\n"),
    ],
)
def test_a_key_is_renamed_where_it_stands(text: str, path: str, result: str) -> None:
    document = read_document(text, json=text.startswith("{"))
    edit = edits.rename(document, parse(path), "c")
    assert not isinstance(edit, Refusal), edit
    assert apply_edits(text, [edit]) == result
    assert law_three(document, edit)


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("a: 1\nc: 2\n", "a", "c is there already: rename a to c by hand"),
        ("a: 1\nc:\n", "a", "c is there already"),
        ("x: &x {c: 1}\nz: {<<: *x, a: 1}\n", "z.a", "the key c comes along with a merge (<<)"),
        ("x: &x {a: 1}\nz: *x\n", "z.a", "z is the alias *x"),
        ("x: &x {a: 1}\nz: *x\n", "x.a", "x has the anchor &x, which other places use"),
        ("? a\n: 1\n", "a", "the key a is written in an unusual way"),
        ("&k a: 1\n", "a", "the key a has an anchor or a tag"),
        ("- 1\n", "[0]", "[0] has no key"),
        ("a: 1\na: 2\n", "a", "the key a is there twice"),
    ],
)
def test_a_key_that_cannot_be_renamed_surely_is_left(text: str, path: str, reason: str) -> None:
    refused = edits.rename(read_document(text), parse(path), "c")
    assert isinstance(refused, Refusal)
    assert refused.message.startswith(reason)
    assert refused.message.endswith("by hand")
