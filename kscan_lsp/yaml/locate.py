"""Where in a document a path is, for messages about files that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest

if TYPE_CHECKING:
    from kscan_lsp.yaml.document import Document


def span_at(document: Document, path: tuple[str | int, ...], *, on_key: bool = False) -> Span:
    """The span of what stands at a path, or of its nearest ancestor that is there."""
    if document.root is None:
        return Span(0, 0)
    found = nearest(document.root, path)
    if found.entry is not None and (on_key or found.depth < len(path)):
        return Span(found.entry.key.start, found.entry.key.end)
    end = document.text.find("\n", found.node.start, found.node.end)
    return Span(found.node.start, found.node.end if end < 0 else end)
