"""What an overlay is built from, with marks: the files of the copy that is built the second time.

Documents are marked in the order in which they are built: of a kustomization first what it builds on, then what it
generates, its patches and what it sets. So of two that have set the same, the one with the higher number did it last.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from kscan_lsp.kubernetes.locate import Locator, ResolvedPath
from kscan_lsp.regex import regex
from kscan_lsp.render.kustomize.copying import below, copied
from kscan_lsp.render.kustomize.kustomization import names_in
from kscan_lsp.render.kustomize.marking import (
    MARK,
    BuildSource,
    MarkRules,
    compared_fields,
    env_lines,
    patch_operations,
    within_block,
)
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml.data import find
from kscan_lsp.yaml.document import Document, read_document, split
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.kustomization import Kustomization
    from kscan_lsp.render.kustomize.marking import BuildMarks
    from kscan_lsp.render.kustomize.overlay import Overlay

_CHOSEN: Final = regex(r"\[([\w./-]+)=")
"""A list element that a replacement chooses by one of its fields."""
_RENAMING: Final = ("namePrefix", "nameSuffix")


class Inputs:
    """The documents of an overlay, read once for all builds with marks."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self._read: dict[str, list[tuple[int, Document]]] = {}
        self._texts: dict[str, str] = {}

    def documents(self, path: str) -> list[tuple[int, Document]]:
        """The documents of a file with their offsets; none where it cannot be read, or has marks of its own."""
        if path not in self._read:
            found: list[tuple[int, Document]] = []
            try:
                text = self._texts[path] = self.overlay.inputs[path].raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = self._texts[path] = ""
            offset = 0
            for piece in () if MARK.search(text) else split(text):
                found.append((offset, read_document(piece)))
                offset += len(piece)
            if any(not one.complete or one.is_stream for _, one in found):
                found = []
            self._read[path] = [(at, one) for at, one in found if one.data is not None]
        return self._read[path]

    def rules(self) -> MarkRules:
        """What gets no marks in this overlay."""
        said = [one.data for one in self.overlay.kustomizations.values()]
        texts = json.dumps(said)
        texts += "".join(
            one.raw.decode("utf-8", "replace")
            for one in self.overlay.inputs.values()
            if one.kind == "replacement"
        )
        images = {str(entry.get("name")) for data in said for entry in _entries(data.get("images"))}
        keys = set(_CHOSEN.findall(texts))
        names: set[str] = set()
        renamed = any(data.get(key) for data in said for key in _RENAMING)
        for path, one in self.overlay.inputs.items():
            for _, document in self.documents(path) if one.kind in {"base", "patch"} else ():
                keys |= {*compared_fields(document.data)}
                if renamed and isinstance(document.data, dict):
                    names |= {*_names_of(document.data)}
        for data in said:
            for entry in _entries(data.get("patches")):
                if "test" in str(entry.get("patch", "")):
                    keys |= {*compared_fields(read_document(str(entry["patch"])).data)}
            for key in ("configMapGenerator", "secretGenerator") if renamed else ():
                names |= {str(entry.get("name")) for entry in _entries(data.get(key))}
        labelled = "labelSelector" in texts or "annotationSelector" in texts
        return MarkRules(frozenset(names), frozenset(images), frozenset(keys), labelled)

    def marked(self, marks: BuildMarks) -> dict[str, bytes]:
        """The files with marks, by their paths below the top of the overlay."""
        files = {path: one.raw for path, one in self.overlay.inputs.items()}
        said: dict[str, Any] = {}
        numbers = iter(range(1_000_000_000))
        done: set[str] = set()
        for folder, one in self.overlay.kustomizations.items():
            named: dict[str, list[tuple[Path, str]]] = {}
            for name in names_in(one.data):
                named.setdefault(name.kind, []).append((name.path, self.overlay.targets[folder, name.path]))
            for kind, role in (("base", "resource"), ("patch", "patch")):
                for _, path in named.get(kind, ()):
                    if self.overlay.inputs.get(path, None) and path not in done:
                        done.add(path)
                        files[path] = self._marked_file(marks, path, role, numbers)
                if kind == "base":
                    own = _source(one, next(numbers), "generator")
                    for path_in, path in named.get("text", ()):
                        if path not in done:
                            done.add(path)
                            _mark_content(marks, files, path, own, path_in)
                    for _, path in named.get("env", ()):
                        if path not in done and self.overlay.inputs[path].kind == "env":
                            done.add(path)
                            self._mark_env(marks, files, path, next(numbers))
            said[folder] = _marked_kustomization(marks, one, own, numbers, last=folder == self.overlay.folder)
        return below(self.overlay, files, copied(self.overlay, said))

    def _marked_file(self, marks: BuildMarks, path: str, role: str, numbers: Iterator[int]) -> bytes:
        """A file of manifests or patches, with marks."""
        kind = "patch" if role == "patch" else "base"
        there = self.overlay.inputs[path]
        if there.kind != kind or not (documents := self.documents(path)):
            return there.raw
        made = []
        for offset, document in documents:
            source = BuildSource(path, document, next(numbers), role, Locator(document, ()), _moved(offset))
            made.append(_marked_document(marks, source))
        return "\n---\n".join(made).encode("utf-8", "replace")

    def _mark_env(self, marks: BuildMarks, files: dict[str, bytes], path: str, number: int) -> None:
        self.documents(path)
        text = self._texts[path]
        if text and not MARK.search(text):
            whole = replace(read_document(""), text=text)
            source = BuildSource(path, whole, number, "generator", _Lines(text), _moved(0))
            files[path] = env_lines(marks, source, text).encode()


