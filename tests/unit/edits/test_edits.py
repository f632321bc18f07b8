"""Edits hold the fix law in every style, and refuse what cannot be done surely."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from support.styles import Style, law_three, render, styles

from kscan_lsp import edits
from kscan_lsp.edits import Refusal
from kscan_lsp.edits.place import same
from kscan_lsp.edits.writing import BlockStyle, FlowStyle, block, flow
from kscan_lsp.paths import parse, show
from kscan_lsp.text import apply_edits
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from kscan_lsp.paths import Path
    from kscan_lsp.text import TextEdit
    from kscan_lsp.yaml.document import Document

TRICKY = [
    "on", "yes", "y", "N", "0777", "0o17", "1e3", "1.0", ".5", "~", "", "null", "2024-01-31", "12:30", "*x",
    "&x", "!x", "%x", "@x", "`x", "a: b", "a #b", "- a", "-", "---", "...", "=", "<<", "?", "{a}", "[a]",
    "a,b", "x\ny\n", "x\n\n", "\tx", " x", "x ", "it's", 'a"b', "\\", "nginx:1.25", "http://h:80/p",
    "10.0.0.0/8",
    "512Mi", "100m", "--flag=x", "-y", "é", "😀", "\u2028", "\x85", "\ufeff", "\x7f", "a\rb", "NET_RAW",
    "ALL", "inf", ".inf", "-.inf", "0x1F", "1_000", "+1", "::", "two words", "and three, words", "a:", ":a",
    "#a",
    "line one\nline two", "$(VAR)", "a  b", "_1", "0b1", "1.2.3", "5m", "1k", "12E", "x'y",
]  # fmt: skip
ODD = [
    *":-#{}[],'\"&*!?|> \n\t\r0", "\u2028", "\x85", "\ufeff", "# x", "- ", "? ", ": ", "&a ", "!!str ",
    "<<: ", "\n\n", "|+",
]  # fmt: skip
KEYS = [
    "spec", "containers", "name", "image", "a", "b", "on", "1", "app.kubernetes.io/name", "a: b", "a.b[0]",
    "é", "true",
]  # fmt: skip

REASONS = (
    "a block of text", "the block of text at the end", "the block of text above",
    "a value over several lines", "has comments in it", "a comment stands in the brackets",
    "an anchor or a tag",
    "is no mapping", "is no list",
)  # fmt: skip

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.sampled_from(TRICKY)
    | st.sampled_from([0.5, 1.25])
)
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(
    keys,
    st.dictionaries(keys, values, max_size=3) | st.lists(values, max_size=3) | values,
    min_size=1,
    max_size=4,
)


def all_paths(data: Any, path: Path = ()) -> list[Path]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(deeper for key, value in inner for deeper in all_paths(value, (*path, key)))]


def at(data: Any, path: Path) -> Any:
    for element in path:
        data = data[element]
    return data


def with_set(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return copy.deepcopy(value)
    data = copy.deepcopy(data) if data is not None else {}
    inner = data[path[0]] if isinstance(data, list) else data.get(path[0])
    data[path[0]] = with_set(inner, path[1:], value)
    return data


def with_removed(data: Any, path: Path) -> Any:
    data = copy.deepcopy(data)
    del at(data, path[:-1])[path[-1]]
    return data


def read(text: str, style: Style) -> Any:
    document = read_document(text, json=style.json)
    assert document.problems == ()
    return document


def edited_by(document: Document, operation: str, path: Path, value: Any) -> TextEdit | Refusal:
    if operation == "remove":
        return edits.remove(document, path)
    return (edits.set_value if operation == "set" else edits.add_item)(document, path, value)


def check(data: Any, style: Style, change: tuple[str, Path, Any], expected: Any) -> str | None:
    """Make one edit and hold it against the law; the refusal's message, or None."""
    text = render(data, style)
    document = read(text, style)
    assert same(document.data, data)
    operation = change[0]
    edit = edited_by(document, *change)
    if isinstance(edit, Refusal):
        event(f"{operation}: {next((reason for reason in REASONS if reason in edit.message), edit.message)}")
        return edit.message
    result = apply_edits(text, [edit])
    shape = law_three(document, edit)
    assert shape, (text, edit, result)
    event(f"{operation}: {shape}")
    edited = read(result, style)
    assert same(edited.data, expected), result
    if style.json:
        assert same(json.loads(result), expected)
    if operation != "remove":
        assert re.findall(r"note-\d+,", result) == re.findall(r"note-\d+,", text)
    if "\r\n" in text:
        assert "\n" not in result.replace("\r\n", "")
    if shape != "nothing" and not style.final_line_end:
        assert result.endswith("\n") == text.endswith("\n") or operation == "remove"
    return None


def acceptable(refusal: str | None) -> None:
    assert refusal is None or any(reason in refusal for reason in REASONS), refusal


many = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@many
@given(documents, styles(), st.data())
def test_set_value(data: Any, style: Style, draw: st.DataObject) -> None:
    path = draw.draw(st.sampled_from(all_paths(data)))
    here = at(data, path)
    value = draw.draw(values)
    if here is None or isinstance(here, dict):
        path += tuple(draw.draw(st.lists(keys, max_size=3)))
    assume(path)
    try:
        expected = with_set(data, path, value)
    except (TypeError, AttributeError):
        expected = None
    refusal = check(data, style, ("set", path, value), expected)
    acceptable(refusal)
    assert refusal is not None or expected is not None


