"""Completion in the file of a control, a framework or a pack: in its expressions, else of its keys and values.

A text in which somebody writes seldom is YAML: where there is no expression at the place, a word is put there, with a
quote or a brace behind it that may still be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp import cel
from kscan_lsp.authoring.asked import Asking
from kscan_lsp.authoring.choices import choices_at
from kscan_lsp.authoring.control_text import data_of_check, expression_at
from kscan_lsp.authoring.half_typed import typing_at
from kscan_lsp.authoring.subjects import inputs_of, shape_of
from kscan_lsp.authoring.types import roots_of
from kscan_lsp.graph.relations import NAMES
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.completion import in_file
from kscan_lsp.lsp.features.control_hover import definitions_of, evidence_of_file, known_inputs
from kscan_lsp.lsp.features.policy_vocabulary import grammar_for
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.inputs import declared, kinds_in
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.authoring.choices import ExpressionChoice
    from kscan_lsp.authoring.control_text import WrittenExpression
    from kscan_lsp.lsp.session.snapshot import ControlSnapshot
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.yaml.document import Document

_MISSING: Final = ("", "x", 'x"', "x'", "x}", 'x}"', "x}'")
"""What may stand at a place for the text around it to be one."""
_MISSING_IN_FLOW: Final = ("x'}", 'x"}', "x'}}", 'x"}}', "x'}}}", 'x"}}}')
"""The same in a mapping or a fix on one line."""
_KINDS: Final = {
    "field": types.CompletionItemKind.Field,
    "variable": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "value": types.CompletionItemKind.Value,
}


def control_completion(snapshot: ControlSnapshot, position: types.Position) -> list[types.CompletionItem]:
    """What may be written at a position of a control's file."""
    encoding = snapshot.capabilities.encoding
    at = convert.position_offset(position, snapshot.lines, encoding)
    found = _written_at(snapshot.lines.text, at, definitions_of(snapshot))
    if found is None:
        document = read_document(snapshot.lines.text)
        return in_file(snapshot, at, grammar_for(snapshot, document))
    document, written, inside = found
    typing = typing_at(written.source, inside)
    if typing is None:
        return []
    check = data_of_check(document, written.check)
    inputs = known_inputs(snapshot, inputs_of(document.data))
    shape = shape_of(check) if written.check >= 0 else None
    roots = roots_of(shape, inputs, evidence_of_file(document.data))
    if "choose" in written.path or "fix" in written.path:
        roots["choice"] = None
    asking = Asking(
        CONTROLS,
        written.source,
        written.let,
        declared(kinds_in([inputs])),
        lambda _: cel.bind(CONTROLS, {}),
    )
    word = Span(at - (inside - typing.start), at)
    place = convert.range_of(word, snapshot.lines, encoding)
    meanings = {name: NAMES.get(text, text) for name, text in shape.relations.items()} if shape else {}
    return [
        _item(one, number, place, snapshot)
        for number, one in enumerate(choices_at(typing, asking, roots, meanings))
    ]


def _written_at(text: str, at: int, definitions: Entries) -> tuple[Document, WrittenExpression, int] | None:
    """The expression at an offset, in the text as it is or as it may become."""
    for document in _documents(text, at):
        if found := expression_at(document, at, definitions):
            return document, *found
    return None


def _documents(text: str, at: int) -> Iterator[Document]:
    tests = text.find("\ntests:")
    if 0 <= tests < at:
        return
    text = text[: tests + 1] if tests >= 0 else text  # the longest part of most files says nothing here
    in_flow = "{" in text[text.rfind("\n", 0, at) + 1 : at]
    for missing in (*_MISSING, *(_MISSING_IN_FLOW if in_flow else ())):
        yield read_document(text[:at] + missing + text[at:])


def _item(
    choice: ExpressionChoice, number: int, place: types.Range, snapshot: ControlSnapshot
) -> types.CompletionItem:
    about: str | types.MarkupContent | None = choice.about or None
    if about and snapshot.capabilities.markdown_documentation:
        about = types.MarkupContent(types.MarkupKind.Markdown, choice.about)
    return types.CompletionItem(
        label=choice.name,
        kind=_KINDS[choice.kind],
        detail=choice.detail or None,
        documentation=about,
        sort_text=f"{number:04}",
        filter_text=choice.name,
        text_edit=types.TextEdit(place, choice.text),
    )
