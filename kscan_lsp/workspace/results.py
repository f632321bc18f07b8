"""Documents and files with what is said about them.

Findings stay with the resource they belong to: the verdicts of a document hold them as dispositions leave them. A
document knows nothing of its place, so that it is taken over as it is when its file changes elsewhere; a placed one
does, and has the source map that leads from it to text that a person wrote.

Left out on purpose: how files come to be judged (`project.py`).
"""

from __future__ import annotations

import re
from itertools import chain, compress, count
from operator import is_not
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.dispositions.directives import NO_DIRECTIVES
from kscan_lsp.engine.edited import edited
from kscan_lsp.files.partials import VALUES
from kscan_lsp.findings import Location, Verbatim
from kscan_lsp.regex import regex
from kscan_lsp.workspace.earlier import Earlier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.dispositions.directives import Directives
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.findings import Finding, Problem, ResourceId, SourceMap
    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.graph.following import Keys
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.text import Span
    from kscan_lsp.workspace.admitting import Admission
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.splice import TreeEdit

LOOKS_KUBERNETES: Final = regex(r"""^\s*\{?\s*["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
"""What tells a broken manifest from other broken text: one of its first keys at the start of a line."""

_TEMPLATE_LINE: Final = regex(r"^\{[{%#]", re.MULTILINE)
"""A line that no YAML has, with an action of Helm or a statement of Jinja: no block scalar reaches the first column,
and a mapping is no key."""
_TEMPLATE_SIGNS: Final = ("{{", "{%", "{#")
_OF_GO: Final = regex(
    r"""\{\{-?\s*(?:/\*|[.$("`]|(?:if|else|end|range|with|define|template|block)\b"""
    r"""|[A-Za-z]\w*\s+(?!(?:if|and|or|not|in|is)\b)[\w.$("`])"""
)
"""An action that Go's templates have and Jinja has not: a field, a variable, a keyword, a function before its arguments
(https://pkg.go.dev/text/template#hdr-Actions)."""


class ReadDocument(Struct, frozen=True, eq=False):
    """One document of one file, with what can be said about it without looking at others."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    missed: tuple[Problem, ...]
    objects: tuple[Object, ...]
    """The same resources as the others in the workspace see them."""
    evidence: Evidence
    """What was known besides."""
    said: Directives = NO_DIRECTIVES
    """What is to become of findings, as far as it says so itself."""
    earlier: tuple[Earlier | None, ...] = ()
    """What was known of each resource before an edit, until what rests on other objects is known."""


class CheckedDocument(Struct, frozen=True, eq=False, weakref=True):
    """One document, judged. All spans count from the document's start."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    """What is said about each resource, its findings as dispositions leave them."""
    problems: tuple[Problem, ...]
    read: ReadDocument | None = None
    """What it was made of; None for what only an editor shows (`lsp/session/stale.py`)."""
    bounds: tuple[Bound | None, ...] | None = ()
    """What the relations of each resource lead to, as far as any control asks; None where that is not known yet."""
    admitted: tuple[Admission, ...] = ()
    """What the admission policies of the workspace say of each resource; nothing where none has been asked yet."""
    dependencies: Keys = frozenset()
    """The keys of the index and of evidence that its findings depend on."""
    stale: tuple[Finding, ...] = ()
    """Findings of an earlier text, of one that cannot be read; only an editor keeps any."""
    fingerprints: tuple[str, ...] | None = None
    """By what a baseline knows its findings; None where there is no baseline to ask."""
    exceptions: object = None
    """Those that they were held against; None where there are none."""
    baseline: object = None
    """The one that they were held against, where nothing before it in its file shares any of them."""
    origin: CheckedDocument | None = None
    """The same with all that is found, of one that is there for a part of that; None for any other. Such a document has
    no `read`, and nothing is judged from it again.
    """

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the resources."""
        return (*self.stale, *chain.from_iterable([verdicts.findings for verdicts in self.verdicts]))

    @property
    def waits(self) -> bool:
        """Whether something is said of it later."""
        return any(admission.said.later for admission in self.admitted)

    @property
    def complete(self) -> bool:
        """Whether all that should have been judged was."""
        return self.document.complete and not any(problem.fatal for problem in self.problems)


def earlier_of(
    before: CheckedDocument, change: TreeEdit | None, resources: Sequence[Resource]
) -> tuple[Earlier | None, ...]:
    """What was known of the resources of a document before an edit, for each.

    Args:
        before: the document before it, judged by the same ruleset and evidence.
        change: what is different in it, where that is next to nothing.
        resources: those that it has now.
    """
    read = before.read
    if change is None or read is None or len(read.verdicts) != len(resources):
        return (None,) * len(resources)
    found: list[Earlier | None] = []
    for number, resource in enumerate(resources):
        alone = edited(resource, read.verdicts[number], change)
        if alone is None:
            found.append(None)
            continue
        bound = before.bounds[number] if before.bounds else None
        if before.admitted and before.admitted[number].stored is not None:
            bound = None  # it is what the stored object led to
        said = before.verdicts[number].related if bound else None
        related = replace(alone, before=said) if said and said.judged else None
        admission = before.admitted[number] if before.admitted else None
        found.append(
            Earlier(alone, related, read.objects[number] if read.objects else None, bound, admission)
        )
    return tuple(found)


class PlacedDocument(Struct, frozen=True):
    """A checked document at its place in a file: offset of its text in code points, and its first line, from 0."""

    offset: int
    line: int
    checked: CheckedDocument
    source: SourceMap

    @property
    def end(self) -> tuple[int, int]:
        """Offset and line in the file where the document ends, and the next one begins."""
        document = self.checked.document
        return self.offset + len(document.text), self.line + len(document.lines.starts) - 1

    def locate(self, span: Span) -> Location:
        """The place that a span of the document comes from."""
        return self.source.locate(span)


class PlacedFinding(NamedTuple):
    """A finding with the document it is in."""

    placed: PlacedDocument
    finding: Finding


class CheckedFile(Struct, frozen=True, eq=False, weakref=True):
    """One file, judged.

    `skipped` says why the file was left alone by design (`not-kubernetes`, `helm-template`, `jinja-template`,
    `kustomize-patch`); such a file has no documents. `limit` is why nothing could be read at all.
    """

    path: str
    text: str
    json: bool
    documents: tuple[PlacedDocument, ...] = ()
    """Its documents, one after the other (`place`)."""
    skipped: str = ""
    limit: Problem | None = None

    @property
    def parts(self) -> tuple[CheckedDocument, ...]:
        """Its documents, wherever they stand."""
        return tuple([placed.checked for placed in self.documents])

    @property
    def objects(self) -> tuple[Object, ...]:
        """All that it declares, as the others in its workspace see it."""
        return tuple([one for checked in self.parts if checked.read for one in checked.read.objects])

    def with_parts(self, parts: Sequence[CheckedDocument]) -> CheckedFile:
        """The same with other documents, which have the same texts."""
        documents = list(self.documents)
        for number in compress(count(), map(is_not, self.parts, parts)):
            documents[number] = replace(documents[number], checked=parts[number])
        return replace(self, documents=tuple(documents))

    def findings(self) -> Iterator[PlacedFinding]:
        """All findings in order of the text."""
        for placed in self.documents:
            for finding in placed.checked.findings:
                yield PlacedFinding(placed, finding)

    def problems(self) -> Iterator[tuple[Location, Problem]]:
        """All problems in order of the text, each with its place; one about the whole file has no span."""
        if self.limit:
            yield Location(self.path, None, self.limit.message), self.limit
        for placed in self.documents:
            for problem in placed.checked.problems:
                yield placed.locate(problem.span), problem

    def placed_at(self, offset: int) -> PlacedDocument | None:
        """The document that a place in the file belongs to."""
        found = None
        for placed in self.documents:
            if placed.offset > offset:
                break
            found = placed
        return found

    @property
    def complete(self) -> bool:
        """Whether all that should have been judged was."""
        return self.limit is None and all(placed.checked.complete for placed in self.documents)


def place(
    path: str, parts: Sequence[CheckedDocument], before: CheckedFile | None = None
) -> tuple[PlacedDocument, ...]:
    """Documents of a file that stand in it as they are, one after the other.

    Args:
        path: the file's name.
        parts: the documents.
        before: the file as it was; what it begins with stays where it is.
    """
    known = before.documents if before else ()
    changed = compress(count(), map(is_not, [placed.checked for placed in known], parts))
    documents = list(known[: next(changed, min(len(known), len(parts)))])
    offset = line = 0
    if documents:
        offset, line = documents[-1].end
    for checked in parts[len(documents) :]:
        placed = PlacedDocument(offset, line, checked, Verbatim(path, offset))
        documents.append(placed)
        offset, line = placed.end
    return tuple(documents)


def replaced(file: CheckedFile, number: int, checked: CheckedDocument) -> CheckedFile:
    """A file with another document in place of one: those behind it move, whatever stands between them."""
    old = file.documents[number]
    now = replace(old, checked=checked)
    characters, lines = now.end[0] - old.end[0], now.end[1] - old.end[1]
    behind = [
        replace(
            placed,
            offset=placed.offset + characters,
            line=placed.line + lines,
            source=Verbatim(file.path, placed.offset + characters),
        )
        for placed in file.documents[number + 1 :]
    ]
    text = f"{file.text[: old.offset]}{checked.document.text}{file.text[old.end[0] :]}"
    return replace(file, text=text, documents=(*file.documents[:number], now, *behind))


def without_earlier(file: CheckedFile) -> CheckedFile:
    """The file, to be related as if nothing was known of what it was before an edit."""
    parts = file.parts
    return file.with_parts(
        [replace(one, read=replace(one.read, earlier=())) if one.read else one for one in parts]
    )


def without_other(file: CheckedFile) -> CheckedFile:
    """The file, without its documents if it is no manifest."""
    skipped = _reason_to_skip(file.path, file.parts)
    return CheckedFile(file.path, file.text, file.json, skipped=skipped) if skipped else file


def file_of(
    path: str, text: str, parts: Sequence[CheckedDocument], before: CheckedFile | None, *, json: bool
) -> CheckedFile:
    """A file of some documents, which are left alone where it is no manifest; the rest as for `place`."""
    if skipped := _reason_to_skip(path, parts):
        return CheckedFile(path, text, json, skipped=skipped)
    return CheckedFile(path, text, json, place(path, parts, before))


def _reason_to_skip(path: str, documents: Sequence[CheckedDocument]) -> str:
    broken = [checked for checked in documents if not checked.complete]
    for checked in broken:
        if has_template_at_fault(checked.document, checked.problems):
            return _template_language(checked.document.text)
    objects = [verdicts.resource.id for checked in documents for verdicts in checked.verdicts]
    if objects:
        read = all(checked.document.complete for checked in documents)
        return "not-kubernetes" if read and is_values_file(path, objects) else ""
    # broken text may be a manifest that could not be read: never call that "not Kubernetes"
    if any(LOOKS_KUBERNETES.search(checked.document.text) for checked in broken):
        return ""
    return "not-kubernetes"


def is_values_file(path: str, objects: Iterable[ResourceId]) -> bool:
    """Whether a file has the values of a chart, which may have a `kind`: by what it is called, and by what is in it.

    Kubernetes takes no object without a name: where one has one, the file is a manifest that is called so.
    """
    return VALUES.fullmatch(path.rpartition("/")[2]) is not None and not any(one.name for one in objects)


def _template_language(text: str) -> str:
    """Which of both a text with template language is: what has statements, or no action of Go's, is Jinja."""
    return "jinja-template" if "{%" in text or _OF_GO.search(text) is None else "helm-template"


def has_template_at_fault(document: Document, problems: Iterable[Problem]) -> bool:
    """Whether template language is at fault. Inside of what can be read braces are text: alerts are full of them."""
    text, lines = document.text, document.lines
    if _TEMPLATE_LINE.search(text):
        return True
    faults = {lines.position(problem.span.start).line for problem in problems if problem.fatal}
    at_fault = [text[lines.starts[line] : lines.content_end(line)] for line in faults]
    return any(sign in content for sign in _TEMPLATE_SIGNS for content in at_fault)
