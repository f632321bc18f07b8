"""What Gatekeeper's constraints of a workspace say of an object, as Gatekeeper would when it is created or updated.

A constraint does not say which of both it is about, and many a template passes every update of what cannot be changed
anyway. So an object that is committed is asked about twice, as it may be created elsewhere, and what either says
counts. Where somebody says of an object what it was, it is that update and nothing else.
"""

from __future__ import annotations

from functools import cache, lru_cache, reduce
from typing import TYPE_CHECKING, Any

from kscan_lsp.admission.before import CREATE, UPDATE, reads_what_was
from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.judging import Said, Violation, findings_of, said_by, seen_of
from kscan_lsp.admission.matching import request_of
from kscan_lsp.admission.model import NOTHING, Admitted, PolicyExpression
from kscan_lsp.admission.reads import touches, tree_of_policy
from kscan_lsp.admission.remembered import LastAnswers
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.findings import in_order
from kscan_lsp.gatekeeper.asking import read_constraint, read_template
from kscan_lsp.gatekeeper.matching import fits_constraint
from kscan_lsp.gatekeeper.model import is_constraint
from kscan_lsp.gatekeeper.problems import constraint_problems, unsupported
from kscan_lsp.gatekeeper.reading import place_in_template
from kscan_lsp.gatekeeper.rego import input_of, place_of
from kscan_lsp.policy.admission import gatekeeper_id, policy_part
from kscan_lsp.policy.rego import BEING_EVALUATED, NEEDS_ENGINE
from kscan_lsp.redaction import redact

if TYPE_CHECKING:
    from kscan_lsp.admission.judging import Seen
    from kscan_lsp.admission.matching import Request
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.admission.reads import FieldTree
    from kscan_lsp.findings import Finding
    from kscan_lsp.gatekeeper.asking import GatekeeperDeciding
    from kscan_lsp.gatekeeper.model import Constraint, ConstraintTemplate
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.rego import RegoEngine
    from kscan_lsp.policy.ruleset import Ruleset


def admit_gatekeeper(
    one: Object, resource: Resource, asked: GatekeeperDeciding, ruleset: Ruleset, engine: RegoEngine | None
) -> Admitted:
    """What Gatekeeper's constraints say of an object, and of a constraint what is wrong with it.

    Args:
        one: the object as the others see it.
        resource: the same in its document.
        asked: the constraints, and what they need to know.
        ruleset: which of them are left out, and how severe the user has others.
        engine: who evaluates Rego, if anybody does.
    """
    if is_constraint(resource.id):
        return Admitted(problems=constraint_problems(resource, one, asked.template))
    if not asked.constraints:
        return NOTHING
    judging = _JudgingConstraints(one, asked, engine)
    locator = resource.locator()
    findings: list[Finding] = []
    unevaluated: list[Unevaluated] = []
    passed: set[str] = set()
    later: set[str] = set()
    for declared, template in asked.constraints:
        name = gatekeeper_id(declared.id.kind, declared.id.name)
        if name in ruleset.left_out:
            continue
        said = judging.said(declared, template)
        if said.later:
            later.add(name)
        findings += findings_of(
            said.violations, name, template or declared, resource, locator=locator, ruleset=ruleset
        )
        unevaluated += [Unevaluated(name, (), why) for why in said.unanswered[:1]]
        if said.asked and not said.violations and not said.unanswered:
            passed.add(name)
    judging.last.close()
    failed = frozenset(finding.control for finding in findings)
    return Admitted(
        tuple(in_order(findings)),
        frozenset(passed) - failed,
        failed,
        tuple(unevaluated),
        later=frozenset(later),
    )


def reading_in_gatekeeper(asked: GatekeeperDeciding, place: Path) -> frozenset[str]:
    """Which constraints may read what stands at a place, by what their ids have in common."""
    return _reading(asked.constraints, place)


@lru_cache(maxsize=256)
def _reading(constraints: tuple[tuple[Object, Object | None], ...], place: Path) -> frozenset[str]:
    return frozenset(
        policy_part(gatekeeper_id(declared.id.kind, declared.id.name))
        for declared, template in constraints
        if template is None or touches(place, _read_by(read_template(template)))
    )


def _read_by(template: ConstraintTemplate) -> FieldTree | None:
    """What a template reads of an object, as far as anybody knows."""
    return tree_of_policy(template.policy) if template.policy else None


_NOT_SHOWN = "the rule of its template is violated (what it says of a Secret is not shown)"
_SILENT = Said(False, (), ())


def _unknown(why: str) -> Said:
    return Said(False, (), (why,))


