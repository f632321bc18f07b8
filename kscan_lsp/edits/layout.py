"""The lines, columns and indentation around a node.

Tree offsets say where content is; this says how it is laid out. Columns are trusted only where nothing but
spaces and dashes stands before them, the end of a line only where nothing but a comment follows; otherwise
`CannotEdit`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp.edits.writing import BlockStyle
from kscan_lsp.regex import regex
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Entry, Node

_TO_COLUMN: Final = regex(r" *(?:- +)*")
# No U+2028 and the like in it: to YAML 1.1 they end the comment.
_REST_OF_LINE: Final = regex(r"[ \t]*(#[^\x85\u2028\u2029]*)?")
_COLON: Final = regex(r"[ \t]*:")
_BOM: Final = "\ufeff"
_OUTVOTES_ALL: Final = 10**9


class CannotEdit(Exception):  # noqa: N818 - a reason, not a mistake
    """Why an edit cannot be made surely, in words that start a sentence."""


def nodes(root: Node | None) -> Iterator[Node]:
    """Every node that is written in a tree, keys included; aliases are not followed."""
    pending = [root] if root is not None else []
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Mapping):
            for entry in node.entries:
                pending += entry.key, entry.value
        elif isinstance(node, Sequence):
            pending += node.items


def children(node: Mapping | Sequence) -> list[Node]:
    """The values of a mapping or the items of a list."""
    return [entry.value for entry in node.entries] if isinstance(node, Mapping) else node.items


def child_start(parent: Mapping | Sequence, index: int) -> int:
    """Offset where a child begins: its key, or the item without its dash; anchor and tag included."""
    return node_start(parent.entries[index].key if isinstance(parent, Mapping) else parent.items[index])


def is_null(node: Node) -> bool:
    """Whether a node is an empty value or a null."""
    return isinstance(node, Scalar) and node.value is None and node.style == ""


def node_start(node: Node) -> int:
    """Offset where the text of a node begins, its anchor and tag included."""
    props = -1 if isinstance(node, Alias) else node.props
    return min(node.start, props) if props >= 0 else node.start


def column(document: Document, offset: int) -> int:
    """Column of an offset, where only spaces and dashes stand before it.

    Raises:
        CannotEdit: something else stands before it.
    """
    start = line_start(document, offset)
    if not _TO_COLUMN.fullmatch(document.text, start, offset):
        raise CannotEdit("the lines here are laid out in an unusual way")
    return offset - start


def line_start(document: Document, offset: int) -> int:
    """Offset of the start of a line, behind a byte order mark."""
    start = document.lines.starts[document.lines.line_of(offset)]
    return 1 if start == 0 and document.text.startswith(_BOM) else start


def line_end(document: Document, offset: int) -> int:
    """Offset of the end of a line, before its line end."""
    return document.lines.content_end(document.lines.line_of(offset))


def starts_line(document: Document, offset: int) -> bool:
    """Whether only blanks stand before an offset on its line."""
    return not document.text[line_start(document, offset) : offset].strip(" \t")


def line_break(document: Document, offset: int) -> str:
    """What ends the line of an offset, else what ends the first line, else a newline."""
    lines = document.lines
    for line in (lines.line_of(offset), 0):
        if line + 1 < lines.line_count:
            return document.text[lines.content_end(line) : lines.starts[line + 1]]
    return "\n"


def last_line(document: Document, node: Node) -> int:
    """Number of the line where the content of a block node ends; what follows there is at most a comment.

    Raises:
        CannotEdit: something else follows.
    """
    leaf = last_leaf(node)
    lines = document.lines
    end = max(leaf.start, leaf.end)
    line = lines.line_of(end)
    if is_block_scalar(leaf):
        # its end is where its last line begins only if that line is the next one
        return lines.line_of(end - 1) if end > leaf.start and end == lines.starts[line] else line
    if isinstance(leaf, Scalar) and leaf.start == leaf.end and leaf.props >= 0:
        raise CannotEdit("a value here is an anchor or a tag and nothing else")
    if not _REST_OF_LINE.fullmatch(document.text, end, lines.content_end(line)):
        raise CannotEdit("the lines here are laid out in an unusual way")
    return line


def comment_follows(document: Document, offset: int) -> bool:
    """Whether the line has something more after an offset."""
    return bool(document.text[offset : line_end(document, offset)].strip(" \t"))


def last_leaf(node: Node) -> Node:
    """The node whose end is the end of a block node."""
    while isinstance(node, Mapping | Sequence) and not node.flow and (inner := children(node)):
        node = inner[-1]
    return node


def is_block_scalar(node: Node) -> bool:
    """Whether a node is written with `|` or `>`."""
    return isinstance(node, Scalar) and node.style in {"|", ">"}


def keeps_blank_lines(document: Document, node: Node) -> bool:
    """Whether a node is a block scalar that takes the blank lines after it as its own: `|+`."""
    if not is_block_scalar(node):
        return False
    header = document.text[node.start : line_end(document, node.start)]
    return "+" in header.partition("#")[0]


def colon_end(document: Document, entry: Entry) -> int:
    """Offset after the colon of an entry.

    Raises:
        CannotEdit: there is none right after the key.
    """
    colon = _COLON.match(document.text, entry.key.end)
    if not colon or entry.explicit:
        raise CannotEdit("a key here is written in an unusual way")
    return colon.end()


def block_column(document: Document, mapping: Mapping) -> int:
    """The column at which the keys of a block mapping stand.

    Raises:
        CannotEdit: a `? ` key is among them, or the column is in doubt.
    """
    if any(entry.explicit for entry in mapping.entries):
        raise CannotEdit("a key here is written with a question mark")
    return column(document, child_start(mapping, 0))


def block_style(document: Document, near: Mapping | None = None) -> BlockStyle:
    """The indentation of a document: what `near` shows, else what is most frequent."""
    steps: Counter[int] = Counter()
    dashes: Counter[int] = Counter()
    for node in nodes(document.root):
        if not isinstance(node, Mapping) or node.flow or not node.entries:
            continue
        own = _column_or_none(document, child_start(node, 0))
        for value in children(node):
            if own is None or not isinstance(value, Mapping | Sequence) or value.flow:
                continue
            start = child_start(value, 0) if isinstance(value, Mapping) else value.start
            inner = _column_or_none(document, start)
            if inner is not None and inner >= own:
                weight = _OUTVOTES_ALL if node is near else 1
                (steps if isinstance(value, Mapping) else dashes)[inner - own] += weight
    dash = dashes.most_common(1)[0][0] if dashes else 0
    step = steps.most_common(1)[0][0] if steps else dash
    return BlockStyle(step or 2, dash)


def _column_or_none(document: Document, offset: int) -> int | None:
    try:
        return column(document, offset)
    except CannotEdit:
        return None
