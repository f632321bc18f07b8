"""Checked files -> a Report: findings placed in their files, resources counted, frameworks scored.

Compliance is Kubescape's: a control scores 100 when nothing fails, else the passed of all resources it
applies to; a framework scores the unweighted mean of its controls. What is suppressed counts as passed, as
a resource with an exception does there ("passed with exceptions"); the report says how many there are. What
could not be evaluated is never a pass: it stays in the denominator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final

from kscan_lsp import paths
from kscan_lsp.fixes.draft import Draft, drafts
from kscan_lsp.fixes.verify import Site, VerifiedFix, fixes_of
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
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.results import LOOKS_KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding, Problem, Related
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, Placed
    from kscan_lsp.yaml.document import Document

MAX_REASONS: Final = 20
"""Places listed for a control that could not be evaluated; the count is always exact."""


Options = Sequence[VerifiedFix | Draft]
"""The ways to fix a finding."""


def proposed(site: Site) -> list[Options]:
    """What would fix each finding of a document, not yet verified: cheap enough for every scan."""
    made = {id(f): options for f, options in drafts(site.checked, site.project.evaluator, lambda _: True)}
    return [made.get(id(finding), ()) for finding in site.checked.findings]


def verified(site: Site) -> list[Options]:
    """The fixes that hold for each finding of a document, with their edits."""
    return [fixes_of(site, f)[0] if f.fixable else () for f in site.checked.findings]


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

    def add(self, file: CheckedFile, project: Project) -> None:
        self.rulesets.setdefault(id(project.ruleset), project.ruleset)
        if file.skipped:
            self.skipped[file.skipped] += 1
            return
        self.files += 1
        findings = file.findings()
        for number, document in enumerate(file.documents):
            fixable = any(finding.fixable for finding in document.checked.findings)
            solved = iter(self.solve(Site(project, file.path, number)) if fixable else repeat(()))
            for verdicts in document.checked.verdicts:
                unsuppressed: set[str] = set()
                for placed, finding in islice(findings, len(verdicts.findings)):
                    if finding.status != "suppressed":
                        unsuppressed.add(finding.control)
                    options = next(solved)
                    self.findings.append(self.reported(file.path, placed, finding, project, options))
                self.judged.append((verdicts, unsuppressed))
                self.note_reasons(file.path, document, verdicts, unsuppressed)
        self.note_problems(file)

    def note_reasons(self, path: str, placed: Placed, verdicts: Verdicts, failed: set[str]) -> None:
        for entry in verdicts.unevaluated:
            if entry.control in failed:
                continue
            reasons = self.reasons.setdefault(entry.control, [])
            if len(reasons) < MAX_REASONS:
                line = range_in(placed, verdicts.resource.span(entry.path).span).start.line
                reasons.append(Reason(self.name(path), line, paths.show(entry.path), entry.reason))

    def note_problems(self, file: CheckedFile) -> None:
        for placed, problem in file.problems():
            self.problems.append(
                FileProblem(
                    self.name(file.path), range_in(placed, problem.span), problem.message, problem.code
                )
            )
        if file.limit:
            self.not_scanned.append(NotScanned(self.name(file.path), 1, file.limit.message))
        for placed in file.documents:
            checked = placed.checked
            if checked.complete or not (checked.verdicts or LOOKS_KUBERNETES.search(checked.document.text)):
                continue
            worst = sorted(checked.problems, key=lambda p: not p.fatal)[:1]
            line = range_in(placed, worst[0].span if worst else Span(0, 0)).start.line
            partly = "not fully scanned: " if checked.verdicts else ""
            self.not_scanned.append(
                NotScanned(
                    self.name(file.path),
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
        path: str,
        placed: Placed,
        finding: Finding,
        project: Project,
        options: Options,
    ) -> Reported:
        control = project.ruleset.controls[finding.control]
        return Reported(
            finding=finding,
            file=self.name(path),
            range=range_in(placed, finding.span),
            title=control.title,
            score=control.score,
            remediation=control.remediation,
            related=tuple(
                OtherPlace(
                    r.resource,
                    self.name(r.file or path),
                    _range_of(r, placed, project),
                    paths.show(r.path),
                    r.message,
                )
                for r in finding.related
            ),
            fixes=tuple(_option(placed, option) for option in options),
            sensitive=control.category == "Secrets" or finding.resource.kind == "Secret",
        )


def _range_of(related: Related, placed: Placed, project: Project) -> Range:
    if not related.file:
        return range_in(placed, related.span)
    return _range(LineIndex(related.document), related.span, project.line_of(related))


def _option(placed: Placed, option: VerifiedFix | Draft) -> FixOption:
    if isinstance(option, Draft):
        return FixOption(option.title, option.safe)
    edits = tuple(FixEdit(range_in(placed, edit.span), edit.text) for edit in option.edits)
    return FixOption(option.title, option.safe, edits)


def range_in(placed: Placed | None, span: Span) -> Range:
    """A span of a document as a range of its file; without a document, the file's first character."""
    if placed is None:
        return Range(Spot(1, 1), Spot(1, 1))
    return _range(placed.checked.document.lines, span, placed.line)


def problem_in(file: str, document: Document, problem: Problem) -> FileProblem:
    """A problem of a file that is one document: settings or a policy."""
    return FileProblem(file, _range(document.lines, problem.span, 0), problem.message, problem.code)


def _range(lines: LineIndex, span: Span, first_line: int) -> Range:
    start, end = lines.position(span.start), lines.position(span.end)
    return Range(
        Spot(first_line + start.line + 1, start.column + 1), Spot(first_line + end.line + 1, end.column + 1)
    )
