"""Which fields of an object an expression of a policy can read: what else is typed changes nothing that it says.

An expression is followed without a value: each part of it is known by the places in the object that its value may come
from, also through variables, macros and conditions. Of a value that is only asked whether it is there, or gone through,
nothing inside is read. What is not followed to its end is read whole: too much may be named, and never too little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.admission.expressions import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.paths import Path

Way = tuple[str, ...]
OBJECT: Final = "object"
VARIABLES: Final = "variables"

FieldTree = dict[str, Any]
"""Fields by name, with `ANY` for all of a list or a map. None where all below is read; empty where nothing below is:
only whether it is there, what type it has, and how long it is as a list."""
ANY: Final = "*"
ELEMENT: Final = "[]"
"""As `ANY`, but of lists alone: of what may be a list of lists, and nearly always is one of maps."""
HERE: Final = ""
"""At the end of a way: what stands there is read, and nothing below it; at the end of a place: the value of a scalar is
another, and its type the same."""


@lru_cache(maxsize=1_024)
def reads_of(policy: Policy) -> tuple[Way, ...]:
    """The fields that the expressions of a policy can read, each with all below it; `()` is the whole object."""
    reading = _CelReading()
    for condition in policy.conditions:
        reading.source(condition.question.source)
    for name, expression in policy.variables:
        part = parts_of(expression.source)
        if part is None:
            reading.read.add(())
        else:
            reading.variables[name] = reading.follow(part, {})
    for validation in policy.validations:
        for one in (validation.question, validation.telling):
            if one is not None:
                reading.source(one.source)
    for mutation in policy.mutations:
        reading.source(mutation.question.source)
    return tuple(reading.read)


@lru_cache(maxsize=1_024)
def tree_of_policy(policy: Policy) -> FieldTree | None:
    """What the expressions of a policy can read; None for the whole object."""
    return tree_of(reads_of(policy))


def tree_of(paths: Iterable[Way]) -> FieldTree | None:
    """Fields by their paths as a tree, each with all below it; None for everything."""
    tree: FieldTree = {}
    for path in sorted(paths, key=len):
        if not path:
            return None
        _add(tree, path)
    return tree


def _add(tree: FieldTree, path: Way) -> None:
    for name in path[:-1]:
        inner = tree.setdefault(name, {})
        if inner is None:
            return
        tree = inner
    if path[-1] != HERE:
        tree[path[-1]] = None


def touches(place: Path, tree: FieldTree | None) -> bool:
    """Whether what is at a place is read, or part of what is."""
    for at, name in enumerate(place):
        if tree is None:
            return True
        if name == HERE:
            return bool(tree)
        if isinstance(name, int):
            below = [tree[each] for each in (ANY, ELEMENT) if each in tree]
            if not below:  # where fields of a list are read, nobody knows what that means
                return bool(tree)
            if len(below) > 1:
                return any(touches(place[at + 1 :], one) for one in below)
            tree = below[0]
        elif ANY not in tree:
            if name not in tree:
                return False
            tree = tree[name]
        elif name in tree and touches(place[at + 1 :], tree[name]):
            return True
        else:
            tree = tree[ANY]
    return True


def as_read(value: Any, tree: FieldTree | None) -> Any:
    """As much of plain data as is read: what differs nowhere in that (`touches`) is equal, and of the same types."""
    if tree is None:
        return value
    if isinstance(value, dict):
        if ANY not in tree:
            return {key: as_read(value[key], below) for key, below in tree.items() if key in value}
        every = tree[ANY]
        return {
            key: [as_read(inner, every), as_read(inner, tree[key])] if key in tree else as_read(inner, every)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        both = [tree[each] for each in (ANY, ELEMENT) if each in tree]
        if both:
            return [[as_read(inner, below) for inner in value] for below in both]
        return value if tree else [len(value)]
    return value if tree else type(value).__name__


class _ComesFrom(NamedTuple):
    """Where a value may stand in the object, or, if it is a list that the expression makes, its elements."""

    ways: frozenset[Way]
    listed: bool = False


_NOWHERE: Final = _ComesFrom(frozenset())
_QUANTIFIERS: Final = frozenset({"all", "exists", "exists_one", "existsOne"})

Names = dict[str, _ComesFrom]
"""The variables of macros around a part."""


class _CelReading:
    """Collects what is read."""

    def __init__(self) -> None:
        self.read: set[Way] = set()
        self.variables: Names = {}

    def source(self, source: str) -> None:
        """An expression whose value counts."""
        part = parts_of(source)
        if part is None:
            self.read.add(())
        else:
            self.whole(part, {})

    def whole(self, part: Part, names: Names) -> None:
        """All of a value is read."""
        self.read |= self.follow(part, names).ways

    def seen(self, ways: frozenset[Way], listed: bool = False) -> _ComesFrom:
        """Values that are looked at, whatever is done with what they have."""
        self.read.update((*way, HERE) for way in ways)
        return _ComesFrom(ways, listed)

    def items(self, found: _ComesFrom) -> _ComesFrom:
        """The elements of a list, or the keys of a map."""
        if found.listed:
            return _ComesFrom(found.ways)
        self.seen(found.ways)
        return self.seen(frozenset((*way, ANY) for way in found.ways))

    def either(self, one: _ComesFrom, other: _ComesFrom) -> _ComesFrom:
        """One of two values."""
        if one.listed != other.listed:
            one, other = self.items(one), self.items(other)
            return _ComesFrom(one.ways | other.ways, listed=True)
        return _ComesFrom(one.ways | other.ways, one.listed)

    def field(self, found: _ComesFrom, name: str) -> _ComesFrom:
        """A field of a value."""
        if found.listed:
            self.read |= found.ways
            return _NOWHERE
        return self.seen(frozenset((*way, name) for way in found.ways))

    def follow(self, part: Part, names: Names) -> _ComesFrom:
        """Where the value of a part may come from; what is read to get there is noted."""
        parts = part.parts
        match part.kind, part.name:
            case "name", name:
                return names.get(name) or (_ComesFrom(frozenset([()])) if name == OBJECT else _NOWHERE)
            case "select", name:
                if parts[0].kind == "name" and parts[0].name == VARIABLES and VARIABLES not in names:
                    return self.variables.get(name, _NOWHERE)
                return self.field(self.follow(parts[0], names), name)
            case "index", _:
                return self.index(parts[0], parts[1], names)
            case "condition", _:
                self.whole(parts[0], names)
                return self.either(self.follow(parts[1], names), self.follow(parts[2], names))
            case "operator", "+" if len(parts) == 2:
                found = [self.items(self.follow(one, names)) for one in parts]
                return _ComesFrom(found[0].ways | found[1].ways, listed=True)
            case "call", _:
                return self.call(part, names)
        for one in parts:
            self.whole(one, names)
        return _NOWHERE

    def index(self, of: Part, at: Part, names: Names) -> _ComesFrom:
        """An element of a list, or an entry of a map: the one that is named, where it is."""
        found = self.follow(of, names)
        if at.kind == "literal" and at.name.isdigit():
            return self.items(found)
        if at.kind == "literal" and at.name[:1] in {"'", '"'} and "\\" not in at.name and len(at.name) > 2:
            return self.field(found, at.name.strip(at.name[0]))
        self.whole(at, names)
        self.read |= found.ways
        return _NOWHERE

    def call(self, part: Part, names: Names) -> _ComesFrom:
        """What a function or a macro gives."""
        parts = part.parts
        if not parts:
            return _NOWHERE
        if (part.name == "has" and not part.method) or (part.name == "hasValue" and part.method):
            self.follow(parts[0], names)
            return _NOWHERE
        if part.name == "size" and len(parts) == 1:
            self.items(self.follow(parts[0], names))
            return _NOWHERE
        if part.method and len(parts) == 1 and part.name == "value":
            return self.follow(parts[0], names)
        if part.method and len(parts) == 2 and part.name in {"orValue", "or"}:
            return self.either(self.follow(parts[0], names), self.follow(parts[1], names))
        if part.method and len(parts) in {3, 4} and parts[1].kind == "name":
            found = self.macro(part, names)
            if found is not None:
                return found
        for one in parts:
            self.whole(one, names)
        return _NOWHERE

    def macro(self, part: Part, names: Names) -> _ComesFrom | None:
        """What a macro gives that goes through a list; None for what is none."""
        parts = part.parts
        single = len(parts) == 3
        if not (part.name == "map" or (single and (part.name == "filter" or part.name in _QUANTIFIERS))):
            return None
        items = self.items(self.follow(parts[0], names))
        inner = {**names, parts[1].name: items}
        if part.name != "map":
            self.whole(parts[2], inner)
            return _ComesFrom(items.ways, listed=True) if part.name == "filter" else _NOWHERE
        if not single:
            self.whole(parts[2], inner)
        found = self.follow(parts[-1], inner)
        if found.listed:
            self.read |= found.ways
            return _ComesFrom(frozenset(), listed=True)
        return self.seen(found.ways, listed=True)


def different(one: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """Where two values differ, as far as an expression can tell; of maps whose entries changed places, the map.

    A place that ends with `HERE` has another scalar of the same type.
    """
    if one is other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        if [key for key in one if key in other] != [key for key in other if key in one]:
            yield path
            return
        for key in one.keys() | other.keys():
            if key not in one or key not in other:
                yield (*path, key)
            else:
                yield from different(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from different(first, second, (*path, number))
    elif not is_same(one, other):
        scalar = type(one) is type(other) and not isinstance(one, dict | list | tuple)
        yield (*path, HERE) if scalar else path


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same to an expression, to which 1, 1.0 and true are three things."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            key == also and is_same(value, there)
            for (key, value), (also, there) in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(repr(one) == repr(other)) if isinstance(one, float) else bool(one == other)
