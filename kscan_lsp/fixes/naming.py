"""Findings -> what would fix them, by name alone, for all objects of a scan.

A scan names some fifty fixes a file, and the files are alike: the same controls fail on objects of the same shape. So
what `draft.py` makes of a finding is remembered by all that decides what a fix does: the checks and the values they may
choose, where the element stands, and the digests of what the fix's own expressions read. What the elements of lists are
called is each object's own, and looked up in it once; the titles are remembered by that.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from msgspec import Struct

from kscan_lsp.cel import variables_of
from kscan_lsp.fixes.draft import FixOfCheck, choices_of, drafts_by, elements_in, judged_in
from kscan_lsp.fixes.titles import called_in, titled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.engine.causes import FailedElements
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.findings import Cause, Finding
    from kscan_lsp.fixes.secrets import SecretKey
    from kscan_lsp.fixes.titles import Named, Outline
    from kscan_lsp.graph.index import Index
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.check import Check, Fix
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.policy.targets import Each
    from kscan_lsp.workspace.results import CheckedDocument

MAX_NAMED: Final = 16_384
"""Findings of which it is remembered what would fix them, and what that is called; places of elements, choices that
fixes have, and kinds. All of one is forgotten when it is full.
"""
_CONTEXTS: Final = (("container", "securityContext"), ("pod", "securityContext"))
"""What decides where the security context that holds for a container is written."""


class FixName(Struct, frozen=True, cache_hash=True):
    """What a fix is called, and whether what runs today starts with it and does the same."""

    title: str
    safe: bool


_T = TypeVar("_T")
_Variables: TypeAlias = "tuple[tuple[str, str | None], ...]"


class _FixReads(Struct, frozen=True):
    """What the fix of a check depends on besides its place."""

    operations: _Variables | None
    """What its expressions read, but for its condition; None for one that is not remembered."""
    condition: _Variables | None
    """What its condition reads; None for one whose choices rest on other objects."""


class _KnownFix(Struct, eq=False):
    """The fix of a check, in objects of one kind."""

    check: Check
    fix: Fix | None
    reads: _FixReads
    judged: int
    """What it is made on: those of checks that judge the same elements have the same."""
    choices: tuple[str | SecretKey, ...] | None = None
    """The values that it may choose, where these are the same in all objects, once they are known."""


class _Kind(Struct, frozen=True, eq=False):
    """What is known of fixes in objects of one kind, by one ruleset."""

    ruleset: Ruleset
    fixes: dict[tuple[str, int], _KnownFix] = {}
    """By control, and number among its checks."""
    judged: dict[tuple[bool, Each], int] = {}
    """A number for the elements that checks of controls that look at nothing but the object judge, or others."""


class _Outlines(Struct, frozen=True, eq=False):
    """What the fixes of a finding do, and to what: names of that are all that differs in another object."""

    outlines: tuple[tuple[Outline, bool], ...]
    places: tuple[tuple[Path, bool], ...]
    """Elements of lists, and whether they are removed."""

    def titled(self, resource: Resource, named: Named) -> tuple[FixName, ...]:
        """What they are called in an object."""
        return tuple([FixName(titled(outline, resource, named), safe) for outline, safe in self.outlines])


class _Object(Struct, frozen=True):
    """An object with findings to fix, and what was looked up in it."""

    resource: Resource
    kind: _Kind
    elements: FailedElements
    index: Index
    bound: dict[tuple[int, int, int], tuple[Element, int]] = {}
    """Elements that checks failed on, with the number of their place: by what is judged, and as a cause tells them."""
    named: Named = {}
    called: dict[tuple[Path, bool], str] = {}


class FixNames:
    """Names the fixes of findings, and remembers what is the same in other objects."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._choices: dict[tuple[object, ...], tuple[str | SecretKey, ...]] = {}
        self._places: dict[tuple[object, ...], int] = {}
        self._numbers = count()
        """Numbers for the places, none of which comes again."""
        self._known: dict[tuple[object, ...], _Outlines] = {}
        self._titles: dict[tuple[object, ...], tuple[FixName, ...]] = {}

    def of(
        self, checked: CheckedDocument, evaluator: Evaluator, index: Index
    ) -> Iterator[tuple[FixName, ...]]:
        """The names of what `draft.drafts` gives for a document: those of each finding whose control has a fix."""
        for number, verdicts in enumerate(checked.verdicts):
            fixable = [finding for finding in verdicts.findings if finding.fixable]
            if fixable:
                resource = judged_in(checked, number).resource
                elements = elements_in(checked, number, evaluator)
                kind = self._kind(resource, evaluator.ruleset)
                there = _Object(resource, kind, elements, index)
                for finding in fixable:
                    yield self._names(finding, there)

    def _kind(self, resource: Resource, ruleset: Ruleset) -> _Kind:
        who = resource.id
        key = (ruleset, who.group, who.kind, resource.places, bool(resource.templates))
        found = self._kinds.get(key)
        if found is None:
            found = _keep(self._kinds, key, _Kind(ruleset))
        return found

    def _names(self, finding: Finding, there: _Object) -> tuple[FixName, ...]:
        """What the fixes of a finding are called."""
        fixes, bound = there.kind.fixes, there.bound
        # which parts of what is judged as it is stored stand in the text is another matter each time
        alike = there.resource.origin is None
        key: list[object] = []
        options: list[tuple[_KnownFix, Element, tuple[str | SecretKey, ...]]] = []
        for cause in finding.causes:
            known = fixes.get((finding.control, cause.check)) or _known_fix(
                finding.control, cause.check, there
            )
            if known.fix is None:
                return ()
            at = bound.get((known.judged, cause.template, cause.element)) or self._bound(known, cause, there)
            if at is None:
                return ()
            element, place = at
            choices = known.choices
            if choices is None:
                choices = self._chosen(known, element, there)
            if not choices:
                return ()
            options.append((known, element, choices))
            reads = known.reads.operations
            if reads is None:
                alike = False
            elif reads:
                key += (known, place, choices, *[element.digest(name, field) for name, field in reads])
            else:
                key += (known, place, choices)
        if not alike:
            return _outlines_of(options, there).titled(there.resource, there.named)
        found = self._known.get(whole := tuple(key))
        if found is None:
            found = _keep(self._known, whole, _outlines_of(options, there))
        return self._titled(found, there)

    def _titled(self, found: _Outlines, there: _Object) -> tuple[FixName, ...]:
        """Titles in which the elements of the object are named."""
        called = there.called
        key: list[object] = [found]
        for place in found.places:
            name = called.get(place)
            if name is None:
                path, removed = place
                name = called[place] = called_in(there.resource, path, there.named, removed=removed)
            key.append(name)
        titles = self._titles.get(whole := tuple(key))
        if titles is None:
            titles = _keep(self._titles, whole, found.titled(there.resource, there.named))
        return titles

    def _bound(self, known: _KnownFix, cause: Cause, there: _Object) -> tuple[Element, int] | None:
        """The element that a check failed on, and a number for all that stand where it does, in objects of its kind."""
        element = there.elements.find(known.check, cause)
        if element is None:
            return None
        key = (there.kind, element.scope.place, element.path, *element.anchors.items())
        place = self._places.get(key)
        if place is None:
            place = _keep(self._places, key, next(self._numbers))
        found = there.bound[known.judged, cause.template, cause.element] = (element, place)
        return found

    def _chosen(self, known: _KnownFix, element: Element, there: _Object) -> tuple[str | SecretKey, ...]:
        """As `draft.choices_of`, by what conditions read."""
        check, ruleset, reads = known.check, there.kind.ruleset, known.reads.condition
        if not reads:
            choices = choices_of(check, element, there.resource, ruleset, there.index)
            if reads is not None:
                known.choices = choices
            return choices
        key = (check, ruleset, *[element.digest(name, field) for name, field in reads])
        found = self._choices.get(key)
        if found is None:
            made = choices_of(check, element, there.resource, ruleset, there.index)
            found = _keep(self._choices, key, made)
        return found


