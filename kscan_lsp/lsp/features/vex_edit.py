"""The edit that accepts a vulnerability: a statement in an OpenVEX document beside the settings.

Source: OpenVEX 0.2.0, which has five reasons for what is not affected.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import uuid4

from lsprotocol import types

from kscan_lsp.files import encoding
from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.lsp import convert
from kscan_lsp.text import LineIndex, Span, TextEdit
from kscan_lsp.workspace.image_uses import known_of
from kscan_lsp.workspace.images import ACCEPTED, folder_for
from kscan_lsp.workspace.places import settings_above

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

REASONS: Final = {
    "The component is not there": "component_not_present",
    "The vulnerable code is not there": "vulnerable_code_not_present",
    "The vulnerable code is never run": "vulnerable_code_not_in_execute_path",
    "An attacker cannot get at the vulnerable code": "vulnerable_code_cannot_be_controlled_by_adversary",
    "Something else already protects from it": "inline_mitigations_already_exist",
}
"""The justifications of OpenVEX, in words."""


def file_for(snapshot: DocumentSnapshot) -> Path | None:
    """The file that statements about a document's images are written to; None where there is no folder for it."""
    configuration = snapshot.configuration
    path = configuration.settings_path
    folder = folder_for(configuration.root, settings_above(path) if path else ())
    return None if folder is None else folder / ACCEPTED


def vex_edit(
    snapshot: DocumentSnapshot, image: str, vulnerability: str, package: str, justification: str
) -> types.WorkspaceEdit | None:
    """The edit that states that a vulnerability of a package does not matter in an image.

    Returns: None where there is no place for it, or something else stands there.
    """
    path = file_for(snapshot)
    if path is None or (not path.exists() and not snapshot.capabilities.create_files):
        return None
    there = path.exists()
    before, document = "", _new()
    if there:
        source = encoding.read(path)
        if isinstance(source, encoding.Unreadable):
            return None
        before = source.text
        try:
            document = json.loads(before)
        except ValueError:
            return None
        if not isinstance(document, dict) or not isinstance(document.get("statements"), list):
            return None
    now = f"{datetime.now(UTC).isoformat(timespec='seconds').removesuffix('+00:00')}Z"
    statement = {
        "vulnerability": {"name": vulnerability},
        "products": [
            {"@id": _product(image), "subcomponents": [{"@id": _package(snapshot, image, package)}]}
        ],
        "status": "not_affected",
        "justification": justification,
        "timestamp": now,
    }
    statements = [*document["statements"], statement]
    version = document.get("version")
    changed = {
        **document,
        "timestamp": document.get("timestamp") or now,
        "last_updated": now,
        "version": (version if isinstance(version, int) else 0) + 1,
        "statements": statements,
    }
    text = json.dumps(changed, indent=2, ensure_ascii=False) + "\n"
    edit = TextEdit(Span(0, len(before)), text)
    edits = convert.text_edits([edit], 0, LineIndex(before), snapshot.capabilities.encoding)
    uri = path.as_uri()
    if not snapshot.capabilities.document_changes:
        return types.WorkspaceEdit(changes={uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri)
    made: list[Any] = [types.TextDocumentEdit(identifier, list(edits))]
    if not there:
        made.insert(0, types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True)))
    return types.WorkspaceEdit(document_changes=made)


def _product(image: str) -> str:
    """The package URL of an image (purl-spec, type `oci`)."""
    ref = image_ref(image)
    name = ref["repository"].rpartition("/")[2].lower()
    if ref["digest"]:
        return f"pkg:oci/{name}@{quote(ref['digest'], safe='')}?repository_url={ref['name']}"
    return f"pkg:oci/{name}?repository_url={ref['name']}&tag={ref['tag'] or 'latest'}"


def _new() -> dict[str, Any]:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"urn:uuid:{uuid4()}",
        "author": "The maintainers of these manifests",
        "timestamp": "",
        "version": 0,
        "statements": [],
    }


def _package(snapshot: DocumentSnapshot, image: str, package: str) -> str:
    """What a statement calls a package of an image: its package URL, if the source has it."""
    known = known_of(snapshot.project)
    report = known.images.of(image) if known else None
    purls = (one.purl for one in report.vulnerabilities if one.package == package) if report else ()
    return next((purl.partition("?")[0] for purl in purls if purl), package)
