"""Which fields of an object made a validation fail: the deepest that decided it, in the list elements that failed.

The expression is taken apart and its parts are asked one by one, as somebody would who looks for the reason: of an
`and` the part that is false, of an `all` the elements for which it is, of a comparison the field that is compared.
Where that leads to no field of the object, its name is the place.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.admission.environment import POLICIES
from kscan_lsp.admission.expressions import MACROS, parts_of

if TYPE_CHECKING:
    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.admission.model import Policy, PolicyExpression
    from kscan_lsp.paths import Path

OF_OBJECT: Final[Path] = ("metadata", "name")
"""Where what is about no field of an object stands."""
MAX_PLACES: Final = 20
MAX_ASKED: Final = 200
"""Parts of expressions that are asked for the place of one violation."""


def places_of(policy: Policy, question: PolicyExpression, activation: cel.Activation) -> tuple[Path, ...]:
    """The fields that decided that an expression of a policy is false; the name of the object where nobody knows.

    Args:
        policy: the policy.
        question: one of its validations, which is false.
        activation: what it was evaluated on.
    """
    made = question.made
    part = parts_of(made.source) if made else None
    if made is None or part is None:
        return (OF_OBJECT,)
    search = _Search(activation)
    scope = _PlaceScope(made.source, policy.let, {})
    found = [path for path in search.why(part, scope, wanted=False) if path]
    return tuple(dict.fromkeys(found))[:MAX_PLACES] or (OF_OBJECT,)


class _PlaceScope(NamedTuple):
    """A source, the names bound around it, and where what the variables of macros stand for comes from."""

    source: str
    let: tuple[tuple[str, str], ...]
    origins: dict[str, list[Path]]

    def text(self, part: Part) -> str:
        return self.source[part.start : part.end]

    def with_element(self, name: str, text: str, origins: list[Path]) -> _PlaceScope:
        return self._replace(let=(*self.let, (name, text)), origins={**self.origins, name: origins})


class _Element(NamedTuple):
    """One of what a macro goes through: how it is written, and where it comes from."""

    text: str
    origins: list[Path]


@lru_cache(maxsize=4_096)
def _compiled(source: str, let: tuple[tuple[str, str], ...]) -> cel.Expression | cel.CelError:
    """A part of an expression that is known to compile; while somebody types, the same are asked again."""
    return cel.compile_expression(POLICIES, source, let=let)


class _Search:
    def __init__(self, activation: cel.Activation) -> None:
        self.activation = activation
        self.left = MAX_ASKED

    def ask(self, part: Part, scope: _PlaceScope) -> cel.Json | cel.Failed:
        """The value of a part."""
        return self.ask_text(scope.text(part), scope)

    def ask_text(self, text: str, scope: _PlaceScope) -> cel.Json | cel.Failed:
        """The value of an expression where a part of another could stand."""
        self.left -= 1
        return self.value(text, scope) if self.left >= 0 else cel.Failed("too many parts")

    def value(self, text: str, scope: _PlaceScope) -> cel.Json | cel.Failed:
        """The same, whatever was asked before."""
        made = _compiled(text, scope.let)
        if isinstance(made, cel.CelError):
            return cel.Failed(made.message)
        return cel.evaluate(made, self.activation)

    def is_map(self, text: str, scope: _PlaceScope) -> bool:
        """Whether what has entries is a map. It is known without the runtime what can be put before a list."""
        self.left -= 1
        if self.left < 0 or isinstance(self.value(f"size(({text}) + [])", scope), int):
            return False
        return self.value(f"type({text}) == map", scope) is True

    def variable(self, name: str, scope: _PlaceScope) -> tuple[Part, _PlaceScope] | None:
        """A variable of the policy, taken apart, and what it may name."""
        for number, (known, text) in enumerate(scope.let):
            if known == name and name not in scope.origins and (part := parts_of(text)):
                return part, _PlaceScope(text, scope.let[:number], {})
        return None

    def why(self, part: Part, scope: _PlaceScope, *, wanted: bool) -> list[Path]:
        """The fields because of which a part is true, or false."""
        match part.kind, part.name:
            case "operator", "&&" | "||":
                return self.why_joined(part, scope, wanted=wanted)
            case "operator", "!":
                return self.why(part.parts[0], scope, wanted=not wanted)
            case "condition", _:
                first = self.ask(part.parts[0], scope)
                taken = part.parts[1] if first is True else part.parts[2]
                return self.why(taken, scope, wanted=wanted) or self.why(
                    part.parts[0], scope, wanted=first is True
                )
            case "name", _ if variable := self.variable(part.name, scope):
                return self.why(*variable, wanted=wanted)
            case "call", "all" | "exists" if part.method and len(part.parts) == 3:
                return self.why_each(part, scope, wanted=wanted)
            case "call", "has" if part.parts:
                return self.origins(part.parts[0], scope)
            case "operator" | "call", _:
                # of what is compared the first that is of the object
                for inner in part.parts:
                    if found := self.places(inner, scope):
                        return found
                return []
        return self.places(part, scope)

    def why_joined(self, part: Part, scope: _PlaceScope, *, wanted: bool) -> list[Path]:
        """Of parts that all had to be so, the last says what is asked, and those before it of whom."""
        if (part.name == "&&") != wanted:
            decided = next((one for one in part.parts if self.ask(one, scope) is wanted), None)
            return self.why(decided, scope, wanted=wanted) if decided else []
        for one in reversed(part.parts):
            if found := self.why(one, scope, wanted=wanted):
                return found
        return []

    def why_each(self, part: Part, scope: _PlaceScope, *, wanted: bool) -> list[Path]:
        items, variable, condition = part.parts
        if (part.name == "all") == wanted:  # no single element decided
            if found := self.origins(items, scope):
                return found
            # the list is not of the object: what each of its elements is held against may be
            for element in self.elements(items, scope)[:1]:
                inner = scope.with_element(variable.name, element.text, element.origins)
                return self.why(condition, inner, wanted=wanted)
            return []
        found = []
        for element in self.elements(items, scope):
            inner = scope.with_element(variable.name, element.text, element.origins)
            if self.ask(condition, inner) is wanted:
                found += self.why(condition, inner, wanted=wanted) or element.origins
        return found

    def places(self, part: Part, scope: _PlaceScope) -> list[Path]:
        """The fields that a value tells of: for what was filtered out of a list, why it was."""
        if part.kind == "name" and (variable := self.variable(part.name, scope)):
            return self.places(*variable)
        if part.kind == "call" and part.method and part.name == "filter" and len(part.parts) == 3:
            items, name, condition = part.parts
            found: list[Path] = []
            for element in self.elements(items, scope):
                within = scope.with_element(name.name, element.text, element.origins)
                if self.ask(condition, within) is True:
                    found += self.why(condition, within, wanted=True) or element.origins
            return found or self.origins(items, scope)
        if part.kind == "call" and part.method and part.name == "map" and _is_filter(part.parts[0]):
            return self.places(part.parts[0], scope)
        if part.kind == "call" and not (part.method and part.name in MACROS):
            for inner in part.parts:
                if inside := self.places(inner, scope):
                    return inside
            return []
        return self.origins(part, scope)

    def origins(self, part: Part, scope: _PlaceScope) -> list[Path]:
        """The paths in the object that a value comes from."""
        match part.kind, part.name:
            case "name", "object" if "object" not in scope.origins:
                return [()]
            case "name", name:
                if name in scope.origins:
                    return scope.origins[name]
                variable = self.variable(name, scope)
                return self.origins(*variable) if variable else []
            case "select", name:
                return [(*path, name) for path in self.origins(part.parts[0], scope)]
            case "index", _:
                key = self.ask(part.parts[1], scope)
                if isinstance(key, bool) or not isinstance(key, int | str):
                    return self.origins(part.parts[0], scope)
                if isinstance(key, int) and part.parts[0].kind != "name":
                    elements = self.elements(part.parts[0], scope)
                    return elements[key].origins if 0 <= key < len(elements) else []
                return [(*path, key) for path in self.origins(part.parts[0], scope)]
            case "condition", _:
                taken = part.parts[1] if self.ask(part.parts[0], scope) is True else part.parts[2]
                return self.origins(taken, scope)
            case "call", name if part.method and name in MACROS:
                return [path for one in self.elements(part, scope) for path in one.origins]
            case "literal" | "map", _:
                return []
        return [path for inner in part.parts for path in self.origins(inner, scope)]

    def elements(self, part: Part, scope: _PlaceScope) -> list[_Element]:
        """The elements of a list, or the keys of a map; none where it is neither."""
        text = scope.text(part)
        size = self.size(text, scope)
        if size <= 0:
            return []
        if self.is_map(text, scope):
            keys, origins = self.ask_text(f"({text}).map(key, key)", scope), self.origins(part, scope)
            return [
                _Element(json.dumps(key), [(*path, key) for path in origins])
                for key in (keys if isinstance(keys, list) else ())
                if isinstance(key, str)
            ]
        origins_of_each = self.each(part, scope)
        if len(origins_of_each) != size:
            origins_of_each = [self.origins(part, scope)] * size
        return [_Element(f"({text})[{n}]", origins) for n, origins in enumerate(origins_of_each)]

    def each(self, part: Part, scope: _PlaceScope) -> list[list[Path]]:
        """Where each element of a list comes from."""
        match part.kind, part.name:
            case "name", name if name not in scope.origins and (variable := self.variable(name, scope)):
                return self.each(*variable)
            case "operator", "+":
                return [one for inner in part.parts for one in self.each(inner, scope)]
            case "condition", _:
                taken = part.parts[1] if self.ask(part.parts[0], scope) is True else part.parts[2]
                return self.each(taken, scope)
            case "list", _:
                return [self.origins(inner, scope) for inner in part.parts]
            case "call", "filter" | "map" if part.method and len(part.parts) == 3:
                found: list[list[Path]] = []
                for element in self.elements(part.parts[0], scope):
                    inner = scope.with_element(part.parts[1].name, element.text, element.origins)
                    if part.name == "map":
                        found.append(self.origins(part.parts[2], inner))
                    elif self.ask(part.parts[2], inner) is True:
                        found.append(element.origins)
                return found
            case "call", "orValue" if part.method and len(part.parts) == 2:
                return self.each(part.parts[0], scope) or self.each(part.parts[1], scope)
        text = scope.text(part)
        size = self.size(text, scope)
        if size < 0:  # an optional one
            size = self.size(f"({text}).orValue([])", scope)
        return [[(*path, n) for path in self.origins(part, scope)] for n in range(size)]

    def size(self, text: str, scope: _PlaceScope) -> int:
        """How many entries a list or map has; -1 for anything else. What is in it is not handed over for that."""
        found = self.ask_text(f"size({text})", scope)
        return found if isinstance(found, int) else -1


def _is_filter(part: Part) -> bool:
    return part.kind == "call" and part.method and part.name == "filter"
