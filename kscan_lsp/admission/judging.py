"""What the policies of a workspace say of an object, as the API server would when it is created, updated or deleted.

Order and outcome are those of the API server: a policy that does not match says nothing; any match condition that is
false ends it, and an error in one is an error of the policy; each validation is evaluated for each binding and its
params; an error is a violation unless the policy ignores failures.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.admission.asking import applying_to, read_binding, read_policy
from kscan_lsp.admission.before import CREATE, DELETE, NOT_KNOWN
from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.environment import ABSENT, POLICIES
from kscan_lsp.admission.matching import operation_of, request_of
from kscan_lsp.admission.model import NOTHING, Admitted, is_binding
from kscan_lsp.admission.places import OF_OBJECT, places_of
from kscan_lsp.admission.problems import problems_of_binding, span_of
from kscan_lsp.admission.reads import tree_of_policy
from kscan_lsp.admission.remembered import LastAnswers
from kscan_lsp.engine.verdicts import Unevaluated
from kscan_lsp.findings import Finding, Related, in_order
from kscan_lsp.policy.admission import control_id
from kscan_lsp.redaction import redact
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.admission.before import Was
    from kscan_lsp.admission.matching import Request
    from kscan_lsp.admission.model import Binding, Policy, PolicyExpression, Validation
    from kscan_lsp.findings import Severity
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.locate import Locator
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.text import Span

NO_VALUE: Final = " has no value here"
RUNTIME_LIMITS: Final = (
    "too much work",
    "more than",
    "a regular expression takes too long",
    "wrong types: orValue",
)
"""What only this runtime refuses: the API server's takes `orValue` of any value, and gives that."""
MAX_MESSAGE: Final = 500
"""Characters of a message that a policy makes."""


class Violation(NamedTuple):
    """A validation that is false for an object, or an expression that fails on it."""

    severity: Severity
    path: Path
    message: str
    validation: PolicyExpression


class Seen(NamedTuple):
    """What expressions see of a request, and what all policies without params are evaluated on."""

    values: dict[str, Any]
    without_params: cel.Activation


class Said(NamedTuple):
    """What a policy says of an object."""

    asked: bool
    violations: tuple[Violation, ...]
    unanswered: tuple[str, ...]
    later: bool = False
    """Whether this is what was said before, and the answer comes later."""


def admit(one: Object, resource: Resource, asked: Deciding, ruleset: Ruleset) -> Admitted:
    """What policies say of an object.

    Args:
        one: the object as the others see it.
        resource: the same in its document.
        asked: the policies, and what they need to know.
        ruleset: which of them are left out, and how severe the user has others.
    """
    if is_binding(resource):
        return Admitted(problems=problems_of_binding(resource, asked.bound))
    if not asked.policies:
        return NOTHING
    request = request_of(one, asked.namespace, asked.was)
    data = with_defaults(one, request.namespace)
    findings: list[Finding] = []
    unevaluated: list[Unevaluated] = []
    passed: set[str] = set()
    seen_as = cache(lambda operation: seen_of(data, request.as_a(operation), asked.namespace, asked.was))
    last = LastAnswers[Said](
        ("admission", one.file, one.root, one.id, resource.origin is None), data, partly=asked.partly
    )
    locator = resource.locator()
    for declared, bindings in asked.policies:
        policy = read_policy(declared)
        name = control_id(policy.name)
        if name in ruleset.left_out:
            continue
        if not bindings or not operation_of(request, policy.matching):
            continue
        decided = (request, bindings, asked.namespace, asked.was)
        judged = last.said(declared, decided, tree_of_policy(policy))
        if judged is None:
            judging = _Judging(policy, one, request)
            for binding, params in bindings:
                judging.bound(read_binding(binding), params, seen_as)
            judged = Said(judging.asked, tuple(judging.violations), tuple(judging.unanswered))
        last.keep(declared, decided, judged)
        findings += findings_of(judged.violations, name, declared, resource, locator=locator, ruleset=ruleset)
        unevaluated += [Unevaluated(name, (), why) for why in list(dict.fromkeys(judged.unanswered))[:1]]
        if judged.asked and not judged.violations and not judged.unanswered:
            passed.add(name)
    last.close()
    failed = frozenset(finding.control for finding in findings)
    return Admitted(tuple(in_order(findings)), frozenset(passed), failed, tuple(unevaluated))


