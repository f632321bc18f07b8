"""Whose settings hold: those of the machine always, and what a workspace brings in policies once its user trusts it.

Policies of a workspace are data, and their work has limits; yet they decide what is called clean, and whoever opens a
folder has agreed to nothing. So an editor can say that a workspace is not trusted: what its settings extend and what
policies they name is not loaded then, nor are its admission policies. All else holds, and what comes with the program
judges as always. A command line is trusted: whoever runs it names what it works on.

What the editor's own settings extend or name is the word of its user, and is loaded in any workspace, but for what lies
in one that is not trusted: of that the user has seen no more than of the rest.

The machine's settings are a file like any other that its user, and no workspace, names in the environment. It lies
above all settings of a workspace, so that what it locks stays.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.files.discover import repository
from kscan_lsp.files.named import is_within
from kscan_lsp.findings import UNTRUSTED, Problem
from kscan_lsp.settings.layers import Layer
from kscan_lsp.settings.model import Settings, read_settings, settings_of
from kscan_lsp.settings.shape import said
from kscan_lsp.workspace.found_packs import is_fetched
from kscan_lsp.workspace.policies import read_policy_file
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MACHINE: Final = "KSCAN_MACHINE_SETTINGS"
"""The environment variable with the path of the machine's settings."""
_LOADING: Final = ("extends", "policies")
"""The keys by which settings load policies."""
NOTICE: Final = (
    "policies are not loaded, since this workspace is not trusted: neither what its settings extend or name, nor its "
    "admission policies; trust it in the editor to have them judge, beside the controls that come with kscan"
)


class SettingsFiles(Struct, frozen=True):
    """Settings files as they count, the outermost first, and what is wrong in them."""

    layers: tuple[Layer, ...]
    problems: tuple[tuple[Layer, Problem], ...]
    machine: tuple[str, ...]
    """The first of them, if it is the machine's."""
    left_out: bool
    """Whether policies are missing that they name, which is no mistake then in what speaks of these."""
    wrong: tuple[str, ...] = ()
    """What is wrong in the environment."""


def read_files(
    files: Iterable[Path], buffers: Mapping[Path, str] | None = None, *, trusted: bool = True
) -> SettingsFiles:
    """Read the machine's settings, and on top of them those of a workspace.

    Args:
        files: those of the workspace, the outermost first.
        buffers: texts of files that an editor has open.
        trusted: whether policies of the workspace are to be loaded.
    """
    layers: list[Layer] = []
    problems: list[tuple[Layer, Problem]] = []
    left_out = False
    named = os.environ.get(MACHINE, "")
    machine = Path.cwd() / named if named else None
    there = machine is not None and machine.is_file()
    for path in (*((machine,) if machine and there else ()), *(one for one in files if one != machine)):
        document = read_policy_file(path, "setting", buffers)
        settings, found = read_settings(document)
        if not trusted and path != machine and (key := _loading(settings)):
            left_out = left_out or key[0] in _LOADING
            settings = without_policies(settings)
            found += (Problem(span_at(document, key, on_key=True), NOTICE, UNTRUSTED),)
        layer = Layer(str(path), document, settings)
        layers.append(layer)
        problems += [(layer, one) for one in found]
    wrong = () if there or machine is None else (f"{MACHINE} names '{named}', which is no file",)
    return SettingsFiles(tuple(layers), tuple(problems), (str(machine),) if there else (), left_out, wrong)


def _loading(settings: Settings) -> tuple[str, ...]:
    """The first place at which settings name policies; empty where they name none."""
    keys = [(key,) for key in _LOADING if said(settings).get(key)]
    return next(iter(keys), ("admission", "policies") if settings.admission.policies else ())


def of_the_user(settings: Settings, root: Path | None, *, trusted: bool) -> tuple[Settings, tuple[str, ...]]:
    """What an editor's own settings say, and in words what of it is not loaded.

    Args:
        settings: as they are.
        root: the folder that their names begin at.
        trusted: whether the workspace is; else all that lies in it is left out.
    """
    if trusted:
        return settings, ()
    chosen = {**said(settings)}
    words: list[str] = []
    for key in filter(chosen.get, _LOADING):
        names: tuple[str, ...] = getattr(settings, key)
        refused = {name: why for name in names if (why := _of_workspace(name, root, key))}
        words += refused.values()
        chosen[key] = tuple(name for name in names if name not in refused)
    return settings_of({key: value for key, value in chosen.items() if value or key not in _LOADING}), (
        *words,
    )


def _of_workspace(name: str, root: Path | None, key: str) -> str:
    """Why what a name of the user's leads to is a matter of the workspace; empty where it is none."""
    about = f"'{name}' under '{key}' of the editor's settings"
    if key == "extends" and is_fetched(name):
        return (
            f"{about} is not loaded: which version holds is said by a lock in this workspace, which is not trusted; "
            f"trust it, or have settings of the machine extend the pack ({MACHINE})"
        )
    if root is None:
        return ""
    path = root / name
    top = Path(repository(str(root)) or root)
    try:
        inside = is_within(path, (top,)) and (key == "policies" or path.is_dir())
    except (OSError, ValueError):  # a name that no file can have, which is said where it is looked for
        return ""
    if not inside:
        return ""
    return (
        f"{about} is not loaded: it lies in this workspace, which is not trusted; trust it, or name another"
    )


def without_policies(settings: Settings) -> Settings:
    """Settings that load no policies."""
    return settings_of({key: value for key, value in said(settings).items() if key not in _LOADING})


def without_admission(settings: Settings) -> Settings:
    """Settings by which no admission policy is evaluated."""
    return settings_of({**said(settings), "admission": {"evaluate": False}})
