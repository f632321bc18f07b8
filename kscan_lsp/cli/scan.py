"""What a user names on a command line -> files read and judged, each under the settings that hold for it.

`scan` and `fix` start here, so that they always speak about the same files. A mistake in the command itself
ends the work before a file is read; everything else is collected and reported beside the findings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.cli.asked import (
    STDIN_NAME,
    ScanRequest,
    nothing_scanned,
    refuse_missing,
    refuse_unknown,
    setup_problems,
)
from kscan_lsp.cli.idle import idle
from kscan_lsp.cli.judged import ScannedFile, judged, overlays_to_judge, rendered_of, without_covered
from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.over_budget import ToJudge, within_budget
from kscan_lsp.cli.to_judge import FileToJudge
from kscan_lsp.files.encoding import Unreadable, decode
from kscan_lsp.files.manifest import FilePlaces, display_name, is_json, read_manifest
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, Partials, outermost_chart
from kscan_lsp.report.left_alone import rendered_by
from kscan_lsp.report.model import FILE_START, FileProblem, NotScanned, Skipped
from kscan_lsp.report.places import change_in, problem_in
from kscan_lsp.workspace.configuration import Configuration, configure, distinct_changes
from kscan_lsp.workspace.places import exceptions_above, find_settings, settings_in
from kscan_lsp.workspace.policies import read_policy_file
from kscan_lsp.workspace.unused import pattern_that_matches_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from typing import TypeAlias

    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.overlays import BuiltOverlays
    from kscan_lsp.cli.to_judge import ChartToJudge, OverlayToJudge, RenderedCharts
    from kscan_lsp.files.discover import Discovered
    from kscan_lsp.files.manifest import FilePlace
    from kscan_lsp.graph.index import Object
    from kscan_lsp.report.standards import StandardChange

    RenderCharts: TypeAlias = Callable[..., Mapping[str, RenderedChart] | None]
    """`charts.rendered_charts`."""
    BuildOverlays: TypeAlias = Callable[[Iterable[str], Sequence[str]], BuiltOverlays | None]
    """`overlays.built_overlays`."""


class Scan(Struct, frozen=True):
    """All files of one command, in order, and what could not be judged."""

    files: tuple[ScannedFile, ...]
    skipped: tuple[Skipped, ...]
    """Files that were left alone, with what they would be rendered by."""
    not_scanned: tuple[NotScanned, ...]
    """Files that could not be read, and what was named and holds nothing that is scanned."""
    problems: tuple[FileProblem, ...]
    """What is wrong with settings and policies."""
    changes: tuple[StandardChange, ...] = ()
    """What they change about the standards."""
    configurations: tuple[Configuration, ...] = ()
    """What holds for the files, each once, in the order in which they were come to."""
    requested: tuple[str, ...] = ()
    """The paths that were named."""
    charts: tuple[ChartToJudge, ...] = ()
    overlays: tuple[OverlayToJudge, ...] = ()


def scan(
    request: ScanRequest,
    today: date,
    stdin: bytes = b"",
    discover: Callable[..., Discovered] | None = None,
    *,
    charts: RenderCharts | None = None,
    overlays: BuildOverlays | None = None,
    reader: Reader | None = None,
) -> Scan:
    """Find, read and judge what was asked for.

    Args:
        request: what was asked for.
        today: the day that suppressions are compared with.
        stdin: what there is on standard input.
        discover: `discover.discover`, where a folder is among the paths; files do without importing it.
        charts: `charts.rendered_charts`, asked where there is a chart; it takes time to import.
        overlays: `overlays.built_overlays`, likewise.
        reader: what reads it, where that is to be another one.

    Raises:
        UsageError: the command names something that does not exist.
    """
    refuse_missing(request)
    reader = reader or Reader(request, today)
    for name in request.paths:
        if name == STDIN:
            reader.read_stdin(stdin)
        elif discover is not None and os.path.isdir(name):
            reader.read_folder(Path(name), discover)
        else:
            reader.read_named(Path(name))
    return reader.scan(charts=charts, overlays=overlays)


class Reader:
    """Finds and reads the files of one command."""

    def __init__(self, request: ScanRequest, today: date) -> None:
        self.request, self.past, self.today = request, request.past, today
        self.stdin_name = request.stdin_name if STDIN in request.paths else ""
        self.files: list[FileToJudge] = []
        self.declared: list[FileToJudge] = []
        """What counts for the others, and nobody asked about"""
        self.known: dict[str, tuple[Object, ...]] = {}
        """The same of what no file has"""
        self.skipped: list[Skipped] = []
        self.came_to: dict[str, set[str]] = {}
        """The names of the files that each named path came to."""
        self.not_scanned: list[NotScanned] = []
        self.problems: list[FileProblem] = []
        self.partials = Partials()
        self.configurations: dict[tuple[Path | None, tuple[Path, ...]], Configuration] = {}
        self.by_folder: dict[Path, Configuration] = {}
        self.seen, self.places = set[str](), FilePlaces()
        self.templates: dict[str, list[tuple[Skipped, Configuration]]] = {}
        """Templates by the folders of their charts, with what is said where nothing renders them."""
        self.kustomizations: dict[str, Configuration] = {}
        """What holds for the kustomizations that were come to, by the real paths of their folders."""

    def scan(
        self,
        requested: tuple[str, ...] | None = None,
        charts: RenderCharts | None = None,
        overlays: BuildOverlays | None = None,
    ) -> Scan:
        """Judge what was read.

        Args:
            requested: the paths that it is about, where those are not the ones that were named.
            charts: what renders charts; without it, or where nothing is installed that does, they are left alone.
            overlays: what builds overlays, likewise.
        """
        rendered, built = self.rendered(charts), self.built(overlays)
        held = [*self.configurations.values()]
        asked = ToJudge(held, self.files, self.declared, rendered.charts, built)
        files, asked, problems = done = within_budget(asked, self.judged)
        self.problems += problems
        self.not_scanned += done.not_scanned
        self.skipped += [
            Skipped(
                file.checked.path, file.checked.skipped, self.rendered_by(file.path, file.checked.skipped)
            )
            for file in files
            if file.checked.skipped
        ]
        self.skipped = [one._replace(hint="") if one.hint in rendered.done else one for one in self.skipped]
        scanned = {file.checked.path for file in files if not file.checked.skipped}
        self.look_for_unused(files, asked.configurations)
        return Scan(
            files,
            tuple(self.skipped),
            (
                *self.not_scanned,
                *nothing_scanned(self.request, self.came_to, scanned, self.not_scanned, self.skipped),
            ),
            tuple(self.problems),
            tuple(
                change_in(display_name(Path(change.file)) if change.file else "", change)
                for change in distinct_changes(asked.configurations)
            ),
            tuple(asked.configurations),
            self.request.paths if requested is None else requested,
            tuple(asked.charts),
            tuple(asked.overlays),
        )

    def judged(self, asked: ToJudge) -> tuple[ScannedFile, ...]:
        """What was read, judged."""
        return judged(
            asked.files,
            asked.configurations,
            self.today,
            asked.declared,
            charts=asked.charts,
            overlays=asked.overlays,
            known=self.known,
            past=self.past,
            processes=self.request.processes,
            name_fixes=self.request.name_fixes,
        )

    def read_folder(self, folder: Path, discover: Callable[..., Discovered]) -> None:
        """Read what lies in a folder."""
        top = Path(os.path.abspath(folder))
        found = discover(
            folder,
            exclude=self.configuration(top).exclude,
            excluded_in=lambda below: self.configuration(below).exclude,
            partials=self.partials,
        )
        # the innermost folder with settings of its own, of those that a file lies in
        holding = [Path(os.path.abspath(below)) for below in reversed(found.settings)]
        self.skipped += [
            Skipped(display_name(path) + "/" * path.is_dir(), "excluded") for path in found.excluded
        ]
        self.not_scanned += [NotScanned(display_name(path), 1, reason) for path, reason in found.unreadable]
        for where, pattern in found.idle:
            if settings := self.request.config or settings_in(where):
                document = read_policy_file(settings, "setting", None)
                unused = pattern_that_matches_nothing(pattern, document)
                self._say(problem_in(display_name(settings), document, unused))
        held: dict[str, Configuration] = {}
        came_to = self.came_to[str(folder)] = set()
        for path in found.files:
            place = self.places.of(path, link=path in found.links)
            if place.folder not in held:
                holds = next(filter(Path(place.folder).is_relative_to, holding), top)
                held[place.folder] = self.configuration(holds)
            came_to.add(self.read(path, place, held[place.folder], named=False))

    def _say(self, *problems: FileProblem) -> None:
        """Report problems of files, but for those where one was reported at the place."""
        for problem in problems:
            if (problem.file, problem.range) not in {(one.file, one.range) for one in self.problems}:
                self.problems.append(problem)

    def read_named(self, path: Path) -> None:
        """Read a file that the user named, whatever it looks like."""
        configuration = self.configuration(Path(os.path.abspath(path.parent)))
        self.came_to[str(path)] = {self.read(path, self.places.of(path), configuration, named=True)}

    def read(self, path: Path, place: FilePlace, configuration: Configuration, *, named: bool) -> str:
        """Read a file, unless it was among an earlier path; its name in reports."""
        name = place.shown
        if place.real in self.seen or name == self.stdin_name:  # which has what is to count as its text
            return name
        self.seen.add(place.real)
        if place.name in KUSTOMIZATION_NAMES:
            self.kustomizations[os.path.dirname(place.real)] = configuration
        source = read_manifest(path, self.partials, named=named, place=place)
        if isinstance(source, str):
            skipped = Skipped(name, source, self.rendered_by(path, source))
            chart = self.partials.rendering(path) if source == "helm-template" else None
            if chart is None:
                self.skipped.append(skipped)
            else:
                self.templates.setdefault(outermost_chart(chart[1]), []).append((skipped, configuration))
        elif isinstance(source, Unreadable):
            self.not_scanned.append(NotScanned(name, source.line, source.reason))
        else:
            self.files.append(FileToJudge(path, name, source, configuration, is_json(name, source.text)))
        return name

    def rendered(self, charts: RenderCharts | None) -> RenderedCharts:
        """The charts that were come to, rendered; where that cannot be, their templates are left alone."""
        if not self.templates:
            return rendered_of({}, {})
        from kscan_lsp.cli.deployments import releases_rendered  # most scans come to no chart

        found, undecided = releases_rendered(charts, self.templates, self.files)
        rendered = rendered_of(self.templates, found)
        self.skipped += rendered.skipped
        self.not_scanned += [*undecided, *rendered.not_scanned]
        for came_to in self.came_to.values():
            if came_to & rendered.names:
                came_to |= {place.file for place in rendered.not_scanned}
        return rendered

    def built(self, overlays: BuildOverlays | None) -> list[OverlayToJudge]:
        """The overlays that were come to, built; what they are built from is not judged alone."""
        come_to = self.kustomizations
        if not (overlays and come_to) or (found := overlays(come_to, self.request.paths)) is None:
            return []
        self.not_scanned += found.not_scanned
        self.files, self.skipped = without_covered(self.files, self.skipped, found.covered)
        return overlays_to_judge(found.overlays, come_to, self.came_to.values())

    def read_stdin(self, raw: bytes) -> None:
        """Read what there is on standard input."""
        name = self.request.stdin_name or STDIN_NAME
        self.came_to[STDIN] = {name}
        configuration = self.configuration(Path.cwd())
        source = decode(raw)
        if isinstance(source, Unreadable):
            self.not_scanned.append(NotScanned(name, source.line, source.reason))
            return
        self.files.append(FileToJudge(None, name, source, configuration, is_json(name, source.text)))

    def rendered_by(self, path: Path | None, reason: str) -> str:
        """The command that has a file, or what it is part of, judged as it is rendered; empty where there is none."""
        if path is None:
            return ""
        found = self.partials.rendering(path)
        named = (found[0], display_name(Path(found[1]))) if found else None
        return rendered_by(display_name(path), reason, named)

    def look_for_unused(self, files: Sequence[ScannedFile], configurations: Sequence[Configuration]) -> None:
        """Say which exceptions and bindings are of no use, where all was seen that they may be about."""
        narrowed = self.request.controls or self.request.frameworks or self.not_scanned or self.declared
        if narrowed or any(not file.checked.complete for file in files):
            return
        self._say(*idle(files, configurations, self.request.paths, self.skipped))

    def configuration(self, folder: Path) -> Configuration:
        """What holds for a folder. Two folders with the same settings file and exceptions share one."""
        if folder not in self.by_folder:
            settings_path = self.request.config or find_settings(folder)
            key = settings_path, exceptions_above(folder)
            if key not in self.configurations:
                self.configurations[key] = self.read_settings(folder, settings_path)
            self.by_folder[folder] = self.configurations[key]
        return self.by_folder[folder]

    def read_settings(self, folder: Path, settings_path: Path | None) -> Configuration:
        """What holds for a folder, read; what is wrong with it is reported."""
        request = self.request
        changes: dict[str, object] = {}
        if request.controls or request.frameworks:
            changes["frameworks"] = () if request.controls else request.frameworks
        configuration, wrong = configure(
            folder,
            settings_path=request.config,
            changes=changes,
            only=request.controls,
            today=self.today,
            exceptions=request.exceptions,
        )
        refuse_unknown(request, configuration)
        # folders share the built-in policies and may share others: each problem is reported once
        found = setup_problems(configuration)
        self.problems += [problem for problem in found if problem not in self.problems]
        if wrong and settings_path is None:
            raise UsageError("\n".join(wrong))
        for text in wrong:
            name = display_name(settings_path or folder)
            self.problems.append(FileProblem(name, FILE_START, text, "setting"))
        return configuration
