"""What manifests of a workspace say that its charts are installed as, in the editor: looked for once, then followed.

The files of a workspace are read once to find those that name releases of charts. After that the texts of open
documents stand in place of theirs, and what changes on disk has them looked for again.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.files.encoding import Unreadable, read
from kscan_lsp.workspace.deploying import may_be_asked, may_deploy
from kscan_lsp.workspace.deployments import deployments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.workspace.deployments import Deployments, Undecided
    from kscan_lsp.workspace.releases import NamedRelease


class Manifests(Struct, frozen=True, eq=False):
    """The manifests of a folder of the workspace that name releases, and those that these ask about, as on disk."""

    texts: Mapping[Path, str] = {}

    def with_opened(self, opened: Mapping[Path, str]) -> dict[Path, str]:
        """Those with the texts of open documents in place of theirs, and with what only these have."""
        more = {path: text for path, text in opened.items() if path in self.texts or may_deploy(path, text)}
        return {**self.texts, **more}

    def concern(self, path: Path, text: str) -> bool:
        """Whether a file with this text may name a release, or did."""
        return path in self.texts or may_deploy(path, text)


def find_manifests(files: Iterable[Path]) -> Manifests:
    """Those of some files that name releases, with what these ask about."""
    texts: dict[Path, str] = {}
    asked: dict[Path, str] = {}
    for path in files:
        source = read(path)
        if isinstance(source, Unreadable):
            continue
        if may_deploy(path, source.text):
            texts[path] = source.text
        elif may_be_asked(source.text):
            asked[path] = source.text
    return Manifests({**texts, **asked} if texts else {})


def releases_named(
    known: Manifests, folder: Path, opened: Mapping[Path, str], *, listed: bool
) -> tuple[tuple[NamedRelease, ...], tuple[Undecided, ...]]:
    """The releases of a chart that manifests name, and those that cannot be rendered from files alone.

    Args:
        known: the manifests as they are on disk.
        folder: that of the chart.
        opened: the texts of open documents.
        listed: whether settings list releases of it, in place of what is not known.
    """
    texts = known.with_opened(opened)
    if not texts:
        return (), ()
    real = Path(os.path.realpath(folder))
    found = _releases(known, real, tuple(texts.items()), listed)
    return found.by_chart.get(real, ()), found.undecided


@lru_cache(maxsize=16)
def _releases(_: Manifests, folder: Path, files: tuple[tuple[Path, str], ...], listed: bool) -> Deployments:
    """An edit of a template has the same manifests; what they lead to on disk is looked at with each search of them."""
    return deployments(files, frozenset([folder]), [folder] if listed else ())
