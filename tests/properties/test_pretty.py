"""Whatever is shown fits the screen, and nothing in it is a command to a terminal."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from support.screens import harmless, mark

from kscan_lsp.report import lines, printable


@given(st.text(max_size=200), st.integers(1, 210), st.integers(0, 210), st.integers(20, 120))
def test_a_snippet_fits_and_holds_nothing_a_terminal_acts_on(
    text: str, start: int, more: int, width: int
) -> None:
    shown, under = mark(text, start, start + more, width)
    assert cell_len(shown) <= width
    assert harmless(shown)
    assert set(under) <= {" ", "^"}
    assert "^" in under
    assert len(under) <= max(cell_len(shown), under.index("^") + 1)


@given(st.text())
def test_printable_text_has_no_controls_but_line_ends_and_tabs(text: str) -> None:
    assert harmless(printable.printable(text).replace("\n", "").replace("\t", ""))


@given(
    st.lists(st.text(st.sampled_from("ab \n-\u00a0\u6f22\u0301\U0001f469\u200d"), max_size=30), max_size=4),
    st.integers(2, 30),
)
def test_lines_break_where_rich_breaks_them(texts: list[str], width: int) -> None:
    pieces = [lines.StyledText(text, str(n)) for n, text in enumerate(texts)]
    broken = [lines.plain_text([line]).rstrip("\n") for line in lines.wrapped(pieces, width)]
    expected = [line.plain.rstrip() for line in Text("".join(texts)).wrap(Console(width=width), width)]
    letters = "".join("".join(texts).split())
    assert "".join("".join(broken).split()) == letters
    # rich crops what it has broken, and where a joiner stands first on a line a letter may be lost to that
    assume("".join("".join(expected).split()) == letters)
    assert broken == expected
