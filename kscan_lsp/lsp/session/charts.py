"""The charts that the editor has files of open: what they rendered to last, and what is to be rendered next.

A chart is rendered from its files on disk, with the texts of open documents in place of theirs. That happens in a
thread of its own on a frozen request; what comes of it becomes part of the project of its folder as a step of the work
there, so that it is never in the way of an edit elsewhere. A rendering that has been overtaken is dropped.

Left out on purpose: when that is done (`lsp/server/charts.py`), and what is shown of it (`lsp/rendered.py`).
"""

from __future__ import annotations

import os
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.cli.charts import rendered_chart
from kscan_lsp.files.encoding import Unreadable, read_bytes
from kscan_lsp.lsp.rendered import faults_of, marks_of, moved_span, uri_of, with_sources
from kscan_lsp.lsp.session.deployed import releases_named
from kscan_lsp.lsp.session.renderings import STALE, RenderingToShow
from kscan_lsp.render.chart import MAX_BYTES, read_chart
from kscan_lsp.render.release import beside
from kscan_lsp.report.model import NotScanned
from kscan_lsp.workspace.chart_values import value_sources
from kscan_lsp.workspace.charts import judge_chart, with_chart
from kscan_lsp.workspace.images import of_images
from kscan_lsp.workspace.releases import joined, with_releases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.lsp.session.deployed import Manifests
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.chart_values import SourceKey, ValueSource, ValueSources
    from kscan_lsp.workspace.charts import JudgedChart, ValuesRendering
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.deployments import Undecided
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.releases import NamedRelease
    from kscan_lsp.workspace.results import CheckedFile


class ChartRequest(Struct, frozen=True):
    """All that rendering a chart needs."""

    folder: Path
    root: Path | None
    revision: int
    """Which state of its files it is; see `OpenChart.revision`."""
    disk: Chart | None
    """Its files as they were read last; None where they are to be read."""
    opened: Mapping[Path, str]
    """The texts of open documents."""
    manifests: Manifests
    """What names releases of it, as on disk."""
    configuration: Configuration
    project: Project

    def text_of(self, path: Path) -> str:
        """What is in a manifest that names releases."""
        return self.opened.get(path, self.manifests.texts.get(path, ""))

    def values(self, path: Path) -> bytes | Unreadable:
        """What is in a values file that is not in the folder of the chart, by its real path."""
        opened = next((text for one, text in self.opened.items() if os.path.realpath(one) == str(path)), None)
        return read_bytes(path, MAX_BYTES) if opened is None else opened.encode(errors="replace")


class ChartResult(Struct, frozen=True):
    """What a chart renders to, judged; without that, `faults` say why."""

    disk: Chart | Unreadable
    chart: Chart | Unreadable
    """The same with the texts of open documents."""
    judged: JudgedChart | None
    renderings: tuple[ValuesRendering, ...]
    texts: Mapping[str, str]
    """What was rendered, by the keys of the files."""
    faults: tuple[NotScanned, ...]
    """What is not judged, and why, in files by their keys."""


class TakeChart(Struct, frozen=True):
    """A chart that was rendered and is to become part of the project of its folder."""

    key: str
    root: Path | None
    configuration: Configuration
    project: Project
    folder: Path
    result: ChartResult
    gone: tuple[str, ...]
    """What its files were called that it has no more."""


