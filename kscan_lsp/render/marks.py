"""Invisible marks in templates, and what they tell in what was rendered from these.

A mark is one character of Unicode's supplementary private use areas, which YAML, Go and Helm pass on as they are. One
stands before the content of each line of text, behind its indentation, so that what trims white space finds it as it
was; one stands before and one behind all that an action prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.regex import regex
from kscan_lsp.render.templates import Action, pieces, without_marks_in_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST: Final = 0xF0000
_SECOND: Final = 0x100000
_OF_AREA: Final = 0xFFFE
"""The last two characters of each area are no characters."""
MOST: Final = 2 * _OF_AREA
"""How many marks there are; what is left of a chart that needs more has none."""
MARK: Final = regex("[\U000f0000-\U0010fffd]")
_STRIPPED: Final = '(regexReplaceAll "[\\\\x{F0000}-\\\\x{10FFFD}]" (%s) "")'
_CONTENT: Final = regex(r"[^\s][^\r\n]*(?:\r\n?|\n)?")


class Written(NamedTuple):
    """A part of a template, in code points, and the named template it is in the definition of."""

    file: str
    start: int
    end: int
    inside: str = ""


class Piece(NamedTuple):
    """What a stretch of rendered text comes from, up to the next one.

    `actions` print it, from the one in the template that is rendered to the one in the template that it leads to.
    `line` is the text that it is, if that is known; the stretch begins at its first character.
    """

    at: int
    actions: tuple[Written, ...]
    line: Written | None


class Marks:
    """The marks of one rendering."""

    def __init__(self) -> None:
        self._written: list[tuple[Written, str]] = []
        """What each stands for, and whether it begins a text or an action, or ends one."""

    def marked(self, file: str, template: str, without: frozenset[tuple[str, str]]) -> str:
        """A template with marks.

        Args:
            file: its path.
            template: its text.
            without: the paths and named templates (empty for what is in none) that get none.
        """
        if MARK.search(template):
            return template  # they would be taken for ours
        parts: list[str] = []
        for piece in pieces(template):
            # a new mark takes room for two: an action is never begun and not ended
            plain = (file, piece.inside) in without or len(self._written) + 2 > MOST
            if isinstance(piece, Action):
                parts.append(self._action(file, template, piece, plain=plain))
            elif plain:
                parts.append(template[piece.start : piece.end])
            else:
                parts += self._lines(file, template, piece.start, piece.end, piece.inside)
        return "".join(parts)

    def _action(self, file: str, template: str, action: Action, *, plain: bool) -> str:
        body = without_marks_in_calls(action, _STRIPPED)
        left, right = "{{-" if action.left else "{{", " -}}" if action.right else "}}"
        if plain or not action.prints:
            if body == action.body:
                return template[action.start : action.end]
            return f"{left}{body}{right}"
        written = Written(file, action.start, action.end, action.inside)
        opening, closing = self._new(written, "action"), self._new(written, "end")
        return f'{left} "{opening}" }}}}{{{{{body}}}}}{{{{ "{closing}"{right}'

    def _lines(self, file: str, template: str, start: int, end: int, inside: str) -> Iterator[str]:
        at = start
        for line in _CONTENT.finditer(template, start, end):
            if len(self._written) >= MOST:
                break
            yield template[at : line.start()]
            yield self._new(Written(file, line.start(), line.end(), inside), "text")
            at = line.start()
        yield template[at:end]

    def _new(self, written: Written, kind: str) -> str:
        number = len(self._written)
        self._written.append((written, kind))
        return chr(_FIRST + number) if number < _OF_AREA else chr(_SECOND + number - _OF_AREA)

    def read(self, rendered: str) -> tuple[str, tuple[Piece, ...]]:
        """A rendered text without marks, and what they say of it."""
        parts: list[str] = []
        found: list[Piece] = []
        actions: tuple[Written, ...] = ()
        at = before = 0
        for mark in MARK.finditer(rendered):
            parts.append(rendered[before : mark.start()])
            at += mark.start() - before
            before = mark.end()
            code = ord(mark[0])
            number = code - _FIRST if code < _SECOND else code - _SECOND + _OF_AREA
            if number >= len(self._written):
                continue
            written, kind = self._written[number]
            line = None
            if kind == "action":
                actions = (*actions, written)
            elif kind == "text":
                line = written
            elif written in actions:
                # nested actions may have lost their ends to a function that cuts
                actions = actions[: len(actions) - 1 - actions[::-1].index(written)]
                line = written._replace(start=written.end)
            if found and found[-1].at == at:
                found.pop()
            found.append(Piece(at, actions, line))
        parts.append(rendered[before:])
        return "".join(parts), tuple(found)
