"""What a scan says, as one frozen Report: findings in file positions, rules, coverage, compliance and the gate.

Every format is a function of a Report, so that no two of them can disagree; whatever a format may show is in it. Lines
and columns count from 1, columns in code points.

Left out on purpose: how a report is made (`build.py`), how scores are counted (`compliance.py`) and what a report
looks like (one file per format, listed in `formats.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from msgspec import Struct

from kscan_lsp.findings import SUPPRESSION, UNUSED, Severity, fingerprint
from kscan_lsp.report.circumstances import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp import paths
    from kscan_lsp.dispositions.baseline import BaselineEntry
    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.report.circumstances import Circumstances
    from kscan_lsp.report.file_text import FileText
    from kscan_lsp.report.image_model import ImageGate, ReportedImage
    from kscan_lsp.report.standards import FrameworkScore, FrameworkSection, StandardChange

SKIP_REASONS: Final = ("excluded", "helm-template", "jinja-template", "kustomize-patch", "not-kubernetes")
"""Why a file is left alone by design."""


class LineColumn(NamedTuple):
    """A position in a file for people: line and column count from 1."""

    line: int
    column: int


class FileRange(Struct, frozen=True, order=True):
    """A part of a file, from its first character to right behind its last one: lines and columns count from 1."""

    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def start(self) -> LineColumn:
        """Where it begins."""
        return LineColumn(self.line, self.column)

    @property
    def end(self) -> LineColumn:
        """Where it is over."""
        return LineColumn(self.end_line, self.end_column)


FILE_START: Final = FileRange(1, 1, 1, 1)
"""Where something stands that has no place in a file."""


class FixEdit(Struct, frozen=True):
    """Replace what lies in a range of the file."""

    range: FileRange
    text: str


class FixOption(Struct, frozen=True, cache_hash=True):
    """One way to make a finding go away. `edits` is None where they were not worked out."""

    title: str
    safe: bool
    edits: tuple[FixEdit, ...] | None = None


class Rule(Struct, frozen=True):
    """A control that is on: what it is about, as severe as the settings have it.

    `needs` is what would answer it where no manifest does; such a control is never evaluated.
    """

    id: str
    title: str
    description: str
    remediation: str
    score: float
    severity: Severity
    category: str
    references: tuple[str, ...]
    frameworks: tuple[FrameworkSection, ...]
    needs: str


class RelatedLocation(Struct, frozen=True):
    """Another object that a finding rests on."""

    resource: ResourceId
    file: str
    range: FileRange
    path: str
    message: str


class Reported(Struct, frozen=True):
    """A finding at its place in a file, with its rule.

    The rule is that of the settings which hold for the file: two folders may each have a control of one id.
    """

    finding: Finding
    file: str
    range: FileRange
    rule: Rule
    related: tuple[RelatedLocation, ...] = ()
    fixes: tuple[FixOption, ...] = ()
    accepted_file: str = ""
    """The file that accepts it: its own, or one with exceptions; empty where none does."""
    accepted_line: int = 0
    """The line of that file; 0 where it is not accepted."""
    ordinal: int = 0
    """How many objects of the same identity its project has before this one."""
    ways: paths.Ways | None = None
    """What is known of paths into its object; its findings have most of their ways in common."""
    rendered_with: tuple[str, ...] = ()
    """The values files of a chart, or the overlays, that it is found with; empty for what stands in a manifest."""

    @property
    def fingerprint(self) -> str:
        """The identity of the finding in its project."""
        return fingerprint(self.finding, self.ordinal, self.ways)


class FileProblem(Struct, frozen=True):
    """Something wrong with a manifest, a settings file or a policy. `code` is that of `findings.Problem`."""

    file: str
    range: FileRange
    message: str
    code: str

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong, and not only of no use."""
        return self.code != UNUSED

    @property
    def is_wrong_setup(self) -> bool:
        """Whether a setting or a policy is wrong; an exception that expired leaves that to the findings it let go."""
        return self.code not in {UNUSED, SUPPRESSION}


class Skipped(NamedTuple):
    """A file, or a folder with a slash at its end, that was left alone by design: one of `SKIP_REASONS`.

    `hint` is a command that has it judged, or empty.
    """

    file: str
    reason: str
    hint: str = ""


class NotScanned(Struct, frozen=True):
    """What should have been scanned and was not, or not fully."""

    file: str
    line: int
    reason: str


class KindNotJudged(Struct, frozen=True):
    """A kind that nothing is known about: how many objects of it were scanned, and what may be meant."""

    kind: str
    api_version: str
    objects: int
    meant: str
    """`apiVersion kind` of what Kubernetes has; empty where nothing is like it."""


class NotEvaluated(Struct, frozen=True):
    """Where and why a control could not be evaluated."""

    file: str
    line: int
    path: str
    reason: str


