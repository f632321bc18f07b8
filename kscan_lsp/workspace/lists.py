"""A file of inputs that settings name: the tunable lists of controls, such as Kubescape's control inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files.named import named_files, workspace_of
from kscan_lsp.findings import Problem
from kscan_lsp.settings.model import InputsFile, replace_settings
from kscan_lsp.settings.validation import validate, without_errors
from kscan_lsp.text import close_matches
from kscan_lsp.workspace.policies import read_policy_file
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kscan_lsp.policy.inputs import Input
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.yaml.document import Document


class ListsFile(Struct, frozen=True):
    """A file of inputs as read."""

    path: Path
    document: Document
    values: Mapping[str, Input]
    problems: tuple[Problem, ...]


def lists_of(
    layer: Layer, folder: Path | None, known: PolicySet, buffers: Mapping[Path, str] | None
) -> ListsFile | str:
    """The inputs in the file that settings name, why there is no such file, or "" where they name none."""
    inputs = layer.settings.inputs
    return read_lists(inputs, folder, known, buffers) if isinstance(inputs, str) else ""


def with_lists(layer: Layer, lists: ListsFile | str) -> Layer:
    """Settings with the inputs in the file that they name in place of its name."""
    if not isinstance(layer.settings.inputs, str):
        return layer
    values = {} if isinstance(lists, str) else lists.values
    return replace(layer, settings=replace_settings(layer.settings, {"inputs": values}))


def read_lists(
    name: str, root: Path | None, known: PolicySet, buffers: Mapping[Path, str] | None
) -> ListsFile | str:
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
    values = (lists or without_errors(InputsFile, document)).lists
    read = {name for control in known.controls.values() for name in control.inputs}
    missing = sorted(read - values.keys())
    misspelt = tuple(
        Problem(
            span_at(document, (name,), on_key=True),
            f"no control reads an input '{name}'; did you mean '{meant[0]}'?",
            "setting",
        )
        for name in values
        if name not in read and (meant := close_matches(name, missing, n=1, cutoff=0.85))
    )
    return ListsFile(path, document, {n: v for n, v in values.items() if n in read}, problems + misspelt)
