"""The edit that accepts a finding in `.kscan/exceptions.yaml`, and where an exception that accepted one stands.

The entry names the control and the object, so that it accepts no more than what was looked at, and has a reason that
somebody has to give. The file is made where it is not there and the client can make files.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from kscan_lsp.dispositions.directives import NO_REASON_YET
from kscan_lsp.edits import Refusal, add_item
from kscan_lsp.edits.writing import BlockStyle, block
from kscan_lsp.files import encoding
from kscan_lsp.lsp import convert
from kscan_lsp.settings.exceptions import FILE_NAME, FOLDER, read_entries
from kscan_lsp.text import LineIndex, Span, TextEdit, apply_edits
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

NAME = f"{FOLDER}/{FILE_NAME}"


def exception_edit(snapshot: DocumentSnapshot, finding: Finding) -> types.WorkspaceEdit | None:
    """The edit after which an exception accepts a finding; None where none would, or the client cannot make it."""
    root = snapshot.configuration.root
    if root is None or not finding.resource.name or "exceptions" in snapshot.configuration.locked:
        return None
    path = root / FOLDER / FILE_NAME
    opened = snapshot.sources.documents.get(path)
    text = opened.text if opened else _text_of(path)
    there = text is not None
    if text is None and (os.path.lexists(path) or not snapshot.capabilities.create_files):
        return None
    edit = with_entry(text or "", _entry(snapshot, finding))
    if edit is None:
        return None
    capabilities = snapshot.capabilities
    edits = convert.text_edits([edit], 0, LineIndex(text or ""), capabilities.encoding)
    uri = opened.uri if opened else path.as_uri()
    if not capabilities.document_changes:
        return types.WorkspaceEdit(changes={uri: edits}) if there else None
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri, opened.version if opened else None)
    changed = types.TextDocumentEdit(identifier, list(edits))
    if there:
        return types.WorkspaceEdit(document_changes=[changed])
    created = types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True))
    return types.WorkspaceEdit(document_changes=[created, changed])


def with_entry(text: str, entry: dict[str, Any]) -> TextEdit | None:
    """The edit that adds an entry to the text of a file with exceptions; None where it cannot be done surely."""
    document = read_document(text)
    before = document.data if document.data is not None else {}
    if document.problems or not isinstance(before, dict):
        return None
    made = _appended(text, entry) if document.root is None else add_item(document, ("exceptions",), entry)
    if isinstance(made, Refusal):
        return None
    after = read_document(apply_edits(text, [made]))
    entries, problems = read_entries(after)
    wanted = {**before, "exceptions": [*(before.get("exceptions") or ()), entry]}
    return made if after.data == wanted and not problems and entries else None


def accepted_at(snapshot: DocumentSnapshot, finding: Finding) -> tuple[str, int, str] | None:
    """The URI, the line (from 0) and the shown name of the file with exceptions that accepts a finding."""
    said = finding.disposition
    if said is None or not said.file:
        return None
    for file in snapshot.configuration.exception_files:
        path = file.path
        if str(path) == said.file:
            opened = snapshot.sources.documents.get(path)
            names = [path.relative_to(f).as_posix() for f in snapshot.folders if path.is_relative_to(f)]
            uri = opened.uri if opened else path.as_uri()
            return uri, said.line - 1, min(names, key=len, default=path.name)
    return None


def _entry(snapshot: DocumentSnapshot, finding: Finding) -> dict[str, Any]:
    who = finding.resource
    entry: dict[str, Any] = {"controls": [finding.control], "kinds": [who.kind], "names": [who.name]}
    if who.namespace:
        entry["namespaces"] = [who.namespace]
    entry["reason"] = NO_REASON_YET
    days = snapshot.configuration.settings.exceptions.max_days
    if days is not None:
        entry["until"] = (snapshot.project.evidence.today + timedelta(days=days)).isoformat()
    return entry


def _text_of(path: Path) -> str | None:
    source = encoding.read(path)
    return None if isinstance(source, encoding.Unreadable) else source.text


def _appended(text: str, entry: dict[str, Any]) -> TextEdit | Refusal:
    """The entry at the end of a file in which nothing is said."""
    if "---" in text or "..." in text:
        return Refusal("the file has nothing in it that could be edited")
    newline = "\r\n" if "\r\n" in text else "\n"
    glue = "" if not text or text.endswith("\n") else newline
    lines = block({"exceptions": [entry]}, BlockStyle())
    return TextEdit(Span(len(text), len(text)), glue + "".join(line + newline for line in lines))
