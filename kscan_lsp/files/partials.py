"""Files that are parts of something else: Helm templates, Kustomize patches and kustomizations.

A patch is a partial object and a template is no YAML yet: judging either would report what is not there.
Whether a file is one can be read from the folders around it. Kustomize reads patches only from its
kustomization's folder and below (its default load restrictions), so the folders above a file are all there
is to look at; kustomizations found on the way through a tree are asked as well, for those who lift the
restriction.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.files import encoding
from kscan_lsp.regex import regex
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterator

KUSTOMIZATION_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
VALUES: Final = regex(r"values(?:[._-].*)?\.ya?ml")
"""What values of a chart are called; they may have any keys, `kind` and `apiVersion` included. Beside a Chart.yaml that
is what they are, and elsewhere unless an object in them has a name (`workspace.results.is_values_file`)."""
ACTION: Final = "{{"
"""What begins an action in a template; a template without one is the manifest that it renders to."""

_HELM: Final = "helm template"
_KUSTOMIZE: Final = "kustomize build"
_APART: Final = ("crds/", ".")
"""What of a chart is not rendered: manifests that are read as they are, and hidden files."""
_NONE: Final[frozenset[str]] = frozenset()


class Partials:
    """What the folders around files say about them; every folder is looked at once."""

    def __init__(self) -> None:
        self._patches: dict[str, frozenset[str]] = {}
        self._charts: dict[str, bool] = {}
        self._around: dict[str, tuple[tuple[str, str], ...]] = {}
        self._patches_anywhere: dict[str, str] = {}
        """The folder of the kustomization that names each."""

    def add_kustomization(self, kustomization: Path) -> None:
        """Ask this kustomization about files anywhere, not only below it."""
        folder = os.path.dirname(os.path.abspath(kustomization))
        for patch in self._patches_of(folder):
            self._patches_anywhere.setdefault(patch, folder)

    def reason_to_skip(self, path: Path) -> str:
        """Why a file must not be judged (one of `report.SKIP_REASONS`); empty where it may.

        A `helm-template` without an `ACTION` in its text may be judged all the same.
        """
        return self.reason_in(*os.path.split(os.path.abspath(path)))

    def reason_in(self, folder: str, name: str) -> str:
        """The same for a file by the absolute path of its folder and its own name."""
        if name in KUSTOMIZATION_NAMES:
            return "not-kubernetes"
        if self._patches_anywhere and os.path.join(folder, name) in self._patches_anywhere:
            return "kustomize-patch"
        if VALUES.fullmatch(name) and self._is_chart(folder):
            return "not-kubernetes"
        found = self._part_of(folder, name)
        return "" if found is None else "helm-template" if found[0] == _HELM else "kustomize-patch"

    def rendering(self, path: Path) -> tuple[str, str] | None:
        """The program and the absolute path of the folder that a file is part of, to be rendered with it.

        That is `helm template` and a chart, or `kustomize build` and the folder of a kustomization; None for others.
        """
        absolute = os.path.abspath(path)
        if path.name in KUSTOMIZATION_NAMES:
            return _KUSTOMIZE, os.path.dirname(absolute)
        if path.name == "Chart.yaml" or (
            VALUES.fullmatch(path.name) and self._is_chart(os.path.dirname(absolute))
        ):
            return _HELM, os.path.dirname(absolute)
        if found := self._part_of(*os.path.split(absolute)):
            return found
        named_by = self._patches_anywhere.get(absolute)
        return (_KUSTOMIZE, named_by) if named_by else None

    def _part_of(self, folder: str, name: str) -> tuple[str, str] | None:
        """The nearest chart or kustomization that has a file among its templates or patches: program and folder."""
        if name == "templates" and self._is_chart(folder):
            return _HELM, folder
        around = self._around.get(folder)
        if around is None:  # the same for all files of a folder, and mostly nothing
            around = self._around[folder] = tuple(self._charts_and_patches(folder))
        if not around:
            return None
        path = os.path.join(folder, name)
        return next((one for one in around if one[0] == _HELM or path in self._patches_of(one[1])), None)

    def _charts_and_patches(self, folder: str) -> Iterator[tuple[str, str]]:
        """The charts and kustomizations around the files of a folder, the nearest first: program and folder of each."""
        if self._patches_of(folder):
            yield _KUSTOMIZE, folder
        for above, inside in _folders(folder):
            if inside == "templates" and self._is_chart(above):
                yield _HELM, above
            if self._patches_of(above):
                yield _KUSTOMIZE, above

    def _is_chart(self, folder: str) -> bool:
        known = self._charts.get(folder)
        if known is None:
            known = self._charts[folder] = os.path.isfile(os.path.join(folder, "Chart.yaml"))
        return known

    def _patches_of(self, folder: str) -> frozenset[str]:
        known = self._patches.get(folder)
        if known is None:
            known = self._patches[folder] = _read_patches(folder)
        return known


def outermost_chart(folder: str) -> str:
    """The folder of the chart that a chart is rendered with: the outermost whose `charts` folder it is in."""
    above, name = os.path.split(os.path.dirname(folder))
    if name == "charts" and os.path.isfile(os.path.join(above, "Chart.yaml")):
        return outermost_chart(above)
    return folder


def chart_around(path: Path | None) -> Path | None:
    """The folder of the chart that a file is rendered with; None for one that is in none, or apart from it."""
    for folder, _ in _folders(os.path.abspath(path)) if path else ():
        if os.path.isfile(os.path.join(folder, "Chart.yaml")):
            inside = Path(os.path.abspath(path or "")).relative_to(folder).as_posix()
            return None if inside.startswith(_APART) else Path(outermost_chart(folder))
    return None


def _folders(path: str) -> Iterator[tuple[str, str]]:
    """Every folder above a path, the nearest first, with the name of its child on the way there."""
    folder, child = os.path.split(path)
    while child:
        yield folder, child
        folder, child = os.path.split(folder)


def _read_patches(folder: str) -> frozenset[str]:
    """The absolute paths of the patches that a folder's kustomization names; none where it has none."""
    for name in KUSTOMIZATION_NAMES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            source = encoding.read(Path(path))
            if isinstance(source, encoding.Unreadable):
                return _NONE
            named = {n for piece in split(source.text) for n in _named(read_document(piece).data)}
            return frozenset(os.path.normpath(os.path.join(folder, n)) for n in named)
    return _NONE


def _named(kustomization: object) -> Iterator[str]:
    """The files that a kustomization names as patches (kustomize.config.k8s.io, all versions)."""
    if not isinstance(kustomization, dict):
        return
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        entries = kustomization.get(key)
        for entry in entries if isinstance(entries, list) else ():
            name = entry.get("path") if isinstance(entry, dict) else entry
            # a strategic merge patch may be written out in place of a name
            if isinstance(name, str) and name and "\n" not in name:
                yield name
