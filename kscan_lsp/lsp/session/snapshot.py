"""What an answer about a document is made from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp.fixes.verify import Site
from kscan_lsp.lsp import convert
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lsprotocol import types

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.capabilities import Client
    from kscan_lsp.text import LineIndex
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, Placed


class View(NamedTuple):
    """A checked version of an open document, and what is needed to talk about it.

    `key` is what it is called in `project`, which has all that is judged in its folder.
    """

    uri: str
    path: Path | None
    version: int
    key: str
    project: Project
    configuration: Configuration
    checked: CheckedFile
    lines: LineIndex
    client: Client

    def range_of(self, placed: Placed, span: Span) -> types.Range:
        """A span of one of its documents as the protocol has it."""
        moved = Span(span.start + placed.offset, span.end + placed.offset)
        return convert.range_of(moved, self.lines, self.client.encoding)

    def site(self, placed: Placed) -> Site:
        """Where one of its documents is in the project."""
        return Site(self.project, self.key, self.checked.documents.index(placed))

    def objects(self) -> Iterator[JudgedObject]:
        """What is said about each object, in the order of the text."""
        for placed in self.checked.documents:
            findings = iter(placed.checked.findings)
            for verdicts in placed.checked.verdicts:
                yield JudgedObject(placed, verdicts, tuple(islice(findings, len(verdicts.findings))))


class JudgedObject(NamedTuple):
    """One object of a document, with its findings as suppressions leave them."""

    placed: Placed
    verdicts: Verdicts
    findings: tuple[Finding, ...]

    def unsuppressed(self) -> set[str]:
        """The controls that have a finding that is not suppressed."""
        return {finding.control for finding in self.findings if finding.status != "suppressed"}
