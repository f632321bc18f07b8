"""One kustomization as read: what it names, and what may be in it.

The keys are those of `api/types/kustomization.go` of sigs.k8s.io/kustomize (v5). Kustomize reads them whatever their
case is; here one that is written differently is refused, so that no name of a file is overlooked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.kubernetes.locate import resolve
from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml.document import Document, read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path

FOLDERS: Final = ("resources", "bases", "components")
"""Lists of what a kustomization builds on: folders with kustomizations, and files."""
_PLUGINS: Final = ("generators", "transformers", "validators")
_FILES: Final = ("crds", "configurations")
_PATCHES: Final = ("patches", "patchesJson6902")
_GENERATORS: Final = ("configMapGenerator", "secretGenerator")
_HELM: Final = ("helmCharts", "helmChartInflationGenerator")
_KEYS: Final = frozenset((
    "apiVersion", "kind", "metadata", "openapi", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels",
    "commonAnnotations", "patchesStrategicMerge", "images", "imageTags", "replacements", "replicas", "vars",
    "sortOptions", "helmGlobals", "generatorOptions", "buildMetadata",
    *FOLDERS, *_PLUGINS, *_FILES, *_PATCHES, *_GENERATORS, *_HELM,
))  # fmt: skip
_ENTRY_KEYS: Final = {
    **dict.fromkeys(_PATCHES, frozenset(("path", "patch", "target", "options"))),
    **dict.fromkeys(
        _GENERATORS,
        frozenset(("namespace", "name", "behavior", "literals", "files", "envs", "env", "type", "options")),
    ),
    "replacements": frozenset(("path", "source", "targets")),
}
_FILE_FIELDS: Final = frozenset(("path", "paths", "files", "env", "envs"))
"""Fields of a configuration of a plugin that name files."""
_REMOTE: Final = regex(
    r"[a-z0-9+.-]+:|[\w.-]+@|[^/]*\.(?:com|org|net|io|dev)[/:]|.*(?:\?ref=|\.git(?:/|$|\?))", re.IGNORECASE
)


class NameInKustomization(Struct, frozen=True):
    """A name of a file or a folder in a kustomization: where it stands, and what stands before it (`key=`)."""

    path: Path
    name: str
    kind: str
    """What for: `base` (a folder or a file), `component`, `patch`, `replacement`, `file`, `text`, `env`, `plugin`."""
    before: str = ""


class KustomizationFault(Struct, frozen=True):
    """What is wrong: in which file, at which line (from 1), and whether it is the fault of this kustomization alone."""

    file: str
    line: int
    message: str
    parts: bool = True


class Kustomization(Struct, frozen=True):
    """A kustomization: its file, the text of that, the document in it, and the offset at which that begins."""

    file: str
    text: str
    document: Document
    offset: int

    @property
    def data(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = self.document.data
        return found

    @property
    def is_component(self) -> bool:
        """Whether it cannot be built alone."""
        return self.data.get("kind") == "Component"

    def fault(self, path: Path, message: str, *, parts: bool = True) -> KustomizationFault:
        """What is wrong at a path."""
        span = resolve(self.document, path).span
        line = LineIndex(self.text).position(self.offset + span.start).line + 1
        return KustomizationFault(self.file, line, message, parts)


def read_kustomization(file: str, raw: bytes) -> Kustomization | KustomizationFault:
    """A kustomization as read, or why it cannot be.

    Args:
        file: its path.
        raw: what is in it.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return KustomizationFault(file, 1, "this is not UTF-8")
    found = []
    offset = 0
    for piece in split(text):
        document = read_document(piece)
        if not document.complete:
            worst = min(document.problems, key=lambda one: not one.fatal)
            line = LineIndex(text).position(offset + worst.span.start).line + 1
            return KustomizationFault(file, line, worst.message)
        if document.root is not None and document.data is not None:
            found.append(Kustomization(file, text, document, offset))
        offset += len(piece)
    if len(found) != 1 or not isinstance(found[0].document.data, dict):
        return KustomizationFault(file, 1, "a kustomization is one mapping")
    return _unknown(found[0]) or found[0]


