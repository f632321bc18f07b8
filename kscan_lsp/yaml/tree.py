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

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Scalar:
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


@dataclass(slots=True, eq=False)
class Entry:
    """One `key: value` of a mapping. `explicit` marks a `? key`."""

    key: Node
    value: Node
    explicit: bool = False


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping in block or flow style."""

    start: int
    end: int
    flow: bool
    entries: list[Entry] = field(default_factory=list)
    anchor: str | None = None
    tag: str | None = None
    props: int = -1


@dataclass(slots=True, eq=False)
class Sequence:
    """A sequence in block or flow style. `start` of a block sequence is its first dash."""

    start: int
    end: int
    flow: bool
    items: list[Node] = field(default_factory=list)
    anchor: str | None = None
    tag: str | None = None
    props: int = -1


@dataclass(slots=True, eq=False)
class Alias:
    """`*name`: the place of use; `target` is the anchored node, which may contain this very alias."""

    start: int
    end: int
    name: str
    target: Node


Node = Scalar | Mapping | Sequence | Alias
