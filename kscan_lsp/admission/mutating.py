"""What MutatingAdmissionPolicies make of an object before anything judges it, as the API server would.

Policies come in the order of their names, which is one of those that the API server may have; each for its bindings and
their params, each with its mutations in order. Then those that say so are asked once more, if anything changed after
them. What a mutation sees has the fields that the API server fills in; of these what no mutation touches is taken out
again, so that an object which no policy changes is the very one that is written.

Source: apiserver/pkg/admission/plugin/policy/mutating (dispatcher.go, reinvocationcontext.go), v1.35.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.admission.applying import PatchRefusedError, PatchUnknownError, merged_with
from kscan_lsp.admission.asking import applying_to, read_binding, read_policy
from kscan_lsp.admission.constructing import OBJECT, PATCH, TYPE, plain, type_mismatch
from kscan_lsp.admission.defaults import with_defaults
from kscan_lsp.admission.environment import ABSENT, POLICIES
from kscan_lsp.admission.judging import NO_VALUE, RUNTIME_LIMITS, shortened, values_of
from kscan_lsp.admission.matching import operation_of, request_of
from kscan_lsp.admission.model import SERVED_SINCE
from kscan_lsp.admission.patching import patched_by
from kscan_lsp.admission.tracing import MutationStep, Trace, without_defaults
from kscan_lsp.policy.admission import mutating_id

if TYPE_CHECKING:
    from kscan_lsp.admission.asking import Deciding
    from kscan_lsp.admission.model import Policy, PolicyExpression, PolicyMutation
    from kscan_lsp.graph.index import Object
    from kscan_lsp.policy.ruleset import Ruleset

MAX_STEPS: Final = 200
"""Mutations that change one object."""
_TOO_MUCH: Final = "what it makes of the object is too large, or too deep, to be judged"


class RefusedMutation(NamedTuple):
    """A mutation that the API server refuses the object for."""

    policy: Object
    question: PolicyExpression
    reason: str


class Mutated(NamedTuple):
    """What policies make of an object."""

    data: dict[str, Any]
    trace: Trace
    refused: tuple[RefusedMutation, ...] = ()
    unanswered: tuple[tuple[str, str], ...] = ()
    """Ids of policies that nobody can apply here, and why."""

    @property
    def changes(self) -> bool:
        """Whether the object becomes another one."""
        return bool(self.trace.steps)


class _Invocation(NamedTuple):
    """A policy, for one binding and one of its params."""

    declared: Object
    policy: Policy
    operation: str
    param: Object | None
    key: tuple[str, str, str]


def is_served(policy: Object, minor: int) -> bool:
    """Whether Kubernetes has policies of the version that one is written in: 36 is 1.36."""
    return minor >= SERVED_SINCE.get(policy.id.api_version.rpartition("/")[2], 0)


def mutated_by(one: Object, asked: Deciding, ruleset: Ruleset) -> Mutated:
    """What the policies that are about an object make of it.

    Args:
        one: the object.
        asked: the policies, and what they need to know.
        ruleset: which of them are left out, and for which version of Kubernetes manifests are.
    """
    work = _Mutating(one, asked)
    invocations = work.invocations(ruleset)
    waiting: dict[tuple[str, str, str], None] = {}
    again: set[tuple[str, str, str]] = set()
    for invocation in invocations:
        if work.invoke(invocation):
            again |= waiting.keys()
            waiting = {}
        if invocation.policy.again:
            waiting[invocation.key] = None
    if work.applied:
        again |= waiting.keys()
    if again:
        for invocation in work.invocations(ruleset):
            if invocation.key in again:
                work.invoke(invocation)
    return Mutated(
        work.one.data,
        Trace(tuple(work.steps)),
        tuple(dict.fromkeys(work.refused)),
        tuple(dict.fromkeys(work.unanswered)),
    )


class _Mutating:
    """One object, mutation by mutation."""

    def __init__(self, one: Object, asked: Deciding) -> None:
        self.one = one
        self.asked = asked
        self.steps: list[MutationStep] = []
        self.refused: list[RefusedMutation] = []
        self.unanswered: list[tuple[str, str]] = []
        self.applied = False
        self._seen: tuple[Object, str, Object | None, tuple[dict[str, Any], cel.Activation]] | None = None

    def invocations(self, ruleset: Ruleset) -> list[_Invocation]:
        """What is to be asked of the object as it is now."""
        request = request_of(self.one, self.asked.namespace, self.asked.was)
        found: list[_Invocation] = []
        for declared, bindings in sorted(self.asked.policies, key=lambda pair: pair[0].id.name):
            policy = read_policy(declared)
            name = mutating_id(policy.name)
            if name in ruleset.left_out or not is_served(declared, ruleset.kubernetes_minor):
                continue
            for bound, params in sorted(bindings, key=lambda pair: pair[0].id.name):
                binding = read_binding(bound)
                operation = operation_of(request, policy.matching, binding.matching)
                if not operation:
                    continue
                applies = applying_to(policy, binding, request.as_a(operation), params)
                if isinstance(applies, str):
                    self.unanswered.append((name, applies))
                found += [
                    _Invocation(
                        declared,
                        policy,
                        operation,
                        param,
                        (policy.name, binding.name, f"{param.id.namespace}/{param.id.name}" if param else ""),
                    )
                    for param in (() if isinstance(applies, str) else applies)
                ]
        return found

    def invoke(self, invocation: _Invocation) -> bool:
        """Apply the mutations of a policy, and say whether they changed anything."""
        activation = self.seen(invocation)[1]
        errors: list[tuple[PolicyExpression, str]] = []
        for condition in invocation.policy.conditions:
            answer = cel.deny(condition.question.made, activation) if condition.question.made else True
            if answer is False:
                return False
            if isinstance(answer, cel.Failed):
                errors.append((condition.question, answer.reason))
        if errors:
            self.failed(invocation, *errors[0])
            return False
        before = self.one.data
        for mutation in invocation.policy.mutations:
            self.mutate(invocation, mutation)
        return self.one.data is not before

    def seen(self, invocation: _Invocation) -> tuple[dict[str, Any], cel.Activation]:
        """The object as mutations see it, and all that their expressions may name."""
        known = self._seen
        if known and known[0] is self.one and known[1:3] == (invocation.operation, invocation.param):
            return known[3]
        request = request_of(self.one, self.asked.namespace, self.asked.was)
        data = with_defaults(self.one, request.namespace)
        values = values_of(data, request.as_a(invocation.operation), self.asked.namespace, self.asked.was)
        values["params"] = None if invocation.param is None else cel.view(invocation.param.data).value
        seen = data, cel.bind(POLICIES, values)
        self._seen = (self.one, invocation.operation, invocation.param, seen)
        return seen

    def mutate(self, invocation: _Invocation, mutation: PolicyMutation) -> None:
        """Apply one mutation."""
        question = mutation.question
        filled, activation = self.seen(invocation)
        if question.made is None:
            return
        value = cel.evaluate(question.made, activation)
        if isinstance(value, cel.Failed):
            self.failed(invocation, question, value.reason)
            return
        try:
            now = applied_to(filled, value, mutation)
        except PatchUnknownError as error:
            self.unknown(invocation, question, str(error))
            return
        except PatchRefusedError as error:
            if error.always or not invocation.policy.ignores:
                self.refused.append(RefusedMutation(invocation.declared, question, str(error)))
            return
        self.applied = True
        before = self.one.data
        after = without_defaults(before, filled, now)
        if after is before:
            return
        if len(self.steps) == MAX_STEPS or (_copies(value) and not cel.view(after).complete):
            self.unknown(invocation, question, _TOO_MUCH)
            return
        self.steps.append(MutationStep(invocation.declared, question.path, before, after))
        self.one = replace(self.one, data=after)

    def failed(self, invocation: _Invocation, question: PolicyExpression, reason: str) -> None:
        """Note an expression without a value, which nobody can know here, or which is wrong for this object."""
        absent = ABSENT.get(reason.removesuffix(NO_VALUE)) if reason.endswith(NO_VALUE) else None
        if absent is not None:
            self.unanswered.append(
                (mutating_id(invocation.policy.name), f"'{shortened(question.source)}' needs {absent}")
            )
        elif reason.startswith(RUNTIME_LIMITS):
            self.unknown(invocation, question, reason)
        elif not invocation.policy.ignores:
            self.refused.append(RefusedMutation(invocation.declared, question, reason))

    def unknown(self, invocation: _Invocation, question: PolicyExpression, why: str) -> None:
        """Note a mutation that is not applied here."""
        told = f"'{shortened(question.source)}' is not applied: {why}"
        self.unanswered.append((mutating_id(invocation.policy.name), told))


def applied_to(data: dict[str, Any], value: cel.Json, mutation: PolicyMutation) -> dict[str, Any]:
    """What a mutation makes of an object.

    Args:
        data: the object, as the mutation sees it.
        value: what its expression gave.
        mutation: the mutation.

    Raises:
        PatchRefusedError: the API server cannot apply it.
        PatchUnknownError: nobody can say here what it does.
    """
    if not mutation.is_patch:
        if wrong := type_mismatch(value, OBJECT):
            raise PatchRefusedError(wrong)
        return merged_with(data, plain(value))
    operations = value if isinstance(value, list) else []
    for one in operations:
        given = one.get("value") if isinstance(one, dict) and one.get(TYPE) == PATCH else None
        # of an object the type that it has itself says where it belongs
        if isinstance(given, dict) and TYPE in given and (wrong := _misplaced(given)):
            raise PatchRefusedError(wrong)
    return patched_by(data, [plain(one) for one in operations])


def _copies(value: cel.Json) -> bool:
    """Whether a patch copies what is there, and so may double it again and again: what else is added is bounded."""
    return isinstance(value, list) and any(isinstance(one, dict) and one.get("op") == "copy" for one in value)


def _misplaced(given: dict[str, Any]) -> str:
    return type_mismatch(given, str(given[TYPE]))
