"""Plain block YAML -> the same tree that the parser's events give, in a fifth of the time.

Nine of ten manifests are nothing but block mappings and lists of scalars on one line, with comments, literal texts and
a few brackets. libyaml reads them in no time; to make its events as objects, and our tree of those, takes 0.66 ms for
50 lines, most of what reading a document costs. Here they are read line by line, and what a line says is looked up
where it was read before (`block_lines.py`).

What is read: spaces as indentation, one dash a line, plain and quoted keys and values that end on their line, `|` and
the simplest of `>`, `[a, 'b']` and `{a: b}` on one line, comments, `---` in front. Whatever else comes, and whatever
libyaml might refuse, is declined, and `reader.py` reads the text from its start: this is a short cut, which must never
be seen in a result. `tests/unit/yaml/test_block_reader.py` compares the two on what people wrote and on what chance
makes of it.

Left out on purpose: errors, anchors, aliases, tags, most escapes, scalars on several lines, `? key`, tabs, CR, and
directives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.yaml import block_lines
from kscan_lsp.yaml.block_lines import (
    BELOW,
    MAX_BRACKETS,
    NO_VALUE,
    NOTHING,
    NULL,
    NULL_INSIDE,
    SEPARATOR,
    VALUE,
    copy_at,
    read_line,
)
from kscan_lsp.yaml.data import Data
from kscan_lsp.yaml.tree import MAX_DEPTH, MAX_NODES, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.yaml.tree import Node

_MAX_LENGTH: Final = 2 * MAX_NODES - 100
"""Characters. The events of a text are hardly more than its characters, so a shorter one keeps to `MAX_NODES`."""
_MAX_PLAIN: Final = 100_000
"""Characters. No text has half as many values."""
_BELOW: Final = regex(r"[|>]-?+\n++(\ ++)[^ \n][^\n]*+(?:\n++\1[^\n]*+)*+(?=\n)")
"""A whole literal text, from its header, and its indentation."""
_BLANK: Final = regex(r"\n++\ ++(?:\n|\Z)")
"""What follows a text below its line where libyaml may take spaces into it that are no part of it here."""
_EMPTY: Final = regex(r"(?:---(?=\n|\Z))?(?:\n|#[^\n]*+(?:\n|\Z))*+")
"""No line, or comments."""


def is_empty(text: str) -> bool:
    """Whether a document is surely empty, as it is where there are no settings, and above a file's first `---`."""
    return not text or (_EMPTY.fullmatch(text) is not None and text.replace("\n", " ").isprintable())


class Block(Struct, frozen=True):
    """A document of plain block YAML."""

    root: Node
    data: Data | None
    """What it means, made on the way; None where that takes another look (`data_of`)."""
    starts: list[int]
    """Where its lines start."""
    plain: bool
    """Whether all of the data is what `Content.plain` says."""


