"""The order of files."""

from __future__ import annotations

from kscan_lsp.files.names import name_order


def test_a_folder_comes_as_one() -> None:
    names = ["a.yaml", "a/b.yaml", "a-b.yaml", "a/a.yaml", "<stdin>"]
    assert sorted(names, key=name_order) == ["<stdin>", "a/a.yaml", "a/b.yaml", "a-b.yaml", "a.yaml"]
