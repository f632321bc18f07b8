"""Files that are left alone by design, in words: why, and what has them judged. Terminal and editor say the same."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "excluded": ("excluded by the settings or .gitignore",) * 2,
    "helm-template": ("Helm template", "Helm templates"),
    "jinja-template": ("Jinja template", "Jinja templates"),
    "kustomize-patch": ("Kustomize patch", "Kustomize patches"),
    "not-kubernetes": ("not a Kubernetes manifest", "not Kubernetes manifests"),
}
"""What one file and several are that are left alone, for each of `model.SKIP_REASONS`."""

INSTALL: Final = "install what renders charts: pip install 'kscan-lsp[helm]'"
"""What has charts judged where nothing renders them."""
INSTALL_KUSTOMIZE: Final = "install kustomize or kubectl, and overlays are built here"
"""What has overlays judged where nothing builds them."""
_VARIABLES: Final = "variables.yaml"
"""What stands for the file with the variables of a Jinja template: `jinja2` of jinja2-cli wants to be told which."""


def counted_by_reason(counts: Mapping[str, int]) -> str:
    """How many files are left alone, by reason; reasons without any are left out."""
    return ", ".join(counted(count, *WORDS[reason]) for reason, count in counts.items() if count)


def why(reason: str, hint: str) -> str:
    """Why a file is left alone, and the command that has it judged, if there is one."""
    return f"{WORDS[reason][0]}; run: {hint}{instead(hint)}" if hint else WORDS[reason][0]


def instead(hint: str) -> str:
    """What has the same judged as a command that renders it, without that command."""
    if hint.startswith("helm "):
        return f", or {INSTALL}"
    return f", or {INSTALL_KUSTOMIZE}" if hint.startswith("kustomize ") else ""


def rendered_by(file: str, reason: str, rendering: tuple[str, str] | None) -> str:
    """The command that has a file, or what it is part of, judged as it is rendered; empty where there is none.

    Args:
        file: what the file is called.
        reason: why it is left alone.
        rendering: `Partials.rendering` of it, the folder by its name, too.
    """
    if rendering:
        program, folder = rendering
        return f"{program} {shlex.quote(folder)} | kscan scan -"
    if reason == "jinja-template":
        return f"jinja2 {shlex.quote(file)} {_VARIABLES} | kscan scan -"
    return ""
