"""Checked files -> a Report: findings placed in their files, resources counted, frameworks scored.

Compliance is Kubescape's: a control scores 100 when nothing fails, else the passed of all resources it
applies to; a framework scores the unweighted mean of its controls. What is accepted counts as passed, as
a resource with an exception does there ("passed with exceptions"); the report says how many there are. What
could not be evaluated is never a pass: it stays in the denominator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Final

from kscan_lsp import paths
from kscan_lsp.fixes import verify as fixes
from kscan_lsp.fixes.operations import Draft
from kscan_lsp.fixes.verify import Site
from kscan_lsp.report.model import (
    SKIP_REASONS,
    Coverage,
    FileProblem,
    FixEdit,
    FixOption,
    NotScanned,
    OtherPlace,
    Range,
    Reason,
    Report,
    Reported,
    Spot,
    compliance,
    coverage_of,
)
from kscan_lsp.text import Span
from kscan_lsp.workspace.fingerprints import object_ordinals
from kscan_lsp.workspace.locations import Lines, lines_of, location_of
from kscan_lsp.workspace.results import LOOKS_KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.engine.check import Verdicts
    from kscan_lsp.findings import Finding, Location, Problem
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument
    from kscan_lsp.yaml.document import Document

MAX_REASONS: Final = 20
"""Places listed for a control that could not be evaluated; the count is always exact."""


Options = Sequence[fixes.VerifiedFix | Draft]
"""The ways to fix a finding."""


def proposed(site: Site) -> list[Options]:
    """What would fix each finding of a document, not yet verified: cheap enough for every scan."""
    made = fixes.drafts(site.checked, site.project.ruleset, lambda _: True)  # of each finding that is fixable
    return [next(made)[1] if finding.fixable else () for finding in site.checked.findings]


def verified(site: Site) -> list[Options]:
    """The fixes that hold for each finding of a document, with their edits."""
    return [fixes.fixes_of(site, f)[0] if f.fixable else () for f in site.checked.findings]


def build(
    checked: Iterable[tuple[CheckedFile, Project]],
    *,
    skipped: Mapping[str, int] | None = None,
    not_scanned: Iterable[NotScanned] = (),
    problems: Iterable[FileProblem] = (),
    solve: Callable[[Site], list[Options]] = proposed,
    name: Callable[[str], str] = str,
) -> Report:
    """Put a report together.

    Args:
        checked: files as judged, each with the project it is in, in the order to report them.
        skipped: how many files were left alone before they were read, by reason.
        not_scanned: files that could not be read.
        problems: what is wrong with settings and policies.
        solve: how to look for the fixes of each finding of a document, `proposed` or `verified`.
        name: what the report calls a file of a project.
    """
    maker = _Maker(solve, name)
    setup = tuple(problems)
    maker.skipped.update(skipped or {})
    maker.not_scanned += not_scanned
    for file, project in checked:
        maker.add(file, project)
    controls = maker.coverage()
    return Report(
        files=maker.files,
        resources=len(maker.judged),
        findings=tuple(maker.findings),
        problems=(*setup, *maker.problems),
        not_scanned=tuple(maker.not_scanned),
        skipped={reason: maker.skipped[reason] for reason in SKIP_REASONS},
        controls=tuple(controls.values()),
        frameworks=compliance(maker.rulesets.values(), controls),
        wrong_setup=bool(setup),
    )


class _Maker:
    """Collects a report file by file."""

    def __init__(self, solve: Callable[[Site], Sequence[Options]], name: Callable[[str], str]) -> None:
        self.solve = solve
        self.name = name
        self.files = 0
        self.findings: list[Reported] = []
        self.problems: list[FileProblem] = []
        self.not_scanned: list[NotScanned] = []
        self.skipped: Counter[str] = Counter()
        self.rulesets: dict[int, Ruleset] = {}
        self.judged: list[tuple[Verdicts, set[str]]] = []
        self.reasons: dict[str, list[Reason]] = {}
        self.ordinals: dict[Project, dict[tuple[str, int, Path], int]] = {}

    def add(self, file: CheckedFile, project: Project) -> None:
        self.rulesets.setdefault(id(project.ruleset), project.ruleset)
        if file.skipped:
            self.skipped[file.skipped] += 1
            return
        self.files += 1
        if project not in self.ordinals:
            self.ordinals[project] = object_ordinals(project)
        for number, document in enumerate(file.documents):
            fixable = any(finding.fixable for finding in document.checked.findings)
            solved = iter(self.solve(Site(project, file.path, number)) if fixable else repeat(()))
            for verdicts in document.checked.verdicts:
                failing: set[str] = set()
                ordinal = self.ordinals[project].get((file.path, number, verdicts.resource.root), 0)
                for finding in verdicts.findings:
                    if finding.status != "accepted":
                        failing.add(finding.control)
                    options = next(solved)
                    reported = self.reported(document, finding, project, options)
                    self.findings.append(reported._replace(ordinal=ordinal) if ordinal else reported)
                self.judged.append((verdicts, failing))
                self.note_reasons(document, verdicts, failing, project)
        self.note_problems(file, project)

    def note_reasons(
        self, placed: PlacedDocument, verdicts: Verdicts, failed: set[str], project: Project
    ) -> None:
        for entry in verdicts.unevaluated:
            if entry.control in failed:
                continue
            reasons = self.reasons.setdefault(entry.control, [])
            if len(reasons) < MAX_REASONS:
                location = placed.locate(verdicts.resource.resolve(entry.path).span)
                line = range_of(location, project).start.line
                reasons.append(Reason(self.name(location.file), line, paths.show(entry.path), entry.reason))

    def note_problems(self, file: CheckedFile, project: Project) -> None:
        for location, problem in file.problems():
            self.problems.append(
                FileProblem(
                    self.name(location.file), range_of(location, project), problem.message, problem.code
                )
            )
        if file.limit:
            self.not_scanned.append(NotScanned(self.name(file.path), 1, file.limit.message))
        for placed in file.documents:
            checked = placed.checked
            if checked.complete or not (checked.verdicts or LOOKS_KUBERNETES.search(checked.document.text)):
                continue
            worst = sorted(checked.problems, key=lambda p: not p.fatal)[:1]
            location = placed.locate(worst[0].span if worst else Span(0, 0))
            line = range_of(location, project).start.line
            partly = "not fully scanned: " if checked.verdicts else ""
            self.not_scanned.append(
                NotScanned(
                    self.name(location.file),
                    line,
                    partly + (worst[0].message if worst else "it could not be read"),
                )
            )

    def coverage(self) -> dict[str, Coverage]:
        controls = {i: control for rules in self.rulesets.values() for i, control in rules.controls.items()}
        counted = coverage_of(self.judged)
        return {
            i: counted.get(i, Coverage(i))._replace(
                reasons=tuple(self.reasons.get(i, ())), beyond=bool(control.needs)
            )
            for i, control in sorted(controls.items())
        }

    def reported(
        self,
        placed: PlacedDocument,
        finding: Finding,
        project: Project,
        options: Options,
    ) -> Reported:
        control = project.ruleset.controls[finding.control]
        location = placed.locate(finding.span)
        return Reported(
            finding=finding,
            file=self.name(location.file),
            range=range_of(location, project),
            title=control.title,
            score=control.score,
            remediation=control.remediation,
            related=tuple(
                OtherPlace(
                    r.resource,
                    self.name(other.file),
                    range_of(other, project),
                    paths.show(r.path),
                    r.message,
                )
                for r in finding.related
                for other in (location_of(r, placed, project),)
            ),
            fixes=tuple(_option(placed, option, project) for option in options),
            sensitive=control.category == "Secrets" or finding.resource.kind == "Secret",
        )


def _option(placed: PlacedDocument, option: fixes.VerifiedFix | Draft, project: Project) -> FixOption:
    if isinstance(option, Draft):
        return FixOption(option.title, option.safe)
    edits = tuple(FixEdit(range_of(placed.locate(edit.span), project), edit.text) for edit in option.edits)
    return FixOption(option.title, option.safe, edits)


def range_of(location: Location, project: Project) -> Range:
    """A location as people count; the file's first character where it has no span."""
    return _range(lines_of(location, project))


def problem_in(file: str, document: Document, problem: Problem) -> FileProblem:
    """A problem of a file that is one document: settings or a policy."""
    return FileProblem(file, _range(Lines(document.lines, problem.span, 0)), problem.message, problem.code)


def _range(lines: Lines) -> Range:
    start, end = lines.positions()
    return Range(Spot(start.line + 1, start.column + 1), Spot(end.line + 1, end.column + 1))
