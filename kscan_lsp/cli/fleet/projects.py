"""What a user names -> the projects of a fleet: those in a folder, or those of a list.

A folder with `.git` or settings of its own is a project, and what lies in it is its own business. What a list names is
one whatever it looks like; what is not there becomes a project with a problem, so that nothing is left out unseen.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.cli.options import UsageError
from kscan_lsp.files import encoding
from kscan_lsp.files.discover import UNVISITED
from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.report.fleet.model import FleetProject
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEEPEST: Final = 5
"""Folders below the one that is named in which projects are looked for."""
_MOST: Final = 100_000
"""Projects of a fleet."""
_MARKS: Final = frozenset({".git", *FILE_NAMES})
_YAML: Final = (".yaml", ".yml", ".json")


def projects_of(names: Sequence[str]) -> tuple[FleetProject, ...]:
    """The projects that folders and lists lead to, each once, in their order.

    Raises:
        UsageError: something is not there, is no list, or leads to no project.
    """
    found: list[FleetProject] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found += _below(path)
        elif path.is_file():
            found += _listed(path)
        else:
            raise UsageError(f"there is no folder or list '{name}'")
    once = {os.path.realpath(one.path): one for one in reversed(found)}
    projects = tuple(one for one in found if once[os.path.realpath(one.path)] is one)
    if len(projects) > _MOST:
        raise UsageError(f"a fleet has {_MOST:,} projects at most; make several")
    return projects


def _below(top: Path) -> list[FleetProject]:
    start = Path(os.path.abspath(top))
    found = [_project(start, path) for path in _marked(start, 0)]
    if not found:
        raise UsageError(
            f"no project was found below '{top}'; one has .git or {FILE_NAMES[0]}. To name folders without, list "
            "them in a file, one on each line"
        )
    return found


def _marked(folder: Path, depth: int) -> Iterator[Path]:
    """The outermost folders below one that are projects."""
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if (
            entry.is_dir(follow_symlinks=False)
            and not entry.name.startswith(".")
            and entry.name not in UNVISITED
        ):
            path = folder / entry.name
            if _is_project(path):
                yield path
            elif depth < _DEEPEST:
                yield from _marked(path, depth + 1)


def _is_project(path: Path) -> bool:
    try:
        return not _MARKS.isdisjoint(os.listdir(path))
    except OSError:
        return True  # nobody knows; judging it says why


def _project(start: Path, path: Path) -> FleetProject:
    """A project that was found: the folder around it, if there is one below the start, is its team."""
    inside = path.relative_to(start)
    return FleetProject(str(path), inside.as_posix(), inside.parts[0] if len(inside.parts) > 1 else "")


def _listed(path: Path) -> list[FleetProject]:
    source = encoding.read(path)
    if isinstance(source, Unreadable):
        raise UsageError(f"'{path}' cannot be read: {source.reason}")
    if path.suffix.lower() not in _YAML:
        lines = (line.partition("#")[0].strip() for line in source.text.splitlines())
        entries: Any = [line for line in lines if line]
    else:
        document = read_document(source.text, json=path.suffix.lower() == ".json")
        if document.problems:
            raise UsageError(f"'{path}' is no list of projects: {document.problems[0].message}")
        data = document.data
        entries = data.get("projects") if isinstance(data, dict) else data
    if not isinstance(entries, list) or not entries:
        raise UsageError(
            f"'{path}' is no list of projects: write '- path: FOLDER' for each, with name and team"
        )
    return [_entry(path, number, entry) for number, entry in enumerate(entries, start=1)]


def _entry(path: Path, number: int, entry: Any) -> FleetProject:
    given = {"path": entry} if isinstance(entry, str) else entry
    known = {"path", "name", "team"}
    if (
        not isinstance(given, dict)
        or not given.get("path")
        or given.keys() - known
        or not all(isinstance(value, str) for value in given.values())
    ):
        raise UsageError(
            f"'{path}': entry {number} has to have a path, and may have a name and a team, all texts"
        )
    folder = Path(os.path.abspath(path.parent / given["path"]))
    problem = "" if folder.exists() else f"there is no file or folder '{given['path']}'"
    return FleetProject(str(folder), given.get("name") or given["path"], given.get("team", ""), problem)
