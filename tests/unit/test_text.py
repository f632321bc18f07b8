"""Places outside of a text, halves of characters, and edits that cannot be made."""

from __future__ import annotations

import pytest

from kscan_lsp.text import (
    Encoding,
    LineIndex,
    Position,
    Span,
    TextEdit,
    apply_edits,
    minimal_edit,
)


def test_places_outside_the_text_are_clamped():
    index = LineIndex("ab\r\n😀\n")
    assert index.offset(Position(0, 99)) == 2
    assert index.offset(Position(9, 0)) == 6
    assert index.offset(Position(-1, 5)) == 0
    assert index.decoded(1, -4, Encoding.UTF16) == 4
    assert index.decoded(1, 1, Encoding.UTF16) == 4
    assert index.decoded(1, 2, Encoding.UTF16) == 5
    assert index.decoded(7, 2, Encoding.UTF8) == 6
    assert index.position(-3) == (0, 0)
    assert index.position(99) == (2, 0)
    assert index.encoded(99, Encoding.UTF8) == (2, 0)
    assert LineIndex("").starts == [0]


def test_half_a_surrogate_pair_is_one_unit():
    index = LineIndex("a\ud83d\ude00b")
    assert index.encoded(3, Encoding.UTF16) == (0, 3)
    assert index.decoded(0, 3, Encoding.UTF16) == 3
    assert index.encoded(2, Encoding.UTF8) == (0, 4)


def test_a_change_may_join_a_carriage_return_and_a_line_feed():
    index = LineIndex("a\rx\nb")
    joined = index.replaced(Position(1, 0), Position(1, 1), "", Encoding.UTF16)
    assert joined.text == "a\r\nb"
    assert joined.starts == [0, 3]
    split = LineIndex("a\r\nb").replaced(Position(0, 1), Position(1, 0), "\r\r\n", Encoding.UTF16)
    assert split.text == "a\r\r\nb"
    assert split.starts == [0, 2, 4]


def test_the_minimal_edit_is_minimal():
    assert minimal_edit("abcd", "abXcd") == TextEdit(Span(2, 2), "X")
    assert minimal_edit("aaaa", "aa") == TextEdit(Span(2, 4), "")
    assert minimal_edit("a: 1\nb: 2\n", "a: 1\nb: 3\n") == TextEdit(Span(8, 9), "3")


def test_insertions_at_one_place_keep_their_order_and_overlaps_are_a_mistake():
    assert apply_edits("ab", [TextEdit(Span(1, 1), "1"), TextEdit(Span(1, 1), "2")]) == "a12b"
    with pytest.raises(ValueError, match="overlaps"):
        apply_edits("abc", [TextEdit(Span(0, 2), ""), TextEdit(Span(1, 3), "")])
    with pytest.raises(ValueError, match="leaves the text"):
        apply_edits("abc", [TextEdit(Span(2, 4), "")])
