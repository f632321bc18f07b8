"""What settings say and what does nothing: patterns that can match no file, and controls that were not on.

An exclusion that excludes nothing reads like protection against noise, or like an accepted risk, and is neither. What
can never match is wrong; what only matches nothing any more is said without failing anything, since a folder may be
there on one machine and not on another.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kscan_lsp.findings import UNUSED, Problem
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.settings.model import FILE_NAMES, Settings
from kscan_lsp.settings.shape import types_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.policies import read_policy_file
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kscan_lsp import paths
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.yaml.document import Document


def unread_settings(folder: Path, settings_path: Path | None) -> Iterator[tuple[Path, Document, Problem]]:
    """Files of a folder that look like its settings and are not."""
    for name in (*FILE_NAMES, *(name.removeprefix(".") for name in FILE_NAMES)):
        path = folder / name
        if path == settings_path or not os.path.isfile(path):  # noqa: PTH113 - `Path.is_file` may raise
            continue
        document = read_policy_file(path, "setting", None)
        known = types_of(Settings).keys()
        if name not in FILE_NAMES and not (isinstance(document.data, dict) and known & document.data.keys()):
            continue
        message = f"this file is not read; to be settings, it has to be called {FILE_NAMES[0]}"
        if settings_path and settings_path.parent == folder:
            message = f"this file is not read: the settings are in {settings_path.name}"
        yield path, document, Problem(Span(0, 0), message, "setting")


def absolute_patterns(
    exclude: tuple[str, ...], folder: Path, document: Document
) -> Iterator[tuple[paths.Path, str]]:
    """Patterns of `exclude` that are paths of this machine: a slash at their start is the folder of the settings.

    Args:
        exclude: the patterns.
        folder: where the settings are.
        document: their file.

    Returns: The places of the patterns in the file, and what is wrong.
    """
    own = folder.absolute().as_posix().rstrip("/")
    for pattern in exclude:
        path = pattern.removeprefix("!")
        if path.startswith(f"{own}/"):
            message = f"'{pattern}' matches no file: patterns begin at the folder of the settings"
            yield _place_of(pattern, document), f"{message}; write '{path.removeprefix(own)}'"


def _place_of(pattern: str, document: Document) -> paths.Path:
    """Where a pattern stands: others beside it may be wrong, and are in no settings."""
    written = document.data.get("exclude") if isinstance(document.data, dict) else None
    if isinstance(written, list) and pattern in written:
        return ("exclude", written.index(pattern))
    return ("exclude",)


def choices_for_nothing(settings: Settings, ruleset: Ruleset) -> Iterator[tuple[paths.Path, str]]:
    """Choices that change nothing: controls taken out that nothing has, and controls in Rego of which none is on.

    Args:
        settings: what holds.
        ruleset: what came of it.

    Returns: The places in the settings, and what is the matter.
    """
    on = {name for one in ruleset.frameworks for name in members_of(one, ruleset.policies)}
    on.update(settings.controls.include)
    for number, name in enumerate(settings.controls.exclude):
        if name in ruleset.policies.controls and name not in on:
            message = f"this takes nothing out: no chosen framework has {name}"
            yield ("controls", "exclude", number), message
    in_rego = [name for name, control in ruleset.policies.controls.items() if control.rego]
    if in_rego and not ruleset.rego and settings.policies:
        them = ", ".join(in_rego[:3]) + (", ..." if len(in_rego) > 3 else "")
        message = f"nothing is judged by {them}: choose a framework that has them, or 'controls.include' them"
        yield ("policies",), message


def pattern_that_matches_nothing(pattern: str, document: Document) -> Problem:
    """An entry of `exclude` that a scan of all files met no use for, in the file of the settings."""
    message = f"'{pattern}' leaves nothing out: nothing here that would be scanned matches it"
    if pattern.startswith("/") and pattern.count("/") > 1:
        message += "; the slash at its start is the folder of the settings"
    return Problem(span_at(document, _place_of(pattern, document)), message, UNUSED)
