"""Bindings of admission policies that are about nothing, in a scan that saw all of a workspace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from kscan_lsp.files.discover import repository
from kscan_lsp.report.model import FileProblem
from kscan_lsp.report.places import range_of
from kscan_lsp.workspace.idle_bindings import idle_bindings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.report.model import Skipped
    from kscan_lsp.workspace.project import Project

_HARMLESS: Final = frozenset({"not-kubernetes", "kustomize-patch"})
"""Why files are left alone that have no object of their own."""


def idle_in(
    projects: Iterable[Project], paths: Iterable[str], skipped: Iterable[Skipped]
) -> Iterator[FileProblem]:
    """What is said of bindings that are about nothing; nothing where a part of the repository was not seen.

    Args:
        projects: what was scanned.
        paths: what was to be scanned.
        skipped: the files that were left alone.
    """
    if not any(map(_is_whole, paths)) or any(one.reason not in _HARMLESS for one in skipped):
        return
    for project in projects:
        for location, problem in idle_bindings(project):
            yield FileProblem(location.file, range_of(location, project), problem.message, problem.code)


def _is_whole(path: str) -> bool:
    """Whether a path is a folder with all of a repository, or one that is in none."""
    real = os.path.realpath(path)
    top = repository(real)
    return os.path.isdir(real) and (not top or os.path.realpath(top) == real)
