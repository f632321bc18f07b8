"""What holds for a folder: its settings, the policies they name, and the controls they choose.

Editor and command line both read them here, so that they agree. Everything that is wrong with either is a
problem in the file it is in, or, where there is no such file, said in words.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import MsgspecError, Struct, json
from msgspec.structs import replace

from kscan_lsp import source_files
from kscan_lsp.documents import Document, read_document
from kscan_lsp.findings import Problem
from kscan_lsp.policies import Control, Framework, PolicySet
from kscan_lsp.ruleset import Misnomer, choose
from kscan_lsp.settings import FILE_NAMES, InputsFile, Settings, overlay, read_settings, replace_settings
from kscan_lsp.text import Span
from kscan_lsp.validate import place, validate, without_misfits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.ruleset import Ruleset


@functools.cache
def builtin_policies() -> PolicySet:
    """The controls and frameworks that come with the program, ready to judge.

    They are stored as `loading.load` makes them; their expressions are compiled when they are first needed, and their
    own tests are not there: most runs need a part of the controls, and all of them wait for this.
    """
    try:
        stored = json.decode(STORED.read_bytes(), type=StoredPolicies)
    except (OSError, MsgspecError):
        stored = None
    if stored is None or stored.of != builtin_digest():
        return complete_policies()
    controls = {control.id: control for control in stored.controls}
    return PolicySet(controls, {framework.id: framework for framework in stored.frameworks})


STORED: Final = Path(__file__).parent / "policies.json"
"""The built-in policies, ready to judge (`pages.py` writes it). They count only for the texts they were made of."""


class StoredPolicies(Struct, frozen=True):
    """What is in STORED; `of` tells the texts that it was made of from all others."""

    of: str
    controls: tuple[Control, ...]
    frameworks: tuple[Framework, ...]


def builtin_digest() -> str:
    """What tells the texts of `builtin_files` from all others, whatever their tests and line ends."""
    texts = (path.read_bytes().replace(b"\r\n", b"\n").partition(b"\ntests:")[0] for path in builtin_files())
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


@functools.cache
def complete_policies() -> PolicySet:
    """The same with their tests, and everything about them checked."""
    from kscan_lsp.loading import load

    return load(_documents(list(builtin_files())))


@functools.cache
def builtin_files() -> tuple[Path, ...]:
    """The files of the controls and frameworks that come with the program."""
    package = Path(__file__).parent
    folders = (package / "_policies", package.parent / "policies")
    return tuple(sorted(next(folder for folder in folders if folder.is_dir()).rglob("*.yaml")))


class Configuration(Struct, frozen=True, eq=False):
    """What holds for a folder: its settings, the controls they choose, and all that is wrong with either."""

    root: Path | None
    settings_path: Path | None
    settings: Settings
    ruleset: Ruleset
    problems: tuple[FileProblem, ...]
    files: frozenset[Path]
    """The files that it was read from: settings, policies, inputs."""


class FileProblem(NamedTuple):
    """A problem in a file of settings, policies or inputs, with the document it is placed in."""

    path: Path
    document: Document
    problem: Problem


def find_settings(start: Path) -> Path | None:
    """The settings file of a folder: in it or in the nearest folder above that has one."""
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            candidate = folder / name
            if candidate.is_file():
                return candidate
    return None


def configure(
    root: Path | None,
    *,
    settings_path: Path | None = None,
    section: object = None,
    changes: Mapping[str, object] | None = None,
    only: Iterable[str] = (),
    buffers: Mapping[Path, str] | None = None,
) -> tuple[Configuration, tuple[str, ...]]:
    """Read the settings that hold for a folder, and the policies they name.

    Args:
        root: the folder; None where there is none (an unsaved buffer).
        settings_path: the settings file; looked for at the root and above where it is not given.
        section: an editor's `kscan` section, over the file.
        changes: keys that a command line sets, over both.
        only: control ids that replace the choice of controls.
        buffers: texts of files that an editor has open, over what is on disk.

    Returns:
        The configuration, and in words what is wrong with `section`, `changes` and `only`.
    """
    path = settings_path or (find_settings(root) if root else None)
    document = read_document("")
    problems: list[FileProblem] = []
    settings = Settings()
    if path is not None:
        document = _read(path, "setting", buffers)
        settings, found = read_settings(document)
        problems += [FileProblem(path, document, problem) for problem in found]
    from_file = settings
    settings, wrong = overlay(settings, section)
    if changes:
        settings = replace_settings(settings, changes)
    policy_root = path.parent if path else root
    nowhere = {
        n: name
        for n, name in enumerate(settings.policies)
        if not policy_root or not (policy_root / name).exists()
    }
    named = (
        policy_files([n for n in settings.policies if n not in nowhere.values()], policy_root)
        if policy_root
        else []
    )
    known = load_policies(named, buffers)
    problems += [FileProblem(Path(p.source), p.document, p.problem) for p in known.problems]
    missing = [
        Misnomer(("policies", n), f"there is no file or folder '{name}'") for n, name in nowhere.items()
    ]
    lists = None
    if isinstance(settings.inputs, str):
        lists = _read_lists(settings.inputs, policy_root, known, buffers)
        if lists is None:
            missing.append(Misnomer(("inputs",), f"there is no file '{settings.inputs}'"))
        else:
            settings = settings.model_copy(update={"inputs": lists.values})
            problems += [FileProblem(lists.path, lists.document, problem) for problem in lists.problems]
    rules, misnomers = choose(known, settings, only=only)
    words = list(wrong)
    for misnomer in (*missing, *misnomers):
        if lists is not None and misnomer.path[0] == "inputs":
            problem = Problem(place(lists.document, misnomer.path[1:]), misnomer.message, "setting")
            problems.append(FileProblem(lists.path, lists.document, problem))
        elif path is not None and not only and _same_place(from_file, settings, misnomer.path):
            problem = Problem(place(document, misnomer.path), misnomer.message, "setting")
            problems.append(FileProblem(path, document, problem))
        else:
            words.append(misnomer.message)
    files = frozenset([*named, *([path] if path else []), *([lists.path] if lists else [])])
    return Configuration(root, path, settings, rules, tuple(problems), files), tuple(words)


class _ListsFile(NamedTuple):
    """A file of inputs as read."""

    path: Path
    document: Document
    values: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


def _read_lists(
    name: str, root: Path | None, known: PolicySet, buffers: Mapping[Path, str] | None
) -> _ListsFile | None:
    """The inputs in a file; None where there is no such file.

    Names that no control reads are left alone: a file of Kubescape's has those of its other controls, too. A
    list that is wrong costs itself only.
    """
    if root is None or not (root / name).is_file():
        return None
    path = root / name
    document = _read(path, "setting", buffers)
    lists, problems = validate(InputsFile, document, "setting")
    values = (lists or without_misfits(InputsFile, document)).root
    read = {name for control in known.controls.values() for name in control.inputs}
    return _ListsFile(path, document, {n: v for n, v in values.items() if n in read}, problems)


def _same_place(from_file: Settings, settings: Settings, path: tuple[str | int, ...]) -> bool:
    """Whether a setting comes from the file: only then can a problem with it be placed there."""
    name = str(path[0])
    return getattr(from_file, name, None) == getattr(settings, name, None)


def load_policies(
    files: list[Path], buffers: Mapping[Path, str] | None = None, base: PolicySet | None = None
) -> PolicySet:
    """The built-in policies (or `base`), and those of a user's files over them."""
    base = base or builtin_policies()
    if not files:
        return base
    from kscan_lsp.loading import load

    return load(_documents(files, buffers), base)


def policy_files(names: Iterable[str], root: Path) -> list[Path]:
    """The files that settings name as policies: files as they are, of folders all `.yaml` and `.yml` files.

    Args:
        names: files or folders, relative to `root`.
        root: the folder of the settings that name them.
    """
    files: list[Path] = []
    for name in names:
        path = root / name
        files += (
            sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
        )
    return files


def _documents(
    files: list[Path], buffers: Mapping[Path, str] | None = None
) -> Iterator[tuple[str, Document]]:
    for path in files:
        yield str(path), _read(path, "control", buffers)


def _read(path: Path, code: str, buffers: Mapping[Path, str] | None) -> Document:
    """A settings or policy file as a document; one that cannot be read is an empty one with a problem."""
    if buffers and path in buffers:
        return read_document(buffers[path], json=path.suffix == ".json")
    source = source_files.read(path)
    if isinstance(source, source_files.SourceText):
        return read_document(source.text, json=path.suffix == ".json")
    problem = Problem(Span(0, 0), f"this file is left out: {source.reason}", code, fatal=True)
    return replace(read_document(""), problems=(problem,), complete=False)
