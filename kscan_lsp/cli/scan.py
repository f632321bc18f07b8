"""What a user names on a command line -> files read and judged, each under the settings that hold for it.

`scan` and `fix` start here, so that they always speak about the same files. A mistake in the command itself
ends the work before a file is read; everything else is collected and reported beside the findings.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.files import encoding as source_files
from kscan_lsp.files.manifest import display_name, read_manifest
from kscan_lsp.files.partials import Partials
from kscan_lsp.report import build as tally
from kscan_lsp.report.model import FileProblem, NotScanned, Range, Spot
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.workspace.configuration import Configuration, configure, find_settings
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from kscan_lsp.files.discover import Found
    from kscan_lsp.files.encoding import SourceText
    from kscan_lsp.workspace.results import CheckedFile

_JSON_OBJECT: Final = re.compile(r"""\s*\{\s*["}]""")
_START: Final = Range(Spot(1, 1), Spot(1, 1))


class MistakeError(Exception):
    """The command cannot be carried out; the text says what is wrong and what to do."""


class Request(Struct, frozen=True):
    """What the user asked for. A path of `-` is standard input."""

    paths: tuple[str, ...]
    config: Path | None = None
    frameworks: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    stdin_name: str = ""


class Entry(Struct, frozen=True):
    """One file as read and judged. `path` is None for standard input.

    `project` has all files of the command that the same settings hold for: what stands in one counts for the others.
    """

    path: Path | None
    source: SourceText
    checked: CheckedFile
    project: Project


class _Draft(NamedTuple):
    """A file that was read and waits for the others before it is judged."""

    path: Path | None
    name: str
    source: SourceText
    configuration: Configuration
    json: bool


class Scan(Struct):
    """All files of one command, in order, and what could not be judged."""

    entries: list[Entry] = []
    skipped: Counter[str] = field(default_factory=Counter)
    not_scanned: list[NotScanned] = []
    problems: list[FileProblem] = []
    """What is wrong with settings and policies."""


def scan(
    request: Request, today: date, stdin: bytes = b"", discover: Callable[..., Found] | None = None
) -> Scan:
    """Find, read and judge what was asked for.

    Args:
        request: what was asked for.
        today: the day that suppressions are compared with.
        stdin: what there is on standard input.
        discover: `walk.discover`, where a folder is among the paths; files do without importing it.

    Raises:
        MistakeError: the command names something that does not exist.
    """
    for name in request.paths:
        if name != "-" and not os.path.lexists(name):
            raise MistakeError(f"there is no file or folder '{name}'")
    if request.config and not request.config.is_file():
        raise MistakeError(f"there is no settings file '{request.config}'")
    work = _Work(request, today, Scan(), discover)
    for name in request.paths:
        if name == "-":
            work.standard_input(stdin)
        else:
            work.place(Path(name))
    work.judge()
    return work.result


def strays(entry: Entry, asked: Iterable[str]) -> str:
    """Where a link leads that leaves all files and folders that were asked for; empty for what is in one of them."""
    if entry.path is None:
        return ""
    real = source_files.target(entry.path)
    return "" if any(real.is_relative_to(source_files.target(name)) for name in asked) else str(real)


class _Work(Struct):
    """One scan, while it is under way."""

    request: Request
    today: date
    result: Scan
    discover: Callable[..., Found] | None
    partials: Partials = field(default_factory=Partials)
    configurations: dict[Path | None, Configuration] = {}
    seen: set[str] = set()
    drafts: list[_Draft] = []

    def place(self, start: Path) -> None:
        """Scan a file or a folder that the user named."""
        if not start.is_dir() or self.discover is None:
            self.once(start, self.configuration(Path(os.path.abspath(start.parent))), named=True)
            return
        configuration = self.configuration(Path(os.path.abspath(start)))
        root = configuration.settings_path.parent if configuration.settings_path else None
        exclude = configuration.settings.exclude
        found = self.discover(start, exclude=exclude, exclude_root=root, partials=self.partials)
        self.result.skipped.update(found.skipped)
        self.result.not_scanned += [
            NotScanned(display_name(path), 1, reason) for path, reason in found.unreadable
        ]
        for path in found.files:
            self.once(path, configuration, named=False)

    def once(self, path: Path, configuration: Configuration, *, named: bool) -> None:
        """Scan a file, unless it was among an earlier path."""
        real = os.path.realpath(path)
        if real not in self.seen:
            self.seen.add(real)
            self.file(path, configuration, named=named)

    def file(self, path: Path, configuration: Configuration, *, named: bool) -> None:
        source = read_manifest(path, self.partials, named=named)
        if isinstance(source, str):
            self.result.skipped[source] += 1
        elif isinstance(source, source_files.Unreadable):
            self.result.not_scanned.append(NotScanned(display_name(path), source.line, source.reason))
        else:
            json = path.suffix.lower() == ".json"
            self.drafts.append(_Draft(path, display_name(path), source, configuration, json))

    def standard_input(self, raw: bytes) -> None:
        name = self.request.stdin_name or "<stdin>"
        configuration = self.configuration(Path.cwd())
        source = source_files.decode(raw)
        if isinstance(source, source_files.Unreadable):
            self.result.not_scanned.append(NotScanned(name, source.line, source.reason))
            return
        # what comes through a pipe has no suffix to tell; kubectl looks at the first character, too
        json = name.endswith(".json") or (name == "<stdin>" and bool(_JSON_OBJECT.match(source.text)))
        self.drafts.append(_Draft(None, name, source, configuration, json))

    def judge(self) -> None:
        """Judge all that was read: files under the same settings together, since they may speak of each other."""
        projects: dict[int, Project] = {}
        for configuration in self.configurations.values():
            mine = [draft for draft in self.drafts if draft.configuration is configuration]
            project = Project(Evaluator(configuration.ruleset, Evidence(self.today)))
            projects[id(configuration)] = project.with_files((d.name, d.source.text, d.json) for d in mine)
        for draft in self.drafts:
            project = projects[id(draft.configuration)]
            checked = project.files[draft.name]
            self.result.entries.append(Entry(draft.path, draft.source, checked, project))

    def configuration(self, folder: Path) -> Configuration:
        """What holds for a folder. Two folders with the same settings file share one."""
        settings_path = self.request.config or find_settings(folder)
        known = self.configurations.get(settings_path)
        if known is None:
            known = self.configurations[settings_path] = self.configured(folder, settings_path)
        return known

    def configured(self, folder: Path, settings_path: Path | None) -> Configuration:
        request = self.request
        changes: dict[str, object] = {}
        if request.controls or request.frameworks:
            changes["frameworks"] = () if request.controls else request.frameworks
        configuration, wrong = configure(
            folder, settings_path=settings_path, changes=changes, only=request.controls
        )
        policies = configuration.ruleset.policies
        unknown = [
            *(
                _unknown("control", i, policies.controls)
                for i in request.controls
                if i not in policies.controls
            ),
            *(
                _unknown("framework", name, policies.frameworks)
                for name in request.frameworks
                if not policies.framework(name)
            ),
        ]
        if unknown:
            what = "controls" if request.controls else "frameworks"
            raise MistakeError("\n".join([*unknown, f"'kscan list {what}' shows what there is"]))
        # folders share the built-in policies and may share others: each problem is said once
        found = setup_problems(configuration)
        self.result.problems += [problem for problem in found if problem not in self.result.problems]
        if wrong and settings_path is None:
            raise MistakeError("\n".join(wrong))
        for text in wrong:
            self.result.problems.append(
                FileProblem(display_name(settings_path or folder), _START, text, "setting")
            )
        return configuration


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"unknown {what} '{name}'{nearest_name(name, list(known))}"


def setup_problems(configuration: Configuration) -> Iterator[FileProblem]:
    """What is wrong with settings and policies, in file positions."""
    for path, document, problem in configuration.problems:
        yield tally.problem_in(display_name(path), document, problem)


def split_names(values: Sequence[str]) -> tuple[str, ...]:
    """Names from options that may be repeated and may hold several, separated by commas."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