def _keep(known: dict[tuple[object, ...], _T], key: tuple[object, ...], value: _T) -> _T:
    """Remember a value; all others are forgotten if there are too many."""
    if len(known) >= MAX_NAMED:
        known.clear()
    known[key] = value
    return value


def _outlines_of(
    options: Sequence[tuple[_KnownFix, Element, tuple[str | SecretKey, ...]]], there: _Object
) -> _Outlines:
    """What fixes that are made together do."""
    made = [
        FixOfCheck(known.check, known.fix, element, choices)
        for known, element, choices in options
        if known.fix is not None
    ]
    outlines = tuple([(draft.outline, draft.safe) for draft in drafts_by(made, there.resource)])
    steps = [step for outline, _ in outlines for step in outline.steps]
    return _Outlines(
        outlines, tuple(dict.fromkeys((step.place, step.removes) for step in steps if step.place))
    )


def _known_fix(control: str, number: int, there: _Object) -> _KnownFix:
    """The fix of a check of a control."""
    kind = there.kind
    check = kind.ruleset.control(control).checks[number]
    judged = kind.judged.setdefault((there.elements.is_alone(check), check.each), len(kind.judged))
    found = kind.fixes[control, number] = _KnownFix(check, check.fix, _reads(check.fix), judged)
    return found


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
