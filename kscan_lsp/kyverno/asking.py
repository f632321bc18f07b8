"""Which of Kyverno's policies may be about an object, with exceptions and what else they read; and the keys of all.

The index knows policies by the kinds that their rules name, and exceptions by the policies that they are from. So an
edit of a policy asks again those objects alone that it is, or was, about.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.admission.asking import params_of
from kscan_lsp.admission.before import NOT_KNOWN, was_of
from kscan_lsp.admission.matching import is_cluster_scoped, resource_of
from kscan_lsp.graph.index import key_of
from kscan_lsp.kyverno.model import CEL_POLICIES, is_kyverno
from kscan_lsp.policy.admission import kyverno_id, policy_part

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.before import Was
    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.kyverno.cel_policies import KyvernoCelPolicy
    from kscan_lsp.kyverno.model import KyvernoException, KyvernoPolicy

MAX_POLICIES = 500
"""Policies that one object is judged by."""


class KyvernoDeciding(Struct, frozen=True):
    """What decides what Kyverno's policies say of an object. Two are equal where every object in them is the same."""

    policies: tuple[Object, ...]
    exceptions: tuple[Object, ...] = ()
    configs: tuple[tuple[tuple[str, str], Object | None], ...] = ()
    """ConfigMaps by namespace and name."""
    params: tuple[tuple[tuple[Object, int], tuple[Object, ...]], ...] = ()
    """What the rules of policies in CEL lead to, by policy and number of the rule."""
    namespace: Object | None = None
    keys: frozenset[Key] = frozenset()
    was: Was = NOT_KNOWN
    """What it was before."""
    partly: bool = False
    """Whether there are more, which are not asked, as they say what they said."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What the ids of each policy have in common."""
        return tuple([_part(one) for one in self.policies])

    def only(self, parts: AbstractSet[str]) -> KyvernoDeciding:
        """The same with no policies but some, by what the ids of their rules have in common."""
        asked = tuple(one for one in self.policies if _part(one) in parts)
        return replace(self, policies=asked, partly=True)


def _part(policy: Object) -> str:
    return policy_part(kyverno_id(policy.id.name))


_NOTHING = KyvernoDeciding(())


@lru_cache(maxsize=1_024)
def read_kyverno(one: Object) -> KyvernoPolicy:
    """What the object of a ClusterPolicy or Policy says."""
    from kscan_lsp.kyverno.reading import kyverno_policy_of

    namespace = one.namespace if one.id.kind == "Policy" else ""
    return kyverno_policy_of(one.id.name, namespace, one.data)


@lru_cache(maxsize=1_024)
def read_cel(one: Object) -> KyvernoCelPolicy:
    """What the object of a ValidatingPolicy says."""
    from kscan_lsp.kyverno.cel_policies import cel_policy_of

    namespace = one.namespace if one.id.kind.startswith("Namespaced") else ""
    return cel_policy_of(one.id.name, namespace, one.data)


@lru_cache(maxsize=1_024)
def read_exception(one: Object) -> KyvernoException:
    """What the object of a PolicyException says."""
    from kscan_lsp.kyverno.exceptions import exception_of

    return exception_of(one.id.group, one.data)


@lru_cache(maxsize=1_024)
def _watched(kind: str) -> tuple[Key, ...]:
    """The keys of policies about a kind: by its name, by its resource, and those about all."""
    return tuple(key_of("kyverno", name) for name in (kind, resource_of(kind), "*"))


@lru_cache(maxsize=1_024)
def _keys(watched: tuple[Key, ...]) -> frozenset[Key]:
    return frozenset(watched)


def kyverno_asked(one: Object, index: Index) -> KyvernoDeciding:
    """What decides what Kyverno's policies of a workspace say of an object."""
    if is_kyverno(one.id.group, one.id.kind):
        return _NOTHING
    watched = _watched(one.id.kind)
    found = tuple({policy: None for key in watched for policy in index.find(key)})[:MAX_POLICIES]
    if not found:
        return KyvernoDeciding((), keys=_keys(watched))
    keys: set[Key] = set(watched)
    exceptions: dict[Object, None] = {}
    configs: dict[tuple[str, str], Object | None] = {}
    params: dict[tuple[Object, int], tuple[Object, ...]] = {}
    for policy in found:
        excepted = key_of("excepts", policy.id.name)
        keys.add(excepted)
        exceptions.update(dict.fromkeys(index.find(excepted)))
        if policy.id.kind in CEL_POLICIES:
            continue
        for number, rule in enumerate(read_kyverno(policy).rules):
            check = rule.check
            if check.binding is not None and check.cel is not None and check.cel.param_kind is not None:
                kind = check.cel.param_kind
                params[policy, number] = params_of(check.binding, kind, one.namespace, index, keys)
            for entry in rule.context:
                if entry.config is not None and entry.config not in configs:
                    key = key_of("object", "ConfigMap", *entry.config)
                    keys.add(key)
                    configs[entry.config] = next(index.find(key), None)
    namespace = None
    if not is_cluster_scoped(one):
        there = key_of("object", "Namespace", "", one.namespace)
        keys.add(there)
        namespace = next(index.find(there), None)
    was = was_of(one, index, keys)
    return KyvernoDeciding(
        found,
        tuple(exceptions),
        tuple(configs.items()),
        tuple(params.items()),
        namespace,
        frozenset(keys),
        was,
    )
