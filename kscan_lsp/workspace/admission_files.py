"""Admission policies that are not among the manifests of a workspace, and that its settings name.

A platform team has them elsewhere. What counts of such files is policies, bindings and the params of these: the other
objects in them are no part of the workspace.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.admission.asking import read_policy
from kscan_lsp.admission.model import BINDINGS, GROUP
from kscan_lsp.files.discover import is_excluded
from kscan_lsp.files.encoding import SourceText, Unreadable, read
from kscan_lsp.files.manifest import is_json
from kscan_lsp.files.named import named_files, workspace_of
from kscan_lsp.policy.ruleset import SettingError
from kscan_lsp.workspace.kubescape_files import is_library
from kscan_lsp.workspace.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.files.discover import Exclude
    from kscan_lsp.graph.index import Object
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.settings.layers import Layer

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_NO_ADMISSION: Final = (
    "'%s' has controls for Kubescape, and no cluster is asked by them: name it under 'policies'"
)


class AdmissionFile(Struct, frozen=True):
    """A file of policies as read."""

    path: Path
    text: str


def read_admission(
    layers: Iterable[Layer],
    folder_of: Callable[[Layer], Path | None],
    buffers: Mapping[Path, str] | None,
    missing: list[tuple[Layer, SettingError]],
) -> tuple[AdmissionFile, ...]:
    """The files of policies that settings name; notes those that are not there.

    Args:
        layers: the settings.
        folder_of: what the names in each are relative to.
        buffers: texts of files that an editor has open.
        missing: where it is noted what is wrong.
    """
    found: dict[Path, AdmissionFile] = {}
    for layer in layers:
        names, folder = layer.settings.admission.policies, folder_of(layer)
        if not names or folder is None:
            continue
        inside = workspace_of(folder)
        files, wrong = named_files(names, folder, _SUFFIXES, inside=inside)
        wrong += [
            (n, _NO_ADMISSION % name) for n, name in enumerate(names) if is_library(folder / name, inside)
        ]
        missing += [(layer, SettingError(("admission", "policies", n), message)) for n, message in wrong]
        for path in (Path(os.path.normpath(one)) for one in files):
            source = SourceText(buffers[path]) if buffers and path in buffers else read(path)
            if isinstance(source, Unreadable):
                error = SettingError(("admission", "policies"), f"'{path.name}' is left out: {source.reason}")
                missing.append((layer, error))
            else:
                found[path] = AdmissionFile(path, source.text)
    return tuple(found.values())


def not_below(files: Iterable[AdmissionFile], root: Path | None, exclude: Exclude) -> list[AdmissionFile]:
    """Those that are not read with the manifests of a folder, None where that of none are; as for `is_excluded`."""
    return [
        one
        for one in files
        if root is None or not one.path.is_relative_to(root) or is_excluded(one.path, exclude)
    ]


def declared_by(
    files: Iterable[AdmissionFile], ruleset: Ruleset, name: Callable[[Path], str]
) -> dict[str, tuple[Object, ...]]:
    """What the files of policies declare for a workspace, by the names of the files.

    Args:
        files: the files.
        ruleset: that of the workspace.
        name: what a file is called there.
    """
    texts = {name(one.path): one.text for one in files}
    found = {file: objects_of(file, text, ruleset, json=is_json(file, text)) for file, text in texts.items()}
    params = {
        read_policy(one).param_kind
        for objects in found.values()
        for one in objects
        if one.id.kind in BINDINGS.values() and one.id.group == GROUP
    }
    return {
        file: tuple(
            one for one in objects if one.id.group == GROUP or (one.id.api_version, one.id.kind) in params
        )
        for file, objects in found.items()
    }
