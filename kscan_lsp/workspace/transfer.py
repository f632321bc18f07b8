"""What was judged in one process, as bytes for the one that it is a copy of.

A process that was forked has what its parent had, at the same addresses. So what both have (a document that was read
before, an object of the index) is sent as its address, and found again there; everything else is sent whole. What only
an edit would ask for later is left out.
"""

from __future__ import annotations

import io
import pickle
from itertools import chain
from typing import TYPE_CHECKING, Any

from kscan_lsp.cel import View
from kscan_lsp.dispositions.exceptions import FileExceptions
from kscan_lsp.engine.verdicts import Judged, Verdicts
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.findings import Finding
from kscan_lsp.graph.index import Object
from kscan_lsp.kubernetes.resources import Resource
from kscan_lsp.workspace.results import ReadDocument
from kscan_lsp.yaml.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

_BY_ADDRESS = (Document, Evidence, Finding, Object, ReadDocument, Resource, Verdicts, View)
"""What is sent as an address where both have it."""
_LEFT_OUT = (FileExceptions, Judged)
"""What is found anew where it is asked for: which exceptions are about a file, what each group of checks found."""


class Shared:
    """What a process has that its copies will have, too: made before they are."""

    def __init__(self, projects: Iterable[Project]) -> None:
        self._objects: dict[int, object] = {}
        for project in projects:
            self._objects[id(project.evidence)] = project.evidence
            objects = chain.from_iterable(project.index.files.values())
            for one in chain(objects, *map(_parts_of, project.files.values())):
                self._objects[id(one)] = one

    def packed(self, value: object) -> bytes:
        """A value for the process that has all of this."""
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = {
            **dict.fromkeys(_BY_ADDRESS, self._by_address),
            **dict.fromkeys(_LEFT_OUT, _nothing),
        }
        pickler.dump(value)
        return buffer.getvalue()

    def unpacked(self, data: bytes) -> Any:
        """A value that a copy of this process has packed."""
        return _Unpickler(io.BytesIO(data), self._objects).load()

    def _by_address(self, one: object) -> Any:
        number = id(one)
        return (_at, (number,)) if number in self._objects else one.__reduce__()


class _Unpickler(pickle.Unpickler):
    """Reads what a copy of this process has written, and nobody else."""

    def __init__(self, file: io.BytesIO, objects: Mapping[int, object]) -> None:
        super().__init__(file)
        self._objects = objects

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        return self._objects.__getitem__ if found is _at else found


def _at(address: int) -> object:
    raise LookupError(f"nothing is known at {address}")  # `find_class` puts the lookup in its place


def _nothing(_: object) -> tuple[Callable[[], None], tuple[()]]:
    return _none, ()


def _none() -> None:
    return None


def _parts_of(file: CheckedFile) -> Iterator[object]:
    for part in file.parts:
        read = part.read
        if read is None:
            continue
        yield read
        yield read.document
        for verdicts in read.verdicts:
            yield verdicts
            yield verdicts.resource
            yield verdicts.view
            yield from verdicts.findings