class _JudgingConstraints:
    """One object, constraint by constraint. What expressions see is made for the first that has any."""

    def __init__(self, one: Object, asked: GatekeeperDeciding, engine: RegoEngine | None) -> None:
        self.one = one
        self.engine = engine
        self.inventory = asked.inventory
        self.namespace = asked.namespace
        self.was = asked.was
        self.known = request_of(one, asked.namespace, asked.was)
        self.request = self.known.as_a(CREATE)
        self.data = with_defaults(one, self.request.namespace)
        self.last = LastAnswers[Said](
            ("gatekeeper", one.file, one.root, one.id), self.data, partly=asked.partly
        )
        self._seen_as = cache(self._seen)
        self._reviews: dict[tuple[str, ...], dict[str, Any]] = {}

    def said(self, declared: Object, template: Object | None) -> Said:
        """What a constraint says."""
        constraint = read_constraint(declared, template)
        about = fits_constraint(constraint.match, self.request)
        if about is False or (constraint.severity is None and not constraint.broken):
            return _SILENT
        if about is None:
            labels = (
                f"no file has Namespace '{self.request.namespace}', whose labels decide whether it applies"
            )
            return _unknown(labels)
        if template is None:
            return _unknown(f"no file has the ConstraintTemplate for {declared.id.kind}")
        read = read_template(template)
        if read.broken:
            return _unknown("Gatekeeper refuses its template: see what is wrong in that manifest")
        if constraint.broken or constraint.severity is None:
            return _unknown("the constraint is refused: see what is wrong in its manifest")
        if why := unsupported(read):
            return _unknown(why)
        return self._remembered(declared, template, constraint, read)

    def _remembered(
        self, declared: Object, template: Object, constraint: Constraint, read: ConstraintTemplate
    ) -> Said:
        decided: tuple[object, ...] = (self.request, template, self.namespace, self.was)
        if read.inventory is not None:
            decided = (*decided, self.inventory)
        said = self.last.said(declared, decided, _read_by(read))
        if said is None:
            known = self.was.object is not None and reads_what_was(template.document)
            asked = sorted(self.was.operations) if known else [CREATE]
            said = reduce(_both, [self._as_a(operation, constraint, read) for operation in asked])
        if said.later:
            said = (self.last.before(declared) or said)._replace(later=True)
            decided = ()  # it is not what is said of the object as it is now
        self.last.keep(declared, decided, said)
        return said

    def _as_a(self, operation: str, constraint: Constraint, read: ConstraintTemplate) -> Said:
        """What a constraint says where the object is created, or where it is updated."""
        request = self.known.as_a(operation)
        if read.policy is not None:
            return self._by_cel(request, read.policy, constraint, read)
        return self._by_rego(request, constraint, read)

    def _by_rego(self, request: Request, constraint: Constraint, template: ConstraintTemplate) -> Said:
        if template.rego is None or constraint.severity is None:
            return _SILENT
        if self.engine is None:
            return _unknown(NEEDS_ENGINE)
        parameters = constraint.params.data["spec"]["parameters"]
        inventory = self.inventory if template.inventory is not None else None
        given = input_of(self.data, request, parameters, inventory)
        if self.was.object is not None and request.operations == (UPDATE,):
            before = self.data if request.same else with_defaults(self.was.object, request.namespace)
            given["review"]["oldObject"] = before
        # the very same for all templates, so that who writes it out does that once
        given["review"] = self._reviews.setdefault(request.operations, given["review"])
        (answer,) = self.engine.ask([template.rego], given)
        if answer.later:
            return _unknown(BEING_EVALUATED)._replace(later=True)
        if answer.why:
            return _unknown(answer.why)
        where = PolicyExpression("", template.source, None)
        secret = self.one.id.kind == "Secret"
        return Said(
            True,
            tuple(
                Violation(
                    constraint.severity,
                    place_of(message, self.one.data),
                    _NOT_SHOWN if secret else redact(message),
                    where,
                )
                for message in answer.messages
            ),
            (),
        )

    def _seen(self, operations: tuple[str, ...]) -> Seen:
        return seen_of(self.data, self.known.as_a(*operations), self.namespace, self.was)

    def _by_cel(
        self, request: Request, policy: Policy, constraint: Constraint, template: ConstraintTemplate
    ) -> Said:
        severity = constraint.severity
        if severity is None:
            return _SILENT
        seen = self._seen_as(request.operations)
        said = said_by(policy, self.one, request, seen, severity, params=(constraint.params,))
        violations = [
            Violation(severity, one.path, one.message, _placed(one.validation, template))
            for one in said.violations
        ]
        return Said(said.asked, tuple(violations), said.unanswered)


def _both(one: Said, other: Said) -> Said:
    """What is said of an object that is created and of the same as it is updated, each violation once."""
    told = {
        (violation.path, violation.message): violation for violation in (*other.violations, *one.violations)
    }
    unanswered = dict.fromkeys((*one.unanswered, *other.unanswered))
    later = one.later or other.later
    return Said(one.asked or other.asked, tuple(told.values()), tuple(unanswered), later)


def _placed(question: PolicyExpression, template: ConstraintTemplate) -> PolicyExpression:
    """An expression at its place in the template."""
    return PolicyExpression(question.source, place_in_template(template.source, question.path), None)
