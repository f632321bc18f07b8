"""The report about all files of the workspace: the page of `kscan scan --format html`, with links into the editor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kscan_lsp.files.commit import commit_of
from kscan_lsp.lsp.features.status import hint_for
from kscan_lsp.lsp.uris import name_in, path_of
from kscan_lsp.report import html
from kscan_lsp.report.build import build
from kscan_lsp.report.circumstances import CheckedOut, Circumstances
from kscan_lsp.report.model import NotScanned, Skipped
from kscan_lsp.report.places import change_in, problem_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.lsp.session.snapshot import WorkspaceSnapshot
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile


def report_page(snapshot: WorkspaceSnapshot, stopped: Callable[[], bool]) -> str | None:
    """The report about all that is judged as a page whose places are links.

    Args:
        snapshot: the files, and what is wrong with their settings or cannot be read, which is reported, too.
        stopped: asked before each file; there is no page of a part of them.
    """
    uris: dict[str, str] = {}
    folders = snapshot.folders

    def named(uri: str) -> str:
        name = name_in(path_of(uri), snapshot.folders) or uri
        uris[name] = uri
        return name

    def files() -> Iterator[tuple[CheckedFile, Project]]:
        for entry in snapshot.files:
            if stopped():
                return
            yield entry

    problems = dict.fromkeys(
        problem_in(named(path.as_uri()), document, problem) for path, document, problem in snapshot.problems
    )
    not_scanned = [NotScanned(named(path.as_uri()), 1, why) for path, why in snapshot.unreadable]
    skipped = [
        Skipped(named(file.path), file.skipped, hint_for(path_of(file.path), file.skipped, partials, folders))
        for file, project in snapshot.files
        if file.skipped and (partials := snapshot.partials.get(project))
    ]
    changes = [change_in(named(Path(one.file).as_uri()) if one.file else "", one) for one in snapshot.changes]
    report = build(
        files(),
        problems=problems,
        not_scanned=not_scanned,
        changes=changes,
        skipped=skipped,
        circumstances=_circumstances(snapshot),
        name=named,
        path_name=lambda path: named(Path(path).as_uri()),
    )
    return None if stopped() else html.render(report, uris.get)


def _circumstances(snapshot: WorkspaceSnapshot) -> Circumstances:
    """The day by which it was judged, and the commits that are checked out in the workspace's folders."""
    days = [project.evaluator.evidence.today for _, project in snapshot.files]
    commits = dict.fromkeys(commit for folder in snapshot.folders if (commit := commit_of(folder)))
    return Circumstances(
        max(days, default=None),
        tuple(CheckedOut(commit.folder.name, commit.id, commit.branch) for commit in commits),
    )
