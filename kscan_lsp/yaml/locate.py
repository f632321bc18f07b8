"""Where in a document a path is, for messages about files that people write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.tree import Scalar

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


_WORD: Final = re.compile(r"\w+|\S|")


def span_within(document: Document, path: tuple[str | int, ...], offset: int) -> Span:
    """The span of the word at an offset in a text, as it is written; of all of it where that cannot be told.

    However a text is written, folded or quoted, the characters that are no blanks come in the same order.

    Args:
        document: has the text.
        path: where.
        offset: of a character of the text, as read.
    """
    found = document.root and nearest(document.root, path)
    node = found.node if found and found.depth == len(path) else None
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return span_at(document, path)
    if not node.value[offset:].strip():
        return span_at(document, path)
    text, at = document.text, node.start
    if node.style == '"' and "\\" in text[node.start : node.end]:
        return span_at(document, path)
    if node.style in {"|", ">"}:
        at = text.find("\n", at, node.end) + 1
    elif node.style:
        at += 1
    before = len("".join(node.value[:offset].split()))
    while at < node.end and (before or text[at].isspace()):
        before -= not text[at].isspace()
        at += 2 if node.style == "'" and text.startswith("''", at) else 1
    word = _WORD.match(text, at, node.end)
    return Span(*word.span()) if word and word[0] else span_at(document, path)
