"""check(resource, ruleset) -> what every control says about it. Pure: no files, no state, no exceptions.

Controls for which other objects matter are asked apart (`check_related`): what others say changes without the
resource, and a verdict on the resource alone must not be found again for that.

For each thing a control judges one by one there is an `Element`; all checks of that thing share its one
activation. A control ends in one of three ways for an element: it failed (there is a finding), it passed, or
it could not be evaluated, which is said and counted and never taken for a pass.

Left out on purpose: dispositions and settings beyond the ruleset. Fixes are verified on what is found here,
before anything hides it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.engine.evaluate import Answers, Untold, ask
from kscan_lsp.engine.related import Others
from kscan_lsp.engine.scope import scope_of
from kscan_lsp.findings import Finding, Problem, Related
from kscan_lsp.kubernetes.schema import fields_of
from kscan_lsp.kubernetes.type_errors import misfits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.engine.evaluate import Failed
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.graph.relations import Bound
    from kscan_lsp.kubernetes.locate import Locator, ResolvedPath
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.compile_check import Check
    from kscan_lsp.policy.ruleset import Plan, Plans, Ruleset


UNREADABLE: Final = "a line there cannot be read"
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


class Unevaluated(Struct, frozen=True):
    """A control that could not be evaluated for a resource, where, and why."""

    control: str
    path: Path
    reason: str
    limit: bool = False
    """Not because something is wrong, but because it is too much: nothing else would tell the user."""


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
    wrong: tuple[tuple[Path, str], ...] = ()
    """The fields of a type that Kubernetes refuses; found once for both judgements."""
    view: cel.View | None = None
    """What CEL sees of the resource; None where no control looked at it yet."""


class Hit(NamedTuple):
    """A check that failed on an element, with where it points."""

    check: Check
    element: Element
    path: Path
    message: str


def check(resource: Resource, ruleset: Ruleset) -> Verdicts:
    """Judge one resource by every control that looks at nothing but resources of its kind."""
    plans = _plans(resource, ruleset)
    wrong = misfits(fields_of(resource.id.group, resource.id.kind, resource.template_path), resource.data)
    known = Verdicts(resource, (), frozenset(), frozenset(), (), (), tuple(wrong), cel.view(resource.data))
    verdicts = _judged(known, ruleset, plans.alone, None)
    if not plans.beyond:
        return verdicts
    untold = tuple(Unevaluated(control.id, (), control.unanswered) for control in plans.beyond)
    return replace(verdicts, unevaluated=verdicts.unevaluated + untold)


def check_related(alone: Verdicts, bound: Bound, ruleset: Ruleset) -> Verdicts:
    """Judge one resource by the controls for which other objects matter, too.

    Args:
        alone: what `check` said about it.
        bound: what the relations of `relations_of` lead to.
        ruleset: the controls that are on.

    Returns:
        Both verdicts as one.
    """
    return _joined(alone, _judged(alone, ruleset, _plans(alone.resource, ruleset).related, bound))


def relations_of(resource: Resource, ruleset: Ruleset) -> frozenset[str]:
    """The relations that must be bound before a resource can be judged; empty where no other object matters."""
    return _plans(resource, ruleset).related.relations


def _joined(alone: Verdicts, related: Verdicts) -> Verdicts:
    """No control is in both."""
    findings = sorted((*alone.findings, *related.findings), key=_order)
    return replace(
        alone,
        findings=tuple(findings),
        failed=alone.failed | related.failed,
        passed=alone.passed | related.passed,
        unevaluated=alone.unevaluated + related.unevaluated,
        problems=tuple(dict.fromkeys(alone.problems + related.problems)),
    )


def hits_of(
    verdicts: Verdicts, ruleset: Ruleset, bound: Bound | None, control: str = ""
) -> dict[tuple[str, Path], list[Hit]]:
    """The failed checks behind the findings of a resource, by control and path: what fixes start from.

    Args:
        verdicts: what is said about the resource.
        ruleset: the controls that are on.
        bound: what its relations lead to; None where no other object matters.
        control: ask only this one.
    """
    found: dict[tuple[str, Path], list[Hit]] = {}
    plans = _plans(verdicts.resource, ruleset)
    for plan, others in ((plans.alone, None), (plans.related, bound)):
        rounds = plan.rounds
        if control:
            rounds = tuple(r.only(control) for r in rounds)
        ran = _run(verdicts, ruleset, plan._replace(rounds=rounds), others, anew=True)
        for one in ran.answers.failed:
            if one.element is not None:
                hit = Hit(one.check, one.element, one.failure.path, one.failure.message)
                found.setdefault((one.check.control, one.failure.path), []).append(hit)
    return found


def _plans(resource: Resource, ruleset: Ruleset) -> Plans:
    return ruleset.plan(resource.id.group, resource.id.kind, workload=resource.workload)


def _judged(known: Verdicts, ruleset: Ruleset, plan: Plan, bound: Bound | None) -> Verdicts:
    resource, wrong = known.resource, known.wrong
    ran = _run(known, ruleset, plan, bound)
    locator = resource.locator()
    findings, hidden = _findings(resource, locator, ruleset, ran)
    failed = frozenset(finding.control for finding in findings)
    problems = [Problem(locator.resolve(path).span, message, "type") for path, message in wrong]
    limits = dict.fromkeys((path, reason) for _, path, reason, limit in ran.answers.untold if limit)
    problems += [Problem(locator.resolve(path).span, why, "limit", fatal=True) for path, why in limits]
    unevaluated: dict[str, Unevaluated] = {}
    untold = [Unevaluated(one.check.control, *_why(one, wrong), one.limit) for one in ran.answers.untold]
    for entry in (*untold, *hidden, *(Unevaluated(c, *wrong[0]) for c in plan.controls if wrong)):
        unevaluated.setdefault(entry.control, entry)
    passed = frozenset(plan.controls) - failed - unevaluated.keys()
    if resource.document.blanked:
        doubtful = _asking_for(_blanked_words(resource), passed, ruleset)
        unevaluated |= {control: Unevaluated(control, (), UNREADABLE) for control in sorted(doubtful)}
        passed -= doubtful
    return replace(
        known,
        findings=findings,
        failed=failed,
        passed=passed,
        unevaluated=tuple(unevaluated.values()),
        problems=tuple(problems),
    )


def _why(one: Untold, wrong: tuple[tuple[Path, str], ...]) -> tuple[Path, str]:
    """Where and why a check cannot tell: a field of a wrong type that it reads, else what CEL says."""
    for path, message in () if one.limit else wrong:
        inside = path[: len(one.path)] == one.path
        inherited = one.path[: len(path) - 2] == path[:-2]  # as from the security context of the pod
        if (inside or inherited) and path[-1] in _words_of(one.check):
            return path, message
    return one.path, one.reason


class _Run(NamedTuple):
    """What the checks of a plan said."""

    answers: Answers
    others: Others | None


def _run(known: Verdicts, ruleset: Ruleset, plan: Plan, bound: Bound | None, *, anew: bool = False) -> _Run:
    """Ask all checks of a plan; `anew` so that every failure comes with its element."""
    resource = known.resource
    if not plan.rounds:
        return _Run(Answers([], []), None)
    others = None if bound is None else Others(bound, plan.others)
    view, complete = known.view or cel.view(resource.data)
    if not complete or (others is not None and not others.complete):
        whose = "this object" if not complete else "an object that this one is related to"
        reason = f"{whose} is too deep or too large to be judged, or contains itself"
        checks = [check for round_ in plan.rounds for check in round_.checks]
        return _Run(Answers([], [Untold(check, (), reason, limit=True) for check in checks]), None)
    related = {} if others is None else others.lists
    scope = scope_of(resource, view, ruleset.inputs, related, ruleset.kubernetes_minor)
    return _Run(ask(plan, scope, ruleset, anew=anew), others)


def _findings(
    resource: Resource, locator: Locator, ruleset: Ruleset, ran: _Run
) -> tuple[tuple[Finding, ...], list[Unevaluated]]:
    """The findings in order of the text, and what is no finding because a repair took out a line there."""
    findings: list[Finding] = []
    hidden: list[Unevaluated] = []
    places: dict[tuple[str, Path], list[Failed]] = {}
    for one in ran.answers.failed:
        places.setdefault((one.check.control, one.failure.path), []).append(one)
    for (control, path), failed in places.items():
        location = locator.resolve(path)
        if resource.document.blanked and _touches_blanked(resource, location):
            # what was taken out may be just what the control looks for
            hidden.append(Unevaluated(control, path, UNREADABLE))
            continue
        related: tuple[Related, ...] = ()
        if location.definition is not None:
            related = (Related(resource.id, path, location.definition, "the value comes from here"),)
        if ran.others is not None:
            related += _related(failed, ran.others)
        message, fixable = failed[0].failure.message, failed[0].check.fix is not None
        if len(failed) > 1:
            message = "; ".join(dict.fromkeys(one.failure.message for one in failed))
            fixable = all(one.check.fix is not None for one in failed)
        findings.append(
            Finding(
                control,
                ruleset.severities[control],
                resource.id,
                path,
                message,
                location.span,
                resource.data,
                related,
                fixable=fixable,
            )
        )
    findings.sort(key=_order)
    return tuple(findings), hidden


def _order(finding: Finding) -> tuple[int, str]:
    return finding.span.start, finding.control


def _related(failed: list[Failed], others: Others) -> tuple[Related, ...]:
    """The other objects that some failed checks rest on."""
    found: dict[Related, None] = {}
    for one in failed:
        found.update(dict.fromkeys(others.named_by(one.failure.named)))
    return tuple(found)


def _blanked_words(resource: Resource) -> frozenset[str]:
    text = resource.document.text
    return frozenset(
        word for span in resource.document.blanked for word in _WORD.findall(text[span.start : span.end])
    )


def _asking_for(words: frozenset[str], controls: Iterable[str], ruleset: Ruleset) -> frozenset[str]:
    """The controls that ask for any of some words: what was taken out of the text may be what they would fail."""
    return frozenset(
        control
        for control in controls
        if any(not words.isdisjoint(_words_of(check)) for check in ruleset.controls[control].checks)
    )


@lru_cache(maxsize=4096)
def _words_of(check: Check) -> frozenset[str]:
    names = frozenset(check.deny.reading.names) | {step for step in check.each.steps if isinstance(step, str)}
    # what holds for a container comes from two places of this name
    return names | {"securityContext"} if "effective" in cel.fields_read([check.deny]) else names


def _touches_blanked(resource: Resource, location: ResolvedPath) -> bool:
    return any(
        blank.start < extent.end and extent.start < blank.end
        for blank in resource.document.blanked
        for extent in location.extents
    )
