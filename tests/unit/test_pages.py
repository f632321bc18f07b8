"""Generated documentation is what the program would generate now."""

from pathlib import Path

import pytest

from kscan_lsp import configuration
from kscan_lsp.configuration import builtin_policies
from kscan_lsp.pages import pages, prepared

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "text"), pages(builtin_policies()).items())
def test_page_is_fresh(name: str, text: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == text, "run: python -m kscan_lsp.pages docs"


def test_prepared_policies_are_fresh() -> None:
    text = configuration.PREPARED.read_text(encoding="utf-8")
    assert text == prepared(), "run: python -m kscan_lsp.pages docs"


def test_prepared_policies_count_only_for_the_texts_they_were_made_of(monkeypatch, tmp_path) -> None:
    stale = tmp_path / "policies.json"
    stale.write_text('{"of": "others", "data": []}')
    monkeypatch.setattr(configuration, "PREPARED", stale)
    read = builtin_policies.__wrapped__()
    assert list(read.controls) == list(builtin_policies().controls)
    assert read.frameworks == builtin_policies().frameworks
