"""What settings name besides policies, each kind read by a module of its own, for most settings name none.

Left out on purpose: exceptions and images, which count where nobody names them, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.policy.ruleset import SettingError
from kscan_lsp.workspace.found_packs import NO_PACKS, FoundPacks

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence
    from pathlib import Path

    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.settings.model import Settings
    from kscan_lsp.workspace.admission_files import AdmissionFile
    from kscan_lsp.workspace.baselines import BaselineFile
    from kscan_lsp.workspace.lists import ListsFile
    from kscan_lsp.workspace.releases import NamedRelease

    FolderOf = Callable[[Layer], Path | None]
    """What the names of files in a layer are relative to."""
    Missing = list[tuple[Layer, SettingError]]
    """Takes what is wrong with a name."""


def packs_named(
    layers: Sequence[Layer], above: Settings, root: Path | None, kept: Container[str] = ()
) -> FoundPacks:
    """The packs that settings extend; arguments as for `packs.find_packs`."""
    if not (above.extends or any(layer.settings.extends for layer in layers)):
        return NO_PACKS
    from kscan_lsp.workspace.packs import find_packs

    return find_packs(layers, above, root, kept)


def baseline_named(
    layers: Sequence[Layer], folder_of: FolderOf, buffers: Mapping[Path, str] | None, missing: Missing
) -> BaselineFile | None:
    """The baseline that settings name; notes where there is none."""
    named = next((one for one in reversed(layers) if one.settings.baseline), None)
    if named is None or (folder := folder_of(named)) is None:
        return None
    from kscan_lsp.workspace.baselines import find_baseline

    found = find_baseline(named.settings.baseline, folder, buffers)
    if isinstance(found, str):
        missing.append((named, SettingError(("baseline",), found)))
        return None
    return found


def lists_named(
    layers: Sequence[Layer],
    folder_of: FolderOf,
    known: PolicySet,
    buffers: Mapping[Path, str] | None,
    missing: Missing,
) -> tuple[list[Layer], list[ListsFile]]:
    """Settings with the inputs in the files that they name in place of the names, and these files."""
    if not any(isinstance(layer.settings.inputs, str) for layer in layers):
        return [*layers], []
    from kscan_lsp.workspace.lists import ListsFile, lists_of, with_lists

    found = [(layer, lists_of(layer, folder_of(layer), known, buffers)) for layer in layers]
    layers = [with_lists(layer, lists) for layer, lists in found]
    missing += [(one, SettingError(("inputs",), why)) for one, why in found if why and isinstance(why, str)]
    return layers, [lists for _, lists in found if isinstance(lists, ListsFile)]


def releases_named(
    layers: Sequence[Layer], folder_of: FolderOf, missing: Missing
) -> dict[Path, tuple[NamedRelease, ...]]:
    """What charts are installed as; arguments as for `releases.releases_of`."""
    if not any(layer.settings.charts for layer in layers):
        return {}
    from kscan_lsp.workspace.releases import releases_of

    return releases_of(layers, folder_of, missing)


def admission_named(
    layers: Sequence[Layer], folder_of: FolderOf, buffers: Mapping[Path, str] | None, missing: Missing
) -> tuple[AdmissionFile, ...]:
    """The files of admission policies; arguments as for `admission_files.read_admission`."""
    if not any(layer.settings.admission.policies for layer in layers):
        return ()
    from kscan_lsp.workspace.admission_files import read_admission

    return read_admission(layers, folder_of, buffers, missing)
