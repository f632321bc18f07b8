"""Kyverno's policies as texts, and what they say of objects."""

from __future__ import annotations

import json
from typing import Any

from tests.support.admitting import Said, said, unanswered


def cluster_policy(
    *rules: dict[str, Any], name: str = "p", notes: dict[str, str] | None = None, **spec: Any
) -> str:
    """The text of a ClusterPolicy that refuses what fails, where `spec` does not say otherwise.

    A rule is what stands under `validate`, or a whole rule, which has a `match`; without one it is about everything.
    """
    made = []
    for number, rule in enumerate(rules):
        whole = rule if {"match", "validate", "mutate"} & rule.keys() else {"validate": rule}
        made.append({"name": f"r{number}", "match": {"any": [{"resources": {"kinds": ["*"]}}]}, **whole})
    return json.dumps(
        {
            "apiVersion": "kyverno.io/v1",
            "kind": "ClusterPolicy",
            "metadata": {"name": name, "annotations": notes or {}},
            "spec": {"validationFailureAction": "Enforce", "rules": made, **spec},
        }
    )


def about(*kinds: str, **filters: Any) -> dict[str, Any]:
    """A `match` of kinds, with what else it asks of them."""
    return {"any": [{"resources": {"kinds": [*kinds], **filters}}]}


def denying(*conditions: tuple[Any, str, Any], how: str = "all") -> dict[str, Any]:
    """What stands under `validate` to deny an object of which conditions hold."""
    listed = [{"key": key, "operator": sign, "value": value} for key, sign, value in conditions]
    return {"deny": {"conditions": {how: listed}}}


def verdict(text: str, *policies: str, others: str = "") -> str:
    """What policies say of an object in one word: `fail`, `unknown`, or an empty text."""
    if said(text, *policies, others=others):
        return "fail"
    return "unknown" if unanswered(text, *policies, others=others) else ""


def marked(found: list[Said]) -> list[str]:
    """The texts that are marked."""
    return [one.marked for one in found]
