"""The only mutable state of the program: what the editor has open, and the latest result for each.

Handlers change it on the event loop and nowhere else. Work happens on snapshots, in another thread; a result comes
back through `accept`, which keeps it only if nothing newer is there. The text mirror is our own: a document is one
string, and a change is applied by `text.replace_range` in the encoding agreed on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pygls.uris import to_fs_path

from kscan_lsp.lsp.carry import carry
from kscan_lsp.lsp.client import Client
from kscan_lsp.partials import Partials
from kscan_lsp.project import CheckedFile, check_file
from kscan_lsp.settings import FILE_NAMES
from kscan_lsp.text import LineIndex, Position, replace_range
from kscan_lsp.walk import is_excluded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lsprotocol import types

    from kscan_lsp.configuration import Configuration


@dataclass(slots=True)
class OpenDocument:
    """A document as the editor has it."""

    uri: str
    path: Path | None
    """None for what has no file, such as an unsaved buffer."""
    json: bool
    version: int
    index: LineIndex
    checked: CheckedFile | None = None
    checked_version: int = -1
    configuration: Configuration | None = None
    """What `checked` was judged by."""


class Snapshot(NamedTuple):
    """All that checking a document needs; nothing in it changes."""

    uri: str
    path: Path | None
    version: int
    text: str
    json: bool
    configuration: Configuration
    today: date
    previous: CheckedFile | None


@dataclass(slots=True)
class Session:
    """Open documents, the folders they belong to, and what holds there."""

    client: Client = field(default_factory=Client)
    documents: dict[str, OpenDocument] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    configurations: dict[Path | None, Configuration] = field(default_factory=dict)
    configured: set[Path] = field(default_factory=set)
    """Every file that settings or policies were ever read from."""
    section: Any = None
    """The editor's `kscan` section, as it came."""
    reported: set[str] = field(default_factory=set)
    """Settings and policy files that have diagnostics shown."""

    def open(self, item: types.TextDocumentItem) -> None:
        """A document was opened."""
        self.documents[item.uri] = OpenDocument(
            uri=item.uri,
            path=path_of(item.uri),
            json=item.language_id == "json",
            version=item.version,
            index=LineIndex(item.text),
        )

    def change(
        self, uri: str, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]
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
            text = replace_range(document.index, start, end, change.text, self.client.encoding)
            document.index = LineIndex(text)
        document.version = version
        return document

    def root_of(self, path: Path | None) -> Path | None:
        """The folder whose settings hold for a file: the innermost workspace folder, else the file's own."""
        if path is None:
            return self.folders[0] if self.folders else None
        around = [folder for folder in self.folders if path.is_relative_to(folder)]
        return max(around, key=lambda folder: len(folder.parts), default=path.parent)

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

    def waits_for_settings(self, uri: str) -> bool:
        """Whether an open document's settings are yet to be read."""
        document = self.documents.get(uri)
        return document is not None and self.root_of(document.path) not in self.configurations

    def snapshot(self, uri: str) -> Snapshot | None:
        """What checking a document needs; None if it is closed, checked, or its settings are not read yet."""
        document = self.documents.get(uri)
        if document is None or self.configures(document.path):
            return None
        configuration = self.configurations.get(self.root_of(document.path))
        if configuration is None:
            return None
        current = document.configuration is configuration
        if current and document.checked_version == document.version:
            return None
        return Snapshot(
            uri=uri,
            path=document.path,
            version=document.version,
            text=document.index.text,
            json=document.json,
            configuration=configuration,
            today=self.today(),
            previous=document.checked if current else None,
        )

    @staticmethod
    def today() -> date:
        """The day that suppressions are compared with."""
        return datetime.now(UTC).date()

    def accept(self, snapshot: Snapshot, checked: CheckedFile) -> bool:
        """Keep a result; false if the document has moved on, or is closed, and it must not be shown."""
        document = self.documents.get(snapshot.uri)
        if document is None:
            return False
        document.checked = checked
        document.checked_version = snapshot.version
        document.configuration = snapshot.configuration
        return document.version == snapshot.version


def path_of(uri: str) -> Path | None:
    """The file a URI stands for; None for an unsaved buffer and other schemes."""
    if not uri.startswith("file:"):
        return None
    name = to_fs_path(uri)
    return Path(name) if name else None


def check(snapshot: Snapshot) -> CheckedFile:
    """Check a snapshot: what the command line would say of a file with this text, and what typing still shows."""
    uri, text, json, previous = snapshot.uri, snapshot.text, snapshot.json, snapshot.previous
    if snapshot.path and (reason := _reason_to_skip(snapshot.path, snapshot.configuration)):
        return CheckedFile(uri, text, json, skipped=reason)
    ruleset, today = snapshot.configuration.ruleset, snapshot.today
    return carry(previous, check_file(uri, text, ruleset, today, json=json, previous=previous))


@lru_cache(maxsize=4096)
def _reason_to_skip(path: Path, configuration: Configuration) -> str:
    """Why a file is left alone for where it lies. Asked once for each reading of the settings."""
    settings_path = configuration.settings_path
    if settings_path and is_excluded(path, configuration.settings.exclude, settings_path.parent):
        return "excluded"
    return Partials().reason_to_skip(path)
