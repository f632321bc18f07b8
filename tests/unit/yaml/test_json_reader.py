"""Several values in one JSON file, as kubectl takes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.yaml.document import read_document, reread, split
from kscan_lsp.yaml.json_reader import split_json

POD = '{"apiVersion": "v1", "kind": "Pod",\n "metadata": {"name": "}\\n{"}}'


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 1),
        (POD, 1),
        (f"{POD}\n{POD}\n", 2),
        (f"{POD}\r\n\r\n  {POD}\r\n[\n{POD}\n]", 3),
        (f"{POD} {POD}", 1),  # places count from the start of a line
        (f"[{POD}\n{POD}]", 1),  # a comma is missing
        (f'{{"a": "}}\n{{"}}\n{POD}', 2),
        (f"{POD[:-1]}\n{POD}", 1),  # the first never ends
    ],
)
def test_each_value_that_begins_a_line_is_a_document(text: str, number: int) -> None:
    pieces = split_json(text)
    assert len(pieces) == number
    assert "".join(pieces) == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(alphabet='{}[]"\\\n a'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="{}[]\n a"), inner, max_size=3)
    ),
)


@given(st.lists(st.dictionaries(st.text(), VALUES), min_size=1, max_size=4), st.sampled_from([None, 1]))
def test_a_stream_of_objects_is_read_one_by_one(objects: list[dict], indent: int | None) -> None:
    text = "\n".join(json.dumps(one, indent=indent) for one in objects)
    documents = [read_document(piece, json=True) for piece in split_json(text)]
    assert [document.data for document in documents] == [one or {} for one in objects]
    assert all(document.complete for document in documents)


@given(
    st.lists(st.dictionaries(st.text(), VALUES), min_size=2, max_size=4), st.sampled_from(["", " ", "\t "])
)
def test_values_on_one_line_are_one_document(objects: list[dict], between: str) -> None:
    text = between.join(map(json.dumps, objects))
    assert split_json(text) == [text]
    for as_json in (True, False):
        document = read_document(text, json=as_json)
        assert document.complete
        if as_json or document.is_stream:  # of some texts YAML makes something, too
            assert document.is_stream
            assert document.data == objects


def test_the_objects_of_a_line_are_resources_at_their_places() -> None:
    text = "\ufeff" + POD.replace("}\\n{", "one") + POD.replace("}\\n{", "two") + ' {"a": 1}\t' + POD
    for as_json in (True, False):
        document = read_document(text, json=as_json)
        resources, problems = resources_of(document, {})
        assert problems == ()
        assert [resource.id.name for resource in resources] == ["one", "two", "}\n{"]
        at = [resource.resolve(("metadata", "name")).span for resource in resources]
        assert [text[span.start : span.end] for span in at] == [
            '"name": "one"',
            '"name": "two"',
            '"name": "}\\n{"',
        ]
        assert sorted(at) == at


def test_what_follows_a_value_and_is_none_is_said_and_the_value_is_read() -> None:
    document = read_document(f"{POD} {POD} x", json=True)
    assert not document.complete
    assert len(document.data) == 2
    assert "what follows it is not read" in document.problems[0].message
    assert read_document(f"{POD}, {POD}", json=True).data["kind"] == "Pod"


def test_an_edit_of_values_on_one_line_is_read_as_the_text_is() -> None:
    escaped = POD.replace("Pod", "Po\\x64")  # an escape of YAML's
    before, text = f"{POD} {POD}", f"{POD} {escaped}"
    after, _ = reread(read_document(before), text)
    assert (after.data, after.problems) == (read_document(text).data, read_document(text).problems)


def test_a_stream_of_json_values_needs_no_name_to_tell() -> None:
    one, two = '{"a": 1}\n', ' {"b": [\n{"c": 2}\n]}\n'
    assert split(one + two) == [one, two]
    assert [read_document(piece).data for piece in split(one + two)] == [{"a": 1}, {"b": [{"c": 2}]}]
    assert split("\n" + one + two) == ["\n" + one, two]
    assert split("{a: 1}\n---\n{b: 2}\n") == ["{a: 1}\n", "---\n{b: 2}\n"]
    assert split("a: {b: 1}\nc:\n{d: 1}\n{e: 1}\n") == ["a: {b: 1}\nc:\n{d: 1}\n{e: 1}\n"]
