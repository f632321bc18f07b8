"""Which values an action in a template may read, told from its syntax: candidates, of which rendering proves some.

`.Values.a.b` is followed through `with`, `range`, variables and named templates that are included. What a named
template is called with is not known here, so its dot is taken for the chart's; a wrong candidate costs one rendering.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from kscan_lsp.render.templates import Action, pieces, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.text import Span

ValuePath: TypeAlias = "tuple[str, ...]"

_DEEPEST: Final = 6
"""How many named templates are followed, one in the other."""
_CALLS: Final = frozenset(("include", "template"))
_OPENING: Final = frozenset(("if", "range", "with", "define", "block"))


class _Read(NamedTuple):
    """An action and what its own words read."""

    action: Action
    values: tuple[ValuePath, ...]
    calls: tuple[str, ...]


class Reads:
    """What the actions of a chart's templates read."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        """Read templates, by path."""
        self._files = {path: tuple(_reads(text)) for path, text in templates.items()}
        self._named: dict[str, list[_Read]] = {}
        for reads in self._files.values():
            for read in reads:
                if read.action.inside:
                    self._named.setdefault(read.action.inside, []).append(read)

    def of(self, file: str, span: Span) -> list[ValuePath]:
        """The values that actions in a span of a template may read, those that stand in it first.

        A path is that of the chart that the template is in: of a subchart without its name.
        """
        found: dict[ValuePath, None] = {}
        there = [
            read
            for read in self._files.get(file, ())
            if read.action.start < span.end and span.start < read.action.end
        ]
        for read in there:
            found |= dict.fromkeys(read.values)
        for read in there:
            for name in read.calls:
                found |= dict.fromkeys(self._of_named(name, _DEEPEST))
        return list(found)

    def _of_named(self, name: str, deep: int) -> Iterator[ValuePath]:
        for read in self._named.get(name, ()) if deep else ():
            yield from read.values
            for other in read.calls:
                yield from self._of_named(other, deep - 1)


class _Scope(NamedTuple):
    dot: ValuePath | None
    """The value that the dot is; None for what is none, which the dot of the chart is."""
    whole: bool
    """Whether the dot is that of the chart."""


def _reads(template: str) -> Iterator[_Read]:
    scopes = [_Scope(None, whole=True)]
    variables: dict[str, tuple[ValuePath, ...]] = {}
    for action in pieces(template):
        if not isinstance(action, Action):
            continue
        tokens = words(action.body)
        keyword = tokens[0] if tokens else ""
        if keyword == "end" and len(scopes) > 1:
            scopes.pop()
            continue
        read = tuple(dict.fromkeys(_values(tokens, scopes[-1], variables)))
        calls = tuple(
            name.strip('"`') for word, name in pairwise(tokens) if word in _CALLS and name[:1] in '"`'
        )
        yield _Read(action, read, calls)
        names = [word for word in tokens[:4] if word.startswith("$") and word[1:].isidentifier()]
        if "=" in tokens[:6] and names:
            variables[names[-1]] = read
        if keyword in {"define", "block"}:
            scopes.append(_Scope(None, whole=True))
        elif keyword in {"with", "range"}:
            scopes.append(_Scope(read[0] if read else None, whole=False))
        elif keyword in _OPENING:
            scopes.append(scopes[-1])


def _values(
    tokens: list[str], scope: _Scope, variables: Mapping[str, tuple[ValuePath, ...]]
) -> Iterator[ValuePath]:
    for token in tokens:
        head, _, rest = token.partition(".")
        names = tuple(name for name in rest.split(".") if name)
        if "." not in token:
            yield from variables.get(token, ())
        elif head == "$" or (head == "" and scope.whole):
            if names[:1] == ("Values",) and len(names) > 1:
                yield names[1:]
        elif head == "":
            if scope.dot is not None:
                yield (*scope.dot, *names)
        elif head.startswith("$"):
            yield from ((*value, *names) for value in variables.get(head, ()))
