"""Completion of control ids in `kscan:ignore` comments and annotations, and of everything in the settings file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp.dispositions.directives import ANNOTATION, MARK
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features import settings_file
from kscan_lsp.lsp.features import vocabulary as words
from kscan_lsp.lsp.features.settings_file import Choice
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.capabilities import Client
    from kscan_lsp.lsp.features.settings_file import SettingsView
    from kscan_lsp.lsp.session.snapshot import View
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.text import LineIndex

TRIGGERS: Final = (" ", ",", "-", ":")
"""In comments, editors ask for nothing by themselves."""

_ASKS: Final = re.compile(
    rf"(?:#.*{MARK}\s+|^\s*[\"']?{re.escape(ANNOTATION)}[\"']?\s*:\s*[\"']?)(?P<ids>(?:[\w-]+[,\s]+)*)(?P<id>[\w-]*)$"
)
_MAX_LINE: Final = 1_000
_KINDS: Final = {
    "control": types.CompletionItemKind.EnumMember,
    "framework": types.CompletionItemKind.Module,
    "input": types.CompletionItemKind.Property,
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
}


def suppresses(lines: LineIndex, offset: int) -> re.Match[str] | None:
    """The line up to an offset where the ids of a suppression are being written there; else None."""
    start = lines.starts[lines.line_of(offset)]
    line = lines.text[start:offset]
    if len(line) > _MAX_LINE or not (MARK in line or ANNOTATION in line):
        return None
    found = _ASKS.search(line)
    return None if found is None or "--" in found["ids"].split() else found


def in_manifest(view: View, offset: int) -> list[types.CompletionItem]:
    """The controls that may be suppressed at an offset, those that find something there first."""
    asked = suppresses(view.lines, offset)
    if asked is None:
        return []
    there = {finding.control for finding in _spoken_for(view, offset, asked[0])}
    given = set(asked["ids"].upper().replace(",", " ").split())
    ruleset = view.configuration.ruleset
    choices = [Choice(word, word.name) for word in words.controls(ruleset) if word.name not in given]
    token = Span(offset - len(asked["id"]), offset)
    at = convert.range_of(token, view.lines, view.client.encoding)
    return [_item(choice, at, view.uri, here=choice.word.name in there) for choice in choices]


def _spoken_for(view: View, offset: int, written: str) -> Iterator[Finding]:
    """The findings that a suppression is about: those of its line and the next, or of all its document."""
    line = view.lines.line_of(offset)
    there = view.checked.placed_at(offset)
    for placed, finding in view.checked.findings():
        at = placed.line + placed.checked.document.lines.line_of(finding.span.start)
        if placed is there and (not written.startswith("#") or line <= at <= line + 1):
            yield finding


def in_settings(view: SettingsView, offset: int) -> list[types.CompletionItem]:
    """What may be written at an offset of a settings file."""
    token, found = settings_file.completions(view, offset)
    at = convert.range_of(token, view.lines, view.client.encoding)
    return [_item(choice, at, view.uri, here=False) for choice in found]


def resolved(item: types.CompletionItem, kind: str, ruleset: Ruleset, client: Client) -> types.CompletionItem:
    """An item with what its word means; of a key, all there is to say is in the item already."""
    text = words.page(kind, item.label, (), ruleset)
    if text:
        markdown = types.MarkupContent(types.MarkupKind.Markdown, text)
        item.documentation = markdown if client.markdown_documentation else text
    return item


def _item(choice: Choice, at: types.Range, uri: str, *, here: bool) -> types.CompletionItem:
    word = choice.word
    return types.CompletionItem(
        label=word.name,
        kind=_KINDS[word.kind],
        detail=f"{word.title} (found here)" if here else word.title or None,
        sort_text=f"{0 if here else 1}{word.name}",
        text_edit=types.TextEdit(at, choice.text),
        data={"uri": uri, "kind": word.kind},
    )
