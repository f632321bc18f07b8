"""A folder -> the manifests to scan in it, and why other files are left alone.

A file that a user names is read, whatever it is called; that is not decided here. A folder is walked: files
that can be manifests, in the order of their names, without hidden folders, `node_modules` and what
`.gitignore` files or `exclude` settings leave out.

Links are followed as kubectl follows them, with two limits: a file or folder is visited once, by its own
name where it has one in the tree, and a link that leads out of the repository (or, without one, out of the
named folder) is not followed, because a manifest from somebody else must not be able to make us read the
rest of the disk.

Left out on purpose: git's global excludes. They differ between machines, and a scan must not.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.files import encoding
from kscan_lsp.files.ignore import IgnorePatterns
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, Partials
from kscan_lsp.settings.exceptions import FILE_NAME, FOLDER
from kscan_lsp.settings.model import FILE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SUFFIXES: Final = (".yaml", ".yml", ".json")
UNVISITED: Final = frozenset({".git", "node_modules", "__pycache__"})
"""Folders that hold nothing a person wrote."""
_MAX_IGNORE_BYTES: Final = 1_000_000
_MAX_DEPTH: Final = 200


class Discovered(Struct):
    """What a walk came to: `excluded` are files that were left out, and folders that were not entered.

    `idle` are patterns of `exclude` that left nothing out, each with the folder that it begins at, which was walked;
    `links` are those of `files` that are links.
    """

    files: list[Path] = []
    settings: list[Path] = []
    """The folders below that have settings of their own."""
    excluded: list[Path] = []
    unreadable: list[tuple[Path, str]] = []
    idle: list[tuple[Path, str]] = []
    links: frozenset[Path] = frozenset()


Exclude: TypeAlias = "Sequence[tuple[Path, Sequence[str]]]"
"""Patterns as in `.gitignore`, from settings, each with the folder they are relative to; the last has the last word."""


class _IgnoreRules(Struct, frozen=True):
    """Patterns of one ignore file, and the folder they are relative to."""

    folder: str
    patterns: IgnorePatterns


def discover(
    start: Path,
    *,
    exclude: Exclude = (),
    excluded_in: Callable[[Path], Exclude] = lambda _: (),
    partials: Partials | None = None,
) -> Discovered:
    """The files to scan in a folder that a user named.

    Args:
        start: the folder.
        exclude: what the settings leave out.
        excluded_in: the same for a folder below that has settings of its own.
        partials: what is known about kustomizations and charts; filled on the way.

    Returns:
        The files in a fixed order, and what was left out.
    """
    walk = _Discovery(os.path.abspath(start), partials or Partials(), excluded_in)
    # a folder that is named is entered even if a .gitignore above leaves it out
    above = _ignore_rules_above(walk.top)
    inherited = [] if _ignored(walk.top, above, folder=True) else above
    walk.add_folder(walk.top, _rules(exclude), tuple(inherited), 0)
    walk.follow_links()
    return Discovered(
        [_as_given(start, walk.top, path) for path in sorted(walk.files, key=_order)],
        [_as_given(start, walk.top, path) for path in sorted(walk.settings, key=_order)],
        [_as_given(start, walk.top, path) for path in sorted(walk.excluded, key=_order)],
        [(_as_given(start, walk.top, path), reason) for path, reason in walk.unreadable],
        [*_idle({**dict(exclude), **walk.excluding}, walk.top, walk.excluded)],
        frozenset(_as_given(start, walk.top, path) for path in walk.linked),
    )


def is_found(path: Path, start: Path, exclude: Exclude = ()) -> bool:
    """Whether `discover` comes to a file by its own name; see `is_admitted`."""
    return os.path.isfile(path) and is_admitted(path, start, exclude)


def is_admitted(path: Path, start: Path, exclude: Exclude = ()) -> bool:
    """Whether `discover` comes to a file by its own name, if there is one; both paths are absolute.

    Args:
        path: the file.
        start: the folder that is walked.
        exclude: what the settings leave out that hold for the file.
    """
    top = str(start)
    if not path.is_relative_to(start):
        return False
    walk = _Discovery(top, Partials())
    settings = _rules(exclude)
    above = _ignore_rules_above(top)
    ignore = (*([] if _ignored(top, above, folder=True) else above), *_ignore_rules_in(top))
    for folder in [*reversed(path.parents)][len(start.parents) + 1 :]:
        if not walk.admit(str(folder), settings, ignore):
            return False
        ignore = (*ignore, *_ignore_rules_in(str(folder)))
    walk.add_file(str(path), settings, ignore)
    return bool(walk.files)


class _Discovery:
    """One walk, while it is under way. Paths are absolute strings: this is the hot loop of a large scan."""

    def __init__(
        self, top: str, partials: Partials, excluded_in: Callable[[Path], Exclude] = lambda _: ()
    ) -> None:
        self.top = top
        self.excluded_in = excluded_in
        self.excluding: dict[Path, Sequence[str]] = {}
        """What settings below leave out, by the folder that their patterns begin at."""
        self.settings: list[str] = []
        self.boundary = os.path.realpath(repository(top) or top)
        self.partials = partials
        self.files: list[str] = []
        self.excluded: list[str] = []
        self.unreadable: list[tuple[str, str]] = []
        self.seen_folders: set[str] = set()
        self.visited: list[str] = []
        self.linked: list[str] = []
        self.links: list[tuple[str, tuple[_IgnoreRules, ...], tuple[_IgnoreRules, ...], int]] = []

    def add_folder(
        self, folder: str, settings: tuple[_IgnoreRules, ...], ignore: tuple[_IgnoreRules, ...], depth: int
    ) -> None:
        real = os.path.realpath(folder)
        if real in self.seen_folders:
            return
        self.seen_folders.add(real)
        if depth > _MAX_DEPTH:
            self.unreadable.append((folder, f"it is more than {_MAX_DEPTH} folders deep"))
            return
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable.append((folder, f"this folder cannot be read: {error.strerror or error}"))
            return
        if any(entry.name == ".gitignore" for entry in entries):
            ignore = (*ignore, *_ignore_rules_in(folder))
        if folder != self.top and any(map(_holds_for_its_folder, entries)):
            self.settings.append(folder)
            exclude = self.excluded_in(Path(folder))
            self.excluding |= dict(exclude)
            settings = _rules(exclude)
        for entry in entries:
            if entry.is_symlink():
                self.links.append((entry.path, settings, ignore, depth))
            elif entry.is_dir(follow_symlinks=False):
                if self.admit(entry.path, settings, ignore):
                    self.add_folder(entry.path, settings, ignore, depth + 1)
            elif entry.is_file(follow_symlinks=False):
                self.add_file(entry.path, settings, ignore)

    def admit(
        self, folder: str, settings: tuple[_IgnoreRules, ...], ignore: tuple[_IgnoreRules, ...]
    ) -> bool:
        """Whether to go into a folder; one that is left out is counted."""
        name = os.path.basename(folder)
        if name.startswith(".") or name in UNVISITED or _ignored(folder, (*ignore, *settings), folder=True):
            if name != ".git":
                self.excluded.append(folder)
            return False
        return True

    def add_file(
        self, path: str, settings: tuple[_IgnoreRules, ...], ignore: tuple[_IgnoreRules, ...]
    ) -> None:
        name = os.path.basename(path)
        kustomization = name in KUSTOMIZATION_NAMES
        own = name == FILE_NAME and os.path.basename(os.path.dirname(path)) == FOLDER
        if own or name in FILE_NAMES or not (kustomization or name.lower().endswith(SUFFIXES)):
            return
        self.visited.append(path)
        if _ignored(path, (*ignore, *settings), folder=False):
            self.excluded.append(path)
            return
        if kustomization:
            self.partials.add_kustomization(Path(path))
        self.files.append(path)

    def follow_links(self) -> None:
        """Visit what links point to, after all that has a name of its own."""
        seen: set[str] = set()
        while self.links:
            seen.update(map(os.path.realpath, self.visited))
            self.visited.clear()
            path, settings, ignore, depth = self.links.pop(0)
            real = os.path.realpath(path)
            if real in seen:
                continue
            try:
                mode = os.stat(real).st_mode
            except OSError:
                mode = 0
            relevant = stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and path.lower().endswith(SUFFIXES))
            if mode and relevant and not _within(real, self.boundary):
                self.excluded.append(path)
            elif stat.S_ISDIR(mode):
                # both names count: a link must not bring in what is hidden or ignored by its own
                if (
                    real not in self.seen_folders
                    and self.admit(path, settings, ignore)
                    and self.admit_target(path, real)
                ):
                    self.add_folder(path, settings, ignore, depth + 1)
            elif stat.S_ISREG(mode):
                self.linked.append(path)
                self.add_file(path, settings, ignore)
            elif path.lower().endswith(SUFFIXES):
                self.unreadable.append((path, "this link leads nowhere"))

    def admit_target(self, path: str, real: str) -> bool:
        """Whether no folder on the way from the boundary to the target of a link is hidden."""
        inside = os.path.relpath(real, self.boundary)
        hidden = any(
            part in UNVISITED or (part.startswith(".") and part != ".") for part in inside.split(os.sep)
        )
        if hidden:
            self.excluded.append(path)
        return not hidden


def _holds_for_its_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is its settings, or has exceptions for it."""
    return entry.name in FILE_NAMES or (
        entry.name == FOLDER and os.path.isfile(os.path.join(entry.path, FILE_NAME))
    )


