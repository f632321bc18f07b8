"""Paths that a repository's settings name: inside of the workspace, regular files, and no more than can be read.

A settings file comes with the repository, so whoever can change one must not make the program read the rest of the
disk, wait for a pipe or walk forever. Which folders else may be read only the user says, in the environment.

Left out on purpose: paths on a command line. Those the user names.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from kscan_lsp.files.discover import UNVISITED, repository

TRUSTED: Final = "KSCAN_TRUSTED_FOLDERS"
"""The environment variable with folders that settings may name besides, separated as in PATH."""

MAX_FILES: Final = 1_000
"""Files that may be found in the folders that are named."""
MAX_BYTES: Final = 20_000_000
"""What they may have together."""
MAX_ENTRIES: Final = 20_000
"""Entries of folders that are looked at."""


class NamedFiles(NamedTuple):
    """What some names lead to, and what is wrong with others, by their number."""

    files: list[Path]
    wrong: list[tuple[int, str]]


def named_files(
    names: tuple[str, ...],
    root: Path,
    suffixes: tuple[str, ...],
    *,
    inside: tuple[Path, ...] | None,
    most: int | None = None,
    beside: frozenset[str] = frozenset(),
) -> NamedFiles:
    """The regular files that names lead to: a file as it is, of a folder all with some suffixes, in order.

    Args:
        names: files or folders, relative to `root`.
        root: the folder of who names them.
        suffixes: how the names of files in a folder end that count.
        inside: the folders that they have to be in (`workspace_of`); None where the user names them.
        most: the bytes that they may have together, in place of `MAX_BYTES`.
        beside: names of folders in these that are not looked into.
    """
    found = NamedFiles([], [])
    most = MAX_BYTES if most is None else most
    entries = 0
    for number, name in enumerate(names):
        path = root / name
        try:
            mode = path.stat().st_mode
            if inside is not None and not is_within(path, inside):
                message = (
                    f"'{name}' is outside of this workspace; copy it here, or name its folder in the environment "
                    f"variable {TRUSTED}"
                )
                found.wrong.append((number, message))
            elif stat.S_ISREG(mode):
                found.files.append(path)
            elif stat.S_ISDIR(mode):
                several, looked_at = _files_in(path, suffixes, MAX_ENTRIES - entries, UNVISITED | beside)
                entries += looked_at
                allowed = inside if inside is not None else (path,)
                for link in [file for file in several if file.is_symlink() and not is_within(file, allowed)]:
                    several.remove(link)
                    out_of = "this workspace" if inside is not None else f"'{name}'"
                    message = (
                        f"'{os.path.relpath(link, root)}' is a link out of {out_of}; put a copy in its place"
                    )
                    found.wrong.append((number, message))
                if entries >= MAX_ENTRIES or len(found.files) + len(several) > MAX_FILES:
                    message = f"'{name}' has too many files to read them all; name a smaller folder"
                    found.wrong.append((number, message))
                else:
                    found.files.extend(several)
            else:
                found.wrong.append((number, f"'{name}' is no regular file"))
        except FileNotFoundError:
            found.wrong.append((number, f"there is no file or folder '{name}'"))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            found.wrong.append((number, f"'{_short(name)}' cannot be read: {why}"))
    if sum(map(_size, found.files)) > most:
        found.wrong.append((0, f"what is named here has more than {most:,} bytes; name less"))
        found.files.clear()
    return found


def workspace_of(settings_folder: Path) -> tuple[Path, ...]:
    """Where settings in a folder may name files: in their checkout, or that folder, and in what the user trusts."""
    trusted = filter(None, os.environ.get(TRUSTED, "").split(os.pathsep))
    return (Path(repository(str(settings_folder)) or settings_folder), *map(Path, trusted))


def is_within(path: Path, folders: tuple[Path, ...]) -> bool:
    """Whether a path leads into one of some folders, links followed."""
    real = os.path.realpath(path)
    return any(
        os.path.commonpath([real, top]) == top
        for top in map(os.path.realpath, folders)
        if _comparable(real, top)
    )


def _comparable(one: str, other: str) -> bool:
    return os.path.splitdrive(one)[0] == os.path.splitdrive(other)[0]


def _files_in(
    folder: Path, suffixes: tuple[str, ...], most: int, unvisited: frozenset[str]
) -> tuple[list[Path], int]:
    """The regular files in a folder and below, and how many entries were looked at; no link to a folder is followed."""
    files: list[Path] = []
    entries = 0
    for here, folders, names in os.walk(folder):
        entries += len(folders) + len(names)
        folders[:] = sorted(set(folders) - unvisited)
        files += [Path(here, name) for name in sorted(names) if name.endswith(suffixes)]
        if entries >= most or len(files) > MAX_FILES:
            break
    return sorted(path for path in files[: MAX_FILES + 1] if stat.S_ISREG(_mode(path))), entries


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _short(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:77]}..."
