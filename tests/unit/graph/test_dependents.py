"""Who depends on which keys: what was said last counts, whenever it is asked."""

from __future__ import annotations

from kscan_lsp.graph.dependents import Dependents


def keys(*names: str) -> frozenset[frozenset[str]]:
    return frozenset(frozenset([name]) for name in names)


def test_what_is_told_before_anybody_asks_counts_in_its_order() -> None:
    told = Dependents().updated({"a": [keys("x", "y")], "b": [keys("x"), keys("z")]})
    again = told.updated({"a": [keys("z")]}).updated({"b": ()})
    assert (again.of({"x"}), again.of({"y", "z"})) == (set(), {"a"})
    assert again.depends("a", {"z"})
    assert not again.depends("b", {"x", "z"})
    assert (told.of({"x"}), told.of({"z"})) == ({"a", "b"}, {"b"}), "it says what it said"
    assert again.updated({}) is again
