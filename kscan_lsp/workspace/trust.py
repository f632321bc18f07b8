"""Whose settings hold: those of the machine always, and what a workspace brings in policies once its user trusts it.

Policies of a workspace are data, and their work has limits; yet they decide what is called clean, and whoever opens a
folder has agreed to nothing. So an editor can say that a workspace is not trusted: what its settings extend and what
policies they name is not loaded then, nor are its admission policies. All else holds, and what comes with the program
judges as always. A command line is trusted: whoever runs it names what it works on.

The machine's settings are a file like any other that its user, and no workspace, names in the environment. It lies
above all settings of a workspace, so that what it locks stays.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.findings import UNTRUSTED, Problem
from kscan_lsp.settings.layers import Layer
from kscan_lsp.settings.model import Settings, read_settings, settings_of
from kscan_lsp.settings.shape import said
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


class SettingsFiles(NamedTuple):
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
        if not trusted and path != machine and (key := next(filter(said(settings).get, _LOADING), "")):
            left_out = True
            settings = without_policies(settings)
            found += (Problem(span_at(document, (key,), on_key=True), NOTICE, UNTRUSTED),)
        layer = Layer(str(path), document, settings)
        layers.append(layer)
        problems += [(layer, one) for one in found]
    wrong = () if there or machine is None else (f"{MACHINE} names '{named}', which is no file",)
    return SettingsFiles(tuple(layers), tuple(problems), (str(machine),) if there else (), left_out, wrong)


def without_policies(settings: Settings) -> Settings:
    """Settings that load no policies."""
    return settings_of({key: value for key, value in said(settings).items() if key not in _LOADING})


def without_admission(settings: Settings) -> Settings:
    """Settings by which no admission policy is evaluated."""
    return settings_of({**said(settings), "admission": {"evaluate": False}})
