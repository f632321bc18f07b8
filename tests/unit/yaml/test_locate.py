"""What a problem with a value underlines."""

from __future__ import annotations

import pytest

from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at

TEXT = """\
name: demo
list:
- first
- second: 2
  third: 3
"""


@pytest.mark.parametrize(
    ("path", "on_key", "covered"),
    [
        (("name",), False, "demo"),
        (("name",), True, "name"),
        (("name", "more"), False, "name"),
        (("list", 0), False, "first"),
        (("list", 0), True, "first"),
        (("list", 1), False, "second: 2"),
        (("list", 1, "third"), False, "3"),
        (("list", 1, "none"), False, "second: 2"),
        (("list", 7), False, "list"),
        (("list",), False, "- first"),
        ((), False, "name: demo"),
        (("none",), False, "name: demo"),
        (("none",), True, "name: demo"),
    ],
)
def test_the_span_at_a_path(path: tuple[str | int, ...], on_key: bool, covered: str) -> None:
    span = span_at(read_document(TEXT), path, on_key=on_key)
    assert TEXT[span.start : span.end] == covered
    assert TEXT.index(covered) == span.start


def test_a_document_without_a_value_has_a_span_at_its_start() -> None:
    assert span_at(read_document("# nothing\n"), ("name",)) == (0, 0)