def values_of(
    data: dict[str, Any], request: Request, namespace: Object | None, was: Was = NOT_KNOWN
) -> dict[str, Any]:
    """What expressions may name, of a request that is one operation; what no file has is left out."""
    (operation,) = request.operations
    kind = {"group": request.group, "version": request.version, "kind": request.kind}
    resource = {"group": request.group, "version": request.version, "resource": request.resource}
    values: dict[str, Any] = {
        "object": cel.view(data).value,
        "request": {
            "kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource, "subResource": "",
            "requestSubResource": "", "name": request.name, "namespace": request.namespace, "operation": operation,
            "dryRun": False,
        },
    }  # fmt: skip
    if operation == CREATE:
        values["oldObject"] = None
    elif operation == DELETE:
        values |= {"object": None, "oldObject": values["object"]}
    elif was.object is not None:
        values["oldObject"] = cel.view(with_defaults(was.object, request.namespace)).value
    if not request.namespace:
        values["namespaceObject"] = None
    elif namespace is not None or request.around is not None:
        found = namespace.data if namespace else {"apiVersion": "v1", "kind": "Namespace"}
        metadata = found.get("metadata")
        known: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
        seen = {**found, "metadata": {"name": request.namespace, **known, "labels": request.around}}
        values["namespaceObject"] = cel.view(seen).value
    return values


@lru_cache(maxsize=256)
def _view_of_param(param: Object) -> Any:
    """What expressions see of params, which are the same for all objects that they are for."""
    return cel.view(param.data).value


class _Judging:
    """One policy and one object, binding by binding."""

    def __init__(self, policy: Policy, one: Object, request: Request) -> None:
        self.policy = policy
        self.one = one
        self.request = request
        self.asked = False
        self.violations: list[Violation] = []
        self.unanswered: list[str] = []

    def bound(self, binding: Binding, params: tuple[Object, ...], seen_as: Callable[[str], Seen]) -> None:
        """What the policy says by one binding; `seen_as` gives what expressions see, by the operation."""
        severity = binding.severity
        operation = operation_of(self.request, self.policy.matching, binding.matching)
        if severity is None or not operation:
            return
        applies = applying_to(self.policy, binding, self.request.as_a(operation), params)
        if isinstance(applies, str):
            self.unanswered.append(applies)
            return
        seen = seen_as(operation)
        for param in applies:
            if param is None:
                self.judged(severity, seen.without_params)
            else:
                values = {**seen.values, "params": _view_of_param(param)}
                self.judged(severity, cel.bind(POLICIES, values))

    def judged(self, severity: Severity, activation: cel.Activation) -> None:
        """What the policy says with some params."""
        errors: list[tuple[PolicyExpression, str]] = []
        for condition in self.policy.conditions:
            answer = _ask(condition.question, activation)
            if answer is False:
                return
            if isinstance(answer, cel.Failed):
                errors.append((condition.question, answer.reason))
        self.asked = True
        if errors:
            question, reason = errors[0]
            self.failed(severity, question, reason)
            return
        for validation in self.policy.validations:
            answer = _ask(validation.question, activation)
            if isinstance(answer, cel.Failed):
                self.failed(severity, validation.question, answer.reason)
            elif not answer:
                message = _message(validation, activation, self.one)
                self.violations += [
                    Violation(severity, path, message, validation.question)
                    for path in places_of(self.policy, validation.question, activation)
                ]

    def failed(self, severity: Severity, question: PolicyExpression, reason: str) -> None:
        """Note an expression that has no answer: nobody can know it here, or it is wrong for this object."""
        absent = ABSENT.get(reason.removesuffix(NO_VALUE)) if reason.endswith(NO_VALUE) else None
        if absent is not None:
            why = self.request.unknown if absent == ABSENT["oldObject"] else ""
            self.unanswered.append(f"'{shortened(question.source)}' needs {absent}{why and f': {why}'}")
        elif reason.startswith(RUNTIME_LIMITS):
            self.unanswered.append(f"'{shortened(question.source)}' is not evaluated: {reason}")
        elif not self.policy.ignores:
            message = f"expression '{shortened(question.source)}' resulted in error: {reason}"
            self.violations.append(Violation(severity, OF_OBJECT, message, question))


