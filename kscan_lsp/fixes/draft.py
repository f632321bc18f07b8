"""A finding -> drafts of what would fix it: the operations of its control, filled in, that nobody has made yet.

A finding remembers which checks failed on which elements; each element is bound again, and nothing is evaluated on it
but the fix's own expressions. That is quick enough to name a fix beside every finding of a scan.

Left out on purpose: judging whether the result holds (`verify.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.engine.locate import settable
from kscan_lsp.fixes.changes import DataChange
from kscan_lsp.fixes.secrets import SecretKey, keys_for
from kscan_lsp.fixes.titles import UNNAMED, outline_of, titled
from kscan_lsp.kubernetes.pod_templates import fields_of
from kscan_lsp.kubernetes.schema import is_whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kscan_lsp.cel import Expression
    from kscan_lsp.engine.causes import FailedElements
    from kscan_lsp.engine.digests import Digest
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.titles import Named, Outline
    from kscan_lsp.graph.index import Index
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.check import Check, Fix, Operation
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.results import CheckedDocument


_NO_CHOICE: Final = ("",)


class Draft(Struct, frozen=True):
    """A fix that nobody has made yet."""

    title: str
    safe: bool
    changes: tuple[DataChange, ...]
    leaves: tuple[str, ...] = ()
    """Controls that may report what it writes, below `within`, if that is less severe than what it fixes."""
    within: Path = ()
    """The element that is fixed, from the document's root."""
    outline: Outline = UNNAMED
    """What its title is made of."""


class FixOfCheck(Struct, frozen=True):
    """A check with a fix, the element that it failed on, and the values that the fix may choose there."""

    check: Check
    fix: Fix
    element: Element
    choices: tuple[str | SecretKey, ...]
    """At least one; empty text for a fix without a choice."""


def drafts(
    checked: CheckedDocument, evaluator: Evaluator, index: Index, wanted: Callable[[Finding], bool]
) -> Iterator[tuple[Finding, list[Draft]]]:
    """Findings of a document, each with what `fixes_of` would try.

    Args:
        checked: the document.
        evaluator: what it was judged by.
        index: what else there is.
        wanted: which findings, of those whose control has a fix.
    """
    for number in range(len(checked.verdicts)):
        yield from drafts_in(checked, number, evaluator, index, wanted)


def drafts_in(
    checked: CheckedDocument,
    number: int,
    evaluator: Evaluator,
    index: Index,
    wanted: Callable[[Finding], bool],
) -> Iterator[tuple[Finding, list[Draft]]]:
    """As `drafts`, of one of the document's resources, counted from 0."""
    resource = judged_in(checked, number).resource
    elements = elements_in(checked, number, evaluator)
    named: Named = {}
    for finding in checked.verdicts[number].findings:
        if finding.fixable and wanted(finding):
            made = drafts_of(finding, resource, elements, evaluator.ruleset, index, named=named)
            yield finding, made


def elements_in(checked: CheckedDocument, number: int, evaluator: Evaluator) -> FailedElements:
    """The elements that the findings of one of a document's resources are about."""
    return evaluator.elements_of(
        judged_in(checked, number), checked.bounds[number] if checked.bounds else None
    )


def judged_in(checked: CheckedDocument, number: int) -> Verdicts:
    """What is said of one of a document's resources by its own paths, be it judged as it is stored."""
    stored = checked.admitted[number].stored if checked.admitted else None
    return checked.verdicts[number] if stored is None or stored.raw is None else stored.raw


def drafts_of(
    finding: Finding,
    resource: Resource,
    elements: FailedElements,
    ruleset: Ruleset,
    index: Index,
    *,
    named: Named | None = None,
) -> list[Draft]:
    """What would fix a finding: one draft, or one for each value there is to choose.

    Args:
        finding: the finding. The checks that failed behind it are fixed together.
        resource: the resource that it is of.
        elements: where the resource's findings were made.
        ruleset: the controls that are on.
        index: what else there is.
        named: what is known of titles of fixes of the resource.

    Returns:
        The drafts; none where a check has no fix or its condition does not hold.
    """
    return drafts_by(options_of(finding, resource, elements, ruleset, index), resource, named)


def options_of(
    finding: Finding, resource: Resource, elements: FailedElements, ruleset: Ruleset, index: Index
) -> list[FixOfCheck]:
    """The fixes of the checks behind a finding; none where one of them has no fix that can be made.

    Args: as of `drafts_of`.
    """
    checks = ruleset.control(finding.control).checks
    options: list[FixOfCheck] = []
    for cause in finding.causes:
        check = checks[cause.check]
        fix, element = check.fix, elements.find(check, cause)
        if fix is None or element is None:
            return []
        choices = choices_of(check, element, resource, ruleset, index)
        if not choices:
            return []
        options.append(FixOfCheck(check, fix, element, choices))
    return options


