"""What a file declares for the others in its workspace, where nobody wants to know what is wrong in it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kscan_lsp.graph.references import object_of
from kscan_lsp.graph.spaces import also_by_namespace
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.workspace.results import has_template_at_fault, is_values_file
from kscan_lsp.yaml.document import read_document, split
from kscan_lsp.yaml.json_reader import split_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kscan_lsp.graph.index import Object
    from kscan_lsp.policy.ruleset import Ruleset

MAX_CHARACTERS: Final = 20_000_000
"""A text longer than this is not read: it is data, not something a person maintains."""


def objects_of(
    path: str,
    text: str,
    ruleset: Ruleset,
    *,
    json: bool = False,
    known: Mapping[str, Sequence[Object]] = MappingProxyType({}),
) -> tuple[Object, ...]:
    """What a file declares for the others in its workspace, without judging it; nothing for a template or values.

    Args:
        path: its name.
        text: its content.
        ruleset: that of the workspace.
        json: read it as JSON.
        known: what documents of it declare, by their text: these are not read again, wherever they stand now.
    """
    if len(text) > MAX_CHARACTERS:
        return ()
    found: list[Object] = []
    complete = True
    offset = line = 0
    for piece in split_json(text) if json else split(text):
        if piece in known:
            found += known[piece]
            continue
        document = read_document(piece, json=json)
        if not document.complete and has_template_at_fault(document, document.problems):
            return ()
        complete = complete and document.complete
        resources, _ = resources_of(document, ruleset.pod_spec_paths)
        made = (object_of(path, resource, offset, line) for resource in resources)
        found += map(also_by_namespace, made) if ruleset.by_namespace else made
        offset += len(piece)
        line += document.lines.line_count - 1
    if complete and is_values_file(path, [one.id for one in found]):
        return ()
    return tuple(found)
