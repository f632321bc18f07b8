"""An operation on the data of a document -> one edit of its text, or a refusal that says what to do by hand.

The law of an edit: it replaces one scalar (a key, too), empty or flow token; or inserts whole lines or one flow entry;
or deletes whole lines, or one flow entry with its comma and the comment on its line. Nothing else, so that
a diff shows what was meant and comments stay with what they are about. An operation that changes nothing is
an empty edit. Nothing raises on a document: what cannot be edited surely is a `Refusal`.

May import the vocabulary, and `yaml`; knows no controls and no Kubernetes.

Left out on purpose: several operations at once (the caller reads the text again after each), judging
whether the result is any better (`fixes/verify.py`), and replacing one block collection by another (remove it,
then set it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.edits import block, flow
from kscan_lsp.edits.layout import CannotEdit, children, is_block_scalar, is_null
from kscan_lsp.edits.place import check_removable, check_unshared, same, walk
from kscan_lsp.edits.writing import block_key, brief, quoted
from kscan_lsp.edits.writing import flow as flow_text
from kscan_lsp.paths import show
from kscan_lsp.regex import regex
from kscan_lsp.text import Span, TextEdit
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.edits.place import Way
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document

_NOTHING: Final = TextEdit(Span(0, 0), "")
_COMMENT: Final = regex(r"(?<!\S)#")


class Refusal(Struct, frozen=True):
    """Why there is no edit, and what the user can write by hand instead; one line of text."""

    message: str


def set_value(document: Document, path: Path, value: object) -> TextEdit | Refusal:
    """Give a path a value; parents that are missing, null or empty are created.

    Args:
        document: the document, as `read_document` gives it.
        path: keys and indices from the document's root. A list item must be there already.
        value: a JSON value: scalar, list or mapping.

    Returns:
        One edit of the document's text; an empty one where the value is there already.
    """
    try:
        return _set(document, path, value)
    except CannotEdit as reason:
        return Refusal(f"{reason}: set {show(path)} to {brief(value)} by hand")


def add_item(document: Document, list_path: Path, value: object) -> TextEdit | Refusal:
    """Append an item to a list, which is created where it is missing, null or empty.

    Args:
        document: the document, as `read_document` gives it.
        list_path: keys and indices from the document's root to the list.
        value: the item, a JSON value.
    """
    try:
        return _add(document, list_path, value)
    except CannotEdit as reason:
        return Refusal(f"{reason}: add {brief(value)} to {show(list_path)} by hand")


def remove(document: Document, path: Path) -> TextEdit | Refusal:
    """Take away an entry or an item; the last one leaves `{}` or `[]`.

    Args:
        document: the document, as `read_document` gives it.
        path: keys and indices from the document's root.

    Returns:
        One edit of the document's text; an empty one where there is nothing to remove.
    """
    try:
        return _remove(document, path)
    except CannotEdit as reason:
        return Refusal(f"{reason}: remove {show(path)} by hand")


def rename(document: Document, path: Path, key: str) -> TextEdit | Refusal:
    """Give an entry of a mapping another key, where it stands: its value and all comments stay.

    Args:
        document: the document, as `read_document` gives it.
        path: keys and indices from the document's root to the entry.
        key: the new key.

    Returns:
        One edit of the document's text; an empty one where there is nothing to rename.
    """
    try:
        return _rename(document, path, key)
    except CannotEdit as reason:
        return Refusal(f"{reason}: rename {show(path)} to {key} by hand")


def _set(document: Document, path: Path, value: object) -> TextEdit:
    way = walk(document, path)
    if not path:
        raise CannotEdit("this is the whole document")
    node, missing = way.node, way.missing
    there = path[: len(path) - len(missing)]
    check_unshared(document, node, there)
    for element in missing:
        if not isinstance(element, str):
            raise CannotEdit(f"{show(there) or 'the document'} has no item {element}")
    if not missing or not isinstance(node, Mapping) or not node.entries:
        return _replace(document, way, there, _nested(missing, value))
    key, inner = str(missing[0]), _nested(missing[1:], value)
    if not node.flow:
        return block.insert_key(document, node, key, inner)
    return flow.insert(document, node, key, inner, flow.style_of(document, way.steps, node))


def _nested(keys: Path, value: object) -> object:
    for key in reversed(keys):
        value = {key: value}
    return value


def _add(document: Document, path: Path, value: object) -> TextEdit:
    way = walk(document, path)
    node = way.node
    if way.missing or is_null(node):
        return _set(document, path, [value])
    check_unshared(document, node, path)
    if not isinstance(node, Sequence):
        raise CannotEdit(f"{show(path)} is no list")
    if not node.items:
        return _replace(document, way, path, [value])
    if not node.flow:
        return block.insert_item(document, node, value)
    return flow.insert(document, node, None, value, flow.style_of(document, way.steps, node))


def _remove(document: Document, path: Path) -> TextEdit:
    way = walk(document, path)
    if way.missing:
        return _NOTHING
    if not way.steps:
        raise CannotEdit("this is the whole document")
    step = way.steps[-1]
    check_removable(document, step, path)
    if step.parent.flow:
        return flow.remove(document, step)
    if len(children(step.parent)) > 1:
        return block.remove(document, step)
    return block.empty(document, step.parent, way.steps[-2] if len(way.steps) > 1 else None)


def _rename(document: Document, path: Path, key: str) -> TextEdit:
    way = walk(document, path)
    if way.missing or path[-1:] == (key,):
        return _NOTHING
    entry = way.steps[-1].entry if way.steps else None
    if entry is None or not isinstance(entry.key, Scalar):
        raise CannotEdit(f"{show(path) or 'the document'} has no key")
    if not walk(document, (*path[:-1], key)).missing:
        raise CannotEdit(f"{show((*path[:-1], key))} is there already")
    old = entry.key
    if old.props >= 0:
        raise CannotEdit(f"the key {show(path)} has an anchor or a tag")
    new = quoted(key) if document.json or old.style == '"' else block_key(key)
    if old.style == "'" and "'" not in key and new == key:
        new = f"'{key}'"
    return TextEdit(Span(old.start, old.end), new)


def _replace(document: Document, way: Way, path: Path, value: object) -> TextEdit:
    """Another value for the node at the end of a way."""
    node = way.node
    if not way.missing and same(data_of(node).value, value):
        return _NOTHING
    if is_block_scalar(node):
        raise CannotEdit(f"{show(path)} is a block of text")
    if isinstance(node, Mapping | Sequence) and children(node):
        if not node.flow:
            raise CannotEdit(f"{show(path)} has a value over several lines")
        if _COMMENT.search(document.text, node.start, node.end):
            raise CannotEdit(f"{show(path)} has comments in it")
        check_removable(document, way.steps[-1], path)
    inner = node if isinstance(node, Mapping | Sequence) else None
    style = flow.style_of(document, way.steps, inner)
    if not way.steps:
        return TextEdit(Span(node.start, node.end), flow_text(value, style))
    step = way.steps[-1]
    if step.parent.flow:
        return flow.replace(document, step, value, style)
    return block.replace(document, step, value, style)