def is_excluded(path: Path, exclude: Exclude) -> bool:
    """Whether settings leave a file out, by its own name or that of a folder around it.

    Args:
        path: an absolute path.
        exclude: what the settings leave out that hold for it.
    """
    rules = _rules(exclude)
    return bool(rules) and (
        _ignored(str(path), rules, folder=False)
        or any(_ignored(str(folder), rules, folder=True) for folder in path.parents)
    )


def _idle(
    exclude: Mapping[Path, Sequence[str]], top: str, excluded: Sequence[str]
) -> Iterator[tuple[Path, str]]:
    """The patterns that leave out nothing of what was walked; none of those that take something back in."""
    for root, patterns in exclude.items():
        folder = os.path.abspath(root)
        if not _within(folder, top):
            continue
        left_out = [
            (os.path.relpath(path, folder), os.path.isdir(path)) for path in excluded if _within(path, folder)
        ]
        for pattern in patterns:
            alone = IgnorePatterns([pattern.encode("utf-8", "replace")])
            matches = any(alone.verdict(name, folder=is_folder) for name, is_folder in left_out)
            if not matches and not pattern.startswith("!"):
                yield root, pattern


def _order(path: str) -> tuple[str, ...]:
    return tuple(path.split(os.sep))


def _as_given(start: Path, top: str, path: str) -> Path:
    return start / path[len(top) :].lstrip(os.sep)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def repository(folder: str) -> str:
    """The innermost folder, this one or one above, that is a git checkout; '' where there is none."""
    here = folder
    while True:
        if os.path.exists(os.path.join(here, ".git")):
            return here
        above = os.path.dirname(here)
        if above == here:
            return ""
        here = above


