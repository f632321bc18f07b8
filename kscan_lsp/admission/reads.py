"""Which fields of an object an expression of a policy can read: what else is typed changes nothing that it says."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.expressions import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.paths import Path

OBJECT: Final = "object"
VARIABLES: Final = "variables"


FieldTree = dict[str, Any]
"""Fields by name, with `ANY` for the elements of a list; None where all below is read."""
ANY: Final = "*"


@lru_cache(maxsize=1_024)
def reads_of(policy: Policy) -> tuple[tuple[str, ...], ...]:
    """The fields that the expressions of a policy can read, each with all below it; `()` is the whole object."""
    aliases: dict[str, tuple[str, ...]] = {}
    """Variables that are nothing but a field: who reads one reads that."""
    sources = [condition.question.source for condition in policy.conditions]
    for name, expression in policy.variables:
        part = parts_of(expression.source)
        chain = None if part is None else _chain(part, aliases)
        if chain is None:
            sources.append(expression.source)
        else:
            aliases[name] = chain
    for validation in policy.validations:
        sources += [one.source for one in (validation.question, validation.telling) if one is not None]
    sources += [mutation.question.source for mutation in policy.mutations]
    return tuple({path for source in sources for path in _reads(source, aliases)})


@lru_cache(maxsize=1_024)
def tree_of_policy(policy: Policy) -> FieldTree | None:
    """What the expressions of a policy can read; None for the whole object."""
    return tree_of(reads_of(policy))


def tree_of(paths: Iterable[tuple[str, ...]]) -> FieldTree | None:
    """Fields by their paths as a tree, each with all below it; None for everything."""
    tree: FieldTree = {}
    for path in sorted(paths, key=len):
        if not path:
            return None
        _add(tree, path)
    return tree


def _add(tree: FieldTree, path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        inner = tree.setdefault(name, {})
        if inner is None:
            return
        tree = inner
    tree[path[-1]] = None


def touches(place: Path, tree: FieldTree | None) -> bool:
    """Whether what is at a place is read, or part of what is."""
    for name in place:
        if tree is None:
            return True
        if isinstance(name, int):
            if ANY not in tree:
                return True
            tree = tree[ANY]
        elif name in tree:
            tree = tree[name]
        else:
            return False
    return True


def _reads(source: str, aliases: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    part = parts_of(source)
    if part is None:
        yield ()
    else:
        yield from _in(part, aliases)


def _in(part: Part, aliases: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    chain = _chain(part, aliases)
    if chain is not None:
        yield chain
        return
    for inner in part.parts:
        yield from _in(inner, aliases)


def _chain(part: Part, aliases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The field that a part is of the object; None for anything else, and for what is only reached by a value."""
    if part.kind == "name":
        return () if part.name == OBJECT else None
    if part.kind == "select":
        of = part.parts[0]
        if of.kind == "name" and of.name == VARIABLES:
            return aliases.get(part.name)
        above = _chain(of, aliases)
        return None if above is None else (*above, part.name)
    return None


def different(one: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """Where two values differ, as far as an expression can tell; of maps whose entries changed places, the map."""
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
        yield path


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
