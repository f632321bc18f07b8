"""What is wrong with a policy or a binding itself, each fault at the characters that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.admission.model import BINDINGS, MUTATING, MUTATING_BINDING, SERVED_SINCE, PolicyFault
from kscan_lsp.admission.reading import binding_of, policy_of
from kscan_lsp.findings import UNUSED, Problem, fewer
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.inside import span_in
from kscan_lsp.yaml.locate import span_at
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.text import Span
    from kscan_lsp.yaml.document import Document

CODE: Final = "admission"
_NOT_APPLIED: Final = (
    "this policy is not applied here: objects are judged as they are written, and not as it would change them; set "
    "'admission: {mutate: true}' for that"
)


def problems_of(resource: Resource, *, mutates: bool = False, minor: int = 0) -> tuple[Problem, ...]:
    """What is wrong with the expressions of a policy; of one that changes objects, also that it is not applied here.

    Args:
        resource: the policy.
        mutates: whether such policies are applied.
        minor: the version of Kubernetes that manifests are for; 36 is 1.36.
    """
    policy = policy_of(resource.id.name, resource.data)
    faults = [*policy.faults]
    if resource.id.kind == MUTATING:
        version = resource.id.api_version.rpartition("/")[2]
        since = SERVED_SINCE.get(version, 0)
        if not mutates:
            faults.append(PolicyFault(("spec", "mutations"), _NOT_APPLIED, note=True))
        elif since > minor:
            late = f"not applied: Kubernetes has {version} of this from 1.{since} on, and manifests are for 1.{minor}"
            faults.append(PolicyFault(("apiVersion",), late, note=True))
    return fewer(tuple(problem_at(resource, fault) for fault in faults))


def problems_of_binding(resource: Resource, policy: Object | None) -> tuple[Problem, ...]:
    """What is wrong with a binding.

    Args:
        resource: the binding.
        policy: the policy that it binds, if the workspace has it.
    """
    binding = binding_of(resource.id.name, resource.data)
    faults: list[PolicyFault] = []
    if policy is None and binding.policy:
        kind, done = (
            BINDINGS[resource.id.kind],
            "changed" if resource.id.kind == MUTATING_BINDING else "judged",
        )
        missing = f"no {kind} '{binding.policy}' is in this workspace: this binding has nothing {done} here"
        faults.append(PolicyFault(("spec", "policyName"), missing))
    if binding.actions and "Deny" not in binding.actions:
        does = " and ".join(_DOES[action] for action in binding.actions if action in _DOES)
        faults.append(
            PolicyFault(("spec", "validationActions"), f"this binding refuses nothing: it {does}", note=True)
        )
    if policy is not None:
        param = policy_of(policy.id.name, policy.data).param_kind
        if param is None and binding.param is not None:
            unread = (
                f"policy '{binding.policy}' has no paramKind: the API server refuses every object it is about"
            )
            faults.append(PolicyFault(("spec", "paramRef"), unread))
        if param is not None and binding.param is None:
            absent = f"policy '{binding.policy}' has params of kind {param[1]}, and this binding names none (paramRef)"
            faults.append(PolicyFault(("spec", "policyName"), absent))
    return tuple(problem_at(resource, fault) for fault in faults)


_DOES: Final = {"Warn": "warns", "Audit": "audits"}


def problem_at(resource: Resource, fault: PolicyFault) -> Problem:
    """What is wrong with a resource, at the characters that have it."""
    span = span_of(resource.document, (*resource.root, *fault.path), fault.at)
    return Problem(span, fault.message, UNUSED if fault.note else CODE)


def span_of(document: Document, path: tuple[str | int, ...], at: int = -1) -> Span:
    """The place of a path, or of what stands at an offset of the text there.

    Args:
        document: the document.
        path: from its root.
        at: the offset; -1 for all of it.
    """
    if at >= 0 and document.root is not None:
        found = nearest(document.root, path)
        if found.depth == len(path) and isinstance(found.node, Scalar) and isinstance(found.node.value, str):
            return span_in(document.text, found.node, at, _word_end(found.node.value, at))
    return span_at(document, path)


def _word_end(value: str, at: int) -> int:
    end = at
    while end < len(value) and (value[end].isalnum() or value[end] == "_"):
        end += 1
    return end
