"""Generated documentation is what the program would generate now."""

from pathlib import Path

import pytest

from kscan_lsp.devtools.docgen import pages, programs_of, stored_policies
from kscan_lsp.workspace import policies
from kscan_lsp.workspace.policies import builtin_policies, complete_policies

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(("name", "text"), pages(builtin_policies()).items())
def test_page_is_fresh(name: str, text: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == text, "run: python -m kscan_lsp.devtools.docgen docs"


def test_stored_policies_are_fresh() -> None:
    text = policies.STORED.read_text(encoding="utf-8")
    assert text == stored_policies(complete_policies()), "run: python -m kscan_lsp.devtools.docgen docs"


def test_stored_programs_are_fresh() -> None:
    """They are those of the same expressions, to the byte: what is stored gives what the source would give."""
    assert policies.PROGRAMS.read_bytes() == programs_of(complete_policies()), "as above"


@pytest.mark.parametrize("data", [None, b"", b"\x81\xa1a", b"\x93\x01\x02\x03"])
def test_programs_that_cannot_be_read_are_made(monkeypatch, tmp_path, data) -> None:
    if data is not None:
        (tmp_path / "programs").write_bytes(data)
    monkeypatch.setattr(policies, "PROGRAMS", tmp_path / "programs")
    assert policies.stored_programs() == {}


def test_stored_policies_are_what_was_stored() -> None:
    assert stored_policies(builtin_policies()) == stored_policies(complete_policies())


@pytest.mark.parametrize("text", [None, "{", '{"of": "others", "controls": [], "frameworks": []}'])
def test_stored_policies_count_only_for_the_texts_they_were_made_of(monkeypatch, tmp_path, text) -> None:
    stale = tmp_path / "policies.json"
    if text is not None:
        stale.write_text(text)
    monkeypatch.setattr(policies, "STORED", stale)
    found = builtin_policies.__wrapped__()
    assert found.controls is complete_policies().controls
    assert found.frameworks is complete_policies().frameworks
    assert found.sources == {}  # as of those that are stored
