"""One YAML document as a tree with the place of every node.

Plain block YAML is read line by line (`block_reader.py`), all else from the events of a parser (`event_reader.py`).

Left out on purpose: what the tree means (`data.py`), several documents (`document.py`) and repair
(`repair.py`).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from kscan_lsp.text import Span
from kscan_lsp.yaml import layout
from kscan_lsp.yaml.block_reader import is_empty, read_block
from kscan_lsp.yaml.outcome import Read

_BOM: Final = "\ufeff"


def read(text: str) -> Read:
    """Read one YAML document.

    Args:
        text: the document; directives, `---`, comments and a byte order mark may come first.

    Returns:
        The tree and what is wrong, by offsets in `text`. What cannot be read has no root and a fatal problem.
    """
    block = read_block(text)
    return read_other(text) if block is None else Read(block.root, (), data=block.data)


def read_other(text: str) -> Read:
    """What `read` gives, of a text that `read_block` declines."""
    if text.startswith(_BOM):
        content = text.lstrip(_BOM)
        return _shifted(read(content), len(text) - len(content))
    if is_empty(text):
        return Read(None, ())
    from kscan_lsp.yaml.event_reader import read_events  # a fifteenth of a scan of one file

    return read_events(text)


def _shifted(result: Read, by: int) -> Read:
    """The same for a text that has `by` more characters in front."""
    if result.root is not None:
        layout.shift(result.root, by)
    fault = result.fault
    if fault is not None:
        suspects = tuple(_moved(span, by) for span in fault.suspects)
        bracket = None if fault.bracket is None else fault.bracket + by
        fault = replace(
            fault,
            span=_moved(fault.span, by),
            noticed=fault.noticed + by,
            suspects=suspects,
            bracket=bracket,
        )
    return Read(result.root, tuple(replace(p, span=_moved(p.span, by)) for p in result.problems), fault)


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
