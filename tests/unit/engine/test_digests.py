"""Digests differ wherever CEL could tell values apart, and are there for whatever a manifest can hold."""

from __future__ import annotations

import itertools
from typing import Any

from kscan_lsp.engine.digests import Digests, digest_of

LONG = "a value too long to be its own digest"
VALUES: list[Any] = [
    None, True, False, 0, 1, 1.0, 33, 45, "", "-", "!", "1", LONG, b"", [], {}, [None], [1], ["1"], [[1]], {"a": 1},
    {"a": "1"}, {"a": None}, {"b": 1}, 2**63, 2**64, -(2**70), "\ud800", {"name": "\ud800"}, [2**70, LONG],
]  # fmt: skip


def test_values_that_differ_have_digests_that_do() -> None:
    found = [digest_of(value) for value in VALUES]
    assert len({*found}) == len(VALUES)
    assert [Digests().of(value) for value in VALUES] == found


def test_a_field_differs_from_none_and_from_a_value_without_fields() -> None:
    digests = Digests()
    whole = (
        [{"a": value} for value in VALUES] + [{}] + [value for value in VALUES if not isinstance(value, dict)]
    )
    found = [digests.of(value, "a") for value in whole]
    assert all(one != other for one, other in itertools.combinations(found, 2))


def test_no_text_worth_hiding_is_its_own_digest() -> None:
    assert b"a long word" not in digest_of("a long word")
    assert LONG.encode() not in Digests().of({"a": [LONG]}, "a")
