"""What is made from the reading of another text is what reading would have given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.splicing import spliced

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
