"""What holds for a folder: its settings, the policies they name, and the controls they choose.

Editor and command line both read them here, so that they agree. Everything that is wrong with either is a
problem in the file it is in, or, where there is no such file, in words.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kscan_lsp.files.named import NamedFiles, named_files, workspace_of
from kscan_lsp.findings import Problem
from kscan_lsp.policy.ruleset import SettingError, choose
from kscan_lsp.redaction import redact, redacted
from kscan_lsp.settings.model import (
    FILE_NAMES,
    InputsFile,
    Settings,
    overlay,
    read_settings,
    replace_settings,
)
from kscan_lsp.settings.validation import validate, without_errors
from kscan_lsp.text import Span
from kscan_lsp.workspace.changes import changes_of
from kscan_lsp.workspace.policies import POLICY_SUFFIXES, load_policies, read_policy_file
from kscan_lsp.yaml.document import Document, read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.policy.memo import PolicyMemo
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.changes import Change


class Configuration(Struct, frozen=True, eq=False):
    """What holds for a folder: its settings, the controls they choose, and all that is wrong with either."""

    root: Path | None
    settings_path: Path | None
    settings: Settings
    ruleset: Ruleset
    problems: tuple[ConfigurationProblem, ...]
    files: frozenset[Path]
    """The files that it was read from: settings, policies, inputs."""
    changes: tuple[Change, ...] = ()
    """What they change about the standards that come with the program."""


class ConfigurationProblem(NamedTuple):
    """A problem in a file of settings, policies or inputs, with the document it is placed in."""

    path: Path
    document: Document
    problem: Problem


def find_settings(start: Path) -> Path | None:
    """The settings file of a folder: in it or in the nearest folder above that has one."""
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            candidate = folder / name
            # `Path.is_file` raises where nobody may look, and where no file can be called so
            if os.path.isfile(candidate):  # noqa: PTH113
                return candidate
    return None


def _unread(folder: Path, settings_path: Path | None) -> Iterator[ConfigurationProblem]:
    """Files of a folder that look like its settings and are not."""
    for name in (*FILE_NAMES, *(name.removeprefix(".") for name in FILE_NAMES)):
        path = folder / name
        if path == settings_path or not os.path.isfile(path):  # noqa: PTH113 - as above
            continue
        document = read_policy_file(path, "setting", None)
        known = {field.alias or key for key, field in Settings.model_fields.items()}
        if name not in FILE_NAMES and not (isinstance(document.data, dict) and known & document.data.keys()):
            continue
        message = f"this file is not read; to be settings, it has to be called {FILE_NAMES[0]}"
        if settings_path and settings_path.parent == folder:
            message = f"this file is not read: the settings are in {settings_path.name}"
        yield ConfigurationProblem(path, document, Problem(Span(0, 0), message, "setting"))


def configure(
    root: Path | None,
    *,
    settings_path: Path | None = None,
    section: object = None,
    changes: Mapping[str, object] | None = None,
    only: Iterable[str] = (),
    buffers: Mapping[Path, str] | None = None,
    memo: PolicyMemo | None = None,
) -> tuple[Configuration, tuple[str, ...]]:
    """Read the settings that hold for a folder, and the policies they name.

    Args:
        root: the folder; None where there is none (an unsaved buffer).
        settings_path: the settings file; looked for at the root and above where it is not given.
        section: an editor's `kscan` section, over the file.
        changes: keys that a command line sets, over both.
        only: control ids that replace the choice of controls.
        buffers: texts of files that an editor has open, over what is on disk.
        memo: what came of policy files before, kept by whoever reads them often.

    Returns:
        The configuration, and in words what is wrong with `section`, `changes` and `only`.
    """
    path = settings_path or (find_settings(root) if root else None)
    document = read_document("")
    problems: list[ConfigurationProblem] = []
    settings = Settings()
    if path is not None:
        document = read_policy_file(path, "setting", buffers)
        settings, found = read_settings(document)
        problems += [ConfigurationProblem(path, document, problem) for problem in found]
    from_file = settings
    settings, wrong = overlay(settings, section)
    if changes:
        settings = replace_settings(settings, changes)
    policy_root = path.parent if path else root
    if policy_root and (path is None or path == find_settings(policy_root)):
        problems += _unread(policy_root, path)
    named, unnamed = _policy_files(settings.policies, policy_root)
    known = load_policies(named, buffers, memo=memo)
    problems += [ConfigurationProblem(Path(p.source), p.document, p.problem) for p in known.problems]
    missing = [SettingError(("policies", number), message) for number, message in unnamed]
    lists = None
    if isinstance(settings.inputs, str):
        lists = _read_lists(settings.inputs, policy_root, known, buffers)
        if isinstance(lists, str):
            missing.append(SettingError(("inputs",), lists))
        else:
            settings = settings.model_copy(update={"inputs": lists.values})
            problems += [
                ConfigurationProblem(lists.path, lists.document, problem) for problem in lists.problems
            ]
    rules, setting_errors = choose(known, settings, only=only)
    words = list(wrong)
    for error in (*missing, *setting_errors):
        if isinstance(lists, _ListsFile) and error.path[0] == "inputs":
            problem = Problem(
                span_at(lists.document, error.path[1:], on_key=error.on_key), error.message, "setting"
            )
            problems.append(ConfigurationProblem(lists.path, lists.document, problem))
        elif (
            path is not None
            and not (only and error.path[0] == "controls")
            and _same_place(from_file, settings, error.path)
        ):
            problem = Problem(span_at(document, error.path, on_key=error.on_key), error.message, "setting")
            problems.append(ConfigurationProblem(path, document, problem))
        else:
            words.append(error.message)
    # a token may stand in settings, too
    problems = [one._replace(problem=redacted((one.problem,))[0]) for one in problems]
    words = [redact(text) for text in words]
    files = frozenset(
        [*named, *([path] if path else []), *([lists.path] if isinstance(lists, _ListsFile) else [])]
    )
    changed = tuple(changes_of(settings, known, path, document, from_file))
    return Configuration(root, path, settings, rules, tuple(problems), files, changed), tuple(words)


class _ListsFile(NamedTuple):
    """A file of inputs as read."""

    path: Path
    document: Document
    values: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


def _read_lists(
    name: str, root: Path | None, known: PolicySet, buffers: Mapping[Path, str] | None
) -> _ListsFile | str:
    """The inputs in a file, or why there is no such file.

    Names that no control reads are left alone, since a file of Kubescape's has those of its other controls, too; but
    not one that is nearly the name of a list that is missing. A list that is wrong costs itself only.
    """
    files, wrong = ([], []) if root is None else named_files((name,), root, (), inside=workspace_of(root))
    if not files:
        return wrong[0][1] if wrong else f"there is no file '{name}'"
    path = files[0]
    document = read_policy_file(path, "setting", buffers)
    lists, problems = validate(InputsFile, document, "setting")
    values = (lists or without_errors(InputsFile, document)).root
    read = {name for control in known.controls.values() for name in control.inputs}
    missing = sorted(read - values.keys())
    misspelt = tuple(
        Problem(
            span_at(document, (name,), on_key=True),
            f"no control reads an input '{name}'; did you mean '{meant[0]}'?",
            "setting",
        )
        for name in values
        if name not in read and (meant := get_close_matches(name, missing, n=1, cutoff=0.85))
    )
    return _ListsFile(path, document, {n: v for n, v in values.items() if n in read}, problems + misspelt)


def _policy_files(names: tuple[str, ...], root: Path | None) -> NamedFiles:
    """The policy files that settings name; what is relative to no folder is nowhere."""
    if root is None:
        return NamedFiles([], [(n, f"there is no file or folder '{name}'") for n, name in enumerate(names)])
    return named_files(names, root, POLICY_SUFFIXES, inside=workspace_of(root))


def _same_place(from_file: Settings, settings: Settings, path: tuple[str | int, ...]) -> bool:
    """Whether a setting comes from the file: only then can a problem with it be placed there."""
    name = str(path[0])
    return getattr(from_file, name, None) == getattr(settings, name, None)
