"""Findings -> what would fix them, by name alone, for all objects of a scan.

A scan names some fifty fixes a file, and the files are alike: the same controls fail on objects of the same shape. So
what `draft.py` makes of a finding is remembered by all that decides what a fix does: the checks and the values they may
choose, where the element stands, and the digests of what the fix's own expressions read. What the elements of lists are
called is each object's own, and is put in each time.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.cel import variables_of
from kscan_lsp.fixes.draft import choices_of, drafts_by, elements_in, judged_in, options_of
from kscan_lsp.fixes.titles import titled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.fixes.draft import FixOfCheck
    from kscan_lsp.fixes.secrets import SecretKey
    from kscan_lsp.fixes.titles import Named, Outline
    from kscan_lsp.graph.index import Index
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.policy.check import Check, Fix
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.results import CheckedDocument

MAX_NAMED: Final = 16_384
"""Findings of which it is remembered what would fix them, places of elements, and choices that fixes have. All of one
is forgotten when it is full.
"""
_CONTEXTS: Final = (("container", "securityContext"), ("pod", "securityContext"))
"""What decides where the security context that holds for a container is written."""


class FixName(Struct, frozen=True):
    """What a fix is called, and whether what runs today starts with it and does the same."""

    title: str
    safe: bool


_Variables: TypeAlias = "tuple[tuple[str, str | None], ...]"


class _FixReads(Struct, frozen=True):
    """What the fix of a check depends on besides its place."""

    operations: _Variables | None
    """What its expressions read, but for its condition; None for one that is not remembered."""
    condition: _Variables | None
    """What its condition reads; None for one whose choices rest on other objects."""


class FixNames:
    """Names the fixes of findings, and remembers what is the same in other objects."""

    def __init__(self) -> None:
        self._readings: dict[Check, _FixReads] = {}
        self._choices: dict[tuple[object, ...], tuple[str | SecretKey, ...]] = {}
        self._places: dict[tuple[object, ...], int] = {}
        self._numbers = count()
        """Numbers for the places, none of which comes again."""
        self._known: dict[tuple[object, ...], tuple[tuple[Outline, bool], ...]] = {}

    def of(self, checked: CheckedDocument, evaluator: Evaluator, index: Index) -> Iterator[Sequence[FixName]]:
        """The names of what `draft.drafts` gives for a document: those of each finding whose control has a fix."""
        for number, verdicts in enumerate(checked.verdicts):
            fixable = [finding for finding in verdicts.findings if finding.fixable]
            if not fixable:
                continue
            resource = judged_in(checked, number).resource
            elements = elements_in(checked, number, evaluator)
            places: dict[int, int] = {}
            named: Named = {}
            for finding in fixable:
                options = options_of(
                    finding, resource, elements, evaluator.ruleset, index, chosen=self._chosen
                )
                found = self._outlines(options, resource, evaluator.ruleset, places) if options else ()
                yield [FixName(titled(outline, resource, named), safe) for outline, safe in found]

    def _chosen(
        self, check: Check, element: Element, resource: Resource, ruleset: Ruleset, index: Index
    ) -> tuple[str | SecretKey, ...]:
        """As `draft.choices_of`, by what conditions read."""
        reads = (self._readings.get(check) or self._read_by(check)).condition
        if reads is None:
            return choices_of(check, element, resource, ruleset, index)
        key = (check, ruleset, *[element.digest(name, field) for name, field in reads])
        found = self._choices.get(key)
        if found is None:
            if len(self._choices) >= MAX_NAMED:
                self._choices.clear()
            found = self._choices[key] = choices_of(check, element, resource, ruleset, index)
        return found

    def _read_by(self, check: Check) -> _FixReads:
        found = self._readings[check] = _reads(check.fix)
        return found

    def _outlines(
        self, options: Sequence[FixOfCheck], resource: Resource, ruleset: Ruleset, places: dict[int, int]
    ) -> tuple[tuple[Outline, bool], ...]:
        key = self._key(options, resource, ruleset, places)
        found = None if key is None else self._known.get(key)
        if found is None:
            found = tuple([(draft.outline, draft.safe) for draft in drafts_by(options, resource)])
            if key is not None:
                if len(self._known) >= MAX_NAMED:
                    self._known.clear()
                self._known[key] = found
        return found

    def _key(
        self, options: Sequence[FixOfCheck], resource: Resource, ruleset: Ruleset, places: dict[int, int]
    ) -> tuple[object, ...] | None:
        """What decides what the fixes of a finding do; None where that is not known.

        Args:
            options: the fixes.
            resource: where they are made.
            ruleset: the controls that are on.
            places: by the identity of an element of the resource, the number of its place.
        """
        if resource.origin is not None:  # which of its parts stand in the text is another matter each time
            return None
        key: list[object] = []
        for option in options:
            check, element = option.check, option.element
            reads = (self._readings.get(check) or self._read_by(check)).operations
            if reads is None:
                return None
            place = places.get(id(element))
            if place is None:
                place = places[id(element)] = self._place(element, resource, ruleset)
            key += (check, place, option.choices)
            if reads:
                key += [element.digest(name, field) for name, field in reads]
        return tuple(key)

    def _place(self, element: Element, resource: Resource, ruleset: Ruleset) -> int:
        """A number for all elements that stand where this one does, in objects of its kind."""
        who, scope = resource.id, element.scope
        anchors = element.anchors.items()
        key = (ruleset, who.group, who.kind, resource.places, scope.place, element.path, *anchors)
        if len(self._places) >= MAX_NAMED:
            self._places.clear()
        return self._places.setdefault(key, next(self._numbers))


def _reads(fix: Fix | None) -> _FixReads:
    if fix is None:
        return _FixReads(None, None)
    asks_others = any(one.verb == "toSecret" for one in fix.operations)
    condition = None if asks_others else () if fix.when is None else variables_of(fix.when)
    variables: dict[tuple[str, str | None], None] = {}
    for operation in fix.operations:
        holes = [one for part in operation.target.expressions() for one in variables_of(part)]
        if any(field is not None for _, field in holes):
            return _FixReads(
                None, condition
            )  # what else the variable has decides whether it is too much to evaluate
        variables.update(dict.fromkeys(holes))
        if operation.question is not None:
            variables.update(dict.fromkeys(variables_of(operation.question)))
        if operation.target.anchor == "effective":
            variables.update(dict.fromkeys(_CONTEXTS))
    return _FixReads(tuple(variables), condition)
