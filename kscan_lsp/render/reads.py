"""What the actions of a template read: the values that each of them may print or be decided by.

Go's templates are followed from a template that is rendered through all that it includes: `with` and `range` give the
dot another meaning, variables stand for what they were set to, `dict` makes a context of several, and a named template
means something else for each context that it is included with. What a function makes of its arguments is not known, so
what it reads is all that they do. That is more than counts: it only says where to look, and `causes.py` proves by
rendering.

Left out on purpose: what text in values reads that `tpl` evaluates, and names of templates that are put together.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.render.templates import Action, pieces

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

Reference: TypeAlias = "tuple[str, ...]"
"""A path from what a template is rendered with: `("Values", "image", "tag")`. `EACH` is any entry of a list or map."""
EACH: Final = "*"
_MOST_FOLLOWED: Final = 2_000
"""Named templates that are followed for one template; each may include ten others."""
_DEEPEST: Final = 12
_TOKEN: Final = regex(r""""(?:\\.|[^"\\\n])*+"|`[^`]*+`|'(?:\\.|[^'\\\n])*+'|:?=|[\w.$]+|\S""")
_INCLUDING: Final = frozenset(("include", "template", "block"))
_OPENING: Final = frozenset(("if", "with", "range"))
_NOT_READING: Final = frozenset(("end", "define", "break", "continue"))


class Referent(Struct, frozen=True):
    """What an expression may refer to: parts of what a chart is rendered with, and the fields of a `dict`."""

    references: frozenset[Reference] = frozenset()
    fields: Mapping[str, Referent] = {}
    literal: str | None = None
    """What a text that is spelled out says."""

    def field(self, name: str) -> Referent:
        """What one of its fields stands for."""
        below = Referent(frozenset((*one, name) for one in self.references))
        return together((below, self.fields[name])) if name in self.fields else below

    def everything(self) -> frozenset[Reference]:
        """All that it stands for, its fields too."""
        return self.references.union(*(one.everything() for one in self.fields.values()))

    def key(self) -> object:
        """What tells it from others."""
        return self.references, tuple(sorted((name, one.key()) for name, one in self.fields.items()))


_NOTHING: Final = Referent()
_ROOT: Final = Referent(frozenset([()]))


def together(referents: Iterable[Referent]) -> Referent:
    """What may stand for any of several."""
    references: frozenset[Reference] = frozenset()
    fields: dict[str, Referent] = {}
    for one in referents:
        references |= one.references
        fields |= one.fields
    return Referent(references, fields)


class ActionReads(Struct, frozen=True):
    """What an action reads itself, what through the templates that it includes, and what decides if it is there."""

    own: frozenset[Reference] = frozenset()
    through: frozenset[Reference] = frozenset()
    around: frozenset[Reference] = frozenset()


def _values(found: Iterable[Reference]) -> frozenset[Reference]:
    return frozenset(one for one in found if one[:1] == ("Values",) and len(one) > 1)


class Templates:
    """The templates of a chart, taken apart once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Templates by the names of their files."""
        self._texts = texts
        self.bodies: dict[tuple[str, str], tuple[str, list[Action]]] = {}
        """Actions by file and "", and of named templates by "" and name, with the file that they are in."""
        for file, text in texts.items():
            for piece in pieces(text):
                if isinstance(piece, Action):
                    key = ("", piece.inside) if piece.inside else (file, "")
                    self.bodies.setdefault(key, (file, []))[1].append(piece)

    def line(self, file: str, number: int) -> str:
        """A line of a file, from 1; empty where there is none."""
        lines = self._texts.get(file, "").split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""


