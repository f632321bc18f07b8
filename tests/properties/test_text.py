"""The text room against an independent model: a list of lines, each a list of characters and a line end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.text import (
    Encoding,
    LineIndex,
    Position,
    Span,
    TextEdit,
    apply_edits,
    minimal_edit,
)

PIECES = [
    "a",
    "bc",
    " ",
    "\n",
    "\r\n",
    "\r",
    "é",
    "漢",
    "😀",
    "\u2028",
    "\u2029",
    "\x85",
    "\f",
    "\v",
    "\x1c",
    "\t",
    "x" * 9,
]


texts = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


encodings = st.sampled_from(Encoding)


SLASH_U = {Encoding.UTF8: "utf-8", Encoding.UTF16: "utf-16-le", Encoding.UTF32: "utf-32-le"}


WIDTH = {Encoding.UTF8: 1, Encoding.UTF16: 2, Encoding.UTF32: 4}


def model_lines(text: str) -> list[tuple[str, str]]:
    """Content and line end of every line, character by character."""
    lines, content, at = [], "", 0
    while at < len(text):
        if text[at] == "\r" and text[at + 1 : at + 2] == "\n":
            lines.append((content, "\r\n"))
            content, at = "", at + 2
        elif text[at] in "\r\n":
            lines.append((content, text[at]))
            content, at = "", at + 1
        else:
            content, at = content + text[at], at + 1
    return [*lines, (content, "")]


def model_cut(content: str, units: int, encoding: Encoding) -> int:
    """Characters that lie wholly before a column, by decoding ever longer prefixes."""
    best = 0
    for size in range(len(content) + 1):
        if len(content[:size].encode(SLASH_U[encoding])) // WIDTH[encoding] <= units:
            best = size
    return best


def model_replace(text: str, start: Position, end: Position, new: str, encoding: Encoding) -> str:
    lines = model_lines(text)

    def split(position: Position) -> tuple[str, str]:
        if position.line >= len(lines):
            return text, ""
        content, line_end = lines[position.line]
        cut = model_cut(content, position.column, encoding)
        before = "".join(a + b for a, b in lines[: position.line]) + content[:cut]
        after = content[cut:] + line_end + "".join(a + b for a, b in lines[position.line + 1 :])
        return before, after

    return split(start)[0] + new + split(end)[1]


@given(texts)
def test_lines_end_at_the_three_line_ends_only(text: str):
    index = LineIndex(text)
    lines = model_lines(text)
    assert index.line_count == len(lines)
    at = 0
    for number, (content, line_end) in enumerate(lines):
        assert index.starts[number] == at
        assert index.content_end(number) == at + len(content)
        at += len(content) + len(line_end)


@given(texts, encodings)
def test_every_offset_survives_the_way_through_lines_and_columns(text: str, encoding: Encoding):
    index = LineIndex(text)
    for offset in range(len(text) + 1):
        inside = 0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"
        expected = offset - inside
        assert index.offset(index.position(offset)) == expected
        assert index.decoded(*index.encoded(offset, encoding), encoding) == expected
        assert index.line_of(offset) == index.position(offset).line


@given(texts, encodings)
def test_columns_are_code_units(text: str, encoding: Encoding):
    index = LineIndex(text)
    for number, (content, _) in enumerate(model_lines(text)):
        for column in range(len(content) + 1):
            units = len(content[:column].encode(SLASH_U[encoding])) // WIDTH[encoding]
            assert index.encoded(index.starts[number] + column, encoding) == (number, units)
        for units in range(4 * len(content) + 3):
            cut = model_cut(content, units, encoding)
            assert index.decoded(number, units, encoding) == index.starts[number] + cut


@given(st.data(), texts, encodings)
def test_a_span_has_the_columns_of_its_ends(data: st.DataObject, text: str, encoding: Encoding):
    index = LineIndex(text)
    first, last = sorted(data.draw(st.tuples(*[st.integers(-1, len(text) + 1)] * 2)))
    expected = (*index.encoded(first, encoding), *index.encoded(last, encoding))
    assert index.encoded_span(Span(first, last), encoding) == expected


@given(st.data(), texts, encodings)
def test_ranged_changes_do_what_the_model_does(data: st.DataObject, text: str, encoding: Encoding):
    for _ in range(5):
        index = LineIndex(text)
        place = st.builds(Position, st.integers(0, index.line_count), st.integers(0, 30))
        start, end = sorted((data.draw(place), data.draw(place)))
        new = data.draw(texts)
        changed = index.replaced(start, end, new, encoding)
        assert changed.text == model_replace(text, start, end, new, encoding)
        assert changed.starts == LineIndex(changed.text).starts
        assert index.replaced(end, start, new, encoding).text == changed.text
        text = changed.text


@given(texts, texts)
def test_the_minimal_edit_makes_the_new_text_also_through_positions(old: str, new: str):
    edit = minimal_edit(old, new)
    if edit is None:
        assert old == new
        return
    assert apply_edits(old, [edit]) == new
    index = LineIndex(old)
    start, end = (index.encoded(offset, Encoding.UTF16) for offset in edit.span)
    assert index.replaced(start, end, edit.text, Encoding.UTF16).text == new


@given(st.data(), texts)
def test_edits_apply_in_any_order(data: st.DataObject, text: str):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    edits = [TextEdit(Span(*span), data.draw(texts)) for span in spans]
    expected = text
    for (start, end), new in reversed(edits):
        expected = expected[:start] + new + expected[end:]
    assert apply_edits(text, data.draw(st.permutations(edits))) == expected
