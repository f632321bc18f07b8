"""Dispositions that an annotation asks for: `kscan.dev/ignore: C-0057 -- reason`.

An annotation of an object speaks for the whole object, one of a pod template for all that stands in the template; for
formats that have no comments. Anywhere else it speaks for nothing, and that is said.

What Kubescape reads counts, too: `kubescape.io/skip-controls` with ids between commas, `skip-reason`, and
`skip-expiry`, which has to be a time of RFC 3339 where it is there. It looks at them on the object only, and a reason
need not be there (kubescape/kubescape, core/pkg/opaprocessor, `inlineExceptionFromResource`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.dispositions.days import last_day_of
from kscan_lsp.dispositions.directives import (
    ANNOTATION,
    CONTROL_ID,
    EXAMPLE,
    Directive,
    Directives,
    read_directives,
)
from kscan_lsp.findings import SUPPRESSION, Disposition, Problem
from kscan_lsp.kubernetes.kinds import GROUPS
from kscan_lsp.paths import lookup
from kscan_lsp.redaction import redact
from kscan_lsp.text import Span, close_matches
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence as AbstractSequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

_DOMAIN: Final = "kscan.dev/"
_SKIP: Final = "kubescape.io/skip-controls"
_SKIP_REASON: Final = "kubescape.io/skip-reason"
_SKIP_EXPIRY: Final = "kubescape.io/skip-expiry"
_WHERE: Final = ("metadata", "annotations")


def by_annotation(document: Document, verdicts: AbstractSequence[Verdicts]) -> Directives:
    """What the annotations of a document's objects and pod templates ask for."""
    directives: list[Directive] = []
    problems: list[Problem] = []
    counted: set[int] = set()
    for verdict in verdicts:
        resource = verdict.resource
        for owner in _owners(resource):
            annotations = lookup(resource.data, (*owner, *_WHERE))
            for key, value in annotations.items() if isinstance(annotations, dict) else ():
                if key == _SKIP:
                    read_skip = _of_kubescape(resource, owner, annotations)
                    directives += read_skip.found
                    problems += read_skip.problems
                if not key.lower().startswith("kscan"):
                    continue
                place = resource.resolve((*owner, *_WHERE, key))
                if key != ANNOTATION:
                    if _meant(key.lower()):
                        message = f"'{key}' suppresses nothing; write '{ANNOTATION}: {EXAMPLE} -- reason'"
                        problems.append(Problem(place.span, message, "suppression"))
                    continue
                counted.update(span.start for span in (place.span, place.definition) if span)
                if isinstance(value, str):
                    read = read_directives(value, place.span, "annotation", (*resource.root, *owner))
                    directives += read.found
                    problems += read.problems
                else:
                    message = (
                        f"this suppresses nothing: '{ANNOTATION}' must be a string, '{EXAMPLE} -- reason'"
                    )
                    problems.append(Problem(place.span, message, "suppression"))
    if ANNOTATION in document.text and verdicts and document.root is not None:
        problems += _elsewhere(document.root, counted, verdicts)
    return Directives(directives, problems)


def _owners(resource: Resource) -> tuple[Path, ...]:
    """What in an object has annotations that count: the object, and its pod templates."""
    return tuple(dict.fromkeys([(), *[template.path for template in resource.templates]]))


def _of_kubescape(resource: Resource, owner: Path, annotations: dict[str, Any]) -> Directives:
    """What Kubescape's annotations ask for, which it reads on objects and not on their pod templates."""
    value = annotations[_SKIP]
    span = resource.resolve((*owner, *_WHERE, _SKIP)).span

    def nothing(why: str) -> Directives:
        return Directives((), [Problem(span, f"'{_SKIP}' suppresses nothing here: {why}", SUPPRESSION)])

    if owner:
        return nothing("Kubescape reads it in metadata.annotations of the object; put it there")
    if not isinstance(value, str):
        return nothing(f"it must be a string, such as '{EXAMPLE}'")
    names = [name for part in value.split(",") if (name := part.strip())]
    wrong = [name for name in names if not CONTROL_ID.fullmatch(name)]
    if not names or wrong:
        what = f"'{redact(wrong[0])}' is no control id" if wrong else "no control is named"
        return nothing(f"{what}; write one after the other, as in 'C-0016,C-0017'")
    until, expiry = "", annotations.get(_SKIP_EXPIRY)
    if expiry not in {None, ""}:
        day = last_day_of(expiry) if isinstance(expiry, str) else None
        if day is None:
            return nothing(f"'{_SKIP_EXPIRY}' must be a time such as 2026-12-31T23:59:59Z")
        until = day.isoformat()
    why = annotations.get(_SKIP_REASON)
    reason = redact(why.strip()) if isinstance(why, str) else ""
    ids = tuple(dict.fromkeys(name.upper() for name in names))
    said = Disposition("accepted", "annotation", span, reason, until=until)
    return Directives([Directive(ids, said, resource.root, unexplained=True)], ())


def _elsewhere(root: Node, counted: set[int], verdicts: AbstractSequence[Verdicts]) -> Iterator[Problem]:
    """Annotations that stand where they speak for nothing.

    In a custom resource only below `metadata`: elsewhere it may be what others are to be annotated with.
    """
    custom = any(verdict.resource.id.group not in GROUPS for verdict in verdicts)
    message = (
        "this suppresses nothing here; put it into metadata.annotations of the object, or of its pod template"
    )
    waiting: list[tuple[Node, bool]] = [(root, not custom)]
    while waiting:
        node, concerned = waiting.pop()
        if isinstance(node, Sequence):
            waiting += ((item, concerned) for item in reversed(node.items))
        elif isinstance(node, Mapping):
            for entry in reversed(node.entries):
                name = entry.key.value if isinstance(entry.key, Scalar) else None
                if name == ANNOTATION and concerned and entry.key.start not in counted:
                    yield Problem(Span(entry.key.start, entry.key.end), message, "suppression")
                waiting.append((entry.value, concerned or name == "metadata"))


def _meant(key: str) -> bool:
    """Whether a key may have been meant as the annotation."""
    return key.startswith(_DOMAIN) or bool(close_matches(key, [ANNOTATION], cutoff=0.8))
