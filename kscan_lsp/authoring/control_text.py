"""Where in a control file its expressions stand, and what each may name.

An expression is all of a value (`deny`), what stands between braces in one (`message`, `at`), or in a key (`fix.set`).
Places lead through every style of YAML (`yaml/inside.py`).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.cel.placeholders import closing
from kscan_lsp.graph.relations import variable
from kscan_lsp.policy.targets import HOLE
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.inside import offsets_in, span_in
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

MAX_LET: Final = 200
"""Names bound in one check that count."""
_WHOLE: Final = frozenset({"deny", "when", "related"})
_MAPS: Final = frozenset({"let", "allow"})
_TARGETS: Final = frozenset({"set", "add", "rename", "choose"})
"""Of a fix, what has paths as keys."""


class WrittenExpression(NamedTuple):
    """An expression of a control file."""

    check: int
    """The number of its check; -1 outside of checks."""
    path: Path
    """Of its value in the document, or of the entry whose key has it."""
    source: str
    scalar: Scalar
    start: int
    """Where in the value of the scalar it begins."""
    let: Entries
    """The names that are bound around it, in order: definitions, relations, `let`."""

    def span(self, text: str, start: int, end: int) -> Span:
        """Where a part of it stands in the text of its document."""
        return span_in(text, self.scalar, self.start + start, self.start + end)


def expressions_of(document: Document, definitions: Entries = ()) -> Iterator[WrittenExpression]:
    """The expressions of a control file, or of a pack's own.

    Args:
        document: as read, however broken.
        definitions: those of the pack that it is in.
    """
    for key, value in _entries(document.root):
        if key == "checks" and isinstance(value, Sequence):
            for number, check in enumerate(value.items):
                yield from _of_check(number, check, definitions)
        elif key == "definitions":
            yield from _bound(value, -1, (key,), ())


def expression_at(
    document: Document, offset: int, definitions: Entries = ()
) -> tuple[WrittenExpression, int] | None:
    """The expression that an offset of a document is in, and where in it that is; its end is still in it."""
    for one in expressions_of(document, definitions):
        if one.scalar.start <= offset <= one.scalar.end:
            offsets = offsets_in(document.text, one.scalar)
            if offsets is None or not offsets[0] <= offset <= offsets[-1]:
                continue
            # what is written as nothing, such as an escape's second half, belongs to what stands before it
            at = max(bisect_right(offsets, offset) - 1, 0) - one.start
            if 0 <= at <= len(one.source):
                return one, at
    return None


def data_of_check(document: Document, number: int) -> dict[str, Any]:
    """A check as plain data; empty where there is none."""
    checks = document.data.get("checks") if isinstance(document.data, dict) else None
    found = checks[number] if isinstance(checks, list) and 0 <= number < len(checks) else None
    return found if isinstance(found, dict) else {}


def _of_check(number: int, check: Node, definitions: Entries) -> Iterator[WrittenExpression]:
    entries = dict(_entries(check))
    where: Path = ("checks", number)
    let = [*definitions]
    for name, value in _entries(entries.get("relations")):
        if isinstance(value, Scalar) and isinstance(value.value, str):
            let.append((name, f"relations.{variable(value.value)}"))
    written = [*_bound(entries.get("let"), number, (*where, "let"), tuple(let))][:MAX_LET]
    yield from written
    let += ((str(one.path[-1]), one.source) for one in written)
    names = tuple(let)

    def whole(node: Node | None, path: Path) -> Iterator[WrittenExpression]:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            yield WrittenExpression(number, path, node.value, node, 0, names)

    def holes(node: Node | None, path: Path) -> Iterator[WrittenExpression]:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            for hole in HOLE.finditer(node.value):
                yield WrittenExpression(number, path, hole[1], node, hole.start(1), names)

    for key in _WHOLE:
        yield from whole(entries.get(key), (*where, key))
    for name, value in _entries(entries.get("allow")):
        yield from whole(value, (*where, "allow", name))
    message = entries.get("message")
    if isinstance(message, Scalar) and isinstance(message.value, str):
        for start, end in placeholders(message.value):
            yield WrittenExpression(
                number, (*where, "message"), message.value[start:end], message, start, names
            )
    at = entries.get("at")
    for index, target in enumerate(at.items if isinstance(at, Sequence) else ()):
        yield from holes(target, (*where, "at", index))
    yield from holes(at, (*where, "at"))
    for verb, value in _entries(entries.get("fix")):
        path = (*where, "fix", verb)
        if verb == "when":
            yield from whole(value, path)
        elif verb == "remove" and isinstance(value, Sequence):
            for index, target in enumerate(value.items):
                yield from holes(target, (*path, index))
        elif verb == "toSecret":
            yield from holes(value, path)
        elif verb in _TARGETS and isinstance(value, Mapping):
            for entry in value.entries:
                inner = (*path, key_of(entry) or "")
                yield from holes(entry.key, inner)
                for name, given in _entries(entry.value):
                    if name == "expr":
                        yield from whole(given, (*inner, name))


def placeholders(message: str) -> Iterator[tuple[int, int]]:
    """Where the code of each placeholder of a message begins and ends; the last may be open."""
    at = 0
    while at < len(message):
        char = message[at]
        if char == "{" and message[at + 1 : at + 2] != "{":
            end = closing(message, at + 1)
            yield at + 1, len(message) if end < 0 else end
            if end < 0:
                return
            at = end + 1
        else:
            at += 2 if char in "{}" and message[at + 1 : at + 2] == char else 1


def _bound(node: Node | None, number: int, path: Path, around: Entries) -> Iterator[WrittenExpression]:
    """The entries of a `let`, each of which may use those above it."""
    names = [*around]
    for name, value in _entries(node):
        if isinstance(value, Scalar) and isinstance(value.value, str):
            yield WrittenExpression(number, (*path, name), value.value, value, 0, tuple(names))
            names.append((name, value.value))


def _entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    """The entries of a mapping, behind an alias, too."""
    node = node.target if isinstance(node, Alias) else node
    for entry in node.entries if isinstance(node, Mapping) else ():
        if key := key_of(entry):
            yield key, entry.value
