"""Files that were read, judged together: each under its settings, and known to all others for what it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.workspace.images import evidence_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from kscan_lsp.files.encoding import SourceText
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.results import CheckedFile


class ScannedFile(Struct, frozen=True):
    """One file as read and judged. `path` is None for standard input.

    `project` has all files of the command that the same settings hold for: what stands in one counts for the others.
    """

    path: Path | None
    source: SourceText
    checked: CheckedFile
    project: Project


class FileToJudge(NamedTuple):
    """A file that was read and waits for the others before it is judged."""

    path: Path | None
    name: str
    source: SourceText
    configuration: Configuration
    json: bool


def judged(
    files: Sequence[FileToJudge],
    configurations: Iterable[Configuration],
    today: date,
    declared: Sequence[FileToJudge] = (),
) -> tuple[ScannedFile, ...]:
    """Files are judged under the settings that hold for each; those under others count for what they declare.

    So do those in `declared`, which nobody asked about.
    """
    projects: dict[int, Project] = {}
    for configuration in configurations:
        evaluator = Evaluator(configuration.ruleset, evidence_of(configuration.images, today))
        project = Project(evaluator, exceptions=configuration.exceptions)
        same = [(f.name, f.source.text, f.json) for f in files if f.configuration is configuration]
        elsewhere = [f for f in files if f.configuration is not configuration]
        if declared or (elsewhere and project.ruleset.relational):
            others = [(f.name, f.source.text, f.json) for f in (*elsewhere, *declared)]
            project = project.with_declared(others)
        projects[id(configuration)] = project.with_files(same)
    found = []
    for file in files:
        project = projects[id(file.configuration)]
        found.append(ScannedFile(file.path, file.source, project.files[file.name], project))
    return tuple(found)
