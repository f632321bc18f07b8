"""Where a text names controls: in `kscan:ignore` comments, in annotations, and in settings.

What a name means (a link, a hover) is the business of those who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.dispositions.directives import ANNOTATION, MARK, directives_in
from kscan_lsp.regex import regex
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import comments
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.workspace.results import CheckedFile
    from kscan_lsp.yaml.document import Document

_ID: Final = regex(r"(?<![\w=-])[A-Za-z]+-\d+(?![\w-])")


class ControlName(NamedTuple):
    """A name, and where it stands in the file."""

    name: str
    span: Span


def suppressed_controls(checked: CheckedFile) -> Iterator[ControlName]:
    """The controls that comments and annotations of a file name, in upper case as they are looked up."""
    for placed in checked.documents:
        owners = []
        for verdicts in placed.checked.verdicts:
            resource = verdicts.resource
            templates = [(*resource.root, *template.path) for template in resource.templates]
            owners += [resource.root, *templates]
        for name, span in ids_in(placed.checked.document, owners):
            yield ControlName(name, Span(span.start + placed.offset, span.end + placed.offset))


def ids_in(document: Document, owners: Iterable[Path] = ((),)) -> Iterator[ControlName]:
    """The controls that comments and annotations of a document name, each with its place there.

    Args:
        document: the document.
        owners: the paths of what may have annotations.
    """
    for offset, comment in comments(document, MARK):
        start = comment.find(MARK) + len(MARK)
        yield from _ids(comment[start:], offset + start)
    if ANNOTATION not in document.text:
        return
    for owner in dict.fromkeys(owners):
        path = (*owner, "metadata", "annotations", ANNOTATION)
        span = text_at(document, path) or _block_at(document, path)
        if span is not None:
            yield from _ids(document.text[span.start : span.end], span.start)


def _ids(text: str, offset: int) -> Iterator[ControlName]:
    for start, directive in directives_in(text):
        for found in _ID.finditer(directive.partition("--")[0]):
            at = offset + start + found.start()
            yield ControlName(found[0].upper(), Span(at, at + len(found[0])))


def _block_at(document: Document, path: Path) -> Span | None:
    """Where a block scalar stands in its document: an id in it is written as it is."""
    place = nearest(document.root, path) if document.root is not None else None
    if place is None or place.depth != len(path) or place.via is not None:
        return None
    node = place.node
    return Span(node.start, node.end) if isinstance(node, Scalar) and node.style in ("|", ">") else None


def text_at(document: Document, path: Path) -> Span | None:
    """Where the text of a scalar stands in its document, quotes left out.

    None for what is not there, is no scalar, is a block scalar, or comes from elsewhere by an alias or a merge.
    """
    if document.root is None:
        return None
    place = nearest(document.root, path)
    node = place.node
    there = place.depth == len(path) and place.via is None
    if not there or not isinstance(node, Scalar) or node.style in ("|", ">"):
        return None
    quotes = 1 if node.style else 0
    return Span(node.start + quotes, node.end - quotes)
