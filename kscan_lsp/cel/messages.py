"""Texts with `{CEL}` placeholders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.cel.compiling import CelError, compile_expression
from kscan_lsp.cel.evaluating import Failed, Json, evaluate
from kscan_lsp.cel.expression import Expression
from kscan_lsp.cel.placeholders import segments
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kscan_lsp.cel.activation import Activation
    from kscan_lsp.cel.environment import Declared, Environment

_NAME = regex(r"[A-Za-z]\w*", re.ASCII)

MAX_MESSAGE = 2_000
"""Characters of one rendered message."""


class Template(Struct, frozen=True, omit_defaults=True):
    """A compiled message: literal text and expressions in turn."""

    text: str
    parts: tuple[str | Expression, ...]
    fields: tuple[tuple[str, ...], ...]
    """For each part that only names a field (`container.name`), the way there: no need to ask the runtime."""

    def expressions(self) -> list[Expression]:
        """What stands in its placeholders."""
        return [part for part in self.parts if isinstance(part, Expression)]


def template(
    environment: Environment,
    text: str,
    *,
    let: Sequence[tuple[str, str]] = (),
    declared: Declared = (),
) -> Template | CelError:
    """Compile a message with `{CEL}` placeholders; `{{` and `}}` stand for braces.

    Args:
        environment: what the placeholders may name.
        text: the message. A map literal in a placeholder needs a space before it: `{ {'a': 1}.a }`.
        let: as for `compile_expression`.
        declared: as there.

    Returns:
        The template, or the first error, placed in `text` (or in a `let` entry, which it then names).
    """
    parts: list[str | Expression] = []
    for segment in segments(text):
        line, column = _place(text, segment.offset)
        if segment.error:
            return CelError(segment.error, line, column)
        if not segment.code:
            parts.append(segment.text)
            continue
        compiled = compile_expression(environment, segment.text, let=let, declared=declared)
        if isinstance(compiled, CelError):
            if compiled.name:
                return compiled
            first = compiled.line == 1
            column = column + compiled.column - 1 if first else compiled.column
            return CelError(compiled.message, line + compiled.line - 1, column)
        parts.append(compiled)
    bound = {name for name, _ in let}
    fields = tuple(() if isinstance(part, str) else _field(part.source, bound) for part in parts)
    return Template(text, tuple(parts), fields)


def render(
    message: Template,
    activation: Activation,
    shown: Sequence[Callable[[str], str]] = (),
    ask: Callable[[Expression, Activation], Json | Failed] = evaluate,
) -> str:
    """The message with its placeholders filled in; one that fails prints as `?`. At most 2,000 characters.

    Args:
        message: the message.
        activation: what its placeholders may name.
        shown: for each of its expressions, what is shown of what it gives; without it, all of it is.
        ask: what evaluates an expression.
    """
    filled: list[str] = []
    shows = iter(shown)
    for part, way in zip(message.parts, message.fields, strict=True):
        if isinstance(part, str):
            filled.append(part)
        else:
            found = activation.text(way) if way else None
            text = _printed(ask(part, activation)) if found is None else found
            show = next(shows, None)
            filled.append(text if show is None else show(text))
    return "".join(filled)[:MAX_MESSAGE]


def _field(source: str, bound: set[str]) -> tuple[str, ...]:
    """The names of a source that only selects fields from a variable."""
    names = tuple(source.split("."))
    return names if len(names) > 1 and names[0] not in bound and all(map(_NAME.fullmatch, names)) else ()


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _printed(value: Json | Failed) -> str:
    """A value as people read it: text bare, whole numbers without `.0`, lists with commas."""
    if isinstance(value, Failed):
        return "?"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if value is None:
        return "null"
    if isinstance(value, list):
        return ", ".join(map(_printed, value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_printed(item)}" for key, item in value.items()) + "}"
    return str(value)
