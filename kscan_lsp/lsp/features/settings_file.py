"""The settings file while it is edited: what may stand where, and what that means.

Half-typed settings seldom parse, so to complete a term a word is put in its place, with what the text may still lack
behind it, and the reader says where in the settings that word stands. So every style of YAML works, and indentation
means what it will mean when the file is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.lsp.features import vocabulary
from kscan_lsp.lsp.features.control_names import ControlName
from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.lsp.features.vocabulary import Grammar, Term
    from kscan_lsp.lsp.session.snapshot import SettingsSnapshot
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

_TOKEN: Final = regex(r"\w[\w.-]*\Z")
_REST: Final = regex(r"[\w.-]*")
_PLACEHOLDER: Final = "kscanPlaceholder"
_MISSING: Final = ("", ":", "]", "}", "]}", ": }", "}]", ": }]", "]}]", ": }}", "}}")
"""What a text may lack behind the term to complete."""


class SettingsScalar(Struct, frozen=True):
    """A scalar of the settings: the path of the value, or of the entry that it is the key of."""

    path: Path
    is_key: bool
    text: str
    span: Span

    def kind(self, grammar: Grammar) -> vocabulary.Kind:
        """What sort of term it is, in a file of some kind."""
        return grammar.key_kind(self.path[:-1]) if self.is_key else grammar.value_kind(self.path)


def scalars(text: str) -> list[SettingsScalar]:
    """Every scalar of a settings file that stands where it is used."""
    return scalars_of(read_document(text))


def scalars_of(document: Document) -> list[SettingsScalar]:
    """The same of one that was read."""
    return list(_scalars(document.text, document.root, ())) if document.root else []


def _scalars(text: str, node: Node, path: Path) -> Iterator[SettingsScalar]:
    if isinstance(node, Mapping):
        for entry in node.entries:
            key = key_of(entry)
            if key is not None and isinstance(entry.key, Scalar):
                here = (*path, key)
                yield SettingsScalar(here, True, key, Span(entry.key.start, entry.key.end))
                yield from _scalars(text, entry.value, here)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _scalars(text, item, (*path, index))
    elif isinstance(node, Scalar) and node.start < node.end:
        quotes = 1 if node.style else 0
        span = Span(node.start + quotes, node.end - quotes)
        yield SettingsScalar(path, False, text[span.start : span.end], span)


def scalar_at(text: str, offset: int) -> SettingsScalar | None:
    """The scalar at an offset."""
    return next((scalar for scalar in scalars(text) if scalar.span.start <= offset <= scalar.span.end), None)


def explanation_at(snapshot: SettingsSnapshot, offset: int) -> tuple[str, Span] | None:
    """What the term at an offset means, as Markdown, and where it stands."""
    scalar = scalar_at(snapshot.lines.text, offset)
    if scalar is None:
        return None
    grammar = vocabulary.grammar_of(snapshot.uri)
    ruleset = snapshot.configuration.ruleset
    text = vocabulary.explanation(scalar.kind(grammar), scalar.text, scalar.path, ruleset, grammar)
    return (text, scalar.span) if text else None


def named_controls(snapshot: SettingsSnapshot) -> Iterator[ControlName]:
    """The controls that the settings name."""
    grammar = vocabulary.grammar_of(snapshot.uri)
    return (
        ControlName(scalar.text, scalar.span)
        for scalar in scalars(snapshot.lines.text)
        if scalar.kind(grammar) == "control"
    )


class Choice(Struct, frozen=True):
    """A term that may stand somewhere, and what to write for it."""

    term: Term
    text: str


def completions(text: str, offset: int, grammar: Grammar, ruleset: Ruleset) -> tuple[Span, list[Choice]]:
    """What may be written at an offset of a file of some kind, and the span it would replace."""
    begun, rest = _TOKEN.search(text, 0, offset), _REST.match(text, offset)
    token = Span(begun.start() if begun else offset, rest.end() if rest else offset)
    colon = "" if text.startswith(":", token.end) else ": "
    for missing in _MISSING:
        document = read_document(f"{text[: token.start]}{_PLACEHOLDER}{missing}{text[token.end :]}")
        listed = scalars_of(document)
        scalar = next((one for one in listed if one.span.start <= token.start <= one.span.end), None)
        if scalar is not None and scalar.text == _PLACEHOLDER:
            where = scalar.path[:-1] if scalar.is_key else scalar.path
            there = {one.text for one in listed if one.is_key and one.path[:-1] == where}
            keys = vocabulary.keys(grammar, where, ruleset, document.data)
            values = [] if scalar.is_key else vocabulary.values(grammar, scalar.path, ruleset, document.data)
            return token, [
                *(Choice(term, term.name) for term in values),
                *(Choice(term, term.name + colon) for term in keys if term.name not in there),
            ]
    return token, []
