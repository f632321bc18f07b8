"""What an editor shows beside the text: counts and scores of a file, the frameworks there are, the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kscan_lsp.findings import Severity
from kscan_lsp.lsp.session.session import path_of
from kscan_lsp.report import html
from kscan_lsp.report.build import build, problem_in
from kscan_lsp.report.compliance import compliance, control_results
from kscan_lsp.report.model import NotScanned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from kscan_lsp.lsp.session.snapshot import View
    from kscan_lsp.lsp.session.workspace import Workspace
    from kscan_lsp.report.model import FileProblem
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile


def status(view: View) -> dict[str, Any] | None:
    """A document's open findings by severity, what is suppressed, and its score in each chosen framework.

    None for a document that is left alone: nothing is known about it.
    """
    if view.checked.skipped:
        return None
    findings = [finding for placed in view.checked.documents for finding in placed.checked.findings]
    statuses = Counter(finding.status for finding in findings)
    counted = Counter(finding.severity for finding in findings if finding.status == "open")
    results = control_results((judged.verdicts, judged.failing()) for judged in view.objects())
    scores = compliance([view.configuration.ruleset], results)
    return {
        **{severity.label: counted[severity] for severity in sorted(Severity, reverse=True)},
        "suppressed": statuses["accepted"],
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


def totals(files: Iterable[CheckedFile]) -> dict[str, Any]:
    """How many manifests there are among some files, and their open findings by severity."""
    judged = [file for file in files if not file.skipped]
    counted = Counter(f.severity for file in judged for _, f in file.findings() if f.status == "open")
    findings = {severity.label: counted[severity] for severity in sorted(Severity, reverse=True)}
    return {"files": len(judged), "findings": findings}


def report_page(
    judged: Sequence[tuple[CheckedFile, Project]],
    folders: Sequence[Path],
    workspaces: Iterable[Workspace],
    stopped: Callable[[], bool],
) -> str | None:
    """The report about some files as a page whose places are links.

    Args:
        judged: the files, each with the project it is in, by their URIs.
        folders: the folders of the workspace, to which names are relative.
        workspaces: what is known of them; what is wrong with their settings and what cannot be read is reported, too.
        stopped: asked before each file; there is no page of a part of them.
    """
    uris: dict[str, str] = {}

    def named(uri: str) -> str:
        name = _name(path_of(uri), folders) or uri
        uris[name] = uri
        return name

    def files() -> Iterator[tuple[CheckedFile, Project]]:
        for entry in judged:
            if stopped():
                return
            yield entry

    problems: dict[FileProblem, None] = {}
    not_scanned: list[NotScanned] = []
    for workspace in workspaces:
        not_scanned += [NotScanned(named(path.as_uri()), 1, why) for path, why in workspace.unreadable]
        for path, document, problem in workspace.configuration.problems:
            problems[problem_in(named(path.as_uri()), document, problem)] = None
    report = build(files(), problems=problems, not_scanned=not_scanned, name=named)
    return None if stopped() else html.render(report, uris.get)


def _name(path: Path | None, folders: Sequence[Path]) -> str:
    """A file's name: relative to its folder, which it starts with where there are several; "" without a file."""
    if path is None:
        return ""
    around = [folder for folder in folders if path.is_relative_to(folder)]
    if not around:
        return path.as_posix()
    folder = max(around, key=lambda folder: len(folder.parts))
    return path.relative_to(folder.parent if len(folders) > 1 else folder).as_posix()