def _marked_document(marks: BuildMarks, source: BuildSource) -> str:
    data = source.document.data
    if isinstance(data, dict) and data.get("kind") == "CustomResourceDefinition":
        # the largest of all texts, and nobody finds anything in their schemas
        return json.dumps({**data, **marks.mapping(source, ())}, ensure_ascii=False)
    made = patch_operations(marks, source) if isinstance(data, list) else marks.tree(source)
    return json.dumps(made, ensure_ascii=False)


def _mark_content(
    marks: BuildMarks, files: dict[str, bytes], path: str, source: BuildSource, at: Path
) -> None:
    try:
        text = files[path].decode()
    except UnicodeDecodeError:
        return
    if not MARK.search(text):
        files[path] = marks.text(text, source, at).encode()


def _marked_kustomization(
    marks: BuildMarks, one: Kustomization, generator: BuildSource, numbers: Iterator[int], *, last: bool
) -> dict[str, Any]:
    """What a kustomization says, with marks in what it generates, patches and sets."""
    if MARK.search(one.text):
        return one.data
    said = dict(one.data)
    for key in ("configMapGenerator", "secretGenerator"):
        said[key] = [
            {
                **entry,
                "literals": [
                    _literal(marks, generator, (key, n, "literals", m), text) for m, text in _texts(entry)
                ],
            }
            if entry.get("literals")
            else entry
            for n, entry in enumerate(_entries(said.get(key)))
        ]
    for key in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        entries = said.get(key)
        if not isinstance(entries, list):
            continue
        made: list[Any] = []
        for n, entry in enumerate(entries):
            if isinstance(entry, str):
                made.append(_inline(marks, one, (key, n), entry, numbers))
            elif isinstance(entry, dict) and isinstance(entry.get("patch"), str):
                made.append(
                    {**entry, "patch": _inline(marks, one, (key, n, "patch"), entry["patch"], numbers)}
                )
            else:
                made.append(entry)
        said[key] = made
    own = _source(one, next(numbers), "overlay")
    images = marks.rules.images
    for key in ("images", "imageTags"):
        said[key] = [
            {
                field: marks.text(value, own, (key, n, field))
                if field in {"newName", "newTag", "digest"}
                and isinstance(value, str)
                and value
                and value not in images
                else value
                for field, value in entry.items()
            }
            for n, entry in enumerate(_entries(said.get(key)))
        ]
    said["replicas"] = [
        {**entry, "count": marks.number(entry.get("count"), own, ("replicas", n, "count"))}
        for n, entry in enumerate(_entries(said.get("replicas")))
    ]
    said["labels"] = [
        {**entry, "pairs": _pairs(marks, own, ("labels", n, "pairs"), entry.get("pairs"))}
        for n, entry in enumerate(_entries(said.get("labels")))
    ]
    for key in ("commonLabels", "commonAnnotations"):
        said[key] = _pairs(marks, own, (key,), said.get(key))
    if isinstance(said.get("namespace"), str) and marks.rules.namespaces > (not last):
        said["namespace"] = marks.text(said["namespace"], own, ("namespace",))
    return {key: value for key, value in said.items() if value or key in one.data}


