"""A regular expression that is compiled late behaves like one that is compiled at once."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from kscan_lsp.regex import regex


def test_a_regex_is_the_compiled_one() -> None:
    found = regex(r"(?P<word>[a-z]+)", re.IGNORECASE)
    assert found.fullmatch("Word")["word"] == "Word"
    assert found.sub("-", "a1b") == "-1-"
    assert (found.pattern, found.groups) == (r"(?P<word>[a-z]+)", 1)
    assert regex(rb"[0-9]").search(b"a1")[0] == b"1"
    with pytest.raises(AttributeError):
        found.nothing  # noqa: B018


def test_every_regex_of_the_program_can_be_compiled() -> None:
    """A mistake in one is found here, and not by who is the first to need it."""
    import kscan_lsp.cli.main
    import kscan_lsp.lsp.server.main  # noqa: F401

    kind = type(regex(""))
    found = 0
    for name, module in sorted(sys.modules.items()):
        if name.startswith("kscan_lsp.") and Path(module.__file__ or "").exists():
            for value in vars(module).values():
                for one in value.values() if isinstance(value, dict) else [value]:
                    if isinstance(one, kind):
                        one.pattern  # noqa: B018
                        found += 1
    assert found > 50
