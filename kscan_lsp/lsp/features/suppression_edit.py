"""The edit that suppresses a finding: what the code action "ignore" writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.dispositions.directives import ANNOTATION, MARK, NO_REASON_YET
from kscan_lsp.edits import Refusal, set_value
from kscan_lsp.paths import lookup
from kscan_lsp.text import Span, TextEdit, apply_edits

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.verify import Site
    from kscan_lsp.yaml.document import Document


def suppression_edit(site: Site, finding: Finding) -> TextEdit | None:
    """The edit that suppresses one finding: a comment above its line, or an annotation where that cannot be.

    None where neither leaves the document as it was but for the suppression.
    """
    document = site.checked.document
    for edit in (_comment_edit(document, finding), _annotation_edit(document, finding)):
        if edit is not None and _suppresses(site, edit, finding):
            return edit
    return None


def _comment_edit(document: Document, finding: Finding) -> TextEdit | None:
    if document.json:
        return None
    text = document.text
    start = document.lines.starts[document.lines.line_of(finding.span.start)]
    previous = text[:start].rstrip("\r\n").rpartition("\n")[2]
    if previous.lstrip().startswith(f"# {MARK}") and "--" not in previous:
        at = len(text[:start].rstrip("\r\n"))
        return TextEdit(Span(at, at), f", {finding.control}")
    indent = text[start : start + len(text[start:]) - len(text[start:].lstrip(" "))]
    line_end = "\r\n" if "\r\n" in text else "\n"
    return TextEdit(Span(start, start), f"{indent}# {MARK} {finding.control}{line_end}")


def _annotation_edit(document: Document, finding: Finding) -> TextEdit | None:
    root = _root_of(document, finding)
    path = (*root, "metadata", "annotations", ANNOTATION)
    before = lookup(document.data, path)
    ignored = f"{finding.control} -- {NO_REASON_YET}"  # an annotation accepts nothing without a reason
    value = f"{before}; {ignored}" if before and isinstance(before, str) else ignored
    edit = set_value(document, path, value)
    return None if isinstance(edit, Refusal) else edit


def _root_of(document: Document, finding: Finding) -> tuple[str | int, ...]:
    data = document.data
    items = data.get("items") if isinstance(data, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else ()):
        metadata = item.get("metadata") if isinstance(item, dict) else None
        if isinstance(metadata, dict) and metadata.get("name") == finding.resource.name:
            return ("items", index)
    return ()


def _suppresses(site: Site, edit: TextEdit, finding: Finding) -> bool:
    """Whether an edit hides one finding and changes nothing that the document says."""
    document = site.checked.document
    after = site.project.with_document(site.file, site.number, apply_edits(document.text, [edit]))
    if not after.files[site.file].parts:
        return False
    result = replace(site, project=after).checked
    if not result.document.complete or len(result.document.problems) > len(document.problems):
        return False
    key = (finding.control, finding.stable_path, finding.resource)
    return any(
        (f.control, f.stable_path, f.resource) == key and f.status == "accepted" for f in result.findings
    )
