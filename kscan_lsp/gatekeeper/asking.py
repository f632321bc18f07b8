"""Which of Gatekeeper's constraints may be about an object, with their templates; and the keys that decide it.

The index knows constraints by the kinds that they are about, and templates by the kind of their constraints. So an edit
of either asks again those objects alone that it is, or was, about.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.admission.before import NOT_KNOWN, was_of
from kscan_lsp.admission.matching import is_cluster_scoped
from kscan_lsp.gatekeeper.model import is_constraint, is_template
from kscan_lsp.graph.index import key_of
from kscan_lsp.policy.admission import gatekeeper_id, policy_part

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.before import Was
    from kscan_lsp.gatekeeper.model import Constraint, ConstraintTemplate
    from kscan_lsp.graph.index import Index, Key, Object

MAX_CONSTRAINTS = 500
"""Constraints that one object is judged by."""
MAX_INVENTORY = 2_000
"""Objects of the cluster that a template in Rego sees."""


class GatekeeperDeciding(Struct, frozen=True):
    """What decides what Gatekeeper says of an object. Two are equal where every object in them is the very same."""

    constraints: tuple[tuple[Object, Object | None], ...]
    """Each with its template, if a file has it."""
    namespace: Object | None = None
    """The Namespace that it lives in, if a file has it."""
    keys: frozenset[Key] = frozenset()
    template: Object | None = None
    """Of a constraint, its own."""
    inventory: tuple[Object, ...] | None = None
    """The objects of the cluster that templates ask for; None where none does."""
    was: Was = NOT_KNOWN
    """What it was before."""
    partly: bool = False
    """Whether there are more, which are not asked, as they say what they said."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What the ids of each constraint have in common."""
        return tuple([_part(one) for one, _ in self.constraints])

    def only(self, parts: AbstractSet[str]) -> GatekeeperDeciding:
        """The same with no constraints but some, by what their ids have in common."""
        asked = tuple(one for one in self.constraints if _part(one[0]) in parts)
        return replace(self, constraints=asked, partly=True)


def _part(constraint: Object) -> str:
    return policy_part(gatekeeper_id(constraint.id.kind, constraint.id.name))


_NOTHING = GatekeeperDeciding(())


@lru_cache(maxsize=1_024)
def read_template(one: Object) -> ConstraintTemplate:
    """What the object of a template says."""
    from kscan_lsp.gatekeeper.reading import template_of

    return template_of(one.id.name, one.id.api_version.rpartition("/")[2], one.data)


@lru_cache(maxsize=1_024)
def read_constraint(one: Object, template: Object | None) -> Constraint:
    """What the object of a constraint says, with that of its template."""
    from kscan_lsp.gatekeeper.reading import constraint_of

    return constraint_of(one, None if template is None else read_template(template))


@lru_cache(maxsize=1_024)
def _watched(kind: str) -> tuple[Key, Key, frozenset[Key]]:
    """The keys of constraints about a kind, and all of them as what an object depends on that none is about."""
    own, every = key_of("constrains", kind), key_of("constrains", "*")
    return own, every, frozenset((own, every))


def gatekeeper_asked(one: Object, index: Index) -> GatekeeperDeciding:
    """What decides what Gatekeeper's constraints of a workspace say of an object."""
    if is_constraint(one.id):
        key = key_of("template", one.id.kind)
        return GatekeeperDeciding((), keys=frozenset([key]), template=next(index.find(key), None))
    if is_template(one.id):
        return _NOTHING
    own, every, watched = _watched(one.id.kind)
    found = list(dict.fromkeys((*index.find(own), *index.find(every))))[:MAX_CONSTRAINTS]
    if not found:
        return GatekeeperDeciding((), keys=watched)
    keys: set[Key] = set(watched)
    constraints = []
    for constraint in found:
        key = key_of("template", constraint.id.kind)
        keys.add(key)
        constraints.append((constraint, next(index.find(key), None)))
    namespace = None
    if not is_cluster_scoped(one):
        there = key_of("object", "Namespace", "", one.namespace)
        keys.add(there)
        namespace = next(index.find(there), None)
    inventory = _inventory([template for _, template in constraints if template is not None], index, keys)
    was = was_of(one, index, keys)
    return GatekeeperDeciding(tuple(constraints), namespace, frozenset(keys), inventory=inventory, was=was)


def _inventory(templates: list[Object], index: Index, keys: set[Key]) -> tuple[Object, ...] | None:
    """The objects of the kinds that templates in Rego name, if they ask for objects of the cluster."""
    asking = [
        read.inventory for read in map(read_template, templates) if read.rego and read.inventory is not None
    ]
    if not asking:
        return None
    found: list[Object] = []
    for kind in sorted(frozenset[str]().union(*asking)):
        key = key_of("kind", kind)
        keys.add(key)
        found += index.find(key)
    return tuple(found)[:MAX_INVENTORY]
