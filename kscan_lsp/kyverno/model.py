"""A policy of Kyverno as it is read, whatever of it could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.findings import Severity

if TYPE_CHECKING:
    from kscan_lsp.admission.model import Binding, Policy
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kyverno.overlay import Orders
    from kscan_lsp.paths import Path

GROUP: Final = "kyverno.io"
CEL_GROUP: Final = "policies.kyverno.io"
CLUSTER_POLICY: Final = "ClusterPolicy"
POLICY: Final = "Policy"
EXCEPTION: Final = "PolicyException"
CEL_POLICIES: Final = frozenset({"ValidatingPolicy", "NamespacedValidatingPolicy"})
NOT_APPLIED: Final = frozenset(
    {"MutatingPolicy", "NamespacedMutatingPolicy", "GeneratingPolicy", "NamespacedGeneratingPolicy", "DeletingPolicy",
     "NamespacedDeletingPolicy", "ImageValidatingPolicy", "NamespacedImageValidatingPolicy", "CleanupPolicy",
     "ClusterCleanupPolicy"}
)  # fmt: skip
"""Kinds of policies that say nothing of a manifest, or what no file can answer."""


def is_kyverno(group: str, kind: str) -> bool:
    """Whether objects of a kind are policies of Kyverno, or exceptions from them."""
    if group == GROUP:
        return kind in {CLUSTER_POLICY, POLICY, EXCEPTION} or kind in NOT_APPLIED
    return group == CEL_GROUP and (kind in CEL_POLICIES or kind in NOT_APPLIED or kind == EXCEPTION)


def is_kyverno_policy(resource: Resource) -> bool:
    """Whether a resource is one of those."""
    return is_kyverno(resource.id.group, resource.id.kind)


class KyvernoFault(Struct, frozen=True):
    """What is wrong in a policy, by its path in the object."""

    path: Path
    message: str
    note: bool = False
    """Nothing is wrong, but something is not judged."""
    at: int = -1
    """Offset in the text there; -1 for all of it."""


class KyvernoCondition(Struct, frozen=True, eq=False):
    """A key, an operator and a value, as they are written."""

    key: Any
    operator: str
    value: Any
    message: str = ""
    plain: bool = False
    """Whether its value has no variables."""


class Conditions(Struct, frozen=True, eq=False):
    """Conditions of which one has to hold, and those that all have to. None where there is no such list."""

    any: tuple[KyvernoCondition, ...] | None = None
    all: tuple[KyvernoCondition, ...] | None = None


class ContextEntry(Struct, frozen=True, eq=False):
    """A name that a rule defines."""

    name: str
    value: Any = None
    path: str = ""
    """A JMESPath expression, of the value if there is one."""
    default: Any = None
    config: tuple[str, str] | None = None
    """Namespace and name of a ConfigMap."""
    unknown: str = ""
    """Why no file says what it is."""


class ResourceFilter(Struct, frozen=True, eq=False):
    """One entry of `match` or `exclude`. Empty collections ask for nothing; None is a selector that is not there."""

    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    annotations: dict[str, str] = {}
    selector: dict[str, Any] | None = None
    around: dict[str, Any] | None = None
    """The `namespaceSelector`."""
    operations: tuple[str, ...] = ()
    who: bool = False
    """Whether it asks who creates the object."""

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing at all."""
        return not (
            self.kinds or self.names or self.namespaces or self.annotations or self.operations or self.who
            or self.selector is not None or self.around is not None
        )  # fmt: skip


class Filters(Struct, frozen=True, eq=False):
    """`match` or `exclude`: entries of which one has to fit, or all."""

    entries: tuple[ResourceFilter, ...]
    every: bool = False


class Excluded(Struct, frozen=True, eq=False):
    """What a rule about the Pod Security Standards leaves out."""

    control: str
    images: tuple[str, ...] = ()
    partly: bool = False
    """Whether it leaves out single values of a field."""


class PodSecurity(Struct, frozen=True, eq=False):
    """A level of the Pod Security Standards that a rule asks for."""

    level: str
    exclude: tuple[Excluded, ...] = ()


class RuleCheck(Struct, frozen=True, eq=False):
    """What a rule asks of an object, or of an element of `foreach`. Exactly one of these is there."""

    path: Path
    """In the policy."""
    pattern: Any = None
    any_pattern: tuple[Any, ...] | None = None
    orders: Orders | None = None
    """In which order keys of the patterns are looked at; None where these have variables."""
    deny: tuple[Conditions, ...] | None = None
    each: tuple[ForEach, ...] | None = None
    security: PodSecurity | None = None
    cel: Policy | None = None
    binding: Binding | None = None
    """What leads to the params of a rule in CEL."""


class ForEach(Struct, frozen=True, eq=False):
    """One entry of `foreach`."""

    list: str
    context: tuple[ContextEntry, ...]
    preconditions: tuple[Conditions, ...]
    check: RuleCheck
    scoped: bool | None = None


class KyvernoRule(Struct, frozen=True, eq=False):
    """A rule that validates. `made_for` is `template` or `jobTemplate` where Kyverno makes it for pod controllers."""

    name: str
    path: Path
    match: Filters
    exclude: Filters
    context: tuple[ContextEntry, ...]
    preconditions: tuple[Conditions, ...]
    check: RuleCheck
    message: str
    severity: Severity
    overrides: tuple[tuple[Severity, tuple[str, ...]], ...] = ()
    """Other severities in namespaces with some names (`failureActionOverrides`)."""
    made_for: str = ""


class KyvernoPolicy(Struct, frozen=True, eq=False):
    """A policy of Kyverno."""

    name: str
    namespace: str
    """The only one that it is about; empty for a policy of the cluster."""
    ignores: bool
    """An error lets the object pass (`failurePolicy: Ignore`)."""
    rules: tuple[KyvernoRule, ...]
    faults: tuple[KyvernoFault, ...]
    severity: Severity = Severity.LOW

    @property
    def broken(self) -> bool:
        """Whether Kyverno would refuse the policy itself."""
        return any(not fault.note for fault in self.faults)


class ExceptedRules(Struct, frozen=True, eq=False):
    """A policy, and those of its rules that an exception is from."""

    policy: str
    rules: tuple[str, ...]


class KyvernoException(Struct, frozen=True, eq=False):
    """A PolicyException."""

    entries: tuple[ExceptedRules, ...]
    match: Filters
    conditions: tuple[Conditions, ...]
    cel: Policy | None = None
    """Its `matchConditions`, of one from policies in CEL."""
    unsupported: str = ""
    """Why it counts for nothing here."""
