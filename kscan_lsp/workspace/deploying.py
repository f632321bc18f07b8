"""The objects of manifests that say what charts are installed as, with where they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.paths import lookup
from kscan_lsp.yaml.document import Document, read_document, split
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kscan_lsp.paths import Path as PathInData

HELMFILE: Final = re.compile(r"helmfile\.ya?ml")
_GROUPS: Final = ("argoproj.io/", ".toolkit.fluxcd.io/")


class DeployingObject(NamedTuple):
    """An object at its place in a file."""

    file: Path
    line: int
    """Of the file, before the document's first; from 0."""
    offset: int
    """Where in the text of the file the document begins."""
    document: Document

    def get(self, *path: str | int) -> Any:
        """What stands at a path; None where nothing does."""
        return lookup(self.document.data, path)

    def line_of(self, path: PathInData) -> int:
        """The line of the file at which a path stands, from 1."""
        return self.line + self.document.lines.line_of(span_at(self.document, path).start) + 1


def may_deploy(path: Path, text: str) -> bool:
    """Whether a file may name releases of charts, or what these are installed from."""
    return any(group in text for group in _GROUPS) or HELMFILE.fullmatch(path.name) is not None


def may_be_asked(text: str) -> bool:
    """Whether a file may have values that a release takes from elsewhere in the cluster."""
    return "ConfigMap" in text


def objects_in(path: Path, text: str) -> Iterator[DeployingObject]:
    """The objects of a file."""
    line = offset = 0
    for piece in split(text):
        document = read_document(piece)
        if isinstance(document.data, dict):
            yield DeployingObject(path, line, offset, document)
        line += piece.count("\n")
        offset += len(piece)


class ConfigMaps:
    """The ConfigMaps of a workspace, read when the first is asked for."""

    def __init__(self, files: Sequence[tuple[Path, str]]) -> None:
        self._files = files
        self._known: dict[tuple[str, str], Any] | None = None

    def data(self, name: str, namespace: str) -> Any:
        """What is in one; None where there is no such one, or several."""
        if self._known is None:
            self._known = {}
            for path, text in self._files:
                for one in objects_in(path, text) if may_be_asked(text) else ():
                    if one.get("kind") == "ConfigMap":
                        key = (
                            str(one.get("metadata", "name")),
                            str(one.get("metadata", "namespace") or "default"),
                        )
                        self._known[key] = None if key in self._known else one.get("data")
        return self._known.get((name, namespace))
