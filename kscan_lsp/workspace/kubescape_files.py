"""The files of a folder of controls that were written for Kubescape, in the layout of its control library.

Its tests are not read: they have manifests that are none of the workspace, and Rego that is none of a rule.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.files.named import is_within, named_files
from kscan_lsp.kubescape.files import LibraryFiles, RuleFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from kscan_lsp.yaml.document import Document

_RULE: Final = "rule.metadata.json"
_RAW: Final = "raw.rego"
_COUNTED: Final = "filter.rego"
_INPUTS: Final = ("default-config-inputs.json", "default_config_inputs.json")
_TESTS: Final = frozenset({"test", "tests", "testdata", "examples"})
_MOST: Final = 1_000
"""Entries that are looked at to tell what a folder is."""


class Library(Struct, frozen=True):
    """A folder of controls, and its files."""

    root: Path
    files: tuple[Path, ...]


def is_library(folder: Path, inside: tuple[Path, ...]) -> bool:
    """Whether a folder that settings may name has rules, and controls as JSON."""
    controls = folder / "controls"
    try:
        if not ((folder / "rules").is_dir() and controls.is_dir() and is_within(folder, inside)):
            return False
        with os.scandir(controls) as entries:
            return any(entry.name.endswith(".json") for entry in islice(entries, _MOST))
    except (OSError, ValueError):
        return False


def library_files(name: str, root: Path, inside: tuple[Path, ...]) -> tuple[list[Path], list[str]]:
    """The files of a folder of controls, and what is wrong with others.

    Args:
        name: the folder as settings name it.
        root: the folder of who names it.
        inside: the folders that all of it has to be in.
    """
    folders = {"controls": (".json",), "frameworks": (".json",), "rules": (_RULE, _RAW, _COUNTED)}
    there = {
        f"{name}/{folder}": suffixes
        for folder, suffixes in folders.items()
        if (root / name / folder).is_dir()
    }
    there |= {f"{name}/{file}": () for file in _INPUTS if (root / name / file).is_file()}
    files: list[Path] = []
    wrong: list[str] = []
    for one, suffixes in there.items():
        found = named_files((one,), root, suffixes, inside=inside, beside=_TESTS)
        files += [path for path in found.files if not path.name.startswith("__")]
        wrong += [message for _, message in found.wrong]
    return files, wrong


def without_libraries(files: Iterable[Path]) -> tuple[list[Path], list[Library]]:
    """Files of policies without those of folders of Kubescape's controls, and these folders."""
    others: list[Path] = []
    found: dict[Path, list[Path]] = {}
    roots: dict[Path, bool] = {}
    for path in files:
        root = _root_of(path, roots)
        if root is None:
            others.append(path)
        else:
            found.setdefault(root, []).append(path)
    return others, [Library(root, tuple(several)) for root, several in found.items()]


def _root_of(path: Path, roots: dict[Path, bool]) -> Path | None:
    """The folder of Kubescape's controls that a file is of; None for any other. Notes which folders are such ones."""
    if path.name in _INPUTS:
        return path.parent
    rule = path.name in {_RULE, _RAW, _COUNTED}
    if not rule and path.suffix != ".json":
        return None
    names = {"rules"} if rule else {"controls", "frameworks"}
    above = next((folder for folder in path.parents if folder.name in names), None)
    if above is None:
        return None
    root = above.parent
    if root not in roots:
        roots[root] = (root / "rules").is_dir()
    return root if roots[root] else None


def read_library(
    library: Library, read: Callable[[Path], tuple[Document | None, str | None]]
) -> LibraryFiles:
    """The files of a folder of controls as they are read.

    Args:
        library: the folder.
        read: a JSON file as a document, any other as a text, None where it cannot be read.
    """
    read_files = {path: read(path) for path in library.files}
    documents = {path: document for path, (document, _) in read_files.items() if document is not None}
    texts = {path: text for path, (_, text) in read_files.items()}
    top = {path: path.relative_to(library.root).parts[0] for path in documents}
    return LibraryFiles(
        tuple((str(path), one) for path, one in documents.items() if top[path] == "controls"),
        tuple((str(path), one) for path, one in documents.items() if top[path] == "frameworks"),
        tuple(
            RuleFiles(str(path), one, texts.get(path.with_name(_RAW)), texts.get(path.with_name(_COUNTED)))
            for path, one in documents.items()
            if path.name == _RULE
        ),
        next(((str(path), one) for path, one in documents.items() if path.name in _INPUTS), None),
    )
