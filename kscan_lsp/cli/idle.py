"""What was asked for and came to nothing: paths in which nothing was scanned, exceptions that no finding needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from kscan_lsp.files.manifest import display_name
from kscan_lsp.report.places import problem_in
from kscan_lsp.workspace.exception_files import unused_exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.report.model import FileProblem, Skipped
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.exceptions import Exceptions
    from kscan_lsp.workspace.results import CheckedFile

STDIN: Final = "-"
"""The path that means standard input."""
_RENDERED: Final = {"helm": "a chart", "kustomize": "an overlay", "jinja2": "a Jinja template"}
"""What each program renders."""


def why_nothing(name: str, left: Sequence[Skipped], *, excluded: bool) -> str:
    """What was asked for and came to nothing: paths in which nothing was scanned, exceptions that no finding needs."""
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
    tops = [os.path.abspath(name) for name in paths if name != STDIN and os.path.isdir(name)]
    for file, problem in unused_exceptions(held, tops):
        yield problem_in(display_name(file.path), file.document, problem)
