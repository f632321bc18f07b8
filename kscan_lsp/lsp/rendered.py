"""What is shown in the files of a chart: each finding of what it renders to where it was written.

A finding of one template may stand in another file, such as `_helpers.tpl`, so what there is to show is put together
for a chart as a whole. Until an edited text is rendered again, or while it does not render, findings stay in the lines
that it has in common with the text that did.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from weakref import WeakKeyDictionary

from lsprotocol import types
from msgspec import Struct

from kscan_lsp.findings import Problem
from kscan_lsp.lsp import convert
from kscan_lsp.render.release import beside
from kscan_lsp.render.source_map import Rendered, few
from kscan_lsp.text import LineIndex, Span, minimal_edit
from kscan_lsp.workspace.chart_values import sources_in

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.findings import Finding, Location
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.model import NotScanned
    from kscan_lsp.text import Encoding
    from kscan_lsp.workspace.chart_values import ValueSources
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument


class RenderingName(Struct, frozen=True):
    """Something that a chart or an overlay renders to and that can be shown."""

    title: str
    """What it is rendered with, or which overlay it is; empty for a chart with its defaults."""
    uri: str


class RelatedPlace(NamedTuple):
    """A place in a file of the chart that something rests on, and what is said there."""

    key: str
    span: Span
    """In code points of the file's text, as it was rendered."""
    message: str


class ChartMark(NamedTuple):
    """Something that is shown in a file of a chart."""

    span: Span
    """In code points of the file's text, as it was rendered."""
    said: Finding | Problem
    message: str
    placed: PlacedDocument | None = None
    """The rendered document that it is about."""
    values: tuple[str, ...] = ()
    """The values files that it is found with; none where it is no finding."""
    related: tuple[RelatedPlace, ...] = ()

    @property
    def finding(self) -> Finding | None:
        """The finding that it is; None for a problem."""
        return self.said if not isinstance(self.said, Problem) else None


_MARKS: WeakKeyDictionary[CheckedFile, tuple[tuple[str, ChartMark], ...]] = WeakKeyDictionary()


def marks_of(files: Iterable[CheckedFile]) -> dict[str, tuple[ChartMark, ...]]:
    """What is shown of the templates of a chart, by the file that it is shown in."""
    found: dict[str, dict[object, ChartMark]] = {}
    for file in files:
        known = _MARKS.get(file)
        if known is None:
            known = _MARKS[file] = tuple(_of_file(file))
        for key, mark in known:
            # a template that is included five times has one place
            control = mark.finding.control if mark.finding else ""
            found.setdefault(key, {}).setdefault((mark.span, control, mark.message), mark)
    return {key: tuple(sorted(marks.values(), key=lambda mark: mark.span)) for key, marks in found.items()}


def _of_file(file: CheckedFile) -> Iterator[tuple[str, ChartMark]]:
    if file.limit:
        yield file.path, ChartMark(Span(0, 0), file.limit, file.limit.message)
    for placed in file.documents:
        source = placed.source
        if not isinstance(source, Rendered):
            continue
        places: dict[
            Span, Location
        ] = {}  # most places have several findings, and to look one up costs most of this
        for problem in placed.checked.problems:
            at = placed.locate(problem.span)
            yield (
                at.file,
                ChartMark(at.span or Span(0, 0), problem, _explained(problem.message, at.reason), placed),
            )
        for finding in placed.checked.findings:
            if finding.status == "accepted":
                continue
            at = places.get(finding.span) or places.setdefault(finding.span, placed.locate(finding.span))
            values = source.found_with.of(finding)
            below = source.beneath(finding.span)
            beneath = (
                (RelatedPlace(below[0].file, below[0].span, below[1]),) if below and below[0].span else ()
            )
            message = convert.message_of(finding)
            if source.extra and values:
                message += f" (rendered with {few(values)})"
            span, message = at.span or Span(0, 0), _explained(message, at.reason)
            yield at.file, ChartMark(span, finding, message, placed, values, beneath)


