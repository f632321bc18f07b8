"""Checked files -> a Report: findings placed in their files, resources counted, frameworks scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final, TypeAlias

from kscan_lsp import paths
from kscan_lsp.fixes import verify
from kscan_lsp.fixes.operations import Draft
from kscan_lsp.fixes.verify import Site
from kscan_lsp.report.compliance import compliance, control_results
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.model import (
    FILE_START,
    NO_GATE,
    SKIP_REASONS,
    ControlResult,
    FileProblem,
    FileRange,
    FixEdit,
    FixOption,
    FrameworkSection,
    LineColumn,
    NotEvaluated,
    NotScanned,
    RelatedLocation,
    Report,
    Reported,
    Rule,
)
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.results import LOOKS_KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kscan_lsp.engine.check import Verdicts
    from kscan_lsp.findings import Finding, Problem, Related
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.model import Gate
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, Placed
    from kscan_lsp.yaml.document import Document

MAX_REASONS: Final = 20
"""Places listed for a control that could not be evaluated; the count is always exact."""

_Options: TypeAlias = Sequence[verify.VerifiedFix | Draft]
"""The ways to fix a finding."""


def build(
    checked: Iterable[tuple[CheckedFile, Project]],
    *,
    skipped: Mapping[str, int] | None = None,
    not_scanned: Iterable[NotScanned] = (),
    problems: Iterable[FileProblem] = (),
    fix_detail: FixDetail = FixDetail.TITLES,
    gate: Gate = NO_GATE,
    requested: Iterable[str] = (),
    name: Callable[[str], str] = str,
) -> Report:
    """Put a report together.

    Args:
        checked: files as judged, each with the project it is in, in the order to report them.
        skipped: how many files were left alone before they were read, by reason.
        not_scanned: files that could not be read.
        problems: what is wrong with settings and policies.
        fix_detail: how much to find out about fixes.
        gate: what makes the scan fail.
        requested: the files and folders that the user named.
        name: what the report calls a file of a project.
    """
    builder = _Builder(fix_detail, name)
    setup = tuple(problems)
    builder.skipped.update(skipped or {})
    builder.not_scanned += not_scanned
    for file, project in checked:
        builder.add(file, project)
    rules = builder.all_rules()
    controls = builder.control_results(rules)
    return Report(
        files=builder.files,
        resources=len(builder.judged),
        findings=tuple(builder.findings),
        problems=(*setup, *builder.problems),
        not_scanned=tuple(builder.not_scanned),
        skipped={reason: builder.skipped[reason] for reason in SKIP_REASONS},
        rules=rules,
        controls=tuple(controls.values()),
        frameworks=compliance((ruleset for ruleset, _ in builder.rulesets.values()), controls),
        texts=builder.texts,
        gate=gate,
        requested=tuple(requested),
        wrong_setup=bool(setup),
    )


class _Builder:
    """Collects a report file by file."""

    def __init__(self, fix_detail: FixDetail, name: Callable[[str], str]) -> None:
        self.fix_detail = fix_detail
        self.name = name
        self.files = 0
        self.texts: dict[str, str] = {}
        self.findings: list[Reported] = []
        self.problems: list[FileProblem] = []
        self.not_scanned: list[NotScanned] = []
        self.skipped: Counter[str] = Counter()
        self.rulesets: dict[int, tuple[Ruleset, dict[str, Rule]]] = {}
        self.judged: list[tuple[Verdicts, set[str]]] = []
        self.reasons: dict[str, list[NotEvaluated]] = {}

    def add(self, file: CheckedFile, project: Project) -> None:
        rules = self.rules(project.ruleset)
        if file.skipped:
            self.skipped[file.skipped] += 1
            return
        self.files += 1
        self.texts[self.name(file.path)] = file.text
        findings = file.findings()
        for number, document in enumerate(file.documents):
            site = Site(project, file.path, number)
            options = iter(self.fix_options(site))
            for verdicts in document.checked.verdicts:
                unsuppressed: set[str] = set()
                for placed, finding in islice(findings, len(verdicts.findings)):
                    if finding.status != "suppressed":
                        unsuppressed.add(finding.control)
                    rule = rules[finding.control]
                    self.findings.append(self.reported(site, placed, finding, rule, next(options)))
                self.judged.append((verdicts, unsuppressed))
                self.add_reasons(file.path, document, verdicts, unsuppressed)
        self.add_problems(file)

    def rules(self, ruleset: Ruleset) -> dict[str, Rule]:
        known = self.rulesets.get(id(ruleset))
        if known is None:
            known = self.rulesets[id(ruleset)] = (ruleset, rules_of(ruleset))
        return known[1]

    def all_rules(self) -> dict[str, Rule]:
        """Those of all rulesets in order of their ids; of one id, that of the last."""
        rules = {i: rule for _, rules in self.rulesets.values() for i, rule in rules.items()}
        return dict(sorted(rules.items()))

    def fix_options(self, site: Site) -> Iterable[_Options]:
        """What would fix each finding of a document."""
        findings = site.checked.findings
        if self.fix_detail is FixDetail.NONE or not any(finding.fixable for finding in findings):
            return repeat(())
        if self.fix_detail is FixDetail.EDITS:
            return (verify.fixes_of(site, finding)[0] if finding.fixable else () for finding in findings)
        drafts = {
            id(f): found for f, found in verify.drafts(site.checked, site.project.ruleset, lambda _: True)
        }
        return (drafts.get(id(finding), ()) for finding in findings)

    def reported(
        self, site: Site, placed: Placed, finding: Finding, rule: Rule, options: _Options
    ) -> Reported:
        return Reported(
            finding=finding,
            file=self.name(site.file),
            range=range_in(placed, finding.span),
            rule=rule,
            related=tuple(
                RelatedLocation(
                    related.resource,
                    self.name(related.file or site.file),
                    _range_of(related, placed, site.project),
                    paths.show(related.path),
                    related.message,
                )
                for related in finding.related
            ),
            fixes=tuple(_fix_option(placed, option) for option in options),
            sensitive=rule.category == "Secrets" or finding.resource.kind == "Secret",
        )

    def add_reasons(self, path: str, placed: Placed, verdicts: Verdicts, failed: set[str]) -> None:
        for entry in verdicts.unevaluated:
            if entry.control in failed:
                continue
            reasons = self.reasons.setdefault(entry.control, [])
            if len(reasons) < MAX_REASONS:
                line = range_in(placed, verdicts.resource.span(entry.path).span).start.line
                reasons.append(NotEvaluated(self.name(path), line, paths.show(entry.path), entry.reason))

    def add_problems(self, file: CheckedFile) -> None:
        name = self.name(file.path)
        for placed, problem in file.problems():
            range_ = range_in(placed, problem.span)
            self.problems.append(FileProblem(name, range_, problem.message, problem.code))
        if file.limit:
            self.not_scanned.append(NotScanned(name, 1, file.limit.message))
        self.not_scanned += _not_fully_scanned(name, file)

    def control_results(self, rules: Iterable[str]) -> dict[str, ControlResult]:
        counted = control_results(self.judged)
        return {
            i: counted.get(i, ControlResult(i))._replace(reasons=tuple(self.reasons.get(i, ())))
            for i in rules
        }


def _not_fully_scanned(name: str, file: CheckedFile) -> Iterator[NotScanned]:
    for placed in file.documents:
        checked = placed.checked
        if checked.complete or not (checked.verdicts or LOOKS_KUBERNETES.search(checked.document.text)):
            continue
        worst = min(checked.problems, key=lambda problem: not problem.fatal, default=None)
        line = range_in(placed, worst.span if worst else Span(0, 0)).start.line
        partly = "not fully scanned: " if checked.verdicts else ""
        yield NotScanned(name, line, partly + (worst.message if worst else "it could not be read"))


def rules_of(ruleset: Ruleset) -> dict[str, Rule]:
    """The controls that are on as a report has them, each with every section of any framework that names it."""
    sections: dict[str, list[FrameworkSection]] = {}
    for framework in ruleset.policies.frameworks.values():
        for i, member in framework.members.items():
            section = FrameworkSection(framework.id, framework.title, member.section, member.name)
            sections.setdefault(i, []).append(section)
    return {
        i: Rule(
            control.id,
            control.title,
            control.description,
            control.remediation,
            control.score,
            ruleset.severities.get(i, control.severity),
            control.category,
            control.references,
            tuple(sections.get(i, ())),
            control.needs,
        )
        for i, control in ruleset.controls.items()
    }


def _range_of(related: Related, placed: Placed, project: Project) -> FileRange:
    if not related.file:
        return range_in(placed, related.span)
    return _range(LineIndex(related.document), related.span, project.line_of(related))


def _fix_option(placed: Placed, option: verify.VerifiedFix | Draft) -> FixOption:
    if isinstance(option, Draft):
        return FixOption(option.title, option.safe)
    edits = tuple(FixEdit(range_in(placed, edit.span), edit.text) for edit in option.edits)
    return FixOption(option.title, option.safe, edits)


def range_in(placed: Placed | None, span: Span) -> FileRange:
    """A span of a document as a range of its file; without a document, the file's first character."""
    if placed is None:
        return FILE_START
    return _range(placed.checked.document.lines, span, placed.line)


def problem_in(file: str, document: Document, problem: Problem) -> FileProblem:
    """A problem of a file that is one document: settings or a policy."""
    return FileProblem(file, _range(document.lines, problem.span, 0), problem.message, problem.code)


def _range(lines: LineIndex, span: Span, first_line: int) -> FileRange:
    start, end = lines.position(span.start), lines.position(span.end)
    return FileRange(
        LineColumn(first_line + start.line + 1, start.column + 1),
        LineColumn(first_line + end.line + 1, end.column + 1),
    )