class TemplateReads:
    """What the actions read that have a part in one template."""

    def __init__(self, templates: Templates, file: str) -> None:
        self._templates = templates
        self._actions: dict[tuple[str, int], ActionReads] = {}
        self._behind: dict[str, dict[int, frozenset[Reference]]] = {}
        """What decides if the text is there that follows an action, by file and start of that."""
        self._known: dict[object, frozenset[Reference]] = {}
        self._starts: dict[str, list[int]] = {}
        self.follow((file, ""), _ROOT, 0)
        for name, found in self._behind.items():
            self._starts[name] = sorted(found)

    def of(self, file: str, start: int) -> ActionReads:
        """What an action reads, which starts at a place of a file."""
        return self._actions.get((file, start), ActionReads())

    def within(self, file: str, start: int, end: int) -> frozenset[Reference]:
        """What the actions read that begin in a part of a file, through others, too."""
        starts = self._starts.get(file, [])
        inside = starts[bisect_left(starts, start) : bisect_left(starts, end)]
        found = [self.of(file, one) for one in inside]
        return frozenset[Reference]().union(*(one.own | one.through for one in found))

    def deciding(self, file: str, offset: int) -> frozenset[Reference]:
        """What decides if the text is there that stands at a place of a file."""
        starts = self._starts.get(file, [])
        before = bisect_left(starts, offset)
        return self._behind[file][starts[before - 1]] if before else frozenset()

    def follow(self, body: tuple[str, str], dot: Referent, depth: int) -> frozenset[Reference]:
        """Note what a template reads that is rendered with something; all of that."""
        key = (body, dot.key())
        if key in self._known or depth > _DEEPEST or len(self._known) > _MOST_FOLLOWED:
            return self._known.get(key, frozenset())
        self._known[key] = frozenset()  # one that includes itself reads what it does
        file, actions = self._templates.bodies.get(body, ("", []))
        run = _Following(self, file, dot, depth)
        for action in actions:
            run.step(action)
        self._known[key] = found = frozenset(run.read)
        return found

    def note(self, file: str, action: Action, reads: ActionReads, behind: frozenset[Reference]) -> None:
        """Note what an action reads in one of the contexts that it is rendered in."""
        known = self._actions.get((file, action.start), ActionReads())
        self._actions[file, action.start] = ActionReads(
            known.own | reads.own, known.through | reads.through, known.around | reads.around
        )
        places = self._behind.setdefault(file, {})
        places[action.start] = places.get(action.start, frozenset()) | behind


class _Frame(Struct, frozen=True):
    """A block that was opened: what the dot stands for in it, its variables, and what decides if it is rendered."""

    dot: Referent
    variables: dict[str, Referent]
    around: frozenset[Reference]


