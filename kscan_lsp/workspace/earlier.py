"""Resources before an edit, as far as what was known of them can be taken over.

It is kept with a document until what rests on other objects is known, and no longer: each version would keep the one
before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.graph.binding import bind_edited
from kscan_lsp.graph.references import object_edited, object_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kscan_lsp.engine.edited import Edited
    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.graph.index import Key, Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.workspace.admitting import Admission


class Earlier(Struct, frozen=True):
    """What was known of a resource before an edit."""

    alone: Edited
    """What was said by the controls that look at nothing but the resource."""
    related: Edited | None
    """What was said by the others."""
    object: Object | None
    """What it was to other objects, if any control asks for others."""
    bound: Bound | None
    """What its relations led to."""
    admission: Admission | None = None
    """What the cluster's policies in the workspace said of it."""

    def bound_as_before(self, one: Object, changed: AbstractSet[Key]) -> Bound | None:
        """What its relations lead to now, where that is what they led to.

        Args:
            one: what it is to other objects now.
            changed: the keys of the index under which anything is different since.
        """
        if self.object is None or self.bound is None:
            return None
        return bind_edited(one, self.object, self.bound, self.alone.path, changed)


def object_now(path: str, resource: Resource, earlier: Earlier | None) -> Object:
    """What a resource of a file is to other objects."""
    if earlier is None or earlier.object is None:
        return object_of(path, resource)
    return object_edited(earlier.object, resource, earlier.alone.path)
