"""Characters of a value led back to where they are written."""

from __future__ import annotations

import pytest

from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.inside import offsets_in, span_in
from kscan_lsp.yaml.tree import Scalar


def scalar(text: str) -> Scalar:
    root = read_document(text).root
    assert root is not None
    found = nearest(root, ("a",)).node
    assert isinstance(found, Scalar)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "a: plain text\n  goes on\n",
        "a: 'it''s\n   two\n\n   three'\n",
        'a: "a \\"b\\u0041 c\n    d"\n',
        'a: "x \\\n   y"\n',
        "a: |\n  x ==\n    y <=\n\n  z\n",
        "a: |-\n  x\nb: 1\n",
        "a: >-\n  x ==\n  y <=\n\n  z\n    q\n  r\n",
        "a: >\n\n  x\n\n\n  y\n",
    ],
)
def test_every_character_stands_where_it_is_written(text: str) -> None:
    node = scalar(text)
    offsets = offsets_in(text, node)
    assert offsets is not None
    assert offsets == sorted(offsets)
    assert isinstance(node.value, str)
    for character, offset in zip(node.value, offsets, strict=False):
        if character.isalnum() and text[offset] != "\\":
            assert text[offset] == character


def test_behind_the_value_its_last_character_is_marked() -> None:
    text = 'a: "x <= "\n'
    span = span_in(text, scalar(text), 5, 5)
    assert text[span.start - 4 : span.end] == "x <= "


def test_what_is_not_understood_is_marked_whole() -> None:
    text = "a: |2\n   x\n"
    node = scalar(text)
    assert offsets_in(text, node) is None
    assert span_in(text, node, 1, 2).start == node.start
