"""What the files of a project declare, also where no control asks for other objects.

Then no index is kept of the files that are judged, which would cost something at every edit. Who wants to know pays for
it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.graph.index import key_of
from kscan_lsp.graph.references import object_of
from kscan_lsp.kubernetes.selectors import namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.workspace.project import Project


def index_of(project: Project) -> Index:
    """All that the files of a project declare."""
    if project.ruleset.relational:
        return project.index
    found: dict[str, list[Object]] = {path: [] for path in project.files}
    for path, resource in _resources(project):
        found[path].append(object_of(path, resource))
    return project.index.with_files({path: tuple(objects) for path, objects in found.items()})[0]


def objects_named(project: Project, kind: str, namespace: str, name: str) -> Iterator[Object]:
    """The objects of a name, without an index of all others."""
    yield from project.index.find(key_of("object", kind, namespace, name))
    for path, resource in () if project.ruleset.relational else _resources(project):
        who = resource.id
        if who.kind == kind and who.name == name and namespace_of(who) == namespace:
            yield object_of(path, resource)


def _resources(project: Project) -> Iterator[tuple[str, Resource]]:
    for path, file in project.files.items():
        for checked in file.parts:
            for verdicts in checked.verdicts:
                yield path, verdicts.resource
