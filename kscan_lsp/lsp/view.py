"""What an answer about a document is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kscan_lsp.lsp.client import Client
    from kscan_lsp.lsp.session import Snapshot
    from kscan_lsp.project import CheckedFile
    from kscan_lsp.text import LineIndex


class View(NamedTuple):
    """A checked version of an open document, and what is needed to talk about it."""

    snapshot: Snapshot
    checked: CheckedFile
    lines: LineIndex
    client: Client
