"""The `init` command: a folder -> the text of a `.kscan.yaml` for it, which says what was found and can be edited.

Everything but the frameworks is a comment: what nobody chose must not be a setting. Charts and overlays are named with
the command that renders them, since they can only be judged as they are rendered.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from kscan_lsp.cli.options import UsageError, split_names
from kscan_lsp.cli.terminal import print_error, write_output
from kscan_lsp.files.discover import discover
from kscan_lsp.files.encoding import Unreadable, read
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.report.catalog import framework_list
from kscan_lsp.report.printable import visible
from kscan_lsp.settings.model import DEFAULT_FRAMEWORK, FILE_NAMES, NEWEST_KUBERNETES
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAX_LISTED: Final = 20
_USED: Final = ("resources", "bases", "components")
"""Where a kustomization names others (kustomize.config.k8s.io, all versions)."""


class Repository(NamedTuple):
    """What a folder has that is rendered before it is judged: folders of charts and of overlays, relative to it."""

    charts: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()


def run(folder: Path, frameworks: Sequence[str], *, stdout: bool) -> None:
    """Write the settings of a folder, or print them; on a terminal, ask for frameworks where none are named.

    Raises:
        UsageError: the folder has settings or is none, a framework is unknown.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder '{folder}'")
    path = None if stdout else settings_file(folder)
    asking = not frameworks and sys.stdin.isatty() and sys.stderr.isatty()
    named = ask() if asking else chosen_frameworks(frameworks)
    write_output(text_of(named, look_at(folder)), path)
    if path is not None:
        print_error(f"written: {path}; 'kscan scan {shlex.quote(str(folder))}' goes by it")


def settings_file(folder: Path) -> Path:
    """Where the settings of a folder are to be written, which must not be there yet.

    Raises:
        UsageError: it has settings.
    """
    for name in FILE_NAMES:
        if os.path.lexists(folder / name):
            raise UsageError(
                f"there are settings in '{display_name(folder / name)}' already; change them, or see with --stdout "
                "what would be written"
            )
    return folder / FILE_NAMES[0]


def chosen_frameworks(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of frameworks, the default one where none is named.

    Raises:
        UsageError: there is no such framework.
    """
    policies = builtin_policies()
    found = [(name, policies.framework(name)) for name in names or (DEFAULT_FRAMEWORK,)]
    unknown = [
        f"unknown framework '{name}'{nearest_name(name, sorted(policies.frameworks))}"
        for name, framework in found
        if framework is None
    ]
    if unknown:
        raise UsageError("\n".join([*unknown, "'kscan list frameworks' shows what there is"]))
    return tuple(dict.fromkeys(framework.id for _, framework in found if framework))


def look_at(folder: Path) -> Repository:
    """The charts and overlays in a folder, without charts inside of charts, components, and what other overlays use."""
    charts: list[str] = []
    kustomizations: list[str] = []
    used: set[str] = set()
    for path in discover(folder).files:
        where = os.path.relpath(path.parent, folder)
        if path.name == "Chart.yaml" and not any(_is_below(where, chart) for chart in charts):
            charts.append(where)
        elif path.name in KUSTOMIZATION_NAMES:
            component, names = _read_kustomization(path)
            used.update(os.path.normpath(f"{where}/{name}") for name in names)
            if not component:
                kustomizations.append(where)
    return Repository(tuple(charts), tuple(where for where in kustomizations if where not in used))


def ask() -> tuple[str, ...]:
    """Ask on the terminal for frameworks, until there are such."""
    print_error(framework_list(builtin_policies()))
    while True:
        answer = typer.prompt("Frameworks to check, with commas between", default=DEFAULT_FRAMEWORK, err=True)
        try:
            return chosen_frameworks(split_names([answer]))
        except UsageError as error:
            print_error(str(error))


def text_of(frameworks: Sequence[str], repository: Repository) -> str:
    """The text of the settings."""
    return "\n".join([*_lines(frameworks, repository), ""])


def _lines(frameworks: Sequence[str], repository: Repository) -> Iterator[str]:
    yield "# Settings of kscan for this folder and all below it; docs/settings.md explains every key."
    yield ""
    yield "# What is checked: 'kscan list frameworks' shows what there is, 'kscan list controls' what is on."
    yield f"frameworks: [{', '.join(frameworks)}]"
    yield ""
    yield "# Controls that are not for this project, and other severities. Every report names what is changed here."
    yield "#controls:"
    yield "#  exclude: [C-0056]"
    yield "#  severity: {C-0013: high}"
    yield ""
    yield "# Files to leave out, as patterns of .gitignore."
    yield "#exclude: [vendor/]"
    yield ""
    yield f"# The version of Kubernetes that the manifests are for; without it, 1.{NEWEST_KUBERNETES}."
    yield "#kubernetesVersion: 1.33"
    yield from _rendered("Helm charts", "helm template", repository.charts)
    yield from _rendered("Overlays of Kustomize", "kustomize build", repository.overlays)


def _rendered(what: str, program: str, folders: Sequence[str]) -> Iterator[str]:
    """Comments with the commands that have some folders judged."""
    if not folders:
        return
    yield ""
    yield f"# {what} are judged as they are rendered:"
    for folder in folders[:_MAX_LISTED]:
        name = Path(folder).as_posix()
        quoted = shlex.quote(f"./{name}" if name.startswith("-") else name)
        # a name with a line end in it must not end the comment
        shown = "".join(c if c.isprintable() else visible(c) for c in quoted)
        yield f"#   {program} {shown} | kscan scan -"
    if (left := len(folders) - _MAX_LISTED) > 0:
        yield f"#   and {left} more"


def _read_kustomization(path: Path) -> tuple[bool, list[str]]:
    """Whether a kustomization is a component, which cannot be built alone, and what it builds on."""
    source = read(path)
    component, names = False, []
    for piece in () if isinstance(source, Unreadable) else split(source.text):
        data = read_document(piece).data
        if isinstance(data, dict):
            component = component or data.get("kind") == "Component"
            lists = (entries for key in _USED if isinstance(entries := data.get(key), list))
            names += [entry for entries in lists for entry in entries if isinstance(entry, str)]
    return component, names


def _is_below(where: str, folder: str) -> bool:
    return folder == "." or where.startswith(f"{folder}{os.sep}")
