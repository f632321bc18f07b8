"""check(resource, ruleset) -> what every control says about it. Pure: no files, no state, no exceptions.

For each thing a control judges one by one there is an `Element`; all checks of that thing share its one
activation. A control ends in one of three ways for a resource: it failed (there are findings), it passed, or
it could not be evaluated, which is said and counted and never taken for a pass.

Left out on purpose: suppression and settings beyond the ruleset. Fixes are verified on what is found here,
before anything hides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kscan_lsp import cel
from kscan_lsp.elements import NotThereError, TooMuchError, elements, first_there, scope_of
from kscan_lsp.fields import fields_of, misfits
from kscan_lsp.findings import Finding, Problem, Related
from kscan_lsp.resources import resources_of

if TYPE_CHECKING:
    from kscan_lsp.checks import Check
    from kscan_lsp.documents import Document
    from kscan_lsp.elements import Element
    from kscan_lsp.paths import Path
    from kscan_lsp.resources import Location, Resource
    from kscan_lsp.ruleset import Plan, Ruleset


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """A control that could not be evaluated for a resource, where, and why."""

    control: str
    path: Path
    reason: str
    limit: bool = False
    """Not because something is wrong, but because it is too much: nothing else would tell the user."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What the controls say about one resource. A control is in exactly one of the three."""

    resource: Resource
    findings: tuple[Finding, ...]
    failed: frozenset[str]
    passed: frozenset[str]
    unevaluated: tuple[Unevaluated, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A check that failed on an element, with where it points."""

    check: Check
    element: Element
    path: Path


def check_document(document: Document, ruleset: Ruleset) -> tuple[Verdicts, ...]:
    """Judge every resource that a document declares, in the document's order."""
    return tuple(check(resource, ruleset) for resource in resources_of(document, ruleset.pod_spec_paths)[0])


def check(resource: Resource, ruleset: Ruleset) -> Verdicts:
    """Judge one resource by every control that looks at its kind."""
    plan, controls = _plan(resource, ruleset)
    hits, failures = _run(resource, ruleset, plan)
    findings, hidden = _findings(resource, ruleset, _by_place(hits))
    failed = frozenset(finding.control for finding in findings)
    wrong = misfits(fields_of(resource.id.group, resource.id.kind, resource.template_path), resource.data)
    problems = [Problem(resource.span(path).span, message, "type") for path, message in wrong]
    limits = dict.fromkeys((entry.path, entry.reason) for entry in failures if entry.limit)
    problems += [Problem(resource.span(path).span, why, "limit", fatal=True) for path, why in limits]
    unevaluated: dict[str, Unevaluated] = {}
    for entry in (*failures, *hidden, *(Unevaluated(c, *wrong[0]) for c in controls if wrong)):
        if entry.control not in failed:
            unevaluated.setdefault(entry.control, entry)
    passed = frozenset(controls) - failed - unevaluated.keys()
    return Verdicts(resource, findings, failed, passed, tuple(unevaluated.values()), tuple(problems))


def hits_of(resource: Resource, ruleset: Ruleset, control: str = "") -> dict[tuple[str, Path], list[Hit]]:
    """The failed checks behind the findings of a resource, by control and path: what fixes start from.

    Args:
        resource: the resource.
        ruleset: the controls that are on.
        control: ask only this one.
    """
    plan, _ = _plan(resource, ruleset)
    if control:
        plan = tuple(r._replace(checks=tuple(c for c in r.checks if c.control == control)) for r in plan)
    return _by_place(_run(resource, ruleset, plan)[0])


def _plan(resource: Resource, ruleset: Ruleset) -> tuple[Plan, tuple[str, ...]]:
    return ruleset.plan(resource.id.group, resource.id.kind, workload=resource.workload)


def _run(resource: Resource, ruleset: Ruleset, plan: Plan) -> tuple[list[Hit], list[Unevaluated]]:
    hits: list[Hit] = []
    failures: list[Unevaluated] = []
    if not plan:
        return hits, failures
    view, complete = cel.view(resource.data)
    if not complete:
        reason = "this object is too deep or too large to be judged, or contains itself"
        return hits, [Unevaluated(check.control, (), reason, limit=True) for r in plan for check in r.checks]
    scope = scope_of(resource, view, ruleset.inputs)
    for each, checks, reads in plan:
        try:
            judged = elements(each, scope, reads) if checks else ()
        except NotThereError as error:
            limit = isinstance(error, TooMuchError)
            failures += [
                Unevaluated(check.control, error.path, error.reason, limit=limit) for check in checks
            ]
            continue
        for element in judged:
            for asked in checks:
                _ask(asked, element, hits, failures)
    return hits, failures


def _ask(check: Check, element: Element, hits: list[Hit], failures: list[Unevaluated]) -> None:
    verdict = cel.deny(check.deny, element.activation)
    if verdict is False:
        return
    if verdict is True:
        path = first_there(check.at, element)
        if not isinstance(path, cel.Failed):
            hits.append(Hit(check, element, path))
            return
        verdict = path
    failures.append(Unevaluated(check.control, element.path, verdict.reason))


def _by_place(hits: list[Hit]) -> dict[tuple[str, Path], list[Hit]]:
    """Failed checks of one control at one path together: they are one finding."""
    found: dict[tuple[str, Path], list[Hit]] = {}
    for hit in hits:
        found.setdefault((hit.check.control, hit.path), []).append(hit)
    return found


def _findings(
    resource: Resource, ruleset: Ruleset, places: dict[tuple[str, Path], list[Hit]]
) -> tuple[tuple[Finding, ...], list[Unevaluated]]:
    """The findings in order of the text, and what is no finding because a repair took out a line there."""
    findings: list[Finding] = []
    hidden: list[Unevaluated] = []
    for (control, path), hits in places.items():
        location = resource.span(path)
        if resource.document.blanked and _touches_blanked(resource, location):
            # what was taken out may be just what the control looks for
            hidden.append(Unevaluated(control, path, "a line there cannot be read"))
            continue
        related: tuple[Related, ...] = ()
        if location.definition is not None:
            related = (Related(resource.id, path, location.definition, "the value comes from here"),)
        said = [cel.render(hit.check.message, hit.element.activation) for hit in hits]
        findings.append(
            Finding(
                control=control,
                severity=ruleset.severities[control],
                resource=resource.id,
                path=path,
                data=resource.data,
                message="; ".join(dict.fromkeys(said)),
                span=location.span,
                related=related,
                fixable=all(hit.check.fix is not None for hit in hits),
            )
        )
    findings.sort(key=lambda f: (f.span.start, f.control))
    return tuple(findings), hidden


def _touches_blanked(resource: Resource, location: Location) -> bool:
    return any(
        blank.start < extent.end and extent.start < blank.end
        for blank in resource.document.blanked
        for extent in location.extents
    )
