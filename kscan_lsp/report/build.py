"""Checked files -> a Report: findings placed in their files, resources counted, frameworks scored."""

from __future__ import annotations

from collections import Counter
from itertools import repeat
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp import paths
from kscan_lsp.findings import Verbatim
from kscan_lsp.policy.admission import is_of_admission, stand_in
from kscan_lsp.render.source_map import Rendered, few
from kscan_lsp.report.circumstances import UNKNOWN
from kscan_lsp.report.compliance import compliance, control_results
from kscan_lsp.report.fixes import fixes_in
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.kinds import kinds_not_judged
from kscan_lsp.report.model import (
    NO_GATE,
    ControlResult,
    FileProblem,
    NotEvaluated,
    NotScanned,
    RelatedLocation,
    Report,
    Reported,
    Rule,
    Skipped,
)
from kscan_lsp.report.places import range_in, range_of
from kscan_lsp.report.rendered import RenderedSources, counted_objects, is_extra
from kscan_lsp.report.rules import rule_of, rules_of
from kscan_lsp.report.unscanned import not_fully_scanned, not_judged_at_all
from kscan_lsp.workspace.fingerprints import object_ordinals
from kscan_lsp.workspace.locations import location_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding, Location, ResourceId, Severity
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.circumstances import Circumstances
    from kscan_lsp.report.file_text import FileText
    from kscan_lsp.report.fixes import FileFixes
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import FileRange, Gate
    from kscan_lsp.report.standards import StandardChange
    from kscan_lsp.text import Span
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument

MAX_REASONS: Final = 20
"""PlaceLinks listed for a control that could not be evaluated; the count is always exact."""


def build(
    checked: Iterable[tuple[CheckedFile, Project]],
    *,
    skipped: Iterable[Skipped] = (),
    not_scanned: Iterable[NotScanned] = (),
    problems: Iterable[FileProblem] = (),
    changes: Iterable[StandardChange] = (),
    fix_detail: FixDetail = FixDetail.TITLES,
    fixes: Iterator[FileFixes] | None = None,
    gate: Gate = NO_GATE,
    requested: Iterable[str] = (),
    list_skipped: bool = False,
    circumstances: Circumstances = UNKNOWN,
    name: Callable[[str], str] = str,
    path_name: Callable[[str], str] = str,
) -> Report:
    """Put a report together.

    Args:
        checked: files as judged, each with the project it is in, in the order to report them.
        skipped: files that were left alone before they were judged.
        not_scanned: files that could not be read, and what was named and holds nothing that is scanned.
        problems: what is wrong with settings and policies.
        changes: what they change about the standards that come with the program.
        fix_detail: how much to find out about fixes.
        fixes: what there is to find out (`fixes_in`), of each file; else it is found out here.
        gate: what makes the scan fail.
        requested: the files and folders that the user named.
        list_skipped: whether people want the names of what was left alone.
        circumstances: what it is made from besides manifests.
        name: what the report calls a file of a project.
        path_name: what it calls another, by its path.
    """
    builder = _Builder(name, path_name, gate.fail_on)
    judged = [*checked]
    each = fixes_in(judged, fix_detail) if fixes is None else fixes
    setup = tuple(problems)
    builder.skipped.update((entry.file, entry) for entry in skipped)
    builder.not_scanned += not_scanned
    for file, project in judged:
        builder.add(file, project, next(each))
    rules = builder.all_rules()
    controls = builder.control_results(rules)
    changed = tuple(dict.fromkeys(changes))
    kinds = kinds_not_judged(builder.objects)
    nothing_known = sum(one.objects for one in kinds) == len(builder.judged)
    looked_at = any(one.evaluated or one.not_evaluated for one in controls.values())
    if builder.judged and not builder.not_scanned and (not looked_at or nothing_known):
        resources = [verdicts.resource.id for verdicts, _ in builder.judged]
        builder.not_scanned.append(not_judged_at_all(next(iter(builder.texts)), resources))
    return Report(
        files=builder.files,
        resources=len(builder.judged),
        findings=tuple(builder.findings),
        problems=tuple(dict.fromkeys((*setup, *builder.problems))),
        # a template may be as broken with one set of values as with another
        not_scanned=tuple(dict.fromkeys(builder.not_scanned)),
        skipped=tuple(sorted(builder.skipped.values())),
        rules=rules,
        controls=tuple(controls.values()),
        frameworks=compliance(
            (ruleset for ruleset, _ in builder.rulesets.values()), {} if nothing_known else controls, changed
        ),
        texts=builder.texts,
        gate=gate,
        requested=tuple(requested),
        kinds_not_judged=kinds,
        wrong_setup=any(problem.is_wrong_setup for problem in setup),
        changes=changed,
        list_skipped=list_skipped,
        circumstances=circumstances,
        images=_images(judged, name, gate),
        answered=tuple(sorted(builder.answered.items())),
    )


