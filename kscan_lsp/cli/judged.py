"""Files that were read, judged together: each under its settings, and known to all others for what it declares."""

from __future__ import annotations

import os
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.cli.processes import ALONE, Processes
from kscan_lsp.cli.to_judge import ChartToJudge, OverlayToJudge, RenderedCharts
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.files.encoding import SourceText
from kscan_lsp.files.manifest import display_name
from kscan_lsp.workspace.admission_files import declared_by
from kscan_lsp.workspace.admitting import ask_what_was
from kscan_lsp.workspace.images import evidence_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from kscan_lsp.cli.asked import Past
    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.copies import Packing
    from kscan_lsp.graph.index import Object
    from kscan_lsp.report.model import Skipped
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.overlays import OverlayBuild
    from kscan_lsp.workspace.results import CheckedFile


RELATED: Final = 4
"""How much less it takes to judge a text for what rests on others than to read it and judge it alone."""


class ScannedFile(Struct, frozen=True):
    """One file as read and judged. `path` is None for standard input.

    `project` has all files of the command that the same settings hold for: what stands in one counts for the others.
    """

    path: Path | None
    source: SourceText
    checked: CheckedFile
    project: Project


def rendered_of(
    templates: Mapping[str, Sequence[tuple[Skipped, Configuration]]], rendered: Mapping[str, RenderedChart]
) -> RenderedCharts:
    """Sort out charts.

    Args:
        templates: those that were come to by the folder of their chart, and what is said of one that is left alone.
        rendered: by folder, what charts render to, as far as anything is installed that renders them.
    """
    made = RenderedCharts([], [], [], set(), set())
    for folder, entries in templates.items():
        chart = rendered.get(folder)
        if chart is None:
            made.skipped.extend(skipped for skipped, _ in entries)
            continue
        names = frozenset(skipped.file for skipped, _ in entries)
        made.names.update(names)
        made.done.update(skipped.hint for skipped, _ in entries)
        made.not_scanned.extend(chart.not_scanned)
        if chart.renderings:
            made.charts.append(
                ChartToJudge(
                    chart.renderings,
                    chart.sources,
                    names,
                    entries[0][1],
                    chart.folder,
                    chart.chart,
                    chart.prefix,
                )
            )
    return made


def without_covered(
    files: Iterable[FileToJudge], skipped: Iterable[Skipped], covered: AbstractSet[str]
) -> tuple[list[FileToJudge], list[Skipped]]:
    """Files, and those that were left alone, without what overlays were built from; `covered` has the real paths."""
    return (
        [one for one in files if one.path is None or os.path.realpath(one.path) not in covered],
        [one for one in skipped if os.path.realpath(one.file) not in covered],
    )


def overlays_to_judge(
    built: Mapping[str, OverlayBuild],
    configurations: Mapping[str, Configuration],
    came_to: Iterable[set[str]],
) -> list[OverlayToJudge]:
    """Overlays that were built, by folder, with what holds for them; who came to a file of one came to it, too."""
    found = [OverlayToJudge(one, configurations[folder]) for folder, one in built.items()]
    for names in came_to:
        names |= {one.build.path for one in found if not names.isdisjoint(one.build.texts)}
    return found


class FileToJudge(Struct, frozen=True):
    """A file that was read and waits for the others before it is judged."""

    path: Path | None
    name: str
    source: SourceText
    configuration: Configuration
    json: bool


def to_judge_again(
    files: Iterable[ScannedFile],
    charts: Sequence[ChartToJudge],
    overlays: Sequence[OverlayToJudge],
    configurations: Mapping[int, Configuration],
    texts: Mapping[str, str] | None = None,
) -> tuple[list[FileToJudge], list[ChartToJudge], list[OverlayToJudge]]:
    """Files, charts and overlays that were judged, to be judged once more: with other texts, or under other settings.

    Args:
        files: all that were judged, what charts rendered to among them.
        charts: those charts.
        overlays: what overlays built.
        configurations: what holds now, by the identity of the ruleset that held.
        texts: by the names of files, those that are different.
    """
    rendered = {one.path for chart in charts for one in chart.renderings[0].files}
    rendered |= {name for one in overlays for name in (one.build.path, *one.build.texts)}
    texts = texts or {}
    again = [
        FileToJudge(
            file.path,
            file.checked.path,
            replace(file.source, text=texts.get(file.checked.path, file.checked.text)),
            configurations[id(file.project.ruleset)],
            file.checked.json,
        )
        for file in files
        if file.checked.path not in rendered
    ]
    return (
        again,
        [replace(chart, configuration=configurations[id(chart.configuration.ruleset)]) for chart in charts],
        [replace(one, configuration=configurations[id(one.configuration.ruleset)]) for one in overlays],
    )


