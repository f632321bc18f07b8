"""`kscan policy new`: a control to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kscan_lsp.cli.new_control import begun, text_of
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.test import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "title", ["Deployment without an owner", 'A "quoted": title # 1', "\u00fc\U0001f40b", "yes"]
)
def test_what_is_begun_is_a_control_whose_tests_pass(tmp_path: Path, title: str) -> None:
    said = begun("ORG-0001", title, tmp_path / "deep" / "policies")
    (path,) = (tmp_path / "deep" / "policies").iterdir()
    assert path.name in said
    ran = run([str(path)], coverage=True)
    assert ran.status == 0
    ((control, _),) = ran.outcomes
    assert (control.id, control.title) == ("ORG-0001", title)
    assert not ran.mutations["ORG-0001"].unnoticed


@pytest.mark.parametrize(
    ("control", "title", "words"),
    [
        ("ORG-1", "a", "capital letters, a hyphen and four digits"),
        ("../x", "a", "capital letters"),
        ("C-0057", "a", "comes with kscan"),
        ("ORG-0001", " ", "one line of text"),
        ("ORG-0001", "a\nb: c", "one line of text"),
    ],
)
def test_what_cannot_be_one_is_refused(control: str, title: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        text_of(control, title)


def test_no_file_is_written_over(tmp_path: Path) -> None:
    begun("ORG-0001", "a", tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text("mine")
    with pytest.raises(UsageError, match="already"):
        begun("ORG-0001", "a", tmp_path)
    assert path.read_text() == "mine"
    with pytest.raises(UsageError, match="cannot be written"):
        begun("ORG-0001", "a", path)
