"""Checked files -> a Report: findings placed in their files, resources counted, frameworks scored.

Compliance is Kubescape's: a control scores 100 when nothing fails, else the passed of all resources it
applies to; a framework scores the unweighted mean of its controls. What is suppressed counts as passed, as
a resource with an exception does there ("passed with exceptions"); the report says how many there are. What
could not be evaluated is never a pass: it stays in the denominator.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from kscan_lsp import fixes, paths
from kscan_lsp.project import LOOKS_KUBERNETES
from kscan_lsp.report import (
    SKIP_REASONS,
    Coverage,
    FileProblem,
    FixEdit,
    FixOption,
    FrameworkScore,
    NotScanned,
    OtherPlace,
    Range,
    Reason,
    Report,
    Reported,
    Spot,
)
from kscan_lsp.ruleset import members_of
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kscan_lsp.documents import Document
    from kscan_lsp.engine import Verdicts
    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.project import CheckedFile, Placed
    from kscan_lsp.ruleset import Ruleset
    from kscan_lsp.text import LineIndex

MAX_REASONS: Final = 20
"""Places listed for a control that could not be evaluated; the count is always exact."""


Options = dict[tuple[str, paths.Path], "Sequence[fixes.VerifiedFix | fixes.Proposal]"]
"""The ways to fix the findings of a resource, by control and path."""


def proposed(_: Document, verdicts: Verdicts, ruleset: Ruleset) -> Options:
    """What fixes would do, not yet verified: cheap enough for every finding of every scan."""
    return dict(fixes.proposals(verdicts, ruleset))


def verified(document: Document, verdicts: Verdicts, ruleset: Ruleset) -> Options:
    """The fixes that hold, with their edits."""
    return {
        (finding.control, finding.path): fixes.fixes_of(document, verdicts, finding, ruleset)[0]
        for finding in verdicts.findings
        if finding.fixable
    }


def build(
    checked: Iterable[tuple[CheckedFile, Ruleset]],
    *,
    skipped: Mapping[str, int] | None = None,
    not_scanned: Iterable[NotScanned] = (),
    problems: Iterable[FileProblem] = (),
    solve: Callable[[Document, Verdicts, Ruleset], Options] = proposed,
) -> Report:
    """Put a report together.

    Args:
        checked: files as judged, each with the ruleset that judged it, in the order to report them.
        skipped: how many files were left alone before they were read, by reason.
        not_scanned: files that could not be read.
        problems: what is wrong with settings and policies.
        solve: how to look for fixes, `proposed` or `verified`.
    """
    maker = _Maker(solve)
    setup = tuple(problems)
    maker.skipped.update(skipped or {})
    maker.not_scanned += not_scanned
    for file, ruleset in checked:
        maker.add(file, ruleset)
    controls = maker.coverage()
    return Report(
        files=maker.files,
        resources=maker.resources,
        findings=tuple(maker.findings),
        problems=(*setup, *maker.problems),
        not_scanned=tuple(maker.not_scanned),
        skipped={reason: maker.skipped[reason] for reason in SKIP_REASONS},
        controls=tuple(controls.values()),
        frameworks=maker.compliance(controls),
        wrong_setup=bool(setup),
    )


class _Maker:
    """Collects a report file by file."""

    def __init__(self, solve: Callable[[Document, Verdicts, Ruleset], Options]) -> None:
        self.solve = solve
        self.files = self.resources = 0
        self.findings: list[Reported] = []
        self.problems: list[FileProblem] = []
        self.not_scanned: list[NotScanned] = []
        self.skipped: Counter[str] = Counter()
        self.rulesets: dict[int, Ruleset] = {}
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.unevaluated: Counter[str] = Counter()
        self.reasons: dict[str, list[Reason]] = {}

    def add(self, file: CheckedFile, ruleset: Ruleset) -> None:
        self.rulesets.setdefault(id(ruleset), ruleset)
        if file.skipped:
            self.skipped[file.skipped] += 1
            return
        self.files += 1
        findings = file.findings()
        open_failures: set[tuple[int, str]] = set()
        for document in file.documents:
            for verdicts in document.checked.verdicts:
                fixable = any(finding.fixable for finding in verdicts.findings)
                options = self.solve(document.checked.document, verdicts, ruleset) if fixable else {}
                for placed, finding in islice(findings, len(verdicts.findings)):
                    if finding.status != "suppressed":
                        open_failures.add((id(verdicts), finding.control))
                    known = options.get((finding.control, finding.path), ()) if finding.fixable else ()
                    self.findings.append(_reported(file.path, placed, finding, ruleset, known))
        for placed in file.documents:
            for verdicts in placed.checked.verdicts:
                self.count(file.path, placed, verdicts, open_failures)
        self.note_problems(file)

    def count(
        self, path: str, placed: Placed, verdicts: Verdicts, open_failures: set[tuple[int, str]]
    ) -> None:
        self.resources += 1
        self.passed.update(verdicts.passed)
        for control in verdicts.failed:
            (self.failed if (id(verdicts), control) in open_failures else self.passed)[control] += 1
        for entry in verdicts.unevaluated:
            self.unevaluated[entry.control] += 1
            reasons = self.reasons.setdefault(entry.control, [])
            if len(reasons) < MAX_REASONS:
                line = range_in(placed, verdicts.resource.span(entry.path).span).start.line
                reasons.append(Reason(path, line, paths.show(entry.path), entry.reason))

    def note_problems(self, file: CheckedFile) -> None:
        for placed, problem in file.problems():
            self.problems.append(
                FileProblem(file.path, range_in(placed, problem.span), problem.message, problem.code)
            )
        if file.limit:
            self.not_scanned.append(NotScanned(file.path, 1, file.limit.message))
        for placed in file.documents:
            checked = placed.checked
            if checked.complete or not (checked.verdicts or LOOKS_KUBERNETES.search(checked.document.text)):
                continue
            worst = sorted(checked.problems, key=lambda p: not p.fatal)[:1]
            line = range_in(placed, worst[0].span if worst else Span(0, 0)).start.line
            partly = "not fully scanned: " if checked.verdicts else ""
            self.not_scanned.append(
                NotScanned(file.path, line, partly + (worst[0].message if worst else "it could not be read"))
            )

    def coverage(self) -> dict[str, Coverage]:
        ids = sorted({control for ruleset in self.rulesets.values() for control in ruleset.controls})
        return {
            i: Coverage(
                i,
                evaluated=self.passed[i] + self.failed[i],
                failed=self.failed[i],
                not_evaluated=self.unevaluated[i],
                reasons=tuple(self.reasons.get(i, ())),
            )
            for i in ids
        }

    def compliance(self, controls: Mapping[str, Coverage]) -> tuple[FrameworkScore, ...]:
        """A control that the settings leave out is in no framework's mean: nothing is known about it."""
        members: dict[str, tuple[str, dict[str, None]]] = {}
        for ruleset in self.rulesets.values():
            for framework in ruleset.frameworks:
                _, known = members.setdefault(framework.id, (framework.title, {}))
                known.update(
                    dict.fromkeys(i for i in members_of(framework, ruleset.policies) if i in ruleset.controls)
                )
        scores = []
        for name, (title, ids) in members.items():
            mean = sum(controls[i].score for i in ids) / len(ids) if ids else 100.0
            scores.append(FrameworkScore(name, title, round(mean, 2)))
        return tuple(scores)


def _reported(
    path: str,
    placed: Placed,
    finding: Finding,
    ruleset: Ruleset,
    options: Sequence[fixes.VerifiedFix | fixes.Proposal],
) -> Reported:
    control = ruleset.controls[finding.control]
    return Reported(
        finding=finding,
        file=path,
        range=range_in(placed, finding.span),
        title=control.title,
        score=control.score,
        remediation=control.remediation,
        related=tuple(
            OtherPlace(r.resource, r.file or path, range_in(placed, r.span), paths.show(r.path), r.message)
            for r in finding.related
        ),
        fixes=tuple(_option(placed, option) for option in options),
        sensitive=control.category == "Secrets" or finding.resource.kind == "Secret",
    )


def _option(placed: Placed, option: fixes.VerifiedFix | fixes.Proposal) -> FixOption:
    if isinstance(option, fixes.Proposal):
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
