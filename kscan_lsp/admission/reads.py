"""Which fields of an object an expression of a policy can read: what else is typed changes nothing that it says."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.expressions import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.paths import Path

OBJECT: Final = "object"
VARIABLES: Final = "variables"


@lru_cache(maxsize=1_024)
def reads_of(policy: Policy) -> tuple[Path, ...]:
    """The fields that the expressions of a policy can read, each with all below it; `()` is the whole object."""
    aliases: dict[str, Path] = {}
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
    found = {path for source in sources for path in _reads(source, aliases)}
    return tuple(sorted(path for path in found if not any(path[:n] in found for n in range(len(path)))))


def _reads(source: str, aliases: Mapping[str, Path]) -> Iterator[Path]:
    part = parts_of(source)
    if part is None:
        yield ()
    else:
        yield from _in(part, aliases)


def _in(part: Part, aliases: Mapping[str, Path]) -> Iterator[Path]:
    chain = _chain(part, aliases)
    if chain is not None:
        yield chain
        return
    for inner in part.parts:
        yield from _in(inner, aliases)


def _chain(part: Part, aliases: Mapping[str, Path]) -> Path | None:
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


def field(data: object, path: Path) -> object:
    """What an object has at a path of names; a value of its own for what is not there."""
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return _ABSENT
        data = data[name]
    return data


_ABSENT: Final = object()


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
