"""A template and a constraint of Gatekeeper as they are read, whatever of them could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.graph.gatekeeper import CONSTRAINTS, TEMPLATES

if TYPE_CHECKING:
    from kscan_lsp.admission.model import Concerns, Policy, PolicyFault
    from kscan_lsp.findings import ResourceId, Severity
    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.rego import RegoSource

TEMPLATE: Final = "ConstraintTemplate"


def is_template(one: ResourceId) -> bool:
    """Whether an object is a constraint template."""
    return one.group == TEMPLATES and one.kind == TEMPLATE


def is_constraint(one: ResourceId) -> bool:
    """Whether an object is a constraint, of whatever kind."""
    return one.group == CONSTRAINTS


def is_gatekeeper(group: str, kind: str) -> bool:
    """Whether objects of a kind are constraint templates, or constraints."""
    return group == CONSTRAINTS or (group == TEMPLATES and kind == TEMPLATE)


class ConstraintTemplate(Struct, frozen=True, eq=False):
    """A template. Its rule is in CEL or in another language; CEL counts where it is in both."""

    kind: str
    """That of its constraints."""
    schema: dict[str, Any]
    """Of their parameters."""
    legacy: bool
    """Parameters that the schema does not have are kept."""
    faults: tuple[PolicyFault, ...]
    policy: Policy | None = None
    """What it has in CEL, as an admission policy."""
    source: Path = ()
    """Where that is in the template, or what it has in another language."""
    rego: RegoSource | None = None
    """What it has in Rego instead."""
    inventory: frozenset[str] | None = None
    """What the objects of the cluster may be that it asks for in Rego; None if it asks for none."""
    engine: str = ""
    """The language that it has instead of both."""

    @property
    def broken(self) -> bool:
        """Whether Gatekeeper would refuse the template itself."""
        return any(not fault.note for fault in self.faults)


class ConstraintMatch(Struct, frozen=True):
    """Which objects a constraint is about. Empty collections ask for nothing."""

    kinds: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """Groups and kinds; either may be empty, which takes any."""
    scope: str = "*"
    namespaces: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    name: str = ""
    generated: bool = False
    """It is about what others are expanded to, and not about what is in a file."""
    selectors: Concerns | None = None


class Constraint(Struct, frozen=True, eq=False):
    """A constraint, read with its template."""

    match: ConstraintMatch
    severity: Severity | None
    """By what is done about a violation; None where nothing is."""
    params: Object
    """The constraint with the defaults of its parameters."""
    faults: tuple[PolicyFault, ...]

    @property
    def broken(self) -> bool:
        """Whether the API server or Gatekeeper would refuse the constraint itself."""
        return any(not fault.note for fault in self.faults)
