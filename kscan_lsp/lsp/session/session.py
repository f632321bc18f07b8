"""The only mutable state of the program: what the editor has open, and what is known of each of its folders.

Handlers change it on the event loop and nowhere else. Work happens on snapshots, in another thread; a result comes
back through `accept` or `keep`, which drop what has been overtaken. The text mirror is our own: a document is one
string, and a change is applied by `LineIndex.replaced` in the encoding agreed on.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field
from pygls.uris import to_fs_path

from kscan_lsp.lsp.capabilities import Client
from kscan_lsp.lsp.session.stale import carry
from kscan_lsp.lsp.session.workspace import (
    BATCH,
    Checked,
    Reading,
    Settling,
    Snapshot,
    Workspace,
    key_of,
    renewed,
)
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.text import LineIndex, Position
from kscan_lsp.workspace.results import CheckedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsprotocol import types

    from kscan_lsp.lsp.convert import Diagnostics
    from kscan_lsp.lsp.server.protocol import Change
    from kscan_lsp.lsp.session.published import Shown
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project

QUICK: Final = 0.008
"""Seconds that the event loop may be kept busy: less than anybody notices, and a cancelled request can wait for it."""


class OpenDocument(Struct):
    """A document as the editor has it."""

    uri: str
    path: Path | None
    """None for what has no file, such as an unsaved buffer."""
    key: str
    """What it is called in the project of its folder."""
    json: bool
    version: int
    index: LineIndex
    edited: int
    """Counts edits of all documents: the one edited last is checked first."""
    checked: CheckedFile
    """What is shown of it."""
    checked_version: int = -1
    configuration: Configuration | None = None
    """What `checked` was judged by."""
    base: CheckedFile | None = None
    """What `checked` was made from: the file in the project of the folder."""
    quick: bool = False
    """Whether its last check took so little time that reading messages can wait for the next one."""
    sent: tuple[int, Diagnostics] | None = None
    """The version and the diagnostics that the editor was told last."""


class Session(Struct):
    """Open documents, the folders they belong to, and what holds there."""

    client: Client = field(default_factory=Client)
    documents: dict[str, OpenDocument] = {}
    folders: list[Path] = []
    configurations: dict[Path | None, Configuration] = {}
    workspaces: dict[Path | None, Workspace] = {}
    configured: set[Path] = set()
    """Every file that settings or policies were ever read from."""
    section: Any = None
    """The editor's `kscan` section, as it came."""
    reported: set[str] = set()
    """Settings and policy files that have diagnostics shown."""
    shown: dict[str, Shown] = {}
    """What a client that asks for diagnostics is to be told, by URI."""
    judging: bool = False
    """Whether somebody asked what is wrong in all files of the workspace, open or not."""
    showing: bool = False
    """Whether that is to be shown as diagnostics."""
    edits: int = 0
    day: date = date.min
    policies: PolicyMemo = field(default_factory=PolicyMemo)
    """What came of policy files before, of all folders."""
    _roots: dict[Path | None, Path | None] = {}
    """What `root_of` found: it is asked several times at each keystroke."""

    def open(self, item: types.TextDocumentItem) -> None:
        """A document was opened."""
        self.edits += 1
        path = path_of(item.uri)
        self.documents[item.uri] = OpenDocument(
            uri=item.uri,
            path=path,
            key=key_of(path, item.uri),
            json=item.language_id == "json",
            version=item.version,
            index=LineIndex(item.text),
            edited=self.edits,
            checked=CheckedFile(item.uri, "", json=False),
        )

    def change(
        self, uri: str, version: int, changes: Sequence[Change | types.TextDocumentContentChangeEvent]
    ) -> OpenDocument | None:
        """A document was edited; changes apply one after the other."""
        document = self.documents.get(uri)
        if document is None:
            return None
        for change in changes:
            if (at := getattr(change, "range", None)) is None:
                document.index = LineIndex(change.text)
                continue
            start, end = (Position(p.line, p.character) for p in (at.start, at.end))
            document.index = document.index.replaced(start, end, change.text, self.client.encoding)
        self.edits += 1
        document.version, document.edited = version, self.edits
        return document

    def close(self, uri: str) -> OpenDocument | None:
        """A document was closed: what is on disk holds again."""
        document = self.documents.pop(uri, None)
        if document is not None:
            self.disk(document.key, document.path)
        return document

    def disk(self, key: str, path: Path | None) -> None:
        """Something happened to a file on disk, or it counts again as it is there."""
        workspace = self.workspaces.get(self.root_of(path))
        if workspace is not None:
            workspace.waiting[key] = path
            workspace.unsure.add(key)

    def root_of(self, path: Path | None) -> Path | None:
        """The folder whose settings hold for a file: the innermost workspace folder, else the file's own."""
        if path not in self._roots:
            if path is None:
                root = self.folders[0] if self.folders else None
            else:
                around = [folder for folder in self.folders if path.is_relative_to(folder)]
                root = max(around, key=lambda folder: len(folder.parts), default=path.parent)
            self._roots[path] = root
        return self._roots[path]

    def set_folders(self, folders: list[Path]) -> None:
        """These are the folders of the workspace now."""
        self.folders = folders
        self._roots.clear()

    def configures(self, path: Path | None) -> bool:
        """Whether a file is one that settings or policies are read from."""
        if path is None:
            return False
        used = (configuration.files for configuration in self.configurations.values())
        return path.name in FILE_NAMES or path in self.configured or any(path in files for files in used)

    def buffers(self) -> dict[Path, str]:
        """The texts of open settings and policy files, which hold before they are saved."""
        return {
            d.path: d.index.text
            for d in self.documents.values()
            if d.path and d.path.suffix in (".yaml", ".yml")
        }

    def configure(self, root: Path | None, configuration: Configuration) -> Workspace:
        """The settings of a folder were read (again)."""
        old = self.workspaces.get(root)
        indexed = root in self.folders
        judging = self.judging or configuration.settings.diagnostics == "workspace"
        workspace = renewed(old, configuration, self.day, indexed=indexed, judging=judging)
        self.configurations[root] = configuration
        self.configured |= configuration.files
        self.workspaces[root] = workspace
        return workspace

    def keys(self) -> set[str]:
        """What the open documents are called in the projects of their folders."""
        return {document.key for document in self.documents.values()}

    def shows_all(self, root: Path | None) -> bool:
        """Whether the findings in files of a folder that are not open are shown."""
        return self.showing or self.configurations[root].settings.diagnostics == "workspace"

    def settled(self, root: Path) -> bool:
        """Whether all is known of a folder that will be, until something happens; so it is for one that is gone."""
        workspace = self.workspaces.get(root)
        return root not in self.folders or (
            root in self.configurations and workspace is not None and workspace.settled()
        )

    def knows_all(self) -> bool:
        """Whether every file of the workspace has been read and judged."""
        known = (self.workspaces.get(root) for root in self.folders)
        return self.judging and all(workspace is not None and workspace.complete() for workspace in known)

    def judged(self) -> list[tuple[CheckedFile, Project]]:
        """Every file that is judged, open or not, in the order of their names."""
        files = [
            (file, workspace.project)
            for workspace in self.workspaces.values()
            for file in workspace.project.files.values()
        ]
        return sorted(files, key=lambda entry: entry[0].path)

    def is_current(self, document: OpenDocument) -> bool:
        """Whether what is known of a document is about its latest text and settings."""
        configuration = self.configurations.get(self.root_of(document.path))
        return self.configures(document.path) or (
            configuration is not None
            and document.configuration is configuration
            and document.checked_version == document.version
        )

    def next_buffer(self, root: Path | None) -> Snapshot | None:
        """The buffer of a folder that is to be checked next: of those that changed, the one edited last."""
        stale = [d for d in self._buffers(root) if not self.is_current(d)]
        return self._snapshot(max(stale, key=lambda d: d.edited), self.workspaces[root]) if stale else None

    def next_work(self, root: Path | None) -> Snapshot | Reading | Settling | None:
        """What is to be done next in a folder: a buffer that changed, a file on disk, or what had to wait for those."""
        if snapshot := self.next_buffer(root):
            return snapshot
        workspace = self.workspaces[root]
        buffers = {document.key for document in self._buffers(root)}
        while workspace.waiting:
            key = next(iter(workspace.waiting))
            path = workspace.waiting.pop(key)
            unsure = key in workspace.unsure
            workspace.unsure.discard(key)
            if key not in buffers and not (path and self.configures(path)):
                return Reading(
                    key=key,
                    path=path if root in self.folders else None,
                    root=root,
                    configuration=workspace.configuration,
                    project=workspace.project,
                    partials=workspace.partials,
                    judged=workspace.judging,
                    unsure=unsure,
                )
        workspace.finish(buffers)
        if workspace.unsettled:
            keys = tuple(workspace.unsettled[:BATCH])
            del workspace.unsettled[:BATCH]
            return Settling(keys, root, workspace.configuration, workspace.project)
        return None

    def _buffers(self, root: Path | None) -> list[OpenDocument]:
        return [d for d in self.documents.values() if self.root_of(d.path) == root]

    def _snapshot(self, document: OpenDocument, workspace: Workspace) -> Snapshot:
        same = document.configuration is workspace.configuration
        return Snapshot(
            uri=document.uri,
            path=document.path,
            version=document.version,
            text=document.index.text,
            json=document.json,
            configuration=workspace.configuration,
            today=workspace.project.today,
            previous=document.checked if same else None,
            project=workspace.project,
            key=document.key,
            partials=workspace.partials,
            quick=document.quick,
        )

    def accept(self, work: Snapshot, checked: Checked) -> None:
        """Keep the result of a check, unless other settings hold by now, or its folder is gone."""
        workspace = self.workspaces.get(self.root_of(work.path))
        if workspace is None or workspace.configuration is not work.configuration:
            return
        workspace.project = checked.project
        document = self.documents.get(work.uri)
        if document is not None:
            document.checked, document.checked_version = checked.file, work.version
            document.configuration = work.configuration
            document.base = None  # it has not been shown yet
            document.quick = checked.seconds < QUICK

    def project_for(self, work: Reading | Settling) -> Project | None:
        """The project that a file read from disk is to become part of; None where other settings hold by now.

        Then it is to be read again.
        """
        workspace = self.workspaces.get(work.root)
        if workspace is not None and workspace.configuration is work.configuration:
            return workspace.project
        if workspace is not None and isinstance(work, Reading):
            workspace.waiting.setdefault(work.key, work.path)
            workspace.unsure.add(work.key)  # the new settings may leave it out
        return None

    def keep(self, work: Reading | Settling, project: Project) -> None:
        """Keep what was read from disk or settled, unless other settings hold by now."""
        if self.project_for(work) is not None:
            self.workspaces[work.root].project = project

    def give_up(self, work: Snapshot | Reading | Settling) -> None:
        """Take something that cannot be checked for done: trying again would fail again."""
        if isinstance(work, Snapshot) and (document := self.documents.get(work.uri)):
            document.checked_version, document.configuration = work.version, work.configuration

    def current(self, root: Path | None) -> list[OpenDocument]:
        """The open documents of a folder that were checked as they are now."""
        return [
            document
            for document in self.documents.values()
            if document.checked_version >= 0
            and self.root_of(document.path) == root
            and self.is_current(document)
        ]

    def unshown(self, root: Path | None) -> list[OpenDocument]:
        """The open documents of a folder whose findings are not those that are shown, brought up to date.

        Those whose text has moved on are left out: what is found in them now would be shown in the wrong places.
        """
        workspace = self.workspaces[root]
        changed = []
        for document in self.current(root):
            file = workspace.project.files.get(document.key)
            if file is not None and file is not document.base:
                if document.base is not None:  # else it is the result of a check, carried already
                    document.checked = carry(document.checked, file)
                document.base = file
                changed.append(document)
            elif file is None and document.base is not document.checked:
                document.base = document.checked  # left alone, and in no project
                changed.append(document)
        return changed


def path_of(uri: str) -> Path | None:
    """The file a URI stands for; None for an unsaved buffer and other schemes."""
    if not uri.startswith("file:"):
        return None
    name = to_fs_path(uri)
    return Path(name) if name else None


def today() -> date:
    """The day that suppressions are compared with."""
    return datetime.now(UTC).date()
