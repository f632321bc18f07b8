"""Completion of control ids in `kscan:ignore` comments and annotations, and of everything in the settings file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp.dispositions.directives import ANNOTATION, MARK
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features import settings_file, vocabulary
from kscan_lsp.lsp.features.settings_file import Choice
from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.lsp.features.vocabulary import Grammar
    from kscan_lsp.lsp.session.snapshot import ControlSnapshot, DocumentSnapshot, SettingsSnapshot
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.text import LineIndex

TRIGGERS: Final = (" ", ",", "-", ":", ".", "?")
"""In comments, editors ask for nothing by themselves; the last two are for the expressions of controls."""

_BEING_WRITTEN: Final = regex(
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


def suppression_at(lines: LineIndex, offset: int) -> re.Match[str] | None:
    """The line up to an offset where the ids of a suppression are being written there; else None."""
    start = lines.starts[lines.line_of(offset)]
    line = lines.text[start:offset]
    if len(line) > _MAX_LINE or not (MARK in line or ANNOTATION in line):
        return None
    found = _BEING_WRITTEN.search(line)
    return None if found is None or "--" in found["ids"].split() else found


def in_manifest(snapshot: DocumentSnapshot, offset: int) -> list[types.CompletionItem]:
    """The controls that may be suppressed at an offset, those that find something there first."""
    written = suppression_at(snapshot.lines, offset)
    if written is None:
        return []
    there = {finding.control for finding in _suppressible(snapshot, offset, written[0])}
    named = set(written["ids"].upper().replace(",", " ").split())
    ruleset = snapshot.configuration.ruleset
    choices = [Choice(term, term.name) for term in vocabulary.controls(ruleset) if term.name not in named]
    token = Span(offset - len(written["id"]), offset)
    at = convert.range_of(token, snapshot.lines, snapshot.capabilities.encoding)
    return [_item(choice, at, snapshot.uri, here=choice.term.name in there) for choice in choices]


def _suppressible(snapshot: DocumentSnapshot, offset: int, written: str) -> Iterator[Finding]:
    """The findings that a suppression would be about: those of its line and the next, or of all its document."""
    line = snapshot.lines.line_of(offset)
    there = snapshot.checked.placed_at(offset)
    for placed, finding in snapshot.checked.findings():
        at = placed.line + placed.checked.document.lines.line_of(finding.span.start)
        if placed is there and (not written.startswith("#") or line <= at <= line + 1):
            yield finding


def in_settings(snapshot: SettingsSnapshot, offset: int) -> list[types.CompletionItem]:
    """What may be written at an offset of a settings file."""
    return in_file(snapshot, offset, vocabulary.grammar_of(snapshot.uri))


def in_file(
    snapshot: SettingsSnapshot | ControlSnapshot, offset: int, grammar: Grammar
) -> list[types.CompletionItem]:
    """What may be written at an offset of a file of some kind."""
    ruleset = snapshot.configuration.ruleset
    token, found = settings_file.completions(snapshot.lines.text, offset, grammar, ruleset)
    at = convert.range_of(token, snapshot.lines, snapshot.capabilities.encoding)
    return [_item(choice, at, snapshot.uri, here=False) for choice in found]


def resolved(
    item: types.CompletionItem, kind: str, ruleset: Ruleset, capabilities: Capabilities
) -> types.CompletionItem:
    """An item with what its term means; of a key, all there is to say is in the item already."""
    text = vocabulary.explanation(kind, item.label, (), ruleset)
    if text:
        markdown = types.MarkupContent(types.MarkupKind.Markdown, text)
        item.documentation = markdown if capabilities.markdown_documentation else text
    return item


def _item(choice: Choice, at: types.Range, uri: str, *, here: bool) -> types.CompletionItem:
    term = choice.term
    told = term.kind in {"key", "value"}  # in sentences
    return types.CompletionItem(
        label=term.name,
        kind=_KINDS[term.kind],
        detail=f"{term.title} (found here)" if here else (not told and term.title) or None,
        documentation=term.title or None if told else None,
        sort_text=f"{0 if here else 1}{term.name}",
        text_edit=types.TextEdit(at, choice.text),
        data={"uri": uri, "kind": term.kind},
    )
