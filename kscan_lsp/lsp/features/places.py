"""From objects of the graph, in whichever file, to places as the protocol has them.

The tree of a file that is not judged is read for the answer, and forgotten with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from kscan_lsp.graph.index import key_of
from kscan_lsp.kubernetes.resources import Resource
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.control_names import text_at
from kscan_lsp.text import Span
from kscan_lsp.workspace.declared import index_of
from kscan_lsp.workspace.locations import documents_by_text, lines_of, location_in
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, ProjectsSnapshot
    from kscan_lsp.paths import Path
    from kscan_lsp.text import Encoding
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node


class Places:
    """The places of the objects of a project, for one answer."""

    def __init__(self, project: Project, encoding: Encoding, uris: Mapping[str, str]) -> None:
        """Places in a project; `uris` has what the editor calls files, by key. All others go by their keys."""
        self.project = project
        self._encoding = encoding
        self._uris = uris
        self._documents: dict[tuple[str, str], Document] = {}

    def resource(self, one: Object) -> Resource:
        """An object with its document's tree."""
        known = self._documents.get((one.file, one.document))
        if known is None:
            file = self.project.files.get(one.file)
            placed = documents_by_text(file).get(one.document) if file else None
            known = placed.checked.document if placed else read_document(one.document, json=one.json)
            self._documents[one.file, one.document] = known
        return Resource(known, one.root, one.id, one.data, one.templates)

    def at(self, one: Object, path: Path) -> types.Location:
        """The value at a path of an object, without quotes; the nearest thing that is there where it is not."""
        resource = self.resource(one)
        span = text_at(resource.document, (*one.root, *path))
        return self._location(one, span or resource.resolve(path).span)

    def entry(self, one: Object, path: Path) -> types.Location:
        """The entry at a path of an object, marked as a finding there would be."""
        return self._location(one, self.resource(one).resolve(path).span)

    def whole(self, one: Object) -> types.Location:
        """All of an object."""
        node = nearest(cast("Node", self.resource(one).document.root), one.root).node
        return self._location(one, Span(node.start, node.end))

    def span(self, one: Object, span: Span) -> types.Location:
        """A span of the document that an object is in."""
        return self._location(one, span)

    def file(self, one: Object) -> str:
        """The URI of the file that an object is in."""
        return self._uris.get(one.file, one.file)

    def _location(self, one: Object, span: Span) -> types.Location:
        location = location_in(one.file, one.document, span, self.project)
        lines = lines_of(location, self.project)
        uri = self._uris.get(location.file, location.file)
        return types.Location(uri, convert.range_of_lines(lines, self._encoding))


def identity(one: Object) -> dict[str, Any]:
    """What an object is known by in a later request."""
    return {"file": one.file, "is": [one.id.kind, one.namespace, one.id.name]}


def identified(snapshot: ProjectsSnapshot, data: Any) -> tuple[Object, Index, Places] | None:
    """The object of an `identity`, with all around it; None where it is not there any more."""
    if not isinstance(data, dict) or not isinstance(data.get("is"), list):
        return None
    for project in snapshot.projects:
        index = index_of(project)
        for one in index.find(key_of("object", *map(str, data["is"]))):
            if one.file == data.get("file"):
                return one, index, Places(project, snapshot.capabilities.encoding, snapshot.uris)
    return None


def places_of(snapshot: DocumentSnapshot) -> Places:
    """The places of the objects around a document."""
    return Places(snapshot.project, snapshot.capabilities.encoding, {snapshot.key: snapshot.uri})
