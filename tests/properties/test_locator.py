"""Whoever asks for many paths gets what a single question gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from support.aliases import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator


def every_path(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """All paths there are, and some that lead on from them to nothing."""
    yield path
    yield (*path, "missing")
    yield (*path, "missing", 0, "further")
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from every_path(part, (*path, key))


@given(number=st.integers(0, 1), data=st.data())
def test_a_locator_gives_what_a_single_question_gives(number: int, data) -> None:
    resource = RESOURCES[number]
    paths = data.draw(st.permutations(list(every_path(resource.data))))
    locator = resource.locator()
    for path in paths:
        assert locator.resolve(path) == resource.resolve(path)
