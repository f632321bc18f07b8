"""check(resource, ruleset) -> what every control says about it. Pure: no files, no state, no exceptions.

Controls for which other objects matter are asked apart (`check_related`): what others say changes without the
resource, and a verdict on the resource alone must not be found again for that.

For each thing a control judges one by one there is an `Element`; all checks of that thing share its one
activation. A control ends in one of three ways for a resource: it failed (there are findings), it passed, or
it could not be evaluated, which is said and counted and never taken for a pass.

Left out on purpose: suppression and settings beyond the ruleset. Fixes are verified on what is found here,
before anything hides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.elements import FEW, NotThereError, TooMuchError, elements, first_there, scope_of
from kscan_lsp.fields import fields_of, misfits
from kscan_lsp.findings import Finding, Problem, Related
from kscan_lsp.others import Others
from kscan_lsp.ruleset import Answer, Said

if TYPE_CHECKING:
    from kscan_lsp.checks import Check
    from kscan_lsp.elements import Element, Scope
    from kscan_lsp.paths import Path
    from kscan_lsp.relations import Bound
    from kscan_lsp.resources import Location, Resource
    from kscan_lsp.ruleset import Plan, Plans, Question, Round, Ruleset

MAX_ANSWERS: Final = 20_000
"""Answers remembered: those of some 150 workloads with every control on, in about 5 MB."""


class Unevaluated(Struct, frozen=True):
    """A control that could not be evaluated for a resource, where, and why."""

    control: str
    path: Path
    reason: str
    limit: bool = False
    """Not because something is wrong, but because it is too much: nothing else would tell the user."""


class Verdicts(Struct, frozen=True, eq=False):
    """What the controls say about one resource. A control is in exactly one of the three."""

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


class Failed(NamedTuple):
    """The same where the element may be forgotten."""

    check: Check
    path: Path
    message: str
    element: Element | None


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
        for check, path, message, element in _run(
            verdicts, ruleset, plan._replace(rounds=rounds), others, anew=True
        ).failed:
            if element is not None:
                found.setdefault((check.control, path), []).append(Hit(check, element, path, message))
    return found


def _plans(resource: Resource, ruleset: Ruleset) -> Plans:
    return ruleset.plan(resource.id.group, resource.id.kind, workload=resource.workload)


def _judged(known: Verdicts, ruleset: Ruleset, plan: Plan, bound: Bound | None) -> Verdicts:
    resource, wrong = known.resource, known.wrong
    ran = _run(known, ruleset, plan, bound)
    findings, hidden = _findings(resource, ruleset, ran)
    failed = frozenset(finding.control for finding in findings)
    problems = [Problem(resource.span(path).span, message, "type") for path, message in wrong]
    limits = dict.fromkeys((entry.path, entry.reason) for entry in ran.untold if entry.limit)
    problems += [Problem(resource.span(path).span, why, "limit", fatal=True) for path, why in limits]
    unevaluated: dict[str, Unevaluated] = {}
    for entry in (*ran.untold, *hidden, *(Unevaluated(c, *wrong[0]) for c in plan.controls if wrong)):
        if entry.control not in failed:
            unevaluated.setdefault(entry.control, entry)
    passed = frozenset(plan.controls) - failed - unevaluated.keys()
    return replace(
        known,
        findings=findings,
        failed=failed,
        passed=passed,
        unevaluated=tuple(unevaluated.values()),
        problems=tuple(problems),
    )


class _Run(NamedTuple):
    """What the checks of a plan said."""

    failed: list[Failed]
    untold: list[Unevaluated]
    others: Others | None


def _run(known: Verdicts, ruleset: Ruleset, plan: Plan, bound: Bound | None, *, anew: bool = False) -> _Run:
    """Ask all checks of a plan; `anew` so that every answer comes with its element."""
    resource = known.resource
    failed: list[Failed] = []
    untold: list[Unevaluated] = []
    if not plan.rounds:
        return _Run(failed, untold, None)
    others = None if bound is None else Others(bound, plan.others)
    view, complete = known.view or cel.view(resource.data)
    if not complete or (others is not None and not others.complete):
        whose = "this object" if not complete else "an object that this one is related to"
        reason = f"{whose} is too deep or too large to be judged, or contains itself"
        return _Run(failed, [Unevaluated(c, (), reason, limit=True) for c in plan.controls], None)
    related = {} if others is None else others.lists
    scope = scope_of(resource, view, ruleset.inputs, related, ruleset.kubernetes_minor)
    # what no pod is in, has no place, so that what was said of one that is there is not taken for it
    place = scope.anchors.get("pod") if scope.pod_problem is None else None
    grounds = [scope.digest(name, part) for name, part in plan.grounds]
    for round_ in plan.rounds:
        judged: list[tuple[Element, list[bytes]]] | None = None
        try:
            for question in round_.questions:
                check = question.check
                key = (id(check), place, question.grounds(grounds))
                said = ruleset.said.get(key)
                if judged is None and (said is None or (said.failed and (anew or check.related))):
                    judged = _elements(round_, scope)
                if said is None:
                    said = _said(question, judged or [], ruleset.answers)
                    if (
                        len(judged or []) <= FEW
                    ):  # of more, all checks of a round together may say it is too much
                        _remember(ruleset, key, said)
                for path, message, number in said.failed:
                    element = judged[number][0] if judged else None
                    failed.append(Failed(check, path, message, element))
                if said.untold:
                    untold += [Unevaluated(check.control, path, reason) for path, reason in said.untold]
        except NotThereError as error:  # met by the first question: nothing of such a round is remembered
            limit = isinstance(error, TooMuchError)
            untold += [
                Unevaluated(q.check.control, error.path, error.reason, limit=limit) for q in round_.questions
            ]
    return _Run(failed, untold, others)


def _elements(round_: Round, scope: Scope) -> list[tuple[Element, list[bytes]]]:
    """What a round judges, each with the digests of its contents; raises what `elements` raises."""
    return [
        (element, [element.digest(name, part) for name, part in round_.contents])
        for element in elements(round_.each, scope, round_.reads)
    ]


def _remember(ruleset: Ruleset, key: tuple[object, ...], said: Said) -> None:
    """Keep what a check said of a resource: a keystroke changes one field, and most checks read others.

    Content is known by its digest, so that no value of a manifest is kept but in messages.
    """
    if len(ruleset.said) >= MAX_ANSWERS:
        ruleset.said.clear()
    ruleset.said[key] = said


def _said(
    question: Question, judged: list[tuple[Element, list[bytes]]], answers: dict[tuple[object, ...], Answer]
) -> Said:
    failed: list[tuple[Path, str, int]] = []
    untold: list[tuple[Path, str]] = []
    check = question.check
    for number, (element, digests) in enumerate(judged):
        verdict, message = _answer(question, element, digests, answers)
        if verdict is False:
            continue
        path = verdict if isinstance(verdict, cel.Failed) else first_there(check.at, element)
        if isinstance(path, cel.Failed):
            untold.append((element.path, path.reason))
        else:
            failed.append((path, message, number))
    return Said(tuple(failed), tuple(untold))


def _answer(
    question: Question, element: Element, digests: list[bytes], answers: dict[tuple[object, ...], Answer]
) -> Answer:
    """What a check says of one element, from memory where it can be."""
    check = question.check
    key = (id(check), question.picked(digests))
    known = answers.get(key)
    if known is None:
        verdict = cel.deny(check.deny, element.activation)
        known = Answer(verdict, cel.render(check.message, element.activation) if verdict is True else "")
        if len(answers) >= MAX_ANSWERS:
            answers.clear()
        answers[key] = known
    return known


def _findings(
    resource: Resource, ruleset: Ruleset, ran: _Run
) -> tuple[tuple[Finding, ...], list[Unevaluated]]:
    """The findings in order of the text, and what is no finding because a repair took out a line there."""
    findings: list[Finding] = []
    hidden: list[Unevaluated] = []
    places: dict[tuple[str, Path], list[Failed]] = {}
    for one in ran.failed:
        places.setdefault((one.check.control, one.path), []).append(one)
    for (control, path), failed in places.items():
        location = resource.span(path)
        if resource.document.blanked and _touches_blanked(resource, location):
            # what was taken out may be just what the control looks for
            hidden.append(Unevaluated(control, path, "a line there cannot be read"))
            continue
        related: tuple[Related, ...] = ()
        if location.definition is not None:
            related = (Related(resource.id, path, location.definition, "the value comes from here"),)
        if ran.others is not None:
            related += _related(failed, ran.others)
        message, fixable = failed[0].message, failed[0].check.fix is not None
        if len(failed) > 1:
            message = "; ".join(dict.fromkeys(one.message for one in failed))
            fixable = all(one.check.fix is not None for one in failed)
        findings.append(
            Finding(
                control=control,
                severity=ruleset.severities[control],
                resource=resource.id,
                path=path,
                data=resource.data,
                message=message,
                span=location.span,
                related=related,
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
        if one.check.related is not None and one.element is not None:
            found.update(dict.fromkeys(others.named_by(one.check.related, one.element.activation)))
    return tuple(found)


def _touches_blanked(resource: Resource, location: Location) -> bool:
    return any(
        blank.start < extent.end and extent.start < blank.end
        for blank in resource.document.blanked
        for extent in location.extents
    )