class OpenChart(Struct):
    """A chart, and what is known of it."""

    folder: Path
    root: Path | None
    """The folder whose settings hold for it."""
    revision: int = 0
    """Counts what may have changed it."""
    done: int = -1
    """The revision that was rendered last, whether that worked or not."""
    configuration: Configuration | None = None
    """What held when it was."""
    evidence: Evidence | None = None
    """What was known besides manifests when it was."""
    whole: bool = False
    """Whether it was known what rests on other objects."""
    disk: Chart | None = None
    beside: frozenset[Path] = frozenset()
    """The values files that it is rendered with and that are not in its folder."""
    waiting: ChartResult | None = None
    """What was rendered last, until it is part of the project."""
    accepted: ChartResult | None = None
    """What became part of the project last."""
    judged: JudgedChart | None = None
    """What was rendered last and worked."""
    renderings: tuple[ValuesRendering, ...] = ()
    """What it rendered to then."""
    texts: Mapping[str, str] = {}
    """What that was rendered from, by the keys of the files."""
    fault_texts: Mapping[str, str] = {}
    """What was rendered last, by the keys of the files, whether it worked or not."""
    fault_marks: Mapping[str, tuple[ChartMark, ...]] = {}
    faulty_before: frozenset[str] = frozenset()
    """The keys of the files that had faults before."""
    marks: Mapping[str, tuple[ChartMark, ...]] = {}
    """What is shown of it, by the keys of the files."""
    sources: ValueSources = {}
    """The values that its findings come from."""
    unpublished: bool = False
    """Whether it was rendered since what there is to show of it was published."""
    published: set[str] = set()
    """The keys of its files without a buffer that have diagnostics shown."""
    seen: tuple[CheckedFile, ...] = ()
    """Its files in the project when that was put together."""

    def outdate(self, *, files: bool) -> None:
        """Something happened to it: a text in the editor, or `files` on disk."""
        self.revision += 1
        if files:
            self.disk = None

    def knows_less(self, project: Project) -> bool:
        """Whether more is known now than when it was judged: what rests on other objects, or on evidence.

        What only other values give is judged with the chart alone, and so is which value anything comes from.
        """
        if self.done != self.revision or not project.whole:
            return False
        news = self.evidence is not project.evidence
        return news or (not self.whole and bool(project.ruleset.relational))

    def reads(self, path: Path | None) -> bool:
        """Whether it is rendered with a file that is not in its folder, or one names a release that it is not."""
        return path in self.beside or (path is not None and path.as_uri() in self.fault_marks)

    def is_outdated(self, configuration: Configuration | None) -> bool:
        """Whether it is to be rendered, by what holds now."""
        return self.done != self.revision or self.configuration is not configuration

    def request(
        self,
        opened: Mapping[Path, str],
        manifests: Manifests,
        configuration: Configuration,
        project: Project,
    ) -> ChartRequest:
        """What is needed to render it as it is now, with the texts of open documents."""
        return ChartRequest(
            self.folder, self.root, self.revision, self.disk, opened, manifests, configuration, project
        )

    def overtaken(self, request: ChartRequest) -> Callable[[], bool]:
        """What tells whether it has been edited since."""
        return lambda: self.revision != request.revision

    def keep(self, request: ChartRequest, result: ChartResult) -> None:
        """Keep what was rendered, until it is taken into the project."""
        self.done, self.configuration = request.revision, request.configuration
        self.evidence, self.whole = request.project.evidence, request.project.whole
        self.disk = None if isinstance(result.disk, Unreadable) else result.disk
        outside = () if isinstance(result.chart, Unreadable) else result.chart.outside
        # an editor may know the folder by a link, which values files are not named from
        tops = {str(self.folder), os.path.realpath(self.folder)} if outside else ()
        self.beside = frozenset(Path(os.path.normpath(f"{top}/{one}")) for top in tops for one in outside)
        self.waiting = result

    def step(self, configuration: Configuration, project: Project) -> TakeChart | None:
        """Take what was rendered, to have it become part of the project; None where there is nothing."""
        result, self.waiting = self.waiting, None
        if result is None:
            return None
        before = self.judged.paths if self.judged else frozenset[str]()
        now = result.judged.paths if result.judged else before
        # what needs no rendering any more is judged as it stands
        gone = tuple(sorted(key for key in before - now if key not in result.texts))
        return TakeChart(str(self.folder), self.root, configuration, project, self.folder, result, gone)

    def look(self, project: Project, rendered: frozenset[str]) -> bool:
        """See what is to be shown of it as the project is now; whether that may be different."""
        if self.judged is None or not self.judged.paths <= rendered:
            return False  # what was shown stays until it is rendered under other settings
        files = tuple([project.files[file.path] for file in self.judged.files if file.path in project.files])
        if len(files) == len(self.seen) and all(map(is_, files, self.seen)):
            return False
        self.seen = files
        self.marks = with_sources(marks_of(files), self.sources, f"{self.folder.as_uri()}/")
        return True

    def to_show(self, values: str, project: Project) -> RenderingToShow | None:
        """What it rendered to last with some values; None where it does not render with these."""
        found = next((one for one in self.renderings if one.values == values), None)
        if found is None:
            return None
        works = self.accepted is not None and self.accepted.judged is not None
        top = f"{self.folder.parent.as_uri()}/"
        return RenderingToShow(project, "" if works else STALE, self.texts, top, found)

    def text_of(self, uri: str) -> str:
        """What was rendered last of one of its files; empty where nothing was."""
        known = {**self.fault_texts, **self.texts}
        return next((text for key, text in known.items() if uri_of(key) == uri), "")

    def trace(self, sources: ValueSources) -> None:
        """It is known which values findings come from."""
        self.sources, self.seen, self.unpublished = sources, (), True

    def accept(self, result: ChartResult) -> None:
        """It is part of the project now; where it does not render, what did stays."""
        self.accepted, self.unpublished = result, True
        self.faulty_before = frozenset(self.fault_marks)
        self.fault_texts, self.fault_marks = result.texts, faults_of(result.faults, result.texts)
        if result.judged is not None:
            self.sources = _still(self.sources, self.texts, result.texts, f"{self.folder.as_uri()}/")
            self.judged, self.texts, self.renderings = result.judged, result.texts, result.renderings


