"""Edits of block style: whole lines come and go, or one token on a line is replaced.

What is inserted goes to the end of a collection's content, before comments and blank lines that follow,
since those belong to nobody or to what comes next. What is removed takes its own lines and the comments on
them along, and leaves comments on lines of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.edits.layout import (
    CannotEdit,
    block_column,
    block_style,
    child_start,
    children,
    colon_end,
    column,
    comment_follows,
    is_block_scalar,
    keeps_blank_lines,
    last_leaf,
    last_line,
    line_break,
    line_start,
    starts_line,
)
from kscan_lsp.edits.writing import BlockStyle, FlowStyle, block, flow
from kscan_lsp.regex import regex
from kscan_lsp.text import Span, TextEdit
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.edits.place import Step
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

_SPACE: Final = regex(r"[ \t\r\n]*")
_LINE: Final = regex(r"([ \t]*)([^\r\n]?)[^\r\n]*(?:\r\n?|\n|$)")


def insert_key(document: Document, mapping: Mapping, key: str, value: object) -> TextEdit:
    """Lines for a new key at the end of a block mapping that has keys."""
    lines = block({key: value}, block_style(document, mapping))
    return _lines_after(document, mapping, block_column(document, mapping), lines)


def insert_item(document: Document, sequence: Sequence, value: object) -> TextEdit:
    """Lines for a new item at the end of a block list that has items."""
    return _lines_after(
        document, sequence, column(document, sequence.start), block([value], block_style(document))
    )


def replace(document: Document, step: Step, value: object, style: FlowStyle) -> TextEdit:
    """A new value for a scalar, an empty value or a flow collection in a block collection.

    A collection with content goes on lines of its own, unless it takes the place of a flow collection that
    has some, or a comment stands behind, which would then stand behind something else; `style` is for these.
    """
    node = step.node
    if isinstance(node, Alias):
        raise CannotEdit("an alias stands here")
    many_lines = isinstance(value, dict | list) and bool(value)
    if isinstance(node, Scalar) and node.start == node.end:
        return _fill(document, step, value)
    if not many_lines:
        return TextEdit(Span(node.start, node.end), block(value, BlockStyle())[0])
    if (
        comment_follows(document, node.end)
        or node.props >= 0
        or (not isinstance(node, Scalar) and children(node))
    ):
        return TextEdit(Span(node.start, node.end), flow(value, style))
    newline = line_break(document, node.end)
    entry = step.entry
    if entry is None or starts_line(document, node.start):
        indent = column(document, node.start)
        lines = block(value, block_style(document))
        return TextEdit(Span(node.start, node.end), (newline + " " * indent).join(lines))
    after_key = colon_end(document, entry)
    if document.text[after_key : node.start].strip(" \t"):
        return TextEdit(Span(node.start, node.end), flow(value, style))
    lines = _under_key(document, step, value)
    return TextEdit(Span(after_key, node.end), "".join(newline + line for line in lines))


def remove(document: Document, step: Step) -> TextEdit:
    """Delete one of several children of a block collection, with its lines."""
    parent, index = step.parent, step.index
    if isinstance(parent, Mapping):
        block_column(document, parent)
    lines, text = document.lines, document.text
    line = last_line(document, step.node)
    at_end = line + 1 >= lines.line_count
    after = len(text) if at_end else lines.starts[line + 1]
    start = child_start(parent, index) if isinstance(parent, Mapping) else _dash(document, parent, index)
    if not starts_line(document, start):
        if index > 0:
            raise CannotEdit("the lines here are laid out in an unusual way")
        # `- key: value`: the dash stays, and what comes next moves up to it
        return TextEdit(Span(start, _skip_space(text, after)), "")
    before = last_leaf(children(parent)[index - 1]) if index else None
    if before is not None and is_block_scalar(before):
        _check_not_swallowed(document, before, after, column(document, start))
    elif at_end:
        # keep a document without a final line end without one
        return TextEdit(Span(lines.content_end(lines.line_of(start) - 1), after), "")
    return TextEdit(Span(line_start(document, start), after), "")


def empty(document: Document, collection: Mapping | Sequence, step: Step | None) -> TextEdit:
    """Put `{}` or `[]` in place of a block collection, whose own step is `step` (None for the root)."""
    text = document.text
    brackets = "{}" if isinstance(collection, Mapping) else "[]"
    end = document.lines.content_end(last_line(document, collection))
    start = child_start(collection, 0) if isinstance(collection, Mapping) else collection.start
    entry = step.entry if step else None
    if entry is None:
        return TextEdit(Span(start, end), brackets)
    after_key = colon_end(document, entry)
    if not text[after_key:start].strip():
        return TextEdit(Span(after_key, end), f" {brackets}")
    # A comment or an anchor after the colon stays where it is; the brackets must stand deeper than the key.
    own = column(document, _entry_start(step))
    pad = " " * max(0, own + 1 - column(document, start))
    return TextEdit(Span(start, end), pad + brackets)


def _fill(document: Document, step: Step, value: object) -> TextEdit:
    """A value where there is none: on the line of a scalar, or on lines of its own."""
    node = step.node
    text = document.text
    entry = step.entry
    if isinstance(node, Scalar) and node.props >= 0:
        raise CannotEdit("the empty value here has an anchor or a tag")
    if text[node.start - 1 : node.start] != (":" if entry else "-"):
        raise CannotEdit("the empty value here is written in an unusual way")
    if not (isinstance(value, dict | list) and value):
        return TextEdit(Span(node.start, node.start), " " + block(value, BlockStyle())[0])
    if entry:
        return _lines_after(document, node, 0, _under_key(document, step, value))
    if comment_follows(document, node.start):
        return TextEdit(Span(node.start, node.start), " " + flow(value, FlowStyle()))
    indent = column(document, node.start - 1) + 2
    glue = line_break(document, node.start) + " " * indent
    return TextEdit(Span(node.start, node.start), " " + glue.join(block(value, block_style(document))))


def _under_key(document: Document, step: Step, value: object) -> list[str]:
    """Lines of a collection below the key of `step`, indented to where they go."""
    mapping = step.parent
    assert isinstance(mapping, Mapping)  # noqa: S101 - only a mapping has entries
    style = block_style(document, mapping)
    indent = block_column(document, mapping) + (style.step if isinstance(value, dict) else style.dash)
    return [" " * indent + line for line in block(value, style)]


def _lines_after(document: Document, node: Node, indent: int, lines: list[str]) -> TextEdit:
    """Insert whole lines after the last line of a node's content."""
    leaf = last_leaf(node)
    line = last_line(document, node)
    starts = document.lines.starts
    if keeps_blank_lines(document, leaf):
        while line + 2 < len(starts) and not document.text[starts[line + 1] : starts[line + 2]].strip():
            line += 1
    newline = line_break(document, starts[line])
    indented = [" " * indent + text for text in lines]
    if line + 1 < len(starts):
        return TextEdit(
            Span(starts[line + 1], starts[line + 1]), "".join(text + newline for text in indented)
        )
    if is_block_scalar(leaf):
        raise CannotEdit("the block of text at the end would change; end the file with a line end first")
    end = len(document.text)
    return TextEdit(Span(end, end), "".join(newline + text for text in indented))


def _dash(document: Document, sequence: Sequence, index: int) -> int:
    """Offset of the dash of an item."""
    if index == 0:
        return sequence.start
    indent = column(document, sequence.start)
    lines = document.lines
    line = last_line(document, sequence.items[index - 1]) + 1
    while line < lines.line_count:
        start = lines.starts[line]
        content = document.text[start : lines.content_end(line)].strip(" \t")
        if content.startswith("-") and document.text[start : start + indent].strip(" ") == "":
            return start + indent
        if content and not content.startswith("#"):
            break
        line += 1
    raise CannotEdit("the lines here are laid out in an unusual way")


def _entry_start(step: Step | None) -> int:
    return child_start(step.parent, step.index) if step else 0


def _check_not_swallowed(document: Document, leaf: Node, after: int, indent: int) -> None:
    """Refuse where a block scalar would take what follows the removed lines as its own."""
    at = after
    while at < len(document.text):
        line = _LINE.match(document.text, at)
        if not line or line[2] not in {"", "#"}:
            return
        deeper = line[2] == "#" and len(line[1]) > indent
        if deeper or (not line[2] and keeps_blank_lines(document, leaf)):
            raise CannotEdit("the block of text above would change")
        at = max(line.end(), at + 1)


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
