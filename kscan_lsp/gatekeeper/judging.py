"""What Gatekeeper's constraints of a workspace say of an object, as Gatekeeper would when it is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.judging import Said, Violation, findings_of, said_by, seen_of
from kscan_lsp.admission.matching import request_of
from kscan_lsp.admission.model import NOTHING, Admitted, PolicyExpression
from kscan_lsp.admission.reads import field, reads_of
from kscan_lsp.admission.remembered import Comparing, remember
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.findings import in_order
from kscan_lsp.gatekeeper.asking import read_constraint, read_template
from kscan_lsp.gatekeeper.matching import fits_constraint
from kscan_lsp.gatekeeper.model import is_constraint
from kscan_lsp.gatekeeper.problems import constraint_problems, unsupported
from kscan_lsp.gatekeeper.reading import place_in_template
from kscan_lsp.policy.admission import gatekeeper_id

if TYPE_CHECKING:
    from typing import Any

    from kscan_lsp.admission.judging import Seen
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.findings import Finding
    from kscan_lsp.gatekeeper.asking import GatekeeperDeciding
    from kscan_lsp.gatekeeper.model import Constraint, ConstraintTemplate
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.policy.ruleset import Ruleset


def admit_gatekeeper(
    one: Object, resource: Resource, asked: GatekeeperDeciding, ruleset: Ruleset
) -> Admitted:
    """What Gatekeeper's constraints say of an object, and of a constraint what is wrong with it.

    Args:
        one: the object as the others see it.
        resource: the same in its document.
        asked: the constraints, and what they need to know.
        ruleset: which of them are left out, and how severe the user has others.
    """
    if is_constraint(resource.id):
        return Admitted(problems=constraint_problems(resource, one, asked.template))
    if not asked.constraints:
        return NOTHING
    judging = _JudgingConstraints(one, asked)
    locator = resource.locator()
    findings: list[Finding] = []
    unevaluated: list[Unevaluated] = []
    passed: set[str] = set()
    for declared, template in asked.constraints:
        name = gatekeeper_id(declared.id.kind, declared.id.name)
        if name in ruleset.left_out:
            continue
        said = judging.said(declared, template)
        findings += findings_of(
            said.violations, name, template or declared, resource, locator=locator, ruleset=ruleset
        )
        unevaluated += [Unevaluated(name, (), why) for why in said.unanswered[:1]]
        if said.asked and not said.violations and not said.unanswered:
            passed.add(name)
    failed = frozenset(finding.control for finding in findings)
    return Admitted(tuple(in_order(findings)), frozenset(passed) - failed, failed, tuple(unevaluated))


_SILENT = Said(False, (), ())


def _unknown(why: str) -> Said:
    return Said(False, (), (why,))


class _JudgingConstraints:
    """One object, constraint by constraint. What expressions see is made for the first that has any."""

    def __init__(self, one: Object, asked: GatekeeperDeciding) -> None:
        self.one = one
        self.namespace = asked.namespace
        self.request = request_of(one, asked.namespace)
        self.data = with_defaults(one, self.request.namespace)
        self.comparing = Comparing[Said]()
        self._seen: Seen | None = None

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
        if read.policy is None:
            return _unknown(unsupported(read.engine))
        return self._remembered(declared, template, read.policy, (constraint, read))

    def _remembered(
        self,
        declared: Object,
        template: Object,
        policy: Policy,
        both: tuple[Constraint, ConstraintTemplate],
    ) -> Said:
        key = (declared, self.one.file, self.one.root, self.one.id)
        decided = (self.request, template, self.namespace)
        fields: tuple[Any, ...] = tuple([field(self.data, path) for path in reads_of(policy)])
        said = self.comparing.said_before(key, decided, fields)
        if said is None:
            said = self._by_cel(policy, *both)
            remember(key, decided, fields, said)
        return said

    def _by_cel(self, policy: Policy, constraint: Constraint, template: ConstraintTemplate) -> Said:
        if self._seen is None:
            self._seen = seen_of(self.data, self.request, self.namespace)
        severity = constraint.severity
        if severity is None:
            return _SILENT
        said = said_by(policy, self.one, self.request, self._seen, severity, params=(constraint.params,))
        violations = [
            Violation(severity, one.path, one.message, _placed(one.validation, template))
            for one in said.violations
        ]
        return Said(said.asked, tuple(violations), said.unanswered)


def _placed(question: PolicyExpression, template: ConstraintTemplate) -> PolicyExpression:
    """An expression at its place in the template."""
    return PolicyExpression(question.source, place_in_template(template.source, question.path), None)
