"""Checked files -> what would fix their findings, as a report has it: named, or proven with its edits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from kscan_lsp.findings import Verbatim
from kscan_lsp.fixes.naming import FixNames
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.model import FixEdit, FixOption
from kscan_lsp.report.places import range_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.fixes.naming import FixName
    from kscan_lsp.fixes.verify import VerifiedFix
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument

    FileFixes: TypeAlias = Sequence[Sequence[tuple[FixOption, ...]]]
    """By document of a file and finding of the document, the ways to fix it; nothing where none was looked for."""


def fixes_in(
    files: Iterable[tuple[CheckedFile, Project]], detail: FixDetail, names: FixNames | None = None
) -> Iterator[FileFixes]:
    """The ways to fix the findings of each of some files.

    Args:
        files: files as judged, each with the project it is in.
        detail: how much to find out.
        names: what names fixes, for who asks several times.
    """
    names = names or FixNames()
    for file, project in files:
        if detail is FixDetail.NONE or not any(
            verdicts.findings for placed in file.documents for verdicts in placed.checked.verdicts
        ):
            yield ()
        elif detail is FixDetail.EDITS:
            yield [_proven_in(file, number, project) for number in range(len(file.documents))]
        else:
            yield [_named_in(placed, project, names) for placed in file.documents]


def _has_fixes(placed: PlacedDocument) -> bool:
    """Whether a document stands in its file as it was judged, and any of its findings may have a fix."""
    return isinstance(placed.source, Verbatim) and any(one.fixable for one in placed.checked.findings)


def _named_in(placed: PlacedDocument, project: Project, names: FixNames) -> list[tuple[FixOption, ...]]:
    findings = placed.checked.findings
    if not _has_fixes(placed):
        return [()] * len(findings)
    named = names.of(placed.checked, project.evaluator, project.index)  # in the order of findings
    found = map(_named, named)
    return [next(found) if finding.fixable else () for finding in findings]


def _proven_in(file: CheckedFile, number: int, project: Project) -> list[tuple[FixOption, ...]]:
    placed = file.documents[number]
    if not _has_fixes(placed):
        return [()] * len(placed.checked.findings)
    from kscan_lsp.fixes.verify import Site, fixes_of  # most scans name fixes, and prove none

    site = Site(project, file.path, number)
    return [
        tuple([_proven(placed, fix, project) for fix in fixes_of(site, finding)[0]])
        if finding.fixable
        else ()
        for finding in placed.checked.findings
    ]


@lru_cache(4_096)
def _named(fixes: tuple[FixName, ...]) -> tuple[FixOption, ...]:
    """Fixes by their names: workloads with containers of the same names have the same ones."""
    return tuple([FixOption(one.title, one.safe) for one in fixes])


def _proven(placed: PlacedDocument, fix: VerifiedFix, project: Project) -> FixOption:
    edits = tuple(FixEdit(range_of(placed.locate(edit.span), project), edit.text) for edit in fix.edits)
    return FixOption(fix.title, fix.safe, edits)
