"""Related objects as CEL sees them, and from a reference in CEL's answer back to a place in another file.

A relation is a list of entries `{object, ref, via}`: the object as far as the checks read it, a reference that says
which one it is, and the references of those a chain passed on the way. `related` in a control gives such references
back, alone or as `{ref, path, message}`.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from kscan_lsp import cel, paths
from kscan_lsp.findings import Related
from kscan_lsp.graph.relations import variable
from kscan_lsp.kubernetes.resources import Resource
from kscan_lsp.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kscan_lsp.graph.index import Object
    from kscan_lsp.graph.relations import Bound
    from kscan_lsp.yaml.document import Document

MAX_RELATED: Final = 20
"""Other places that one finding names."""


class RelatedObjects:
    """The related objects of one object."""

    def __init__(
        self, bound: Bound, fields: frozenset[str] | None, document: Callable[[str, bool], Document]
    ) -> None:
        """Make them ready for CEL.

        Args:
            bound: what the relations of the object lead to.
            fields: the fields of related objects that are read; None where that may be any.
            document: how to read the text of a document, which may be JSON.
        """
        self._objects: list[Object] = []
        self._refs: dict[Object, dict[str, Any]] = {}
        self._fields = fields
        self._views: dict[Object, Any] = {}
        self._document = document
        self._places: dict[tuple[int, str, str], Related] = {}
        """Many findings name the same."""
        self.complete = True
        """Whether CEL sees all of the objects."""
        self.lists: Sequence[Mapping[str, list[dict[str, Any]]]] = [
            {
                variable(name): [
                    {
                        "ref": self._ref(link.object),
                        "object": self._view(link.object),
                        "via": [self._ref(passed) for passed in link.via],
                    }
                    for link in found
                ]
                for name, found in links.items()
            }
            for links in bound.links
        ]
        """For each pod template of the object, or once for one without any."""

    def places_of(self, answer: cel.Json) -> tuple[Related, ...]:
        """The places that the answer of a `related` names; what is no reference in it is passed over."""
        found: dict[tuple[int, str], str] = {}
        for entry in answer if isinstance(answer, list) else ():
            if not isinstance(entry, dict):
                continue
            ref = entry.get("ref", entry)
            number = ref.get("index") if isinstance(ref, dict) else None
            # what no file declares has no place
            if isinstance(number, int) and 0 <= number < len(self._objects) and self._objects[number].file:
                found.setdefault((number, str(entry.get("path", ""))), str(entry.get("message", "")))
        left = len(found) - MAX_RELATED
        places = [
            self._place(number, path, message)
            for (number, path), message in islice(found.items(), MAX_RELATED)
        ]
        if left > 0:
            last = places[-1]
            places[-1] = replace(last, message=f"{last.message}; {left} more like this are not shown")
        return tuple(places)

    def _place(self, number: int, path: str, message: str) -> Related:
        key = (number, path, message)
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = self._related(self._objects[number], path, message)
        return known

    def _related(self, other: Object, path: str, message: str) -> Related:
        try:
            where = paths.parse(path) if path else ()
        except ValueError:
            where = ()
        document = self._document(other.document, other.json)
        resource = Resource(document, other.root, other.id, other.data)
        text = redact(message) or f"{other.id.kind} '{other.id.shown_name}'"
        return Related(other.id, where, resource.resolve(where).span, text, other.file, other.document)

    def _ref(self, other: Object) -> dict[str, Any]:
        known = self._refs.get(other)
        if known is None:
            known = self._refs[other] = {
                "index": len(self._objects),
                "apiVersion": other.id.api_version,
                "kind": other.id.kind,
                "namespace": other.namespace,
                "name": other.id.name,
            }
            if not other.file:
                known["builtin"] = True
            self._objects.append(other)
        return known

    def _view(self, other: Object) -> Any:
        if other not in self._views:
            fields = self._fields
            data = (
                other.data
                if fields is None
                else {key: other.data[key] for key in fields if key in other.data}
            )
            view, complete = cel.view(data)
            self.complete &= complete
            self._views[other] = view
        return self._views[other]
