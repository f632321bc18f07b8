"""The part of an expression that somebody points at, and the variables of macros around it.

Of a text that is no expression yet, the name or the chain of fields under the cursor is still one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.admission.expressions import MACROS, Part, parts_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONAL_MACROS: Final = frozenset({"optMap", "optFlatMap"})
MAX_DEPTH: Final = 100
"""Parts inside each other: fields of fields count, which the parser takes any number of."""
_CHAIN: Final = regex(r"[A-Za-z_]\w*(?:\.\??[A-Za-z_]\w*)*")


class MacroVariable(NamedTuple):
    """A name that a macro binds, and what to: an entry of something, what is in an optional value, or a value."""

    name: str
    start: int
    end: int
    """Where in the source that stands."""
    kind: str
    """`entry`, `optional` or `value`."""

    def given(self, source: str, entry: str = "") -> str:
        """What it is bound to; of entries, the one with this index or key."""
        text = f"({source[self.start : self.end]}\n)"
        if self.kind == "entry":
            return entry if entry.startswith('"') else f"{text}[{entry or 0}]"
        return f"{text}.value()" if self.kind == "optional" else text


class Focus(NamedTuple):
    """A part of an expression, and the names that macros bind around it, outermost first."""

    part: Part
    variables: tuple[MacroVariable, ...] = ()


def taken_apart(source: str) -> Part | None:
    """An expression taken apart; None for what is none, or is deeper than anybody writes."""
    whole = parts_of(source)
    level = [] if whole is None else [whole]
    for _ in range(MAX_DEPTH):
        level = [inside for part in level for inside in part.parts]
        if not level:
            return whole
    return None


def focus_at(source: str, at: int) -> Focus | None:
    """The innermost part of an expression that an offset is in; None where there is none."""
    whole = taken_apart(source)
    if whole is None:
        for chain in _CHAIN.finditer(source):
            if chain.start() <= at <= chain.end() and (found := taken_apart(chain[0])):
                return _inside(Focus(_moved(found, chain.start())), at)
        return None
    return _inside(Focus(whole), at) if whole.start <= at <= whole.end else None


def inner(focus: Focus) -> Iterator[Focus]:
    """The parts of a part, each with the names that are bound around it."""
    part = focus.part
    variable = variable_of(part)
    for number, one in enumerate(part.parts):
        bound = variable is not None and number >= (1 if variable.kind != "value" else 3)
        if part.kind == "call" and part.name == "bind" and number == 1 and variable is not None:
            bound = True
        yield Focus(one, (*focus.variables, variable) if bound and variable else focus.variables)


def variable_of(part: Part) -> MacroVariable | None:
    """The name that a macro binds; None for what is none."""
    parts = part.parts
    if part.kind != "call" or not part.method or len(parts) < 3 or parts[1].kind != "name":
        return None
    if part.name in MACROS:
        return MacroVariable(parts[1].name, parts[0].start, parts[0].end, "entry")
    if part.name in OPTIONAL_MACROS:
        return MacroVariable(parts[1].name, parts[0].start, parts[0].end, "optional")
    if part.name == "bind" and len(parts) == 4 and parts[0].kind == "name" and parts[0].name == "cel":
        return MacroVariable(parts[1].name, parts[2].start, parts[2].end, "value")
    return None


def bound_around(
    text: str, source: str, variables: tuple[MacroVariable, ...], entries: tuple[str, ...]
) -> str:
    """A part as an expression of its own, with what macros bind around it bound by itself.

    Args:
        text: the part, or an expression that could stand in its place.
        source: the whole expression.
        variables: those around it, outermost first.
        entries: which entry each is bound to: an index, or a key as CEL writes it.
    """
    for variable, entry in reversed([*zip(variables, entries, strict=True)]):
        text = f"cel.bind({variable.name}, ({variable.given(source, entry)}\n), ({text}\n))"
    return text


def as_key(key: str) -> str:
    """A text as CEL writes it."""
    return json.dumps(key, ensure_ascii=False)


def _inside(focus: Focus, at: int) -> Focus:
    for one in inner(focus):
        if one.part.start <= at <= one.part.end:
            return _inside(one, at)
    return focus


def _moved(part: Part, by: int) -> Part:
    return part._replace(
        start=part.start + by, end=part.end + by, parts=tuple(_moved(one, by) for one in part.parts)
    )
