"""Patterns of `.gitignore`, matched as git matches them, in linear time.

Anybody who can add a file to a repository can write such a pattern, so none may make a scan hang: a pattern becomes an
expression for RE2, and those that say the same (leave out, or take back in) are asked as one. Names and patterns are
bytes, as they are to git: `?` stands for a byte, and a name need not be text.

Source: gitignore(5), and dir.c and wildmatch.c of git, quirks included; a property test asks `git check-ignore`. A path
is only matched itself: whoever walks a tree does not enter a folder that is left out.
"""

from __future__ import annotations

import os
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import re2  # type: ignore[import-untyped]
from msgspec import Struct

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PATTERNS: Final = 2_000
"""Patterns of one file that count; the rest could only leave out more."""

_OPTIONS: Final = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True
_OPTIONS.never_capture = True

_STAR, _QUESTION, _OPEN, _CLOSE, _BACKSLASH, _SLASH, _DASH = b"*?[]\\/-"
_SPECIAL: Final = regex(rb"[*?\[\\]")
_BYTES: Final = frozenset(range(256))
_NEVER: Final = b"[^\\x00-\\xff]"

_CLASSES: Final = {
    b"alnum": regex(rb"[0-9A-Za-z]"),
    b"alpha": regex(rb"[A-Za-z]"),
    b"blank": regex(rb"[ \t]"),
    b"cntrl": regex(rb"[\x00-\x1f\x7f]"),
    b"digit": regex(rb"[0-9]"),
    b"graph": regex(rb"[!-~]"),
    b"lower": regex(rb"[a-z]"),
    b"print": regex(rb"[ -~]"),
    b"punct": regex(rb"[!-/:-@\[-`{-~]"),
    b"space": regex(rb"[ \t-\r]"),
    b"upper": regex(rb"[A-Z]"),
    b"xdigit": regex(rb"[0-9A-Fa-f]"),
}


class _Pattern(Struct, frozen=True):
    """One line: what it says of the paths that it matches, and the expressions for them."""

    ignored: bool
    folders_only: bool
    expression: bytes


class _Run(Struct, frozen=True):
    """Patterns one after the other that say the same, of anything and of folders."""

    ignored: bool
    any: tuple[Any, ...]
    folders: tuple[Any, ...]

    def matches(self, path: bytes, *, folder: bool) -> bool:
        return any(one.fullmatch(path) for one in self.any) or (
            folder and any(one.fullmatch(path) for one in self.folders)
        )


