"""The text of a scanned file as a report may show it: line by line, with what may be a secret in it masked.

Which parts those are is worked out for a document when one of its lines is shown, and not before: most formats show
none.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.redaction import masked, secret_spans
from kscan_lsp.redaction.texts import united
from kscan_lsp.redaction.vocabulary import OF_SECRETS, is_harmless
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import read_document, split
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile, PlacedDocument

SECRETS: Final = "Secrets"
"""The category of controls that find secrets: what one of them points at is masked, whatever anybody thinks of it."""


class ShownLine(Struct, frozen=True):
    """One line of a file, without its line end."""

    written: str
    """As it stands in the file, which is not to be shown."""
    secrets: tuple[Span, ...] = ()
    """The columns, from 0, of what is masked."""
    masked: str = ""
    """As it may be shown."""


def shown_line(written: str, secrets: Iterable[Span] = ()) -> ShownLine:
    """A line with some of its columns masked."""
    spans = tuple(secrets)
    return ShownLine(written, spans, masked(written, spans))


class FileText:
    """The text of one file, as it was judged."""

    def __init__(self, file: CheckedFile, ruleset: Ruleset, rendered: Sequence[PlacedDocument] = ()) -> None:
        """The text of a file.

        Args:
            file: as it was judged.
            ruleset: what it was judged by.
            rendered: documents of other files that come from this one.
        """
        self.file = file
        self._rendered = rendered
        self._ruleset = ruleset
        self._lines = LineIndex(file.text)
        self._secrets: dict[int, tuple[Span, ...]] = {}
        """By the offset of a document, in code points of the file."""
        self._all_secrets: list[Span] | None = None
        """Those of all documents, once somebody has asked."""
        self._last: tuple[int, ShownLine] | None = None
        """The line shown last: a file of one line may have a thousand places to show."""
        self._is_template = file.limit is None and (
            not file.documents or isinstance(file.documents[0].source, Rendered)
        )

    @property
    def line_count(self) -> int:
        """The number of lines; an empty text has one."""
        return self._lines.line_count

    @property
    def written(self) -> str:
        """All of the text as it stands in the file, which is not to be shown."""
        return self._lines.text

    def length_of(self, number: int) -> int:
        """How many characters a line has, counted from 1; the last one where there are fewer."""
        index = min(max(number, 1), self._lines.line_count) - 1
        return self._lines.content_end(index) - self._lines.starts[index]

    def has_secret(self, part: Span) -> bool:
        """Whether any of a part of the text is not to be shown."""
        if self._all_secrets is None:
            self._all_secrets = self._secrets_of_all()
        first = bisect_left(self._all_secrets, part.start + 1, key=lambda span: span.end)
        return any(span.start < part.end for span in self._all_secrets[first : first + 1])

    def line(self, number: int) -> ShownLine:
        """A line, counted from 1; the last one where there are fewer."""
        index = min(max(number, 1), self._lines.line_count) - 1
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        start, end = self._lines.starts[index], self._lines.content_end(index)
        secrets = self._secrets_at(start)
        first = bisect_left(secrets, start, key=lambda span: span.end)
        within = []
        for span in secrets[first:]:
            if span.start >= end:
                break
            within.append(Span(max(span.start, start) - start, min(span.end, end) - start))
        found = self._last = (index, shown_line(self._lines.text[start:end], within))
        return found[1]

    def masked(self) -> str:
        """All of the text as it may be shown. It has the same lines."""
        return masked(self._lines.text, self._secrets_of_all())

    def _secrets_of_all(self) -> list[Span]:
        if self._is_template:
            return self._secrets_of_template()
        return [span for placed in self.file.documents for span in self._secrets_at(placed.offset)]

    def _secrets_of_template(self) -> list[Span]:
        """What is a secret where it is rendered, and what may be one in a text that nobody can read as a manifest."""
        found: list[Span] = []
        offset = 0
        for piece in split(self._lines.text):
            names = self._ruleset.inputs.get("sensitiveKeyNames", ())
            spans = secret_spans(read_document(piece), names)
            found += [Span(span.start + offset, span.end + offset) for span in spans]
            offset += len(piece)
        for placed in (*self.file.documents, *self._rendered):
            for span in self._secrets_in(placed):
                location = placed.locate(span)
                if location.span and location.file == self.file.path:
                    found.append(location.span)
        return sorted(united(found))

    def _secrets_at(self, offset: int) -> tuple[Span, ...]:
        if self._is_template:
            if self._all_secrets is None:
                self._all_secrets = self._secrets_of_template()
            return tuple(self._all_secrets)
        placed = self.file.placed_at(offset)
        if placed is None:
            return ()
        known = self._secrets.get(placed.offset)
        if known is None:
            shift = placed.offset
            known = tuple(Span(span.start + shift, span.end + shift) for span in self._secrets_in(placed))
            self._secrets[placed.offset] = known
        return known

    def _secrets_in(self, placed: PlacedDocument) -> tuple[Span, ...]:
        """Those of a document, in the text that was judged."""
        checked, names = placed.checked, self._ruleset.inputs.get("sensitiveKeyNames", ())
        return secret_spans(checked.document, names, self._pointed_at(checked))

    def _pointed_at(self, checked: CheckedDocument) -> Iterator[Span]:
        """The values that controls about secrets have found."""
        root = checked.document.root
        if root is None:
            return
        for verdicts in checked.verdicts:
            for finding in verdicts.findings:
                if self._ruleset.control(finding.control).category != SECRETS:
                    continue
                path = (*verdicts.resource.root, *finding.path)
                node, depth = (place := nearest(root, path)).node, place.depth
                if depth < len(path) or path[-1] in OF_SECRETS or not isinstance(node, Scalar):
                    continue
                if not is_harmless(checked.document.text[node.start : node.end]):
                    yield Span(node.start, node.end)
