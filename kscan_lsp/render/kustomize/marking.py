"""Marks in what an overlay is built from, and what each stands for.

A mark is a text such as `.{17}.`: made of what a tag of an image may be made of, so that Kustomize finds images by
name all the same. One is appended to each value, and each mapping gets one as a further key. Left without are values
by which Kustomize tells things apart: kinds and names, keys of list elements, and what another object is called.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import find, start, step
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.kubernetes.locate import ResolvedPath
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.data import PathTarget, Tables
    from kscan_lsp.yaml.document import Document

MARK: Final = regex(r"\.\{(\d{1,9})\}\.")
FIRST_NUMBER: Final = 900_000_000
"""A number that has to stay one is its mark, added to this."""
IDENTITY: Final = frozenset((
    "name", "containerPort", "devicePath", "ip", "key", "mountPath", "port", "topologyKey", "type", "uid", "protocol",
    "whenUnsatisfiable",
))  # fmt: skip
"""What tells elements of lists apart: merge keys of patches and keys of lists that are maps, in Kubernetes' API."""
OF_KINDS: Final = frozenset(("apiVersion", "kind", "apiGroup"))
_OWN: Final = regex(
    r"(?:internal\.)?config\.kubernetes\.io/|(?:internal\.)?kustomize\.config\.k8s\.io/|config\.k8s\.io/"
)
"""Annotations that tell Kustomize what to do."""
_IN_BLOCK: Final = regex(r"[|>][^\r\n]*(?:\r\n?|\n)")


class PathLocator(Protocol):
    """Where the paths of a document stand."""

    def resolve(self, path: Path) -> ResolvedPath:
        """The place of a path."""


class BuildSource(Struct, frozen=True, eq=False):
    """A document that something is built from: a part of a file, or a text in a kustomization.

    `number` tells the order in which documents are built; `role` is `resource`, `patch`, `generator` or `overlay`.
    """

    file: str
    document: Document
    number: int
    role: str
    locator: PathLocator
    to_file: Callable[[Span], Span]
    """From a span of the document to one of the file."""
    indent: int = 0
    """By how much the lines of the document are indented in the file; -1 for what does not stand there line by line."""

    def span(self, path: Path) -> Span:
        """Where a path stands in the file."""
        return self.to_file(self.locator.resolve(path).span)

    def value_span(self, path: Path) -> Span:
        """Where the value at a path stands in the file, without its key."""
        place = find(self.document.root, path) if self.document.root else None
        if place is None or not isinstance(node := place.node, Scalar):
            span = self.locator.resolve(path).span
        else:
            span = Span(node.start, node.end)
        if self.role == "generator":
            written = self.written(span)
            span = Span(span.start + written.find("=") + 1, span.end)
        return self.to_file(span)

    def written(self, span: Span) -> str:
        """What stands in a span of the document."""
        return self.document.text[span.start : span.end]


class Marked(Struct, frozen=True):
    """What a mark stands for: a path of a document."""

    source: BuildSource
    path: Path
    at: Path = ()
    """Where it is said to stand, if not there: the file of a generator is named in its kustomization."""

    @property
    def span(self) -> Span:
        """Where it stands in its file."""
        return self.source.span(self.at or self.path)


class MarkRules(Struct, frozen=True):
    """What gets no marks in one overlay, besides what never does."""

    names: frozenset[str] = frozenset()
    """Names of objects, where anything renames these."""
    images: frozenset[str] = frozenset()
    """Names of images that are replaced."""
    keys: frozenset[str] = frozenset()
    """Fields that are compared."""
    labelled: bool = False
    """Whether patches choose objects by labels or annotations."""
    without: frozenset[int] = frozenset()
    """Marks that made a difference before."""
    namespaces: int = 2
    """Which `namespace` gets a mark: 2 for that of each kustomization, 1 for that of the overlay itself, 0 for none."""
    mappings_only: bool = False


