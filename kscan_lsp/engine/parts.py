"""Taking expressions apart: what they say of related objects alone, and the rest.

A `let` that reads nothing but related objects (is there a webhook that looks at pods?) says the same for all elements
that are related to the same ones. As an expression of its own it is evaluated once for all of them (`ask.py`).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.regex import regex

_NAME_OF_LIST: Final = regex(r"relations\.\w+")


class Parted(Struct, frozen=True):
    """An expression, and what it reads of related objects as expressions of their own.

    The rest finds what these give among the lists of related objects, as the only entry of a list.
    """

    rest: cel.Expression
    parts: tuple[tuple[str, cel.Expression], ...]


def part(expression: cel.Expression) -> Parted | None:
    """Take out of an expression what its `let` says of related objects alone; None where that is nothing."""
    parts: dict[str, cel.Expression] = {}
    let: list[tuple[str, str]] = []
    for number, (name, text) in enumerate(expression.let):
        one = cel.compile_expression(CONTROLS, text, let=expression.let[:number], reckon=expression.reckoned)
        if isinstance(one, cel.CelError):
            return None
        reads = cel.fields_read([one])
        if reads.keys() == {"relations"} and reads["relations"] and not _NAME_OF_LIST.fullmatch(text):
            parts[name] = one
            let.append((name, f"relations.let_{name}[0]"))
        else:
            let.append((name, text))
    if not parts:
        return None
    rest = cel.compile_expression(CONTROLS, expression.source, let=let, reckon=expression.reckoned)
    if isinstance(rest, cel.CelError):
        return None
    used = dict(rest.let)
    return Parted(rest, tuple((f"let_{name}", one) for name, one in parts.items() if name in used))
