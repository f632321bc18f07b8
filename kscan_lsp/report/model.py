"""What a scan says: findings in file positions, coverage, compliance and the gate, as one frozen Report.

Every format is a function of a Report, so that no two of them can disagree. Lines and columns count from 1,
columns in code points.

Left out on purpose: how a report is made (`tally.py`) and what it looks like (`reports/`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp.findings import Severity
from kscan_lsp.policy.ruleset import members_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.policy.ruleset import Ruleset

SKIP_REASONS: Final = ("excluded", "helm-template", "kustomize-patch", "not-kubernetes")
"""Why a file is left alone by design."""


class Spot(NamedTuple):
    """A place in a file for people: line and column count from 1."""

    line: int
    column: int


class Range(NamedTuple):
    """From the first character to right behind the last one."""

    start: Spot
    end: Spot


class FixEdit(NamedTuple):
    """Replace what lies in a range of the file."""

    range: Range
    text: str


class FixOption(NamedTuple):
    """One way to make a finding go away. `edits` is None where they were not asked for."""

    title: str
    safe: bool
    edits: tuple[FixEdit, ...] | None = None


class OtherPlace(NamedTuple):
    """Another object that a finding rests on."""

    resource: ResourceId
    file: str
    range: Range
    path: str
    message: str


class Reported(NamedTuple):
    """A finding at its place in a file, with what its control says about it.

    `sensitive` tells that the text there may be a secret, which no report may repeat.
    """

    finding: Finding
    file: str
    range: Range
    title: str
    score: float
    remediation: str
    related: tuple[OtherPlace, ...] = ()
    fixes: tuple[FixOption, ...] = ()
    sensitive: bool = False


class FileProblem(NamedTuple):
    """Something wrong with a manifest, a settings file or a policy. `code` is that of `findings.Problem`."""

    file: str
    range: Range
    message: str
    code: str


class NotScanned(NamedTuple):
    """What should have been scanned and was not, or not fully."""

    file: str
    line: int
    reason: str


class Reason(NamedTuple):
    """Where and why a control could not be evaluated."""

    file: str
    line: int
    path: str
    reason: str


class Coverage(NamedTuple):
    """What became of one control, counted in resources; `evaluated` are those that failed or passed."""

    id: str
    evaluated: int = 0
    failed: int = 0
    not_evaluated: int = 0
    reasons: tuple[Reason, ...] = ()
    beyond: bool = False
    """Whether it needs more than any manifest says, and so is never evaluated."""

    @property
    def score(self) -> float:
        """Compliance from 0 to 100."""
        applies = self.evaluated + self.not_evaluated
        return 100.0 if not applies else 100.0 * (self.evaluated - self.failed) / applies


class FrameworkScore(NamedTuple):
    """Compliance with one framework, from 0 to 100."""

    id: str
    title: str
    score: float


def compliance(rulesets: Iterable[Ruleset], controls: Mapping[str, Coverage]) -> tuple[FrameworkScore, ...]:
    """The scores of all frameworks that rulesets are made of, from what became of their controls.

    What the settings leave out, or no manifest answers, is in no framework's mean: nothing is known about it. A control
    that is on and not among `controls` applied to nothing.
    """
    members: dict[str, tuple[str, dict[str, None]]] = {}
    for ruleset in rulesets:
        for framework in ruleset.frameworks:
            _, known = members.setdefault(framework.id, (framework.title, {}))
            on = (ruleset.controls.get(i) for i in members_of(framework, ruleset.policies))
            known.update(dict.fromkeys(control.id for control in on if control and not control.needs))
    scores = []
    for name, (title, ids) in members.items():
        mean = sum(controls[i].score if i in controls else 100.0 for i in ids) / len(ids) if ids else 100.0
        scores.append(FrameworkScore(name, title, round(mean, 2)))
    return tuple(scores)


def coverage_of(judged: Iterable[tuple[Verdicts, Container[str]]]) -> dict[str, Coverage]:
    """What became of each control that looked at any of some resources.

    Args:
        judged: what is said about each resource, and the controls of its findings that are not suppressed: one whose
            findings all are has passed where it could be evaluated.
    """
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    unevaluated: Counter[str] = Counter()
    for verdicts, unsuppressed in judged:
        passed.update(verdicts.passed)
        untold = {entry.control for entry in verdicts.unevaluated if entry.control not in unsuppressed}
        unevaluated.update(untold)
        for control in verdicts.failed - untold:
            (failed if control in unsuppressed else passed)[control] += 1
    return {
        i: Coverage(i, evaluated=passed[i] + failed[i], failed=failed[i], not_evaluated=unevaluated[i])
        for i in passed | failed | unevaluated
    }


class Report(Struct, frozen=True):
    """All that one scan says, in a fixed order."""

    files: int
    resources: int
    findings: tuple[Reported, ...]
    problems: tuple[FileProblem, ...]
    not_scanned: tuple[NotScanned, ...]
    skipped: Mapping[str, int]
    controls: tuple[Coverage, ...]
    frameworks: tuple[FrameworkScore, ...]
    wrong_setup: bool = False
    """A setting or a policy is wrong."""

    def open(self) -> Iterator[Reported]:
        """The findings that count: neither suppressed nor in a baseline."""
        return (entry for entry in self.findings if entry.finding.status == "open")

    def by_severity(self) -> dict[Severity, int]:
        """Open findings counted, the worst first; every severity is there."""
        counted = Counter(entry.finding.severity for entry in self.open())
        return {severity: counted[severity] for severity in sorted(Severity, reverse=True)}


class Gate(NamedTuple):
    """What makes a scan fail. None is never."""

    fail_on: Severity | None = Severity.HIGH
    compliance: float | None = None

    def objections(self, report: Report) -> list[str]:
        """Why the gate does not pass, in words; empty where it does."""
        said = []
        if self.fail_on is not None:
            bad = sum(count for severity, count in report.by_severity().items() if severity >= self.fail_on)
            if bad:
                level = self.fail_on.label + ("" if self.fail_on is Severity.CRITICAL else " or worse")
                said.append(f"{bad} {'finding is' if bad == 1 else 'findings are'} {level}")
        if self.compliance is not None:
            said += [
                f"compliance with {framework.id} is {framework.score:.4g}%, below {self.compliance:g}%"
                for framework in report.frameworks
                if framework.score < self.compliance
            ]
        return said


def exit_status(report: Report, gate: Gate) -> int:
    """The highest status that applies: 3 not all was scanned, 2 wrong setup, 1 gate failed, 0."""
    if report.not_scanned:
        return 3
    if report.wrong_setup:
        return 2
    return 1 if gate.objections(report) else 0
