"""From a span of rendered text to the place in a template: the source map of what a chart renders to."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.findings import Location
from kscan_lsp.paths import lookup, stable
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.paths import Path
    from kscan_lsp.render.marks import Piece, Written

IN_ARCHIVE: Final = "it is rendered from a template in this archive"
UNKNOWN: Final = "which line of the template this comes from is not known"


MAX_NAMED: Final = 3
"""Values files and overlays that a message names; others are counted."""


def few(names: Sequence[str]) -> str:
    """The first of some values files or overlays, for a message, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"


class FoundWith(Struct, frozen=True):
    """The values files that findings of a template are found with, the chart's own first."""

    names: Mapping[object, tuple[str, ...]] = {}
    of_images: Container[str] = ()
    """The controls that are about what is in an image: with another image it is another finding."""
    always: tuple[str, ...] = ()
    """Those that all findings are found with, where there are no others; empty where `names` says it."""
    same: Mapping[ResourceId, ResourceId] = {}
    """Objects that the template makes of what another values file makes one of another name of, by that one."""

    def of(self, finding: Finding) -> tuple[str, ...]:
        """Those of one finding."""
        return self.always or self.names.get(self.key(finding), ())

    def key(self, finding: Finding) -> object:
        """What makes a finding the same with other values."""
        image = lookup(finding.data, finding.path) if finding.control in self.of_images else None
        said = image if isinstance(image, str) else ""
        resource = self.same.get(finding.resource, finding.resource)
        return finding.control, resource, _stable(_Same(finding.data), finding.path), said


class _Same:
    """Data that is the same as other data if it is that very object."""

    __slots__ = ("data",)

    def __init__(self, data: object) -> None:
        self.data = data

    def __hash__(self) -> int:
        return id(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.data is other.data


@lru_cache(maxsize=8192)
def _stable(data: _Same, path: Path) -> str:
    """A path with its entries by name: each edit of a chart asks for those of all that is found in it."""
    return stable(path, data.data)


_AT: Final = attrgetter("at")


class Rendered(Struct, frozen=True):
    """The source map of a document that was rendered, from an offset of the text of its template's rendering on."""

    file: str
    """The template."""
    offset: int
    pieces: tuple[Piece, ...] = ()
    """What the rendering comes from, in order; empty where nobody knows."""
    first_line: int = 0
    """How long the first line of the template is, which stands for what is not known."""
    found_with: FoundWith = FoundWith()
    extra: bool = False
    """Whether the document is there for what is found with other values than the defaults alone."""
    failing: Mapping[Path, frozenset[str]] = {}
    """By the root of an object, the controls that fail in it and are said of another rendering."""

    def locate(self, span: Span) -> Location:
        """The place that a span comes from: in the innermost template that has all of it.

        What one action prints is at that action, and what begins and ends in text is where that stands.
        """
        begins, ends = self.offset + span.start, self.offset + max(span.end - 1, span.start)
        number = bisect_right(self.pieces, begins, key=_AT)
        start = self.pieces[number - 1] if number else None
        # nearly always it is all in one
        same = number == len(self.pieces) or ends < self.pieces[number].at
        last = start if same else self._at(ends)
        if start is None or last is None:
            reason = IN_ARCHIVE if self.file.endswith(".tgz") else UNKNOWN
            return Location(self.file, Span(0, self.first_line), reason)
        depth = 0
        for one, other in zip(start.actions, last.actions, strict=False):
            if one != other:
                break
            depth += 1
        first, end = _within(start, depth, begins), _within(last, depth, ends, end=True)
        while depth and (first is None or end is None or first[0] != end[0] or end[1] < first[1]):
            depth -= 1
            action = start.actions[depth]
            first, end = (action.file, action.start), (action.file, action.end)
        if first is None or end is None or first[0] != end[0] or end[1] < first[1]:
            return Location(self.file, Span(0, self.first_line), UNKNOWN)
        return Location(first[0], Span(first[1], end[1]))

    def beneath(self, _: Span) -> tuple[Location, str] | None:
        """The place below the one that a span comes from, and what that is; None where there is one place only."""
        return None

    def files(self) -> Iterable[str]:
        """The files that it comes from, apart from the one that it is a document of."""
        return ()

    def is_known(self, offset: int) -> bool:
        """Whether a place in a document is known to come from a line or an action."""
        return self.locate(Span(offset, offset + 1)).reason == ""

    def pieces_in(self, start: int, end: int) -> tuple[Piece, ...]:
        """What a part of the rendering comes from; offsets count from the start of that."""
        first = bisect_right(self.pieces, start, key=_AT)
        last = bisect_right(self.pieces, end - 1, key=_AT)
        return tuple(self.pieces[max(first - 1, 0) : last])

    def _at(self, offset: int) -> Piece | None:
        number = bisect_right(self.pieces, offset, key=_AT)
        return self.pieces[number - 1] if number else None


def _within(piece: Piece, depth: int, offset: int, *, end: bool = False) -> tuple[str, int] | None:
    """Where a character stands, or what prints it, in the template that so many actions lead to."""
    written: Written | None = piece.actions[depth] if len(piece.actions) > depth else None
    if written is not None:
        return written.file, written.end if end else written.start
    line = piece.line
    if line is None:
        return None
    at = min(line.start + offset - piece.at, max(line.end - 1, line.start))
    return line.file, min(at + 1, line.end) if end else at
