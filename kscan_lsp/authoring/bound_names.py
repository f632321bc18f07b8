"""The names that a check binds, by `let` and by its relations: where each is bound, and where it is used.

They hold in the expressions of their check, those in messages and paths among them, and nowhere else. Which word is
such a name, and not a field or what a macro binds, is told by taking an expression apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp import cel
from kscan_lsp.authoring.control_text import data_of_check, expression_at, expressions_of
from kscan_lsp.authoring.naming import written_names
from kscan_lsp.authoring.taken_apart import focus_at, taken_apart
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.text import Span
from kscan_lsp.yaml.inside import offsets_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.authoring.control_text import WrittenExpression
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.yaml.document import Document


class BoundName(NamedTuple):
    """A name that a check binds."""

    check: int
    key: str
    """`let` or `relations`."""
    name: str
    span: Span
    """Where it is bound."""


class UnsureError(ValueError):
    """Why it cannot be told where a name is used, or that it could be another; the message is for the user."""


def bound_at(document: Document, offset: int, definitions: Entries = ()) -> BoundName | None:
    """The name of a check that stands at an offset, where it is bound or where it is used."""
    bound = [*_bound_in(document)]
    for one in bound:
        if one.span.start <= offset <= one.span.end:
            return one
    found = expression_at(document, offset, definitions)
    focus = focus_at(found[0].source, found[1]) if found else None
    if found is None or focus is None or focus.part.kind != "name":
        return None
    name, check = focus.part.name, found[0].check
    if name in {one.name for one in focus.variables}:
        return None
    return next((one for one in bound if (one.check, one.name) == (check, name)), None)


def uses_of(document: Document, bound: BoundName, definitions: Entries, new: str = "") -> list[Span]:
    """Where a name of a check stands, where it is bound first.

    Args:
        document: the control's file.
        bound: the name.
        definitions: those of the pack that it is in.
        new: what it is to be instead; empty where that is not known yet.

    Raises:
        UnsureError: it cannot be told, or the new name would mean something else somewhere.
    """
    found = [bound.span]
    lets = [*(data_of_check(document, bound.check).get("let") or ())]
    for one in expressions_of(document, definitions):
        if one.check != bound.check:
            continue
        above = bound.key == "let" and one.path[2] == "let" and one.path[3] in lets
        if above and lets.index(one.path[3]) <= lets.index(bound.name):
            continue  # which cannot use it yet
        found += _uses_in(document, one, bound.name, new)
    return sorted(set(found))


def refuse_name(document: Document, bound: BoundName, definitions: Entries, new: str) -> None:
    """Refuse a name that a check cannot bind.

    Raises:
        UnsureError: it cannot.
    """
    made = cel.compile_expression(CONTROLS, "true", let=((new, "true"),))
    if isinstance(made, cel.CelError):
        raise UnsureError(
            f"'{new}' cannot be the name of a let: write letters, digits and '_', a letter first, and no word that "
            "means something already"
        )
    others = {one.name for one in _bound_in(document) if one.check == bound.check} - {bound.name}
    if new in others:
        raise UnsureError(f"this check has a name '{new}' already")
    if new in dict(definitions):
        raise UnsureError(f"the pack of this control defines '{new}' already")


def _uses_in(document: Document, one: WrittenExpression, name: str, new: str) -> Iterator[Span]:
    literals = cel.literals(one.source)
    for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", one.source):
        if any(span.start <= found.start() < span.end for span in literals):
            continue
        if taken_apart(one.source) is None:
            raise UnsureError(
                f"an expression of this check has the word '{name}' and is not right yet: finish it first"
            )
        focus = focus_at(one.source, found.start())
        if focus is None or focus.part.kind != "name" or focus.part.start != found.start():
            continue
        inside = {variable.name for variable in focus.variables}
        if name in inside:
            continue
        if new in inside:
            raise UnsureError(f"an expression of this check binds '{new}' itself, around '{name}'")
        span = Span(0, 0)
        if offsets_in(document.text, one.scalar) is not None:
            span = one.span(document.text, *found.span())
        if document.text[span.start : span.end] != name:
            raise UnsureError(
                f"this check writes '{name}' in a way that cannot be changed surely: by an escape, or in a block with "
                "an indentation of its own"
            )
        yield span


def _bound_in(document: Document) -> Iterator[BoundName]:
    for path, name, span in written_names(document):
        match path:
            case ("checks", int() as check, ("let" | "relations") as key, _) if any(span):
                yield BoundName(check, key, name, span)
