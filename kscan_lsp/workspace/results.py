"""Documents and files with what is said about them.

A file is its documents one after the other: where each begins is told by what stands above it, so it is found out when
somebody asks, and a keystroke in one of a thousand documents changes one entry of a list.

Left out on purpose: how files come to be judged (`project.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.engine.check import Verdicts
    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.graph.index import Key, Object
    from kscan_lsp.graph.relations import Bound
    from kscan_lsp.yaml.document import Document

LOOKS_KUBERNETES: Final = re.compile(r"""^\s*\{?\s*["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
"""What tells a broken manifest from other broken text: one of its first keys at the start of a line."""

_TEMPLATE_LINE: Final = re.compile(r"^\{[{%#]", re.MULTILINE)
"""A line that no YAML has, with an action of Helm or a statement of Jinja: no block scalar reaches the first column,
and a mapping is no key."""
_TEMPLATE_SIGNS: Final = ("{{", "{%", "{#")


class ReadDocument(Struct, frozen=True, eq=False):
    """One document of one file, with what can be said about it without looking at others."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    missed: tuple[Problem, ...]
    objects: tuple[Object, ...]
    """The same resources as the others in the workspace see them."""


class CheckedDocument(Struct, frozen=True, eq=False, weakref=True):
    """One document, judged. All spans count from the document's start."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    read: ReadDocument | None = None
    """What it was made of; None for what only an editor shows (`lsp/carry.py`)."""
    bounds: tuple[Bound | None, ...] | None = ()
    """What the relations of each resource lead to, as far as any control asks; None where that is not known yet."""
    watched: frozenset[Key] = frozenset()
    """The keys of the index that its findings depend on."""

    @property
    def complete(self) -> bool:
        """Whether all that should have been judged was."""
        return self.document.complete and not any(problem.fatal for problem in self.problems)


class Placed(NamedTuple):
    """A checked document at its place in a file: offset of its text in code points, and its first line, from 0."""

    offset: int
    line: int
    checked: CheckedDocument


class PlacedFinding(NamedTuple):
    """A finding with the document it is in."""

    placed: Placed
    finding: Finding


class CheckedFile(Struct, frozen=True, eq=False):
    """One file, judged.

    `skipped` says why the file was left alone by design (`not-kubernetes`, `helm-template`,
    `kustomize-patch`); such a file has no documents. `limit` is why nothing could be read at all.
    """

    path: str
    text: str
    json: bool
    parts: tuple[CheckedDocument, ...] = ()
    """Its documents. The file's text is theirs, one after the other."""
    skipped: str = ""
    limit: Problem | None = None
    _placed: list[tuple[Placed, ...]] = []

    @property
    def documents(self) -> tuple[Placed, ...]:
        """Its documents, each at its place."""
        if not self._placed:
            placed, offset, line = [], 0, 0
            for checked in self.parts:
                placed.append(Placed(offset, line, checked))
                offset += len(checked.document.text)
                line += checked.document.lines.line_count - 1
            self._placed.append(tuple(placed))
        return self._placed[0]

    def with_parts(self, parts: tuple[CheckedDocument, ...]) -> CheckedFile:
        """The same with other documents, which have the same texts."""
        return CheckedFile(self.path, self.text, self.json, parts, self.skipped, self.limit)

    def findings(self) -> Iterator[PlacedFinding]:
        """All findings in order of the text, with true duplicates numbered."""
        seen: dict[tuple[str, object, str], int] = {}
        for placed in self.documents:
            for finding in placed.checked.findings:
                key = (finding.control, finding.resource, finding.stable_path)
                ordinal = seen.get(key, 0)
                seen[key] = ordinal + 1
                yield PlacedFinding(placed, replace(finding, ordinal=ordinal) if ordinal else finding)

    def problems(self) -> Iterator[tuple[Placed | None, Problem]]:
        """All problems in order of the text."""
        if self.limit:
            yield None, self.limit
        for placed in self.documents:
            for problem in placed.checked.problems:
                yield placed, problem

    def placed_at(self, offset: int) -> Placed | None:
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
        return self.limit is None and all(checked.complete for checked in self.parts)


def file_of(path: str, text: str, parts: Iterable[CheckedDocument], *, json: bool) -> CheckedFile:
    """A file of some documents, which are left alone where it is no manifest."""
    documents = tuple(parts)
    if skipped := _reason_to_skip(documents):
        return CheckedFile(path, text, json, skipped=skipped)
    return CheckedFile(path, text, json, documents)


def _reason_to_skip(documents: tuple[CheckedDocument, ...]) -> str:
    broken = [checked for checked in documents if not checked.complete]
    if any(has_template_at_fault(checked.document, checked.problems) for checked in broken):
        return "helm-template"
    if any(checked.verdicts for checked in documents):
        return ""
    # broken text may be a manifest that could not be read: never call that "not Kubernetes"
    if any(LOOKS_KUBERNETES.search(checked.document.text) for checked in broken):
        return ""
    return "not-kubernetes"


def has_template_at_fault(document: Document, problems: Iterable[Problem]) -> bool:
    """Whether template language is at fault. Inside of what can be read braces are text: alerts are full of them."""
    text, lines = document.text, document.lines
    if _TEMPLATE_LINE.search(text):
        return True
    faults = {lines.position(problem.span.start).line for problem in problems if problem.fatal}
    at_fault = [text[lines.starts[line] : lines.content_end(line)] for line in faults]
    return any(sign in content for sign in _TEMPLATE_SIGNS for content in at_fault)
