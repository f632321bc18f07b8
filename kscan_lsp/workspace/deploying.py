"""The objects of manifests that say what charts are installed as, with where they stand."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.paths import lookup
from kscan_lsp.regex import regex
from kscan_lsp.yaml.document import Document, read_document, split
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from kscan_lsp.paths import Path as PathInData

HELMFILE: Final = regex(r"helmfile\.ya?ml")
_CHART: Final = regex(r"""(?m)^[ \t-]*chart:[ \t]*["']?(.*?)["']?[ \t]*$""")
_ACTION: Final = regex(r"\{\{.*?\}\}")
_BY_HAND: Final = "list them under 'charts' in .kscan.yaml"
_GROUPS: Final = ("argoproj.io/", ".toolkit.fluxcd.io/")


class DeployingObject(Struct, frozen=True):
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


def is_template(path: Path, text: str) -> bool:
    """Whether a file is a helmfile that has to be rendered before it says anything."""
    return HELMFILE.fullmatch(path.name) is not None and "{{" in text


def in_template(path: Path, text: str, charts: Collection[Path]) -> tuple[int, str] | None:
    """The line, from 1, and why the releases of a helmfile that is a template are not rendered.

    None where it is none, or names none of these charts.
    """
    if not is_template(path, text) or not any(
        _may_be(path.parent, found[1], charts) for found in _CHART.finditer(text)
    ):
        return None
    line = text.count("\n", 0, text.find("{{")) + 1
    why = f"this helmfile is not rendered: it is a template, so its releases are not known; {_BY_HAND}"
    return line, why


def in_set(one: DeployingObject, top: Path, charts: Collection[Path]) -> tuple[PathInData, str] | None:
    """Where and why the applications of an ApplicationSet are not rendered; None where it names none of these charts.

    Args:
        one: the object.
        top: what its paths are relative to.
        charts: the real paths of charts.
    """
    if one.get("kind") != "ApplicationSet":
        return None
    below: PathInData = ("spec", "template", "spec")
    several = one.get(*below, "sources")
    numbers = range(len(several)) if isinstance(several, list) else ()
    for at in ((*below, "source", "path"), *((*below, "sources", number, "path") for number in numbers)):
        name = one.get(*at)
        if isinstance(name, str) and _may_be(top, name, charts):
            named = one.get("metadata", "name")
            why = "which applications it makes is not known from files"
            return at, f"ApplicationSet '{named}' is not rendered: {why}; {_BY_HAND}"
    return None


def _may_be(top: Path, name: str, charts: Collection[Path]) -> bool:
    """Whether a name with actions in it may be that of one of these charts."""
    pattern = re.compile(".*".join(map(re.escape, _ACTION.split(name))))
    names = {os.path.relpath(chart, os.path.realpath(top)) for chart in charts}
    plain = os.path.normpath(name) if "{{" not in name else ""
    return any(one == plain or pattern.fullmatch(one) or pattern.fullmatch(f"./{one}") for one in names)
