"""A fix of what a chart renders to -> texts of the chart that may give it: values first, then the template.

A value is set where it is set already, in each file that does, or where the template would take it from. What stands in
a template as it is rendered is changed there, and lines are added behind the line that they follow in what is rendered,
or behind the first one of what they belong to. Nothing is written into an action.

Nothing here says that a fix holds: whoever makes one renders again, and compares (`charts.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp import edits
from kscan_lsp.fixes.verify import VerifiedFix, made_in
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.render.templates import Action, pieces
from kscan_lsp.text import LineIndex, Span, TextEdit, apply_edits
from kscan_lsp.workspace.chart_values import DECIDED
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.fixes.draft import Draft
    from kscan_lsp.paths import Path
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.workspace.chart_values import ValueSource
    from kscan_lsp.workspace.results import PlacedDocument
    from kscan_lsp.yaml.document import Document

_DEFAULTS: Final = "values.yaml"


class Fixable(Struct, frozen=True):
    """A finding of what a chart renders to: its document, the field from the root of that, and what sets that.

    Without a finding, nothing has to be gone.
    """

    placed: PlacedDocument
    finding: Finding | None
    path: Path
    sources: Sequence[ValueSource]


def proposals(chart: Chart, prefix: str, fixable: Fixable, draft: Draft) -> Iterator[Mapping[str, str]]:
    """What may make a fix, the best first: files of a chart, by path, as they would be.

    Args:
        chart: the chart.
        prefix: what stands before the paths of its files in places.
        fixable: what is to be fixed.
        draft: the fix.
    """
    if (texts := _in_values(chart, fixable.path, fixable.sources, draft)) is not None:
        yield texts
    yield from _in_templates(chart, prefix, fixable.placed, draft)


def _in_values(
    chart: Chart, path: Path, sources: Sequence[ValueSource], draft: Draft
) -> dict[str, str] | None:
    """The values files with the changes of a fix; None where they cannot be made there."""
    found: dict[str, str] = {}
    for source in sources:
        # a subchart's own values are not of this chart: it says otherwise in its own
        file = source.file if not source.file.startswith("charts/") else _DEFAULTS
        text = found.get(file)
        if text is None:
            text = (chart.raw(file) or b"").decode(errors="replace")
        document = read_document(text)
        for change in _value_changes(document, path, source, draft):
            edit = _edit(document, change)
            if edit is None:
                return None
            document = read_document(apply_edits(document.text, [edit]))
        found[file] = document.text
    return found if found and any(_differs(chart, file, text) for file, text in found.items()) else None


def _differs(chart: Chart, file: str, text: str) -> bool:
    return (chart.raw(file) or b"") != text.encode()


class _ValueChange(Struct, frozen=True):
    verb: str
    path: Path
    value: object


def _value_changes(
    document: Document, path: Path, source: ValueSource, draft: Draft
) -> Iterator[_ValueChange]:
    if source.message.endswith(DECIDED):
        place = nearest(document.root, source.path) if document.root else None
        known = document.text[place.node.start : place.node.end] if place else ""
        yield _ValueChange("set", source.path, known != "true")
        return
    shared = 0
    while shared < min(len(path), len(source.path)) and path[-1 - shared] == source.path[-1 - shared]:
        shared += 1
    for change in draft.changes:
        above = len(path) - shared
        if change.path[:above] != path[:above] or (not shared and change.path != path):
            yield _ValueChange("", (), None)
            return
        yield _ValueChange(
            change.verb, (*source.path[: len(source.path) - shared], *change.path[above:]), change.value
        )


def _edit(document: Document, change: _ValueChange) -> TextEdit | None:
    match change.verb:
        case "set":
            made = edits.set_value(document, change.path, change.value)
        case "add":
            made = edits.add_item(document, change.path, change.value)
        case "remove":
            made = edits.remove(document, change.path)
        case _:
            return None
    return None if isinstance(made, edits.Refusal) else made


def _in_templates(
    chart: Chart, prefix: str, placed: PlacedDocument, draft: Draft
) -> Iterator[dict[str, str]]:
    """The templates with the edits of the rendered document, where all of them can be led back."""
    source, document = placed.source, placed.checked.document
    fix = made_in(document, draft)
    if not isinstance(source, Rendered) or not isinstance(fix, VerifiedFix):
        return
    way = _WayBack(source, document, {prefix + path: text for path, text in chart.templates().items()})
    for number in range(way.anchors(draft.changes)):
        led = [way.back(edit, number, draft.changes) for edit in fix.edits]
        if not led or any(one is None for one in led):
            continue
        by_file: dict[str, list[TextEdit]] = {}
        for one in led:
            if one is not None:
                by_file.setdefault(one[0], []).append(one[1])
        if len(by_file) == 1:
            texts = {file: apply_edits(way.texts[file], some) for file, some in by_file.items()}
            yield {file.removeprefix(prefix): text for file, text in texts.items()}


class _WayBack:
    """From an edit of a rendered document to one of the template."""

    def __init__(self, source: Rendered, document: Document, texts: Mapping[str, str]) -> None:
        self.source = source
        self.document = document
        self.texts = texts

    def anchors(self, changes: Sequence[DataChange]) -> int:
        """How many places there are that lines may be added behind."""
        return 2 if any(change.verb in {"set", "add"} for change in changes) else 1

    def back(self, edit: TextEdit, anchor: int, changes: Sequence[DataChange]) -> tuple[str, TextEdit] | None:
        """A file, and the edit of it; None where it cannot be led back."""
        if edit.span.start < edit.span.end:
            return self._replaced(edit) if anchor == 0 else None
        if "\n" not in edit.text:
            return self._inline(edit) if anchor == 0 else None
        text, at = self.document.text, edit.span.start
        before = at if edit.text.startswith("\n") else at - 1
        if anchor:
            parent = nearest(self.document.root, changes[0].path) if self.document.root else None
            if parent is None:
                return None
            before = parent.node.start
        start = text.rfind("\n", 0, max(before, 0)) + 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        content = Span(start + len(text[start:end]) - len(text[start:end].lstrip()), end)
        if anchor and text[content.start : content.end].rstrip().endswith(":"):
            return None  # its value comes first
        return self._behind(content, content.start - start, edit.text.strip("\n").split("\n"))

    def _replaced(self, edit: TextEdit) -> tuple[str, TextEdit] | None:
        place = self.source.locate(edit.span)
        written = self.document.text[edit.span.start : edit.span.end]
        if place.span is None or place.reason or place.file not in self.texts or "\n" in written:
            return None
        text = self.texts[place.file]
        if text[place.span.start : place.span.end] != written or not _is_text(text, place.span):
            return None
        return place.file, TextEdit(place.span, edit.text)

    def _inline(self, edit: TextEdit) -> tuple[str, TextEdit] | None:
        before = Span(max(edit.span.start - 1, 0), edit.span.start)
        found = self._replaced(TextEdit(before, ""))
        if found is None:
            return None
        end = found[1].span.end
        return found[0], TextEdit(Span(end, end), edit.text)

    def _behind(self, content: Span, column: int, lines: list[str]) -> tuple[str, TextEdit] | None:
        """Lines behind one that is rendered, as far to the left as the template has that."""
        place = self.source.locate(content)
        if place.span is None or place.reason or place.file not in self.texts:
            return None
        text = self.texts[place.file]
        index = LineIndex(text)
        first = index.line_of(place.span.start)
        margin = text[index.starts[first] : place.span.start]
        is_action = text.startswith("{{", place.span.start)
        if margin.strip() and not is_action:
            return None
        shift = 0 if is_action else column - len(margin)
        if any(line[:shift].strip() for line in lines) and shift > 0:
            return None
        moved = [line[shift:] if shift > 0 else " " * -shift + line for line in lines]
        end = index.content_end(index.line_of(place.span.end - 1))
        if not _is_outside(text, end):
            return None
        return place.file, TextEdit(Span(end, end), "\n" + "\n".join(moved))


def _is_text(template: str, span: Span) -> bool:
    """Whether a part of a template is text, with no action in it."""
    return not any(
        isinstance(one, Action) and one.start < span.end and span.start < one.end for one in pieces(template)
    )


def _is_outside(template: str, offset: int) -> bool:
    """Whether a place in a template is in no action."""
    return not any(isinstance(one, Action) and one.start < offset < one.end for one in pieces(template))
