"""Where a text stops being YAML, noticed without reading it, however many brackets it has."""

from __future__ import annotations

import pytest

from kscan_lsp.yaml.parser import MAX_DEPTH, first_error

MANY = "".join(f"k{n}: [{{}}, []]\n" for n in range(100))
"""Enough brackets for the check that counts how deep they nest."""


@pytest.mark.parametrize("around", ["", MANY], ids=["few brackets", "many brackets"])
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a: b\n", None),
        ("a: [http://x:80/y]\n", None),
        ("a: [b\nc: d\n", 7),
        ("a: }\n", 3),
        ("a: [::1]\n", 4),
    ],
)
def test_where_an_error_is_noticed(around: str, text: str, at: int | None) -> None:
    assert first_error(around + text) == (None if at is None else len(around) + at)


@pytest.mark.parametrize("text", ["a: \x00", "{" * 300 + "\x00", "a: \ud800"])
def test_a_character_that_is_not_allowed_has_no_place(text: str) -> None:
    assert first_error(text) == 0


def test_brackets_nest_as_deep_as_may_be_read() -> None:
    allowed = "- " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "\n"
    assert first_error(allowed * 3) is None
    deeper = "- " + "{a: " * MAX_DEPTH + "}" * MAX_DEPTH + "\n"
    assert first_error(allowed * 3 + deeper) == 3 * len(allowed) + 2 + 4 * (MAX_DEPTH - 1)
