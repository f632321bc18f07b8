"""Where the files of an overlay come from: the disk, a revision, or texts that are not saved yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from kscan_lsp.files.encoding import Unreadable, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_BYTES: Final = 20_000_000
"""How much all files of an overlay may have."""


class OverlayFiles(Protocol):
    """Where the files of an overlay come from. Paths are absolute."""

    def kind(self, path: str) -> str:
        """`file`, `folder`, or empty where there is neither."""

    def real(self, path: str) -> str:
        """The path without links."""

    def read(self, path: str) -> bytes | Unreadable:
        """What is in a file."""


class FilesOnDisk:
    """Files as they are on the disk."""

    def kind(self, path: str) -> str:
        """`file`, `folder`, or empty where there is neither."""
        return "file" if os.path.isfile(path) else "folder" if os.path.isdir(path) else ""

    def real(self, path: str) -> str:
        """The path without links."""
        return os.path.realpath(path)

    def read(self, path: str) -> bytes | Unreadable:
        """What is in a file."""
        return read_bytes(Path(path), MAX_BYTES)


class RememberedFiles(FilesOnDisk):
    """Files as they were on the disk when they were looked at first: for who reads the same ones again and again."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._read: dict[str, bytes | Unreadable] = {}

    def kind(self, path: str) -> str:
        """`file`, `folder`, or empty where there was neither."""
        if path not in self._kinds:
            self._kinds[path] = super().kind(path)
        return self._kinds[path]

    def real(self, path: str) -> str:
        """The path without links."""
        if path not in self._real:
            self._real[path] = super().real(path)
        return self._real[path]

    def read(self, path: str) -> bytes | Unreadable:
        """What was in a file."""
        if path not in self._read:
            self._read[path] = super().read(path)
        return self._read[path]


class EditedFiles:
    """Files as they come from somewhere else, but for some, by their real paths."""

    def __init__(self, texts: Mapping[str, str], files: OverlayFiles | None = None) -> None:
        self._texts = texts
        self._files = files or FilesOnDisk()

    def kind(self, path: str) -> str:
        """`file`, `folder`, or empty where there is neither."""
        return "file" if path in self._texts else self._files.kind(path)

    def real(self, path: str) -> str:
        """The path without links."""
        return self._files.real(path)

    def read(self, path: str) -> bytes | Unreadable:
        """What is in a file."""
        text = self._texts.get(self._files.real(path))
        return self._files.read(path) if text is None else text.encode(errors="replace")


class FilesOfRevision:
    """Files as a revision has them, by their absolute paths; it has no links."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._folders = {folder for path in files for folder in _folders_above(path)}

    def kind(self, path: str) -> str:
        """`file`, `folder`, or empty where there is neither."""
        return "file" if path in self._files else "folder" if path in self._folders else ""

    def real(self, path: str) -> str:
        """The path without links."""
        return os.path.normpath(path)

    def read(self, path: str) -> bytes | Unreadable:
        """What is in a file."""
        return self._files[path]


def _folders_above(path: str) -> Iterable[str]:
    folder = os.path.dirname(path)
    while folder and folder != os.path.dirname(folder):
        yield folder
        folder = os.path.dirname(folder)
