"""A JSON document as the same tree that YAML gives.

YAML is almost a superset of JSON, and where it is not (tabs, long keys, some escapes) a JSON file must still
be read. The standard library's decoder gives no places, so this is a small reader of its own: as strict as
the standard library, with a depth limit, and with the place of everything.

Left out on purpose: comments and trailing commas, which kubectl refuses too.
"""

from __future__ import annotations

import re
from json import decoder
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Problem
from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.outcome import Fault, Read, unreadable
from kscan_lsp.yaml.tree import MAX_DEPTH, MAX_NODES, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.yaml.tree import Node

# (text, offset behind the opening quote) -> (value, offset behind the closing one); unknown to the types
_scan_string: Final[Callable[[str, int], tuple[str, int]]] = decoder.scanstring  # type: ignore[attr-defined]
_SPACE: Final = regex(r"[ \t\r\n]*")
_NUMBER: Final = regex(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD: Final = regex(r"[^\s\[\]{},:\"]+")
_WORDS: Final = {"true": True, "false": False, "null": None}
_SURROGATE: Final = regex("[\ud800-\udfff]")
_BOM: Final = "\ufeff"
# What may stand where one value ends and the next begins; inside of one value it stands in texts alone.
_NEXT: Final = regex(r"[}\]][ \t\r\n]*[\r\n][ \t]*[{\[]")
_BRACKETS: Final = regex(r'"(?:[^"\\]|\\.)*+"|[{\[]|[}\]]', re.DOTALL)


class _JsonError(Exception):
    """Reading ends here; it never leaves this module."""

    def __init__(self, at: int, message: str, length: int = 1, code: str = "syntax") -> None:
        self.at, self.message, self.length, self.code = at, message, length, code


def split_json(text: str) -> list[str]:
    """The texts of the values in a file, each from the start of a line, which, concatenated, give back the text.

    kubectl takes a stream of JSON values (k8s.io/apimachinery, `util/yaml.YAMLOrJSONDecoder`). One that begins behind
    another on the same line stays with it, since places count from the start of a line: `read_json` reads them all.
    """
    if _NEXT.search(text) is None:  # as in nearly every file
        return [text]
    starts, depth = [0], 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "{[":
            depth += 1
        elif found[0] in "}]":
            depth -= 1
            if depth <= 0 and (following := _NEXT.match(text, found.start())):
                starts.append(
                    max(text.rfind("\n", 0, following.end()), text.rfind("\r", 0, following.end())) + 1
                )
                depth = 0
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def read_json(text: str) -> Read:
    """Read a JSON value, or several objects with nothing but space around them: these as the items of a list.

    Args:
        text: the document; a byte order mark may come first.

    Returns:
        The tree, by offsets in `text`; or no root and a fatal problem. A text of spaces has neither. What follows a
        value and is none is a problem; the values before it are read.
    """
    start = _skip(text, 1 if text.startswith(_BOM) else 0)
    if start == len(text):
        return Read(None, ())
    parser = _JsonParser(text)
    values: list[Node] = []
    problems: tuple[Problem, ...] = ()
    while start < len(text) and not problems:
        try:
            values.append(parser.another(start, values))
            start = _skip(text, values[-1].end)
        except _JsonError as error:
            span = Span(min(error.at, len(text)), min(error.at + error.length, len(text)))
            if not values:
                return unreadable(Fault(span, error.message, error.at, (span,), error.code, start))
            message = f"{error.message}; a value ends before this, and what follows it is not read"
            problems = (Problem(span, message, error.code, fatal=True),)
    if len(values) == 1:
        return Read(values[0], problems)
    return Read(Sequence(values[0].start, values[-1].end, flow=True, items=values), problems)


def is_stream(text: str, root: Node | None) -> bool:
    """Whether what was read of a text are several values, each of which is a document to kubectl."""
    return isinstance(root, Sequence) and root.flow and text[root.start] == "{"


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class _JsonParser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.left = MAX_NODES

    def another(self, at: int, before: list[Node]) -> Node:
        """A value that is a document; where there are several, each is an object."""
        if before and not (self.text[at] == "{" and isinstance(before[0], Mapping)):
            raise _JsonError(at, "only another object can follow an object here")
        return self.value(at, 0)

    def value(self, at: int, depth: int) -> Node:
        text = self.text
        self.left -= 1
        if not self.left:
            raise _JsonError(at, f"more than {MAX_NODES} values; this document is not read", code="limit")
        first = text[at : at + 1]
        if first == '"':
            return self.string(at)
        if first and first in "[{":
            if depth >= MAX_DEPTH:
                message = f"nested more than {MAX_DEPTH} levels deep; this document is not read"
                raise _JsonError(at, message, code="limit")
            return self.mapping(at, depth) if first == "{" else self.sequence(at, depth)
        if number := _NUMBER.match(text, at):
            digits, end = number[0], number.end()
            if not _WORD.match(text, end):
                return Scalar(at, end, self.number(at, digits, whole=not (number[1] or number[2])), "")
        word = _WORD.match(text, at)
        if word and word[0] in _WORDS:
            return Scalar(at, word.end(), _WORDS[word[0]], "")
        if word:
            raise _JsonError(at, "this is no JSON value; put a text into double quotes", len(word[0]))
        raise _JsonError(at, "a value is missing here" if first else "the file ends where a value should be")

    def number(self, at: int, digits: str, *, whole: bool) -> int | float:
        # 19 digits are all that int64 has, and int() refuses thousands of them
        number: int | float = int(digits) if whole and len(digits) <= 20 else float(digits)
        if number in {float("inf"), float("-inf")}:
            raise _JsonError(at, "this number is too large", len(digits))
        return number if isinstance(number, float) or -(1 << 63) <= number < 1 << 63 else float(number)

    def string(self, at: int) -> Scalar:
        try:
            value, end = _scan_string(self.text, at + 1)
        except ValueError as error:
            raise _JsonError(*_string_fault(self.text, at, error)) from None
        if not value.isascii():
            value = _SURROGATE.sub("\ufffd", value)
        return Scalar(at, end, value, '"')

    def sequence(self, at: int, depth: int) -> Sequence:
        text = self.text
        node = Sequence(at, at, flow=True)
        here = _skip(text, at + 1)
        if text[here : here + 1] == "]":
            node.end = here + 1
            return node
        while True:
            item = self.value(here, depth + 1)
            node.items.append(item)
            here = _skip(text, item.end)
            follows = text[here : here + 1]
            if follows == "]":
                node.end = here + 1
                return node
            if follows != ",":
                raise self.unfinished(at, here, item.end, "list", "]")
            comma, here = here, _skip(text, here + 1)
            if text[here : here + 1] == "]":
                raise _JsonError(comma, "JSON allows no comma after the last item; remove it")

    def mapping(self, at: int, depth: int) -> Mapping:
        text = self.text
        node = Mapping(at, at, flow=True)
        here = _skip(text, at + 1)
        if text[here : here + 1] == "}":
            node.end = here + 1
            return node
        while True:
            if text[here : here + 1] != '"':
                raise _JsonError(here, "a key in double quotes is missing here")
            key = self.string(here)
            here = _skip(text, key.end)
            if text[here : here + 1] != ":":
                raise _JsonError(here, "a ':' is missing here, after the key")
            value = self.value(_skip(text, here + 1), depth + 1)
            node.entries.append(Entry(key, value))
            here = _skip(text, value.end)
            follows = text[here : here + 1]
            if follows == "}":
                node.end = here + 1
                return node
            if follows != ",":
                raise self.unfinished(at, here, value.end, "object", "}")
            comma, here = here, _skip(text, here + 1)
            if text[here : here + 1] == "}":
                raise _JsonError(comma, "JSON allows no comma after the last entry; remove it")

    def unfinished(self, opened: int, here: int, behind: int, what: str, close: str) -> _JsonError:
        if here >= len(self.text):
            return _JsonError(opened, f"this {what} is never closed; add '{close}'")
        return _JsonError(behind, f"a ',' or '{close}' is missing here")


def _string_fault(text: str, at: int, error: ValueError) -> tuple[int, str]:
    where = int(getattr(error, "pos", at))
    what = str(getattr(error, "msg", ""))
    if "Unterminated" in what:
        return at, "this text has no closing quote"
    if "control character" in what:
        return min(
            where, len(text)
        ), "a line end, tab or control character inside a text; write it as \\n, \\t or \\u001f"
    return min(where, len(text)), "this escape is not known to JSON; write a backslash as \\\\"