class ControlResult(Struct, frozen=True):
    """What became of one control, counted in resources.

    `failed` have a finding that counts, `accepted` none but accepted ones; `evaluated` are these two and what passed.
    """

    id: str
    evaluated: int = 0
    failed: int = 0
    accepted: int = 0
    not_evaluated: int = 0
    reasons: tuple[NotEvaluated, ...] = ()
    """The first of those that could not be evaluated."""

    @property
    def score(self) -> float:
        """Compliance from 0 to 100, as things are."""
        return self._share(self.evaluated - self.failed - self.accepted)

    @property
    def score_accepted(self) -> float:
        """Compliance from 0 to 100, with what is accepted counted as passed."""
        return self._share(self.evaluated - self.failed)

    def _share(self, passed: int) -> float:
        applies = self.evaluated + self.not_evaluated
        return 100.0 * passed / applies if applies else 100.0


class KnownFinding(Struct, frozen=True):
    """A finding of the baseline that is still there, as it was and as it is."""

    entry: BaselineEntry
    reported: Reported


class GoneFinding(Struct, frozen=True):
    """A finding of the baseline that is not seen any more: its `file` in the report, what became of it, and why."""

    entry: BaselineEntry
    file: str
    what: Literal["fixed", "left out", "not judged"] = "fixed"
    why: str = ""


class ScoreChange(Struct, frozen=True):
    """How a framework stood and stands; None where nothing was, or is, judged by it."""

    framework: str
    before: float | None
    now: float | None


class Drift(Struct, frozen=True):
    """What became different since a baseline was written."""

    name: str
    """Of the baseline's file, or of what it was made from."""
    date: str
    new: tuple[Reported, ...] = ()
    fixed: tuple[GoneFinding, ...] = ()
    moved: tuple[KnownFinding, ...] = ()
    """In another file now."""
    severity: tuple[KnownFinding, ...] = ()
    """As severe as something else now."""
    suppressed: tuple[KnownFinding, ...] = ()
    """Accepted by a comment, an annotation or an exception that was not there, or did not count, then."""
    excluded: tuple[GoneFinding, ...] = ()
    """Of a control that is off now, or in a file that the settings leave out."""
    unjudged: tuple[GoneFinding, ...] = ()
    """In what could not be judged this time."""
    unchanged: int = 0
    scores: tuple[ScoreChange, ...] = ()
    new_controls: tuple[str, ...] = ()
    """Controls that are on now and were not then: their findings are new without anybody's edit."""
    images: tuple[ReportedImage, ...] | None = None
    """The images that were run then; None where nobody knows."""
    other_settings: bool = False
    other_policies: bool = False

    @property
    def stale(self) -> tuple[GoneFinding, ...]:
        """What `update` takes out."""
        return (*self.fixed, *self.excluded)


ANY: Final = ""
"""What stands for each framework that is on, among thresholds."""


class Gate(Struct, frozen=True):
    """What makes a scan fail. None is never.

    `compliance` has the least percentage of a framework by its id, or of `ANY`; accepted risks count as passed for it.
    `unscanned` lets it pass where something was not scanned. `images` is about vulnerabilities of images.
    """

    fail_on: Severity | None = Severity.HIGH
    compliance: tuple[tuple[str, float], ...] = ()
    unscanned: bool = False
    images: ImageGate | None = None


NO_GATE: Final = Gate(None)
"""Nothing makes it fail."""


class Report(Struct, frozen=True):
    """All that one scan says, in a fixed order.

    `rules` has every control that is on, by id, and `controls` what became of each, in the same order. `texts` has
    every file that was scanned, by its name in the report, for excerpts.
    """

    files: int
    resources: int
    findings: tuple[Reported, ...]
    problems: tuple[FileProblem, ...]
    not_scanned: tuple[NotScanned, ...]
    skipped: tuple[Skipped, ...]
    rules: Mapping[str, Rule]
    controls: tuple[ControlResult, ...]
    frameworks: tuple[FrameworkScore, ...]
    texts: Mapping[str, FileText]
    gate: Gate = NO_GATE
    requested: tuple[str, ...] = ()
    """The files and folders that the user named."""
    kinds_not_judged: tuple[KindNotJudged, ...] = ()
    """What was scanned and no control looks at."""
    wrong_setup: bool = False
    """A setting or a policy is wrong."""
    changes: tuple[StandardChange, ...] = ()
    """What the project changes about the standards, those of frameworks that are not chosen included."""
    list_skipped: bool = False
    """Whether people want the names of what was left alone."""
    circumstances: Circumstances = UNKNOWN
    """What it was made from besides manifests."""
    drift: tuple[Drift, ...] = ()
    """What became different since each baseline that it was compared with."""
    images: tuple[ReportedImage, ...] = ()
    """The images that workloads run, the worst first, where anything is known of any."""
    answered: tuple[tuple[str, int], ...] = ()
    """MutatingAdmissionPolicies by name, with how many findings in the text of manifests are none in what is stored."""

    def skipped_by_reason(self) -> dict[str, int]:
        """How many files were left alone, for each of `SKIP_REASONS`."""
        counted = Counter(entry.reason for entry in self.skipped)
        return {reason: counted[reason] for reason in SKIP_REASONS}

    def open(self) -> Iterator[Reported]:
        """The findings that count: neither accepted nor in a baseline."""
        return (entry for entry in self.findings if entry.finding.disposition is None)

    def by_severity(self) -> dict[Severity, int]:
        """Open findings counted, the worst first; every severity is there."""
        counted = Counter(entry.finding.severity for entry in self.open())
        return {severity: counted[severity] for severity in sorted(Severity, reverse=True)}
