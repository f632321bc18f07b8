"""A finding -> drafts of what would fix it: the operations of its control, filled in, that nobody has made yet.

A finding remembers which checks failed on which elements; each element is bound again, and nothing is evaluated on it
but the fix's own expressions. That is quick enough to name a fix beside every finding of a scan.

Left out on purpose: judging whether the result holds (`verify.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.engine.locate import settable
from kscan_lsp.fixes.changes import DataChange
from kscan_lsp.fixes.titles import title_of
from kscan_lsp.kubernetes.pod_templates import fields_of
from kscan_lsp.kubernetes.schema import is_whole_number
from kscan_lsp.policy.environment import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kscan_lsp.engine.causes import FailedElements
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.findings import Finding
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.compile_check import Fix, Operation
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.results import CheckedDocument


class Draft(Struct, frozen=True):
    """A fix that nobody has made yet."""

    title: str
    safe: bool
    changes: tuple[DataChange, ...]


class _Option(NamedTuple):
    """The fix of a check, for the element that it failed on, with one of the values that it may choose."""

    fix: Fix
    element: Element
    choice: str
    """Empty for a fix without a choice."""


def drafts(
    checked: CheckedDocument, evaluator: Evaluator, wanted: Callable[[Finding], bool]
) -> Iterator[tuple[Finding, list[Draft]]]:
    """Findings of a document, each with what `fixes_of` would try.

    Args:
        checked: the document.
        evaluator: what it was judged by.
        wanted: which findings, of those whose control has a fix.
    """
    for number in range(len(checked.verdicts)):
        yield from drafts_in(checked, number, evaluator, wanted)


def drafts_in(
    checked: CheckedDocument, number: int, evaluator: Evaluator, wanted: Callable[[Finding], bool]
) -> Iterator[tuple[Finding, list[Draft]]]:
    """As `drafts`, of one of the document's resources, counted from 0."""
    verdicts = checked.verdicts[number]
    elements = elements_in(checked, number, evaluator)
    for finding in verdicts.findings:
        if finding.fixable and wanted(finding):
            yield finding, drafts_of(finding, verdicts.resource, elements, evaluator.ruleset)


def elements_in(checked: CheckedDocument, number: int, evaluator: Evaluator) -> FailedElements:
    """The elements that the findings of one of a document's resources are about."""
    return evaluator.elements_of(checked.verdicts[number], checked.bounds[number] if checked.bounds else None)


def drafts_of(
    finding: Finding, resource: Resource, elements: FailedElements, ruleset: Ruleset
) -> list[Draft]:
    """What would fix a finding: one draft, or one for each value there is to choose.

    Args:
        finding: the finding. The checks that failed behind it are fixed together.
        resource: the resource that it is of.
        elements: where the resource's findings were made.
        ruleset: the controls that are on.

    Returns:
        The drafts; none where a check has no fix or its condition does not hold.
    """
    checks = ruleset.controls[finding.control].checks
    options: list[list[_Option]] = []
    for cause in finding.causes:
        check = checks[cause.check]
        element = elements.find(check, cause)
        found = _options(check.fix, element, ruleset) if check.fix and element else []
        if not found:
            return []
        options.append(found)
    if not options:
        return []
    # several checks at one path (one for each container, say) are fixed by a value that suits them all
    choices = [
        one.choice
        for one in options[0]
        if all(any(one.choice == other.choice for other in others) for others in options)
    ]
    made = (_draft([found[0] for found in options], choice, resource) for choice in choices)
    return [draft for draft in made if draft is not None]


def _options(fix: Fix, element: Element, ruleset: Ruleset) -> list[_Option]:
    """A fix with each value that it may choose, as far as its condition holds."""
    named = next((o.value for o in fix.operations if o.verb == "choose"), None)
    choices = [""] if named is None else list(ruleset.inputs.get(named, ()))
    return [_Option(fix, element, choice) for choice in choices if _holds(fix, element, choice)]


def _holds(fix: Fix, element: Element, choice: str) -> bool:
    if fix.when is None:
        return True
    if choice:
        return cel.deny(fix.when, cel.bind(CONTROLS, {**element.values, "choice": choice})) is True
    # it may read all containers of a pod, which are not to be handed to CEL for each of them in turn
    known = element.scope.conditions
    key = (fix.when.source, fix.when.let, element.digests_of(fix.when))
    if key not in known:
        known[key] = cel.deny(fix.when, element.read_by(fix.when)) is True
    return known[key]


def _draft(options: list[_Option], choice: str, resource: Resource) -> Draft | None:
    """The fixes of all checks behind a finding as one; None where a place or a value cannot be told."""
    changes: dict[tuple[str, Path], DataChange] = {}
    for option in options:
        for operation in option.fix.operations:
            change = _change(operation, option.element, resource, choice)
            if change is None:
                return None
            changes.setdefault((change.verb, change.path), change)
    made = _in_order(changes.values())
    title = "" if choice else next((option.fix.title for option in options if option.fix.title), "")
    # what is made of a safe fix and of another is no safe one
    return Draft(title_of(title, made, resource), all(option.fix.safe for option in options), made)


def _change(operation: Operation, element: Element, resource: Resource, choice: str) -> DataChange | None:
    path = settable(operation.target, element)
    value = operation.value
    if operation.question is not None:
        value = cel.evaluate(operation.question, element.activation)
    if isinstance(path, cel.Failed) or isinstance(value, cel.Failed):
        return None
    absolute = (*resource.root, *path)
    if operation.verb != "choose":
        return DataChange(operation.verb, absolute, value)
    fields = fields_of(resource.id.group, resource.id.kind, resource.places)
    number = choice.isdecimal() and is_whole_number(fields, path)
    return DataChange("set", absolute, int(choice) if number else choice)


def _in_order(changes: Iterable[DataChange]) -> tuple[DataChange, ...]:
    """Removals last and from the back, so that the indices of the others hold until their turn comes."""
    ordered = list(changes)
    removals = sorted(
        (c for c in ordered if c.verb == "remove"), key=lambda c: _sortable(c.path), reverse=True
    )
    return (*(change for change in ordered if change.verb != "remove"), *removals)


def _sortable(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (0, part) for part in path)