def _ignore_rules_above(folder: str) -> list[_IgnoreRules]:
    """The ignore files between a folder's checkout and the folder, outermost first, without its own."""
    top, here = repository(folder), folder
    rules: list[_IgnoreRules] = []
    while top and here != top:
        here = os.path.dirname(here)
        rules = [*_ignore_rules_in(here), *rules]
    return rules


def _ignore_rules_in(folder: str) -> list[_IgnoreRules]:
    text = encoding.read_bytes(Path(folder, ".gitignore"), _MAX_IGNORE_BYTES)
    if isinstance(text, encoding.Unreadable):
        return []
    return [_IgnoreRules(folder, IgnorePatterns.of_text(text))]


def _rules(exclude: Exclude) -> tuple[_IgnoreRules, ...]:
    return tuple(
        _IgnoreRules(
            os.path.abspath(folder),
            IgnorePatterns(pattern.encode("utf-8", "replace") for pattern in patterns),
        )
        for folder, patterns in exclude
        if patterns
    )


def _ignored(path: str, rules: Sequence[_IgnoreRules], *, folder: bool) -> bool:
    """Whether ignore files leave a path out: of those that say anything, the last one decides."""
    for rule in reversed(rules):
        if not _within(path, rule.folder) or path == rule.folder:
            continue
        verdict = rule.patterns.verdict(os.path.relpath(path, rule.folder), folder=folder)
        if verdict is not None:
            return verdict
    return False