class IgnorePatterns:
    """The patterns of one file, or of the `exclude` of settings."""

    __slots__ = ("_runs",)

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Read patterns, a line each; what git could not use either has no effect."""
        patterns = [pattern for _, pattern in zip(range(MAX_PATTERNS), _patterns(lines), strict=False)]
        runs = []
        for ignored, several in groupby(patterns, attrgetter("ignored")):
            alike = list(several)
            of_any = tuple(_compiled([one.expression for one in alike if not one.folders_only]))
            runs.append(
                _Run(ignored, of_any, tuple(_compiled([p.expression for p in alike if p.folders_only])))
            )
        self._runs = tuple(reversed(runs))

    @classmethod
    def of_text(cls, text: bytes) -> IgnorePatterns:
        """The patterns of a `.gitignore` file."""
        lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        return cls(line.removesuffix(b"\r") for line in lines)

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """What the last pattern that matches says: True to leave the path out, False not to; None where none matches.

        Args:
            path: relative to the folder of the patterns.
            folder: whether it is one.
        """
        name = os.fsencode(path)
        if os.sep != "/":
            name = name.replace(os.fsencode(os.sep), b"/")
        return next((run.ignored for run in self._runs if run.matches(name, folder=folder)), None)


def _patterns(lines: Iterable[bytes]) -> Iterator[_Pattern]:
    for given in lines:
        line = _without_trailing_spaces(given)
        if not line or line.startswith(b"#"):
            continue
        ignored = not line.startswith(b"!")
        line = line if ignored else line[1:]
        folders_only = line.endswith(b"/")
        line = line.removesuffix(b"/")
        if not line:
            continue
        if b"/" in line:
            expression = _expression(line.removeprefix(b"/"), path=True)
        else:
            expression = b"(?:.*/)?" + _expression(line, path=False)
        yield _Pattern(ignored, folders_only, expression)


def _without_trailing_spaces(line: bytes) -> bytes:
    """A line without the spaces at its end that no backslash stands before."""
    end = len(line)
    while end and line[end - 1] == 0x20:
        before = line[: end - 1]
        if (len(before) - len(before.rstrip(b"\\"))) % 2:
            break
        end -= 1
    return line[:end]


def _expression(pattern: bytes, *, path: bool) -> bytes:
    """A pattern as an expression for the whole path, or for a name."""
    special = _SPECIAL.search(pattern)
    # git compares what comes before the first special character on its own, so the rest begins there
    begin = special.start() if special else len(pattern)
    parts = [_literal(pattern[:begin])]
    at = begin
    while at < len(pattern):
        character = pattern[at]
        if character == _BACKSLASH:
            if at + 1 == len(pattern):
                return _NEVER
            parts.append(_literal(pattern[at + 1 : at + 2]))
            at += 2
        elif character == _QUESTION:
            parts.append(b"[^/]")
            at += 1
        elif character == _OPEN:
            found = _bracket(pattern, at + 1)
            if found is None:
                return _NEVER
            members, at = found
            parts.append(_one_of(members - {_SLASH}))
        elif character == _STAR:
            end = at
            while pattern[end : end + 1] == b"*":
                end += 1
            rest = pattern[end:]
            whole = at == begin or pattern[at - 1] == _SLASH
            if path and end - at > 1 and whole and (not rest or rest.startswith((b"/", b"\\/"))):
                zero = rest.startswith(b"/")
                parts.append(b"(?:.*/)?" if zero else b".*")
                end += zero
            else:
                parts.append(b"[^/]*")
            at = end
        else:
            parts.append(_literal(pattern[at : at + 1]))
            at += 1
    return b"".join(parts)


def _bracket(pattern: bytes, at: int) -> tuple[frozenset[int], int] | None:
    """The bytes that a bracket stands for, and where the pattern goes on; None where it can match nothing."""
    negated = pattern[at : at + 1] in {b"!", b"^"}
    at += negated
    members: set[int] = set()
    before, first = 0, at
    while pattern[at : at + 1] != b"]" or at == first:
        if at >= len(pattern):
            return None
        character = pattern[at]
        if character == _BACKSLASH:
            at += 1
            if at >= len(pattern):
                return None
            character = pattern[at]
            members.add(character)
        elif character == _DASH and before and pattern[at + 1 : at + 2] not in {b"", b"]"}:
            at += 1
            if pattern[at] == _BACKSLASH:
                at += 1
                if at >= len(pattern):
                    return None
            members.update(range(before, pattern[at] + 1))
            character = 0
        elif pattern[at : at + 2] == b"[:":
            end = pattern.find(b"]", at + 2)
            if end < 0:
                return None
            if end == at + 2 or pattern[end - 1] != 0x3A:
                members.add(_OPEN)
            else:
                known = _CLASSES.get(pattern[at + 2 : end - 1])
                if known is None:
                    return None
                members.update(byte for byte in _BYTES if known.match(bytes([byte])))
                character, at = 0, end
        else:
            members.add(character)
        before = character
        at += 1
    return (_BYTES - members if negated else frozenset(members)), at + 1


def _one_of(members: frozenset[int]) -> bytes:
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]" if members else _NEVER


def _literal(text: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in text)


def _compiled(expressions: list[bytes]) -> Iterator[Any]:
    """Expressions as one, or as several where one would be too large."""
    if not expressions:
        return
    try:
        yield re2.compile(b"|".join(b"(?:" + one + b")" for one in expressions), options=_OPTIONS)
    except re2.error:
        if len(expressions) > 1:
            half = len(expressions) // 2
            yield from _compiled(expressions[:half])
            yield from _compiled(expressions[half:])
