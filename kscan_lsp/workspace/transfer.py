"""What was judged in one process, as bytes for the one that it is a copy of.

A process that was forked has what its parent had, at the same addresses. So what both have (a text, a document that was
read before, an object of the index) is sent as its address, and found again there; everything else is sent whole. What
only an edit would ask for later is left out.
"""

from __future__ import annotations

import io
import pickle
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from kscan_lsp.cel import View
from kscan_lsp.dispositions.exceptions import FileExceptions
from kscan_lsp.engine.verdicts import Judged, Verdicts
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.findings import Finding, Related
from kscan_lsp.graph.binding import Bound
from kscan_lsp.graph.index import Object
from kscan_lsp.kubernetes.resources import Resource
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.results import CheckedFile, ReadDocument
from kscan_lsp.yaml.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kscan_lsp.workspace.project import Project

_BY_ADDRESS = (
    CheckedFile,
    Document,
    Evidence,
    Finding,
    Object,
    ReadDocument,
    Related,
    Resource,
    Verdicts,
    View,
)
"""What is sent as an address where both have it, and so are texts and values in its fields."""
_LEFT_OUT = (FileExceptions, Judged)
"""What is found anew where it is asked for: which exceptions are about a file, what each group of checks found."""


class Shared:
    """What a process has that its copies will have, too: made before they are."""

    def __init__(self, projects: Iterable[Project], texts: Iterable[str] = ()) -> None:
        """Know what is in some projects, and texts that are to come into them."""
        self._objects: dict[int, object] = {id(text): text for text in texts}
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
            Bound: _without_questions,
            LineIndex: self._lines,
            _SharedAddress: lambda one: (_at, (one.number,)),
        }
        pickler.dump(value)
        return buffer.getvalue()

    def unpacked(self, data: bytes) -> Any:
        """A value that a copy of this process has packed."""
        return _Unpickler(io.BytesIO(data), self._objects).load()

    def _by_address(self, one: object) -> Any:
        number = id(one)
        if number in self._objects:
            return _at, (number,)
        made: Any = one.__reduce__()
        return made[0], tuple([self._field(part) for part in made[1]])

    def _lines(self, one: LineIndex) -> tuple[type[LineIndex], tuple[object]]:
        return LineIndex, (self._field(one.text),)

    def _field(self, value: object) -> object:
        """A value of a field; pickle asks nobody about texts and plain values."""
        return _SharedAddress(id(value)) if id(value) in self._objects else value


class _SharedAddress(NamedTuple):
    """What stands in a field for what both have."""

    number: int


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


def _without_questions(bound: Bound) -> tuple[type[Bound], tuple[object, object]]:
    """What relations lead to; who asks them again puts the questions anew."""
    return Bound, (bound.links, bound.dependencies)


def _none() -> None:
    return None


def _parts_of(file: CheckedFile) -> Iterator[object]:
    yield file.text
    for part in file.parts:
        read = part.read
        if read is None:
            continue
        yield read
        yield read.document
        yield read.document.text
        for verdicts in read.verdicts:
            yield verdicts
            yield verdicts.resource
            yield verdicts.resource.data
            yield verdicts.view
            yield from verdicts.findings
