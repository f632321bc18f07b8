"""Go's template language, as far as marks need it: where actions stand, which of them print, and what they call.

Delimiters, trim markers, comments and strings are those of https://pkg.go.dev/text/template#hdr-Text_and_spaces. The
rest of the language is Helm's business; where a template is broken, what cannot be read is plain text here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_STRINGS: Final = r""""(?:\\.|[^"\\\n])*+"|`[^`]*+`|'(?:\\.|[^'\\\n])*+'"""
_ACTION: Final = regex(
    rf"""\{{\{{(?P<left>-(?=\s))?(?P<body>\s*/\*(?:[^*]|\*(?!/))*+\*/|(?:{_STRINGS}|(?!\s-\}}\}}|\}}\}})[^"`'])*+)"""
    r"""(?P<right>\s+-)?\s*\}\}"""
)
_TOKEN: Final = regex(rf"{_STRINGS}|[()|]|[\w.$]+|\S")
_WORD: Final = regex(r"\s*(\w+)\b")
_ASSIGNMENT: Final = regex(r"\s*\$\w*\s*(?:,\s*\$\w*\s*)?:?=")
_NAME: Final = regex(r"""\s*\w+\s+(?:"((?:\\.|[^"\\\n])*+)"|`([^`]*+)`)""")
_OPENING: Final = frozenset(("if", "range", "with", "define", "block"))
_SILENT: Final = frozenset((*_OPENING, "else", "end", "break", "continue"))
_CALLS: Final = frozenset(("include", "tpl"))
_KEEPS_LINES: Final = frozenset(("indent", "nindent", "trim"))
"""What may be done to the text of another template so that the marks in it still stand before the same characters."""


class Action(Struct, frozen=True):
    """An action: `{{ ... }}` from `start` to `end`, in code points of the template."""

    start: int
    end: int
    left: bool
    """Whether it trims the text before it."""
    right: bool
    body: str
    inside: str
    """The named template that it is in the definition of; empty outside of all."""

    @property
    def is_comment(self) -> bool:
        """Whether it says nothing to Helm, whatever calls a person wrote into it."""
        return self.body.lstrip().startswith("/*")

    @property
    def prints(self) -> bool:
        """Whether it prints what it evaluates to."""
        word = _WORD.match(self.body)
        silent = not self.body.strip() or self.is_comment or _ASSIGNMENT.match(self.body)
        return not silent and not (word and word[1] in _SILENT)


class Text(Struct, frozen=True):
    """What stands between two actions."""

    start: int
    end: int
    inside: str


def pieces(template: str) -> Iterator[Action | Text]:
    """A template in order, without gaps but for texts that are empty."""
    at = 0
    opened: list[str] = []
    inside = ""
    while True:
        start = template.find("{{", at)
        found = _ACTION.match(template, start) if start >= 0 else None
        if found is None:
            if at < len(template):
                yield Text(at, len(template), inside)
            return
        if start > at:
            yield Text(at, start, inside)
        at = found.end()
        body = found["body"]
        word = _WORD.match(body)
        keyword = word[1] if word else ""
        yield Action(start, at, found["left"] is not None, found["right"] is not None, body, inside)
        if keyword in _OPENING:
            opened.append(inside)
            if keyword in {"define", "block"} and (name := _NAME.match(body)):
                inside = name[1] or name[2] or ""
        elif keyword == "end" and opened:
            inside = opened.pop()


def without_marks_in_calls(action: Action, stripped: str) -> str:
    """The body of an action in which no function but one that keeps lines sees the marks of other templates.

    A template that is included to be hashed, cut or compared gives what it gave only without marks.

    Args:
        action: the action.
        stripped: a call with `%s` in place of an argument, which gives that without marks.
    """
    body = action.body
    if action.is_comment:
        return body
    tokens = [*_TOKEN.finditer(body)]
    kept = action.prints and _is_printed_as_it_is(tokens)
    calls: list[tuple[int, int]] = []
    for number, token in enumerate(tokens):
        before = tokens[number - 1][0] if number else ""
        # what is piped into a call is its last argument, which would be lost
        if token[0] in _CALLS and before != "|" and not (kept and number == 0):
            calls.append((token.start(), _end_of_command(tokens, number)))
    for start, before_pipe in reversed(
        calls
    ):  # calls within a call come after it, and were wrapped before it
        end = before_pipe + len(stripped % "") * sum(start < other < before_pipe for other, _ in calls)
        body = f"{body[:start]}{stripped % body[start:end]}{body[end:]}"
    return body


def _is_printed_as_it_is(tokens: list[re.Match[str]]) -> bool:
    """Whether an action prints another template, and does nothing to it but to indent it."""
    if not tokens or tokens[0][0] not in _CALLS:
        return False
    depth = 0
    for number, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == "|" and depth == 0:
            following = tokens[number + 1][0] if number + 1 < len(tokens) else ""
            if following not in _KEEPS_LINES:
                return False
    return True


def _end_of_command(tokens: list[re.Match[str]], number: int) -> int:
    """Where the command ends whose function is a token: before a pipe, a closing parenthesis or the action's end."""
    depth = 0
    end = tokens[number].end()
    for token in tokens[number:]:
        if depth == 0 and token[0] in {"|", ")"}:
            return end
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        end = token.end()
    return end
