"""Hover in a control file: what the part of an expression under the cursor is, and what it gives.

It is asked of what the check judges in the first test that has such a thing, and in the manifest that was edited last
of those that are open: of an element that fails, if there is one.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lsprotocol import types

from kscan_lsp import cel
from kscan_lsp.authoring.asked import Asking, PartQuestions
from kscan_lsp.authoring.control_text import data_of_check, expression_at
from kscan_lsp.authoring.explaining import AskedOf, explained
from kscan_lsp.authoring.naming import file_kind, names_in
from kscan_lsp.authoring.subjects import MAX_ELEMENTS, in_project, in_tests, inputs_of, shape_of
from kscan_lsp.authoring.taken_apart import focus_at
from kscan_lsp.authoring.types import roots_of
from kscan_lsp.graph.relations import NAMES
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features import vocabulary
from kscan_lsp.paths import lookup
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.inputs import declared, kinds_in
from kscan_lsp.regex import regex
from kscan_lsp.report.printable import printable
from kscan_lsp.workspace.policies import definitions_for
from kscan_lsp.yaml.around import around
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.authoring.control_text import WrittenExpression
    from kscan_lsp.authoring.explaining import Explained
    from kscan_lsp.authoring.subjects import CheckShape, JudgedElement
    from kscan_lsp.authoring.taken_apart import Focus
    from kscan_lsp.lsp.session.snapshot import ControlSnapshot
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.policy.inputs import Input
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document

MAX_TRIED: Final = 5
"""Tests, and manifests, that are looked at for a part inside a macro that goes through nothing in the first."""


def control_hover(snapshot: ControlSnapshot, position: types.Position) -> types.Hover | None:
    """What there is to say of the expression at a position of a control's file."""
    encoding = snapshot.capabilities.encoding
    document = read_document(snapshot.lines.text)
    at = convert.position_offset(position, snapshot.lines, encoding)
    found = expression_at(document, at, definitions_of(snapshot))
    if found is None:
        return _of_name(snapshot, document, at)
    written, inside = found
    focus = focus_at(written.source, inside)
    if focus is None:
        return None
    check = data_of_check(document, written.check)
    shape = shape_of(check) if written.check >= 0 else None
    part = PointedPart(written, focus)
    if written.check >= 0:
        asked = [*_subjects(snapshot, document.data, shape, check, part)]
    else:
        asked = [*_of_pack(snapshot, part)]
    own = inputs_of(document.data)
    roots = roots_of(shape, known_inputs(snapshot, own), evidence_of_file(document.data))
    steps = [step for step in shape.each.steps if isinstance(step, str)] if shape else []
    said = explained(
        focus, written.source, written.let, roots, asked or [_of_nothing(written, own)], steps=steps
    )
    if said is None:
        return None
    span = written.span(document.text, focus.part.start, focus.part.end)
    return hover_of(said, span, snapshot)


def hover_of(said: Explained, span: Span, snapshot: Any) -> types.Hover:
    """What is said of a part of an expression, as an editor shows it.

    Args:
        said: all of it.
        span: where the part stands in the text.
        snapshot: of the document, with its `lines` and `capabilities`.
    """
    markdown = snapshot.capabilities.markup is types.MarkupKind.Markdown
    text = _markdown(said) if markdown else _plain(said)
    at = convert.range_of(span, snapshot.lines, snapshot.capabilities.encoding)
    return types.Hover(types.MarkupContent(snapshot.capabilities.markup, text), at)


def definitions_of(snapshot: ControlSnapshot) -> Entries:
    """What the pack defines that a control's file is in."""
    found = definitions_for(snapshot.path, snapshot.sources.texts)
    return () if found is None or found.source == str(snapshot.path) else found.entries


def known_inputs(snapshot: ControlSnapshot, own: dict[str, Input]) -> dict[str, Input]:
    """All inputs with their defaults, those of the file that is typed as it declares them now."""
    found: dict[str, Input] = {}
    for control in snapshot.configuration.ruleset.policies.controls.values():
        found |= control.inputs
    return found | own


class PointedPart(NamedTuple):
    """A part of an expression that somebody points at."""

    written: WrittenExpression
    focus: Focus


def _subjects(
    snapshot: ControlSnapshot,
    data: object,
    shape: CheckShape | None,
    check: dict[str, Any],
    part: PointedPart,
) -> Iterator[AskedOf]:
    """What an expression is asked of: one element of the first test that has any, and one of what is open."""
    if shape is None:
        return
    question = check.get("deny") if isinstance(check.get("deny"), str) else ""
    tests = in_tests(data, shape, snapshot.configuration.ruleset.policies)
    opened = (
        [*islice(in_project(one.project, one.key, shape, one.name, inputs_of(data)), MAX_ELEMENTS)]
        for one in snapshot.manifests
    )
    for found in (tests, opened):
        asked = [
            _asked(_telling(one, str(question), part.written.let), part.written)
            for one in islice(filter(None, found), MAX_TRIED)
        ]
        # inside a macro there may be nothing to ask: then the next one can tell more
        said = (one for one in asked if not part.focus.variables or PartQuestions(one.asking).of(part.focus))
        yield from islice((*said, *asked), 1)


