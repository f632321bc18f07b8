"""What a rule of a Role or ClusterRole grants (rbac/v1 PolicyRule)."""

from __future__ import annotations

from typing import Any, Final


def granted(rule: dict[str, Any], groups: list[Any], resources: list[Any], verbs: list[Any]) -> list[int]:
    """Where an RBAC rule grants one of some verbs on one of some resources of one of some API groups.

    `*` is everything, and `*/log` the subresource of everything, as in Kubernetes (rbac/v1 PolicyRule). A rule with
    `resourceNames` grants neither the creation of an object, which has no name when it is authorized, nor the deletion
    of a collection; it does grant the creation of a subresource, such as pods/exec of a named pod. So it never grants
    `*`: all verbs.

    Returns: positions in the rule's `resources`; none where nothing is granted.

    Raises:
        ValueError: the rule has something else than lists where Kubernetes has lists.
    """
    parts = [rule.get(name, []) for name in ("apiGroups", "verbs", "resources", "resourceNames")]
    if not all(isinstance(part, list) for part in parts):
        raise ValueError("not an RBAC rule: apiGroups, verbs, resources and resourceNames must be lists")
    given_groups, given_verbs, given, names = parts
    if not _any_of(given_groups, groups):
        return []
    wanted: list[Any] = []
    for name in resources or ("*",):
        sub = isinstance(name, str) and "/" in name
        never = _NEVER_BY_NAME - {"create"} if sub else _NEVER_BY_NAME
        if _any_of(given_verbs, [verb for verb in verbs if not names or verb not in never]):
            wanted += [name, f"*/{name.partition('/')[2]}"] if sub else [name]
    return [position for position, name in enumerate(given) if wanted and (name == "*" or name in wanted)]


def granting(rules: list[Any], groups: list[Any], resources: list[Any], verbs: list[Any]) -> list[int]:
    """Which of the rules of a role grant something: as `granted`, but positions in a list of rules."""
    return [position for position, rule in enumerate(rules) if granted(_rule(rule), groups, resources, verbs)]


def _rule(rule: object) -> dict[str, Any]:
    if not isinstance(rule, dict):
        raise ValueError("not an RBAC rule: it must be a map")  # noqa: TRY004 - as for every other wrong rule
    return rule


_NEVER_BY_NAME: Final = frozenset({"create", "deletecollection", "*"})


def _any_of(given: list[Any], wanted: list[Any]) -> bool:
    return bool(wanted) and any(name == "*" or name in wanted for name in given)