class _Following:
    """One template followed with one context."""

    def __init__(self, reads: TemplateReads, file: str, dot: Referent, depth: int) -> None:
        self._reads = reads
        self._file = file
        self._depth = depth
        self._frames = [_Frame(dot, {"$": dot}, frozenset())]
        self.read: set[Reference] = set()
        self._own: set[Reference] = set()
        self._through: set[Reference] = set()

    def step(self, action: Action) -> None:
        """Follow the next action."""
        self._own, self._through = set(), set()
        tokens = [*_TOKEN.finditer(action.body)]
        word = tokens[0][0] if tokens else ""
        around = self._frames[-1].around
        if action.body.lstrip().startswith("/*") or word in _NOT_READING:
            if word == "end" and len(self._frames) > 1:
                self._frames.pop()
        elif word == "else":
            self._otherwise(tokens[1:])
        elif word in _OPENING:
            self._open(word, tokens[1:])
        else:
            self._assigned_or_read(tokens)
        own, through = _values(self._own), _values(self._through)
        self.read |= own | through
        self._reads.note(self._file, action, ActionReads(own, through, around), self._frames[-1].around)

    def _otherwise(self, tokens: list[re.Match[str]]) -> None:
        if len(self._frames) > 1:
            closed = self._frames.pop()
            word = tokens[0][0] if tokens else ""
            if word in _OPENING:
                self._open(word, tokens[1:], closed.around)
            else:
                self._frames.append(_Frame(self._frames[-1].dot, {}, closed.around))

    def _open(self, word: str, tokens: list[re.Match[str]], more: frozenset[Reference] = frozenset()) -> None:
        names, expression = _assignment(tokens)
        referent = self._read(expression)
        element = referent.field(EACH) if word == "range" else referent
        variables = dict.fromkeys(names, element)
        if len(names) > 1:
            variables[names[0]] = Referent(referent.references)
        outer = self._frames[-1]
        around = outer.around | more | _values(self._own | self._through)
        self._frames.append(_Frame(outer.dot if word == "if" else element, variables, around))

    def _assigned_or_read(self, tokens: list[re.Match[str]]) -> None:
        names, expression = _assignment(tokens)
        referent = self._read(expression)
        for name in names:
            known = next((frame for frame in reversed(self._frames) if name in frame.variables), None)
            if known is None or ":=" in (token[0] for token in tokens):
                self._frames[-1].variables[name] = referent
            else:
                known.variables[name] = together((known.variables[name], referent))

    def _read(self, tokens: list[re.Match[str]]) -> Referent:
        """What a pipeline stands for; what is read for it is noted."""
        piped: list[Referent] = []
        commands: list[list[re.Match[str]]] = [[]]
        depth = 0
        for token in tokens:
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            if token[0] == "|" and depth == 0:
                commands.append([])
            else:
                commands[-1].append(token)
        for command in commands:
            piped = [self._command(command, piped)]
        return piped[0]

    def _command(self, tokens: list[re.Match[str]], piped: list[Referent]) -> Referent:
        name = ""
        if tokens and tokens[0][0][:1].isalpha():
            name, tokens = tokens[0][0], tokens[1:]
        operands = [*self._operands(tokens), *piped]
        if name in _INCLUDING and operands and operands[0].literal is not None:
            context = operands[1] if len(operands) > 1 else _NOTHING
            found = self._reads.follow(("", operands[0].literal), context, self._depth + 1)
            self._through |= found
            return Referent(found)
        referent = _applied(name, operands)
        self._own |= referent.references
        return referent

    def _operands(self, tokens: list[re.Match[str]]) -> list[Referent]:
        found: list[Referent] = []
        at = 0
        while at < len(tokens):
            text = tokens[at][0]
            if text == "(":
                close = _closing(tokens, at)
                referent = self._read(tokens[at + 1 : close])
                at = close
                if at + 1 < len(tokens) and tokens[at + 1].start() == tokens[at].end():
                    referent = _below(referent, tokens[at + 1][0])
                    at += 1
            else:
                referent = self._term(text)
            self._own |= referent.references
            found.append(referent)
            at += 1
        return found

    def _term(self, text: str) -> Referent:
        if text[0] in '"`':
            return Referent(literal=text[1:-1])
        if text[0] == "$":
            name, _, rest = text.partition(".")
            known = next(
                (frame.variables[name] for frame in reversed(self._frames) if name in frame.variables),
                _NOTHING,
            )
            return _below(known, rest)
        return _below(self._frames[-1].dot, text) if text[0] == "." else _NOTHING


def _below(referent: Referent, path: str) -> Referent:
    for name in path.split("."):
        if name:
            referent = referent.field(name)
    return referent


def _applied(name: str, operands: list[Referent]) -> Referent:
    """What a function gives of its operands, as far as it matters here."""
    literals = [one.literal for one in operands]
    match name:
        case "dict":
            return Referent(
                fields={key: one for key, one in zip(literals[::2], operands[1::2], strict=False) if key}
            )
        case "index" | "get" | "hasKey" if operands:
            return _indexed(operands[0], literals[1:])
        case "dig" if len(operands) > 2:
            return together((_indexed(operands[-1], literals[:-2]), operands[-2]))
        case "pluck" if len(operands) > 1:
            return _indexed(operands[1], literals[:1])
        case "first" | "last" | "values" if operands:
            return operands[0].field(EACH)
        case _:
            return operands[0] if len(operands) == 1 and not name else together(operands)


def _indexed(referent: Referent, names: list[str | None]) -> Referent:
    for name in names:
        referent = referent.field(EACH if name is None else name)
    return referent


def _assignment(tokens: list[re.Match[str]]) -> tuple[list[str], list[re.Match[str]]]:
    """The variables that an action sets, and the expression that it sets them to."""
    for number, token in enumerate(tokens[:4]):
        if token[0] in {":=", "="}:
            return [one[0] for one in tokens[:number] if one[0].startswith("$")], tokens[number + 1 :]
    return [], tokens


def _closing(tokens: list[re.Match[str]], at: int) -> int:
    """The number of the token that closes a parenthesis; the last one where none does."""
    depth = 0
    for number in range(at, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[number][0], 0)
        if depth == 0:
            return number
    return len(tokens) - 1
