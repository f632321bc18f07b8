"""The values that a field of what a chart renders to may come from, the likeliest first: read, and yet to be proven.

They are those that the actions read that print the field, then those that decide whether it is there. Where it is
missing, they are what is read where it would stand: a map that is printed there may have it. Of a map it is the entry
that is called as the field is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.render.reads import EACH, TemplateReads
from kscan_lsp.yaml.data import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.reads import Reference, Templates
    from kscan_lsp.render.source_map import Rendered
    from kscan_lsp.render.values import ChartValues
    from kscan_lsp.yaml.document import Document

_MOST_OPTIONS: Final = 24
"""Values that are tried for one field."""
_MOST_ENTRIES: Final = 20
"""Entries of a list or map that a template goes through, of which one may be meant."""
_END: Final = 1 << 40
"""Behind the end of any text."""


class Field(Struct, frozen=True):
    """A field of a document that a chart renders to: what its value comes from is wanted, or what would set it."""

    file: str
    """The template, as Helm's rendering is known by."""
    number: int
    """Which of its documents that is, from 0."""
    several: int
    """How many documents it has."""
    document: Document
    source: Rendered
    path: Path
    """From the root of the document."""
    is_image: bool = False
    """Whether it is an image of which the version is meant: its tag, before its repository."""

    @property
    def is_missing(self) -> bool:
        """Whether it is not there."""
        root = self.document.root
        return root is None or nearest(root, self.path).depth < len(self.path)


class Candidates:
    """The values that fields of a chart may come from."""

    def __init__(self, chart: Chart, values: ChartValues, templates: Templates, prefix: str) -> None:
        """A chart with what it is rendered with; `prefix` stands before the paths of its files in maps."""
        self._values = values
        self._templates = templates
        self._prefix = prefix
        self._scopes = chart.scopes()
        self._reads: dict[str, TemplateReads] = {}

    def of(self, field: Field) -> list[Path]:
        """The values that a field may come from, the likeliest first."""
        reads = self._reads.get(field.file)
        if reads is None:
            reads = self._reads[field.file] = TemplateReads(self._templates, field.file)
        found: dict[Path, None] = {}
        unders = [
            under
            for folder, under in self._scopes
            if field.file.startswith(f"{self._prefix}{folder}templates/")
        ] or [()]
        for reference in _references(field, reads):
            for under in unders:
                for path in self._resolved(reference, under):
                    found.update(dict.fromkeys(self._aligned(path, field)))
        return [*found][:_MOST_OPTIONS]

    def _resolved(self, reference: Reference, under: Path) -> Iterator[Path]:
        """The paths in the values of the whole chart that a reference may mean."""
        inside = reference[1:]
        todo: list[Path] = [inside if inside[:1] == ("global",) else (*under, *inside)]
        while todo:
            path = todo.pop()
            at = path.index(EACH) if EACH in path else -1
            if at < 0:
                yield path
                continue
            entries = self._values.lookup(path[:at])
            keys: Iterable[
                str | int
            ] = ()  # a template may range over a number, or what is no list in these values
            if isinstance(entries, dict | list):
                keys = entries if isinstance(entries, dict) else range(len(entries))
            todo += [(*path[:at], key, *path[at + 1 :]) for key in [*keys][:_MOST_ENTRIES]]

    def _aligned(self, path: Path, field: Field) -> Iterator[Path]:
        """A value, or the part of it that a field would be: of a map that is printed, the entry of that name."""
        known, missing = self._values.lookup(path), field.is_missing
        names = field.path
        tails = [names[number:] for number in range(_first(field), len(names))]
        if path and path[-1] in names:
            last = len(names) - 1 - names[::-1].index(path[-1])
            tails.insert(0, names[last + 1 :])
        elif missing and known is None:
            return  # what it is for is not known, and what is not there is seldom a map
        if isinstance(known, dict | list) or (missing and known is None and tails[0]):
            for tail in dict.fromkeys(tails):
                there = paths.lookup(known, tail) is not None
                if tail and (there if not missing else not there and _can_be_set(known, tail)):
                    yield (*path, *tail)
        elif not missing or known is None or isinstance(known, bool):
            yield path


def _first(field: Field) -> int:
    """Where in the path of a field the part begins that its value may have, too: of a missing one, what is missing."""
    root = field.document.root
    return nearest(root, field.path).depth if root is not None and field.is_missing else 0


def _references(field: Field, reads: TemplateReads) -> Iterator[Reference]:
    """What the actions read that print a field, or that stand where it is missing."""
    place = nearest(field.document.root, field.path) if field.document.root else None
    if place is None:
        return
    start, end = (
        field.source.offset + place.node.start,
        field.source.offset + max(place.node.end, place.node.start + 1),
    )
    pieces = field.source.pieces_in(start, end)
    order: dict[Reference, None] = {}
    chains = [piece.actions for piece in pieces]
    innermost = [chain[-1] for chain in chains if chain]
    for written in innermost:
        order.update(dict.fromkeys(sorted(reads.of(written.file, written.start).own)))
    for piece in pieces:
        if piece.line is not None and not piece.actions:
            order.update(dict.fromkeys(sorted(reads.deciding(piece.line.file, piece.line.start))))
    for written in innermost:
        found = reads.of(written.file, written.start)
        order.update(dict.fromkeys(sorted(found.around)))
        order.update(dict.fromkeys(sorted(found.through)))
    for chain in chains:
        for written in reversed(chain[:-1]):
            found = reads.of(written.file, written.start)
            order.update(dict.fromkeys(sorted(found.own | found.through)))
            order.update(dict.fromkeys(sorted(found.around)))
    if field.is_missing:
        # an action that prints nothing leaves nothing behind: what stands around what is there
        after = field.source.pieces_in(end, _END)[1:]
        for file in dict.fromkeys(piece.line.file for piece in pieces if piece.line is not None):
            inside = [piece.line for piece in pieces if piece.line is not None and piece.line.file == file]
            first, last = min(line.start for line in inside), max(line.end for line in inside)
            follow = [
                line.start
                for piece in after
                if (line := piece.line) is not None and line.file == file and line.start >= last
            ]
            order.update(dict.fromkeys(sorted(reads.within(file, first, min(follow, default=_END)))))
    yield from order


def _can_be_set(known: Any, tail: Path) -> bool:
    """Whether a field can be added to a map: what is there of its path are maps, and what is not has names."""
    if not all(isinstance(part, str) for part in tail):
        return False
    here = {} if known is None else known
    for part in tail:
        if here is None:
            return True
        if not isinstance(here, dict):
            return False
        here = here.get(part)
    return True
