"""The overlays that a command came to: read, built, and ready to be judged with the manifests around them.

Built is each kustomization that no other builds on; components are built where an overlay names them. One that cannot
be built is said, and then those that it builds on are tried: what can be judged is judged.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kscan_lsp.cli.options import UsageError
from kscan_lsp.files.discover import repository
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.named import workspace_of
from kscan_lsp.redaction import redact
from kscan_lsp.render.kustomize.building import build
from kscan_lsp.render.kustomize.kustomization import KustomizationFault
from kscan_lsp.render.kustomize.maker import kustomize
from kscan_lsp.render.kustomize.overlay import read_overlay
from kscan_lsp.render.makers import RenderError
from kscan_lsp.report.model import NotScanned
from kscan_lsp.workspace.overlays import OverlayBuild

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kscan_lsp.render.kustomize.building import Built
    from kscan_lsp.render.kustomize.maker import Kustomize
    from kscan_lsp.render.kustomize.overlay import Overlay, OverlayFiles


class BuiltOverlays(NamedTuple):
    """What became of kustomizations."""

    overlays: Mapping[str, OverlayBuild]
    """Those that were built, by the real path of the folder."""
    covered: frozenset[str]
    """The real paths of all files that they were built from."""
    not_scanned: tuple[NotScanned, ...]


def built_overlays(
    folders: Iterable[str],
    named: Sequence[str],
    files: OverlayFiles | None = None,
    *,
    inside: str = "",
) -> BuiltOverlays | None:
    """Overlays built; None where nothing is installed that builds them.

    Args:
        folders: those with the kustomizations that were come to.
        named: the files and folders that the user named; what is built lies in them, in their checkout, or in the
            working directory around them.
        files: where files come from, if not from the disk.
        inside: the folder that all files have to be in, where that is not the workspace.

    Raises:
        UsageError: the environment names a program that is none.
    """
    try:
        maker = kustomize(map(os.path.abspath, named))
    except RenderError as error:
        raise UsageError(str(error)) from None
    if maker is None:
        return None
    work = _OverlayWork(maker, named, files, inside)
    work.build(sorted({os.path.realpath(folder) for folder in folders}))
    return BuiltOverlays(
        dict(sorted(work.built.items())),
        frozenset[str]().union(*(one.files for one in work.overlays)),
        tuple(dict.fromkeys(work.not_scanned)),
    )


class _OverlayWork:
    def __init__(
        self, maker: Kustomize, named: Sequence[str], files: OverlayFiles | None, inside: str
    ) -> None:
        self.maker = maker
        self.named = [os.path.realpath(one) for one in named]
        self.files = files
        self.inside = inside
        self.built: dict[str, OverlayBuild] = {}
        self.overlays: list[Overlay] = []
        self.not_scanned: list[NotScanned] = []

    def build(self, folders: Sequence[str]) -> None:
        """Build those of some folders that no other builds on, and what is left of the others where they do not."""
        read: dict[str, Overlay] = {}
        said: set[str] = set()
        for folder in folders:
            found = read_overlay(folder, self.workspace(folder), self.files)
            if isinstance(found, KustomizationFault):
                # of kustomizations that lead to each other in a circle, one is told of
                concerned = set() if found.parts else {folder, os.path.dirname(found.file)}
                if concerned & said:
                    continue
                said |= concerned
                self.say(found.file, found.line, f"this overlay is not built: {found.message}")
            else:
                read[folder] = found
        todo = dict(read)
        while todo:
            included = {below for one in todo.values() for below in one.kustomizations if below != one.folder}
            roots = [one for folder, one in todo.items() if folder not in included]
            tried = [one for one in roots if not one.kustomizations[one.folder].is_component]
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                answers = [*pool.map(self.built_or_why, tried)]
            for one, answer in zip(tried, answers, strict=True):
                if isinstance(answer, str):
                    self.say(one.file, 1, f"this overlay is not built: {answer}")
                else:
                    self.overlays.append(one)
                    self.built[one.folder] = _build_of(one, answer)
            done = {folder for one in self.overlays for folder in one.kustomizations}
            todo = {folder: one for folder, one in todo.items() if folder not in done and one not in roots}

    def built_or_why(self, overlay: Overlay) -> Built | str:
        """What an overlay builds, or why it does not."""
        try:
            return build(self.maker, overlay)
        except RenderError as error:
            return redact(str(error))

    def workspace(self, folder: str) -> list[Path]:
        """The folders that all that an overlay is built from has to be in."""
        if self.inside:
            return [Path(self.inside)]
        inside = [*workspace_of(Path(folder))]
        if not repository(folder):
            here = os.path.realpath(".")
            inside += [Path(one) for one in (here, *self.named) if _is_below(folder, one)]
        return inside

    def say(self, file: str, line: int, why: str) -> None:
        """Note what is not scanned."""
        self.not_scanned.append(NotScanned(display_name(Path(file)), line, why))


def _build_of(overlay: Overlay, built: Built) -> OverlayBuild:
    texts = {one.file: one.text for one in overlay.kustomizations.values()}
    for path, one in overlay.inputs.items():
        texts[path] = one.raw.decode("utf-8-sig", "replace")
    named = {path: display_name(Path(path)) for path in texts}
    return OverlayBuild(
        named[overlay.file], built, {named[path]: text for path, text in texts.items()}, named.__getitem__
    )


def _is_below(folder: str, top: str) -> bool:
    return folder == top or folder.startswith(top.rstrip(os.sep) + os.sep)
