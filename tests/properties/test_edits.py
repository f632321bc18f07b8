"""Edits hold the fix law in every style, and refuse what cannot be done surely."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from support.operations import TRICKY, at, edited_by, with_removed, with_renamed, with_set
from support.styles import Style, law_three, render, styles

from kscan_lsp import edits
from kscan_lsp.edits import Refusal
from kscan_lsp.edits.place import same
from kscan_lsp.edits.writing import BlockStyle, FlowStyle, block, flow
from kscan_lsp.text import apply_edits
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

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


def read(text: str, style: Style) -> Any:
    document = read_document(text, json=style.json)
    assert document.problems == ()
    return document


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


many = settings(
    max_examples=2 * settings.default.max_examples,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


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
@given(documents, styles(), keys | st.sampled_from(["it's", 'a"b', "a\nb", "#a", "-"]), st.data())
def test_rename(data: Any, style: Style, key: str, draw: st.DataObject) -> None:
    path = draw.draw(
        st.sampled_from([path for path in all_paths(data) if path and isinstance(path[-1], str)])
    )
    taken = key != path[-1] and key in at(data, path[:-1])
    refusal = check(data, style, ("rename", path, key), with_renamed(data, path, key))
    if taken:
        assert refusal is not None
        assert "is there already" in refusal
    else:
        acceptable(refusal)


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
    assert same(read(back, style).data, data)
    # brackets are laid out on one line
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
