"""A policy and a binding as they are read, whatever of them could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.findings import Severity

if TYPE_CHECKING:
    from kscan_lsp import cel
    from kscan_lsp.engine.verdicts import Unevaluated
    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path

GROUP: Final = "admissionregistration.k8s.io"
POLICY: Final = "ValidatingAdmissionPolicy"
BINDING: Final = "ValidatingAdmissionPolicyBinding"
MUTATING: Final = "MutatingAdmissionPolicy"
MUTATING_BINDING: Final = "MutatingAdmissionPolicyBinding"
BINDINGS: Final = {BINDING: POLICY, MUTATING_BINDING: MUTATING}
"""Kinds of bindings, each with that of the policies that it binds."""
SERVED_SINCE: Final = {"v1alpha1": 32, "v1beta1": 34, "v1": 36}
"""The minor version of Kubernetes that has a version of MutatingAdmissionPolicy first; alpha and beta if asked to."""
_SEVERITIES: Final = (("Deny", Severity.HIGH), ("Warn", Severity.MEDIUM), ("Audit", Severity.LOW))


def is_policy(resource: Resource) -> bool:
    """Whether a resource is an admission policy."""
    return resource.id.kind == POLICY and resource.id.group == GROUP


def is_mutating(resource: Resource) -> bool:
    """Whether a resource is an admission policy that changes objects."""
    return resource.id.kind == MUTATING and resource.id.group == GROUP


def is_binding(resource: Resource) -> bool:
    """Whether a resource binds one of either."""
    return resource.id.kind in BINDINGS and resource.id.group == GROUP


class Admitted(Struct, frozen=True, eq=False):
    """What policies say of an object."""

    findings: tuple[Finding, ...] = ()
    passed: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    unevaluated: tuple[Unevaluated, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What is wrong with a binding."""


NOTHING: Final = Admitted()
"""What is said where no policy is about an object."""


class PolicyFault(Struct, frozen=True):
    """What is wrong in a policy: the path in its object, and where in the value there, if it is an expression."""

    path: Path
    message: str
    at: int = -1
    """Offset in the value; -1 for all of it."""
    note: bool = False
    """Nothing is wrong, but something cannot be judged."""


class PolicyExpression(Struct, frozen=True, eq=False):
    """An expression of a policy and its place there. `made` is None where it does not compile."""

    source: str
    path: Path
    made: cel.Expression | None


class Condition(Struct, frozen=True, eq=False):
    """One of the `matchConditions`."""

    name: str
    question: PolicyExpression


class Validation(Struct, frozen=True, eq=False):
    """One of the `validations`."""

    question: PolicyExpression
    message: str = ""
    telling: PolicyExpression | None = None
    """Its `messageExpression`."""


class PolicyMutation(Struct, frozen=True, eq=False):
    """One of the `mutations`: an expression that gives a JSON patch, or an apply configuration."""

    question: PolicyExpression
    is_patch: bool


class ResourceRule(Struct, frozen=True):
    """A rule of `resourceRules` or `excludeResourceRules`."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    scope: str = "*"
    names: tuple[str, ...] = ()


class Concerns(Struct, frozen=True):
    """Which requests a policy or a binding is about. `rules` is None where it does not say: all of them."""

    rules: tuple[ResourceRule, ...] | None = None
    excluded: tuple[ResourceRule, ...] = ()
    equivalent: bool = True
    namespaces: dict[str, Any] = {}
    objects: dict[str, Any] = {}


class Policy(Struct, frozen=True, eq=False):
    """A ValidatingAdmissionPolicy, or a MutatingAdmissionPolicy."""

    name: str
    ignores: bool
    """An error lets the object pass (`failurePolicy: Ignore`)."""
    param_kind: tuple[str, str] | None
    """apiVersion and kind of its params."""
    matching: Concerns
    conditions: tuple[Condition, ...]
    variables: tuple[tuple[str, PolicyExpression], ...]
    validations: tuple[Validation, ...]
    faults: tuple[PolicyFault, ...]
    let: tuple[tuple[str, str], ...] = ()
    """Its variables as they are bound around expressions."""
    mutations: tuple[PolicyMutation, ...] = ()
    again: bool = False
    """It is asked once more where another one changed something after it (`reinvocationPolicy: IfNeeded`)."""

    @property
    def broken(self) -> bool:
        """Whether the API server would refuse the policy itself."""
        return any(not fault.note for fault in self.faults)


class Binding(Struct, frozen=True, eq=False):
    """A ValidatingAdmissionPolicyBinding, or a MutatingAdmissionPolicyBinding."""

    name: str
    policy: str
    actions: tuple[str, ...]
    matching: Concerns
    param: dict[str, Any] | None
    """Its `paramRef`."""

    @property
    def severity(self) -> Severity | None:
        """How severe a violation is, by what is done about it; None where nothing is."""
        return next((severity for action, severity in _SEVERITIES if action in self.actions), None)
