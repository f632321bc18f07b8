"""Walking trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.yaml.tree import Mapping, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.outcome import Read
    from kscan_lsp.yaml.tree import Node


def nodes(result: Read) -> Iterator[Node]:
    waiting = [result.root] if result.root else []
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Mapping):
            waiting += [part for entry in node.entries for part in (entry.key, entry.value)]
        elif isinstance(node, Sequence):
            waiting += node.items
