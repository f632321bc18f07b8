"""What a template renders to with other values than the defaults: what is found in that, and in nothing before it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import ResourceId
    from kscan_lsp.paths import Path
    from kscan_lsp.render.source_map import FoundWith
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile


def faults_of(checked: CheckedDocument) -> Iterable[object]:
    """What is wrong with a document, and what could not be judged in it, apart from where it stands."""
    yield from ((problem.code, problem.message) for problem in checked.problems)
    for verdicts in checked.verdicts:
        yield from ((verdicts.resource.id, one) for one in verdicts.unevaluated)


class SameObjects:
    """The objects of a template, and which of them are the same one that several values call differently.

    They are the same where the same place of the template makes them, the same in number, of one kind, and nobody has
    accepted a finding of one that is open in the other.
    """

    def __init__(self, default: CheckedFile | None = None) -> None:
        """With the objects that are there by default."""
        self.same: dict[ResourceId, ResourceId] = {}
        self.counted: set[ResourceId] = set()
        """Those that count in the scores."""
        self._first: dict[object, tuple[ResourceId, frozenset[object]]] = {}
        """The first object that was made at a place."""
        self._known: set[ResourceId] = set()
        if default is not None:
            self.add(default)
            self.counted.update(self._known)

    def add(self, file: CheckedFile) -> None:
        """Take in those that there are with other values."""
        objects = [(placed, one) for placed in file.documents for one in placed.checked.verdicts]
        here = {one.resource.id for _, one in objects}
        if self._known and here <= self._known:
            return
        numbers: dict[object, int] = defaultdict(int)
        for placed, one in objects:
            who, root = one.resource.id, placed.checked.document.root
            at = placed.locate(Span(root.start, root.start + 1)) if root is not None else None
            place = (at.file, at.span, who.api_version, who.kind, one.resource.root) if at else None
            numbers[place] += 1
            accepted = frozenset((f.control, f.stable_path) for f in one.findings if f.status == "accepted")
            first, also_accepted = self._first.setdefault((place, numbers[place]), (who, accepted))
            # one that has its own name among these is made at another place this time
            if who not in self._known and first not in here and accepted == also_accepted:
                self.same[who] = first
        self._known |= here


class KnownSoFar(Struct, frozen=True):
    """What is known of a template by the values before."""

    found_with: FoundWith
    known: dict[object, list[str]]
    """What findings are found with, by what tells them apart."""
    faults: set[object]
    counted: set[ResourceId]
    """The objects that count in the scores."""


def only_new(
    checked: CheckedDocument, so_far: KnownSoFar, values: str
) -> tuple[CheckedDocument | None, dict[Path, frozenset[str]]]:
    """What is said of a document that no values before had, None for nothing; all of it is known then.

    What they had is noted to be found with these, too. What could not be read or judged is no less said than what is
    found: with these values it would pass for clean.

    Returns:
        Also the controls that fail in it and are said of another object, by the root of the object.
    """
    parts = [_of_object(one, so_far, values) for one in checked.verdicts]
    problems = tuple(
        [
            replace(one, message=f"{one.message} (rendered with {values})")
            for one in checked.problems
            if (one.code, one.message) not in so_far.faults
        ]
    )
    kept = tuple(one for one, failing in parts if one.findings or one.unevaluated or failing)
    so_far.faults.update(faults_of(checked))
    if not (kept or problems):
        return None, {}
    # the reason why it is not complete has to stay with it
    problems = problems or tuple(one for one in checked.problems if one.fatal)
    elsewhere = {one.resource.root: failing for one, failing in parts if failing}
    none = frozenset[frozenset[str]]()
    return (
        replace(
            checked, verdicts=kept, problems=problems, read=None, bounds=(), dependencies=none, origin=checked
        ),
        elsewhere,
    )


def _of_object(verdicts: Verdicts, so_far: KnownSoFar, values: str) -> tuple[Verdicts, frozenset[str]]:
    """What is said of an object that no values before had; and what fails in one that counts, and is said already."""
    new = []
    failing: set[str] = set()
    who = verdicts.resource.id
    for finding in verdicts.findings:
        names = so_far.known.setdefault(so_far.found_with.key(finding), [])
        if not names:
            new.append(finding)
        elif who not in so_far.counted and finding.status != "accepted":
            failing.add(finding.control)
        names.append(values)
    unevaluated = tuple(one for one in verdicts.unevaluated if (who, one) not in so_far.faults)
    if new or unevaluated or failing:
        so_far.counted.add(who)
    return replace(verdicts, findings=tuple(new), unevaluated=unevaluated), frozenset(failing)