def _pairs(marks: BuildMarks, source: BuildSource, path: Path, pairs: Any) -> Any:
    if not isinstance(pairs, dict):
        return pairs
    return {
        key: marks.text(value, source, (*path, key))
        if isinstance(value, str) and not marks.rules.labelled
        else value
        for key, value in pairs.items()
    }


def _literal(marks: BuildMarks, source: BuildSource, path: Path, text: str) -> str:
    return marks.text(text, source, path) if "=" in text else text


def _inline(marks: BuildMarks, one: Kustomization, path: Path, text: str, numbers: Iterator[int]) -> str:
    """A patch that stands in a kustomization, with marks."""
    place = find(one.document.root, path) if one.document.root else None
    if place is None or (
        isinstance(path[-1], int) and not text.strip().startswith("{") and "\n" not in text.strip()
    ):
        return text  # the name of a file
    entry = one.document
    inside = within_block(entry.text, place.node) if isinstance(place.node, Scalar) else None
    whole = Locator(entry, ()).resolve(path).span
    made = []
    offset = 0
    for piece in split(text):
        document = read_document(piece)
        if not document.complete:
            return text
        moved = _inside(inside[0] if inside else None, offset, whole, one.offset)
        source = BuildSource(
            one.file,
            document,
            next(numbers),
            "patch",
            Locator(document, ()),
            moved,
            inside[1] if inside else -1,
        )
        if document.data is not None:
            made.append(_marked_document(marks, source))
        offset += len(piece)
    return "\n---\n".join(made)


def _inside(
    inside: Callable[[Span], Span] | None, offset: int, whole: Span, at: int
) -> Callable[[Span], Span]:
    def moved(span: Span) -> Span:
        found = inside(Span(span.start + offset, span.end + offset)) if inside else whole
        return Span(found.start + at, found.end + at)

    return moved


def _source(one: Kustomization, number: int, role: str) -> BuildSource:
    return BuildSource(one.file, one.document, number, role, Locator(one.document, ()), _moved(one.offset))


def _moved(offset: int) -> Callable[[Span], Span]:
    return lambda span: Span(span.start + offset, span.end + offset)


class _Lines:
    """Where the lines of a text stand."""

    def __init__(self, text: str) -> None:
        self._lines = LineIndex(text)

    def resolve(self, path: Path) -> ResolvedPath:
        number = path[0]
        assert isinstance(number, int)  # noqa: S101
        span = Span(self._lines.starts[number], self._lines.content_end(number))
        return ResolvedPath(span, (span,))


def _names_of(data: dict[str, Any]) -> Iterator[str]:
    metadata = data.get("metadata")
    if isinstance(metadata, dict) and isinstance(name := metadata.get("name"), str):
        yield name
    for item in _entries(data.get("items")):
        yield from _names_of(item)


def _entries(value: object) -> list[dict[str, Any]]:
    """The entries of a list; one that has anything else is no list that is looked into."""
    found = value if isinstance(value, list) else []
    return found if all(isinstance(one, dict) for one in found) else []


def _texts(entry: dict[str, Any]) -> Iterator[tuple[int, str]]:
    literals = entry.get("literals")
    yield from enumerate(map(str, literals if isinstance(literals, list) else ()))
