"""The only mutable state of the program: what the editor has open, and what is known of each of its folders.

Handlers change it on the event loop and nowhere else. Work happens on frozen requests, in another thread (`steps.py`);
a result comes back through `accept` or `keep`, which drop what has been overtaken.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.session.all_charts import Charts
from kscan_lsp.lsp.session.around import folders_around, innermost, today
from kscan_lsp.lsp.session.document import FAILED, OpenDocument
from kscan_lsp.lsp.session.reconfigured import reconfigured
from kscan_lsp.lsp.session.snapshot import OpenText, ProjectsSnapshot, SettingsSources
from kscan_lsp.lsp.session.steps import CheckRequest, ReadFile
from kscan_lsp.lsp.session.workspace import WaitingFile, Workspace, snapshot_of
from kscan_lsp.lsp.uris import key_of, path_of
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.workspace.places import has_own, is_exceptions_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lsprotocol import types

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.lsp.session.published import PublishedDiagnostics
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, WorkspaceSnapshot
    from kscan_lsp.lsp.session.steps import CheckResult, Step
    from kscan_lsp.lsp.wire import ContentChange
    from kscan_lsp.workspace.budgets import Key, SetAside
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project


class Session(Struct):
    """Open documents, the folders they belong to, and what holds there."""

    capabilities: Capabilities = field(default_factory=Capabilities)
    documents: dict[str, OpenDocument] = {}
    """By URI."""
    folders: list[Path] = []
    """The folders of the workspace."""
    nested: set[Path] = set()
    """Folders below those, as far as they are known, that have settings of their own."""
    workspaces: dict[Path | None, Workspace] = {}
    """What is known of folders: those of the workspace, and those that an open document lies in."""
    section: Any = None
    """The editor's `kscan` section, as it came."""
    set_aside: dict[Key, SetAside] = {}
    """The controls that took too much."""
    trusted: bool = True
    """Whether policies of the workspace are loaded: not until its user agrees, where the editor knows about that."""
    settings_revision: int = 0
    """Counts what may have changed settings: what was read before may hold no more."""
    day: date = date.min
    judging: bool = False
    """Whether somebody asked what is wrong in all files of the workspace, open or not."""
    surveying: bool = False
    """Whether the client shows what the workspace comes to: its files are judged where they are not too many."""
    exploring: bool = False
    """Whether somebody asked for other objects: it is known from then on what the files of the workspace declare."""
    showing: bool = False
    """Whether that is to be shown as diagnostics."""
    charts: Charts = field(default_factory=Charts)
    published: dict[str, PublishedDiagnostics] = {}
    """What a client that asks for diagnostics is to show, by URI."""
    reported: set[str] = set()
    """The URIs of settings and policy files that have diagnostics shown."""
    revision: int = 0
    """Counts the texts of all documents."""
    scanned: tuple[ImageReport, ...] | None = None
    """What scanners said of images; None where the user does not want them to be asked."""
    scans: Mapping[str, str] = {}
    """What is to be said of images that are being scanned, or could not be."""

    def open(self, item: types.TextDocumentItem) -> None:
        """A document was opened."""
        self.revision += 1
        path = path_of(item.uri)
        if path is not None:
            self.look_for_settings(path)
        known = path, key_of(path, item.uri), self.root_of(path)
        self.documents[item.uri] = OpenDocument.of(item, *known, self.revision)

    def change(
        self, uri: str, version: int, changes: Iterable[ContentChange | types.TextDocumentContentChangeEvent]
    ) -> OpenDocument | None:
        """A document was edited; changes apply one after the other."""
        document = self.documents.get(uri)
        if document is not None:
            document.apply(changes, self.capabilities.encoding)
            self.revision += 1
            document.version, document.revision = version, self.revision
        return document

    def close(self, uri: str) -> OpenDocument | None:
        """A document was closed: what is on disk holds again."""
        document = self.documents.pop(uri, None)
        if document is not None:
            self.reread(document.key, document.path)
        return document

    def reread(self, key: str, path: Path | None) -> None:
        """Have a file read: something happened to it on disk, or it counts again as it is there."""
        for root in self.workspaces.keys() & self.roots_with(path):
            self.workspaces[root].waiting[key] = WaitingFile(path, unsure=True)

    def root_of(self, path: Path | None) -> Path | None:
        """The folder whose settings hold for a file: the innermost that has some, or is one of the workspace."""
        if path is None:
            return self.folders[0] if self.folders else None
        return innermost(path, (*self.folders, *self.nested)) or path.parent

    def top_of(self, root: Path | None) -> Path | None:
        """The folder of the workspace that one with settings of its own lies in; its files speak of each other."""
        return root if root is None else innermost(root, self.folders) or root

    def roots_with(self, path: Path | None) -> list[Path | None]:
        """The folders for which a file counts: its own, and those that lie in the same folder of the workspace."""
        root = self.root_of(path)
        top = self.top_of(root)
        return [root, *(one for one in self.workspaces if one != root and self.top_of(one) == top)]

    def look_for_settings(self, path: Path) -> bool:
        """See which folders around a file have settings of their own; whether that is different now."""
        around = folders_around(path, self.folders)
        return self.set_nested(filter(has_own, around), around)

    def set_nested(self, found: Iterable[Path], looked_at: Iterable[Path]) -> bool:
        """Of some folders, these have settings of their own; whether that is different now."""
        nested = self.nested.difference(looked_at).union(found)
        if nested == self.nested:
            return False
        self.nested = nested
        self.outdate_files()  # which settings hold for them is another question now
        for document in self.documents.values():
            before, document.root = document.root, self.root_of(document.path)
            if document.root != before and (workspace := self.workspaces.get(before)) is not None:
                workspace.waiting[document.key] = WaitingFile(document.path, unsure=True)
        return True

    def set_folders(self, folders: list[Path]) -> list[Workspace]:
        """These are the folders of the workspace now.

        Returns:
            What was known of folders that do not count any more, or for something else, and is forgotten.
        """
        changed = set(self.folders).symmetric_difference(folders)
        self.folders = folders
        self.outdate_files()  # as above
        self.nested = {folder for folder in self.nested if innermost(folder, folders)}
        for document in self.documents.values():
            document.root = self.root_of(document.path)
        gone = [root for root in self.workspaces if root in changed or not self.is_used(root)]
        self.charts.forget(gone)
        return [self.workspaces.pop(root) for root in gone]

    def is_used(self, root: Path | None) -> bool:
        """Whether anything is to be known of a folder: it is one of the workspace, or a document in it is open."""
        return root in self.used_roots() or (root is None and not self.folders)

    def used_roots(self) -> set[Path | None]:
        """The folders of the workspace, those of open documents, and, if all files are judged, all with settings."""
        return {*self.judged_roots(), *(document.root for document in self.documents.values())}

    def judged_roots(self) -> set[Path]:
        """The folders of the workspace, and those with settings of their own where all files are judged."""
        tops = [
            top for top in self.folders if self.judging or getattr(self.workspaces.get(top), "judging", False)
        ]
        return {*self.folders, *(folder for folder in self.nested if self.top_of(folder) in tops)}

    def is_configuration_file(self, path: Path | None) -> bool:
        """Whether a file is one that settings or policies are read from."""
        if path is None:
            return False
        used = (workspace.configuration.files for workspace in self.workspaces.values())
        own = path.name in FILE_NAMES or is_exceptions_file(path)
        return own or any(path in files for files in used)

    def settings_sources(self) -> SettingsSources:
        """What settings and policies are read from before what is on disk: open files count before they are saved."""
        there = [d for d in self.documents.values() if d.path and d.path.suffix in (".yaml", ".yml", ".json")]
        texts = {d.path: OpenText(d.uri, d.version, d.index.text) for d in there if d.path}
        return SettingsSources(self.section, texts)

    def outdate_settings(self) -> None:
        """Something happened that settings depend on: they are to be read again, and all is to be judged by them."""
        self.settings_revision += 1
        self.day = today()

    def outdate_files(self) -> None:
        """The files of all folders are to be looked for and read again when their settings are."""
        for workspace in self.workspaces.values():
            workspace.outdated = True

    def configure(self, root: Path | None, configuration: Configuration) -> Workspace:
        """The settings of a folder were read (again)."""
        workspace = reconfigured(
            self.workspaces.get(root),
            root,
            configuration,
            self.day,
            indexed=root in self.folders or root in self.nested,
            judging=self.judging or self.surveying or configuration.settings.diagnostics == "workspace",
        )
        workspace.top = self.top_of(root)
        workspace.settings_revision = self.settings_revision
        self.workspaces[root] = workspace
        return workspace

    def configuration(self, root: Path | None) -> Configuration | None:
        """What holds in a folder; None where it is still to be read."""
        workspace = self.workspaces.get(root)
        current = workspace is not None and workspace.settings_revision == self.settings_revision
        return workspace.configuration if workspace and current else None

    def open_keys(self) -> set[str]:
        """What the open documents are called in the projects of their folders."""
        return {document.key for document in self.documents.values()}

    def shows_all(self, workspace: Workspace) -> bool:
        """Whether the findings in files of a folder that are not open are shown."""
        return self.showing or workspace.configuration.settings.diagnostics == "workspace"

    def is_settled(self, root: Path) -> bool:
        """Whether all is known of a folder that will be, until something happens; so it is for one that is gone."""
        workspace = self.workspaces.get(root)
        return root not in self.judged_roots() or (
            workspace is not None and self.configuration(root) is not None and workspace.is_settled()
        )

    def is_complete(self) -> bool:
        """Whether every file of the workspace has been read and judged."""
        known = (self.workspaces.get(root) for root in self.judged_roots())
        return self.judging and all(workspace is not None and workspace.is_complete() for workspace in known)

    def is_current(self, document: OpenDocument) -> bool:
        """Whether what is known of a document is about its latest text and settings."""
        if self.is_configuration_file(document.path):
            return True
        known = document.configuration is not None and document.checked_revision == document.revision
        return known and document.configuration is self.configuration(document.root)

    def checked_documents(self, root: Path | None) -> list[OpenDocument]:
        """The open documents of a folder that were checked as they are now."""
        return [
            document
            for document in self.documents.values()
            if document.checked_revision >= 0 and document.root == root and self.is_current(document)
        ]

    def buffer_to_check(self, root: Path | None) -> CheckRequest | None:
        """The buffer of a folder that is to be checked next: of those that changed, the one edited last."""
        outdated = [d for d in self.documents.values() if d.root == root and not self.is_current(d)]
        if not outdated:
            return None
        return max(outdated, key=lambda document: document.revision).request(self.workspaces[root])

    def take_next_step(self, root: Path | None) -> Step | None:
        """Take what is to be done next in a folder: a buffer that changed, then what is to be done on disk."""
        if request := self.buffer_to_check(root):
            return request
        if chart := self.charts.step(root, self.workspaces[root]):
            return chart
        buffers = {document.key for document in self.documents.values() if document.root == root}
        return self.workspaces[root].take_next_step(
            buffers, self.is_configuration_file, lambda path: self.root_of(path) == root
        )

    def accept(self, request: CheckRequest, result: CheckResult) -> None:
        """Keep the result of a check, unless other settings hold by now, or its folder is gone."""
        workspace = self._workspace_of(request)
        document = self.documents.get(request.uri)
        if workspace is None or (document is not None and document.root != request.root):
            return
        workspace.project = result.project
        if document is not None:
            document.accept(request, result)

    def project_for(self, step: Step) -> Project | None:
        """The project that a result is to become part of; None where other settings hold by now."""
        workspace = self._workspace_of(step)
        return None if workspace is None else workspace.project

    def keep(self, step: Step, project: Project) -> None:
        """Keep what was read from disk or settled, unless other settings hold by now: then it is read again."""
        workspace = self._workspace_of(step)
        if workspace is not None:
            workspace.project = project
            for key in self.charts.accept(step, workspace, self.documents.values()):
                self.reread(key, path_of(key))
        else:
            self.retry(step)

    def retry(self, step: Step) -> None:
        """Have a file read again that was read by settings that do not hold any more: they may leave it out."""
        workspace = self.workspaces.get(step.root)
        if workspace is not None and isinstance(step, ReadFile):
            workspace.waiting.setdefault(step.key, WaitingFile(step.path, unsure=True))

    def give_up(self, step: Step) -> None:
        """Take something that cannot be checked for done: trying again would fail again."""
        document = self.documents.get(step.uri) if isinstance(step, CheckRequest) else None
        workspace = self._workspace_of(step)
        if isinstance(step, CheckRequest) and document is not None and workspace is not None:
            workspace.project = workspace.project.with_unreadable(step.key, FAILED, step.text, json=step.json)
            document.accept_failure(step, workspace.project.files[step.key])

    def _workspace_of(self, step: Step) -> Workspace | None:
        """The folder that a step was a step of, unless other settings hold there by now."""
        workspace = self.workspaces.get(step.root)
        return workspace if workspace and workspace.configuration is step.configuration else None

    def update_documents(self, root: Path | None) -> None:
        """Have the open documents of a folder follow what its project says of them.

        Those whose text has moved on are left out: what is found in them now would be shown in the wrong places.
        """
        workspace = self.workspaces[root]
        for document in self.checked_documents(root):
            file = workspace.project.files.get(document.key)
            document.update(file, rendered=workspace.is_rendered(document.key))

    def snapshot(self, document: OpenDocument) -> DocumentSnapshot | None:
        """What an answer about a document is made from; None where nothing is checked in it."""
        workspace = self.workspaces.get(document.root)
        if workspace is None:
            return None
        made = document.snapshot(workspace, self.capabilities, tuple(self.folders))
        chart = self.charts.of_document(document)
        return made and made._replace(sources=self.settings_sources(), scans=self.scans, chart=chart)

    def projects_snapshot(self) -> ProjectsSnapshot:
        """What an answer about the objects of all folders is made from."""
        projects = tuple(workspace.project for workspace in self.workspaces.values())
        uris = {document.key: document.uri for document in self.documents.values()}
        return ProjectsSnapshot(projects, uris, self.capabilities)

    def workspace_snapshot(self) -> WorkspaceSnapshot:
        """What an answer about all folders is made from."""
        return snapshot_of(self.folders, self.workspaces.values())
