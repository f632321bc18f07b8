"""What may be written at a place of an expression: fields, variables, functions, relations and inputs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from kscan_lsp.authoring.asked import PartQuestions
from kscan_lsp.authoring.cel_reference import reference
from kscan_lsp.authoring.taken_apart import bound_around, taken_apart
from kscan_lsp.authoring.types import Types, fields_in, in_words
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.authoring.asked import Asking
    from kscan_lsp.authoring.half_typed import Typing
    from kscan_lsp.authoring.types import Tree

_ALWAYS: Final = frozenset({"apiVersion", "kind", "metadata", "ref", "object", "via", "relation", "index"})
"""Fields that are asked for without `?`: whatever has them has them always."""
_NAMED: Final = frozenset({"object", "podTemplate", "pod", "container", "item"})
"""Of these `name` is one, too."""
_CALL: Final = regex(r"(?:(?P<of>\w)(?:\.\?k)?\.)?(?P<name>[\w.]+)\((?P<given>.*)\)")
_RECEIVERS: Final = {"m": "optional", "l": "list", "t": "string", "q": "bytes", "v": "bytes", "a": "bytes",
                     "r": "bytes", "u": "bytes"}  # fmt: skip
_MORE: Final = (
    ("t.startsWith(s)", "whether it begins with another text"),
    ("t.endsWith(s)", "whether it ends with another text"),
    ("t.lowerAscii()", "the same in small letters"),
    ("t.upperAscii()", "the same in capitals"),
    ("t.indexOf(s)", "where another text begins in it; -1 where it does not"),
    ("t.size()", "how many characters it has"),
    ("l.exists_one(x, e)", "whether `e` is true for one entry, and for no other"),
    ("l.min()", "the least entry"),
    ("l.max()", "the greatest entry"),
    ("q.isGreaterThan(p)", "compares two quantities, or two versions"),
    ("q.compareTo(p)", "compares two quantities, or two versions: -1, 0 or 1"),
    ("has(m.k)", "whether a field is there"),
    ("size(v)", "how many entries or characters something has"),
    ("int(v)", "a value as a whole number"),
    ("double(v)", "a value as a number"),
    ("cel.bind(x, v, e)", "`e` with a name for `v`"),
)
"""What the reference leaves to that of CEL."""


class FunctionLine(NamedTuple):
    """A function, or a method of some type."""

    name: str
    written: str
    gives: str
    of: str
    """The type it is a method of, as CEL writes it; empty for a function."""
    empty: bool
    """Whether it takes nothing."""


class ExpressionChoice(NamedTuple):
    """Something that may be written."""

    kind: Literal["field", "variable", "function", "value"]
    name: str
    text: str
    """What is written for it."""
    detail: str
    about: str = ""


def choices_at(
    typing: Typing, asking: Asking, roots: Mapping[str, Tree], meanings: Mapping[str, str]
) -> list[ExpressionChoice]:
    """What may be written at a place, the likeliest first.

    Args:
        typing: the place.
        asking: what the expression is asked of; its values do not count.
        roots: what Kubernetes has in the variables that there are.
        meanings: what names mean that are bound around the expression.
    """
    types = Types(roots, asking.let)
    bound = types.bound_to(typing.variables, asking.source)
    if typing.receiver is None:
        return [*_names(asking, roots, bound, meanings), *_functions(""), *_values()]
    part = taken_apart(typing.receiver)
    tree = None if part is None else types.of(part, bound)
    named = typing.receiver in _NAMED or typing.receiver in {one.name for one in typing.variables}
    kind = _kind(typing, asking)
    found: list[ExpressionChoice] = []
    for name, inside in fields_in(tree).items():
        plain = typing.optional or name in _ALWAYS or (named and name == "name") or _is_given(typing)
        if not name.isidentifier():
            continue
        found.append(ExpressionChoice("field", name, name if plain else f"?{name}", in_words(inside, 1)))
    return found if typing.optional else [*found, *_functions(kind or _as_cel(tree))]


def _is_given(typing: Typing) -> bool:
    """Whether what is asked for is an input, which is always there."""
    return typing.receiver in {"inputs", "evidence"}


def _kind(typing: Typing, asking: Asking) -> str:
    """The type of what something is asked of, as far as the compiler knows it; empty where that is anything."""
    text = bound_around(
        typing.receiver or "", asking.source, typing.variables, ("0",) * len(typing.variables)
    )
    kind = PartQuestions(asking).type_of_text(text).partition("(")[0]
    return "" if kind == "dyn" else kind


def _as_cel(tree: Tree) -> str:
    """The same by what Kubernetes has there."""
    if tree is None:
        return "any"
    return in_words(tree, 1).partition("(")[0].replace("object", "map")


def _names(
    asking: Asking, roots: Mapping[str, Tree], bound: Mapping[str, Tree], meanings: Mapping[str, str]
) -> Iterator[ExpressionChoice]:
    types = Types(roots, asking.let)
    for name in reversed([*bound]):
        yield ExpressionChoice("variable", name, name, in_words(bound[name], 1), "bound by a macro")
    for name, source in reversed(asking.let):
        if name not in bound:
            yield ExpressionChoice(
                "variable", name, name, in_words(types.named(name), 1), meanings.get(name) or f"`{source}`"
            )
    known = {line.written: line.gives for line in reference().sections[0].lines}
    for name, tree in roots.items():
        if name not in bound and name not in dict(asking.let) and name != "relations":
            yield ExpressionChoice("variable", name, name, in_words(tree, 1), known.get(name, ""))


def _functions(kind: str) -> Iterator[ExpressionChoice]:
    """The functions there are, or the methods of a type; of one that nobody knows all of them."""
    for one in functions():
        fits = one.of == kind or (kind == "any" and one.of) or (kind == "map" and one.name in _OF_MAPS)
        if fits:
            yield ExpressionChoice(
                "function", one.name, f"{one.name}()" if one.empty else f"{one.name}(", one.written, one.gives
            )


_OF_MAPS: Final = frozenset({"exists", "all", "filter", "map", "size", "exists_one"})


def _values() -> Iterator[ExpressionChoice]:
    return (ExpressionChoice("value", name, name, "bool") for name in ("true", "false"))


@cache
def functions() -> tuple[FunctionLine, ...]:
    """All functions and methods that have words."""
    lines: list[tuple[str, str]] = [
        (line.written, line.gives) for section in reference().sections[1:] for line in section.lines
    ]
    found: dict[tuple[str, str], FunctionLine] = {}
    for written, gives in (*lines, *_MORE):
        if call := _CALL.fullmatch(written):
            of, name, given = call["of"] or "", call["name"], call["given"]
            method = of in _RECEIVERS and bool(of)
            if of and not method:
                continue
            kind = _RECEIVERS[of] if method else ""
            told = f"{name}({given})" if method else written
            found.setdefault((name, kind), FunctionLine(name, told, gives, kind, not given))
    return tuple(found.values())
