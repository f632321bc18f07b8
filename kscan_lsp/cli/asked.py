"""What a command asks for: paths, what to check them by, and what is wrong with either."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.processes import ALONE, Processes
from kscan_lsp.files.manifest import display_name
from kscan_lsp.report.model import NotScanned
from kscan_lsp.report.places import problem_in
from kscan_lsp.report.unscanned import why_nothing
from kscan_lsp.settings.suggest import nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from kscan_lsp.cli.file_steps import NameFixes
    from kscan_lsp.report.model import FileProblem, Skipped
    from kscan_lsp.workspace.configuration import Configuration


STDIN_NAME: Final = "<stdin>"
"""What standard input is called where nobody says."""


LAST_COMMIT: Final = "HEAD"


class Past(Struct, frozen=True):
    """Where what objects were is read, for policies that ask about updates."""

    paths: tuple[str, ...]
    """The files and folders that are judged."""
    revision: str = LAST_COMMIT


class ScanRequest(Struct, frozen=True):
    """What the user named: paths (`STDIN` among them is standard input), and what to check them by."""

    paths: tuple[str, ...]
    config: Path | None = None
    frameworks: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    stdin_name: str = ""
    exceptions: tuple[str, ...] = ()
    """Files with exceptions, besides those that settings name."""
    processes: Processes = ALONE
    """Those that work is divided among."""
    since: str = LAST_COMMIT
    """The revision of git that has what objects were; empty where nothing is read for that."""
    name_fixes: NameFixes | None = None
    """What is asked about fixes where files are judged."""

    @property
    def past(self) -> Past | None:
        """Where that is read; None where it is not."""
        named = (self.stdin_name if path == STDIN else path for path in self.paths)
        return Past(tuple(filter(None, named)), self.since) if self.since else None


def refuse_missing(request: ScanRequest) -> None:
    """End a command that names what is not there.

    Raises:
        UsageError: it does.
    """
    for name in request.paths:
        if name != STDIN and not os.path.lexists(name):
            raise UsageError(f"there is no file or folder '{name}'")
    if request.config and not request.config.is_file():
        raise UsageError(f"there is no settings file '{request.config}'")
    for name in request.exceptions:
        if not Path(name).is_file():
            raise UsageError(f"there is no file with exceptions '{name}'")


def refuse_unknown(request: ScanRequest, configuration: Configuration) -> None:
    """End a command that names controls or frameworks that nobody knows.

    Raises:
        UsageError: it does.
    """
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


def setup_problems(configuration: Configuration) -> Iterator[FileProblem]:
    """What is wrong with settings and policies, in file positions."""
    for path, document, problem in configuration.problems:
        yield problem_in(display_name(path), document, problem)


def nothing_scanned(
    request: ScanRequest,
    came_to: Mapping[str, AbstractSet[str]],
    scanned: AbstractSet[str],
    not_scanned: Sequence[NotScanned],
    skipped: Sequence[Skipped],
) -> Iterator[NotScanned]:
    """Why a path that was named is not scanned although it is there; a gate that passes would say it is clean.

    Args:
        request: what was named.
        came_to: the names of the files that each path came to.
        scanned: those that were scanned.
        not_scanned: those that could not be.
        skipped: those that were left alone by design.
    """
    unreadable = {place.file for place in not_scanned}
    left_alone = {entry.file: entry for entry in skipped}
    for name, files in came_to.items():
        label = (request.stdin_name or STDIN_NAME) if name == STDIN else display_name(Path(name))
        if files & scanned or {label, *files} & unreadable:
            continue
        left = [left_alone[file] for file in sorted(files) if file in left_alone]
        yield NotScanned(
            label,
            1,
            why_nothing(
                left,
                stdin=name == STDIN,
                excluded=any(
                    entry.reason == "excluded" and (label == "." or entry.file.startswith(f"{label}/"))
                    for entry in skipped
                ),
            ),
        )
