"""A chart as an editor shows it: its findings at the lines that somebody wrote, by file of the chart.

A chart is judged apart from the files of its folder, of which it knows what they declare; they do not know what it
renders to. What is found in a rendering is said of the text of a template, so that whoever shows a file needs to know
nothing of renderings. No fix is offered for it there.

While somebody types, a chart does not render at every other key. What was found stays with the lines that are as they
were, and the fault is said where Helm sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files.manifest import is_rendered
from kscan_lsp.findings import Problem, Verbatim
from kscan_lsp.render.chart import ChartFault
from kscan_lsp.render.rendering import render
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.text import LineIndex, Span, minimal_edit
from kscan_lsp.workspace.charts import RenderedFile, ValuesRendering, read_rendered, with_renderings
from kscan_lsp.workspace.results import CheckedDocument, CheckedFile, PlacedDocument
from kscan_lsp.yaml.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.findings import Finding, Related
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.project import Project

MAX_LISTED: Final = 3
"""Values files that a message lists."""


class ChartView(Struct, frozen=True):
    """What is said of the files of a chart, by their names in a project."""

    files: Mapping[str, CheckedFile]
    faults: tuple[ChartFault, ...] = ()
    """Why it does not render, with its defaults or with another values file; their files are names in the project."""


def chart_view(maker: Helm, chart: Chart, prefix: str, project: Project) -> ChartView:
    """A chart rendered, with its defaults and with each values file that it comes with, and judged.

    Args:
        maker: what renders it.
        chart: its files.
        prefix: what stands before the paths of its files in their names.
        project: what it is judged by, and what is known around it.
    """
    renderings: list[ValuesRendering] = []
    faults: list[ChartFault] = []
    for values in (None, *chart.values_files()):
        texts = () if values is None else (chart.files[values].decode(errors="replace"),)
        found = render(maker, chart, texts, prefix)
        if isinstance(found, ChartFault):
            said = f" with {values}" if values else ""
            message = f"this chart does not render{said}: {found.message}"
            faults.append(ChartFault(prefix + found.file, found.line, message))
            if values is None:
                return ChartView({}, tuple(faults))
            continue
        templates = chart.templates()
        files = [
            RenderedFile(prefix + path, templates.get(path, ""), found.files[path])
            for path in sorted(found.files)
            if not (path in templates and is_rendered(templates[path]))
        ]
        renderings.append(ValuesRendering(values or "values.yaml", tuple(files)))
    return ChartView(_shown(_judged(project, renderings), chart, prefix, len(renderings)), tuple(faults))


def _judged(project: Project, renderings: list[ValuesRendering]) -> Project:
    alone = replace(project, files={}, known=None)
    read = [read_rendered(alone, one) for one in renderings[0].files]
    return with_renderings(alone.with_read(read), renderings)


def _shown(project: Project, chart: Chart, prefix: str, renderings: int) -> dict[str, CheckedFile]:
    """The files of a chart with what was found where they are written."""
    texts = {prefix + path: text for path, text in chart.templates().items()}
    findings: dict[str, list[Finding]] = {}
    problems: dict[str, list[Problem]] = {}
    for file in project.files.values():
        for placed in file.documents:
            for finding in placed.checked.findings:
                location = placed.locate(finding.span)
                if location.span is not None and location.file in texts:
                    written = _written(finding, placed, location.span, location.reason, renderings)
                    findings.setdefault(location.file, []).append(written)
        for location, problem in file.problems():
            span = location.span or Span(0, LineIndex(texts.get(location.file, "")).content_end(0))
            problems.setdefault(location.file, []).append(replace(problem, span=span))
    return {
        name: view_of(name, text, findings.get(name, ()), problems.get(name, ()))
        for name, text in texts.items()
    }


def _written(finding: Finding, placed: PlacedDocument, span: Span, reason: str, renderings: int) -> Finding:
    """A finding of a rendering as one of the template."""
    source = placed.source
    message = finding.message
    if isinstance(source, Rendered) and renderings > 1:
        names = source.found_with.of(finding)
        if names and len(names) < renderings:
            more = f" and {len(names) - MAX_LISTED} others" if len(names) > MAX_LISTED else ""
            message += f" (rendered with {', '.join(names[:MAX_LISTED])}{more})"
    if reason:
        message += f" ({reason})"
    related = tuple(_written_related(finding.related, placed))
    return replace(finding, message=message, span=span, related=related, fixable=False)


def _written_related(related: Iterable[Related], placed: PlacedDocument) -> Iterator[Related]:
    """The related places that are in the same file of the chart, or in one that is judged as it stands."""
    file = placed.source.file if isinstance(placed.source, Rendered) else ""
    for one in related:
        if one.file:
            yield one
            continue
        location = placed.locate(one.span)
        if location.span is not None and location.file == file:
            yield replace(one, span=location.span)


def view_of(
    name: str, text: str, findings: Iterable[Finding], problems: Iterable[Problem] = ()
) -> CheckedFile:
    """A file of a chart with what is said of its text."""
    document = Document(text, False, None, None, (), (), False, LineIndex(text))
    ordered = sorted(findings, key=lambda one: (one.span, one.control))
    distinct = {(one.control, one.span, one.message): one for one in ordered}
    checked = CheckedDocument(document, (), tuple(dict.fromkeys(problems)), stale=tuple(distinct.values()))
    return CheckedFile(name, text, False, (PlacedDocument(0, 0, checked, Verbatim(name, 0)),))


def moved(view: CheckedFile, text: str) -> CheckedFile:
    """The view of a file before an edit, with what is left of it: what was said of the lines that are as they were."""
    edit = minimal_edit(view.text, text)
    if edit is None:
        return view
    checked = view.documents[0].checked
    first = view.text.rfind("\n", 0, edit.span.start) + 1
    end = view.text.find("\n", edit.span.end)
    last = len(view.text) if end < 0 else end + 1
    shift = len(text) - len(view.text)

    def at(span: Span) -> Span | None:
        if span.end <= first:
            return span
        return Span(span.start + shift, span.end + shift) if span.start >= last else None

    findings = [
        replace(one, span=span, related=()) for one in checked.stale if (span := at(one.span)) is not None
    ]
    problems = [replace(one, span=span) for one in checked.problems if (span := at(one.span)) is not None]
    return view_of(view.path, text, findings, problems)


def with_faults(view: CheckedFile, faults: Iterable[ChartFault]) -> CheckedFile:
    """The view of a file with why its chart does not render: at the line, or on the first one where it is another's."""
    checked = view.documents[0].checked
    kept = [one for one in checked.problems if one.code != FAULT]
    lines = checked.document.lines
    for fault in faults:
        line = min(max(fault.line - 1, 0), lines.line_count - 1) if fault.file == view.path else 0
        kept.append(
            Problem(Span(lines.starts[line], lines.content_end(line)), fault.message, FAULT, fatal=True)
        )
    return view_of(view.path, view.text, checked.stale, kept)


FAULT: Final = "render"
"""The code of a problem that keeps a chart from being rendered."""
