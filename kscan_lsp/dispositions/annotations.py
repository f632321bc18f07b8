"""Dispositions that an annotation asks for: `kscan.dev/ignore: C-0057 -- reason`.

An annotation speaks for its whole object, for formats that have no comments.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from kscan_lsp.dispositions.directives import ANNOTATION, EXAMPLE, Directive, Directives, read_directive
from kscan_lsp.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.yaml.document import Document

_DOMAIN: Final = "kscan.dev/"


def by_annotation(_: Document, verdicts: Sequence[Verdicts]) -> Directives:
    """What the annotations of a document's objects ask for."""
    directives: list[Directive] = []
    problems: list[Problem] = []
    for verdict in verdicts:
        resource = verdict.resource
        metadata = resource.data.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        for key, value in annotations.items() if isinstance(annotations, dict) else ():
            if not key.lower().startswith("kscan"):
                continue
            span = resource.resolve(("metadata", "annotations", key)).span
            if key != ANNOTATION:
                if _meant(key.lower()):
                    message = f"'{key}' suppresses nothing; write '{ANNOTATION}: {EXAMPLE} -- reason'"
                    problems.append(Problem(span, message, "suppression"))
            elif isinstance(value, str):
                read = read_directive(value, span, "annotation", resource.root)
                if isinstance(read, Problem):
                    problems.append(read)
                else:
                    directives.append(read)
    return Directives(directives, problems)


def _meant(key: str) -> bool:
    """Whether a key may have been meant as the annotation."""
    return key.startswith(_DOMAIN) or bool(get_close_matches(key, [ANNOTATION], cutoff=0.8))
