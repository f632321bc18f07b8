"""Which of several objects with one identity an object is: what tells the fingerprints of their findings apart.

A fingerprint is a hash of control, object and path, and a project may declare an object more than once: in two files,
as for two clusters, twice in one, or without a name in a List. Such objects are numbered over all files of the project
in the order of names, then of the text, and the first has no number in its fingerprints. Objects are numbered and not
findings, because an editor knows of most files only what they declare, and because then a finding that is fixed in one
of them leaves the fingerprints of the others as they are. Within one object a finding is known by its path alone.

This is worked out when somebody asks, never between a keystroke and its diagnostics. In an editor it counts the files
that have been read: none but the open ones as long as no control looks at other objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.files.names import name_order
from kscan_lsp.render.source_map import Rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.paths import Path
    from kscan_lsp.workspace.project import Project


def object_ordinals(project: Project) -> dict[tuple[str, int, Path], int]:
    """The objects of judged files that are not the first of their identity, and how many come before each.

    Returns:
        The number, by file, number of the document in the file, and root of the object in the document.
    """
    counted: dict[tuple[str, str, str, str], int] = {}
    ordinals: dict[tuple[str, int, Path], int] = {}
    for name in sorted({*project.files, *project.index.declared}, key=name_order):
        for number, root, who in _declared(project, name):
            identity = (who.group, who.kind, who.namespace, who.name)
            before = counted[identity] = counted.get(identity, -1) + 1
            if before:
                ordinals[name, number, root] = before
    return ordinals


def _declared(project: Project, name: str) -> Iterator[tuple[int, Path, ResourceId]]:
    """The objects of a file in the order of the text; of one that is not judged, their places do not matter."""
    file = project.files.get(name)
    if file is None:
        yield from ((0, one.root, one.id) for one in project.index.files[name])
        return
    for number, placed in enumerate(file.documents):
        if isinstance(placed.source, Rendered) and placed.source.extra:
            continue  # the same objects with other values
        for verdicts in placed.checked.verdicts:
            yield number, verdicts.resource.root, verdicts.resource.id
