"""Lines of a place are those of the whole file."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.objects import RULES, empty_project

from kscan_lsp.findings import Location
from kscan_lsp.text import Encoding, LineIndex, Span
from kscan_lsp.workspace.locations import lines_of
from kscan_lsp.workspace.objects import objects_of

POLICY = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: ä}}\n"


PIECES = ["# one\n", "---\r\n", "---\n" + POLICY, "--- # two\n" + POLICY, POLICY.replace("\n", "\r\n")]


@pytest.mark.parametrize("only_declared", [False, True])
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join), data=st.data())
def test_lines_are_those_of_the_whole_file(only_declared: bool, pieces: str, data) -> None:
    project = empty_project().with_file("a.yaml", pieces)
    known = [(placed.offset, placed.checked.document.text) for placed in project.files["a.yaml"].documents]
    if only_declared:
        objects = objects_of("a.yaml", pieces, RULES)
        project = project.with_objects("a.yaml", objects)
        known = [(one.offset, one.document) for one in objects]
    assume(known)
    offset, text = data.draw(st.sampled_from(known))
    start = data.draw(st.integers(0, len(text)))
    span = Span(offset + start, offset + data.draw(st.integers(start, len(text))))
    index = LineIndex(pieces)
    expected = (index.position(span.start), index.position(span.end))
    assert lines_of(Location("a.yaml", span), project).positions() == expected
    for encoding in Encoding:
        assert lines_of(Location("a.yaml", span), project).encoded(encoding) == index.encoded_span(
            span, encoding
        )
