"""Who can get at what: from a workload over its service account, bindings and roles to Secrets, and back.

One step at a time, since each is worth a look. A ClusterRole that a RoleBinding grants holds in one namespace only, so
a step remembers where. What no file declares has no place and is passed over: a binding that grants a built-in role
leads to the Secrets themselves, a workload whose account is declared nowhere to the bindings.

Left out on purpose: everything that a role grants besides reading Secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.graph.binding import Followed, bind
from kscan_lsp.graph.builtin import find_builtin
from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.mentions import mentions
from kscan_lsp.graph.references import BINDINGS, role_of, subjects_of
from kscan_lsp.kubernetes.rbac import granted
from kscan_lsp.startup import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.paths import Path

ROLES: Final = ("Role", "ClusterRole")
USED: Final = ("Secret", "ConfigMap", "PersistentVolumeClaim")
EVERYWHERE: Final = "*"
_READING: Final = ["get", "list", "watch"]
_TO_USED: Final = ("secrets", "configMaps", "persistentVolumeClaims")


class Reached(NamedTuple):
    """An object on the way."""

    object: Object
    within: str = ""
    """Of a ClusterRole, the namespace in which what it grants counts, or everywhere; empty where that is open."""


def is_on_a_way(one: Object) -> bool:
    """Whether an object can get at others, or others at it."""
    route = one.id.kind == "Ingress" or one.id.group == "gateway.networking.k8s.io"
    named = one.id.kind in (*ROLES, *BINDINGS, *USED, "ServiceAccount", "Service")
    return named or route or bool(one.templates)


def reached_from(start: Reached, index: Index) -> Iterator[Reached]:
    """What an object gets at in one step; some of it perhaps twice."""
    one, kind = start.object, start.object.id.kind
    if one.templates:
        accounts = related(one, "serviceAccounts", index)
        yield from map(Reached, accounts or related(one, "roleBindings", index))
        for relation in _TO_USED:
            yield from map(Reached, related(one, relation, index))
    elif kind == "ServiceAccount":
        yield from map(Reached, related(one, "roleBindings", index))
        for mention in mentions(one):
            if mention.kind == "Secret":
                yield from map(Reached, index.find(key_of("object", *mention[1:4])))
    elif kind in BINDINGS:
        for role in _granted_by(one, index):
            granted_role = Reached(role, one.namespace or EVERYWHERE if role.id.kind == "ClusterRole" else "")
            yield from [granted_role] if role.file else _secrets_of(granted_role, index)
    elif kind in ROLES:
        yield from _secrets_of(start, index)
    elif kind == "Service":
        yield from map(Reached, related(one, "workloads", index))
    else:
        yield from map(Reached, related(one, "services", index))


def reached_by(end: Reached, index: Index) -> Iterator[Reached]:
    """What gets at an object in one step; some of it perhaps twice."""
    one, kind = end.object, end.object.id.kind
    if one.templates:
        yield from map(Reached, related(one, "services", index))
    elif kind in USED:
        yield from map(Reached, related(one, "workloads", index))
        if kind == "Secret":
            yield from _readers(one, index)
    elif kind == "ServiceAccount":
        yield from map(Reached, related(one, "workloads", index))
    elif kind in BINDINGS:
        yield from map(Reached, _bound_by(one, index))
    elif kind in ROLES:
        yield from map(Reached, _bindings_of(end, index))
    elif kind == "Service":
        yield from map(Reached, related(one, "routes", index))


def places_in(caller: Object, reached: Object) -> list[Path]:
    """Where in an object it stands that it gets at another; at its name, where no line says so."""
    who = (reached.id.kind, reached.namespace, reached.id.name)
    found = [mention.path for mention in mentions(caller) if mention[1:4] == who and not mention.key]
    if not found and caller.id.kind in ROLES:
        rules = caller.data.get("rules")
        found = [
            ("rules", number)
            for number, rule in enumerate(rules if isinstance(rules, list) else ())
            if _reads(rule, reached)
        ]
    if not found and caller.id.kind in BINDINGS:
        return [("roleRef", "name")]
    if not found and caller.id.kind == "Service":
        return [("spec", "selector")]
    return found or [("metadata", "name")]


def related(one: Object, relation: str, index: Index) -> list[Object]:
    """What a relation leads to from an object, whichever of its pods it starts from; only what a file declares."""
    bound = bind(one, (relation,), Followed(index))
    found = dict.fromkeys(link.object for links in bound.links for link in links[relation])
    return [other for other in found if other.file]


def _granted_by(binding: Object, index: Index) -> Iterator[Object]:
    key = key_of("object", *role_of(binding))
    yield from index.find(key)
    yield from find_builtin(key, index)


def _bound_by(binding: Object, index: Index) -> Iterator[Object]:
    """The service accounts that a binding names, alone or all of a group; of one that is nowhere, its workloads."""
    for kind, namespace, name in subjects_of(binding):
        if kind == "ServiceAccount":
            declared = [*index.find(key_of("object", kind, namespace, name))]
            yield from declared or index.find(key_of("uses", kind, namespace, name))
        elif kind == "Group":
            before, _, group = name.partition("system:serviceaccounts:")
            if name in ("system:serviceaccounts", "system:authenticated"):
                yield from index.find(key_of("kind", "ServiceAccount"))
            elif group and not before:
                yield from index.find(key_of("kind", "ServiceAccount", group))


def _bindings_of(role: Reached, index: Index) -> Iterator[Object]:
    """The bindings that grant a role where it counts."""
    for binding in related(role.object, "roleBindings", index):
        if role.within in ("", EVERYWHERE, binding.namespace) or binding.id.kind == "ClusterRoleBinding":
            yield binding


def _secrets_of(role: Reached, index: Index) -> Iterator[Reached]:
    """The Secrets that a role lets somebody read."""
    one = role.object
    if one.id.kind == "Role":
        spaces = {one.namespace}
    elif role.within:
        spaces = {role.within}
    else:
        spaces = {binding.namespace or EVERYWHERE for binding in related(one, "roleBindings", index)}
    rules = _rules_of(one, index)
    keys = [("Secret",)] if EVERYWHERE in spaces else [("Secret", space) for space in sorted(spaces)]
    for key in keys:
        for secret in index.find(key_of("kind", *key)):
            if any(_reads(rule, secret) for rule in rules):
                yield Reached(secret)


def _readers(secret: Object, index: Index) -> Iterator[Reached]:
    """The roles that let somebody read a Secret; of what is built in, the bindings."""
    for mention_of in index.find(key_of("kind", "ServiceAccount", secret.namespace)):
        if any(m[1:4] == ("Secret", secret.namespace, secret.id.name) for m in mentions(mention_of)):
            yield Reached(mention_of)
    declared = (
        *index.find(key_of("kind", "Role", secret.namespace)),
        *index.find(key_of("kind", "ClusterRole")),
    )
    for role in declared:
        found = Reached(role, secret.namespace if role.id.kind == "ClusterRole" else "")
        if any(_reads(rule, secret) for rule in _rules_of(role, index)) and any(_bindings_of(found, index)):
            yield found
    for role in find_builtin(key_of("kind", "ClusterRole"), index):
        if any(_reads(rule, secret) for rule in _rules_of(role, index)):
            yield from map(Reached, _bindings_of(Reached(role, secret.namespace), index))


def _rules_of(role: Object, index: Index) -> list[Any]:
    """The rules of a role, with those of the ClusterRoles that it aggregates."""
    waiting, seen = [role], {role}
    rules: list[Any] = []
    for one in waiting:  # which grows on the way
        given = one.data.get("rules")
        rules += given if isinstance(given, list) else []
        if "aggregationRule" in one.data and one.file:
            members = bind(one, ("members",), Followed(index)).links[0]["members"]
            waiting += [link.object for link in members if link.object not in seen]
            seen.update(waiting)
    return rules


def _reads(rule: object, secret: Object) -> bool:
    if not isinstance(rule, dict):
        return False
    try:
        reads = granted(rule, [""], ["secrets"], _READING)
    except ValueError:
        return False
    names: Iterable[Any] = rule.get("resourceNames") or ()
    return bool(reads) and (not names or secret.id.name in names)
