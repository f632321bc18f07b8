"""What stands for a control where an admission policy of the workspace says something: an id, and what it is about.

A policy is no control: it comes and goes with a manifest, and a ruleset does not change for it. What is said of it
follows from its id.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from kscan_lsp.policy.model import Control

PREFIX: Final = "VAP/"
CATEGORY: Final = "Admission"


def control_id(policy: str) -> str:
    """The id under which what a ValidatingAdmissionPolicy says is reported."""
    return f"{PREFIX}{policy}"


def is_of_admission(control: str) -> bool:
    """Whether an id is that of an admission policy."""
    return control.startswith(PREFIX)


@lru_cache(maxsize=1_024)
def stand_in(control: str) -> Control:
    """What is said of an admission policy by its id."""
    policy = control.removeprefix(PREFIX)
    return Control(
        id=control,
        title=f"ValidatingAdmissionPolicy {policy}",
        score=8.0,
        category=CATEGORY,
        description=(
            f"The admission policy '{policy}' of this workspace says no to this object. How severe that is follows "
            "from what its binding does: high where it denies, medium where it warns, low where it is audited."
        ),
        remediation="Change what the policy asks for; its validation is named beside the finding.",
        references=("https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",),
        inputs={},
    )