def with_sources(
    marks: Mapping[str, tuple[ChartMark, ...]], sources: ValueSources, prefix: str
) -> dict[str, tuple[ChartMark, ...]]:
    """Marks with those on the values that they come from, each leading to the other.

    Args:
        marks: by file.
        sources: the values that findings come from (`workspace/chart_values.py`).
        prefix: what stands before the paths of the chart's files in keys.
    """
    if not sources:
        return dict(marks)
    # to tell one finding of a control from another takes ten times as long as all the rest
    about = {(key.file, key.control) for key in sources}
    found: dict[str, list[ChartMark]] = {}
    said: dict[str, set[object]] = {}
    on_values: list[tuple[str, ChartMark]] = []
    for key, there in marks.items():
        found[key], said[key] = [], set()
        for mark in there:
            said[key].add(_as_said(mark))
            known = sources_in(sources, mark.placed, mark.finding) if _is_about(mark, about) else ()
            places = tuple([RelatedPlace(beside(prefix, one.file), one.span, one.message) for one in known])
            found[key].append(mark._replace(related=places) if places else mark)
            if places:
                back = (RelatedPlace(key, mark.span, "the template that it is in"),)
                on_values += [
                    (at.key, mark._replace(span=at.span, related=back))
                    for at, one in zip(places, known, strict=True)
                    if one.is_set
                ]
    for key, mark in on_values:
        if (what := _as_said(mark)) not in said.setdefault(key, set()):
            said[key].add(what)
            found.setdefault(key, []).append(mark)
    return {key: tuple(sorted(there, key=lambda mark: mark.span)) for key, there in found.items()}


def _is_about(mark: ChartMark, controls: Container[tuple[str, str]]) -> bool:
    """Whether it is a finding of one of some controls, each in a template."""
    source = mark.placed.source if mark.placed else None
    return (
        mark.finding is not None
        and isinstance(source, Rendered)
        and (source.file, mark.finding.control) in controls
    )


def _as_said(mark: ChartMark) -> object:
    """What makes a mark the same as another in its file."""
    return mark.span, mark.finding.control if mark.finding else None, mark.message


def _explained(message: str, reason: str) -> str:
    return f"{message} ({reason})" if reason else message


def faults_of(faults: Sequence[NotScanned], texts: Mapping[str, str]) -> dict[str, tuple[ChartMark, ...]]:
    """What is not rendered, by file, at its line."""
    found: dict[str, list[ChartMark]] = {}
    for fault in faults:
        index = LineIndex(texts.get(fault.file, ""))
        line = min(max(fault.line - 1, 0), len(index.starts) - 1)
        problem = Problem(
            Span(index.starts[line], index.content_end(line)), fault.reason, "render", fatal=True
        )
        found.setdefault(fault.file, []).append(ChartMark(problem.span, problem, problem.message))
    return {key: tuple(marks) for key, marks in found.items()}


def moved(marks: Iterable[ChartMark], rendered: str, text: str) -> tuple[ChartMark, ...]:
    """Marks of a text that was rendered, in the text that it is now: those in lines that both have."""
    if rendered == text:
        return tuple(marks)
    spans = ((mark, moved_span(mark.span, rendered, text)) for mark in marks)
    return tuple([mark._replace(span=span) for mark, span in spans if span is not None])


def moved_related(
    marks: Iterable[ChartMark], rendered: Mapping[str, str], texts: Mapping[str, str]
) -> Iterator[ChartMark]:
    """Marks of texts that were rendered whose related places are those in newer texts, as far as these have them."""
    for mark in marks:
        places = [
            one._replace(span=span)
            for one in mark.related
            if (span := moved_span(one.span, rendered.get(one.key, ""), texts.get(one.key, ""))) is not None
        ]
        yield mark._replace(related=tuple(places)) if mark.related else mark


