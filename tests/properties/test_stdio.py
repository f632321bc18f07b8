"""Messages arrive whole, however the system cuts what it hands over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.stdio import framed, received


@given(st.lists(st.binary(min_size=1, max_size=40)), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_messages_arrive_whole_however_they_are_cut(bodies: list[bytes], sizes: list[int]) -> None:
    assert received(b"".join(map(framed, bodies)), sizes) == bodies
