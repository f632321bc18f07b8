"""What is wrong with Kyverno's policies themselves, and what of them is not judged, each at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.admission.problems import span_of
from kscan_lsp.findings import UNUSED, Problem, fewer
from kscan_lsp.kyverno.cel_policies import cel_policy_of
from kscan_lsp.kyverno.exceptions import exception_of
from kscan_lsp.kyverno.model import CEL_POLICIES, EXCEPTION, KyvernoFault
from kscan_lsp.kyverno.reading import kyverno_policy_of, other_faults

if TYPE_CHECKING:
    from kscan_lsp.kubernetes.resources import Resource

CODE: Final = "admission"


def kyverno_problems(resource: Resource) -> tuple[Problem, ...]:
    """What is wrong with a policy or an exception of Kyverno's."""
    faults = dict.fromkeys(_faults(resource))
    return fewer(
        tuple(
            Problem(
                span_of(resource.document, (*resource.root, *fault.path), fault.at),
                fault.message,
                UNUSED if fault.note else CODE,
            )
            for fault in faults
        )
    )


def _faults(resource: Resource) -> tuple[KyvernoFault, ...]:
    kind, group = resource.id.kind, resource.id.group
    if kind == EXCEPTION:
        said = exception_of(group, resource.data).unsupported
        return (KyvernoFault(("spec",), said, note=True),) if said else ()
    if kind in CEL_POLICIES:
        return cel_policy_of(resource.id.name, resource.id.namespace, resource.data).faults
    return (
        other_faults(kind) or kyverno_policy_of(resource.id.name, resource.id.namespace, resource.data).faults
    )
