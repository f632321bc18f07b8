"""What a rule of a Role or ClusterRole grants (rbac/v1 PolicyRule)."""

from __future__ import annotations

from typing import Any


def granted(rule: dict[str, Any], groups: list[Any], resources: list[Any], verbs: list[Any]) -> list[int]:
    """Where an RBAC rule grants one of some verbs on one of some resources of one of some API groups.

    `*` is everything, and `*/log` the subresource of everything, as in Kubernetes (rbac/v1 PolicyRule).

    Returns: positions in the rule's `resources`; none where nothing is granted.

    Raises:
        ValueError: the rule has something else than lists where Kubernetes has lists.
    """
    parts = [rule.get(name, []) for name in ("apiGroups", "verbs", "resources")]
    if not all(isinstance(part, list) for part in parts):
        raise ValueError("not an RBAC rule: apiGroups, verbs and resources must be lists")
    given_groups, given_verbs, given = parts
    if not (_any_of(given_groups, groups) and _any_of(given_verbs, verbs)):
        return []
    wanted = ["*", *resources, *(f"*/{name.partition('/')[2]}" for name in resources if "/" in name)]
    return [position for position, name in enumerate(given) if name in wanted]


def _any_of(given: list[Any], wanted: list[Any]) -> bool:
    return any(name == "*" or name in wanted for name in given)