def _unknown(one: Kustomization) -> KustomizationFault | None:
    """What in it is not known, or not built here."""
    for key, value in one.data.items():
        if key not in _KEYS:
            return one.fault((key,), f"Kustomize has no field '{key}'")
        if key in _HELM and value:
            return one.fault((key,), "charts in kustomizations are not built: that fetches them")
        for number, entry in enumerate(value if isinstance(value, list) else ()):
            for field in entry if isinstance(entry, dict) and key in _ENTRY_KEYS else ():
                if field not in _ENTRY_KEYS[key]:
                    return one.fault((key, number, field), f"Kustomize has no field '{field}' in '{key}'")
    return None


def is_remote(name: str) -> bool:
    """Whether a name that is nothing on this disk is probably meant to be fetched."""
    return not name.startswith(".") and _REMOTE.match(name) is not None


def is_inline(text: str) -> bool:
    """Whether a patch or a plugin stands in the list where its file could be named."""
    return "\n" in text.strip() or text.lstrip().startswith(("{", "["))


def names_in(data: dict[str, Any]) -> Iterator[NameInKustomization]:
    """The files and folders that a kustomization names."""
    for key in FOLDERS:
        kind = "component" if key == "components" else "base"
        yield from (NameInKustomization((key, number), name, kind) for number, name in _texts(data.get(key)))
    for key in _FILES:
        yield from (
            NameInKustomization((key, number), name, "file") for number, name in _texts(data.get(key))
        )
    for key in _PLUGINS:
        for number, name in _texts(data.get(key)):
            if not is_inline(name):
                yield NameInKustomization((key, number), name, "plugin")
    for number, name in _texts(data.get("patchesStrategicMerge")):
        if not is_inline(name):
            yield NameInKustomization(("patchesStrategicMerge", number), name, "patch")
    for key in (*_PATCHES, "replacements"):
        for number, entry in _entries(data.get(key)):
            if isinstance(file := entry.get("path"), str) and file:
                yield NameInKustomization(
                    (key, number, "path"), file, "replacement" if key == "replacements" else "patch"
                )
    openapi = data.get("openapi")
    if isinstance(openapi, dict) and isinstance(file := openapi.get("path"), str) and file:
        yield NameInKustomization(("openapi", "path"), file, "file")
    for key in _GENERATORS:
        for number, entry in _entries(data.get(key)):
            for index, name in _texts(entry.get("files")):
                before, equals, rest = name.rpartition("=")
                yield NameInKustomization((key, number, "files", index), rest, "text", before + equals)
            for index, name in _texts(entry.get("envs")):
                yield NameInKustomization((key, number, "envs", index), name, "env")
            if isinstance(file := entry.get("env"), str) and file:
                yield NameInKustomization((key, number, "env"), file, "env")


def inline_plugins(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """The configurations of plugins that stand in a kustomization."""
    for key in _PLUGINS:
        for number, text in _texts(data.get(key)):
            if is_inline(text):
                yield (key, number), text


def files_of_plugin(text: str) -> Iterator[str]:
    """The files that configurations of Kustomize's own plugins name."""
    for piece in split(text):
        data = read_document(piece).data
        for key, value in data.items() if isinstance(data, dict) else ():
            if key.lower() == "replacements":
                for _, entry in _entries(value):
                    yield from (str(name) for field, name in entry.items() if field.lower() == "path")
            elif key.lower() in _FILE_FIELDS:
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, str) and not is_inline(one):
                        yield one.rpartition("=")[2]


def _texts(value: object) -> Iterator[tuple[int, str]]:
    yield from (
        (number, one)
        for number, one in enumerate(value if isinstance(value, list) else ())
        if isinstance(one, str)
    )


def _entries(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    yield from (
        (number, one)
        for number, one in enumerate(value if isinstance(value, list) else ())
        if isinstance(one, dict)
    )


def place_of(one: Kustomization, path: Path) -> Span:
    """Where a path of a kustomization stands in its file."""
    span = resolve(one.document, path).span
    return Span(one.offset + span.start, one.offset + span.end)
