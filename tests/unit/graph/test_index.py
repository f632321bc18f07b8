"""The index keeps the order of documents."""

from __future__ import annotations

from support.objects import RULES, listed

from kscan_lsp.graph.index import Index, key_of
from kscan_lsp.workspace.objects import objects_of


def test_documents_in_another_order_are_told_in_that_order() -> None:
    one, two = objects_of("s.yaml", listed("Service", "a", "b", rest="spec: {selector: {app: shop}}"), RULES)
    index, _ = Index().with_file("s.yaml", (one, two))
    index, changed = index.with_file("s.yaml", (two, one))
    assert changed == {*one.keys, *two.keys}
    assert list(index.find(key_of("kind", "Service"))) == [two, one]


def test_files_that_come_together_are_found_as_if_one_after_the_other() -> None:
    files = {
        name: objects_of(name, listed("Service", name[0], rest="spec: {selector: {app: shop}}"), RULES)
        for name in ("c.yaml", "a/b.yaml", "a.yaml", "d.yaml")
    }
    one_by_one, together = Index(), Index()
    for name, objects in files.items():
        one_by_one, _ = one_by_one.with_file(name, objects)
    together, changed = together.with_files(files)
    assert changed == {key for objects in files.values() for one in objects for key in one.keys}
    fewer, _ = together.with_files({"a.yaml": (), "c.yaml": files["a.yaml"]})
    by_hand, _ = one_by_one.with_file("a.yaml", ())
    by_hand, _ = by_hand.with_file("c.yaml", files["a.yaml"])
    for index, other in ((one_by_one, together), (fewer, by_hand)):
        assert list(index.files.items()) == list(other.files.items())
        for key in changed:
            assert list(index.find(key)) == list(other.find(key))
    assert together.with_files(files) == (together, frozenset())
