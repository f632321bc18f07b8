"""Where the files of policies, settings and exceptions name controls, frameworks and inputs.

A name is found by the path that it stands at, whatever else of the file is wrong; in an expression, by how CEL reads
a field of `inputs`. Comments in manifests are not of these files (`lsp/features/naming.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from kscan_lsp import cel
from kscan_lsp.authoring.control_text import expressions_of
from kscan_lsp.dispositions.directives import ANNOTATION, MARK, directives_in
from kscan_lsp.regex import regex
from kscan_lsp.testing.marks import is_mark
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.inside import offsets_in, span_in
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

NameKind = Literal["control", "framework", "input"]
FileKind = Literal["control", "framework", "settings", "exceptions", "pack", "inputs"]

_INPUT: Final = regex(
    r"(?<![\w.])inputs\s*(?:\.\s*\??\s*(?P<name>[A-Za-z_]\w*)|\[\s*\??\s*(?P<quote>['\"])(?P<key>[A-Za-z_]\w*)(?P=quote)\s*\])"
)
_ANY_INPUT: Final = regex(r"(?<![\w.])inputs\s*\[(?!\s*\??\s*['\"])")
_ID: Final = regex(r"(?<![\w-])[A-Z]+-[0-9]{4}(?![\w-])")
_LINE: Final = regex(r"[^\n]+")
_CHECK_KEYS: Final = frozenset({"checks", "needs", "remediation", "tests", "score", "severity"})


class NameInFile(NamedTuple):
    """A name in a file."""

    kind: NameKind
    name: str
    span: Span
    """Where it stands; empty where that cannot be told."""
    declares: bool = False
    """Whether it says that there is such a thing, and not which is meant."""


def file_kind(document: Document) -> FileKind:
    """What a file holds that settings name among their policies or inputs."""
    keys = document.data.keys() if isinstance(document.data, dict) else frozenset[str]()
    if keys & _CHECK_KEYS:
        return "control"
    return "framework" if "controls" in keys and "id" in keys else "inputs"


def names_in(document: Document, kind: FileKind) -> Iterator[NameInFile]:
    """The names in a file."""
    if document.root is None:
        return
    for path, is_key, scalar in _scalars(document.root, ()):
        if isinstance(scalar.value, str) and (found := _meaning(kind, path, is_key=is_key)):
            what, declares = found
            yield NameInFile(what, scalar.value, _written(document.text, scalar), declares)
        elif kind == "control" and _is_manifest(path, is_key=is_key):
            yield from _in_manifest(document.text, scalar)
    if kind in {"control", "pack"}:
        yield from _in_expressions(document)


def written_names(document: Document) -> Iterator[tuple[Path, str, Span]]:
    """Every key of a file: its path, its text, and where it stands; an empty span for one that is written otherwise."""
    for path, is_key, scalar in _scalars(document.root, ()) if document.root else ():
        if is_key and isinstance(scalar.value, str):
            yield path, scalar.value, _written(document.text, scalar)


def reads_any_input(document: Document) -> bool:
    """Whether an expression of a control reads an input by a name that it makes up."""
    return any(_ANY_INPUT.search(_bare(one.source)) for one in expressions_of(document))


def _meaning(kind: FileKind, path: Path, *, is_key: bool) -> tuple[NameKind, bool] | None:
    """What a scalar at a path names, and whether it declares that."""
    names = tuple(step for step in path if isinstance(step, str))
    match kind, names:
        case "control", ("id",):
            return ("control", True)
        case "control", ("replaces",) | ("checks", "use") | ("checks", "fix", "leaves"):
            return None if is_key else ("control", False)
        case "control", ("inputs", _) if is_key:
            return ("input", True)
        case "control", ("checks", "allow", _) | ("tests", "inputs", _) if is_key:
            return ("input", False)
        case "control", ("checks", "fix", "choose", _) if not is_key:
            return ("input", False)
        case "framework", ("id",):
            return ("framework", True)
        case "framework", ("controls", "id") | ("excluded", "id") if not is_key:
            return ("control", False)
        case "settings", ("frameworks",) if not is_key:
            return ("framework", False)
        case "settings", ("controls", "include") | ("controls", "exclude") if not is_key:
            return ("control", False)
        case (("settings" | "pack"), ("locked",)) if not is_key:
            return ("control", False)
        case "settings", ("controls", "severity", _) if is_key:
            return ("control", False)
        case (("settings" | "pack"), ("inputs", _)) if is_key:
            return ("input", False)
        case "pack", ("use",) if not is_key:
            return ("framework", False)
        case "inputs", (_,) if is_key:
            return ("input", False)
        case "exceptions", ("exceptions", "controls") if not is_key:
            return ("control", False)
        case "exceptions", ("exceptions", "frameworks") if not is_key:
            return ("framework", False)
    return None


def _is_manifest(path: Path, *, is_key: bool) -> bool:
    """Whether a scalar is a manifest of a test."""
    return not is_key and len(path) == 3 and path[0] == "tests" and path[2] in {"manifest", "fixed"}


def _in_manifest(text: str, scalar: Scalar) -> Iterator[NameInFile]:
    """The controls that marks, comments and annotations of a manifest in a test name."""
    value = scalar.value
    if not isinstance(value, str):
        return
    for line in _LINE.finditer(value):
        marked = is_mark(line[0])
        if not (marked or MARK in line[0] or ANNOTATION in line[0]):
            continue
        parts = [(0, line[0])] if marked else directives_in(line[0])
        for start, part in parts:
            for found in _ID.finditer(part.partition("--")[0]):
                at = line.start() + start
                whole = None
                if offsets_in(text, scalar) is not None:
                    whole = span_in(text, scalar, at + found.start(), at + found.end())
                same = whole is not None and text[whole.start : whole.end] == found[0]
                yield NameInFile("control", found[0], whole if whole and same else Span(0, 0))


def _in_expressions(document: Document) -> Iterator[NameInFile]:
    for one in expressions_of(document):
        for found in _INPUT.finditer(one.source):
            literals = [span for span in cel.literals(one.source) if span.start <= found.start() < span.end]
            if literals:
                continue
            name = "name" if found["name"] else "key"
            start, end = found.span(name)
            offsets = offsets_in(document.text, one.scalar)
            span = Span(0, 0) if offsets is None else one.span(document.text, start, end)
            whole = document.text[span.start : span.end] == found[name]
            yield NameInFile("input", found[name], span if whole else Span(0, 0))


def _bare(source: str) -> str:
    """An expression without its texts."""
    parts, at = [], 0
    for span in cel.literals(source):
        parts.append(source[at : span.start])
        parts.append("''")
        at = span.end
    return "".join([*parts, source[at:]])


def _written(text: str, scalar: Scalar) -> Span:
    """Where the value of a scalar stands; an empty span for one that is written otherwise."""
    quotes = 1 if scalar.style in {"'", '"'} else 0
    span = Span(scalar.start + quotes, scalar.end - quotes)
    return span if text[span.start : span.end] == scalar.value else Span(0, 0)


def _scalars(node: Node, path: Path) -> Iterator[tuple[Path, bool, Scalar]]:
    """Every scalar that stands where it is used, and whether it is a key."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            key = key_of(entry)
            if key is None:
                continue
            here = (*path, key)
            if isinstance(entry.key, Scalar):
                yield here, True, entry.key
            yield from _scalars(entry.value, here)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _scalars(item, (*path, index))
    elif isinstance(node, Scalar):
        yield path, False, node
