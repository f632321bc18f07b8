"""Namespaces that objects name and no file declares: who says what is wrong with one.

A namespace that a file declares is an object like any other. Of one that is only named, the first object that names it
speaks: what is wrong with the namespace is said there, once. That object asks these relations, and no control may.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.findings import ResourceId
from kscan_lsp.graph.index import Object, key_of
from kscan_lsp.kubernetes.kinds import CLUSTER_SCOPED_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Key

UNDECLARED: Final = "undeclared"
"""The relation to the namespace that an object names, if no file declares that."""
SPEAKERS: Final = f"{UNDECLARED}.naming"
"""The objects that name it, of which the first speaks."""


def named_by(who: ResourceId) -> str:
    """The namespace that an object names; empty where it says nothing, or has none."""
    return "" if who.kind in CLUSTER_SCOPED_KINDS else who.namespace


def also_by_namespace(one: Object) -> Object:
    """An object that is also found under the namespace that it names."""
    name = named_by(one.id)
    key = key_of("in", name)
    return replace(one, keys=(*one.keys, key)) if name and key not in one.keys else one


def declarations(subject: Object) -> Iterator[Key]:
    """Where the namespace is found that an object names."""
    if name := named_by(subject.id):
        yield key_of("object", "Namespace", "", name)


def undeclared(subject: Object) -> Iterator[Object]:
    """The namespace that an object names, as if it were declared."""
    if name := named_by(subject.id):
        yield _namespace(name)


def naming(namespace: Object) -> Iterator[Key]:
    """Where the objects are found that name a namespace."""
    yield key_of("in", namespace.id.name)


@lru_cache(maxsize=4_096)
def _namespace(name: str) -> Object:
    data = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    who = ResourceId("v1", "Namespace", "", name)
    return Object("", "", json=False, root=(), id=who, data=data)
