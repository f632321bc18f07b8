"""What is of no use in the folders that a command names: exceptions, and bindings of admission policies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kscan_lsp.admission.model import BINDINGS
from kscan_lsp.files.manifest import display_name
from kscan_lsp.graph.index import key_of
from kscan_lsp.report.places import problem_in
from kscan_lsp.workspace.exception_files import unused_exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.report.model import FileProblem, Skipped
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.exceptions import Exceptions
    from kscan_lsp.workspace.results import CheckedFile


def idle(
    files: Sequence[ScannedFile],
    configurations: Iterable[Configuration],
    paths: Sequence[str],
    skipped: Iterable[Skipped],
) -> Iterator[FileProblem]:
    """What is said of exceptions and bindings that are of no use.

    Args:
        files: all files that were scanned.
        configurations: what held.
        paths: what was to be scanned.
        skipped: the files that were left alone.
    """
    yield from idle_exceptions(
        configurations, [(file.checked, file.project.exceptions) for file in files], paths
    )
    projects = {file.project: None for file in files}
    if any(any(project.index.find(key_of("kind", kind))) for project in projects for kind in BINDINGS):
        from kscan_lsp.cli.idle_bindings import idle_in  # few scans come to any

        yield from idle_in(projects, paths, skipped)


def idle_exceptions(
    configurations: Iterable[Configuration],
    files: Sequence[tuple[CheckedFile, Exceptions]],
    paths: Iterable[str],
) -> Iterator[FileProblem]:
    """What is said of exceptions that no finding needs, of the folders among some paths.

    Args:
        configurations: what held.
        files: all files that were scanned, each with the exceptions that held for it.
        paths: what was to be scanned.
    """
    held = [
        (
            one.exceptions,
            one.exception_files,
            one.ruleset,
            [checked for checked, exceptions in files if exceptions is one.exceptions],
        )
        for one in configurations
    ]
    tops = [os.path.abspath(name) for name in paths if os.path.isdir(name)]
    for file, problem in unused_exceptions(held, tops):
        yield problem_in(display_name(file.path), file.document, problem)
