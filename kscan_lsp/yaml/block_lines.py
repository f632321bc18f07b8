"""What one line of plain block YAML says, whatever stands around it; and the lines that were read last.

A line of such YAML means nothing but what is written on it and at which column. And nearly all lines of manifests come
again: `metadata:`, `- name: http` or `runAsNonRoot: true` stand in thousands of files, and in each many times. So what
is made of a line (places by its start, values, keys as text) is remembered by the line. Of 50,000 lines that people
wrote, 43,000 were there; to look one up takes a twentieth of what reading it takes.

Left out on purpose: how lines belong together (`block_reader.py`).
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kscan_lsp.regex import regex
from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.tree import Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.yaml.tree import Node

BlockLine: TypeAlias = tuple[int, int, bool, int, str | None, int, str, int, Any, int, int, str]
"""What a line says, all places by its start. A bare tuple, which the reader takes apart in one step:

0. how many characters it has, with its end
1. twice its column, and one more where it begins with a dash, since a list in a mapping may begin at the column of its
   key; or `NOTHING`, `SEPARATOR` or `DECLINED`
2. whether it begins with a dash
3. the column of what stands behind that
4. the key as text, None where there is none
5. where the key ends
6. the style of the key
7. what its value is: `NO_VALUE`, `VALUE`, `NULL`, `BRACKETS`, `NULL_INSIDE` or `BELOW`
8. what is read of `VALUE`; the tree of what is in brackets
9. where the value begins
10. where it ends
11. its style
"""

NOTHING: Final = -1
"""A blank line, or a comment."""
SEPARATOR: Final = -2
"""`---`."""
DECLINED: Final = -3
"""What is not read here."""

NO_VALUE: Final = 0
VALUE: Final = 1
"""A scalar that is something."""
NULL: Final = 2
"""A scalar that says so."""
BRACKETS: Final = 3
"""A collection in brackets."""
NULL_INSIDE: Final = 4
"""Such a collection, with a null anywhere inside."""
BELOW: Final = 5
"""A text on the lines below, which the line begins with `|` or `>`."""

MAX_BRACKETS: Final = 8
"""Pairs of brackets within each other."""
_MAX_KEY: Final = 1000
"""Characters. libyaml gives up a key after 1024."""
_MAX_LINES: Final = 2048
_MAX_LENGTH: Final = 80
"""Of lines that are remembered: how many, and how many characters of one."""

_FIRST: Final = r"[^ \-?:,\[\]{}#&*!|>'\"%@`]"
_QUOTED: Final = r"\"[^\"\\]*+(?:\\[\"\\nrt][^\"\\]*+)*+\"|'[^']*+(?:''[^']*+)*+'"
"""With the escapes that mean the same in JSON; libyaml knows more."""
_LINE: Final = regex(
    rf"""(\ *+)
    (-\ ++|-\Z)?+
    (?: ((?!\.\.\.\ ){_FIRST}[^:#]{{0,{_MAX_KEY}}}+(?<!\ )|{_QUOTED}) (:(?:\ ++|\Z)) )?+
    (
        (?:{_FIRST}|-(?=[^ ])) [^:#]*+ (?: :(?=[^ ]) [^:#]*+ )*+
        | {_QUOTED}
        | [\[{{][^#]*+
        | [|>]-?+\Z
    )?+
    (?:\ *+(?:(?<![^ ])\#.*+)?+)\Z""",
    re.VERBOSE,
)
"""A line without its end: its indentation, dash, key, colon, and value (plain, quoted, in brackets, or the beginning of
a text below)."""
_SIGNS: Final = frozenset(" -?:,[]{}#&*!|>'\"%@`")
"""What an ordinary value does not begin with."""
_NUMBERS: Final = frozenset("+-.0123456789")
_WORDS: Final = scalars.WORDS
_WORD: Final = rf"-*+[\w./][^ ,:?\[\]{{}}#'\"]*+|{_QUOTED}"
_IN_BRACKETS: Final = regex(rf"(\ *+)(?:(?:({_WORD})(:\ ++))?(?:({_WORD})|([\[{{]))|([\]}}]))(\ *+,)?+")
"""One item in brackets: the space in front, key and colon, a word or an opening bracket, or a closing one; a comma."""

known_lines: Final[dict[str, BlockLine]] = {}
"""The lines read last. What is not in it is asked of `read_line`."""


def read_line(line: str) -> BlockLine:
    """What a line without its end says, which is then among `known_lines`."""
    made = _with_known_key(line) or _read(line)
    if len(line) <= _MAX_LENGTH:
        if len(known_lines) >= _MAX_LINES:
            known_lines.clear()
        known_lines[line] = made
    return made


def _with_known_key(line: str) -> BlockLine | None:
    """What a line says that has an ordinary word behind its key, as most have: a quarter of what `_read` takes."""
    end = line.find(": ") + 1
    value = line[end + 1 :]
    if (
        not (end and value)
        or value[0] in _SIGNS
        or value[-1] in " :"
        or "#" in value
        or ": " in value
        or not value.isprintable()
    ):
        return None
    known = known_lines.get(line[:end]) or read_line(line[:end])
    if known[4] is None or known[7] != NO_VALUE:
        return None
    given: Any = value
    if value[0] in _NUMBERS or value in _WORDS:
        given = scalars.plain(value)
        if given is None or isinstance(given, float):
            return None
    length = len(line)
    return (length + 1,) + known[1:7] + (VALUE, given, end + 1, length, "")  # noqa: RUF005 - half as long again


def _read(line: str) -> BlockLine:
    # no control character, BOM, tab, CR, other line end, or half a surrogate pair
    found = _LINE.match(line) if line.isprintable() else None
    if found is None:
        return _without_content(line, DECLINED)
    indent, dash, key, colon, value = found.groups()
    column = len(indent)
    if not (dash or key):
        if not value:
            return _without_content(line, NOTHING)
        return _without_content(line, SEPARATOR if value.rstrip(" ") == "---" and not column else DECLINED)
    inner = column + len(dash or "")
    field, quote, key_end = None, "", inner
    if key:
        name = _key(key, inner)
        # one that kubectl refuses, and a merge
        if name is None or not isinstance(name.value, str) or key == "<<":
            return _without_content(line, DECLINED)
        field, quote, key_end = name.value, name.style, name.end
    place = 2 * column + 1 if dash else 2 * column
    start = key_end + len(colon or "")
    kind, given, end, style = NO_VALUE, None, start, ""
    if value:
        read = _value(value, start)
        if read is None:
            return _without_content(line, DECLINED)
        kind, given, end, style = read
    return len(line) + 1, place, bool(dash), inner, field, key_end, quote, kind, given, start, end, style


def _without_content(line: str, what: int) -> BlockLine:
    return len(line) + 1, what, False, 0, None, 0, "", NO_VALUE, None, 0, 0, ""


def _key(written: str, start: int) -> Scalar | None:
    """A key; one that kubectl refuses has no value."""
    if written[0] not in "'\"":
        return Scalar(start, start + len(written), scalars.key_text(written), "")
    return _quoted(written, start) if len(written) < _MAX_KEY else None


def _value(written: str, start: int) -> tuple[int, Any, int, str] | None:
    """A value's kind, what is read of it, its end and its style; None for what is declined."""
    first = written[0]
    if first in "|>":
        return BELOW, None, start, first
    if first in "[{":
        node = _in_brackets(written.rstrip(" "), start)
        if node is None or data_of(node).problems:  # as of a key that comes twice, which another look finds
            return None
        return NULL_INSIDE if _has_null(node) else BRACKETS, node, node.end, ""
    if first in "'\"":
        quoted = _quoted(written, start)
        return VALUE, quoted.value, quoted.end, first
    written = written.rstrip(" ")
    value = scalars.plain(written)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return NULL if value is None else VALUE, value, start + len(written), ""


def _quoted(written: str, start: int) -> Scalar:
    value = written[1:-1]
    if written[0] == "'":
        value = value.replace("''", "'")
    elif "\\" in value:
        value = json.loads(written)
    return Scalar(start, start + len(written), value, written[0])


def _in_brackets(written: str, start: int) -> Mapping | Sequence | None:
    """A flow collection of words, quoted texts and such collections."""
    if len(written) > _MAX_KEY:
        return None
    root: list[Any] = []
    inside, keyed = root, False
    above: list[tuple[list[Any], bool, Mapping | Sequence]] = []
    top: Mapping | Sequence
    before = "["  # what came last: a bracket that opened, a comma, or "" for a value
    at = start
    for space, key, colon, word, opening, closing, comma in _IN_BRACKETS.findall(written):
        at += len(space)
        if closing:
            if before == "," or not above or keyed != (closing == "}"):
                return None
            at += 1
            inside, keyed, top = above.pop()
            top.end = at
        elif not before or keyed != bool(colon):
            return None
        else:
            name = None
            if keyed:
                name = _word(key, at, as_key=True)
                at += len(key) + len(colon)
            if word:
                node = _word(word, at, as_key=False)
                inside.append(node if name is None else Entry(name, node))
                at += len(word)
            else:
                within: list[Any] = []
                top = Mapping(at, at, True, within) if opening == "{" else Sequence(at, at, True, within)
                inside.append(top if name is None else Entry(name, top))
                above.append((inside, keyed, top))
                inside, keyed = within, opening == "{"
                at += 1
        before = opening or comma[-1:]
        at += len(comma)
        if (comma and (opening or not above)) or len(above) > MAX_BRACKETS:
            return None
    return root[0] if at == start + len(written) and not above and root else None


def _has_null(node: Node) -> bool:
    if isinstance(node, Mapping):
        return any(_has_null(entry.value) for entry in node.entries)
    if isinstance(node, Sequence):
        return any(map(_has_null, node.items))
    return isinstance(node, Scalar) and node.value is None


def copy_at(node: Any, by: int) -> tuple[Node, Any]:
    """A collection in brackets, or a part of it, as it stands further on in a text; and its plain values."""
    if isinstance(node, Scalar):
        return Scalar(node.start + by, node.end + by, node.value, node.style), node.value
    if isinstance(node, Sequence):
        items: list[Node] = []
        listed: list[Any] = []
        for item in node.items:
            inner, given = copy_at(item, by)
            items.append(inner)
            listed.append(given)
        return Sequence(node.start + by, node.end + by, True, items), listed
    entries: list[Entry] = []
    values: dict[str, Any] = {}
    for entry in node.entries:
        key = entry.key
        inner, values[key.value] = copy_at(entry.value, by)
        entries.append(Entry(Scalar(key.start + by, key.end + by, key.value, key.style), inner))
    return Mapping(node.start + by, node.end + by, True, entries), values


def _word(written: str, start: int, *, as_key: bool) -> Scalar:
    if written[0] in "'\"":
        return _quoted(written, start)
    value = scalars.key_text(written) if as_key else scalars.plain(written)
    return Scalar(start, start + len(written), value, "")
