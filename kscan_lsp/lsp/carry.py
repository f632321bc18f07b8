"""Old findings of a document that can no longer be read, while the user is typing.

Most half-typed text is repaired and still judged (see `documents.py`). Where that fails, a document would lose all
its squiggles at one keystroke and get them back at the next. Only here, in the editor, the findings stay that lie in
lines the old and the new text share at their start and end; a report never does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.project import CheckedDocument
from kscan_lsp.text import Span, minimal_edit

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding
    from kscan_lsp.project import CheckedFile, Placed


def carry(previous: CheckedFile | None, checked: CheckedFile) -> CheckedFile:
    """The checked file, with what can be kept of `previous` in a document that cannot be read."""
    if previous is None or not any(_unreadable(placed) for placed in checked.documents):
        return checked
    old, new = previous.documents, list(checked.documents)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    if len(old) - head - tail != 1 or len(new) - head - tail != 1 or not _unreadable(new[head]):
        return checked
    kept = _kept(old[head].checked, new[head].checked)
    new[head] = new[head]._replace(checked=kept)
    return replace(checked, documents=tuple(new))


def _unreadable(placed: Placed) -> bool:
    document = placed.checked.document
    return document.root is None and not document.complete


def _shared(old: tuple[Placed, ...], new: list[Placed]) -> int:
    """How many documents both begin with."""
    pairs = zip(old, new, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a.checked is not b.checked), min(len(old), len(new)))


def _kept(old: CheckedDocument, new: CheckedDocument) -> CheckedDocument:
    before, after = old.document.text, new.document.text
    edit = minimal_edit(before, after)
    if edit is None:
        return old
    first = before.rfind("\n", 0, edit.span.start) + 1
    end = before.find("\n", edit.span.end)
    last = len(before) if end < 0 else end + 1
    shift = len(after) - len(before)
    findings: list[Finding] = []
    for finding in old.findings:
        if finding.span.end <= first:
            findings.append(replace(finding, related=()))
        elif finding.span.start >= last:
            span = Span(finding.span.start + shift, finding.span.end + shift)
            findings.append(replace(finding, span=span, related=()))
    return CheckedDocument(new.document, (), tuple(findings), new.problems)
