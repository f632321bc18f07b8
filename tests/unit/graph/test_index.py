"""The index keeps the order of documents."""

from __future__ import annotations

from support.objects import RULES, listed

from kscan_lsp.graph.index import Index, key_of
from kscan_lsp.workspace.project import objects_of


def test_documents_in_another_order_are_told_in_that_order() -> None:
    one, two = objects_of("s.yaml", listed("Service", "a", "b", rest="spec: {selector: {app: shop}}"), RULES)
    index, _ = Index().with_file("s.yaml", (one, two))
    index, changed = index.with_file("s.yaml", (two, one))
    assert changed == {*one.keys, *two.keys}
    assert list(index.find(key_of("kind", "Service"))) == [two, one]
