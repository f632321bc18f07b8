"""A PolicyException: which rules of which policies it is from, and for which objects.

What it says that is not read here leaves it without effect: an exception never counts for more than it says.
"""

from __future__ import annotations

from typing import Any

from kscan_lsp.admission.reading import policy_of
from kscan_lsp.kyverno.checking import PolicyReader, as_map, as_maps, as_text_of, as_texts
from kscan_lsp.kyverno.matching import filters_of
from kscan_lsp.kyverno.model import CEL_GROUP, ExceptedRules, KyvernoException
from kscan_lsp.kyverno.reading import RuleReader


def exception_of(group: str, data: dict[str, Any]) -> KyvernoException:
    """What a PolicyException says.

    Args:
        group: the API group that it is of.
        data: the object.
    """
    spec = as_map(data.get("spec"))
    reader = PolicyReader()
    unsupported, cel = "", None
    if group == CEL_GROUP:
        entries = tuple(
            ExceptedRules(as_text_of(one.get("name")), ()) for one in as_maps(spec.get("policyRefs"))
        )
        # a policy that says yes to all that its conditions are true of
        given = {"matchConditions": spec.get("matchConditions"), "validations": [{"expression": "true"}]}
        cel = policy_of("", {"spec": given})
        if spec.get("images") or spec.get("allowedValues"):
            unsupported = "an exception with images or allowedValues counts for nothing here"
        elif cel.broken:
            unsupported = "an exception whose matchConditions are wrong counts for nothing here"
    else:
        entries = tuple(
            ExceptedRules(as_text_of(one.get("policyName")), as_texts(one.get("ruleNames")))
            for one in as_maps(spec.get("exceptions"))
        )
        if spec.get("podSecurity"):
            unsupported = "an exception with podSecurity counts for nothing here"
    match = filters_of(reader, spec.get("match"), ("spec", "match"))
    conditions = RuleReader(reader, (), {}, {}).conditions(spec.get("conditions"), ("spec", "conditions"))
    return KyvernoException(entries, match, conditions, cel, unsupported)
