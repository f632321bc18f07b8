"""Where a path stands."""

from __future__ import annotations

from support.aliases import RESOURCES, TEXT


def test_what_comes_through_an_alias_is_marked_where_it_is_used() -> None:
    found = RESOURCES[0].resolve(("spec", "containers", 2, "securityContext", "privileged"))
    assert TEXT[found.span.start : found.span.end] == "securityContext: *own"
    assert found.definition is not None
    assert TEXT[found.definition.start : found.definition.end] == "privileged: true"
