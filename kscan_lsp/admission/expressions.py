"""An expression of CEL taken apart, with the place of every part in its source.

The runtime's own trees know no places, and have macros spelt out. Here an expression is only taken apart, to ask its
parts one by one; whether it is right is for the compiler to say.

Source: doc/langdef.md of google/cel-spec, and the optional syntax of its extensions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.regex import regex

_TOKEN: Final = regex(
    r"\s*(?:(?P<number>0x[0-9a-fA-F]+u?|\d+\.?\d*(?:[eE][+-]?\d+)?u?|\.\d+)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>\|\||&&|<=|>=|==|!=|[-+*/%<>!?:.,()\[\]{}]))"
)
_LEVELS: Final = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
MAX_DEPTH: Final = 100
MACROS: Final = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})


class Part(NamedTuple):
    """A part of an expression.

    `kind` is `name`, `literal`, `select`, `index`, `call` (of a function, or of a method, whose receiver is the first
    of its parts), `operator`, `list`, `map`, `condition` (with its `?` and `:`), `object` (of a type, with a `field`
    and its value in turn; that of an optional value begins with `?`). `name` is what is named, selected, called or
    operated; of a literal the text, of an object its type.
    """

    kind: str
    start: int
    end: int
    name: str = ""
    parts: tuple[Part, ...] = ()
    method: bool = False


class _Token(Struct, frozen=True):
    kind: str
    text: str
    start: int
    end: int


class _NoExpressionError(Exception):
    pass


@lru_cache(maxsize=1_024)
def parts_of(source: str) -> Part | None:
    """An expression taken apart; None for what is none, or is nested too deeply."""
    try:
        parser = _Parser(list(_tokens(source)))
        found = parser.expression(0)
    except (_NoExpressionError, IndexError):
        return None
    return found if parser.at == len(parser.tokens) - 1 else None


def _tokens(source: str) -> list[_Token]:
    found: list[_Token] = []
    literals = {span.start: span.end for span in cel.literals(source)}
    at = 0
    while at < len(source):
        if at in literals:
            if not source.startswith("//", at):
                found.append(_Token("string", source[at : literals[at]], at, literals[at]))
            at = literals[at]
        elif source[at].isspace():
            at += 1
        else:
            match = _TOKEN.match(source, at)
            if match is None or match.lastgroup is None:
                raise _NoExpressionError
            found.append(_Token(match.lastgroup, match[match.lastgroup], at, match.end()))
            at = match.end()
    return [*found, _Token("end", "", len(source), len(source))]


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, *texts: str) -> bool:
        token = self.tokens[self.at]
        return token.text in texts and token.kind != "string"

    def take(self, text: str = "") -> _Token:
        token = self.tokens[self.at]
        if token.kind == "end" or (text and not self.peek(text)):
            raise _NoExpressionError
        self.at += 1
        return token

    def expression(self, depth: int) -> Part:
        if depth > MAX_DEPTH:
            raise _NoExpressionError
        found = self.binary(0, depth + 1)
        if not self.peek("?"):
            return found
        self.take()
        yes = self.binary(0, depth + 1)
        self.take(":")
        no = self.expression(depth + 1)
        return Part("condition", found.start, no.end, "?:", (found, yes, no))

    def binary(self, level: int, depth: int) -> Part:
        if level == len(_LEVELS):
            return self.unary(depth)
        found = self.binary(level + 1, depth)
        while self.peek(*_LEVELS[level]):
            name = self.take().text
            other = self.binary(level + 1, depth)
            found = Part("operator", found.start, other.end, name, (found, other))
        return found

    def unary(self, depth: int) -> Part:
        if depth > MAX_DEPTH:
            raise _NoExpressionError
        if self.peek("!", "-"):
            sign = self.take()
            part = self.unary(depth + 1)
            return Part("operator", sign.start, part.end, sign.text, (part,))
        return self.member(depth)

    def member(self, depth: int) -> Part:
        found = self.primary(depth)
        while self.peek(".", "[") or (self.peek("{") and _type_in(found)):
            if self.peek("{"):
                fields, end = self.fields(depth)
                found = Part("object", found.start, end, _type_in(found), fields)
                continue
            if self.take().text == "[":
                if self.peek("?"):
                    self.take()
                index = self.expression(depth + 1)
                found = Part("index", found.start, self.take("]").end, "", (found, index))
                continue
            if self.peek("?"):
                self.take()
            name = self.take()
            if self.peek("("):
                given, end = self.listed("(", ")", depth)
                found = Part("call", found.start, end, name.text, (found, *given), method=True)
            else:
                found = Part("select", found.start, name.end, name.text, (found,))
        return found

    def primary(self, depth: int) -> Part:
        token = self.tokens[self.at]
        if self.peek("("):
            self.take()
            inner = self.expression(depth + 1)
            return inner._replace(start=token.start, end=self.take(")").end)
        if self.peek("["):
            parts, end = self.listed("[", "]", depth)
            return Part("list", token.start, end, "", parts)
        if self.peek("{"):
            parts, end = self.listed("{", "}", depth)
            return Part("map", token.start, end, "", parts)
        self.take()
        if token.kind in {"string", "number"} or token.text in {"true", "false", "null"}:
            return Part("literal", token.start, token.end, token.text)
        if token.kind != "name":
            raise _NoExpressionError
        if self.peek("("):
            parts, end = self.listed("(", ")", depth)
            return Part("call", token.start, end, token.text, parts)
        return Part("name", token.start, token.end, token.text)

    def fields(self, depth: int) -> tuple[tuple[Part, ...], int]:
        """The fields of an object, each with its value."""
        self.take("{")
        parts: list[Part] = []
        while not self.peek("}"):
            optional = "?" if self.peek("?") else ""
            if optional:
                self.take()
            name = self.take()
            if name.kind != "name":
                raise _NoExpressionError
            self.take(":")
            parts += [
                Part("field", name.start, name.end, optional + name.text),
                self.expression(depth + 1),
            ]
            if not self.peek("}"):
                self.take(",")
        return tuple(parts), self.take("}").end

    def listed(self, opened: str, closed: str, depth: int) -> tuple[tuple[Part, ...], int]:
        """What stands in brackets; of a map, keys and values in turn."""
        self.take(opened)
        parts: list[Part] = []
        while not self.peek(closed):
            if self.peek("?"):
                self.take()
            parts.append(self.expression(depth + 1))
            if not self.peek(closed):
                self.take(":" if opened == "{" and self.peek(":") else ",")
        return tuple(parts), self.take(closed).end


def _type_in(part: Part) -> str:
    """The type that a name says, or a name selected from names; empty for any other part."""
    if part.kind == "name":
        return part.name
    above = _type_in(part.parts[0]) if part.kind == "select" else ""
    return f"{above}.{part.name}" if above else ""
