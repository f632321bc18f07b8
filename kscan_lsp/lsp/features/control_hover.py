"""Hover in a control file: what the part of an expression under the cursor is, and what it gives.

It is asked of what the check judges in the first test that has such a thing, and in the manifest that was edited last
of those that are open: of an element that fails, if there is one.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lsprotocol import types

from kscan_lsp import cel
from kscan_lsp.authoring.asked import Asking, PartQuestions
from kscan_lsp.authoring.control_text import data_of_check, expression_at
from kscan_lsp.authoring.explaining import AskedOf, explained
from kscan_lsp.authoring.subjects import in_project, in_tests, inputs_of, shape_of
from kscan_lsp.authoring.taken_apart import focus_at
from kscan_lsp.authoring.types import roots_of
from kscan_lsp.lsp import convert
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.inputs import declared, kinds_in
from kscan_lsp.workspace.policies import definitions_for
from kscan_lsp.yaml.document import read_document

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

MAX_TRIED: Final = 5
"""Tests, and manifests, that are looked at for a part inside a macro that goes through nothing in the first."""


def control_hover(snapshot: ControlSnapshot, position: types.Position) -> types.Hover | None:
    """What there is to say of the expression at a position of a control's file."""
    encoding = snapshot.capabilities.encoding
    document = read_document(snapshot.lines.text)
    at = convert.position_offset(position, snapshot.lines, encoding)
    found = expression_at(document, at, definitions_of(snapshot))
    if found is None:
        return None
    written, inside = found
    focus = focus_at(written.source, inside)
    if focus is None:
        return None
    check = data_of_check(document, written.check)
    shape = shape_of(check) if written.check >= 0 else None
    asked = [*_subjects(snapshot, document.data, shape, check, PointedPart(written, focus))]
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
        in_project(one.project, one.key, shape, one.name, inputs_of(data)) for one in snapshot.manifests
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


def _markdown(said: Explained) -> str:
    parts = [f"```cel\n{said.source}\n```" + (f"\n`{said.type}`" if said.type else "")]
    for value in said.values:
        if not value.told:
            continue
        lines = [
            f"`` {shown} ``" + (f" ({entry})" if entry else "")
            if not shown.startswith(("no value", "absent", "there is"))
            else shown + (f" ({entry})" if entry else "")
            for shown, entry in value.lines
        ]
        body = "  \n".join(lines)
        parts.append(f"{body}  \n{_escaped(value.told)}")
        parts += [f"because of {', '.join(value.because)}"] if value.because else []
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#!|" else char for char in text)


def _plain(said: Explained) -> str:
    lines = [said.source, said.type]
    for value in said.values:
        if value.told:
            lines += [shown + (f" ({entry})" if entry else "") for shown, entry in value.lines]
            lines.append(f"  {value.told}")
            lines += [f"  because of {', '.join(value.because)}".replace("`", "'")] if value.because else []
    return "\n".join(filter(None, lines))
