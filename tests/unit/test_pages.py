"""Generated documentation is what the program would generate now."""

from pathlib import Path

import pytest

from kscan_lsp.configuration import builtin_policies
from kscan_lsp.pages import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "text"), pages(builtin_policies()).items())
def test_page_is_fresh(name: str, text: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == text, "run: python -m kscan_lsp.pages docs"
