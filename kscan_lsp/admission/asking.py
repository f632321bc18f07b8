"""Which policies may be about an object, by which bindings, params and namespaces; and the keys that decide it.

The index knows policies by the resources that their rules name, and bindings by the policy that they bind. So an edit
of a policy asks again those objects alone that it is, or was, about.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from kscan_lsp.admission.matching import is_cluster_scoped, is_exempt, resource_of
from kscan_lsp.admission.model import BINDING, POLICY
from kscan_lsp.graph.index import key_of
from kscan_lsp.kubernetes.labels import selects
from kscan_lsp.policy.admission import control_id, policy_part

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.model import Binding, Policy
    from kscan_lsp.graph.index import Index, Key, Object

MAX_POLICIES = 500
"""Policies that one object is judged by."""


class Deciding(NamedTuple):
    """What decides what policies say of an object. Two are equal where every object in them is the very same."""

    policies: tuple[tuple[Object, tuple[tuple[Object, tuple[Object, ...]], ...]], ...]
    """Each policy with its bindings, each binding with the params that it leads to."""
    namespace: Object | None
    """The Namespace that it lives in, if a file has it."""
    keys: frozenset[Key]
    bound: Object | None = None
    """Of a binding, the policy that it binds."""
    was: Object | None = None
    """What it was before, where somebody says so: then it is updated, and not created."""
    partly: bool = False
    """Whether there are more, which are not asked, as they say what they said."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What the ids of each policy have in common."""
        return tuple([_part(one) for one, _ in self.policies])

    def only(self, parts: AbstractSet[str]) -> Deciding:
        """The same with no policies but some, by what their ids have in common."""
        asked = tuple(one for one in self.policies if _part(one[0]) in parts)
        return self._replace(policies=asked, partly=True)


def _part(policy: Object) -> str:
    return policy_part(control_id(policy.id.name))


def as_it_was(one: Object) -> Object:
    """An object as it was before an update: no other sees it, and its namesake is judged as what it became."""
    return replace(one, keys=(_before(one),))


def _before(one: Object) -> Key:
    return key_of("was", one.id.group, one.id.kind, one.namespace, one.id.name)


@lru_cache(maxsize=1_024)
def read_policy(one: Object) -> Policy:
    """What the object of a policy says."""
    from kscan_lsp.admission.reading import policy_of

    return policy_of(one.id.name, one.data)


@lru_cache(maxsize=1_024)
def read_binding(one: Object) -> Binding:
    """What the object of a binding says."""
    from kscan_lsp.admission.reading import binding_of

    return binding_of(one.id.name, one.data)


@lru_cache(maxsize=1_024)
def _watched(kind: str) -> tuple[Key, Key, frozenset[Key]]:
    """The keys of policies about a kind, and all of them as what an object depends on that no policy is about."""
    own, every = key_of("admits", resource_of(kind)), key_of("admits", "*")
    return own, every, frozenset((own, every))


def asked_of(one: Object, index: Index) -> Deciding:
    """What decides what the policies of a workspace say of an object."""
    if is_exempt(one):
        return _of_binding(one, index) if one.id.kind == BINDING else _NOTHING
    own, every, watched = _watched(one.id.kind)
    found = list(dict.fromkeys((*index.find(own), *index.find(every))))
    if not found:
        return Deciding((), None, watched)
    keys: set[Key] = set(watched)
    policies = []
    for policy in found[:MAX_POLICIES]:
        bound = key_of("binds", policy.id.name)
        keys.add(bound)
        kind = read_policy(policy).param_kind
        bindings = tuple(
            (binding, _params(one, read_binding(binding), kind, index, keys)) for binding in index.find(bound)
        )
        policies.append((policy, bindings))
    namespace = None
    if not is_cluster_scoped(one):
        there = key_of("object", "Namespace", "", one.namespace)
        keys.add(there)
        namespace = next(index.find(there), None)
    keys.add(before := _before(one))
    return Deciding(tuple(policies), namespace, frozenset(keys), was=next(index.find(before), None))


_NOTHING = Deciding((), None, frozenset())


def _of_binding(binding: Object, index: Index) -> Deciding:
    key = key_of("object", POLICY, "", read_binding(binding).policy)
    return Deciding((), None, frozenset([key]), next(index.find(key), None))


def _params(
    one: Object, binding: Binding, kind: tuple[str, str] | None, index: Index, keys: set[Key]
) -> tuple[Object, ...]:
    """The params that a binding leads to for an object."""
    if binding.param is None or kind is None:
        return ()
    return params_of(binding, kind, one.namespace, index, keys)


def params_of(
    binding: Binding, kind: tuple[str, str], namespace: str, index: Index, keys: set[Key]
) -> tuple[Object, ...]:
    """The params that a binding names or selects.

    Args:
        binding: the binding, which has a `paramRef`.
        kind: apiVersion and kind of the params of its policy.
        namespace: that of the object that is judged, which counts where the binding names none.
        index: the objects there are.
        keys: where the keys are noted under which is looked.
    """
    param = binding.param or {}
    named = param.get("namespace")
    # an object without a namespace in its manifest is found under `default`, which one of a cluster's kinds is, too
    places = [named] if isinstance(named, str) and named else list(dict.fromkeys((namespace, "default", "")))
    name, selector = param.get("name"), param.get("selector")
    for place in places:
        if isinstance(name, str) and name:
            key = key_of("object", kind[1], place, name)
        else:
            key = key_of("kind", kind[1], place)
        keys.add(key)
        found = [
            other
            for other in index.find(key)
            if other.id.group == kind[0].rpartition("/")[0]
            and (place == places[0] or not other.id.namespace)
            and (bool(name) or _selects(selector, other))
        ]
        if found:
            return tuple(found)
    return ()


def _selects(selector: object, other: Object) -> bool:
    metadata = other.data.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    try:
        return isinstance(selector, dict) and selects(selector, labels if isinstance(labels, dict) else {})
    except ValueError:
        return False
