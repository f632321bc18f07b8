"""LabelSelectors: which labels they select (apimachinery, meta/v1 LabelSelector)."""

from __future__ import annotations

from typing import Any


def selects(selector: dict[str, Any], labels: dict[str, Any]) -> bool:
    """Whether a Kubernetes LabelSelector selects these labels; an empty one selects everything.

    Raises:
        ValueError: it is no LabelSelector (an unknown field or operator, a wrong type).
    """
    if selector.keys() - {"matchLabels", "matchExpressions"}:
        raise _no_selector("only matchLabels and matchExpressions are known")
    wanted = selector.get("matchLabels", {})
    rules = selector.get("matchExpressions", [])
    if not isinstance(wanted, dict) or not isinstance(rules, list):
        raise _no_selector("matchLabels must be a map, matchExpressions a list")
    for key, value in wanted.items():
        if not isinstance(value, str):
            raise _no_selector("a value of matchLabels is not text")
        if key not in labels or labels[key] != value:
            return False
    # Every rule is read even after one says no, so that a broken selector is broken for all labels alike.
    verdicts = [_holds(rule, labels) for rule in rules]
    return all(verdicts)


def _no_selector(reason: str) -> ValueError:
    return ValueError(f"not a label selector: {reason}")


def _holds(rule: object, labels: dict[str, Any]) -> bool:
    if not isinstance(rule, dict) or not isinstance(key := rule.get("key"), str):
        raise _no_selector("an entry of matchExpressions has no key")
    values = rule.get("values", [])
    if not isinstance(values, list):
        raise _no_selector("values must be a list")
    match rule.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise _no_selector("operator must be In, NotIn, Exists or DoesNotExist")
