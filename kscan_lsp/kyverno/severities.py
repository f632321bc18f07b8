"""How severe what Kyverno's policies say is, by what it does about it and by what they say of themselves."""

from __future__ import annotations

from typing import Final

from kscan_lsp.findings import Severity

ANNOTATION: Final = "policies.kyverno.io/severity"
_ANNOTATED: Final = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "medium": Severity.MEDIUM,
                     "low": Severity.LOW, "info": Severity.LOW}  # fmt: skip


def severity_of(annotated: object, *, enforced: bool) -> Severity:
    """How severe a violation is: what is refused at least as much as a gate stops at, what is only audited less.

    Args:
        annotated: what the policy says of its severity.
        enforced: whether the cluster refuses the object.
    """
    said = _ANNOTATED.get(annotated.lower()) if isinstance(annotated, str) else None
    if enforced:
        return Severity.CRITICAL if said is Severity.CRITICAL else Severity.HIGH
    return Severity.LOW if said is None else min(said, Severity.MEDIUM)
