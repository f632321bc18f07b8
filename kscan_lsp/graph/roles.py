"""Who may do what: which bindings grant a role to whom, which roles take whose rules, and whose name one may use.

Left out on purpose: what a rule grants (`kubernetes/rbac.py`), and whether that is too much (controls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.references import account_of, aggregated_by, labels_of, subjects_of
from kscan_lsp.kubernetes.rbac import granted
from kscan_lsp.kubernetes.selectors import matches, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Key, Object


def bindings(subject: Object) -> Iterator[Key]:
    """Where to look for the bindings that grant a role, or that name an account or the one that a workload runs as."""
    kind, namespace, name = subject.id.kind, subject.namespace, subject.id.name
    if kind == "ClusterRole":
        yield key_of("grants", kind, "", name)
    elif kind == "Role":
        yield key_of("grants", kind, namespace, name)
    elif kind == "ServiceAccount":
        yield from _named_as(namespace, name)
    else:
        for pod in subject.pods:
            yield from _named_as(namespace, account_of(pod))


def _named_as(namespace: str, account: str) -> Iterator[Key]:
    """Where to look for what names a service account, or a group that it is in (authentication/serviceaccount)."""
    yield key_of("subject", "ServiceAccount", namespace, account)
    for group in ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"):
        yield key_of("subject", "Group", "", group)


def members(subject: Object) -> Iterator[Key]:
    """Where to look for the ClusterRoles whose rules a ClusterRole takes."""
    for selector in aggregated_by(subject):
        pair = required(selector)
        yield key_of("label", "ClusterRole", *pair) if pair else key_of("kind", "ClusterRole")


def aggregators(subject: Object) -> Iterator[Key]:
    """Where to look for the ClusterRoles that take the rules of a ClusterRole."""
    if subject.id.kind == "ClusterRole":
        yield key_of("aggregates")
        for pair in labels_of(subject).items():
            yield key_of("aggregates", *pair)


def aggregates(role: Object, member: Object) -> bool:
    """Whether a ClusterRole takes the rules of another."""
    return any(matches(selector, labels_of(member)) for selector in aggregated_by(role))


def names_somebody(binding: Object) -> bool:
    """Whether a binding grants its role to anybody."""
    return any(True for _ in subjects_of(binding))


def acted_as(subject: Object) -> Iterator[Key]:
    """Where to look for what names somebody whom a role may impersonate, or get a token for, by name."""
    where = subject.namespace or "*"
    for rule, names in _named_rules(subject):
        if _grants(rule, "", "users", "impersonate"):
            for name in names:
                yield key_of("subject", "User", "", name)
                _, _, account = name.partition("system:serviceaccount:")
                if account.count(":") == 1:
                    yield key_of("subject", "ServiceAccount", *account.split(":"))
        if _grants(rule, "", "groups", "impersonate"):
            yield from (key_of("subject", "Group", "", name) for name in names)
        token = _grants(rule, "", "serviceaccounts/token", "create")
        if token or _grants(rule, "", "serviceaccounts", "impersonate"):
            yield from (key_of("subject", "ServiceAccount", where, name) for name in names)


def bound_by_name(subject: Object) -> Iterator[Key]:
    """Where to look for the roles that a role may bind by name (rbac/v1, privilege escalation prevention)."""
    for rule, names in _named_rules(subject):
        for kind, where in (("ClusterRole", ""), ("Role", subject.namespace)):
            if _grants(rule, _GROUP, f"{kind.lower()}s", "bind"):
                yield from (key_of("object", kind, where, name) for name in names)


_GROUP: Final = "rbac.authorization.k8s.io"


def _named_rules(role: Object) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The rules of a Role or ClusterRole that hold for objects of some names only, with these names."""
    rules = role.data.get("rules") if role.id.kind in ("Role", "ClusterRole") else None
    for rule in rules if isinstance(rules, list) else ():
        names = rule.get("resourceNames") if isinstance(rule, dict) else None
        if isinstance(names, list) and names:
            yield rule, [name for name in names if isinstance(name, str)]


def _grants(rule: dict[str, Any], group: str, resource: str, verb: str) -> bool:
    try:
        return bool(granted(rule, [group], [resource], [verb]))
    except ValueError:
        return False
