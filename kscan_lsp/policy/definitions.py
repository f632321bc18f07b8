"""Definitions of a pack: named expressions that all of its controls use, said once.

They are `let` entries that come before those of a check, so they see what the check's own see, and cost nothing where
they are not used. One may use those above it, and no other: nothing recurs. They count for the controls of their pack
and for nobody else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.findings import Problem
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.inputs import declared
from kscan_lsp.policy.targets import ANCHORS
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.yaml.locate import span_at, span_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document

Entries = tuple[tuple[str, str], ...]
"""Names and expressions, in order."""
KEY: Final = "definitions"
MAX_DEFINITIONS: Final = 200
_UNDECLARED: Final = re.compile(r"undeclared reference to '(\w+)'")


class Definitions(Struct, frozen=True):
    """The definitions of a pack: the name of its own file, the document in it, and what stands there."""

    source: str
    document: Document
    entries: Entries


def usable(pack: Definitions, inputs: Mapping[str, str]) -> tuple[Entries, tuple[Problem, ...]]:
    """The definitions that controls can use, and what is wrong with others.

    Args:
        pack: as read.
        inputs: the inputs that controls declare, by name, with what each is.
    """
    kept: list[tuple[str, str]] = []
    problems: list[Problem] = []

    def refuse(span: Span, message: str) -> None:
        problems.append(Problem(span, message, "setting"))

    types = declared(inputs)
    for number, (name, text) in enumerate(pack.entries):
        where = (KEY, name)
        key = span_at(pack.document, where, on_key=True)
        if number >= MAX_DEFINITIONS:
            refuse(key, f"more than {MAX_DEFINITIONS} definitions; these and those below are left out")
            break
        if name in CONTROLS.variables or name in ANCHORS or not _is_name(name):
            refuse(key, f"'{name}' cannot be the name of a definition: it is taken, or not an identifier")
            continue
        made = cel.compile_expression(CONTROLS, text, let=kept, declared=types)
        if isinstance(made, cel.CelError):
            offset = max(made.offset_in(text), 0)
            refuse(span_within(pack.document, where, offset), _why(made.message, name, pack.entries))
            continue
        unknown = (cel.fields_read([made]).get("inputs") or frozenset()) - inputs.keys()
        for one in sorted(unknown):
            offset = max(text.find(one), 0)
            hint = nearest_name(one, list(inputs))
            refuse(span_within(pack.document, where, offset), f"no control declares an input '{one}'{hint}")
        if not unknown:
            kept.append((name, text))
    return tuple(kept), tuple(problems)


def _is_name(name: str) -> bool:
    """Whether CEL takes a name, and does not have it for itself."""
    return not isinstance(cel.compile_expression(CONTROLS, "true", let=((name, "true"),)), cel.CelError)


def _why(message: str, name: str, entries: Entries) -> str:
    """What is wrong with an expression, said in words of definitions where it is about another."""
    found = _UNDECLARED.search(message)
    if found is None or found[1] not in dict(entries):
        return message
    other = found[1]
    if other == name:
        return f"'{name}' names itself; a definition may use those above it"
    names = [one for one, _ in entries]
    if names.index(other) > names.index(name):
        return f"'{other}' is defined below; a definition may use those above it"
    return f"'{other}' is wrong itself, so '{name}' cannot use it"
