"""What was judged in one process, as bytes for another that is a copy of the same.

A process that was forked has what its parent had, at the same addresses: what both have since then (a text that is to
be read, evidence) is sent as its address. The objects of an index, which all of them have come to know, are numbered:
their order is the same everywhere. Everything else is sent whole. What only an edit would ask for later is left out.
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
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.workspace.project import Project

_WITH_KNOWN = (
    CheckedFile,
    Evidence,
    Finding,
    Object,
    ReadDocument,
    Related,
    Resource,
    Verdicts,
)
"""What is sent as its number where both have it, and so are texts and values in its fields."""
_LEFT_OUT = (FileExceptions, Judged)
"""What is found anew where it is asked for: which exceptions are about a file, what each group of checks found."""


class Transfer:
    """Packs values for other copies of this process, and unpacks what these have packed."""

    def __init__(self, shared: Iterable[object], projects: Iterable[Project]) -> None:
        """Know what all of them know.

        Args:
            shared: what there was before there were copies.
            projects: those whose indices have the same objects in all processes.
        """
        self._known: dict[int, object] = {}
        self._numbers: dict[int, int] = {}
        """By the identity of a value, what it is sent as."""
        for one in shared:
            self._known[id(one)] = one
            self._numbers[id(one)] = id(one)
        number = -1  # no address
        for project in projects:
            for declared in chain.from_iterable(project.index.files.values()):
                for part in (declared, declared.data, declared.document):
                    self._known[number] = part
                    self._numbers.setdefault(id(part), number)
                    number -= 1

    def packed(self, value: object) -> bytes:
        """A value for a process that knows the same."""
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = {
            **dict.fromkeys(_WITH_KNOWN, self._with_known),
            **dict.fromkeys(_LEFT_OUT, _nothing),
            Bound: _without_questions,
            Document: self._unread,
            View: self._view,
            LineIndex: self._lines,
            _Reference: lambda one: (_referred, (one.number,)),
        }
        pickler.dump(value)
        return buffer.getvalue()

    def unpacked(self, data: bytes) -> Any:
        """A value that such a process has packed."""
        return _Unpickler(io.BytesIO(data), self._known).load()

    def _with_known(self, one: object) -> Any:
        number = self._numbers.get(id(one))
        if number is not None:
            return _referred, (number,)
        made: Any = one.__reduce__()  # a record is its type and its fields
        return made[0], self._fields(made[1])

    def _view(self, one: View) -> tuple[type[View], tuple[object, ...]]:
        return View, self._fields(one)

    def _unread(self, one: Document) -> tuple[type[Document], tuple[object, ...]]:
        """A document without what is in it: to read it again takes less, and few are asked."""
        return Document, self._fields(
            (one.text, one.json, one.problems, one.blanked, one.complete, one.lines)
        )

    def _lines(self, one: LineIndex) -> tuple[type[LineIndex], tuple[object, ...]]:
        # where they start, too: the reader knows, and to look for it takes three times as long as to send it
        return LineIndex, self._fields((one.text, one.starts))

    def _fields(self, values: Iterable[object]) -> tuple[object, ...]:
        """The values of fields; pickle asks nobody about texts and plain values."""
        numbers = self._numbers
        return tuple([_Reference(numbers[id(one)]) if id(one) in numbers else one for one in values])


class _Reference(NamedTuple):
    """What stands in a field for what both know."""

    number: int


class _Unpickler(pickle.Unpickler):
    """Reads what a copy of this process has written, and nobody else."""

    def __init__(self, file: io.BytesIO, known: Mapping[int, object]) -> None:
        super().__init__(file)
        self._values = known

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        return self._values.__getitem__ if found is _referred else found


def _referred(number: int) -> object:
    raise LookupError(f"nothing is known as {number}")  # `find_class` puts the lookup in its place


def _nothing(_: object) -> tuple[Callable[[], None], tuple[()]]:
    return _none, ()


def _without_questions(bound: Bound) -> tuple[type[Bound], tuple[object, object]]:
    """What relations lead to; who asks them again puts the questions anew."""
    return Bound, (bound.links, bound.dependencies)


def _none() -> None:
    return None
