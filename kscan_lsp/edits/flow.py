"""Edits of flow style, JSON included: one entry comes or goes with its comma, and the layout stays.

A comment on the line of an entry belongs to it. Where that cannot be kept so, an entry goes in before
another one, or there is no edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.edits.layout import (
    CannotEdit,
    child_start,
    children,
    is_null,
    line_break,
    line_end,
    line_start,
    starts_line,
)
from kscan_lsp.edits.writing import FlowStyle, flow, flow_key
from kscan_lsp.regex import regex
from kscan_lsp.text import Span, TextEdit
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.edits.place import Step
    from kscan_lsp.yaml.document import Document

_COLON: Final = regex(r"[ \t]*:[ \t]*")
_COMMENT_OR_COMMA: Final = regex(r"#[^\r\n]*|,")
_BLANK: Final = regex(r"[ \t]*")
_LINE_TAIL: Final = regex(r"[ \t]*(?:#[^\r\n]*)?")


def insert(
    document: Document, parent: Mapping | Sequence, key: str | None, value: object, style: FlowStyle
) -> TextEdit:
    """One new entry or item (`key` None) at the end of a flow collection that has some."""
    _check_brackets(document, parent)
    text = document.text
    last = len(children(parent)) - 1
    start, end = child_start(parent, last), _child_end(parent, last)
    new = flow(value, style) if key is None else f"{flow_key(key, style)}{style.colon}{flow(value, style)}"
    comma = _comma(text, end, parent.end - 1)
    after = end if comma is None else comma + 1
    tail = _LINE_TAIL.match(text, after)
    line_stop = tail.end() if tail else after
    commented = "#" in text[after:line_stop]
    own_line = starts_line(document, start)
    glue = line_break(document, start) + text[line_start(document, start) : start]
    if comma is not None:
        if own_line:
            return _insertion(line_stop, f"{glue}{new},")
        if commented:
            raise CannotEdit("a comment stands in the brackets here")
        return _insertion(after, f" {new}")
    # `{a:, b: 1}` would be read in more than one way
    gap = " " if text[end - 1] == ":" else ""
    if not commented:
        return _insertion(end, f"{gap},{glue}{new}" if own_line else f"{gap}{style.comma}{new}")
    if not own_line:
        raise CannotEdit("a comment stands in the brackets here")
    if isinstance(parent, Mapping):
        return _insertion(start, f"{new},{glue}")
    return _insertion(line_stop, f"{glue}, {new}")


def replace(document: Document, step: Step, value: object, style: FlowStyle) -> TextEdit:
    """A new value for a scalar, an empty value or a flow collection in a flow collection."""
    node = step.node
    if node.start < node.end:
        return TextEdit(Span(node.start, node.end), flow(value, style))
    if not is_null(node) or (isinstance(node, Scalar) and node.props >= 0):
        raise CannotEdit("the empty value here is written in an unusual way")
    if document.text[node.start - 1] != ":":
        raise CannotEdit("the empty value here is written in an unusual way")
    return _insertion(node.start, " " + flow(value, style))


def remove(document: Document, step: Step) -> TextEdit:
    """Delete one entry of a flow collection with its comma and the comment on its line."""
    parent, index = step.parent, step.index
    _check_brackets(document, parent)
    text = document.text
    last = len(children(parent)) - 1
    start, end = child_start(parent, index), _child_end(parent, index)
    inside = parent.end - 1
    if isinstance(parent, Mapping) and parent.entries[index].explicit:
        raise CannotEdit("a key here is written with a question mark")
    stop = child_start(parent, index + 1) if index < last else inside
    before = _child_end(parent, index - 1) if index else parent.start + 1
    around = text[before:start] + text[end:stop]
    if last == 0 and "#" not in around:
        return TextEdit(Span(parent.start + 1, inside), "")
    comma = _comma(text, end, stop)
    after = end if comma is None else comma + 1
    tail = _LINE_TAIL.match(text, after)
    line_stop = tail.end() if tail else after
    at_line_end = line_stop == line_end(document, after)
    alone = starts_line(document, start) and at_line_end
    if comma is None and index and "#" not in text[before:start]:
        # the comma before goes along, which JSON needs
        return TextEdit(Span(before, line_stop if at_line_end else end), "")
    if alone:
        return TextEdit(Span(line_start(document, start), _next_line(document, after)), "")
    if at_line_end:
        previous = _comma(text, before, start) if index else parent.start
        return TextEdit(Span(start if previous is None else previous + 1, line_stop), "")
    if "#" in text[after:stop]:
        raise CannotEdit("a comment stands in the brackets here")
    blank = _BLANK.match(text, after)
    return TextEdit(Span(start, blank.end() if blank else after), "")


def style_of(document: Document, steps: Iterable[Step], inner: Mapping | Sequence | None) -> FlowStyle:
    """How flow collections are laid out around a place.

    Args:
        document: the document.
        steps: the way to the place.
        inner: the flow collection at the place, if there is one.
    """
    around = [step.parent for step in steps if step.parent.flow]
    if inner is not None and inner.flow:
        around.append(inner)
    full = [collection for collection in around if children(collection)]
    if not full:
        return FlowStyle(json=document.json)
    nearest = full[-1]
    verdicts = [verdict for verdict in map(_quotes_all, full) if verdict is not None]
    json = document.json or (bool(verdicts) and verdicts[-1])
    colon, comma = _separators(document, nearest)
    if not json and not colon.endswith(" "):
        colon = ": "
    start = child_start(nearest, 0)
    if not json or not starts_line(document, start):
        return FlowStyle(json=json, colon=colon, comma=comma)
    indent = document.text[line_start(document, start) : start]
    closing = document.text[line_start(document, nearest.end - 1) : nearest.end - 1]
    outer = closing if not closing.strip(" \t") else ""
    step = indent[len(outer) :] if indent.startswith(outer) else "  "
    return FlowStyle(
        json=True,
        colon=colon,
        step=step or "  ",
        indent=indent,
        inline_lists=_inline_lists(document),
        line_end=line_break(document, start),
    )


def _insertion(at: int, text: str) -> TextEdit:
    return TextEdit(Span(at, at), text)


def _check_brackets(document: Document, collection: Mapping | Sequence) -> None:
    """Refuse `[a: 1]`, whose mapping has no brackets of its own."""
    if document.text[collection.start] not in "{[":
        raise CannotEdit("a mapping here is written without brackets")


def _child_end(parent: Mapping | Sequence, index: int) -> int:
    node = children(parent)[index]
    if isinstance(node, Scalar) and node.start == node.end:
        if node.props >= 0:
            raise CannotEdit("a value here is an anchor or a tag and nothing else")
        if isinstance(parent, Mapping):
            return max(parent.entries[index].key.end, node.end)
    return node.end


def _comma(text: str, start: int, end: int) -> int | None:
    """Offset of the comma between two entries, where besides it there are only blanks and comments."""
    for match in _COMMENT_OR_COMMA.finditer(text, start, end):
        if match[0] == ",":
            return match.start()
    return None


def _next_line(document: Document, offset: int) -> int:
    lines = document.lines
    line = lines.line_of(offset) + 1
    return lines.starts[line] if line < lines.line_count else len(document.text)


def _quotes_all(collection: Mapping | Sequence) -> bool | None:
    """Whether every key, or every string of a list, stands in double quotes; None where there is none."""
    if isinstance(collection, Mapping):
        nodes = [entry.key for entry in collection.entries]
    else:
        nodes = [
            item for item in collection.items if isinstance(item, Scalar) and isinstance(item.value, str)
        ]
    if not nodes:
        return None
    return all(isinstance(node, Scalar) and node.style == '"' for node in nodes)


def _separators(document: Document, collection: Mapping | Sequence) -> tuple[str, str]:
    text = document.text
    colon = ": "
    if isinstance(collection, Mapping):
        entry = collection.entries[0]
        match = _COLON.match(text, entry.key.end)
        colon = match[0] if match and match.end() == entry.value.start else ": "
    comma = "," if colon == ":" else ", "
    if len(children(collection)) > 1:
        between = text[_child_end(collection, 0) : child_start(collection, 1)]
        if not between.strip(" ,") and between.startswith(","):
            comma = between
    return colon, comma


def _inline_lists(document: Document) -> bool:
    """Whether lists of scalars stand on one line each in a document that is otherwise laid out over lines."""
    found = False
    pending = [document.root]
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            pending += [entry.value for entry in node.entries]
        elif isinstance(node, Sequence) and node.items:
            pending += node.items
            if all(isinstance(item, Scalar) for item in node.items):
                if starts_line(document, node.items[0].start):
                    return False
                found = True
    return found
