"""Reads a regular expression in RE2's syntax into a small tree.

It is read after RE2 itself accepted it: what is checked here is only what decides meaning. Left out: `\\C` (a single
byte) and scripts (`\\p{Greek}`); general categories such as `\\p{Lu}` are there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

Test: TypeAlias = Callable[[str], bool]


class Char(NamedTuple):
    """Consumes one character that passes the test.

    `source` is the same for Python's `re` (empty when that has no such class), `size` about the number of
    instructions in RE2, whose programs read bytes.
    """

    test: Test
    source: str
    size: int = 1


class Edge(NamedTuple):
    """Consumes nothing; holds at some offsets of a text."""

    holds: Callable[[str, int], bool]
    source: str


class Series(NamedTuple):
    """One part after the other."""

    parts: tuple[Node, ...]


class Choice(NamedTuple):
    """The first part that leads to a match."""

    parts: tuple[Node, ...]


class Repeat(NamedTuple):
    """A part `low` to `high` times (`None`: no limit), as often as possible unless lazy."""

    part: Node
    low: int
    high: int | None
    lazy: bool


Node: TypeAlias = Char | Edge | Series | Choice | Repeat

WRONG = "a regular expression is wrong"


def _is_word(c: str) -> bool:
    return c.isascii() and (c.isalnum() or c == "_")


def _is_boundary(text: str, at: int) -> bool:
    return (at > 0 and _is_word(text[at - 1])) != (at < len(text) and _is_word(text[at]))


class _Class(NamedTuple):
    test: Test
    members: str
    """As inside the brackets of a class of Python's `re`; empty when that cannot say it."""


_PERL = {
    "d": _Class(lambda c: "0" <= c <= "9", "0-9"),
    "s": _Class(lambda c: c in "\t\n\f\r ", r"\t\n\f\r "),
    "w": _Class(_is_word, "0-9A-Za-z_"),
}
_POSIX = {
    "alnum": _Class(lambda c: c.isascii() and c.isalnum(), "0-9A-Za-z"),
    "alpha": _Class(lambda c: c.isascii() and c.isalpha(), "A-Za-z"),
    "ascii": _Class(str.isascii, r"\x00-\x7f"),
    "blank": _Class(lambda c: c in "\t ", r"\t "),
    "cntrl": _Class(lambda c: c <= "\x1f" or c == "\x7f", r"\x00-\x1f\x7f"),
    "digit": _PERL["d"],
    "graph": _Class(lambda c: "!" <= c <= "~", "!-~"),
    "lower": _Class(lambda c: "a" <= c <= "z", "a-z"),
    "print": _Class(lambda c: " " <= c <= "~", " -~"),
    "punct": _Class(lambda c: "!" <= c <= "~" and not c.isalnum(), r"!-/:-@\[-`{-~"),
    "space": _Class(lambda c: c in "\t\n\v\f\r ", r"\t\n\v\f\r "),
    "upper": _Class(lambda c: "A" <= c <= "Z", "A-Z"),
    "word": _PERL["w"],
    "xdigit": _Class(lambda c: c in "0123456789abcdefABCDEF", "0-9A-Fa-f"),
}
_CONTROL = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_START = Edge(lambda _, at: at == 0, r"\A")
_END = Edge(lambda text, at: at == len(text), r"\Z")
_LINE_START = Edge(lambda text, at: at == 0 or text[at - 1] == "\n", "(?m:^)")
_LINE_END = Edge(lambda text, at: at == len(text) or text[at] == "\n", "(?m:$)")
_EDGES = {
    "A": _START,
    "z": _END,
    "b": Edge(_is_boundary, r"(?a:\b)"),
    "B": Edge(lambda text, at: not _is_boundary(text, at), r"(?!(?a:\b))"),
}
_ANY = Char(lambda _: True, "(?s:.)", 6)
_NOT_NEWLINE = Char(lambda c: c != "\n", r"[^\n]", 6)
_UNICODE_CLASS = 300
"""About what RE2 needs for a class such as `\\pL`."""


