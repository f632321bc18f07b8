"""What Kyverno's policies of a workspace say of an object, as Kyverno would when it is created or updated.

A rule that an exception takes the object out of says nothing. An error in a rule is a violation unless the policy
ignores failures, as Kyverno then lets nothing pass. Where what no file says decides whether a rule is about an object
at all, it is judged all the same: it may pass.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp.admission.before import UPDATE
from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.judging import said_by, seen_of
from kscan_lsp.admission.matching import is_about, labels_of, operation_of, request_of
from kscan_lsp.admission.model import NOTHING, Admitted
from kscan_lsp.admission.problems import span_of
from kscan_lsp.admission.remembered import LastAnswers
from kscan_lsp.cel.patterns import start_evaluation
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.findings import Finding, Related, Severity, in_order
from kscan_lsp.kyverno.asking import read_cel, read_exception, read_kyverno
from kscan_lsp.kyverno.budget import OverBudget
from kscan_lsp.kyverno.conditions import evaluated
from kscan_lsp.kyverno.context import context_of
from kscan_lsp.kyverno.expressions import NotFound, QueryError, Unanswerable
from kscan_lsp.kyverno.matching import Fit, RuleSubject, fit_of, fits_filters
from kscan_lsp.kyverno.model import CEL_POLICIES
from kscan_lsp.kyverno.pod_security import security_verdict
from kscan_lsp.kyverno.reads import read_by
from kscan_lsp.kyverno.rules import Verdict, verdict_of
from kscan_lsp.kyverno.scalars import wild_match
from kscan_lsp.policy.admission import kyverno_id
from kscan_lsp.redaction import redact
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.admission.judging import Said, Seen
    from kscan_lsp.admission.matching import Request
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kyverno.asking import KyvernoDeciding
    from kscan_lsp.kyverno.context import Context
    from kscan_lsp.kyverno.model import KyvernoRule
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.text import Span


class RuleSaid(NamedTuple):
    """What a rule says of an object, or a whole policy in CEL."""

    control: str
    verdict: Verdict
    severity: Severity
    place: Path
    """In the policy."""


def admit_kyverno(one: Object, resource: Resource, asked: KyvernoDeciding, ruleset: Ruleset) -> Admitted:
    """What Kyverno's policies say of an object.

    Args:
        one: the object as the others see it.
        resource: the same in its document.
        asked: the policies, and what they need to know.
        ruleset: which of their rules are left out, and how severe the user has others.
    """
    if not asked.policies:
        return NOTHING
    judging = _JudgingObject(one, resource, asked, ruleset)
    locator = resource.locator()
    findings: list[Finding] = []
    unevaluated: list[Unevaluated] = []
    passed: set[str] = set()
    for declared in asked.policies:
        for said in judging.said(declared):
            if said.control in ruleset.left_out:
                continue
            status, paths, message = said.verdict
            if status == "pass":
                passed.add(said.control)
            elif status == "unknown":
                unevaluated.append(Unevaluated(said.control, (), message))
            elif status != "skip":
                related = Related(
                    declared.id,
                    said.place,
                    _place(declared, said.place),
                    f"the policy '{declared.id.shown_name}' says so",
                    declared.file,
                    declared.document,
                )
                severity = ruleset.severities.get(said.control) or said.severity
                findings += [
                    Finding(
                        said.control,
                        severity,
                        resource.id,
                        path,
                        message,
                        locator.resolve(path).span,
                        resource.data,
                        (related,),
                    )
                    for path in paths
                ]
    judging.last.close()
    failed = frozenset(finding.control for finding in findings)
    open_ones = {entry.control: entry for entry in reversed(unevaluated) if entry.control not in failed}
    passed -= failed | open_ones.keys()
    return Admitted(
        tuple(in_order(_merged(findings))), frozenset(passed), failed, tuple(reversed(open_ones.values()))
    )


def _merged(findings: list[Finding]) -> Iterator[Finding]:
    """One finding for each place of each rule: a rule and what is made of it may say the same."""
    yield from {(finding.control, finding.path): finding for finding in reversed(findings)}.values()


@lru_cache(maxsize=1_024)
def _place(declared: Object, path: Path) -> Span:
    return span_of(read_document(declared.document, json=declared.json), (*declared.root, *path))


_ABOUT_NOTHING: Final = Verdict("skip")


class _Operation:
    """One object as it is created, or as it is updated. What rules see of that is made for the first that looks."""

    def __init__(
        self,
        operation: str,
        request: Request,
        subject: RuleSubject,
        asked: KyvernoDeciding,
        data: dict[str, Any],
    ) -> None:
        self.name = operation
        self.request = request.as_a(operation)
        self.subject = subject._replace(operation=operation)
        self._asked = asked
        self._data = data

    @cached_property
    def seen(self) -> Seen:
        """What expressions in CEL see."""
        return seen_of(self._data, self.request, self._asked.namespace, self._asked.was)

    def context(self) -> Context:
        """What a rule can name."""
        return self._context.fresh()

    @cached_property
    def _context(self) -> Context:
        was = self._asked.was.object if self.name == UPDATE else None
        before = None if was is None else with_defaults(was, self.request.namespace)
        before = self._data if was is not None and self.request.same else before
        made = context_of(self._data, self.request, before)
        made.configs = {key: None if found is None else found.data for key, found in self._asked.configs}
        return made


class _JudgingObject:
    """One object, policy by policy. What it takes is worked out when the first of them is about it."""

    def __init__(self, one: Object, resource: Resource, asked: KyvernoDeciding, ruleset: Ruleset) -> None:
        self.one = one
        self.resource = resource
        self.ruleset = ruleset
        self.asked = asked
        self.request = request_of(one, asked.namespace, asked.was)
        metadata = one.data.get("metadata")
        notes = metadata.get("annotations") if isinstance(metadata, dict) else None
        self.subject = RuleSubject(
            group=self.request.group,
            version=self.request.version,
            kind=self.request.kind,
            name=self.request.name or _generated(metadata),
            namespace=self.request.namespace,
            labels=labels_of(one),
            annotations=notes if isinstance(notes, dict) else {},
            around=self.request.around,
        )
        self.data = with_defaults(one, self.request.namespace)
        deciding = replace(asked, policies=(), keys=frozenset(), partly=False)
        self.decided = (ruleset, self.request, deciding)
        self.last = LastAnswers[tuple[RuleSaid, ...]](
            ("kyverno", one.file, one.root, one.id), self.data, partly=asked.partly
        )
        self.params = dict(asked.params)
        self.operations = [
            _Operation(name, self.request, self.subject, asked, self.data) for name in self.request.operations
        ]
        self._exceptions = [read_exception(found) for found in asked.exceptions]

    def said(self, declared: Object) -> tuple[RuleSaid, ...]:
        """What a policy says, which is what it said before where nothing that it reads is different."""
        # the conditions of an exception may read anything
        read = None if self.asked.exceptions else read_by(declared)
        said = self.last.said(declared, self.decided, read)
        if said is None:
            cel = declared.id.kind in CEL_POLICIES
            said = tuple(self._by_cel(declared) if cel else self._by_rules(declared))
        self.last.keep(declared, self.decided, said)
        return said

    def _by_rules(self, declared: Object) -> Iterator[RuleSaid]:
        policy = read_kyverno(declared)
        if policy.namespace and policy.namespace != self.subject.namespace:
            return
        for number, rule in enumerate(policy.rules):
            try:
                found = [(one, fit) for one in self.operations if (fit := fit_of(rule, one.subject)).fits]
                if self.request.same and [one.name for one, _ in found] == [UPDATE]:
                    continue
                as_one, fit = next(iter(found), (None, Fit(False)))
                if as_one is None or self._excepted(policy.name, rule.name, as_one):
                    continue
                verdict = self._verdict(rule, (declared, number), as_one)
            except OverBudget as error:
                fit, verdict = Fit(True), Verdict("unknown", (), str(error))
            if fit.unless and verdict.status in {"fail", "error"}:
                verdict = Verdict(
                    "unknown", (), f"it fails, and {fit.unless} decides whether the rule applies"
                )
            elif verdict.status == "error" and policy.ignores:
                verdict = _ABOUT_NOTHING
            yield RuleSaid(
                kyverno_id(policy.name, rule.name),
                self._shown(verdict),
                self._severity(rule),
                rule.check.path,
            )

    def _verdict(self, rule: KyvernoRule, key: tuple[Object, int], as_one: _Operation) -> Verdict:
        start_evaluation()
        if rule.check.cel is None:
            said_first = verdict_of(rule, as_one.context())
            if rule.check.security is None or said_first.status != "pass":
                return said_first
            return security_verdict(rule.check.security, self.one, self.resource, self.ruleset.policies)
        params = self.params.get(key, ())
        if rule.check.cel.param_kind is not None and not params:
            return Verdict("unknown", (), "no file has its params")
        if rule.check.cel.broken:
            return Verdict(
                "unknown", (), "its expressions are not evaluated: see what is said in its manifest"
            )
        said = said_by(rule.check.cel, self.one, as_one.request, as_one.seen, rule.severity, params=params)
        return _of_cel(said)

    def _severity(self, rule: KyvernoRule) -> Severity:
        for severity, namespaces in rule.overrides:
            if self.subject.namespace in namespaces:
                return severity
        return rule.severity

    def _by_cel(self, declared: Object) -> Iterator[RuleSaid]:
        found = read_cel(declared)
        control = kyverno_id(found.name)
        if found.severity is None or (found.namespace and found.namespace != self.subject.namespace):
            return
        for policy in found.policies:
            operation = operation_of(self.request, policy.matching)
            as_one = next((one for one in self.operations if one.name == operation), None)
            if as_one is None or self._excepted(found.name, "", as_one):
                continue
            about = is_about(policy.matching, as_one.request)
            if about is False:
                continue
            if about is None:
                why = f"no file has Namespace '{self.request.namespace}', whose labels decide whether it applies"
                verdict = Verdict("unknown", (), why)
            elif found.asks:
                verdict = Verdict(
                    "unknown", (), f"it has {found.asks}, which is of Kyverno and not evaluated here"
                )
            elif found.broken:
                verdict = Verdict(
                    "unknown", (), "Kyverno refuses this policy: see what is wrong in its manifest"
                )
            else:
                verdict = _of_cel(said_by(policy, self.one, as_one.request, as_one.seen, found.severity))
            yield RuleSaid(control, self._shown(verdict), found.severity, ("spec", "validations"))

    def _shown(self, verdict: Verdict) -> Verdict:
        """A verdict with what may be a secret masked."""
        return verdict._replace(message=redact(verdict.message)) if verdict.message else verdict

    def _excepted(self, policy: str, rule: str, as_one: _Operation) -> bool:
        """Whether an exception takes the object out of a rule."""
        for exception in self._exceptions:
            if exception.unsupported or not any(
                entry.policy.rpartition("/")[2] == policy
                and (not rule or any(wild_match(one, rule) for one in entry.rules))
                for entry in exception.entries
            ):
                continue
            if exception.match.entries:
                fit = fits_filters(exception.match, as_one.subject)
                if not fit.fits or fit.unless:
                    continue
            if exception.cel is not None:
                said = said_by(exception.cel, self.one, as_one.request, as_one.seen, Severity.LOW)
                if said.asked and not said.violations and not said.unanswered:
                    return True
                continue
            try:
                if evaluated(exception.conditions, as_one.context()).holds:
                    return True
            except (NotFound, QueryError, Unanswerable, OverBudget):
                continue
        return False


def _generated(metadata: object) -> str:
    """What the name of an object begins with that gets its name when it is created."""
    found = metadata.get("generateName") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else ""


def _of_cel(said: Said) -> Verdict:
    """What expressions in CEL say, as a verdict."""
    if said.violations:
        paths = tuple(dict.fromkeys(one.path for one in said.violations))
        return Verdict("fail", paths, "; ".join(dict.fromkeys(one.message for one in said.violations)))
    if said.unanswered:
        return Verdict("unknown", (), said.unanswered[0])
    return Verdict("pass" if said.asked else "skip")