class Overtaken(Exception):  # noqa: N818 - not an error
    """Nobody wants to know any more what a chart was: it has been edited since."""


def render_chart(maker: Helm, request: ChartRequest, overtaken: Callable[[], bool]) -> ChartResult:
    """Render a chart with all its values, and judge it.

    Raises:
        Overtaken: it has been edited since.
    """

    def check() -> None:
        if overtaken():
            raise Overtaken

    disk = request.disk or read_chart(request.folder)
    prefix = f"{request.folder.as_uri()}/"
    chart = disk
    undecided: tuple[Undecided, ...] = ()
    if not isinstance(disk, Unreadable):
        texts = {
            path.relative_to(request.folder).as_posix(): text.encode(errors="replace")
            for path, text in request.opened.items()
            if path.is_relative_to(request.folder)
        }
        releases, undecided = _named(request)
        chart = with_releases(disk.with_texts(texts), request.folder, releases, request.values)
    made = rendered_chart(maker, request.folder, chart, prefix, check)
    read = {} if isinstance(chart, Unreadable) else _texts(chart, prefix)
    read |= {one.path.as_uri(): request.text_of(one.path) for one in undecided}
    unrendered = tuple(NotScanned(one.path.as_uri(), one.line, one.reason) for one in undecided)
    judged = judge_chart(request.project, made.renderings, check) if made.renderings else None
    return ChartResult(disk, chart, judged, made.renderings, read, (*made.not_scanned, *unrendered))


def _named(request: ChartRequest) -> tuple[tuple[NamedRelease, ...], tuple[Undecided, ...]]:
    releases = request.configuration.releases
    said = releases.get(Path(os.path.realpath(request.folder)), ()) if releases else ()
    named, undecided = releases_named(request.manifests, request.folder, request.opened, listed=bool(said))
    return joined(said, named), undecided


def trace_chart(
    maker: Helm,
    request: ChartRequest,
    result: ChartResult,
    files: Iterable[CheckedFile],
    overtaken: Callable[[], bool],
) -> dict[SourceKey, tuple[ValueSource, ...]]:
    """Find which values the findings in the files of a chart come from, which has it rendered many times."""
    if result.judged is None or isinstance(result.chart, Unreadable):
        return {}
    prefix = f"{request.folder.as_uri()}/"
    about_images = of_images(request.project.ruleset.policies)
    return value_sources(maker, result.chart, files, prefix, overtaken=overtaken, of_images=about_images)


def _still(
    sources: ValueSources,
    before: Mapping[str, str],
    now: Mapping[str, str],
    prefix: str,
) -> dict[SourceKey, tuple[ValueSource, ...]]:
    """Where values were set that findings came from, in texts that may have been edited since."""
    same = {key for key, text in before.items() if now.get(key) == text}
    found = {}
    for traced, there in sources.items():
        kept = []
        for one in there:
            key = beside(prefix, one.file)
            span = (
                one.span
                if not one.file or key in same
                else moved_span(one.span, before.get(key, ""), now.get(key, ""))
            )
            if span is not None:
                kept.append(one._replace(span=span))
        found[traced] = tuple(kept)
    return found


def _texts(chart: Chart, prefix: str) -> dict[str, str]:
    texts = chart.templates()
    with_values = (path for way in chart.ways() for path in (*way.files, *(one.file for one in way.said)))
    for path in ("Chart.yaml", "values.yaml", *with_values):
        if (raw := chart.raw(path)) is not None:
            texts[path] = raw.decode(errors="replace")
    named = chart.templates()
    return {
        chart.named(prefix, path) if path in named else beside(prefix, path): text
        for path, text in texts.items()
    }


def take_chart(step: TakeChart) -> Project:
    """The project with a chart as it renders now; as it was, if that does not work."""
    judged = step.result.judged
    if judged is None:
        return step.project
    project = with_chart(step.project, judged, step.gone)
    # remembered by file: the event loop, which is to show them, has no time for thousands
    marks_of([project.files[file.path] for file in judged.files])
    return project
