"""What is wrong with templates and constraints themselves, each fault at the characters that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.admission.model import PolicyFault
from kscan_lsp.admission.problems import problem_at
from kscan_lsp.findings import fewer
from kscan_lsp.gatekeeper.asking import read_constraint
from kscan_lsp.gatekeeper.reading import template_of
from kscan_lsp.policy.rego import NEEDS_ENGINE, has_engine

if TYPE_CHECKING:
    from kscan_lsp.findings import Problem
    from kscan_lsp.gatekeeper.model import ConstraintTemplate
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource

_DOES: Final = {"warn": "only warns", "dryrun": "only records what it finds (dryrun)"}


def template_problems(resource: Resource) -> tuple[Problem, ...]:
    """What is wrong with a template."""
    version = resource.id.api_version.rpartition("/")[2]
    template = template_of(resource.id.name, version, resource.data)
    faults = list(template.faults)
    why = unsupported(template)
    if why and not template.broken:
        faults.append(PolicyFault(template.source, f"not judged here: {why}", note=True))
    return fewer(tuple(problem_at(resource, fault) for fault in faults))


def constraint_problems(resource: Resource, one: Object, template: Object | None) -> tuple[Problem, ...]:
    """What is wrong with a constraint.

    Args:
        resource: the constraint.
        one: the same as the others see it.
        template: that of its kind, if the workspace has it.
    """
    faults = list(read_constraint(one, template).faults)
    kind = resource.id.kind
    if template is None:
        missing = (
            f"no ConstraintTemplate for {kind} is in this workspace: this constraint has nothing judged here"
        )
        faults.append(PolicyFault(("kind",), missing))
    spec = resource.data.get("spec")
    action = spec.get("enforcementAction") if isinstance(spec, dict) else None
    if isinstance(action, str) and action in _DOES:
        does = f"this constraint refuses nothing: it {_DOES[action]}"
        faults.append(PolicyFault(("spec", "enforcementAction"), does, note=True))
    return fewer(tuple(problem_at(resource, fault) for fault in faults))


def unsupported(template: ConstraintTemplate) -> str:
    """Why what a template says is not evaluated, as far as it says so itself; empty where it is."""
    if template.rego is not None:
        return template.rego.unsupported or ("" if has_engine() else NEEDS_ENGINE)
    return f"it is written in {template.engine}, which is not evaluated" if template.engine else ""