def judged(
    files: Sequence[FileToJudge],
    configurations: Iterable[Configuration],
    today: date,
    declared: Sequence[FileToJudge] = (),
    *,
    charts: Sequence[ChartToJudge] = (),
    overlays: Sequence[OverlayToJudge] = (),
    known: Mapping[str, tuple[Object, ...]] = MappingProxyType({}),
    past: Past | None = None,
    processes: Processes = ALONE,
) -> tuple[ScannedFile, ...]:
    """Files are judged under the settings that hold for each; those under others count for what they declare.

    So do those in `declared`, which nobody asked about, and what is `known` besides. Of many files, each is read in one
    of several processes, and then, once it is known what all of them declare, judged for what rests on others. Where a
    policy asks what objects were, that is read from the `past`.
    """
    configurations = [*configurations]
    projects = _projects(files, configurations, today, declared, known)
    texts = [file.source.text for file in files]
    packing = partial(_packing, projects, texts)
    read = processes.map(partial(_read, projects), files, [*map(len, texts)], packing, told=True)
    of_each: dict[int, list[CheckedFile]] = {number: [] for number in projects}
    for file, checked in zip(files, read, strict=True):
        of_each[id(file.configuration)].append(checked)
    if charts:
        from kscan_lsp.workspace.charts import read_rendered, with_renderings

    for chart in charts:
        number = id(chart.configuration)
        of_each[number] += [read_rendered(projects[number], one) for one in chart.renderings[0].files]
    for number, some in of_each.items():
        projects[number] = projects[number].with_read(some)
    _tell_past(projects, past, charts, overlays, configurations)
    projects = {number: project.completed() for number, project in projects.items()}
    _relate(projects, processes)
    for chart in charts:
        number = id(chart.configuration)
        projects[number] = with_renderings(projects[number], chart.renderings)
    if overlays:
        from kscan_lsp.workspace.overlays import with_overlays

        for number, project in projects.items():
            built = [one.build for one in overlays if id(one.configuration) == number]
            projects[number] = with_overlays(project, built)
    return tuple(_scanned(files, charts, overlays, projects))


def _tell_past(
    projects: dict[int, Project],
    past: Past | None,
    charts: Sequence[ChartToJudge],
    overlays: Sequence[OverlayToJudge],
    configurations: Sequence[Configuration],
) -> None:
    """Have those projects know what their objects were in which any policy asks."""
    asking = [
        one
        for one in configurations
        if past is not None
        and (one.ruleset.admission or one.ruleset.mutates)
        and ask_what_was(projects[id(one)].index)
    ]
    if past is not None and asking:
        from kscan_lsp.cli.made_before import MakersBefore  # few scans come to such a policy

        makers = MakersBefore(past, charts, overlays, configurations)
        for one in asking:
            projects[id(one)] = makers.told(projects[id(one)], one)


def _packing(projects: Mapping[int, Project], texts: Iterable[str] = ()) -> Packing:
    """How what copies of this process made gets here."""
    from kscan_lsp.workspace.transfer import Shared

    return Shared(projects.values(), texts)


def _projects(
    files: Sequence[FileToJudge],
    configurations: Iterable[Configuration],
    today: date,
    declared: Sequence[FileToJudge],
    known: Mapping[str, tuple[Object, ...]],
) -> dict[int, Project]:
    """The project of each configuration, by its identity: it knows what all files declare but its own."""
    projects: dict[int, Project] = {}
    for configuration in configurations:
        evaluator = Evaluator(configuration.ruleset, evidence_of(configuration.images, today))
        project = Project(evaluator, whole=False, exceptions=configuration.exceptions)
        if configuration.admission:
            named = declared_by(configuration.admission, project.ruleset, display_name)
            project = project.with_declarations(named)
        elsewhere = [f for f in files if f.configuration is not configuration]
        if declared or (elsewhere and project.ruleset.relational):
            others = [(f.name, f.source.text, f.json) for f in (*elsewhere, *declared)]
            project = project.with_declared(others)
        if known:
            project = project.with_declarations(known)
        projects[id(configuration)] = project
    return projects


def _read(projects: Mapping[int, Project], files: Iterable[FileToJudge]) -> Iterator[CheckedFile]:
    """Each file as far as it can be judged without looking at others."""
    for file in files:
        yield projects[id(file.configuration)].read(file.name, file.source.text, json=file.json)


def _relate(projects: dict[int, Project], processes: Processes) -> None:
    """Judge the files of whole projects for what rests on others."""
    todo = [
        (number, path)
        for number, project in projects.items()
        if project.ruleset.relational
        for path in project.files
    ]
    weights = [len(projects[number].files[path].text) // RELATED for number, path in todo]
    found = processes.map(partial(_related, projects), todo, weights, partial(_packing, projects))
    for number, project in projects.items():
        files = {path: file for (one, path), file in zip(todo, found, strict=True) if one == number}
        projects[number] = project.with_judged(files)


def _related(projects: Mapping[int, Project], todo: Iterable[tuple[int, str]]) -> Iterator[CheckedFile]:
    for number, some in groupby(todo, key=itemgetter(0)):
        paths = [path for _, path in some]
        project = projects[number].with_relations(paths)
        yield from (project.files[path] for path in paths)


def _scanned(
    files: Sequence[FileToJudge],
    charts: Iterable[ChartToJudge],
    overlays: Iterable[OverlayToJudge],
    projects: Mapping[int, Project],
) -> Iterator[ScannedFile]:
    for file in files:
        project = projects[id(file.configuration)]
        yield ScannedFile(file.path, file.source, project.files[file.name], project)
    for chart in charts:
        project = projects[id(chart.configuration)]
        for one in chart.renderings[0].files:
            # what is in an archive was asked about with the chart
            if one.path in chart.asked or one.path not in chart.sources:
                source = chart.sources.get(one.path, SourceText(one.text))
                yield ScannedFile(Path(one.path), source, project.files[one.path], project)
    told = {file.name for file in files}
    for overlay in overlays:
        project = projects[id(overlay.configuration)]
        for name in (overlay.build.path, *sorted(overlay.build.texts)):
            if name not in told:
                told.add(name)
                checked = project.files[name]
                yield ScannedFile(Path(name), SourceText(checked.text), checked, project)
