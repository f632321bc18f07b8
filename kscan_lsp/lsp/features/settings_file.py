"""The settings file while it is edited: what may stand where, and what that means.

Half-typed settings seldom parse, so to complete a word another is put in its place, with what the text may still lack
behind it, and the reader says where in the settings that word stands. So every style of YAML works, and indentation
means what it will mean when the file is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.lsp.features import vocabulary as words
from kscan_lsp.lsp.features.references import Mention
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.lsp.capabilities import Client
    from kscan_lsp.lsp.features.vocabulary import Word
    from kscan_lsp.paths import Path
    from kscan_lsp.text import LineIndex
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.yaml.tree import Node

_TOKEN: Final = re.compile(r"\w[\w.-]*\Z")
_REST: Final = re.compile(r"[\w.-]*")
_WORD: Final = "kscanIsAskedHere"
_MISSING: Final = ("", ":", "]", "}", "]}", ": }")
"""What a text may lack behind the word to complete."""


class SettingsView(NamedTuple):
    """An open settings file, and the settings that hold by it."""

    uri: str
    lines: LineIndex
    configuration: Configuration
    client: Client


class Spot(NamedTuple):
    """A scalar of the settings: the path of the value, or of the entry that it is the key of."""

    path: Path
    is_key: bool
    text: str
    span: Span

    @property
    def kind(self) -> words.Kind:
        """What sort of word it is."""
        return words.key_kind(self.path[:-1]) if self.is_key else words.value_kind(self.path)


def spots(text: str) -> list[Spot]:
    """Every scalar of a settings file that stands where it is used."""
    root = read_document(text).root
    return list(_spots(text, root, ())) if root else []


def _spots(text: str, node: Node, path: Path) -> Iterator[Spot]:
    if isinstance(node, Mapping):
        for entry in node.entries:
            key = key_of(entry)
            if key is not None and isinstance(entry.key, Scalar):
                here = (*path, key)
                yield Spot(here, True, key, Span(entry.key.start, entry.key.end))
                yield from _spots(text, entry.value, here)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _spots(text, item, (*path, index))
    elif isinstance(node, Scalar) and node.start < node.end:
        quotes = 1 if node.style else 0
        span = Span(node.start + quotes, node.end - quotes)
        yield Spot(path, False, text[span.start : span.end], span)


def spot_at(text: str, offset: int) -> Spot | None:
    """The scalar at an offset."""
    return next((spot for spot in spots(text) if spot.span.start <= offset <= spot.span.end), None)


def page_at(view: SettingsView, offset: int) -> tuple[str, Span] | None:
    """What the word at an offset means, as Markdown, and where it stands."""
    spot = spot_at(view.lines.text, offset)
    if spot is None:
        return None
    page = words.page(spot.kind, spot.text, spot.path, view.configuration.ruleset)
    return (page, spot.span) if page else None


def mentions(view: SettingsView) -> Iterator[Mention]:
    """The controls that the settings name."""
    return (Mention(spot.text, spot.span) for spot in spots(view.lines.text) if spot.kind == "control")


class Choice(NamedTuple):
    """A word that may stand somewhere, and what to write for it."""

    word: Word
    text: str


def completions(view: SettingsView, offset: int) -> tuple[Span, list[Choice]]:
    """What may be written at an offset, and the span it would replace."""
    text = view.lines.text
    begun, rest = _TOKEN.search(text, 0, offset), _REST.match(text, offset)
    token = Span(begun.start() if begun else offset, rest.end() if rest else offset)
    colon = "" if text.startswith(":", token.end) else ": "
    ruleset = view.configuration.ruleset
    for missing in _MISSING:
        trial = f"{text[: token.start]}{_WORD}{missing}{text[token.end :]}"
        spot = spot_at(trial, token.start)
        if spot is not None and spot.text == _WORD:
            keys = words.keys(spot.path[:-1] if spot.is_key else spot.path, ruleset)
            values = [] if spot.is_key else words.values(spot.path, ruleset)
            return token, [*(Choice(w, w.name) for w in values), *(Choice(w, w.name + colon) for w in keys)]
    return token, []
