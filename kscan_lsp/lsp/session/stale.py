"""Findings of an earlier text, kept for a document that cannot be read while the user is typing.

Most half-typed text is repaired and still judged (see `yaml/repair.py`). Where that fails, a document would lose all
its squiggles at one keystroke and get them back at the next. Only here, in the editor, the findings stay that lie in
lines the old and the new text share at their start and end; a report never does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.text import Span, minimal_edit
from kscan_lsp.workspace.results import CheckedDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.findings import Finding
    from kscan_lsp.workspace.results import CheckedFile


def with_stale_findings(previous: CheckedFile | None, checked: CheckedFile) -> CheckedFile:
    """The checked file, with what can be kept of `previous` in a document that cannot be read."""
    if previous is None or not any(map(_unreadable, checked.parts)):
        return checked
    old, new = previous.parts, list(checked.parts)
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    if len(old) - head - tail != 1 or len(new) - head - tail != 1 or not _unreadable(new[head]):
        return checked
    new[head] = _kept(old[head], new[head])
    return checked.with_parts(tuple(new))


def _unreadable(checked: CheckedDocument) -> bool:
    document = checked.document
    return document.root is None and not document.complete


def _shared(old: Sequence[CheckedDocument], new: Sequence[CheckedDocument]) -> int:
    """How many documents both begin with."""
    pairs = zip(old, new, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a is not b), min(len(old), len(new)))


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
    return CheckedDocument(new.document, (), new.problems, stale=tuple(findings))