def _images(
    judged: Sequence[tuple[CheckedFile, Project]], name: Callable[[str], str], gate: Gate
) -> tuple[ReportedImage, ...]:
    """The images that workloads run, where anything is known of any, or a gate asks."""
    if gate.images is None and not any(project.evidence.kinds for _, project in judged):
        return ()
    from kscan_lsp.report.images import reported_images

    return reported_images(judged, name, asked=gate.images is not None)


class _Builder:
    """Collects a report file by file."""

    def __init__(
        self,
        name: Callable[[str], str],
        path_name: Callable[[str], str],
        fail_on: Severity | None,
    ) -> None:
        self.path_name = path_name
        self.fail_on = fail_on
        self.name = name
        self.files = 0
        self.texts: dict[str, FileText] = {}
        self.findings: list[Reported] = []
        self.problems: list[FileProblem] = []
        self.not_scanned: list[NotScanned] = []
        self.skipped: dict[str, Skipped] = {}
        self.rulesets: dict[int, tuple[Ruleset, dict[str, Rule]]] = {}
        self.admission: dict[str, Rule] = {}
        """What stands for the admission policies that were asked."""
        self.judged: list[tuple[Verdicts, set[str]]] = []
        self.objects: list[tuple[ResourceId, Ruleset]] = []
        self.answered: Counter[str] = Counter()
        self.reasons: dict[str, list[NotEvaluated]] = {}
        self.sources = RenderedSources()
        self.ordinals: dict[Project, dict[tuple[str, int, Path], int]] = {}

    def add(self, file: CheckedFile, project: Project, fixes: FileFixes) -> None:
        rules = self.rules(project.ruleset)
        if file.skipped:
            named = self.name(file.path)
            self.skipped.setdefault(named, Skipped(named, file.skipped))
            return
        self.files += 1
        own = self.name(file.path)
        self.texts[own] = self.sources.text(file, project)
        if project not in self.ordinals:
            self.ordinals[project] = object_ordinals(project)
        for number, document in enumerate(file.documents):
            options = iter(fixes[number]) if fixes else repeat(())
            places: dict[Span, tuple[str, FileRange]] = {}
            verbatim = isinstance(document.source, Verbatim)
            for verdicts in document.checked.verdicts:
                ways: paths.Ways = {}
                ordinal = self.ordinals[project].get((file.path, number, verdicts.resource.root), 0)
                for finding in verdicts.findings:
                    rule = rules.get(finding.control) or self.admissionrule_of(finding)
                    place = places.get(finding.span)
                    if place is None:  # many findings are about what is missing in one place
                        place = places[finding.span] = (
                            (own, range_in(document, finding.span))
                            if verbatim
                            else self.place_of(document, finding.span, project)
                        )
                    entry = Reported(finding, *place, rule, fixes=next(options), ordinal=ordinal, ways=ways)
                    if not verbatim or finding.related or finding.disposition is not None:
                        entry = self.completed(entry, document, project)
                    self.findings.append(entry)
        said = [one.said for placed in file.documents for one in placed.checked.admitted]
        asked = any(one.passed or one.unevaluated for one in said)
        for document, verdicts, failing in counted_objects(file):
            self.judged.append((verdicts, failing))
            self.answered.update([policy for policy, _ in verdicts.answered])
            for name in (
                (*verdicts.passed, *(entry.control for entry in verdicts.unevaluated)) if asked else ()
            ):
                if is_of_admission(name) and name not in self.admission:
                    self.admission[name] = rule_of(stand_in(name), stand_in(name).severity)
            self.objects.append((verdicts.resource.id, project.ruleset))
            self.add_reasons(document, verdicts, failing, project)
        self.add_problems(file, project)

    def place_of(self, document: PlacedDocument, span: Span, project: Project) -> tuple[str, FileRange]:
        """Where a span of a rendered document is: what the report calls its file, and as people count."""
        location = document.locate(span)
        name = self.name(location.file)
        if name not in self.texts and location.file in project.files:
            # a named template of another file, or what an overlay is built from
            self.texts[name] = self.sources.text(project.files[location.file], project)
        return name, range_of(location, project)

    def rules(self, ruleset: Ruleset) -> dict[str, Rule]:
        known = self.rulesets.get(id(ruleset))
        if known is None:
            known = self.rulesets[id(ruleset)] = (ruleset, rules_of(ruleset))
        return known[1]

    def admissionrule_of(self, finding: Finding) -> Rule:
        """What stands for an admission policy: as severe as what its binding does there, and at most anywhere."""
        rule = rule_of(stand_in(finding.control), finding.severity)
        known = self.admission.get(finding.control)
        if known is None or known.severity < rule.severity:
            self.admission[finding.control] = rule
        return rule

    def all_rules(self) -> dict[str, Rule]:
        """Those of all rulesets in order of their ids; of one id, that of the last."""
        rules = {i: rule for _, rules in self.rulesets.values() for i, rule in rules.items()} | self.admission
        return dict(sorted(rules.items()))

    def completed(self, entry: Reported, placed: PlacedDocument, project: Project) -> Reported:
        """A finding with what few have: it was rendered, is accepted, or rests on other places."""
        finding = entry.finding
        location = placed.locate(finding.span)
        with_: tuple[str, ...] = ()
        below = None
        said = finding.message
        if isinstance(placed.source, Rendered):
            with_ = placed.source.found_with.of(finding)
            below = placed.source.beneath(finding.span)
        if with_ and is_extra(placed):
            said += f" (rendered with {few(with_)})"
        if location.span and location.reason:
            said += f" ({location.reason})"
        related = [
            RelatedLocation(
                one.resource,
                self.name(other.file),
                range_of(other, project),
                paths.show(one.path),
                one.message,
            )
            for one in finding.related
            for other in (location_of(one, placed, project),)
        ]
        if below is not None:
            related.append(self.beneath(finding, *below, project))
        accepted_file, accepted_line = self.accepted_in(placed, finding, project)
        return replace(
            entry,
            finding=replace(finding, message=said) if said is not finding.message else finding,
            rendered_with=with_,
            related=tuple(related),
            accepted_file=accepted_file,
            accepted_line=accepted_line,
        )

    def beneath(
        self, finding: Finding, location: Location, message: str, project: Project
    ) -> RelatedLocation:
        """The place below the one of a finding."""
        place = range_of(location, project)
        path = paths.show(finding.path)
        return RelatedLocation(finding.resource, self.name(location.file), place, path, message)

    def accepted_in(self, placed: PlacedDocument, finding: Finding, project: Project) -> tuple[str, int]:
        """The file and the line that accept a finding."""
        said = finding.disposition
        if said is None or said.status != "accepted":
            return "", 0
        if said.file:
            return self.path_name(said.file), said.line
        location = placed.locate(said.span)
        return self.name(location.file), range_of(location, project).start.line

    def add_reasons(
        self, placed: PlacedDocument, verdicts: Verdicts, failed: set[str], project: Project
    ) -> None:
        for entry in verdicts.unevaluated:
            if entry.control in failed:
                continue
            reasons = self.reasons.setdefault(entry.control, [])
            if len(reasons) < MAX_REASONS:
                location = placed.locate(verdicts.resource.resolve(entry.path).span)
                line = range_of(location, project).start.line
                reasons.append(
                    NotEvaluated(self.name(location.file), line, paths.show(entry.path), entry.reason)
                )

    def add_problems(self, file: CheckedFile, project: Project) -> None:
        for location, problem in file.problems():
            range_ = range_of(location, project)
            self.problems.append(FileProblem(self.name(location.file), range_, problem.message, problem.code))
        if file.limit:
            self.not_scanned.append(NotScanned(self.name(file.path), 1, file.limit.message))
        self.not_scanned += not_fully_scanned(file, project, self.name, self.fail_on)

    def control_results(self, rules: Iterable[str]) -> dict[str, ControlResult]:
        counted = control_results(self.judged)
        return {
            i: replace(counted.get(i, ControlResult(i)), reasons=tuple(self.reasons.get(i, ())))
            for i in rules
        }
