"""The operators of conditions, and what conditions decide together."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp.kyverno.conditions import compare
from kscan_lsp.kyverno.expressions import QueryError


@pytest.mark.parametrize(
    ("key", "operator", "value", "holds"),
    [
        ("a", "Equals", "a", True),
        ("abc", "Equals", "a*", True),
        ("a*", "Equals", "abc", False),
        ("a", "equals", "a", True),
        ("1h", "Equals", "60m", True),
        ("1h", "Equals", 3600, True),
        (3600, "Equals", "1h", False),
        ("1Gi", "Equals", "1024Mi", True),
        ("1Gi", "Equals", "x", False),
        (1, "Equals", "1", True),
        (1, "Equals", 1.0, True),
        (1, "Equals", "x", False),
        (True, "Equals", True, True),
        (True, "Equals", "true", False),
        ([1], "Equals", [1], True),
        ({"a": 1}, "Equals", {"a": 1}, True),
        ({"a": 1}, "NotEquals", {"a": 2}, True),
        (None, "Equals", None, False),
        (None, "NotEquals", "a", False),
        ("a", "NotEquals", "b", True),
        ("a", "NotEquals", ["a"], True),
        ("a", "In", ["a", "b"], True),
        ("a", "NotIn", ["b"], True),
        (["a"], "In", ["a", "b"], True),
        (["a", "c"], "In", ["a", "b"], False),
        (["a", "c"], "NotIn", ["a", "b"], True),
        ("a", "AnyIn", ["a"], True),
        ("abc", "AnyIn", ["a*"], True),
        ("a", "AnyIn", '["a", "b"]', True),
        ("c", "AnyIn", '["a", "b"]', False),
        (8080, "AnyIn", ["8080"], True),
        (["a", "c"], "AnyIn", ["a", "b"], True),
        (["c"], "AnyIn", ["a", "b"], False),
        (["a", "b"], "AllIn", ["a", "b", "c"], True),
        (["a", "x"], "AllIn", ["a", "b", "c"], False),
        (["a", "x"], "AnyNotIn", ["a"], True),
        (["a"], "AnyNotIn", ["a"], False),
        (["x"], "AllNotIn", ["a"], True),
        (["x", "a"], "AllNotIn", ["a"], False),
        ([], "AnyIn", ["a"], False),
        ([], "AnyNotIn", ["a"], False),
        (5, "AnyIn", "1-10", True),
        ([5, 50], "AnyIn", "1-10", True),
        ([5, 50], "AllIn", "1-10", False),
        ([5, 50], "AnyNotIn", "1-10", True),
        ([50], "AllNotIn", "1-10", True),
        (None, "AnyIn", ["a"], False),
        (5, "GreaterThan", 3, True),
        (5, "GreaterThan", "3", True),
        ("5", "GreaterThanOrEquals", 5, True),
        ("2h", "GreaterThan", "90m", True),
        ("1Gi", "LessThan", "2Gi", True),
        ("1.2.0", "LessThan", "1.10.0", True),
        ("x", "LessThan", 3, False),
        (None, "LessThan", 3, False),
        (3, "LessThanOrEquals", 3.5, True),
        ("10s", "DurationGreaterThan", 5, True),
        (10, "DurationLessThanOrEquals", "10s", True),
        ("x", "DurationLessThan", "10s", False),
    ],
)
def test_operators(key: Any, operator: str, value: Any, holds: bool) -> None:
    assert compare(operator, key, value) is holds


def test_an_operator_that_there_is_none_of() -> None:
    with pytest.raises(QueryError):
        compare("Like", "a", "b")
