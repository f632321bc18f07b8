"""The `init` command: a folder -> the text of a `.kscan.yaml` for it, which says what was found and can be edited.

Everything but the frameworks and the custom kinds that run pods is a comment: what nobody chose must not be a setting.
Charts and overlays are named with the command that renders them, since they can only be judged as they are rendered.
A terminal is asked about frameworks and kinds; elsewhere, and with `--yes`, the answers are the ones that it proposes.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from kscan_lsp.cli.options import UsageError, split_names
from kscan_lsp.cli.survey import look_at
from kscan_lsp.cli.terminal import print_error, write_output
from kscan_lsp.files.manifest import display_name
from kscan_lsp.report.catalog import framework_list
from kscan_lsp.report.printable import counted, visible
from kscan_lsp.settings.model import DEFAULT_FRAMEWORK, FILE_NAMES, NEWEST_KUBERNETES
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.workspace.policies import builtin_policies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.cli.survey import PodTemplates, Repository

_MAX_LISTED: Final = 20


def run(folder: Path, frameworks: Sequence[str], *, stdout: bool, yes: bool) -> None:
    """Write the settings of a folder, or print them, and say what was found and what comes next.

    On a terminal, ask for frameworks where none are named, and whether custom kinds that run pods are to be judged,
    unless all that is proposed is to be taken (`yes`).

    Raises:
        UsageError: the folder has settings or is none, a framework is unknown.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder '{folder}'")
    path = None if stdout else settings_file(folder)
    asking = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    named = chosen_frameworks(frameworks)
    repository = look_at(folder)
    print_error(_found(repository))
    if asking and not frameworks:
        named = ask()
    judged = not asking or not repository.pods or ask_for_pods(repository.pods)
    write_output(text_of(named, repository, judged=judged), path)
    if path is not None:
        print_error("\n".join([f"written: {path}", *_next(folder, repository)]))


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


def ask() -> tuple[str, ...]:
    """Ask on the terminal for frameworks, until there are such."""
    print_error(framework_list(builtin_policies()))
    while True:
        answer = typer.prompt("Frameworks to check, with commas between", default=DEFAULT_FRAMEWORK, err=True)
        try:
            return chosen_frameworks(split_names([answer]))
        except UsageError as error:
            print_error(str(error))


def ask_for_pods(pods: Sequence[PodTemplates]) -> bool:
    """Ask on the terminal whether some custom kinds are to be judged."""
    for kind, group, path in pods:
        print_error(f"{kind} ({group}) runs pods as written at {_shown(path)}")
    return typer.confirm("Check these pods, too?", default=True, err=True)


def text_of(frameworks: Sequence[str], repository: Repository, *, judged: bool = True) -> str:
    """The text of the settings; `judged`: whether custom kinds that run pods are."""
    return "\n".join([*_lines(frameworks, repository, judged=judged), ""])


def _found(repository: Repository) -> str:
    counts = [
        counted(repository.manifests, "manifest"),
        counted(len(repository.charts), "Helm chart"),
        counted(len(repository.overlays), "overlay of Kustomize", "overlays of Kustomize"),
    ]
    kinds = {(kind, group) for kind, group, _ in repository.pods}
    if kinds:
        counts.append(counted(len(kinds), "custom kind that runs pods", "custom kinds that run pods"))
    return f"found: {', '.join(counts)}"


def _next(folder: Path, repository: Repository) -> Iterator[str]:
    """What to do with the settings that were written; a scan goes by those of the folder that it is started in."""
    where = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
    yield "next:"
    for command, about in (
        ("kscan scan", "what is wrong now"),
        ("kscan fix", "all safe fixes as a diff; --write makes them, --unsafe has the others"),
        ("kscan baseline create", "write down what is left, so that only what is new fails a scan"),
        ("kscan scan --fail-on high", "in CI: status 1 fails the job, other severities are stricter"),
    ):
        yield f"  {' && '.join([*where, command]):28}  # {about}"
    if repository.charts or repository.overlays:
        yield f"Charts and overlays are judged as they are rendered: {FILE_NAMES[0]} has the commands."


def _lines(frameworks: Sequence[str], repository: Repository, *, judged: bool) -> Iterator[str]:
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
    if repository.pods:
        off = "" if judged else "#"
        yield ""
        yield "# Custom kinds that run pods, with the path to the pod template in them."
        yield f"{off}podSpecPaths:"
        for kind, group, path in repository.pods:
            yield f"{off}  - {{kind: {kind}, group: {group}, path: {json.dumps(path)}}}"
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
        yield f"#   {program} {_shown(quoted)} | kscan scan -"
    if (left := len(folders) - _MAX_LISTED) > 0:
        yield f"#   and {left} more"


def _shown(text: str) -> str:
    """A text in one line: a name with a line end in it must not end the comment."""
    return "".join(c if c.isprintable() else visible(c) for c in text)
