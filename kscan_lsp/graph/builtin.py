"""The objects that every cluster has and no file declares, found as those of the workspace are.

They have no place: nothing may point at them, and what is wrong with them is reported where a file uses them. One that
a file does declare is that one, and only there.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.findings import ResourceId
from kscan_lsp.graph.index import Index, Object, key_of
from kscan_lsp.graph.references import keys_of
from kscan_lsp.kubernetes.builtin_roles import builtin_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Key


def find_builtin(key: Key, index: Index) -> Iterator[Object]:
    """The roles of every cluster that are found under a key, but for those that an index has itself."""
    for one in _roles().find(key):
        own = key_of("object", one.id.kind, one.namespace, one.id.name)
        if not any(True for _ in index.find(own)):
            yield one


@cache
def _roles() -> Index:
    found = []
    for role in builtin_roles():
        metadata = role["metadata"]
        who = ResourceId(role["apiVersion"], role["kind"], metadata.get("namespace", ""), metadata["name"])
        one = Object("", "", json=False, root=(), id=who, data=role)
        found.append(replace(one, keys=keys_of(one)))
    return Index().with_file("", tuple(found))[0]
