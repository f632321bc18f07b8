"""One open document: the editor's text, and what is known of it.

The text mirror is our own: a document is one string, and a change is applied by `LineIndex.replaced` in the encoding
agreed on. pygls' is slow on large files, and wrong on some line separators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.files.manifest import is_json
from kscan_lsp.files.partials import chart_around
from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
from kscan_lsp.lsp.session.stale import with_stale_findings
from kscan_lsp.lsp.session.steps import CheckRequest
from kscan_lsp.text import LineIndex, Position
from kscan_lsp.workspace.results import CheckedFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lsprotocol import types

    from kscan_lsp.files.partials import Partials
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.lsp.convert import Diagnostics
    from kscan_lsp.lsp.session.steps import CheckResult
    from kscan_lsp.lsp.session.workspace import Workspace
    from kscan_lsp.lsp.wire import ContentChange
    from kscan_lsp.text import Encoding
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project

FAILED: Final = "this text could not be checked: please report what the log of the server says about it"

QUICK: Final = 0.008
"""Seconds that the event loop may be kept busy: less than anybody notices, and a cancelled request can wait for it."""


class OpenDocument(Struct):
    """A document as the editor has it."""

    uri: str
    path: Path | None
    """None for what has no file, such as an unsaved buffer."""
    key: str
    """What it is called in the project of its folder."""
    root: Path | None
    """The folder whose settings hold for it."""
    markdown: bool
    version: int
    """The editor's count of its texts, which starts again when it is closed and opened."""
    revision: int
    """Our own count, of the texts of all documents: the one edited last is checked first."""
    index: LineIndex
    checked: CheckedFile
    """What is shown of it."""
    checked_revision: int = -1
    """The revision that was checked last; none where it is negative."""
    configuration: Configuration | None = None
    """What `checked` was judged by."""
    base: CheckedFile | None = None
    """What `checked` was made from: the file in the project of the folder; None for one that is left alone."""
    unpublished: bool = False
    """Whether `checked` is new since it was published last."""
    published: tuple[int, Diagnostics] | None = None
    """The version and the diagnostics that were published last."""
    shown_with: Project | None = None
    """The project that says where the places in other files are that these name."""
    skip_reason: tuple[Partials, str] | None = None
    """Why it is left alone for where it lies, when it was checked last; it holds for the same partials (by identity):
    settings that leave out other files come with new ones.
    """
    page: Project | None = None
    """Of a page of Markdown, what its blocks are judged in."""
    chart: Path | None = None
    """The folder of the chart that it is rendered with."""
    quick: bool = False
    """Whether its last check took so little time that reading messages can wait for the next one."""

    @classmethod
    def of(
        cls, item: types.TextDocumentItem, path: Path | None, key: str, root: Path | None, revision: int
    ) -> OpenDocument:
        """A document as it was opened."""
        return cls(
            uri=item.uri,
            path=path,
            key=key,
            root=root,
            markdown=item.language_id == "markdown",
            version=item.version,
            revision=revision,
            index=LineIndex(item.text),
            checked=CheckedFile(item.uri, "", json=False),
            chart=chart_around(path),
        )

    def apply(
        self,
        changes: Iterable[ContentChange | types.TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> None:
        """Apply what the editor changed, one after the other."""
        for change in changes:
            if (at := getattr(change, "range", None)) is None:
                self.index = LineIndex(change.text)
                continue
            start, end = (Position(p.line, p.character) for p in (at.start, at.end))
            self.index = self.index.replaced(start, end, change.text, encoding)

    def request(self, workspace: Workspace) -> CheckRequest:
        """What is needed to check its text as it is now."""
        name = self.uri if self.path is None else self.path.name
        same, known = self.configuration is workspace.configuration, self.skip_reason
        return CheckRequest(
            uri=self.uri,
            path=self.path,
            key=self.key,
            root=self.root,
            revision=self.revision,
            text=self.index.text,
            json=is_json(name, self.index.text),
            configuration=workspace.configuration,
            project=workspace.project,
            partials=workspace.partials,
            previous=self.checked if same else None,
            quick=self.quick,
            skip_reason=known[1] if known and known[0] is workspace.partials else None,
            markdown=self.markdown,
            page=self.page,
            rendered=self.key in workspace.rendered,
            built=self.key in workspace.built,
        )

    def outdate(self) -> None:
        """Have it checked again although its text is the same."""
        self.checked_revision = -1

    def accept(self, request: CheckRequest, result: CheckResult) -> None:
        """Keep the result of a check."""
        self.checked, self.checked_revision = result.file, request.revision
        self.configuration, self.page = request.configuration, result.page
        self.base = result.project.files.get(self.key)
        self.unpublished = True
        self.quick = result.seconds < QUICK
        self.skip_reason = (request.partials, result.skip_reason)

    def accept_failure(self, request: CheckRequest, file: CheckedFile) -> None:
        """Show that a text could not be checked; what was found in the one before would stand in wrong places."""
        self.checked = self.base = file
        self.checked_revision, self.configuration = request.revision, request.configuration
        self.unpublished = True

    def update(self, file: CheckedFile | None, *, rendered: bool = False) -> None:
        """Follow what the project says of it by now: what rests on other objects changes without it.

        What it is rendered to as part of a chart or an overlay is shown apart (`lsp/rendered.py`).
        """
        if rendered:
            self.base = file
        elif file is not None and file is not self.base:
            self.checked = with_stale_findings(self.checked, file)
            self.base = file
            self.unpublished = True

    def snapshot(
        self, workspace: Workspace, capabilities: Capabilities, folders: tuple[Path, ...]
    ) -> DocumentSnapshot | None:
        """What an answer about it is made from; None where nothing is checked in it."""
        if self.configuration is None:
            return None
        return DocumentSnapshot(
            self.uri,
            self.path,
            self.version,
            self.key,
            self.page or workspace.project,
            self.configuration,
            self.checked,
            LineIndex(self.checked.text),
            capabilities,
            workspace.partials,
            folders,
        )
