"""What a shell proposes at the tabulator key: ids of controls, frameworks, formats; and the script that makes it ask.

The shell runs `kscan` with a variable that has what was typed (typer's protocol), so that all of it is imported then
and at no other time. What a repository's own policies are called goes into a shell that may evaluate it: of those only
ids are proposed, which are letters, digits, dots and hyphens, and never a title.

Left out on purpose: writing into a shell's start-up files. `kscan completion SHELL` prints, and people put it where
their shell looks, as they do with kubectl's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.report.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.policy.model import Control, Framework, PolicySet

SHELLS: Final = ("bash", "zsh", "fish", "powershell")
"""The shells there is a script for."""
_VARIABLE: Final = "_KSCAN_COMPLETE"

Proposals = list[tuple[str, str]]
"""Words with what they stand for, which may be nothing."""


def prepare() -> None:
    """Have typer answer a shell, if one asks."""
    if _VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # typer has no list of exports

        completion_init()


def script(shell: str) -> str:
    """What a shell has to read so that it asks; `shell` is one of SHELLS."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # as above

    return get_completion_script(prog_name="kscan", complete_var=_VARIABLE, shell=shell) + "\n"


def controls(incomplete: str) -> Proposals:
    """Ids of controls, the last of several behind commas."""
    here, builtin = _policies()
    return _last(incomplete, {i: _title(i, here, builtin.controls) for i in here.controls})


def words(incomplete: str) -> Proposals:
    """What can be explained: ids of controls, one by one."""
    return [entry for entry in controls(incomplete) if "," not in entry[0]]


def frameworks(incomplete: str) -> Proposals:
    """Names of frameworks, the last of several behind commas."""
    here, builtin = _policies()
    return _last(incomplete, {i: _title(i, here, builtin.frameworks) for i in here.frameworks})


def formats(incomplete: str) -> Proposals:
    """Names of formats."""
    return _beginning(incomplete, dict.fromkeys(FORMATS, ""))


def shells(incomplete: str) -> Proposals:
    """Names of shells."""
    return _beginning(incomplete, dict.fromkeys(SHELLS, ""))


def _policies() -> tuple[PolicySet, PolicySet]:
    """What is known in the working directory, and what comes with the program."""
    from kscan_lsp.workspace.configuration import configure
    from kscan_lsp.workspace.policies import builtin_policies

    return configure(Path.cwd())[0].ruleset.policies, builtin_policies()


def _title(name: str, here: PolicySet, builtin: Mapping[str, Control] | Mapping[str, Framework]) -> str:
    """A title that comes with the program, and nobody else's."""
    return "" if name in here.replaced or name not in builtin else builtin[name].title


def _last(incomplete: str, known: dict[str, str]) -> Proposals:
    """Proposals for the last of several names; those before it stay, and are not proposed again."""
    before, comma, typed = incomplete.rpartition(",")
    taken = {name.strip().casefold() for name in before.split(",")}
    left = {name: title for name, title in known.items() if name.casefold() not in taken}
    return [(before + comma + name, title) for name, title in _beginning(typed, left)]


def _beginning(typed: str, known: dict[str, str]) -> Proposals:
    return sorted(
        (name, title) for name, title in known.items() if name.casefold().startswith(typed.casefold())
    )
