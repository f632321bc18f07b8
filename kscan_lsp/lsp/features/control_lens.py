"""The tests of a control file, run while it is typed: what became of each stands above it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from kscan_lsp.lsp import convert
from kscan_lsp.testing.run import run_tests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.testing.run import Outcome
    from kscan_lsp.text import Encoding, LineIndex


def control_lenses(
    policies: PolicySet, path: Path, lines: LineIndex, encoding: Encoding
) -> list[types.CodeLens]:
    """A lens above each test of a control in a file; none where the file is no control, or is wrong.

    Args:
        policies: those that hold, with the file as it is typed.
        path: the file.
        lines: its text.
        encoding: what the editor counts columns in.
    """
    return [
        types.CodeLens(convert.range_of(one.span, lines, encoding), command=types.Command(_said(one), ""))
        for one in _outcomes(policies, path, lines.text)
    ]


def _outcomes(policies: PolicySet, path: Path, text: str) -> Iterator[Outcome]:
    for control, source in policies.sources.items():
        # of a text that has moved on, nothing can be said at its places
        if Path(source.name) == path and source.document.text == text and control in policies.controls:
            yield from run_tests(policies.controls[control], policies)


def _said(outcome: Outcome) -> str:
    if not outcome.failure:
        return "passes"
    first, _, more = outcome.failure.partition("\n")
    return f"fails: {first}, ..." if more else f"fails: {first}"