def read(pattern: str) -> Node:
    """The tree of a pattern that RE2 accepts.

    Raises:
        ValueError: the pattern is wrong, or uses what is left out here.
    """
    reader = _Reader(pattern)
    try:
        node = reader.alternatives()
    except (IndexError, KeyError, RecursionError):
        raise ValueError(WRONG) from None
    if reader.at < len(pattern):
        raise ValueError(WRONG)
    return node


def _negated(found: _Class) -> _Class:
    return _Class(lambda c: not found.test(c), "")


def _folded(char: str) -> str:
    fold = char.casefold()
    return fold if len(fold) == 1 else char


class _Reader:
    """A cursor over a pattern, and the flags in force at it."""

    __slots__ = ("at", "flags", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.flags: set[str] = set()

    def alternatives(self) -> Node:
        """Up to a closing parenthesis, which is left unread, or the end of the pattern."""
        choices: list[Node] = []
        parts: list[Node] = []
        while self.at < len(self.text) and (char := self.text[self.at]) != ")":
            if char == "|":
                self.at += 1
                choices.append(Series(tuple(parts)))
                parts = []
            elif not self.only_flags():
                # A quantifier after quoted text (`\Q...\E`) belongs to its last character.
                *before, last = self.items()
                parts += [*before, self.repeated(last)]
        choices.append(Series(tuple(parts)))
        return Choice(tuple(choices)) if len(choices) > 1 else choices[0]

    def only_flags(self) -> bool:
        """Whether a group such as `(?i)` stood here; it is read and in force."""
        if not self.text.startswith("(?", self.at) or self.text[self.at + 2] in "P<":
            return False
        stop = self.at + 2
        while self.text[stop] not in ":)":
            stop += 1
        if self.text[stop] == ":":
            return False
        self.set_flags(self.text[self.at + 2 : stop])
        self.at = stop + 1
        return True

    def set_flags(self, letters: str) -> None:
        """Flags as in `(?i-s)`."""
        on, _, off = letters.partition("-")
        self.flags = (self.flags | set(on)) - set(off)

    def repeated(self, part: Node) -> Node:
        """The part with the quantifier that follows it, if any."""
        low, high = 1, 1
        limit: int | None = high
        match self.text[self.at : self.at + 1]:
            case "*":
                low, limit = 0, None
            case "+":
                limit = None
            case "?":
                low = 0
            case "{":
                stop = self.text.find("}", self.at)
                first, comma, last = self.text[self.at + 1 : max(stop, 0)].partition(",")
                if not _is_number(first) or (last and not _is_number(last)):
                    return part  # an ordinary brace
                low = int(first)
                limit = (int(last) if last else None) if comma else low
                self.at = stop
            case _:
                return part
        self.at += 1
        lazy = self.text.startswith("?", self.at)
        self.at += lazy
        return Repeat(part, low, limit, lazy != ("U" in self.flags))

    def items(self) -> list[Node]:
        """The next item; several only for quoted text."""
        if self.text.startswith("\\Q", self.at):
            stop = self.text.find("\\E", self.at)
            quoted = self.text[self.at + 2 : stop if stop >= 0 else None]
            self.at = stop + 2 if stop >= 0 else len(self.text)
            return [self.literal(c) for c in quoted] or [Series(())]
        char = self.text[self.at]
        self.at += 1
        match char:
            case "(":
                return [self.group()]
            case "[":
                return [self.bracket()]
            case "\\":
                return [self.escape()]
            case ".":
                return [_ANY if "s" in self.flags else _NOT_NEWLINE]
            case "^":
                return [_LINE_START if "m" in self.flags else _START]
            case "$":
                return [_LINE_END if "m" in self.flags else _END]
            case "*" | "+" | "?":
                raise ValueError(WRONG)
        return [self.literal(char)]

    def group(self) -> Node:
        """A group whose opening parenthesis has been read."""
        outside = self.flags
        if self.text.startswith("?", self.at):
            named = self.text[self.at + 1] in "P<"
            stop = self.text.index(">" if named else ":", self.at)
            if not named:
                self.set_flags(self.text[self.at + 1 : stop])
            self.at = stop + 1
        inner = self.alternatives()
        if self.text[self.at] != ")":
            raise ValueError(WRONG)
        self.at += 1
        self.flags = outside
        return inner

    def literal(self, char: str) -> Char:
        """One character that stands for itself, or for both its cases."""
        if "i" not in self.flags:
            return Char(char.__eq__, re.escape(char))
        wanted = _folded(char)
        return Char(lambda c: _folded(c) == wanted, f"(?i:{re.escape(char)})", 2)

    def escape(self) -> Node:
        """What follows a backslash."""
        char = self.text[self.at]
        if char in _EDGES:
            self.at += 1
            return _EDGES[char]
        found = self.class_escape()
        if found is None:
            return self.literal(self.character())
        if char.lower() not in _PERL:
            return Char(found.test, "", _UNICODE_CLASS)
        members = _PERL[char.lower()].members
        return Char(found.test, f"[{members}]" if char.islower() else f"[^{members}]", 6)

    def class_escape(self) -> _Class | None:
        """A class such as `\\d` or `\\pL`, after its backslash; nothing is read when there is none."""
        char = self.text[self.at]
        if char.lower() not in {*_PERL, "p"}:
            return None
        self.at += 1
        if char.lower() in _PERL:
            found = _PERL[char.lower()]
            return found if char.islower() else _negated(found)
        start = self.at
        self.at = self.text.index("}", start) + 1 if self.text[start] == "{" else start + 1
        name = self.text[start : self.at].strip("{}")
        negated = (char == "P") != name.startswith("^")
        name = name.removeprefix("^")
        if name == "Any":
            return _Class(lambda _: not negated, "")
        if len(name) > 2 or name[0] not in "CLMNPSZ":
            raise ValueError("a regular expression names a script: only general categories are known")
        return _Class(lambda c: unicodedata.category(c).startswith(name) != negated, "")

    def character(self) -> str:
        """One character, as an escape after its backslash says it."""
        char = self.text[self.at]
        self.at += 1
        if char in _CONTROL:
            return _CONTROL[char]
        start = self.at
        if char == "x":
            self.at = self.text.index("}", start) + 1 if self.text[start] == "{" else start + 2
            return chr(int(self.text[start : self.at].strip("{}"), 16))
        if char in "01234567":
            while self.at < start + 2 and self.text[self.at : self.at + 1] in tuple("01234567"):
                self.at += 1
            return chr(int(self.text[start - 1 : self.at], 8))
        if char.isalnum() and char.isascii():
            raise ValueError(f"a regular expression uses \\{char}, which is not known")
        return char

    def bracket(self) -> Char:
        """A class in brackets, of which the first has been read."""
        negated = self.text[self.at] == "^"
        self.at += negated
        classes: list[_Class] = []
        start = self.at
        while self.at == start or self.text[self.at] != "]":
            classes.append(self.bracket_item())
        wide = "\\p" in self.text[start : self.at].lower()
        self.at += 1
        tests = tuple(found.test for found in classes)

        def member(c: str) -> bool:
            return any(test(c) for test in tests)

        def either_case(c: str) -> bool:
            return any(map(member, {c, c.lower(), c.upper(), _folded(c)}))

        fold = "i" in self.flags
        inside = either_case if fold else member
        source = ""
        if all(found.members for found in classes):
            source = f"[{'^' if negated else ''}{''.join(found.members for found in classes)}]"
            source = f"(?i:{source})" if fold else source
        size = 6 + len(classes) + (_UNICODE_CLASS if wide else 0)
        return Char((lambda c: not inside(c)) if negated else inside, source, size)

    def bracket_item(self) -> _Class:
        """One character, range or named class inside brackets."""
        if self.text.startswith("[:", self.at):
            stop = self.text.index(":]", self.at)
            name = self.text[self.at + 2 : stop]
            self.at = stop + 2
            found = _POSIX[name.removeprefix("^")]
            return _negated(found) if name.startswith("^") else found
        if self.text[self.at] == "\\":
            self.at += 1
            if found_class := self.class_escape():
                return found_class
            self.at -= 1
        low = high = self.bracket_character()
        if self.text[self.at] == "-" and self.text[self.at + 1] != "]":
            self.at += 1
            high = self.bracket_character()
        return _Class(lambda c: low <= c <= high, f"\\U{ord(low):08x}-\\U{ord(high):08x}")

    def bracket_character(self) -> str:
        """One character inside brackets."""
        char = self.text[self.at]
        self.at += 1
        return self.character() if char == "\\" else char


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
