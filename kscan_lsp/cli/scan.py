"""What a user names on a command line -> files read and judged, each under the settings that hold for it.

`scan` and `fix` start here, so that they always speak about the same files. A mistake in the command itself
ends the work before a file is read; everything else is collected and reported beside the findings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp.cli.options import UsageError
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.files.encoding import Unreadable, decode
from kscan_lsp.files.manifest import display_name, is_json, read_manifest
from kscan_lsp.files.partials import Partials
from kscan_lsp.report.left_alone import rendered_by
from kscan_lsp.report.model import FILE_START, FileProblem, NotScanned, Skipped
from kscan_lsp.report.places import change_in, problem_in
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.workspace.configuration import (
    Configuration,
    configure,
    distinct_changes,
    find_settings,
    settings_in,
)
from kscan_lsp.workspace.images import evidence_of
from kscan_lsp.workspace.policies import read_policy_file
from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.unused import pattern_that_matches_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from kscan_lsp.files.discover import Discovered
    from kscan_lsp.files.encoding import SourceText
    from kscan_lsp.report.standards import StandardChange
    from kscan_lsp.workspace.results import CheckedFile

STDIN: Final = "-"
"""The path that means standard input."""

_STDIN_NAME: Final = "<stdin>"
_RENDERED: Final = {"helm": "a chart", "kustomize": "an overlay", "jinja2": "a Jinja template"}
"""What each program renders."""


class ScanRequest(Struct, frozen=True):
    """What the user named: paths (`STDIN` among them is standard input), and what to check them by."""

    paths: tuple[str, ...]
    config: Path | None = None
    frameworks: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    stdin_name: str = ""


class ScannedFile(Struct, frozen=True):
    """One file as read and judged. `path` is None for standard input.

    `project` has all files of the command that the same settings hold for: what stands in one counts for the others.
    """

    path: Path | None
    source: SourceText
    checked: CheckedFile
    project: Project


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


def scan(
    request: ScanRequest,
    today: date,
    stdin: bytes = b"",
    discover: Callable[..., Discovered] | None = None,
) -> Scan:
    """Find, read and judge what was asked for.

    Args:
        request: what was asked for.
        today: the day that suppressions are compared with.
        stdin: what there is on standard input.
        discover: `discover.discover`, where a folder is among the paths; files do without importing it.

    Raises:
        UsageError: the command names something that does not exist.
    """
    for name in request.paths:
        if name != STDIN and not os.path.lexists(name):
            raise UsageError(f"there is no file or folder '{name}'")
    if request.config and not request.config.is_file():
        raise UsageError(f"there is no settings file '{request.config}'")
    reader = _Reader(request)
    for name in request.paths:
        if name == STDIN:
            reader.read_stdin(stdin)
        elif discover is not None and os.path.isdir(name):
            reader.read_folder(Path(name), discover)
        else:
            reader.read_named(Path(name))
    files = judged(reader.files, reader.configurations.values(), today)
    reader.skipped += [
        Skipped(file.checked.path, file.checked.skipped, reader.rendered_by(file.path, file.checked.skipped))
        for file in files
        if file.checked.skipped
    ]
    scanned = {file.checked.path for file in files if not file.checked.skipped}
    return Scan(
        files,
        tuple(reader.skipped),
        (*reader.not_scanned, *reader.nothing_scanned(scanned)),
        tuple(reader.problems),
        tuple(
            change_in(display_name(Path(change.file)) if change.file else "", change)
            for change in distinct_changes(reader.configurations.values())
        ),
        tuple(reader.configurations.values()),
        request.paths,
    )


class FileToJudge(NamedTuple):
    """A file that was read and waits for the others before it is judged."""

    path: Path | None
    name: str
    source: SourceText
    configuration: Configuration
    json: bool


def judged(
    files: Sequence[FileToJudge], configurations: Iterable[Configuration], today: date
) -> tuple[ScannedFile, ...]:
    """Files are judged under the settings that hold for each; those under others count for what they declare."""
    projects: dict[int, Project] = {}
    for configuration in configurations:
        project = Project(Evaluator(configuration.ruleset, evidence_of(configuration.images, today)))
        same = [(f.name, f.source.text, f.json) for f in files if f.configuration is configuration]
        if project.ruleset.relational:
            others = [(f.name, f.source.text, f.json) for f in files if f.configuration is not configuration]
            project = project.with_declared(others)
        projects[id(configuration)] = project.with_files(same)
    found = []
    for file in files:
        project = projects[id(file.configuration)]
        found.append(ScannedFile(file.path, file.source, project.files[file.name], project))
    return tuple(found)


class _Reader:
    """Finds and reads the files of one command."""

    def __init__(self, request: ScanRequest) -> None:
        self.request = request
        self.files: list[FileToJudge] = []
        self.skipped: list[Skipped] = []
        self.came_to: dict[str, set[str]] = {}
        """The names of the files that each named path came to."""
        self.not_scanned: list[NotScanned] = []
        self.problems: list[FileProblem] = []
        self.partials = Partials()
        self.configurations: dict[Path | None, Configuration] = {}
        self.seen: set[str] = set()

    def read_folder(self, folder: Path, discover: Callable[..., Discovered]) -> None:
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
        self.came_to[str(folder)] = {display_name(path) for path in found.files}
        for path in found.files:
            own = Path(os.path.abspath(path))
            inside = max(
                (f for f in holding if own.is_relative_to(f)), key=lambda f: len(f.parts), default=top
            )
            self.read(path, self.configuration(inside), named=False)

    def _say(self, problem: FileProblem) -> None:
        """Report a problem of a file, unless one was reported at its place."""
        if (problem.file, problem.range) not in {(one.file, one.range) for one in self.problems}:
            self.problems.append(problem)

    def read_named(self, path: Path) -> None:
        """Read a file that the user named, whatever it looks like."""
        self.came_to[str(path)] = {display_name(path)}
        self.read(path, self.configuration(Path(os.path.abspath(path.parent))), named=True)

    def read(self, path: Path, configuration: Configuration, *, named: bool) -> None:
        """Read a file, unless it was among an earlier path."""
        real = os.path.realpath(path)
        if real in self.seen:
            return
        self.seen.add(real)
        source = read_manifest(path, self.partials, named=named)
        if isinstance(source, str):
            self.skipped.append(Skipped(display_name(path), source, self.rendered_by(path, source)))
        elif isinstance(source, Unreadable):
            self.not_scanned.append(NotScanned(display_name(path), source.line, source.reason))
        else:
            json = is_json(path.name, source.text)
            self.files.append(FileToJudge(path, display_name(path), source, configuration, json))

    def read_stdin(self, raw: bytes) -> None:
        name = self.request.stdin_name or _STDIN_NAME
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

    def nothing_scanned(self, scanned: set[str]) -> Iterator[NotScanned]:
        """Why a path that was named is not scanned although it is there; a gate that passes would say it is clean."""
        unreadable = {place.file for place in self.not_scanned}
        skipped = {entry.file: entry for entry in self.skipped}
        for name, files in self.came_to.items():
            label = (self.request.stdin_name or _STDIN_NAME) if name == STDIN else display_name(Path(name))
            if files & scanned or {label, *files} & unreadable:
                continue
            left = [skipped[file] for file in sorted(files) if file in skipped]
            yield NotScanned(
                label,
                1,
                _why_nothing(
                    name,
                    left,
                    excluded=any(
                        entry.reason == "excluded" and (label == "." or entry.file.startswith(f"{label}/"))
                        for entry in self.skipped
                    ),
                ),
            )

    def configuration(self, folder: Path) -> Configuration:
        """What holds for a folder. Two folders with the same settings file share one."""
        settings_path = self.request.config or find_settings(folder)
        known = self.configurations.get(settings_path)
        if known is None:
            known = self.configurations[settings_path] = self.read_settings(folder, settings_path)
        return known

    def read_settings(self, folder: Path, settings_path: Path | None) -> Configuration:
        request = self.request
        changes: dict[str, object] = {}
        if request.controls or request.frameworks:
            changes["frameworks"] = () if request.controls else request.frameworks
        configuration, wrong = configure(
            folder, settings_path=request.config, changes=changes, only=request.controls
        )
        _refuse_unknown(request, configuration)
        # folders share the built-in policies and may share others: each problem is reported once
        found = setup_problems(configuration)
        self.problems += [problem for problem in found if problem not in self.problems]
        if wrong and settings_path is None:
            raise UsageError("\n".join(wrong))
        for text in wrong:
            name = display_name(settings_path or folder)
            self.problems.append(FileProblem(name, FILE_START, text, "setting"))
        return configuration


def _why_nothing(name: str, left: Sequence[Skipped], *, excluded: bool) -> str:
    """Why nothing was scanned of what was named, and what to run instead."""
    commands = list(dict.fromkeys(entry.hint for entry in left if entry.hint))
    if commands:
        what = next(what for program, what in _RENDERED.items() if commands[0].startswith(program))
        more = f" (and {len(commands) - 1} others)" if len(commands) > 1 else ""
        return f"nothing was scanned: {what} can only be judged as it is rendered; run: {commands[0]}{more}"
    if any(entry.reason in {"helm-template", "jinja-template"} for entry in left):
        return "nothing was scanned: a template can only be judged as it is rendered; pipe that into 'kscan scan -'"
    if name == STDIN:
        return "nothing was scanned: there is no Kubernetes manifest on standard input; did the command before it fail?"
    if excluded and not left:
        return "nothing was scanned: all that is here is excluded, by the settings or .gitignore"
    return "nothing was scanned: there is no Kubernetes manifest here"


def setup_problems(configuration: Configuration) -> Iterator[FileProblem]:
    """What is wrong with settings and policies, in file positions."""
    for path, document, problem in configuration.problems:
        yield problem_in(display_name(path), document, problem)


def _refuse_unknown(request: ScanRequest, configuration: Configuration) -> None:
    policies = configuration.ruleset.policies
    controls = [i for i in request.controls if i not in policies.controls]
    frameworks = [name for name in request.frameworks if not policies.framework(name)]
    unknown = [
        *(f"unknown control '{i}'{nearest_name(i, list(policies.controls))}" for i in controls),
        *(
            f"unknown framework '{name}'{nearest_name(name, list(policies.frameworks))}"
            for name in frameworks
        ),
    ]
    if unknown:
        subject = "controls" if request.controls else "frameworks"
        raise UsageError("\n".join([*unknown, f"'kscan list {subject}' shows what there is"]))
