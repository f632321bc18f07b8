"""The overlays that a command came to: read, built, and ready to be judged with the manifests around them.

Built is each kustomization that no other builds on; components are built where an overlay names them. One that cannot
be built is said, and then those that it builds on are tried: what can be judged is judged. Whoever builds the same
overlays again and again says what is known of them: what has not changed is not built again, and one that does not
build any more stays what it was.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

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
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.overlays import OverlayBuild
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from kscan_lsp.render.kustomize.building import Built
    from kscan_lsp.render.kustomize.files import OverlayFiles
    from kscan_lsp.render.kustomize.maker import Kustomize
    from kscan_lsp.render.kustomize.overlay import Overlay

_OBJECTS: Final = frozenset(("base", "patch", "replacement", "several"))
"""What files are there for that have to be YAML (`OverlayInput.kind`)."""


class KnownBuild(Struct, frozen=True):
    """An overlay as it was built last."""

    tried: Overlay
    why: str
    """Why that did not build; empty where it did."""
    at: tuple[str, int]
    """The file and the line at fault then."""
    overlay: Overlay | None = None
    """As it was when it built last."""
    build: OverlayBuild | None = None


class OverlayNames(Struct, frozen=True):
    """What files are called where overlays are judged, and what messages call overlays, both by path."""

    file: Callable[[str], str] = lambda path: display_name(Path(path))
    title: Callable[[str], str] = lambda path: display_name(Path(path))


class BuiltOverlays(Struct, frozen=True):
    """What became of kustomizations."""

    overlays: Mapping[str, OverlayBuild]
    """Those that were built, by the real path of the folder."""
    covered: frozenset[str]
    """The real paths of all files that they were built from."""
    not_scanned: tuple[NotScanned, ...]
    known: Mapping[str, KnownBuild]
    """For who builds them again."""
    files: frozenset[str]
    """The real paths of all files that were read, of those that are not built, too."""
    concerned: Mapping[NotScanned, frozenset[str]]
    """The real paths of the files of what is not built, as far as they are known."""
    unread: frozenset[str] = frozenset()
    """The folders of those that are as they were, because their kustomizations cannot be read."""


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
        from kscan_lsp.cli.options import UsageError  # an editor that builds overlays has no command line

        raise UsageError(str(error)) from None
    if maker is None:
        return None
    tops = [os.path.realpath(one) for one in named]

    def workspace(folder: str) -> list[Path]:
        """The folders that all that an overlay is built from has to be in."""
        if inside:
            return [Path(inside)]
        around = [*workspace_of(Path(folder))]
        if not repository(folder):
            here = os.path.realpath(".")
            around += [Path(one) for one in (here, *tops) if _is_below(folder, one)]
        return around

    return build_overlays(maker, folders, workspace, files)


def build_overlays(
    maker: Kustomize,
    folders: Iterable[str],
    workspace: Callable[[str], Sequence[Path]],
    files: OverlayFiles | None = None,
    *,
    names: OverlayNames | None = None,
    known: Mapping[str, KnownBuild] | None = None,
    wanted: Callable[[Mapping[str, Overlay]], Collection[str]] | None = None,
) -> BuiltOverlays:
    """Overlays built.

    Args:
        maker: what builds them.
        folders: those with the kustomizations.
        workspace: the folders that all that an overlay in a folder is built from has to be in.
        files: where files come from, if not from the disk.
        names: what files are called.
        known: what was known of overlays before.
        wanted: the folders of those that anybody wants to know of; all where it is not given.
    """
    work = _OverlayWork(maker, workspace, files, names or OverlayNames(), known or {})
    work.build(sorted({os.path.realpath(folder) for folder in folders}), wanted)
    return BuiltOverlays(
        dict(sorted(work.built.items())),
        frozenset[str]().union(*(one.files for one in work.overlays)),
        tuple(dict.fromkeys(work.not_scanned)),
        work.now,
        frozenset(work.read),
        work.concerned,
        frozenset(work.unread),
    )


class _OverlayWork:
    def __init__(
        self,
        maker: Kustomize,
        workspace: Callable[[str], Sequence[Path]],
        files: OverlayFiles | None,
        names: OverlayNames,
        known: Mapping[str, KnownBuild],
    ) -> None:
        self.maker = maker
        self.workspace = workspace
        self.files = files
        self.names = names
        self.known = known
        self.now: dict[str, KnownBuild] = {}
        self.unread: set[str] = set()
        """The folders of those that cannot be read, and did build before."""
        self.read: set[str] = set()
        self.built: dict[str, OverlayBuild] = {}
        self.overlays: list[Overlay] = []
        self.not_scanned: list[NotScanned] = []
        self.concerned: dict[NotScanned, frozenset[str]] = {}

    def build(
        self, folders: Sequence[str], wanted: Callable[[Mapping[str, Overlay]], Collection[str]] | None
    ) -> None:
        """Build those of some folders that no other builds on, and what is left of the others where they do not."""
        read: dict[str, Overlay] = {}
        said: set[str] = set()
        for folder in folders:
            found = read_overlay(folder, self.workspace(folder), self.files)
            if not isinstance(found, KustomizationFault):
                read[folder] = found
                continue
            before = self.known.get(folder)
            if before is not None and before.overlay is not None:
                read[folder] = before.overlay
                self.unread.add(folder)
            # of kustomizations that lead to each other in a circle, one is told of
            concerned = set() if found.parts else {folder, os.path.dirname(found.file)}
            if not concerned & said:
                said |= concerned
                self.say(found.file, found.line, found.message, read.get(folder))
        self.read.update(*(one.files for one in read.values()))
        if wanted is not None:
            those = wanted(read)
            read = {folder: one for folder, one in read.items() if folder in those}
        todo = dict(read)
        while todo:
            included = {below for one in todo.values() for below in one.kustomizations if below != one.folder}
            roots = [one for folder, one in todo.items() if folder not in included]
            tried = [one for one in roots if not one.kustomizations[one.folder].is_component]
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                answers = [*pool.map(self.built_or_why, tried)]
            for one, answer in zip(tried, answers, strict=True):
                self.now[one.folder] = answer
                if answer.why and one.folder not in self.unread:
                    self.say(*answer.at, answer.why, one)
                if answer.overlay is not None and answer.build is not None:
                    self.overlays.append(answer.overlay)
                    self.built[one.folder] = answer.build
            done = {folder for one in self.overlays for folder in one.kustomizations}
            todo = {folder: one for folder, one in todo.items() if folder not in done and one not in roots}

    def built_or_why(self, overlay: Overlay) -> KnownBuild:
        """What an overlay builds, or why it does not."""
        before = self.known.get(overlay.folder)
        if before is not None and (
            overlay.folder in self.unread or before.tried is overlay or before.tried.builds_the_same(overlay)
        ):
            return before
        try:
            built = build(self.maker, overlay)
        except RenderError as error:
            worked = (before.overlay, before.build) if before else (None, None)
            return KnownBuild(overlay, *_why(overlay, redact(str(error))), *worked)
        return KnownBuild(overlay, "", ("", 0), overlay, self.build_of(overlay, built))

    def build_of(self, overlay: Overlay, built: Built) -> OverlayBuild:
        """What an overlay builds, with the texts of all that it is built from."""
        texts = {one.file: one.text for one in overlay.kustomizations.values()}
        for path, one in overlay.inputs.items():
            texts[path] = one.raw.decode("utf-8-sig", "replace")
        named = {path: self.names.file(path) for path in texts}
        return OverlayBuild(
            named[overlay.file],
            built,
            {named[path]: text for path, text in texts.items()},
            named.__getitem__,
            self.names.title(overlay.file),
        )

    def say(self, file: str, line: int, why: str, overlay: Overlay | None) -> None:
        """Note what is not scanned."""
        place = NotScanned(self.names.file(file), line, f"this overlay is not built: {why}")
        self.not_scanned.append(place)
        self.concerned[place] = overlay.files if overlay else frozenset()


def _why(overlay: Overlay, said: str) -> tuple[str, tuple[str, int]]:
    """Why an overlay does not build, and where: a file that is no YAML is at fault, whatever was said of it."""
    for path, one in sorted(overlay.inputs.items()):
        if one.kind not in _OBJECTS or not path.endswith((".yaml", ".yml")):
            continue
        text = one.raw.decode("utf-8-sig", "replace")
        offset = 0
        for piece in split(text):
            document = read_document(piece)
            if not document.complete:
                worst = min(document.problems, key=lambda problem: not problem.fatal)
                line = LineIndex(text).position(offset + worst.span.start).line + 1
                return worst.message, (path, line)
            offset += len(piece)
    return said, (overlay.file, 1)


def _is_below(folder: str, top: str) -> bool:
    return folder == top or folder.startswith(top.rstrip(os.sep) + os.sep)
