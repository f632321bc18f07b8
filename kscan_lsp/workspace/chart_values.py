"""The values that findings of a chart come from, and the lines of values files that set them.

A value that a template prints, or that decides what it prints, is proven to be the cause (`render/causes.py`) by the
first of the values files that a finding is found with. With another one the same value is the cause of the same finding
where that file sets it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.findings import Related
from kscan_lsp.paths import show
from kscan_lsp.render.candidates import Field
from kscan_lsp.render.causes import Probe, causes
from kscan_lsp.render.reads import Templates
from kscan_lsp.render.release import beside
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.render.values import chart_values
from kscan_lsp.text import Span
from kscan_lsp.workspace.results import CheckedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from kscan_lsp.findings import Finding
    from kscan_lsp.paths import Path
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument, PlacedDocument
    from kscan_lsp.yaml.document import Document

_DEFAULTS: Final = "values.yaml"
"""What the chart's own values are called among those that a finding is found with."""
PRINTED: Final = "sets this"
DECIDED: Final = "decides this"
MISSING: Final = "would set this, and is set nowhere"
"""What a value does for a field."""


class SourceKey(Struct, frozen=True):
    """What tells a finding from others of the chart, by which the values that it comes from are known."""

    file: str
    control: str
    found: object
    """As in `FoundWith.key`."""


class ValueSource(NamedTuple):
    """A value that a finding comes from, and where in the chart that is set; or the nearest where nothing sets it."""

    path: Path
    """In the values of the whole chart."""
    file: str
    span: Span
    message: str
    is_set: bool
    text: str
    """The text of the file."""
    document: str | None = None
    """The text of the document that it is in, of a manifest or settings; None in a values file."""
    offset: int = 0
    """Where that begins."""

    @property
    def is_values(self) -> bool:
        """Whether the file is one of values."""
        return self.document is None

    def related(self, finding: Finding, prefix: str) -> Related:
        """It as a place that a finding rests on; `prefix` is what stands before the paths of the chart's files."""
        span = Span(self.span.start - self.offset, self.span.end - self.offset)
        text = self.text if self.document is None else self.document
        return Related(finding.resource, finding.path, span, self.message, beside(prefix, self.file), text)


ValueSources: TypeAlias = "Mapping[SourceKey, tuple[ValueSource, ...]]"
"""The values that the findings of a chart come from; most come from none."""


def value_sources(
    maker: Helm,
    chart: Chart,
    files: Iterable[CheckedFile],
    prefix: str,
    *,
    overtaken: Callable[[], bool] = lambda: False,
    of_images: Container[str] = (),
) -> dict[SourceKey, tuple[ValueSource, ...]]:
    """The values that the findings of a chart come from, by what tells findings apart (`sources_in`).

    Args:
        maker: what renders it.
        chart: its files.
        files: its templates, judged.
        prefix: what stands before the paths of its files in their names.
        overtaken: whether nobody wants to know any more.
        of_images: the controls that are about what is in an image, for which its tag counts more than its name.
    """
    fields: dict[str, dict[SourceKey, Field]] = defaultdict(dict)
    others: dict[str, list[SourceKey]] = defaultdict(list)
    ways = {way.label(shown): way for way in chart.ways() for shown in ("", prefix)}
    for source, finding, field in _fields(files, of_images):
        if overtaken():
            return {}
        key = _key(source, finding)
        names = [one.removeprefix(prefix) for one in source.found_with.of(finding)]
        names = [one for one in names if one in ways] or [_DEFAULTS]
        fields[names[0]].setdefault(key, field)
        for name in names[1:]:
            others[name].append(key)
    templates = Templates({chart.named(prefix, path): text for path, text in chart.templates().items()})
    known: dict[str, Document] = {}
    found: dict[SourceKey, list[ValueSource]] = defaultdict(list)
    proven: dict[SourceKey, Path] = {}
    for name in sorted(fields, key=lambda one: (one != _DEFAULTS, one)):
        values = chart_values(chart, ways[name], known)
        probe = Probe(maker, chart, ways[name], values, templates, prefix)
        for key, cause in causes(probe, fields[name], overtaken).items():
            proven[key] = cause.path
            found[key] += _set_in(probe, cause.path, PRINTED if cause.prints else DECIDED)
    for name, keys in others.items():
        if not any(key in proven for key in keys):
            continue
        values = chart_values(chart, ways[name], known)
        probe = Probe(maker, chart, ways[name], values, templates, prefix)
        own = len(ways[name].files) + bool(ways[name].inline)
        for key in keys:
            if key in proven and any(
                one.sets(proven[key]) for one in values.files[len(values.files) - own :]
            ):
                found[key] += _set_in(probe, proven[key], PRINTED)
    return {key: tuple(sources) for key, sources in found.items() if sources}


def _fields(
    files: Iterable[CheckedFile], of_images: Container[str]
) -> Iterator[tuple[Rendered, Finding, Field]]:
    """The fields that findings are about."""
    for file in files:
        several = sum(isinstance(one.source, Rendered) and not one.source.extra for one in file.documents)
        for number, placed in enumerate(file.documents):
            source, document = placed.source, placed.checked.document
            if not isinstance(source, Rendered):
                continue
            for verdicts in placed.checked.verdicts:
                for finding in verdicts.findings:
                    if finding.status == "accepted":
                        continue
                    inside = (*verdicts.resource.root, *finding.path)
                    # what only other values give is behind the rest, and known by what it is called
                    image = finding.path[-1:] == ("image",) and finding.control in of_images
                    field = Field(source.file, number, several, document, source, inside, image)
                    yield source, finding, field


def _set_in(probe: Probe, path: Path, how: str) -> Iterator[ValueSource]:
    place = probe.values.place(path)
    if place is not None and place.file:
        said = f"{show(path)} {how if place.is_set else MISSING}"
        text = (probe.chart.raw(place.file) or b"").decode(errors="replace")
        yield ValueSource(
            path, place.file, place.span, said, place.is_set, text, place.document, place.offset
        )


def _key(source: Rendered, finding: Finding) -> SourceKey:
    return SourceKey(source.file, finding.control, source.found_with.key(finding))


def sources_in(
    sources: ValueSources, placed: PlacedDocument | None, finding: Finding | None
) -> tuple[ValueSource, ...]:
    """Those of one finding."""
    if placed is None or finding is None or not isinstance(placed.source, Rendered):
        return ()
    return sources.get(_key(placed.source, finding), ())


def with_sources(file: CheckedFile, sources: ValueSources, prefix: str) -> CheckedFile:
    """A file of a chart with the values that its findings come from, as places that they rest on."""
    return file.with_parts([_with_sources(placed, sources, prefix) for placed in file.documents])


def _with_sources(placed: PlacedDocument, sources: ValueSources, prefix: str) -> CheckedDocument:
    def resting(finding: Finding) -> Finding:
        more = [one.related(finding, prefix) for one in sources_in(sources, placed, finding)]
        return replace(finding, related=(*finding.related, *more)) if more else finding

    checked = placed.checked
    return replace(
        checked,
        verdicts=tuple(replace(one, findings=tuple(map(resting, one.findings))) for one in checked.verdicts),
    )


def with_texts(project: Project, sources: ValueSources, prefix: str) -> Project:
    """A project with the texts of values files, as files that are left alone."""
    texts = {beside(prefix, one.file): one.text for some in sources.values() for one in some}
    values = {
        path: CheckedFile(path, text, json=False, skipped="not-kubernetes")
        for path, text in texts.items()
        if path not in project.files
    }
    return replace(project, files={**project.files, **values}) if values else project
