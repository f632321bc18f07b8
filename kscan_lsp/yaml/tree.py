"""The tree of one YAML or JSON document, with the place of every node.

A tree keeps what the text says (aliases stay nodes, merge keys stay entries, duplicate keys stay both),
because edits and squiggles are about text. What the text *means* to Kubernetes is one step further, in
`data.py`.

All offsets are code points counted from the start of the document's own text, so that a tree stays valid when
the document moves inside its file. `start` is where the content of a node begins, after its anchor and tag;
`end` is where content ends: for a block collection that is the end of its last child, for a block scalar the
end of its last line that is not blank. A tree is frozen by convention: nothing writes to it after the reader.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MAX_DEPTH: Final = 100
"""How deep collections may nest."""
MAX_NODES: Final = 500_000
"""How many nodes one document may have."""


# without garbage collection: it holds nothing that could hold it, and to look at it took a quarter of a collection
class Scalar(Struct, eq=False, gc=False):
    """A scalar, an empty value included (`start == end`, right after the colon or dash)."""

    start: int
    end: int
    value: str | int | float | bool | None
    """What kubectl reads it as."""
    style: str
    """'' for plain and empty, "'" and '"' quoted, '|' and '>' block."""
    anchor: str | None = None
    tag: str | None = None
    props: int = -1
    """Offset of the anchor or tag in front of the content; -1 where there is neither."""


class Entry(Struct, eq=False):
    """One `key: value` of a mapping. `explicit` marks a `? key`."""

    key: Node
    value: Node
    explicit: bool = False


class Mapping(Struct, eq=False):
    """A mapping in block or flow style."""

    start: int
    end: int
    flow: bool
    entries: list[Entry] = []
    anchor: str | None = None
    tag: str | None = None
    props: int = -1


class Sequence(Struct, eq=False):
    """A sequence in block or flow style. `start` of a block sequence is its first dash."""

    start: int
    end: int
    flow: bool
    items: list[Node] = []
    anchor: str | None = None
    tag: str | None = None
    props: int = -1


class Alias(Struct, eq=False):
    """`*name`: the place of use; `target` is the anchored node, which may contain this very alias."""

    start: int
    end: int
    name: str
    target: Node


Node = Scalar | Mapping | Sequence | Alias
