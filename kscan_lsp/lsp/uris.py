"""Names of files: the editor's URIs, paths, and the keys that files have in a project."""

from __future__ import annotations

from pathlib import Path

from pygls.uris import to_fs_path


def path_of(uri: str) -> Path | None:
    """The file a URI stands for; None for an unsaved buffer and other schemes."""
    if not uri.startswith("file:"):
        return None
    name = to_fs_path(uri)
    return Path(name) if name else None


def key_of(path: Path | None, uri: str) -> str:
    """What a file is called in a project: one URI for each file, however the editor writes it."""
    return path.as_uri() if path and path.is_absolute() else uri