def _telling(subjects: Sequence[JudgedElement], question: str, let: Entries) -> JudgedElement:
    """The first subject that fails, else the first."""
    for one in subjects:
        made = cel.compile_expression(CONTROLS, question, let=let, declared=one.declared)
        if isinstance(made, cel.CelError):
            break
        if cel.deny(made, one.element.read_by(made)) is True:
            return one
    return subjects[0]


def _asked(subject: JudgedElement, written: WrittenExpression) -> AskedOf:
    asking = Asking(CONTROLS, written.source, written.let, subject.declared, subject.element.read_by)
    return AskedOf(subject.told, asking, subject.element.values)


def _of_nothing(written: WrittenExpression, own: dict[str, Input]) -> AskedOf:
    """What is asked where there is nothing to ask it of: the type is known all the same."""
    asking = Asking(
        CONTROLS, written.source, written.let, declared(kinds_in([own])), lambda _: cel.bind(CONTROLS, {})
    )
    return AskedOf("", asking, {})


def evidence_of_file(data: object) -> str:
    """The kind of evidence that a control's file says it reads."""
    kind = data.get("evidence") if isinstance(data, dict) else None
    return kind if isinstance(kind, str) else ""


def _of_name(snapshot: ControlSnapshot, document: Document, at: int) -> types.Hover | None:
    """What there is to say of a control, an input or a relation that is named outside of expressions."""
    ruleset, encoding = snapshot.configuration.ruleset, snapshot.capabilities.encoding
    for one in names_in(document, file_kind(document)):
        if one.span.start <= at <= one.span.end and any(one.span):
            said = vocabulary.explanation(one.kind, one.name, (), ruleset)
            place = convert.range_of(one.span, snapshot.lines, encoding)
            contents = types.MarkupContent(snapshot.capabilities.markup, said)
            return types.Hover(contents, place) if said else None
    path = around(document.root, at).path if document.root else ()
    if len(path) == 4 and path[0] == "checks" and path[2] == "relations":
        named = lookup(document.data, path)
        if isinstance(named, str) and (meaning := NAMES.get(named)):
            place = convert.range_of(span_at(document, path), snapshot.lines, encoding)
            return types.Hover(types.MarkupContent(snapshot.capabilities.markup, meaning), place)
    return None


def _of_pack(snapshot: ControlSnapshot, part: PointedPart) -> Iterator[AskedOf]:
    """What a definition of a pack is asked of: the first thing that a control judges which uses it, and has a value."""
    policies = snapshot.configuration.ruleset.policies
    name, folder = str(part.written.path[-1]), snapshot.path.parent
    tried = 0
    for source in policies.sources.values():
        if not Path(source.name).is_relative_to(folder) or name not in source.document.text:
            continue
        data = source.document.data
        for number in range(len(data.get("checks", ())) if isinstance(data, dict) else 0):
            shape = shape_of(data_of_check(source.document, number))
            for found in in_tests(data, shape, policies) if shape else ():
                tried += bool(found)
                if tried > MAX_TRIED:
                    return
                asked = _asked(found[0], part.written) if found else None
                answers = PartQuestions(asked.asking).of(part.focus) if asked else []
                if asked and any(not isinstance(one.value, cel.Failed) for one in answers):
                    yield asked._replace(told=f"{asked.told} of {source.document.data.get('id')}")
                    return


def _markdown(said: Explained) -> str:
    parts = [f"```cel\n{said.source}\n```" + (f"\n`{said.type}`" if said.type else "")]
    for value in said.values:
        if not value.told:
            continue
        lines = [
            (shown if shown.startswith(_WORDS) else _code(shown)) + (f" ({_escaped(entry)})" if entry else "")
            for shown, entry in value.lines
        ]
        body = "  \n".join(lines)
        parts.append(f"{body}  \n{_escaped(value.told)}")
        if value.because:
            parts.append(
                f"because of {', '.join(_code(text) + _escaped(entry) for text, entry in value.because)}"
            )
    return printable("\n\n".join(parts))


_WORDS: Final = ("no value", "absent", "there is")
"""What is said in place of a value."""


def _code(text: str) -> str:
    """A text as Markdown has code, whatever quotes are in it."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


_TICKS: Final = regex(r"`+")


def _escaped(text: str) -> str:
    flat = " ".join(text.split("\n"))
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#!|" else char for char in flat)


def _plain(said: Explained) -> str:
    lines = [said.source, said.type]
    for value in said.values:
        if value.told:
            lines += [shown + (f" ({entry})" if entry else "") for shown, entry in value.lines]
            lines.append(f"  {value.told}")
            told = ", ".join(f"'{text}'{entry}" for text, entry in value.because)
            lines += [f"  because of {told}"] if told else []
    return printable("\n".join(filter(None, lines)))
