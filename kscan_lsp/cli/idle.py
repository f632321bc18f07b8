"""Exceptions that no finding needs, of the folders that a command names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kscan_lsp.files.manifest import display_name
from kscan_lsp.report.places import problem_in
from kscan_lsp.workspace.exception_files import unused_exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.report.model import FileProblem
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.exceptions import Exceptions
    from kscan_lsp.workspace.results import CheckedFile


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