@many
@given(documents, styles(), st.data())
def test_add_item(data: Any, style: Style, draw: st.DataObject) -> None:
    path = draw.draw(st.sampled_from(all_paths(data)))
    if isinstance(at(data, path), dict):
        path += (draw.draw(keys),)
    value = draw.draw(values)
    try:
        before = at(data, path)
    except KeyError:
        before = None
    if before is None or isinstance(before, list):
        acceptable(check(data, style, ("add", path, value), with_set(data, path, [*(before or []), value])))
    else:
        refusal = check(data, style, ("add", path, value), None)
        assert refusal is not None
        assert "is no list" in refusal or "is no mapping" in refusal


@many
@given(documents, styles(), st.data())
def test_remove(data: Any, style: Style, draw: st.DataObject) -> None:
    path = draw.draw(st.sampled_from(all_paths(data)[1:]))
    acceptable(check(data, style, ("remove", path, None), with_removed(data, path)))


one_line = scalars.filter(lambda value: not isinstance(value, str) or "\n" not in value)
plain_documents = st.dictionaries(
    keys,
    st.dictionaries(keys, one_line, min_size=1, max_size=3) | st.lists(one_line, min_size=1, max_size=3),
    min_size=2,
)
plain_styles = styles().map(
    lambda style: replace(style, comments=False, anchors=False, flows=False, choices=(0,))
)


@many
@given(plain_documents, plain_styles, one_line, st.data())
def test_nothing_ordinary_is_refused(data: Any, style: Style, value: Any, draw: st.DataObject) -> None:
    """The laws above hold of an editor that refuses everything, too."""
    path = draw.draw(st.sampled_from(all_paths(data)[1:]))
    assert check(data, style, ("remove", path, None), with_removed(data, path)) is None
    below = at(data, path)
    if isinstance(below, dict):
        assert (
            check(data, style, ("set", (*path, "new"), value), with_set(data, (*path, "new"), value)) is None
        )
    elif isinstance(below, list):
        assert check(data, style, ("add", path, value), with_set(data, path, [*below, value])) is None
    else:
        assert check(data, style, ("set", path, value), with_set(data, path, value)) is None


@many
@given(documents, styles(), st.data())
def test_odd_texts_are_edited_rightly_or_not_at_all(data: Any, style: Style, draw: st.DataObject) -> None:
    text = render(data, style)
    for _ in range(draw.draw(st.integers(1, 3))):
        place = draw.draw(st.integers(0, len(text)))
        text = text[:place] + draw.draw(st.sampled_from(ODD)) + text[place + draw.draw(st.integers(0, 1)) :]
    document = read_document(text, json=style.json)
    assume(document.root is not None)
    path = draw.draw(st.sampled_from(all_paths(document.data)))
    here = at(document.data, path)
    match draw.draw(st.sampled_from(["set", "key", "add", "remove"])):
        case "set":
            edit, expected = edits.set_value(document, path, [1]), with_set(document.data, path, [1])
        case "key":
            assume(isinstance(here, dict) or here is None)
            path += ("new", "key")
            edit, expected = edits.set_value(document, path, "x"), with_set(document.data, path, "x")
        case "add":
            assume(isinstance(here, list) or here is None)
            edit = edits.add_item(document, path, {"a": 1})
            expected = with_set(document.data, path, [*(here or []), {"a": 1}])
        case _:
            assume(path)
            edit, expected = edits.remove(document, path), with_removed(document.data, path)
    if isinstance(edit, Refusal):
        return
    edited = read_document(apply_edits(text, [edit]), json=style.json)
    assert not document.complete or (edited.complete and same(edited.data, expected))


@given(documents, styles(), st.data())
def test_what_is_added_is_removed_again(data: Any, style: Style, draw: st.DataObject) -> None:
    mappings = [path for path in all_paths(data) if isinstance(at(data, path), dict) and at(data, path)]
    path = (*draw.draw(st.sampled_from(mappings)), "new")
    text = render(data, style)
    added = edits.set_value(read(text, style), path, draw.draw(values))
    assume(not isinstance(added, Refusal))
    there = apply_edits(text, [added])
    removed = edits.remove(read(there, style), path)
    assert not isinstance(removed, Refusal)
    back = apply_edits(there, [removed])
    assert back == text or (style.flows and same(read(back, style).data, data))


@given(st.lists(documents, min_size=2, max_size=3), styles(), st.data())
def test_edits_of_one_document_leave_the_others(
    several: list[Any], style: Style, draw: st.DataObject
) -> None:
    style = replace(style, form="block", start="---", end="", final_line_end=True)
    file = "".join(render(data, style) for data in several)
    pieces = split(file)
    assert len(pieces) == len(several)
    chosen = draw.draw(st.integers(0, len(several) - 1))
    text = pieces[chosen]
    edit = edits.set_value(read_document(text), ("new", "key"), "value")
    assume(not isinstance(edit, Refusal))
    result = "".join([*pieces[:chosen], apply_edits(text, [edit]), *pieces[chosen + 1 :]])
    several[chosen] = with_set(several[chosen], ("new", "key"), "value")
    assert same([read_document(piece).data for piece in split(result)], several)


@given(values)
def test_written_values_are_read_back(value: Any) -> None:
    for text in (
        "\n".join(["k:", *("  " + line for line in block(value, BlockStyle(2, 0)))]),
        "\n".join(["k:", *("  " + line for line in block(value, BlockStyle(4, 4)))]),
        "k: " + flow(value, FlowStyle()),
        flow({"k": value}, FlowStyle(json=True, colon=":", comma=",")),
        flow({"k": value}, FlowStyle(json=True, step="\t", inline_lists=True)),
    ):
        document = read_document(text, json=text.startswith("{"))
        assert document.problems == ()
        assert same(document.data, {"k": value})


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
