"""splice(tree, values, before, after) -> what reading `after` would give, made from what `before` gave.

While someone types, one text follows another that differs in a word. Where that word is all of a plain or quoted value
on one line, or where whole lines came or went that are blank or hold a comment, nothing else can be read differently:
what stands above is taken over as it is, what stands below is moved, and only the collections around the change are
made anew. That takes a tenth of the time that reading takes, and since values are shared, whoever remembers something
about one knows it again.

It must never be seen whether a text was read or spliced; a test compares the two. So everything in doubt is left to the
reader: keys, several lines at once, flow collections, block scalars, escapes, anchors, tabs, and what has a problem.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.text import Span, minimal_edit
from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.tree import Alias, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.tree import Node

_DOUBTFUL: Final = ("&", "<<", "\t")
"""Anchors, merges, and tabs, which mean something else in each place."""
_NOTHING: Final = regex(r" *(?:#[ -~]*)?")
"""A line that says nothing."""
_WORD: Final = r"[\w./@=+,%-]+(?::[\w./@=+,%-]+)*"
_VALUE: Final = regex(
    rf"""(?P<before>\ *(?:-\ +)*(?:\w[\w./-]*:\ +)?)
    (?P<value>(?=[\w/]){_WORD}(?:\ +{_WORD})*|"[ !#-\[\]-~]*"|'[ -&(-~]*')
    (?P<behind>\ *(?:\ \#[ -~]*)?)""",
    re.ASCII | re.VERBOSE,
)
"""A line with a value that ends on it, whatever it is: a plain one of harmless characters, or one in quotes."""


class Shift(Struct, frozen=True):
    """How places moved in a tree whose shape is as it was: all that began or ended at `end` or behind it, by `by`."""

    end: int
    by: int

    def moved(self, span: Span) -> Span:
        """Where a place of the text before is now. It lies between ends of nodes or of lines."""
        start, end = span
        if end < self.end:
            return span
        return Span(start + self.by if start >= self.end else start, end + self.by)


class TreeEdit(Struct, frozen=True):
    """What is different in a document after an edit that changed next to nothing: one value, or none."""

    path: Path | None
    """Of the value, from the root; None where all values are what they were."""
    shift: Shift | None
    """How places moved; None where they are to be found anew."""


class Spliced(Struct, frozen=True):
    """A tree and its values, and what is different in them."""

    root: Node
    data: Any
    edit: TreeEdit


def splice(root: Node, data: object, before: str, after: str) -> Spliced | None:
    """The tree and the values of a text that differs little from another.

    Args:
        root: the tree of `before`, which has no problem.
        data: its values.
        before: the text that was read.
        after: the text of now.

    Returns:
        None where `after` must be read; else what reading it gives, sharing with `root` and `data` what it can.
    """
    edit = minimal_edit(before, after)
    if edit is None or any(sign in before for sign in _DOUBTFUL):
        return None
    start = _line_start(before, edit.span.start)
    tail = len(before) - _line_end(before, edit.span.end)
    old, new = before[start : len(before) - tail], after[start : len(after) - tail]
    if (was := _VALUE.fullmatch(old)) and (now := _VALUE.fullmatch(new)):
        if was["before"] != now["before"] or was["behind"] != now["behind"]:
            return None
        value, style = _value(now["value"])
        at = start + was.end("before")
        changed = Scalar(at, at + len(now["value"]), value, style)
        change = _Change(at, start + was.end("value"), len(new) - len(old), changed)
    else:
        removed, added, above = _lines(old, new)
        if not all(map(_NOTHING.fullmatch, (*removed, *added))):
            return None
        at = start + above
        change = _Change(at, at + sum(len(line) + 1 for line in removed), len(new) - len(old), None)
    if change.end <= root.start:
        return None
    path: list[str | int] = []
    try:
        made, values = change.across(root, data, path)
    except _Doubt:
        return None
    shift = Shift(change.end, change.by)
    return Spliced(made, values, TreeEdit(tuple(path) if change.value else None, shift))


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    ends = [end for end in (text.find("\n", at), text.find("\r", at)) if end >= 0]
    return min(ends, default=len(text))


def _lines(old: str, new: str) -> tuple[list[str], list[str], int]:
    """The lines by which two texts differ, and how many characters both begin with."""
    removed, added = old.split("\n"), new.split("\n")
    above = 0
    while removed and added and removed[-1] == added[-1]:
        removed.pop()
        added.pop()
    while removed and added and removed[0] == added[0]:
        above += len(removed.pop(0)) + 1
        added.pop(0)
    return removed, added, above


def _value(written: str) -> tuple[scalars.Value, str]:
    """What a value is read as, and its style."""
    if written[0] in "\"'":
        return written[1:-1], written[0]
    return scalars.plain(written), ""


class _Doubt(Exception):  # noqa: N818 - it never leaves this module
    """The text must be read."""


class _Change(Struct, frozen=True):
    """What is different: all from `start` to `end`, and by how much the rest moves."""

    start: int
    end: int
    by: int
    value: Scalar | None
    """What stands there now; None where nothing but blank lines and comments came and went."""

    def across(self, node: Node, data: Any, path: list[str | int]) -> tuple[Node, Any]:
        """What becomes of a node that begins before the end of the change, and of its values.

        The way from there to the change is added to `path`.
        """
        value = self.value
        if isinstance(node, Alias) or node.props >= 0:
            raise _Doubt
        if isinstance(node, Scalar):
            if value is None or (node.start, node.end) != (self.start, self.end):
                raise _Doubt  # the change lies in a value of several lines
            return value, value.value
        if value and node.flow:
            raise _Doubt
        end = node.end + self.by if node.end >= self.end else node.end
        if isinstance(node, Mapping):
            entries, data = self.entries(node.entries, data, path)
            return Mapping(node.start, end, node.flow, entries), data
        items, data = self.items(node.items, data, path)
        return Sequence(node.start, end, node.flow, items), data

    def entries(self, entries: list[Entry], data: Any, path: list[str | int]) -> tuple[list[Entry], Any]:
        above = next((n for n, e in enumerate(entries) if e.value.end >= self.start), len(entries))
        made, below = entries[:above], entries[above:]
        if not below or below[0].key.start >= self.end:
            self.between(Mapping(0, 0, False, made))
        else:
            entry = below.pop(0)
            key = entry.key
            # a key with a tag can be a number here, and is text in the values
            if entry.explicit or key.end >= self.start or not isinstance(key, Scalar) or key.tag is not None:
                raise _Doubt
            if not isinstance(key.value, str):
                raise _Doubt
            if entry.value.start >= self.end:
                self.between(None)
                value = self.moved(entry.value)
            else:
                there = data[key.value]
                path.append(key.value)
                value, now = self.across(entry.value, there, path)
                if now is not there:
                    data = {**data, key.value: now}
            made.append(Entry(key, value))
        made += [Entry(self.moved(e.key), self.moved(e.value), e.explicit) for e in below]
        return made, data

    def items(self, items: list[Node], data: Any, path: list[str | int]) -> tuple[list[Node], Any]:
        above = next((n for n, item in enumerate(items) if item.end >= self.start), len(items))
        made, below = items[:above], items[above:]
        if not below or below[0].start >= self.end:
            self.between(Sequence(0, 0, False, made))
        else:
            there = data[above]
            path.append(above)
            item, now = self.across(below.pop(0), there, path)
            if now is not there:
                data = [*data[:above], now, *data[above + 1 :]]
            made.append(item)
        made += map(self.moved, below)
        return made, data

    def between(self, above: Node | None) -> None:
        """The change lies behind a node, and in front of the next one."""
        while isinstance(above, Mapping | Sequence):
            if isinstance(above, Mapping) and above.entries and above.entries[-1].explicit:
                raise _Doubt
            inner = [entry.value for entry in above.entries] if isinstance(above, Mapping) else above.items
            above = inner[-1] if inner else None
        if self.value or (isinstance(above, Scalar) and above.style in {"|", ">"}):
            raise _Doubt  # what follows a block scalar may belong to it

    def moved(self, node: Node) -> Node:
        """A node behind the change."""
        by = self.by
        if isinstance(node, Alias) or -1 < node.props < self.end:
            raise _Doubt
        props = node.props + by if node.props >= 0 else -1
        start, end = node.start + by, node.end + by
        if isinstance(node, Scalar):
            return Scalar(start, end, node.value, node.style, node.anchor, node.tag, props)
        if isinstance(node, Mapping):
            entries = [Entry(self.moved(e.key), self.moved(e.value), e.explicit) for e in node.entries]
            return Mapping(start, end, node.flow, entries, node.anchor, node.tag, props)
        return Sequence(start, end, node.flow, [*map(self.moved, node.items)], node.anchor, node.tag, props)