class BuildMarks:
    """The marks of one build."""

    def __init__(self, rules: MarkRules) -> None:
        self.rules = rules
        self.all: list[Marked] = []

    def new(self, source: BuildSource, path: Path, at: Path = ()) -> int:
        """The number of a new mark."""
        self.all.append(Marked(source, path, at))
        return len(self.all) - 1

    def text(self, value: str, source: BuildSource, path: Path, at: Path = ()) -> str:
        """A text with a mark at its end, or in front of the quote that it ends with."""
        number = self.new(source, path, at)
        if number in self.rules.without or self.rules.mappings_only:
            return value
        end = len(value) - (len(value) > 1 and value[-1] in "\"'")
        return f"{value[:end]}.{{{number}}}.{value[end:]}"

    def number(self, value: Any, source: BuildSource, path: Path) -> Any:
        """A number with a mark."""
        number = self.new(source, path)
        marked = type(value) is int and number not in self.rules.without and not self.rules.mappings_only
        return FIRST_NUMBER + number if marked else value

    def mapping(self, source: BuildSource, path: Path) -> dict[str, str]:
        """What a mapping gets besides what it has."""
        number = self.new(source, path)
        return {} if number in self.rules.without else {f".{{{number}}}.": ""}

    def tree(self, source: BuildSource, path: Path = (), *, in_list: bool = False, key: str = "") -> Any:
        """What stands at a path of a document, with marks.

        Args:
            source: the document.
            path: where.
            in_list: whether it becomes an element of a list.
            key: the field that it becomes.
        """
        place = start(source.document.root) if source.document.root else None
        tables: Tables = {}
        value = source.document.data
        for part in path:
            place = step(place, part, tables) if place else None
            value = value[part]
        return self._value(source, place, value, path, (key,) if key else (), in_list=in_list, tables=tables)

    def _value(
        self,
        source: BuildSource,
        place: PathTarget | None,
        value: Any,
        path: Path,
        within: tuple[str, ...],
        *,
        in_list: bool,
        tables: Tables,
    ) -> Any:
        """Args: `within` are the keys that lead to it from the object that it is in."""
        if place is None:
            return value
        if isinstance(value, dict):
            if "apiVersion" in value and "kind" in value:
                within = ()
            made: dict[str, Any] = {}
            for key, child in value.items():
                if key.startswith("$") or (self._is_left(key, within, in_list=in_list) and _is_scalar(child)):
                    made[key] = child
                else:
                    made[key] = self._value(
                        source,
                        step(place, key, tables),
                        child,
                        (*path, key),
                        (*within, key),
                        in_list=False,
                        tables=tables,
                    )
            return made if "$patch" in value else {**made, **self.mapping(source, path)}
        if isinstance(value, list):
            return [
                self._value(
                    source, step(place, n, tables), child, (*path, n), within, in_list=True, tables=tables
                )
                for n, child in enumerate(value)
            ]
        if value is None or self._is_known_by(value, within):
            return value
        node = place.node
        return self.text(text_of(value), source, path) if isinstance(node, Scalar) or value != "" else value

    def _is_left(self, key: str, within: tuple[str, ...], *, in_list: bool) -> bool:
        if key in OF_KINDS or key in self.rules.keys or (in_list and key in IDENTITY):
            return True
        if within == ("metadata",):
            return key in {"name", "namespace", "generateName"}
        if within[-1:] == ("annotations",) and _OWN.match(key):
            return True
        return self.rules.labelled and within in {("metadata", "labels"), ("metadata", "annotations")}

    def _is_known_by(self, value: Any, within: tuple[str, ...]) -> bool:
        if not isinstance(value, str):
            return False
        if value in self.rules.names:
            return True
        named = within[-1:] == ("image",) and ":" not in value.rpartition("/")[2]
        return named and value in self.rules.images


def _is_scalar(value: object) -> bool:
    return not isinstance(value, dict | list)


def text_of(value: object) -> str:
    """A value as text, as Kustomize would write it."""
    return value if isinstance(value, str) else json.dumps(value)


def patch_operations(marks: BuildMarks, source: BuildSource) -> list[Any]:
    """The operations of a JSON patch, with marks in what they set."""
    made = []
    for number, entry in enumerate(source.document.data):
        marked = entry
        if isinstance(entry, dict) and "value" in entry and entry.get("op") != "test":
            last = str(entry.get("path", "")).rpartition("/")[2]
            element = last == "-" or last.isdigit()
            left = _is_scalar(entry["value"]) and (
                last in IDENTITY or last in OF_KINDS or last in marks.rules.keys
            )
            if not left:
                value = marks.tree(source, (number, "value"), in_list=element, key="" if element else last)
                marked = {**entry, "value": value}
        made.append(marked)
    return made


def compared_fields(operations: object) -> Iterator[str]:
    """The fields that a JSON patch compares before it changes anything."""
    for entry in operations if isinstance(operations, list) else ():
        if isinstance(entry, dict) and entry.get("op") == "test":
            yield str(entry.get("path", "")).rpartition("/")[2]


def env_lines(marks: BuildMarks, source: BuildSource, text: str) -> str:
    """A file of variables, with a mark in each."""
    made = []
    for number, line in enumerate(text.split("\n")):
        content = line.rstrip("\r")
        said = "=" in content and not content.lstrip().startswith("#")
        made.append(marks.text(content, source, (number,)) + line[len(content) :] if said else line)
    return "\n".join(made)


def within_block(text: str, node: Scalar) -> tuple[Callable[[Span], Span], int] | None:
    """From a span of the text that a block scalar has to one of the document, and by how much its lines are indented.

    None where lines are not kept as written.

    Args:
        text: the text of the document.
        node: the scalar.
    """
    value = node.value
    header = _IN_BLOCK.match(text, node.start) if node.style == "|" else None
    if header is None or not isinstance(value, str) or "\r" in text:
        return None
    lines = value.split("\n")
    written = text[header.end() :].split("\n")
    indent = next((len(one) - len(one.lstrip(" ")) for one in written if one.strip()), 0)
    indent -= next((len(one) - len(one.lstrip(" ")) for one in lines if one.strip()), 0)
    starts, at, source_at = [], 0, header.end()
    for number, line in enumerate(lines):
        if line and (number >= len(written) or written[number][indent:] != line):
            return None
        starts.append((at, source_at + (indent if line else 0)))
        at += len(line) + 1
        source_at += len(written[number]) + 1 if number < len(written) else 0

    def moved(offset: int) -> int:
        first, there = [one for one in starts if one[0] <= offset][-1]
        return there + offset - first

    return (lambda span: Span(moved(span.start), moved(span.end))), indent
