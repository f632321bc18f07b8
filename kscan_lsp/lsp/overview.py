"""What an editor shows beside the text: counts and scores of a file, the frameworks there are, the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kscan_lsp import tally
from kscan_lsp.findings import Severity
from kscan_lsp.lsp.session import path_of
from kscan_lsp.report import compliance, coverage_of
from kscan_lsp.reports import as_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from kscan_lsp.configuration import Configuration
    from kscan_lsp.lsp.view import View
    from kscan_lsp.project import CheckedFile, Project
    from kscan_lsp.report import FileProblem


def status(view: View) -> dict[str, Any] | None:
    """A document's open findings by severity, what is suppressed, and its score in each chosen framework.

    None for a document that is left alone: nothing is known about it.
    """
    if view.checked.skipped:
        return None
    findings = [finding for placed in view.checked.documents for finding in placed.checked.findings]
    statuses = Counter(finding.status for finding in findings)
    counted = Counter(finding.severity for finding in findings if finding.status == "open")
    coverage = coverage_of((judged.verdicts, judged.unsuppressed()) for judged in view.objects())
    scores = compliance([view.configuration.ruleset], coverage)
    return {
        **{severity.label: counted[severity] for severity in sorted(Severity, reverse=True)},
        "suppressed": statuses["suppressed"],
        "frameworks": [{"id": f.id, "name": f.title, "score": f.score} for f in scores],
    }


def frameworks(configuration: Configuration) -> list[dict[str, Any]]:
    """Every framework there is, and whether it is chosen."""
    ruleset = configuration.ruleset
    chosen = {framework.id for framework in ruleset.frameworks}
    return [
        {"id": framework.id, "name": framework.title, "active": framework.id in chosen}
        for framework in ruleset.policies.frameworks.values()
    ]


def report_page(
    views: Iterable[View],
    folders: Sequence[Path],
    configurations: Iterable[Configuration],
    stopped: Callable[[], bool],
) -> str | None:
    """The report about some documents as a page whose places are links.

    Args:
        views: the documents.
        folders: the folders of the workspace, to which names are relative.
        configurations: what holds in them; what is wrong with it belongs into the report.
        stopped: asked before each document; there is no page of a part of them.
    """
    uris: dict[str, str] = {}

    def named(uri: str) -> str:
        name = _name(path_of(uri), folders) or uri
        uris[name] = uri
        return name

    def files() -> Iterator[tuple[CheckedFile, Project]]:
        for view in views:
            if stopped():
                return
            yield view.checked, view.project

    problems: dict[FileProblem, None] = {}
    for configuration in configurations:
        for path, document, problem in configuration.problems:
            name = _name(path, folders)
            uris[name] = path.as_uri()
            problems[tally.problem_in(name, document, problem)] = None
    report = tally.build(files(), problems=problems, name=named)
    return None if stopped() else as_html.render(report, uris.get)


def _name(path: Path | None, folders: Sequence[Path]) -> str:
    """A file's name: relative to its folder, which it starts with where there are several; "" without a file."""
    if path is None:
        return ""
    around = [folder for folder in folders if path.is_relative_to(folder)]
    if not around:
        return path.as_posix()
    folder = max(around, key=lambda folder: len(folder.parts))
    return path.relative_to(folder.parent if len(folders) > 1 else folder).as_posix()
