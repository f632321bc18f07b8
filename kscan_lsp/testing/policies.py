"""What admission policies say of manifests, one answer for each policy and object, held against what is expected.

A manifest is expected to be admitted. One with marks (`marks.py`) is expected to be objected to at those characters, by
the policies that they name, and nowhere else. Whatever kscan was told to accept counts for nothing: a cluster does not
know of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import paths
from kscan_lsp.findings import Severity
from kscan_lsp.policy.admission import PREFIX, is_of_admission
from kscan_lsp.report.model import FileRange
from kscan_lsp.report.places import range_of
from kscan_lsp.report.rendered import RenderedSources
from kscan_lsp.report.snippet import snippet
from kscan_lsp.testing.marks import marks_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.report.file_text import FileText
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument

_WIDTH: Final = 160
"""Cells that a line of a manifest may take."""


class PolicyAnswer(StrEnum):
    """What a policy says of an object, by what its binding does about it."""

    ADMITTED = "admitted"
    AUDITED = "audited"
    WARNED = "warned"
    DENIED = "denied"
    NOT_EVALUATED = "not evaluated"


_ANSWERS: Final = {
    Severity.LOW: PolicyAnswer.AUDITED,
    Severity.MEDIUM: PolicyAnswer.WARNED,
    Severity.HIGH: PolicyAnswer.DENIED,
}


class Objection(NamedTuple):
    """What a policy objects to: where, as reports write it, and the line there with a mark under it."""

    message: str
    file: str
    range: FileRange
    path: str
    excerpt: tuple[str, str]
    marked: bool = False


class PolicyVerdict(Struct, frozen=True):
    """What one policy says of one object. `reason` is why it is not evaluated."""

    policy: str
    resource: ResourceId
    file: str
    line: int
    answer: PolicyAnswer
    objections: tuple[Objection, ...] = ()
    reason: str = ""
    deleted: bool = False
    """Whether it is about the deletion of the object."""


class UnmetMark(NamedTuple):
    """A mark at which the policy that it names objects to nothing."""

    policy: str
    file: str
    range: FileRange
    excerpt: tuple[str, str]


class Judgement(NamedTuple):
    """All that policies say of some files."""

    verdicts: tuple[PolicyVerdict, ...]
    unmet: tuple[UnmetMark, ...]
    with_marks: frozenset[str]
    """The files that say what is expected."""

    def is_unexpected(self, verdict: PolicyVerdict) -> bool:
        """Whether a policy objects to something that it is not expected to."""
        return any(
            not one.marked and (one.file in self.with_marks or verdict.answer is PolicyAnswer.DENIED)
            for one in verdict.objections
        )


def judgement_of(
    files: Iterable[tuple[CheckedFile, Project]], gone: Iterable[tuple[CheckedFile, Project]] = ()
) -> Judgement:
    """What policies say of files, in the order of these, and of the deletion of what is `gone`."""
    return _Collecting().all_of(files, gone)


class _Collecting:
    """Files one by one, with the texts and marks of those that anything is said of."""

    def __init__(self) -> None:
        self.sources = RenderedSources()
        self.texts: dict[str, FileText] = {}
        self.marks: dict[str, dict[tuple[str, FileRange], bool]] = {}
        """By file, what it marks, and whether a policy has objected there."""

    def all_of(
        self, files: Iterable[tuple[CheckedFile, Project]], gone: Iterable[tuple[CheckedFile, Project]]
    ) -> Judgement:
        verdicts = [verdict for file, project in files for verdict in self.of_file(file, project)]
        verdicts += [
            replace(verdict, deleted=True)
            for file, project in gone
            for verdict in self.of_file(file, project)
        ]
        unmet = tuple(
            UnmetMark(policy, file, where, self.excerpt(file, where))
            for file, marks in self.marks.items()
            for (policy, where), met in marks.items()
            if not met
        )
        return Judgement(
            tuple(verdicts), unmet, frozenset(file for file, marks in self.marks.items() if marks)
        )

    def of_file(self, file: CheckedFile, project: Project) -> Iterator[PolicyVerdict]:
        self.look_at(file.path, project)
        for placed in file.documents:
            for verdicts in placed.checked.verdicts:
                found: dict[str, list[Finding]] = {}
                for finding in verdicts.findings:
                    if is_of_admission(finding.control):
                        found.setdefault(finding.control, []).append(finding)
                reasons = {
                    entry.control: entry.reason
                    for entry in verdicts.unevaluated
                    if is_of_admission(entry.control)
                }
                passed = filter(is_of_admission, verdicts.passed)
                where = placed.locate(verdicts.resource.resolve(("metadata", "name")).span)
                line = range_of(where, project).start.line
                for control in sorted({*found, *reasons, *passed}):
                    there = found.get(control, [])
                    yield PolicyVerdict(
                        control.removeprefix(PREFIX),
                        verdicts.resource.id,
                        where.file,
                        line,
                        self.answer(there, reasons.get(control)),
                        tuple([self.objection(finding, placed, project) for finding in there]),
                        reasons.get(control, ""),
                    )

    def answer(self, there: list[Finding], reason: str | None) -> PolicyAnswer:
        if there:
            return _ANSWERS[max(finding.severity for finding in there)]
        return PolicyAnswer.ADMITTED if reason is None else PolicyAnswer.NOT_EVALUATED

    def objection(self, finding: Finding, placed: PlacedDocument, project: Project) -> Objection:
        location = placed.locate(finding.span)
        self.look_at(location.file, project)
        where = range_of(location, project)
        marks = self.marks.get(location.file, {})
        mark = (finding.control.removeprefix(PREFIX), where)
        if mark in marks:
            marks[mark] = True
        return Objection(
            finding.message,
            location.file,
            where,
            paths.show(finding.path),
            self.excerpt(location.file, where),
            mark in marks,
        )

    def look_at(self, path: str, project: Project) -> None:
        """Read the marks of a file, once."""
        file = project.files.get(path)
        if path in self.texts or file is None:
            return
        self.texts[path] = self.sources.text(file, project)
        self.marks[path] = {
            (name.removeprefix(PREFIX), _range(mark.line, mark.start, mark.end)): False
            for mark in (() if file.json else marks_in(file.text))
            for name in mark.controls
            if is_of_admission(name)
        }

    def excerpt(self, file: str, where: FileRange) -> tuple[str, str]:
        text = self.texts.get(file)
        return ("", "") if text is None else snippet(text.line(where.start.line), where, _WIDTH)


def _range(line: int, start: int, end: int) -> FileRange:
    return FileRange(line + 1, start + 1, line + 1, end + 1)
