"""The values that a chart is rendered with: what they come to, which file sets which, and where in it.

What a chart comes with lies below what somebody hands to it: a subchart's own `values.yaml`, that of the chart it is
in, then each file that is named, of which the last has the word. Maps are merged, everything else is replaced
(https://helm.sh/docs/chart_template_guide/values_files).

Left out on purpose: how Helm takes a default away by a null, which sets nothing here.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.kubernetes.locate import resolve
from kscan_lsp.render.merging import merged
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kscan_lsp.paths import Path
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.release import Release, ValuesSaid
    from kscan_lsp.yaml.document import Document


class ValuesFile(Struct, frozen=True):
    """A file with values: its path from the chart, where in the chart's values they stand, and its text as read.

    What stands in no file has no path.
    """

    path: str
    under: Path
    document: Document
    said: tuple[SaidDocument, ...] = ()
    """Where values without a path stand."""

    def sets(self, path: Path) -> bool:
        """Whether it has a value at a path in the values of the whole chart."""
        return _depth(self, path) == len(path)


class ValuePlace(Struct, frozen=True):
    """Where a value is set: a file, the path in that, and the span; or the nearest there is of one that is not set."""

    file: str
    path: Path
    span: Span
    is_set: bool
    document: str | None = None
    """The text of the document that it is in, where that is not the whole of a values file."""
    offset: int = 0
    """Where that begins."""


class SaidDocument(Struct, frozen=True):
    """Values in a file with something else: the document that they are in, which begins somewhere in its file."""

    said: ValuesSaid
    document: Document

    def place(self, path: Path) -> tuple[int, ValuePlace] | None:
        """How much of a path in the values of the chart they have, and where that stands."""
        said, root = self.said, self.document.root
        if path[: len(said.under)] != said.under or root is None:
            return None
        inside = path[len(said.under) :]
        whole = said.at if said.is_text else (*said.at, *inside)
        depth = nearest(root, whole).depth - len(said.at)
        if depth < 0:
            return None
        span = resolve(self.document, whole).span
        if said.is_text:
            text = read_document(str(paths.lookup(self.document.data, said.at) or ""))
            if text.root is None:
                return None
            depth = nearest(text.root, inside).depth
            span = self._line(text, resolve(text, inside).span) or span
        span = Span(span.start + said.offset, span.end + said.offset)
        is_set = depth == len(inside)
        place = ValuePlace(said.file, whole, span, is_set, self.document.text, said.offset)
        return len(said.under) + depth, place

    def _line(self, inner: Document, span: Span) -> Span | None:
        """The line of a block of text that a span of what it says is in; None where it is written otherwise."""
        lines = self.document.lines
        line = inner.lines.line_of(span.start)
        wanted = inner.text[inner.lines.starts[line] : inner.lines.content_end(line)].strip()
        root = self.document.root
        first = lines.line_of(nearest(root, self.said.at).node.start) + 1 if root is not None else 0
        if first + line >= len(lines.starts):
            return None
        start, end = lines.starts[first + line], lines.content_end(first + line)
        there = self.document.text[start:end]
        at = start + len(there) - len(there.lstrip())
        return Span(at, at + len(wanted)) if there.strip() == wanted else None


class ChartValues:
    """All values of a chart, with one choice of values files."""

    def __init__(self, files: Sequence[ValuesFile]) -> None:
        """Files with values, those that lie below others first."""
        self.files = files
        self.data: dict[str, Any] = {}
        for file in files:
            mine = file.document.data if isinstance(file.document.data, dict) else {}
            for name in reversed(file.under):
                mine = {name: mine}
            self.data = merged(self.data, mine)

    def lookup(self, path: Path) -> Any:
        """A value; None where nothing sets it."""
        return paths.lookup(self.data, path)

    def sets(self, path: Path) -> bool:
        """Whether any file has a value at a path, a null too."""
        return any(file.sets(path) for file in self.files)

    def place(self, path: Path) -> ValuePlace | None:
        """Where a value is set that counts; of one that is not set, the nearest in the file with most of its path."""
        best: tuple[int, ValuesFile] | None = None
        for file in self.files:
            depth = _depth(file, path)
            if file.said and depth != len(path):
                continue  # what is missing is missed in a values file
            if depth is not None and (best is None or depth >= best[0]):
                best = (depth, file)
        if best is None:
            return None
        depth, file = best
        if file.said:
            found = [one for said in file.said if (one := said.place(path)) is not None]
            return max(reversed(found), key=lambda one: one[0], default=(0, None))[1]
        inside = path[len(file.under) :]
        return ValuePlace(file.path, inside, resolve(file.document, inside).span, depth == len(path))

    def overlay(self) -> MoreValues:
        """Values to be merged over these, of which none is set yet."""
        return MoreValues(self)


class MoreValues:
    """Values to be merged over those of a chart; a list is replaced whole by Helm, so it is in here whole."""

    def __init__(self, below: ChartValues) -> None:
        self.data: dict[str, Any] = {}
        self._below = below
        self._set: set[Path] = set()
        self._around: set[Path] = set()
        """The paths that lead to those that are set."""

    def set(self, path: Path, value: Any) -> bool:
        """Set a value; False where that cannot be, because of what is set already or what there is."""
        around = {path[:depth] for depth in range(1, len(path))}
        if path in self._around or path in self._set or not around.isdisjoint(self._set):
            return False
        here: Any = self.data
        for depth, part in enumerate(path[:-1]):
            known = self._below.lookup(path[: depth + 1])
            if isinstance(here, list):
                if not isinstance(part, int) or part >= len(here):
                    return False
            elif isinstance(part, int):
                return False
            elif part not in here:
                here[part] = copy.deepcopy(known) if isinstance(known, list) else {}
            here = here[part]
            if not isinstance(here, dict | list):
                return False
        last = path[-1]
        if isinstance(here, list):
            if not isinstance(last, int) or last >= len(here):
                return False
        elif isinstance(last, int):
            return False
        here[last] = value
        self._set.add(path)
        self._around |= around
        return True


def chart_values(
    chart: Chart, release: Release | None = None, known: Mapping[str, Document] | None = None
) -> ChartValues:
    """The values of a chart.

    Args:
        chart: its files.
        release: what it is installed as, with values over its own.
        known: files that were read, by path.
    """
    found: list[ValuesFile] = []
    for folder, under in reversed(chart.scopes()):
        found += _file(chart, f"{folder}values.yaml", under, known)
    for path in release.files if release else ():
        found += _file(chart, path, (), known)
    if release and release.inline:
        said = tuple(one for place in release.said for one in _said(chart, place))
        found.append(ValuesFile("", (), read_document(release.inline), said))
    return ChartValues(found)


def _file(chart: Chart, path: str, under: Path, known: Mapping[str, Document] | None) -> Iterable[ValuesFile]:
    if (raw := chart.raw(path)) is not None:
        text = raw.decode(errors="replace")
        document = known.get(path) if known else None
        if document is None or document.text != text:
            document = read_document(text)
        yield ValuesFile(path, under, document)


def _said(chart: Chart, said: ValuesSaid) -> Iterable[SaidDocument]:
    if (raw := chart.raw(said.file)) is not None:
        text = raw.decode(errors="replace")
        yield SaidDocument(said, read_document(next(iter(split(text[said.offset :])), "")))


def _depth(file: ValuesFile, path: Path) -> int | None:
    """How much of a path a file has; None where it is about something else."""
    if path[: len(file.under)] != file.under or file.document.root is None:
        return None
    return len(file.under) + nearest(file.document.root, path[len(file.under) :]).depth
