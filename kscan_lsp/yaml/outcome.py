"""What comes of reading a text: a tree, or the fault because of which there is none.

Left out on purpose: how a fault is told from a parser's error (`faults.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.findings import Problem

if TYPE_CHECKING:
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.data import Data
    from kscan_lsp.yaml.tree import Node


class Fault(Struct, frozen=True):
    """What keeps a text from being read."""

    span: Span
    message: str
    noticed: int = 0
    """How far the text could be read."""
    suspects: tuple[Span, ...] = ()
    """Stretches whose lines may be at fault, the likeliest first; none where nothing can be repaired."""
    code: str = "syntax"
    bracket: int | None = None
    """Where the bracket opens that the fault is inside of. Lines begun inside of it are no block lines."""


class Read(Struct, frozen=True):
    """A document as read. `root` is None where there is nothing (comments only) or nothing could be read."""

    root: Node | None
    problems: tuple[Problem, ...]
    fault: Fault | None = None
    """The syntax error or exceeded limit because of which there is no tree; it is among the problems, too."""
    data: Data | None = None
    """What the tree means, where that is known by now; None where it is not."""


def unreadable(fault: Fault) -> Read:
    """The result of reading nothing because of a fault."""
    return Read(None, (Problem(fault.span, fault.message, fault.code, fatal=True),), fault)
