"""Plain block YAML -> the same tree that the parser's events give, in a third of the time.

Nine of ten manifests are nothing but block mappings and lists of scalars on one line, with comments, literal texts and
a few brackets. libyaml reads them in no time; to make its events as objects, and our tree of those, takes 0.66 ms for
50 lines, most of what reading a document costs. Here they are read line by line with one expression, in 0.23 ms; to
compile that takes 1 to 2 ms, once.

What is read: spaces as indentation, one dash a line, plain and quoted keys and values that end on their line, `|` and
the simplest of `>`, `[a, 'b']` and `{a: b}` on one line, comments, `---` in front. Whatever else comes, and whatever
libyaml might refuse, is declined, and `reader.py` reads the text from its start: this is a short cut, which must never
be seen in a result. `tests/unit/yaml/test_block_reader.py` compares the two on what people wrote and on what chance
makes of it.

Left out on purpose: errors, anchors, aliases, tags, most escapes, scalars on several lines, `? key`, tabs, CR, and
directives.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.data import Data, data_of
from kscan_lsp.yaml.tree import MAX_DEPTH, MAX_NODES, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.yaml.tree import Node

_MAX_LENGTH: Final = 2 * MAX_NODES - 100
"""Characters. The events of a text are hardly more than its characters, so a shorter one keeps to `MAX_NODES`."""
_MAX_KEY: Final = 1000
"""Characters. libyaml gives up a key after 1024."""
_MAX_BRACKETS: Final = 8
"""Pairs of brackets within each other."""

_FIRST: Final = r"[^ \n\-?:,\[\]{}#&*!|>'\"%@`]"
_QUOTED: Final = r"\"[^\"\\\n]*+(?:\\[\"\\nrt][^\"\\\n]*+)*+\"|'[^'\n]*+(?:''[^'\n]*+)*+'"
"""With the escapes that mean the same in JSON; libyaml knows more."""
_LINE: Final = regex(
    rf"""(\ *+)
    (?:
        (-\ ++|-(?=\n|\Z))?+
        (?: ((?!\.\.\.\ ){_FIRST}[^\n:#]{{0,{_MAX_KEY}}}+(?<!\ )|{_QUOTED}) (:(?:\ ++|(?=\n|\Z))) )?+
        (
            (?:{_FIRST}|-(?=[^ \n])) [^\n:#]*+ (?: :(?=[^ \n]) [^\n:#]*+ )*+
            | {_QUOTED}
            | [\[{{][^\n#]*+
            | [|>]-?+\n++(\ ++)[^ \n][^\n]*+ (?: \n++\6[^\n]*+ )*+
        )?+
        (\n|\ *+(?:(?<![^ \n])\#[^\n]*+)?+(?:\n|\Z))
    | [^\n]*+\n?+
    )""",
    re.VERBOSE,
)
"""A line: its indentation, dash, key, colon, value (plain, quoted, in brackets, or a whole literal text and the
indentation of that), and the rest. What is no such line matches, too, as nothing in all groups."""
_BLANK: Final = regex(r"\n++\ ++(?:\n|\Z)")
"""What follows a text below its line where libyaml may take spaces into it that are no part of it here."""
_WORD: Final = rf"-*+[\w./][^ \n,:?\[\]{{}}#'\"]*+|{_QUOTED}"
_IN_BRACKETS: Final = regex(rf"(\ *+)(?:(?:({_WORD})(:\ ++))?(?:({_WORD})|([\[{{]))|([\]}}]))(\ *+,)?+")
"""One item in brackets: the space in front, key and colon, a word or an opening bracket, or a closing one; a comma."""
_NOTHING: Final = regex(r"(?:---(?=\n|\Z))?(?:\n|#[^\n]*+(?:\n|\Z))*+")
"""No line, or comments."""
_SIGNS: Final = frozenset("'\"[{|>")
_NUMBERS: Final = frozenset("+-.0123456789")


def is_nothing(text: str) -> bool:
    """Whether a document is surely empty, as it is where there are no settings, and above a file's first `---`."""
    return not text or (_NOTHING.fullmatch(text) is not None and text.replace("\n", " ").isprintable())


class Block(Struct, frozen=True):
    """A document of plain block YAML."""

    root: Node
    data: Data | None
    """What it means, made on the way; None where that takes another look (`data_of`)."""


def read_block(text: str) -> Block | None:  # noqa: PLR0915 - one loop, for speed
    """Read a document of plain block YAML.

    Args:
        text: any document.

    Returns:
        Its tree and what that means, if it is such a document and has no problem. None says nothing about it.
    """
    # no control character, BOM, tab, CR, other line end, or half a surrogate pair
    if len(text) > _MAX_LENGTH or not text.replace("\n", " ").isprintable():
        return None
    words, signs, numbers = scalars.WORDS, _SIGNS, _NUMBERS
    stream: list[Node] = []
    # The collection that is being read (at first the stream of documents), what is in it, and its column: that twice,
    # and one more in a list, since a list in a mapping may begin at the column of its key.
    top: Mapping | Sequence = Sequence(0, 0, False)
    children: list[Any] = stream
    level = -1
    above: list[tuple[Mapping | Sequence, list[Any], int, Any]] = []
    name: Scalar | None = None  # the key whose value comes next; None in a list
    # The same as plain values, which a walk over the tree would take a third as long again to make. A merge, a float
    # that may be none in JSON and a key that is no text are left to that; so are keys that come twice, which show in
    # the end: all mappings together have fewer than were written.
    meant: list[Any] = []
    values: Any = meant
    field: Any = None
    maps: list[dict[str, Any]] = []
    keys = 0
    plain_data = "<<" not in text
    given: Any
    behind = 0  # where that value lies if it is empty, right behind colon or dash; -1 where none is missing
    at = last = 0  # where the next line begins, and where content ended
    node: Node | None
    for indent, dash, key, colon, value, inner, rest in _LINE.findall(text):
        column = len(indent)
        start = at + column
        if dash or key:
            place = 2 * column + 1 if dash else 2 * column
            if place > level:
                if behind < 0 or len(above) > MAX_DEPTH - 2 - _MAX_BRACKETS:  # a line opens two and brackets
                    return None
                above.append((top, children, level, values))
                inside: list[Any] = []
                if dash:
                    top, given = Sequence(start, start, False, inside), []
                else:
                    top, given = Mapping(start, start, False, inside), {}
                    maps.append(given)
                if name is None:
                    children.append(top)
                    values.append(given)
                else:
                    children.append(Entry(name, top))
                    values[field] = given
                children, level, values = inside, place, given
            else:
                if behind >= 0:
                    last = behind
                    node = Scalar(last, last, None, "")
                    if name is None:
                        children.append(node)
                        values.append(None)
                    else:
                        children.append(Entry(name, node))
                        values[field] = None
                while level > place:
                    top.end = last
                    top, children, level, values = above.pop()
                if level != place:
                    return None
            if dash:
                name = None
                behind = start + 1
                start += len(dash)
                if key:
                    above.append((top, children, level, values))
                    inside, given = [], {}
                    top = Mapping(start, start, False, inside)
                    children.append(top)
                    values.append(given)
                    maps.append(given)
                    children, level, values = inside, 2 * (column + len(dash)), given
            if key:
                behind = start + len(key)
                keys += 1
                field = key
                if key in words or key[0] in numbers:
                    field = scalars.key_text(key)
                    plain_data = plain_data and field is not None
                    name = Scalar(start, behind, field, "")
                elif key[0] not in signs:
                    name = Scalar(start, behind, key, "")
                elif len(key) < _MAX_KEY:
                    name = _quoted(key, start)
                    field = name.value
                else:
                    return None
                start = behind + len(colon)
                behind += 1
            if not value:
                at = start + len(rest)
                continue
            last = start + len(value)
            at = last + len(rest)
            first = value[0]
            if first in signs:
                if inner and (not rest or len(inner) <= level // 2 or _BLANK.match(text, last)):
                    return None
                node = _signed(value, start, inner)
                if node is None:
                    return None
                last = node.end
                if type(node) is Scalar:
                    given = node.value
                else:
                    given, problems = data_of(node)
                    plain_data = plain_data and not problems
            else:
                if value[-1] == " ":
                    value = value.rstrip(" ")  # noqa: PLW2901 - what follows is about this one
                    last = start + len(value)
                given = value
                if value in words or first in numbers:
                    given = scalars.plain(value)
                    plain_data = plain_data and type(given) is not float
                node = Scalar(start, last, given, "")
            if name is None:
                children.append(node)
                values.append(given)
            else:
                children.append(Entry(name, node))
                values[field] = given
            behind = -1
        elif value:
            if value.rstrip(" ") != "---" or column or above or last:
                return None
            at = last = start + len(value) + len(rest)
        else:
            at = start + len(rest)
            if not rest:  # the end, or a line of another kind
                break
    if at != len(text) or not stream:
        return None
    if behind >= 0:
        last = behind
        node = Scalar(last, last, None, "")
        if name is None:
            children.append(node)
            values.append(None)
        else:
            children.append(Entry(name, node))
            values[field] = None
    for open_one, *_ in above[1:]:
        open_one.end = last
    top.end = last
    plain_data = plain_data and sum(map(len, maps)) == keys
    return Block(stream[0], Data(meant[0], ()) if plain_data else None)


def _signed(written: str, start: int, inner: str) -> Node | None:
    """A value in quotes or brackets, or a text below its line, which `inner` indents."""
    if written[0] in "'\"":
        return _quoted(written, start)
    if written[0] in "|>":
        return _text_below(written, start, inner)
    return _in_brackets(written.rstrip(" "), start)


def _quoted(written: str, start: int) -> Scalar:
    value = written[1:-1]
    if written[0] == "'":
        value = value.replace("''", "'")
    elif "\\" in value:
        value = json.loads(written)
    return Scalar(start, start + len(written), value, written[0])


def _text_below(written: str, start: int, inner: str) -> Scalar | None:
    """A literal or folded scalar; a folded one only where every line is an ordinary one."""
    header, _, body = written.partition("\n")
    value = ("\n" + body).replace("\n" + inner, "\n").rstrip("\n")[1:]
    if header[0] == ">":
        if value[0] == "\n" or "\n\n" in value or "\n " in value:
            return None
        value = value.replace("\n", " ")
    # lines of spaces at its end count in the value, and not in the place
    end = written.find("\n", len(written.rstrip(" \n")))
    if end < 0:
        end = len(written)
    return Scalar(start, start + end, value if header[1:] else value + "\n", header[0])


def _in_brackets(written: str, start: int) -> Node | None:
    """A flow collection of words, quoted texts and such collections."""
    if written in {"{}", "[]"}:  # which most are, or else it took three times as long
        return (Mapping if written == "{}" else Sequence)(start, start + 2, True, [])
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
        if (comma and (opening or not above)) or len(above) > _MAX_BRACKETS:
            return None
    return root[0] if at == start + len(written) and not above and root else None


def _word(written: str, start: int, *, as_key: bool) -> Scalar:
    if written[0] in "'\"":
        return _quoted(written, start)
    value = scalars.key_text(written) if as_key else scalars.plain(written)
    return Scalar(start, start + len(written), value, "")
