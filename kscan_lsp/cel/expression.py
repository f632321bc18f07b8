"""A compiled expression as everybody else has it: its source, and what is known of what it reads.

Left out on purpose: how it is made (`compiling.py`) and asked (`evaluating.py`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from kscan_lsp.cel.environment import MAX_SOURCES, Declared
from kscan_lsp.cel.reading import ANY, Reads, ReadSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cel_expr_python import cel  # type: ignore[import-untyped]

    from kscan_lsp.cel.syntax_tree import Node

Let: TypeAlias = tuple[tuple[str, str], ...]


class Program(Struct, frozen=True, eq=False):
    """What the runtime made of an expression and its `let`. Equal sources share one."""

    handle: cel.Expression
    tree: Node | None
    """What its work is reckoned from; `None` where that is harmless on any data."""
    names: tuple[str, ...]
    """The variables it may read."""
    work: float = 0.0
    """What its work is at worst on a small object, in the units of `cost`; 0 where that is next to nothing."""
    code: bytes = b""
    """What of it can be answered without the runtime (`code.py`)."""


class Expression(Struct, frozen=True, eq=False, omit_defaults=True):
    """A compiled expression: its source, and what is known of it. Its program is its environment's."""

    source: str
    let: Let = ()
    """The names bound around it that it uses."""
    reading: ReadSet = ReadSet()
    reckoned: bool = False
    """Whether it is refused on data too large for it, so that its answer depends on all that is bound."""
    declared: Declared = ()
    """The fields with types of their own that it reads."""


def fields_read(expressions: Iterable[Expression]) -> Reads:
    """The variables that some expressions read, and which fields of them; fields with types of their own also whole."""
    expressions = [*expressions]
    found: dict[str, frozenset[str] | None] = {}
    for entry in dict.fromkeys(field for one in expressions for field in one.reading.fields):
        name, _, field = entry.partition(".")
        known = found.get(name, frozenset())
        found[name] = known | {field} if known is not None and field else None
    found.update((name, None) for one in expressions for name, _ in one.declared)
    return found


@lru_cache(MAX_SOURCES)
def reads_of(expression: Expression) -> Reads:
    """As `fields_read`, of one expression that is asked about again and again. Not to be changed."""
    return fields_read([expression])


@lru_cache(MAX_SOURCES)
def variables_of(expression: Expression) -> tuple[tuple[str, str | None], ...]:
    """The same in a fixed order: each variable with a field, or with None where that may be any."""
    return tuple(
        (name, field)
        for name, fields in sorted(reads_of(expression).items())
        for field in ((None,) if fields is None else sorted(fields))
    )


def fields_read_of_entries(expressions: Iterable[Expression]) -> frozenset[str] | None:
    """Which fields of related objects expressions read; None where that may be any."""
    fields = frozenset(field for one in expressions for field in one.reading.of_entries)
    return None if ANY in fields else fields