def drafts_by(options: Sequence[FixOfCheck], resource: Resource, named: Named | None = None) -> list[Draft]:
    """What makes a finding go away: the fixes of all checks behind it, with each value that suits them all."""
    if not options:
        return []
    # several checks at one path (one for each container, say) are fixed by a value that suits them all
    suiting = [
        choice for choice in options[0].choices if all(choice in other.choices for other in options[1:])
    ]
    made = [_draft(options, choice, resource, named) for choice in suiting]
    return [draft for draft in made if draft is not None]


def choices_of(
    check: Check, element: Element, resource: Resource, ruleset: Ruleset, index: Index
) -> tuple[str | SecretKey, ...]:
    """The values that the fix of a check may choose, as far as its condition holds; none where it has no fix."""
    fix = check.fix
    if fix is None:
        return ()
    choices: Sequence[str | SecretKey] = _NO_CHOICE
    for operation in fix.operations:
        if operation.verb == "choose":
            choices = ruleset.inputs.get(operation.value, ())
        elif operation.verb == "toSecret":
            choices = keys_for(_variable(operation, element), resource.id, index)
    if fix.when is None:
        return tuple(choices)
    read = element.digests_of(fix.when)
    return tuple([choice for choice in choices if _holds(fix.when, read, element, choice)])


def _variable(operation: Operation, element: Element) -> str:
    """The name of the variable whose value is to be taken from a Secret; empty where it is none."""
    path = settable(operation.target, element)
    if isinstance(path, cel.Failed) or path[-1:] != ("value",) or path[-3:-2] != ("env",):
        return ""
    item = element.values.get("item")
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""


def _holds(when: Expression, read: tuple[Digest, ...], element: Element, choice: str | SecretKey) -> bool:
    """Whether a condition holds, which reads what has these digests."""
    # it may read all containers of a pod, which are not to be handed to CEL for each of them in turn
    known = element.scope.conditions
    key = (when.source, when.let, choice, read)
    if key not in known:
        given = {"choice": choice} if isinstance(choice, str) and choice else {}
        known[key] = cel.deny(when, element.read_by(when, given)) is True
    return known[key]


def _draft(
    options: Sequence[FixOfCheck], choice: str | SecretKey, resource: Resource, named: Named | None
) -> Draft | None:
    """The fixes of all checks behind a finding as one; None where a place or a value cannot be told."""
    steps: list[DataChange] = []
    for option in options:
        for operation in option.fix.operations:
            found = _changes(operation, option.element, resource, choice)
            if not found:
                return None
            steps += found
    made = _in_order(steps)
    if isinstance(choice, SecretKey):
        given = choice.title
    else:
        given = "" if choice else next(filter(None, [option.fix.title for option in options]), "")
    first = options[0]
    within = first.element.scope.written_at(first.element.path)
    if resource.origin is not None:
        within, _ = resource.origin.written(within)
    outline = outline_of(given, made, resource)
    return Draft(
        titled(outline, resource, named),
        # what is made of a safe fix and of another is no safe one
        all(option.fix.safe for option in options),
        made,
        first.fix.leaves,
        (*resource.root, *within),
        outline,
    )


def _changes(
    operation: Operation, element: Element, resource: Resource, choice: str | SecretKey
) -> tuple[DataChange, ...]:
    """What an operation changes; nothing where a place or a value cannot be told."""
    path = settable(operation.target, element)
    value = operation.value
    if operation.question is not None:
        value = cel.evaluate(operation.question, element.read_by(operation.question))
    if isinstance(path, cel.Failed) or isinstance(value, cel.Failed):
        return ()
    fields = fields_of(resource.id.group, resource.id.kind, resource.places)
    whole = operation.verb == "choose" and is_whole_number(fields, path)
    if resource.origin is not None:  # what a policy adds before it is stored stands in no text
        path, there = resource.origin.written(path)
        if not there:
            return ()
    absolute = (*resource.root, *path)
    if isinstance(choice, SecretKey) and operation.verb == "toSecret":
        source = (*absolute[:-1], "valueFrom")
        return DataChange("rename", absolute, "valueFrom"), DataChange("set", source, choice.reference)
    if operation.verb != "choose" or isinstance(choice, SecretKey):
        return (DataChange(operation.verb, absolute, value),)
    number = choice.isdecimal() and whole
    return (DataChange("set", absolute, int(choice) if number else choice),)


def _in_order(changes: Sequence[DataChange]) -> tuple[DataChange, ...]:
    """Each once, removals last and from the back, so that the indices of the others hold until their turn comes."""
    if len(changes) == 1:
        return (changes[0],)
    once: dict[tuple[str, Path], DataChange] = {}
    for change in changes:
        once.setdefault((change.verb, change.path), change)
    ordered = tuple(once.values())
    removals = [change for change in ordered if change.verb == "remove"]
    if not removals:
        return ordered
    removals.sort(key=lambda change: _sortable(change.path), reverse=True)
    return (*(change for change in ordered if change.verb != "remove"), *removals)


def _sortable(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (0, part) for part in path)