def _ask(question: PolicyExpression, activation: cel.Activation) -> bool | cel.Failed:
    return cel.deny(question.made, activation) if question.made else cel.Failed("it does not compile")


def _message(validation: Validation, activation: cel.Activation, one: Object) -> str:
    """What a violation says: what its `messageExpression` gives, its `message`, or its expression."""
    telling = validation.telling
    # what a Secret has is in no output
    if telling is not None and telling.made is not None and one.id.kind != "Secret":
        told = cel.evaluate(telling.made, activation)
        if isinstance(told, str) and told.strip() and "\n" not in told.strip():
            return redact(told.strip()[:MAX_MESSAGE])
    return validation.message or f"failed expression: {shortened(validation.question.source)}"


def shortened(source: str) -> str:
    """An expression as messages quote it: on one line, and not too long."""
    text = " ".join(source.split())
    return text if len(text) <= 200 else f"{text[:199]}…"


@lru_cache(maxsize=1_024)
def place_in(declared: Object, path: Path) -> Span:
    """Where something of a policy stands in its document."""
    return span_of(read_document(declared.document, json=declared.json), (*declared.root, *path))


def findings_of(
    violations: Sequence[Violation],
    name: str,
    declared: Object,
    resource: Resource,
    *,
    locator: Locator,
    ruleset: Ruleset,
) -> Iterator[Finding]:
    """One finding for each place, as severe as the worst of what is violated there.

    Args:
        violations: what is violated, each with its place in the policy.
        name: the id of the findings.
        declared: the policy.
        resource: the object in its document.
        locator: finds places there.
        ruleset: how severe the user has it.
    """
    by_place: dict[Path, list[Violation]] = {}
    for violation in violations:
        by_place.setdefault(violation.path, []).append(violation)
    for path, there in by_place.items():
        related = tuple(
            Related(
                declared.id,
                where,
                place_in(declared, where),
                f"the policy '{declared.id.shown_name}' says so",
                declared.file,
                declared.document,
            )
            for where in dict.fromkeys(one.validation.path for one in there)
        )
        yield Finding(
            name,
            ruleset.severities.get(name) or max(one.severity for one in there),
            resource.id,
            path,
            "; ".join(dict.fromkeys(one.message for one in there)),
            locator.resolve(path).span,
            resource.data,
            related,
        )


def seen_of(data: dict[str, Any], request: Request, namespace: Object | None, was: Was = NOT_KNOWN) -> Seen:
    """What expressions see of an object.

    Args:
        data: the object with its defaults.
        request: what creates or updates it.
        namespace: the Namespace that it lives in, if a file has it.
        was: what it was before.
    """
    values = values_of(data, request, namespace, was)
    # what policies make of an object that is as it was, they made of it before
    if request.same and CREATE not in request.operations:
        values["oldObject"] = values["object"]
    return Seen(values, cel.bind(POLICIES, {**values, "params": None}))


def said_by(
    policy: Policy,
    one: Object,
    request: Request,
    seen: Seen,
    severity: Severity,
    *,
    params: tuple[Object, ...] = (),
) -> Said:
    """What the expressions of a policy say of an object that it is about.

    Args:
        policy: as it is read; what it matches is asked by nobody here.
        one: the object.
        request: what creates or updates it.
        seen: what its expressions see.
        severity: how severe a violation is.
        params: what they have for `params`, one after the other.
    """
    judging = _Judging(policy, one, request)
    for activation in [
        cel.bind(POLICIES, {**seen.values, "params": _view_of_param(param)}) for param in params
    ] or [seen.without_params]:
        judging.judged(severity, activation)
    return Said(judging.asked, tuple(judging.violations), tuple(judging.unanswered))
