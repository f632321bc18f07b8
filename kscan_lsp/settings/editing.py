"""A list of the inputs in a settings file, changed where it stands, in the style of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp import paths
from kscan_lsp.edits import Refusal, add_item, remove, set_value
from kscan_lsp.edits.writing import BlockStyle, block
from kscan_lsp.text import Span, TextEdit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.yaml.document import Document

INPUTS: Final = "inputs"


def with_input(document: Document, name: str, values: Sequence[str]) -> TextEdit | Refusal:
    """Give an input a list, by the smallest edit: of a list that differs in one entry, that entry.

    Args:
        document: the settings file, as read; without content, or of comments only, for a new one.
        name: of the input.
        values: what it is to be.
    """
    if document.root is None:
        return _appended(document, name, values)
    inputs = paths.lookup(document.data, (INPUTS,))
    if isinstance(inputs, str):
        return Refusal(f"the inputs are in the file '{inputs}'")
    path = (INPUTS, name)
    there = paths.lookup(document.data, path)
    if isinstance(there, list):
        if [*values[:-1]] == there:
            return add_item(document, path, values[-1])
        for index in range(len(there)):
            if [*there[:index], *there[index + 1 :]] == [*values]:
                return remove(document, (*path, index))
        return Refusal(f"'{name}' is another list than the one that holds")
    return set_value(document, path, [*values])


def _appended(document: Document, name: str, values: Sequence[str]) -> TextEdit | Refusal:
    """The key at the end of a file in which nothing is said."""
    text = document.text
    if document.problems or "---" in text or "..." in text:
        return Refusal("the settings file has nothing in it that could be edited")
    newline = "\r\n" if "\r\n" in text else "\n"
    glue = "" if not text or text.endswith("\n") else newline
    lines = block({INPUTS: {name: [*values]}}, BlockStyle())
    return TextEdit(Span(len(text), len(text)), glue + "".join(line + newline for line in lines))
