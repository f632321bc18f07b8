"""What the controls say about a resource, made of what their checks found in it.

A control ends in one of three ways for an element: it failed (there is a finding), it passed, or it could not be
evaluated, which is said and counted and never taken for a pass. Findings of one control at one path are one.

Left out on purpose: what becomes of a finding (`dispositions/`). Fixes are verified on what is found here, before
anything hides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.engine.memo import NOTHING
from kscan_lsp.findings import Finding, Problem, Related, in_order, merged
from kscan_lsp.kubernetes.type_errors import MAX_TYPE_ERRORS
from kscan_lsp.redaction.vocabulary import is_expected
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kscan_lsp import cel
    from kscan_lsp.engine.memo import Failure, Memo, NoAnswer, Results
    from kscan_lsp.engine.plan import Plan
    from kscan_lsp.engine.related import RelatedObjects
    from kscan_lsp.findings import Cause
    from kscan_lsp.kubernetes.locate import Locator, ResolvedPath
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kubernetes.type_errors import TypeFault
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset

_NAME: Final = regex(r"[A-Za-z_]\w*")

UNREADABLE: Final = "a line there cannot be read"


class Unevaluated(Struct, frozen=True):
    """A control that could not be evaluated for a resource, where, and why."""

    control: str
    path: Path
    reason: str
    limit: bool = False
    """Not because something is wrong, but because it is too much: nothing else would tell the user."""


class Judged(Struct, frozen=True):
    """What the checks of a plan found."""

    plan: Plan
    results: tuple[Results, ...]
    """By its groups."""


class Verdicts(Struct, frozen=True, eq=False):
    """What the controls say about one resource.

    A control is in one of the three, or in two: it can fail for one container and not be evaluated for another, which
    counts when the finding is accepted. What passed has passed everywhere.
    """

    resource: Resource
    findings: tuple[Finding, ...]
    failed: frozenset[str]
    passed: frozenset[str]
    unevaluated: tuple[Unevaluated, ...]
    problems: tuple[Problem, ...]
    type_errors: tuple[TypeFault, ...] = ()
    """The fields of a type that Kubernetes refuses; found once for both judgements."""
    view: cel.View | None = None
    """What CEL sees of the resource; None where no control looked at it yet."""
    judged: Judged | None = None
    """What the checks found, where all of them have an answer, of one pod template at most: an edit leaves most."""
    over: Mapping[str, str] = {}
    """The controls that took too much, and why."""
    work: Mapping[str, float] = {}
    """What those took that have a limit, in the units of `cel.cost`."""
    related: Verdicts | None = None
    """What is said by controls for which other objects matter, where that is among these verdicts."""
    unrelated: Verdicts | None = None
    """What is said by those, where it was found at once, as the resource is related to none for sure."""
    answered: tuple[tuple[str, str], ...] = ()
    """What would be found in the resource as it is written, and a policy changes before it is stored: the name of the
    policy, and the control."""


def joined(alone: Verdicts, related: Verdicts) -> Verdicts:
    """The verdicts of controls that look at nothing but a resource, and those of all others. No control is in both."""
    findings = alone.findings
    if related.findings:
        findings = tuple(merged(findings, related.findings))
    return replace(
        alone,
        findings=findings,
        failed=alone.failed | related.failed,
        passed=alone.passed | related.passed,
        unevaluated=alone.unevaluated + related.unevaluated,
        problems=tuple(dict.fromkeys(alone.problems + related.problems)),
        over={**alone.over, **related.over},
        work={**alone.work, **related.work},
        related=related,
        unrelated=None,
    )


def verdicts_of(
    known: Verdicts,
    plan: Plan,
    found: Sequence[Results],
    related: RelatedObjects | None,
    *,
    ruleset: Ruleset,
    memo: Memo,
) -> Verdicts:
    """What the controls of a plan say about a resource.

    Args:
        known: the resource, and its fields of a wrong type.
        plan: the checks.
        found: what they found.
        related: the objects that it is related to, where they matter.
        ruleset: what the plan is of.
        memo: that of the evaluator.
    """
    resource, wrong = known.resource, known.type_errors
    said = [group for group in found if group is not NOTHING]
    if not (said or wrong or resource.document.blanked):
        # as of most objects that are related to others: no place is looked for
        return replace(
            known,
            findings=(),
            failed=frozenset(),
            passed=frozenset(plan.controls),
            unevaluated=(),
            problems=(),
            judged=Judged(plan, tuple(found)) if len(resource.templates) <= 1 else None,
        )
    locator = resource.locator()
    no_answers = [one for group in said for one in group.no_answers]
    failures = [one for group in said for one in group.failures]
    findings, hidden = findings_of(resource, locator, ruleset, failures, related)
    failed = frozenset([finding.control for finding in findings])
    problems = [
        Problem(locator.resolve(one.path).span, one.message, "placeholder" if one.placeholder else "type")
        for one in wrong
    ]
    limits = dict.fromkeys((one.path, one.reason) for one in no_answers if one.limit)
    problems += [Problem(locator.resolve(path).span, why, "limit", fatal=True) for path, why in limits]
    unevaluated: dict[str, Unevaluated] = {}
    unanswered = [Unevaluated(one.check.control, *_why(one, wrong, memo), one.limit) for one in no_answers]
    for entry in (*unanswered, *hidden, *_resting_on(wrong, plan, memo)):
        unevaluated.setdefault(entry.control, entry)
    passed = frozenset(plan.controls).difference(failed, unevaluated)
    if resource.document.blanked:
        # what was taken out of the text may be what these would fail
        doubtful = passed & memo.controls_reading(_blanked_names(resource), ruleset.controls)
        unevaluated |= {control: Unevaluated(control, (), UNREADABLE) for control in sorted(doubtful)}
        passed -= doubtful
    whole = not (wrong or no_answers or len(resource.templates) > 1)
    return replace(
        known,
        findings=tuple(in_order(findings)),
        failed=failed,
        passed=passed,
        unevaluated=tuple(unevaluated.values()),
        problems=tuple(problems),
        judged=Judged(plan, tuple(found)) if whole else None,
    )


def _resting_on(wrong: tuple[TypeFault, ...], plan: Plan, memo: Memo) -> Iterator[Unevaluated]:
    """The controls of a plan that read a field of a wrong type: what they say of the object means nothing."""
    if not wrong:
        return
    # of more than are listed nobody knows which they are
    found = {} if len(wrong) < MAX_TYPE_ERRORS else dict.fromkeys(plan.controls, wrong[0])
    for check in () if found else (check for round_ in plan.rounds for check in round_.checks):
        if check.control not in found:
            names = memo.names_in(check)
            fault = next((one for one in wrong if one.field in names), None)
            if fault is not None:
                found[check.control] = fault
    for control, fault in found.items():
        yield Unevaluated(control, fault.path, fault.message)


def _why(one: NoAnswer, wrong: tuple[TypeFault, ...], memo: Memo) -> tuple[Path, str]:
    """Where and why a check has no answer: a field of a wrong type that it reads, else what CEL says."""
    for fault in () if one.limit else wrong:
        path = fault.path
        inside = path[: len(one.path)] == one.path
        inherited = one.path[: len(path) - 2] == path[:-2]  # as from the security context of the pod
        if (inside or inherited) and path[-1] in memo.names_in(one.check):
            return path, fault.message
    return one.path, one.reason


def findings_of(
    resource: Resource,
    locator: Locator,
    ruleset: Ruleset,
    all_failures: Iterable[Failure],
    related: RelatedObjects | None,
) -> tuple[list[Finding], list[Unevaluated]]:
    """The findings, and what is no finding because a repair took out a line there."""
    findings: list[Finding] = []
    hidden: list[Unevaluated] = []
    places: dict[tuple[str, Path], list[Failure]] = {}
    for failure in all_failures:
        places.setdefault((failure.check.control, failure.path), []).append(failure)
    for (control, path), failures in places.items():
        location = locator.resolve(path)
        if resource.document.blanked and _touches_blanked(resource, location):
            # what was taken out may be just what the control looks for
            hidden.append(Unevaluated(control, path, UNREADABLE))
            continue
        if resource.document.blanked and _is_doubtful_entry(resource, path):
            hidden.append(Unevaluated(control, path[:1], UNREADABLE))
            continue
        others: tuple[Related, ...] = ()
        if location.definition is not None:
            others = (Related(resource.id, path, location.definition, "the value comes from here"),)
        if related is not None:
            others += _related(resource, failures, related)
        first = failures[0]
        message, fixable = first.message, first.check.fix is not None
        causes: tuple[Cause, ...] = first.causes
        if len(failures) > 1:
            message = "; ".join(dict.fromkeys(one.message for one in failures))
            fixable = all(one.check.fix is not None for one in failures)
            causes = tuple(cause for one in failures for cause in one.causes)
        findings.append(
            Finding(
                control,
                ruleset.severities[control],
                resource.id,
                path,
                message,
                location.span,
                resource.data,
                others,
                fixable=fixable,
                causes=causes,
            )
        )
    return findings, hidden


def _related(resource: Resource, failures: list[Failure], related: RelatedObjects) -> tuple[Related, ...]:
    """The other objects that some failed checks rest on."""
    return related.places_of(resource.data, ((one.causes[0].template, one.related) for one in failures))


def _blanked_names(resource: Resource) -> frozenset[str]:
    text = resource.document.text
    return frozenset(
        name for span in resource.document.blanked for name in _NAME.findall(text[span.start : span.end])
    )


def _is_doubtful_entry(resource: Resource, path: Path) -> bool:
    """Whether the name of an entry in a broken Secret may be a line of a value, which no message may name."""
    named = [part for part in path[1:] if isinstance(part, str)]
    in_data = resource.id.kind == "Secret" and path[:1] in (("data",), ("stringData",))
    return in_data and not all(map(is_expected, named))


def _touches_blanked(resource: Resource, location: ResolvedPath) -> bool:
    return any(
        blank.start < extent.end and extent.start < blank.end
        for blank in resource.document.blanked
        for extent in location.extents
    )
