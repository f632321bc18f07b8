"""All that a kustomization leads to, in memory: what is built is a copy of that, and nothing else.

Each name has to be a file or a folder of the workspace, links followed: what a repository says must not make anything
read the rest of the disk or reach the network. Kustomize reads files in and below the folder of a kustomization only;
where names lead elsewhere in the workspace that is lifted, unless plugins name files, which nobody else has looked at.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.render.kustomize.files import MAX_BYTES, FilesOnDisk
from kscan_lsp.render.kustomize.kustomization import (
    Kustomization,
    KustomizationFault,
    files_of_plugin,
    inline_plugins,
    is_remote,
    names_in,
    read_kustomization,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from kscan_lsp.render.kustomize.files import OverlayFiles
    from kscan_lsp.render.kustomize.kustomization import NameInKustomization

MAX_FILES: Final = 5_000
MAX_DEPTH: Final = 50
"""How many kustomizations may stand between an overlay and what it builds on."""
_OF_PLUGINS: Final = frozenset(("apiVersion", "kind", "metadata", "resources", "bases", "namespace"))
"""What a kustomization of plugins may say."""
_NOT_READ: Final = frozenset((".git", "node_modules"))


class OverlayInput(Struct, frozen=True):
    """A file that a kustomization names: what it is there for (`NameInKustomization.kind`), and what is in it."""

    kind: str
    raw: bytes


class Overlay(Struct, frozen=True):
    """A kustomization, and all that it leads to, by real and absolute paths."""

    folder: str
    kustomizations: Mapping[str, Kustomization]
    """By folder, in the order in which they are built: what others build on comes before them."""
    inputs: Mapping[str, OverlayInput]
    targets: Mapping[tuple[str, tuple[str | int, ...]], str]
    """What each name leads to, by the folder of its kustomization and its path there."""
    lifted: bool = False
    """Whether files of the workspace outside of the folders of their kustomizations are read."""

    @property
    def top(self) -> str:
        """The folder that all of it is in."""
        return os.path.commonpath([self.folder, *self.kustomizations, *map(os.path.dirname, self.inputs)])

    @property
    def file(self) -> str:
        """The file of the kustomization itself."""
        return self.kustomizations[self.folder].file

    @property
    def files(self) -> frozenset[str]:
        """All files that it is built from."""
        return frozenset((*(one.file for one in self.kustomizations.values()), *self.inputs))

    def builds_the_same(self, other: Overlay) -> bool:
        """Whether another has the same texts in the same files."""
        texts = {one.file: one.text for one in self.kustomizations.values()}
        return (
            self.inputs == other.inputs
            and self.targets == other.targets
            and texts == {one.file: one.text for one in other.kustomizations.values()}
        )


class _OverlayError(Exception):
    def __init__(self, fault: KustomizationFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def read_overlay(
    folder: str, workspace: Iterable[Path | str], files: OverlayFiles | None = None
) -> Overlay | KustomizationFault:
    """A kustomization with all that it leads to, or why it is not built.

    Args:
        folder: where it is.
        workspace: the folders that all files have to be in.
        files: where they come from, if not from the disk.
    """
    source = files or FilesOnDisk()
    reading = _OverlayReading(source, tuple(source.real(str(one)) for one in workspace))
    top = source.real(folder)
    try:
        reading.visit(top, (), None)
    except _OverlayError as error:
        return error.fault
    return Overlay(top, reading.kustomizations, reading.inputs, reading.targets, reading.lifted)


class _OverlayReading:
    def __init__(self, files: OverlayFiles, workspace: Sequence[str]) -> None:
        self.files = files
        self.workspace = workspace
        self.kustomizations: dict[str, Kustomization] = {}
        self.inputs: dict[str, OverlayInput] = {}
        self.targets: dict[tuple[str, tuple[str | int, ...]], str] = {}
        self.size = 0
        self.lifted = False
        self.plugins = False

    def visit(
        self, folder: str, above: tuple[str, ...], by: tuple[Kustomization, NameInKustomization] | None
    ) -> None:
        """Read the kustomization in a folder, and what it leads to; `above` lead to it, and `by` names it."""
        if folder in self.kustomizations:
            return
        if folder in above or len(above) > MAX_DEPTH:
            why = (
                f"'{by[1].name}' leads back to this kustomization"
                if by and folder in above
                else f"more than {MAX_DEPTH} kustomizations build on each other"
            )
            raise _OverlayError(by[0].fault(by[1].path, why, parts=False) if by else _no(folder))
        there = [
            name for name in KUSTOMIZATION_NAMES if self.files.kind(os.path.join(folder, name)) == "file"
        ]
        if len(there) != 1:
            why = "has no kustomization" if not there else "has several kustomizations"
            raise _OverlayError(
                by[0].fault(by[1].path, f"the folder '{by[1].name}' {why}") if by else _no(folder)
            )
        file = os.path.join(folder, there[0])
        if not self.is_inside(self.files.real(file)):
            raise _OverlayError(
                KustomizationFault(file, 1, "it is a link to a file outside of this workspace")
            )
        raw = self.read(file, by)
        read = read_kustomization(file, raw)
        if isinstance(read, KustomizationFault):
            raise _OverlayError(read)
        for name in names_in(read.data):
            self.follow(read, folder, name, (*above, folder))
        for path, text in inline_plugins(read.data):
            self.plugin(read, folder, text, path)
        if self.lifted and self.plugins:
            raise _OverlayError(
                KustomizationFault(
                    file, 1, "it has plugins, and names files outside of the folder of a kustomization"
                )
            )
        self.kustomizations[folder] = read

    def follow(
        self, one: Kustomization, folder: str, name: NameInKustomization, above: tuple[str, ...]
    ) -> None:
        """Read what a name leads to."""
        target = self.target(one, folder, name.name, name.path)
        kind = self.files.kind(target)
        if kind == "folder" and name.kind == "plugin":
            self.plugins_in(target, one, name)
        elif kind == "folder" and name.kind in {"base", "component"}:
            self.visit(target, above, (one, name))
        elif kind == "folder" or name.kind == "component":
            raise _OverlayError(
                one.fault(name.path, f"'{name.name}' is {'no file' if kind == 'folder' else 'no folder'}")
            )
        else:
            self.add(one, folder, target, name)
        self.targets[folder, name.path] = target

    def target(self, one: Kustomization, folder: str, name: str, path: tuple[str | int, ...]) -> str:
        """Where a name leads: a file or a folder of the workspace."""
        if os.path.isabs(name) or not name:
            raise _OverlayError(
                one.fault(path, f"'{name}' is outside of this workspace: what is built has to lie in it")
            )
        joined = os.path.normpath(os.path.join(folder, name))
        inside = self.is_inside(joined) and self.is_inside(self.files.real(joined))
        if is_remote(name) and not (inside and self.files.kind(joined)):
            raise _OverlayError(
                one.fault(path, f"'{_short(name)}' is not in this workspace, and nothing is fetched")
            )
        if not inside:
            raise _OverlayError(
                one.fault(
                    path, f"'{_short(name)}' is outside of this workspace: what is built has to lie in it"
                )
            )
        if not self.files.kind(joined):
            raise _OverlayError(one.fault(path, f"there is no file or folder '{_short(name)}'"))
        return self.files.real(joined)

    def add(self, one: Kustomization, folder: str, target: str, name: NameInKustomization) -> None:
        """Read a file that is no kustomization."""
        known = self.inputs.get(target)
        if known is None:
            self.inputs[target] = known = OverlayInput(name.kind, self.read(target, (one, name)))
        elif known.kind != name.kind:
            self.inputs[target] = OverlayInput("several", known.raw)
        if not target.startswith(folder.rstrip(os.sep) + os.sep):
            self.lifted = True
        if name.kind == "plugin":
            self.plugin(one, folder, known.raw.decode(errors="replace"), name.path)

    def plugin(self, one: Kustomization, folder: str, text: str, path: tuple[str | int, ...]) -> None:
        """Read the files that the configuration of a plugin names."""
        for named in files_of_plugin(text):
            self.plugins = True
            target = self.target(one, folder, named, path)
            if self.files.kind(target) != "file":
                raise _OverlayError(one.fault(path, f"'{named}' is no file"))
            self.inputs.setdefault(target, OverlayInput("several", self.read(target, None)))

    def plugins_in(self, folder: str, one: Kustomization, name: NameInKustomization) -> None:
        """Read a kustomization that builds configurations of plugins: plain files, which name none."""
        inside = _OverlayReading(self.files, self.workspace)
        inside.visit(folder, (), (one, name))
        more = {key for below in inside.kustomizations.values() for key in below.data} - _OF_PLUGINS
        texts = (there.raw.decode(errors="replace") for there in inside.inputs.values())
        if more or any(True for text in texts for _ in files_of_plugin(text)):
            why = f"'{name.name}' has plugins that are patched, or that read files; they are not built"
            raise _OverlayError(one.fault(name.path, why))
        self.kustomizations |= inside.kustomizations
        self.targets |= inside.targets
        self.inputs |= {path: OverlayInput("several", there.raw) for path, there in inside.inputs.items()}
        self.size += inside.size

    def read(self, path: str, by: tuple[Kustomization, NameInKustomization] | None) -> bytes:
        """What is in a file, within limits."""
        raw = self.files.read(path)
        if isinstance(raw, Unreadable):
            why = f"'{by[1].name}' cannot be read: {raw.reason}" if by else raw.reason
            raise _OverlayError(by[0].fault(by[1].path, why) if by else KustomizationFault(path, 1, why))
        self.size += len(raw)
        if self.size > MAX_BYTES or len(self.inputs) + len(self.kustomizations) >= MAX_FILES:
            why = f"this overlay is too large to build: more than {MAX_BYTES:,} bytes or {MAX_FILES:,} files"
            raise _OverlayError(KustomizationFault(path, 1, why, parts=False))
        return raw

    def is_inside(self, path: str) -> bool:
        """Whether a path is in the workspace, and in none of the folders that hold nothing a person wrote."""
        return any(
            path == top or (path.startswith(top.rstrip(os.sep) + os.sep) and not _hidden(path, top))
            for top in self.workspace
        )


def _hidden(path: str, top: str) -> bool:
    return not _NOT_READ.isdisjoint(os.path.relpath(path, top).split(os.sep))


def _no(folder: str) -> KustomizationFault:
    return KustomizationFault(
        os.path.join(folder, KUSTOMIZATION_NAMES[0]), 1, "there is not one kustomization here"
    )


def _short(name: str) -> str:
    return name if len(name) <= 120 else f"{name[:117]}..."
