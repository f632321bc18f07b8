"""What stands for a control where an admission policy of the workspace says something: an id, and what it is about.

A policy is no control: it comes and goes with a manifest, and a ruleset does not change for it. What is said of it
follows from its id.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from kscan_lsp.policy.model import Control
from kscan_lsp.regex import regex

PREFIX: Final = "VAP/"
MUTATING: Final = "MAP/"
KYVERNO: Final = "Kyverno/"
GATEKEEPER: Final = "Gatekeeper/"
CATEGORY: Final = "Admission"
_UNFIT: Final = regex(r"[^A-Za-z0-9_.]+")


def control_id(policy: str) -> str:
    """The id under which what a ValidatingAdmissionPolicy says is reported."""
    return f"{PREFIX}{policy}"


def is_of_admission(control: str) -> bool:
    """Whether an id is that of an admission policy, of a rule of Kyverno's, or of a constraint of Gatekeeper's."""
    return control.startswith((PREFIX, MUTATING, KYVERNO, GATEKEEPER))


def mutating_id(policy: str) -> str:
    """The id under which it is reported that a MutatingAdmissionPolicy cannot be applied to an object."""
    return f"{MUTATING}{policy}"


def kyverno_id(policy: str, rule: str = "") -> str:
    """The id under which what a rule of Kyverno's, or a policy in CEL, says is reported.

    Args:
        policy: the name of the policy.
        rule: that of the rule, which may have any characters: what no id has becomes one `-`.
    """
    return f"{KYVERNO}{policy}/{_UNFIT.sub('-', rule).strip('-')}" if rule else f"{KYVERNO}{policy}"


def gatekeeper_id(kind: str, name: str) -> str:
    """The id under which what a constraint of Gatekeeper's says is reported."""
    return f"{GATEKEEPER}{kind}/{name}"


@lru_cache(maxsize=8_192)  # asked of each finding of a policy at every key
def policy_part(control: str) -> str:
    """What ids that may be of one policy have in common: of Kyverno's rules, and of names with a slash, no more."""
    return "/".join(control.split("/", 2)[:2])


@lru_cache(maxsize=1_024)
def stand_in(control: str) -> Control:
    """What is said of an admission policy by its id."""
    if control.startswith(KYVERNO):
        return _of_kyverno(control)
    if control.startswith(GATEKEEPER):
        return _of_gatekeeper(control)
    if control.startswith(MUTATING):
        return _of_mutations(control)
    policy = control.removeprefix(PREFIX)
    return _saying_no(
        control,
        f"ValidatingAdmissionPolicy {policy}",
        f"The admission policy '{policy}' of this workspace says no to this object. How severe that is follows "
        "from what its binding does: high where it denies, medium where it warns, low where it is audited.",
        "Change what the policy asks for; its validation is named beside the finding.",
        "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
    )


def _of_mutations(control: str) -> Control:
    policy = control.removeprefix(MUTATING)
    return _saying_no(
        control,
        f"MutatingAdmissionPolicy {policy}",
        f"The policy '{policy}' of this workspace changes objects before they are stored, and cannot change this one: "
        "the API server refuses it (failurePolicy: Fail).",
        "Change what the policy stumbles over, or its expression, which is named beside the finding.",
        "https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/",
    )


def _of_kyverno(control: str) -> Control:
    policy, _, rule = control.removeprefix(KYVERNO).partition("/")
    which = f"Rule '{rule}' of Kyverno's policy '{policy}'" if rule else f"Kyverno's policy '{policy}'"
    return _saying_no(
        control,
        f"Kyverno policy {policy}: {rule}" if rule else f"Kyverno policy {policy}",
        f"{which} in this workspace says no to this object. How severe that is follows from what Kyverno does: "
        "high where it refuses the object (Enforce, Deny), else medium at most, as the policy says of itself.",
        "Change what the policy asks for; its rule is named beside the finding.",
        "https://kyverno.io/docs/policy-types/",
    )


def _of_gatekeeper(control: str) -> Control:
    kind, _, name = control.removeprefix(GATEKEEPER).partition("/")
    return _saying_no(
        control,
        f"Gatekeeper constraint {kind} {name}",
        f"Gatekeeper's constraint '{name}' of kind {kind} in this workspace says no to this object. How severe "
        "that is follows from its enforcementAction: high for deny, medium for warn, low for dryrun.",
        "Change what the constraint asks for; the rule of its template is named beside the finding.",
        "https://open-policy-agent.github.io/gatekeeper/website/docs/howto/",
    )


def _saying_no(control: str, title: str, description: str, remediation: str, reference: str) -> Control:
    return Control(
        id=control,
        title=title,
        score=8.0,
        category=CATEGORY,
        description=description,
        remediation=remediation,
        references=(reference,),
        inputs={},
    )
