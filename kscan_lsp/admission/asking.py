"""Which policies may be about an object, by which bindings, params and namespaces; and the keys that decide it.

The index knows policies by the resources that their rules name, and bindings by the policy that they bind. So an edit
of a policy asks again those objects alone that it is, or was, about.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.admission.before import NOT_KNOWN, was_of
from kscan_lsp.admission.matching import is_about, is_cluster_scoped, is_exempt, resource_of
from kscan_lsp.admission.model import BINDINGS
from kscan_lsp.graph.index import key_of
from kscan_lsp.kubernetes.labels import selects
from kscan_lsp.policy.admission import control_id, policy_part

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.before import Was
    from kscan_lsp.admission.matching import Request
    from kscan_lsp.admission.model import Binding, Policy
    from kscan_lsp.graph.index import Index, Key, Object

MAX_POLICIES = 500
"""Policies that one object is judged by."""


class Deciding(Struct, frozen=True):
    """What decides what policies say of an object. Two are equal where every object in them is the very same."""

    policies: tuple[tuple[Object, tuple[tuple[Object, tuple[Object, ...]], ...]], ...]
    """Each policy with its bindings, each binding with the params that it leads to."""
    namespace: Object | None
    """The Namespace that it lives in, if a file has it."""
    keys: frozenset[Key]
    bound: Object | None = None
    """Of a binding, the policy that it binds."""
    was: Was = NOT_KNOWN
    """What it was before."""
    partly: bool = False
    """Whether there are more, which are not asked, as they say what they said."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What the ids of each policy have in common."""
        return tuple([_part(one) for one, _ in self.policies])

    def only(self, parts: AbstractSet[str]) -> Deciding:
        """The same with no policies but some, by what their ids have in common."""
        asked = tuple(one for one in self.policies if _part(one[0]) in parts)
        return replace(self, policies=asked, partly=True)


def _part(policy: Object) -> str:
    return policy_part(control_id(policy.id.name))


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
def _watched(word: str, kind: str) -> tuple[Key, Key, frozenset[Key]]:
    """The keys of policies about a kind, and all of them as what an object depends on that no policy is about."""
    own, every = key_of(word, resource_of(kind)), key_of(word, "*")
    return own, every, frozenset((own, every))


def asked_of(one: Object, index: Index) -> Deciding:
    """What decides what the policies of a workspace say of an object."""
    if is_exempt(one):
        return _of_binding(one, index) if one.id.kind in BINDINGS else NOBODY
    return _asked(one, index, "admits", "binds")


def mutating_asked(one: Object, index: Index) -> Deciding:
    """What decides what the policies of a workspace make of an object before others judge it."""
    return NOBODY if is_exempt(one) else _asked(one, index, "mutates", "applies")


def _asked(one: Object, index: Index, word: str, binds: str) -> Deciding:
    """As `asked_of`, of policies of one kind and bindings of another, by the words that they are found under."""
    own, every, watched = _watched(word, one.id.kind)
    found = list(dict.fromkeys((*index.find(own), *index.find(every))))
    if not found:
        return Deciding((), None, watched)
    keys: set[Key] = set(watched)
    policies = []
    for policy in found[:MAX_POLICIES]:
        bound = key_of(binds, policy.id.name)
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
    was = was_of(one, index, keys)
    return Deciding(tuple(policies), namespace, frozenset(keys), was=was)


NOBODY = Deciding((), None, frozenset())
"""No policy is asked."""


def applying_to(
    policy: Policy, binding: Binding, request: Request, params: tuple[Object, ...]
) -> tuple[Object | None, ...] | str:
    """The params that a policy is asked with about a request, by a binding.

    Args:
        policy: the policy, whose rules name the request.
        binding: one of its bindings.
        request: what is asked of the API server: one operation that both name.
        params: those that the binding leads to.

    Returns:
        The params, None where the policy is asked without any; nothing where it is not about the request; in words, why
        nobody can say.
    """
    about = (is_about(policy.matching, request), is_about(binding.matching, request))
    if False in about:
        return ()
    if None in about:
        return f"no file has Namespace '{request.namespace}', whose labels decide whether the policy applies"
    if policy.broken:
        return "the API server refuses this policy: see what is wrong in its manifest"
    if policy.param_kind is None or binding.param is None:
        return (None,)
    if params or (binding.param.get("parameterNotFoundAction") == "Allow" and not binding.param.get("name")):
        return params
    kind, name = policy.param_kind[1], binding.param.get("name")
    what = f"{kind} '{name}'" if isinstance(name, str) else f"{kind} that binding '{binding.name}' selects"
    return f"no file has the {what}, which has the params"


def _of_binding(binding: Object, index: Index) -> Deciding:
    key = key_of("object", BINDINGS[binding.id.kind], "", read_binding(binding).policy)
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
