"""Files and what is known about them: {path: checked file}, each version made from the one before.

`check_file` is a function of a text and a ruleset alone. The file's previous version only saves work: a
document whose text is unchanged is taken over as it was, wherever in the file it now stands. That is all the
incremental checking there is, and why a keystroke in a file of a hundred documents costs one document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.documents import Document, Piece, read_document, split
from kscan_lsp.engine import Verdicts, check
from kscan_lsp.findings import Finding, Problem
from kscan_lsp.resources import resources_of
from kscan_lsp.suppress import suppress
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from kscan_lsp.ruleset import Ruleset

MAX_CHARACTERS: Final = 20_000_000
"""A text longer than this is not read: it is data, not something a person maintains."""

LOOKS_KUBERNETES: Final = re.compile(r"""^\s*\{?\s*["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
"""What tells a broken manifest from other broken text: one of its first keys at the start of a line."""

_TEMPLATE_LINE: Final = re.compile(r"^\{\{", re.MULTILINE)
"""A line that no YAML has: no block scalar reaches the first column, and a mapping is no key."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class CheckedDocument:
    """One document, judged. All spans count from the document's start."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]

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


@dataclass(frozen=True, slots=True, eq=False)
class CheckedFile:
    """One file, judged.

    `skipped` says why the file was left alone by design (`not-kubernetes`, `helm-template`,
    `kustomize-patch`); such a file has no documents. `limit` is why nothing could be read at all.
    """

    path: str
    text: str
    json: bool
    documents: tuple[Placed, ...] = ()
    skipped: str = ""
    limit: Problem | None = None

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
        return self.limit is None and all(placed.checked.complete for placed in self.documents)


def check_file(
    path: str,
    text: str,
    ruleset: Ruleset,
    today: date,
    *,
    json: bool = False,
    previous: CheckedFile | None = None,
) -> CheckedFile:
    """Read and judge a file.

    Args:
        path: its name, for reports.
        text: its content.
        ruleset: the controls that are on.
        today: the day that suppressions are compared with.
        json: read it as JSON.
        previous: an earlier version judged by the same ruleset on the same day; only saves work.

    Returns:
        The file with its documents; none where the file is not about Kubernetes.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"this file is too large to check: more than {MAX_CHARACTERS:,} characters"
        return CheckedFile(path, text, json, limit=Problem(Span(0, 0), message, "limit", fatal=True))
    unchanged = previous.documents if previous and previous.json == json else ()
    known = {placed.checked.document.text: placed.checked for placed in unchanged}
    pieces = [Piece(0, text)] if json else split(text)
    placed: list[Placed] = []
    line = 0
    for piece in pieces:
        checked = known.get(piece.text)
        if checked is None:
            checked = known[piece.text] = _check(read_document(piece.text, json=json), ruleset, today)
        placed.append(Placed(piece.offset, line, checked))
        line += checked.document.lines.line_count - 1
    if skipped := _reason_to_skip(placed):
        return CheckedFile(path, text, json, skipped=skipped)
    return CheckedFile(path, text, json, tuple(placed))


def _check(document: Document, ruleset: Ruleset, today: date) -> CheckedDocument:
    resources, missed = resources_of(document, ruleset.pod_spec_paths)
    verdicts = tuple(check(resource, ruleset) for resource in resources)
    findings, wrong = suppress(document, verdicts, ruleset, today)
    types = tuple(problem for verdict in verdicts for problem in verdict.problems)
    return CheckedDocument(document, verdicts, findings, (*document.problems, *missed, *types, *wrong))


def _reason_to_skip(placed: list[Placed]) -> str:
    broken = [p.checked for p in placed if not p.checked.complete]
    if any(_is_template(checked) for checked in broken):
        return "helm-template"
    if any(p.checked.verdicts for p in placed):
        return ""
    # broken text may be a manifest that could not be read: never call that "not Kubernetes"
    if any(LOOKS_KUBERNETES.search(checked.document.text) for checked in broken):
        return ""
    return "not-kubernetes"


def _is_template(checked: CheckedDocument) -> bool:
    """Whether template language is at fault. Inside of what can be read braces are text: alerts are full of them."""
    text, lines = checked.document.text, checked.document.lines
    if _TEMPLATE_LINE.search(text):
        return True
    faults = {lines.position(problem.span.start).line for problem in checked.problems if problem.fatal}
    return any("{{" in text[lines.starts[line] : lines.content_end(line)] for line in faults)


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """Files judged by one ruleset on one day."""

    ruleset: Ruleset
    today: date
    files: Mapping[str, CheckedFile] = field(default_factory=dict)

    def with_file(self, path: str, text: str, *, json: bool = False) -> Project:
        """The project with one file's new text."""
        checked = check_file(path, text, self.ruleset, self.today, json=json, previous=self.files.get(path))
        return replace(self, files={**self.files, path: checked})

    def without_file(self, path: str) -> Project:
        """The project without one file."""
        return replace(self, files={p: file for p, file in self.files.items() if p != path})