def moved_span(span: Span, before: str, now: str) -> Span | None:
    """Where a span of a text is after an edit; None where its lines have changed."""
    unchanged = _unchanged(before, now)
    if unchanged is None or span.end <= unchanged[0]:
        return span
    _, last, shift = unchanged
    return Span(span.start + shift, span.end + shift) if span.start >= last else None


@lru_cache(maxsize=4)
def _unchanged(before: str, now: str) -> tuple[int, int, int] | None:
    """Where the lines that two texts share end at the start, begin again, and how far these have moved."""
    edit = minimal_edit(before, now)
    if edit is None:
        return None
    first = before.rfind("\n", 0, edit.span.start) + 1
    end = before.find("\n", edit.span.end)
    return first, len(before) if end < 0 else end + 1, len(now) - len(before)


def diagnostics_of(
    view: ChartView, text: str, ruleset: Ruleset, capabilities: Capabilities
) -> convert.Diagnostics:
    """What is shown in a file of a chart as diagnostics of its text."""
    index = LineIndex(text)
    lines = {key: LineIndex(other) for key, other in view.texts.items()} if view.related else {}
    return tuple([_diagnostic(mark, index, ruleset, capabilities, lines) for mark in view.marks])


def _diagnostic(
    mark: ChartMark,
    index: LineIndex,
    ruleset: Ruleset,
    capabilities: Capabilities,
    lines: Mapping[str, LineIndex],
) -> bytes:
    if isinstance(mark.said, Problem):
        about = convert.about_problem(Problem(mark.said.span, mark.message, mark.said.code, mark.said.fatal))
        return convert.one(mark.span, index, capabilities.encoding, about)
    references = ruleset.control(mark.said.control).references
    link = references[0] if references and capabilities.code_description else ""
    about = convert.about_finding(mark.said, mark.message, link, dimmed=capabilities.unnecessary)
    places = [
        convert.related(uri_of(one.key), one.span, lines[one.key], capabilities.encoding, one.message)
        for one in mark.related
        if one.key in lines
    ]
    if places and capabilities.related_information:
        about += f',"relatedInformation":[{",".join(places)}]'
    return convert.one(mark.span, index, capabilities.encoding, about)


def diagnostic_of(mark: ChartMark, lines: LineIndex, encoding: Encoding) -> types.Diagnostic:
    """A finding that is shown in a file of a chart as an action names it."""
    return types.Diagnostic(
        range=convert.range_of(mark.span, lines, encoding),
        message=mark.message,
        severity=types.DiagnosticSeverity(convert.level_of(mark.finding)) if mark.finding else None,
        code=mark.finding.control if mark.finding else None,
        source=convert.SOURCE,
    )


def uri_of(key: str) -> str:
    """What an editor calls a file that a chart knows by this key: its folder has escapes there, its name has none."""
    return quote(key, safe="/:%")


class ChartView(Struct, frozen=True):
    """What is shown in one file of a chart, in its text as it is now."""

    marks: tuple[ChartMark, ...] = ()
    texts: Mapping[str, str] = {}
    """The texts of all files of the chart as they were rendered, by key."""
    built: bool = False
    """Whether it is a file of overlays, and not of a chart."""
    renderings: tuple[RenderingName, ...] = ()
    """What can be shown of what it is part of."""
    whole: tuple[CheckedFile, ...] = ()
    """All that it stands for, judged: of a file that describes a chart or an overlay, and not a part of one."""
    faulty: bool = False
    """Whether anything of that is not as its files are now."""

    @property
    def related(self) -> bool:
        """Whether anything in it leads to another file."""
        return any(mark.related for mark in self.marks)

    def at(self, offset: int, is_wanted: Callable[[ChartMark], bool] = lambda _: True) -> list[ChartMark]:
        """What is shown at a place."""
        return [m for m in self.marks if m.span.start <= offset <= m.span.end and is_wanted(m)]
