"""Comments that Kustomize drops: those that accept findings come back on the lines that are built from theirs.

A comment on a line of a patch or a base speaks for what is built from that line, in each overlay that has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.render.kustomize.places import CommentPlace, DocumentPlaces
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml.document import comments, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.render.kustomize.building import Built
    from kscan_lsp.render.kustomize.marking import BuildSource

MARK: Final = "kscan:ignore"
"""As `dispositions/directives.py` has it."""


class _Comment(Struct, frozen=True):
    text: str
    span: Span
    """In its document."""


def with_comments(
    built: Built, fallback: str, name: Callable[[str], str]
) -> tuple[str, tuple[DocumentPlaces, ...]]:
    """What an overlay builds, with the comments that accept findings, and where the parts of each document stand.

    Args:
        built: what it builds.
        fallback: the file that stands for what nobody knows.
        name: what a file is called, by its path.
    """
    texts, found = [], []
    known: dict[int, dict[int, _Comment]] = {}
    for number, piece in enumerate(split(built.text)):
        text = piece
        places = DocumentPlaces(built, number, text, fallback, name)
        added = {line: one for line, one in _lines_with(places, text, known) if "#" not in _line(text, line)}
        if added:
            text, where = _inserted(text, added)
            places = DocumentPlaces(built, number, text, fallback, name, comments=where)
        texts.append(text)
        found.append(places)
    return "".join(texts), tuple(found)


def _lines_with(
    places: DocumentPlaces, text: str, known: dict[int, dict[int, _Comment]]
) -> Iterator[tuple[int, tuple[BuildSource, _Comment]]]:
    """The lines of a built document that come from lines with a comment."""
    sources = {id(one): one for one in places.sources() if MARK in one.document.text}
    if not sources:
        return
    for one in sources.values():
        if id(one) not in known:
            known[id(one)] = dict(_comments_of(one))
    lines = LineIndex(text)
    for start, end, path in places.parts():
        place = places.place(path)
        if place is None or id(place.source) not in sources:
            continue
        written = place.source.locator.resolve(place.path).span
        comment = known[id(place.source)].get(place.source.document.lines.line_of(written.start))
        first = lines.line_of(start)
        # a text that goes on in the next line would have it in the middle
        if comment and (lines.line_of(max(end - 1, start)) == first or _line(text, first).endswith(":")):
            yield first, (place.source, comment)


def _comments_of(source: BuildSource) -> Iterator[tuple[int, _Comment]]:
    """The comments of a document by the line that they speak for: their own, or the next with anything else."""
    document = source.document
    for offset, comment in comments(document, MARK):
        at = document.lines.line_of(offset)
        if not document.text[document.lines.starts[at] : offset].strip():
            at = next(
                (n for n in range(at + 1, document.lines.line_count) if _says(_line(document.text, n))), at
            )
        yield at, _Comment(comment.rstrip(), Span(offset, offset + len(comment.rstrip())))


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _line(text: str, number: int) -> str:
    return text.split("\n")[number].rstrip("\r")


def _inserted(
    text: str, added: dict[int, tuple[BuildSource, _Comment]]
) -> tuple[str, tuple[CommentPlace, ...]]:
    lines = text.split("\n")
    where = []
    at = 0
    for number, line in enumerate(lines):
        if number in added:
            source, comment = added[number]
            lines[number] = f"{line}  {comment.text}"
            start = at + len(line) + 2
            where.append(CommentPlace(Span(start, start + len(comment.text)), source, comment.span))
        at += len(lines[number]) + 1
    return "\n".join(lines), tuple(where)
