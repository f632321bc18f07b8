"""What a report has to know of documents that were rendered or built: which files they come from, what else counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.render.source_map import Rendered
from kscan_lsp.report.file_text import FileText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument


class RenderedSources:
    """Which documents come from which files of projects."""

    def __init__(self) -> None:
        self._known: dict[Project, dict[str, list[PlacedDocument]]] = {}

    def text(self, file: CheckedFile, project: Project) -> FileText:
        """The text of a file; what is a secret in what is built from it is one in it, too."""
        if project not in self._known:
            found = self._known[project] = {}
            for placed in (placed for one in project.files.values() for placed in one.documents):
                for name in placed.source.files() if isinstance(placed.source, Rendered) else ():
                    found.setdefault(name, []).append(placed)
        return FileText(file, project.ruleset, self._known[project].get(file.path, ()))


def is_extra(placed: PlacedDocument) -> bool:
    """Whether a document is there for what is found with other values of a chart alone."""
    return isinstance(placed.source, Rendered) and placed.source.extra


def said_elsewhere(placed: PlacedDocument, verdicts: Verdicts) -> set[str]:
    """The controls that fail in an object whose findings are said of another overlay."""
    source = placed.source
    return {*source.failing.get(verdicts.resource.root, ())} if isinstance(source, Rendered) else set()


def counted_objects(file: CheckedFile) -> Iterator[tuple[PlacedDocument, Verdicts, set[str]]]:
    """The objects of a file that count in scores, each once, with the controls that fail in it."""
    counted = {
        one.resource.id
        for placed in file.documents
        for one in placed.checked.verdicts
        if not is_extra(placed)
    }
    for placed in file.documents:
        for verdicts in placed.checked.verdicts:
            if is_extra(placed):
                if verdicts.resource.id in counted:
                    continue
                counted.add(verdicts.resource.id)
            failing = {
                finding.control
                for finding in verdicts.findings
                if finding.disposition is None or finding.status != "accepted"
            }
            yield placed, verdicts, failing | said_elsewhere(placed, verdicts)