def read_block(text: str) -> Block | None:  # noqa: PLR0915 - one loop, for speed
    """Read a document of plain block YAML.

    Args:
        text: any document.

    Returns:
        Its tree and what that means, if it is such a document and has no problem. None says nothing about it.
    """
    if len(text) > _MAX_LENGTH:
        return None
    known = block_lines.known_lines.get
    stream: list[Node] = []
    # The collection that is being read (at first the stream of documents), what is in it, and its column: that twice,
    # and one more in a list, since a list in a mapping may begin at the column of its key.
    top: Mapping | Sequence = Sequence(0, 0, False)
    children: list[Any] = stream
    level = -1
    above: list[tuple[Mapping | Sequence, list[Any], int, Any]] = []
    name: Scalar | None = None  # the key whose value comes next; None in a list
    # The same as plain values, which a walk over the tree would take a third as long again to make. Keys that come
    # twice are left to that, and show in the end: a mapping has fewer than entries.
    meant: list[Any] = []
    values: Any = meant
    name_text: Any = None
    mappings: list[list[Any]] = []
    maps: list[dict[str, Any]] = []
    nulls = 0
    given: Any
    behind = 0  # where that value lies if it is empty, right behind colon or dash; -1 where none is missing
    at = last = 0  # where the line begins, and where content ended
    starts: list[int] = []
    node: Node | None
    lines = iter(text.split("\n"))
    for line in lines:
        starts.append(at)
        width, place, dash, inner, field, key_end, quote, kind, given, value_at, value_end, style = known(
            line
        ) or read_line(line)
        if place == level and kind == VALUE and behind < 0 and not dash:
            # the next key of a mapping, with a value: half of all lines
            last = at + value_end
            children.append(
                Entry(
                    Scalar(at + inner, at + key_end, field, quote), Scalar(at + value_at, last, given, style)
                )
            )
            values[field] = given
            at += width
            continue
        if place < 0:
            if place == SEPARATOR and not above and not last:
                last = at + 1
            elif place != NOTHING:
                return None
            at += width
            continue
        if place > level:
            if behind < 0 or len(above) > MAX_DEPTH - 2 - MAX_BRACKETS:  # a line opens two and brackets
                return None
            above.append((top, children, level, values))
            inside: list[Any] = []
            start = at + (place >> 1)
            opened: Any
            if dash:
                top, opened = Sequence(start, start, False, inside), []
            else:
                top, opened = Mapping(start, start, False, inside), {}
                mappings.append(inside)
                maps.append(opened)
            if name is None:
                children.append(top)
                values.append(opened)
            else:
                children.append(Entry(name, top))
                values[name_text] = opened
            children, level, values = inside, place, opened
        else:
            if behind >= 0:
                last = behind
                nulls += 1
                node = Scalar(last, last, None, "")
                if name is None:
                    children.append(node)
                    values.append(None)
                else:
                    children.append(Entry(name, node))
                    values[name_text] = None
            while level > place:
                top.end = last
                top, children, level, values = above.pop()
            if level != place:
                return None
        if dash:
            name = None
            behind = at + (place >> 1) + 1
            if field is not None:
                start = at + inner
                above.append((top, children, level, values))
                inside, opened = [], {}
                top = Mapping(start, start, False, inside)
                children.append(top)
                values.append(opened)
                mappings.append(inside)
                maps.append(opened)
                children, level, values = inside, 2 * inner, opened
        if field is not None:
            behind = at + key_end
            name, name_text = Scalar(at + inner, behind, field, quote), field
            behind += 1
        if kind == VALUE:
            last = at + value_end
            node = Scalar(at + value_at, last, given, style)
        elif kind == NO_VALUE:
            at += width
            continue
        elif kind == NULL:
            nulls += 1
            last = at + value_end
            node = Scalar(at + value_at, last, None, style)
        elif kind == BELOW:
            found = _BELOW.match(text, at + value_at)
            if found is None or len(found[1]) <= level // 2 or _BLANK.match(text, found.end()):
                return None
            node = _text_below(found[0], at + value_at, found[1])
            if node is None:
                return None
            last, given = node.end, node.value
            for _ in range(found[0].count("\n")):
                at += width
                starts.append(at)
                width = len(next(lines)) + 1
        else:
            nulls += kind == NULL_INSIDE
            node, given = copy_at(given, at)
            last = node.end
        if name is None:
            children.append(node)
            values.append(given)
        else:
            children.append(Entry(name, node))
            values[name_text] = given
        behind = -1
        at += width
    if not stream:
        return None
    if behind >= 0:
        last = behind
        nulls += 1
        node = Scalar(last, last, None, "")
        if name is None:
            children.append(node)
            values.append(None)
        else:
            children.append(Entry(name, node))
            values[name_text] = None
    for open_one, *_ in above[1:]:
        open_one.end = last
    top.end = last
    if [*map(len, maps)] != [*map(len, mappings)]:
        return Block(stream[0], None, starts, False)
    return Block(stream[0], Data(meant[0], ()), starts, not nulls and len(text) <= _MAX_PLAIN)


def _text_below(written: str, start: int, inner: str) -> Scalar | None:
    """A literal or folded scalar; a folded one only where every line is an ordinary one."""
    header, _, body = written.partition("\n")
    value = ("\n" + body).replace("\n" + inner, "\n").rstrip("\n")[1:]
    if not value.replace("\n", " ").isprintable():
        return None
    if header[0] == ">":
        if value[0] == "\n" or "\n\n" in value or "\n " in value:
            return None
        value = value.replace("\n", " ")
    # lines of spaces at its end count in the value, and not in the place
    end = written.find("\n", len(written.rstrip(" \n")))
    if end < 0:
        end = len(written)
    return Scalar(start, start + end, value if header[1:] else value + "\n", header[0])
