"""The index: what is found under a key, and which keys something changed under."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from support.objects import RULES, TEXTS

from kscan_lsp.graph.index import Index
from kscan_lsp.workspace.objects import objects_of


@settings(max_examples=2 * settings.default.max_examples, suppress_health_check=list(HealthCheck))
@given(before=TEXTS, after=TEXTS)
def test_what_is_found_otherwise_than_before_has_changed(before: str, after: str) -> None:
    first, second = objects_of("a.yaml", before, RULES), objects_of("a.yaml", after, RULES)
    for now in (
        second,
        (*first[:1], *second),
        (*first[1:], *second[:1]),
        (*second[:1], *first[1:]),
        first[::-1],
    ):
        old, _ = Index().with_file("a.yaml", first)
        new, changed = old.with_file("a.yaml", now)
        keys = {key for one in (*first, *now) for key in one.keys}
        for key in keys:
            assert list(new.find(key)) == [one for one in now if key in one.keys]
        assert {key for key in keys if list(old.find(key)) != list(new.find(key))} <= changed <= keys
