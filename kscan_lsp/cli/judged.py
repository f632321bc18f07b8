"""Files that were read, judged together: each under its settings, and known to all others for what it declares."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.cli.file_steps import FileSteps
from kscan_lsp.cli.processes import ALONE, Processes
from kscan_lsp.cli.to_judge import ChartToJudge, FileToJudge, OverlayToJudge, RenderedCharts
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.files.encoding import SourceText
from kscan_lsp.files.manifest import display_name
from kscan_lsp.workspace.admitting import ask_what_was
from kscan_lsp.workspace.images import evidence_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from kscan_lsp.cli.asked import Past
    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.file_steps import JudgedFile, NameFixes
    from kscan_lsp.graph.index import Object
    from kscan_lsp.report.fixes import FileFixes
    from kscan_lsp.report.model import Skipped
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.overlays import OverlayBuild
    from kscan_lsp.workspace.results import CheckedFile


class ScannedFile(Struct, frozen=True):
    """One file as read and judged. `path` is None for standard input.

    `project` has all files of the command that the same settings hold for: what stands in one counts for the others.
    """

    path: Path | None
    source: SourceText
    checked: CheckedFile
    project: Project
    fixes: FileFixes | None = None
    """What would fix its findings, by name; None where nobody looked for that yet."""


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
    name_fixes: NameFixes | None = None,
) -> tuple[ScannedFile, ...]:
    """Files are judged under the settings that hold for each; those under others count for what they declare.

    Args:
        files: what is asked about; each has a name of its own.
        configurations: what holds for them, and for the charts and overlays.
        today: the day that suppressions are compared with.
        declared: files that count for what they declare, and nobody asks about.
        charts: charts to judge with the files.
        overlays: overlays, likewise.
        known: objects that no file has, by the names that they are to count under.
        past: where it is read what objects were, for policies that ask.
        processes: what the files are divided among.
        name_fixes: what is asked about fixes where a file is judged.

    Returns:
        The files in their order, then those of charts, then those of overlays that are not among the others.
    """
    configurations = [*configurations]

    def complete(projects: dict[int, Project]) -> None:
        if charts:
            _read_charts(projects, charts)
        _tell_past(projects, past, charts, overlays, configurations)

    projects = _projects(files, configurations, today, declared, known)
    steps = FileSteps(projects, [file.source.text for file in files], complete, name_fixes)
    found = processes.exchange(steps, files, [len(file.source.text) for file in files])
    projects = _with_judged(steps.projects, files, found)
    as_named = dict(projects)
    if charts:
        from kscan_lsp.workspace.charts import with_renderings

        for chart in charts:
            number = id(chart.configuration)
            projects[number] = with_renderings(projects[number], chart.renderings)
    if overlays:
        from kscan_lsp.workspace.overlays import with_overlays

        for number, project in projects.items():
            built = [one.build for one in overlays if id(one.configuration) == number]
            projects[number] = with_overlays(project, built)
    fixes = [
        one.fixes if _is_as_it_was(file, as_named, projects) else None
        for file, one in zip(files, found, strict=True)
    ]
    return tuple(_scanned(files, fixes, charts, overlays, projects))


def _read_charts(projects: dict[int, Project], charts: Iterable[ChartToJudge]) -> None:
    """Have projects know what those charts render to that are judged in them."""
    from kscan_lsp.workspace.charts import read_rendered

    read: dict[int, list[CheckedFile]] = {}
    for chart in charts:
        number = id(chart.configuration)
        some = [read_rendered(projects[number], one) for one in chart.renderings[0].files]
        read.setdefault(number, []).extend(some)
    for number, some in read.items():
        projects[number] = projects[number].with_read(some)


def _with_judged(
    projects: Mapping[int, Project], files: Sequence[FileToJudge], judged: Sequence[JudgedFile]
) -> dict[int, Project]:
    """Projects that know of all files, with those that were judged; what else they have is judged here."""
    of_each: dict[int, dict[str, CheckedFile]] = {number: {} for number in projects}
    for file, one in zip(files, judged, strict=True):
        of_each[id(file.configuration)][file.name] = one.checked
    now: dict[int, Project] = {}
    for number, project in projects.items():
        done = of_each[number]
        whole = project.completed().with_judged(done)
        left = [path for path in whole.files if path not in done]
        now[number] = whole.with_relations(left) if left and project.ruleset.relational else whole
    return now


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
            from kscan_lsp.workspace.admission_files import declared_by  # most settings name no policies

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


def _is_as_it_was(file: FileToJudge, before: Mapping[int, Project], now: Mapping[int, Project]) -> bool:
    """Whether a file is what it was in an earlier project, and all objects that it or its fixes may rest on, too."""
    was, project = before[id(file.configuration)], now[id(file.configuration)]
    return project.index is was.index and project.files[file.name] is was.files[file.name]


def _scanned(
    files: Sequence[FileToJudge],
    fixes: Sequence[FileFixes | None],
    charts: Iterable[ChartToJudge],
    overlays: Iterable[OverlayToJudge],
    projects: Mapping[int, Project],
) -> Iterator[ScannedFile]:
    for file, named in zip(files, fixes, strict=True):
        project = projects[id(file.configuration)]
        yield ScannedFile(file.path, file.source, project.files[file.name], project, named)
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
