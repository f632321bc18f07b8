"""What became different since a baseline was written: what is new, what is gone, and why it is gone.

A finding that is not there any more was fixed only if somebody looked: where its control is off now, its file is
excluded or could not be judged, that is what is said. One that was accepted meanwhile is neither.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from kscan_lsp.dispositions.baseline import (
    VERSION,
    Baseline,
    BaselineEntry,
    BaselineScore,
    fingerprint_of,
)
from kscan_lsp.evidence.images import identity
from kscan_lsp.findings import Severity
from kscan_lsp.paths import lookup
from kscan_lsp.redaction import redact
from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, ScoreChange
from kscan_lsp.settings.shape import chosen
from kscan_lsp.workspace.baselines import image_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kscan_lsp.dispositions.baseline import BaselineMatch, Matching
    from kscan_lsp.findings import ResourceId
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Report, Reported
    from kscan_lsp.settings.model import Settings

_DIGITS: Final = 16
"""Hexadecimal digits of a digest that somebody compares by eye."""


class Compared(Struct, frozen=True):
    """A baseline matched with the findings of a scan.

    `files` has, by what the baseline calls a file, what the report calls it; `name_of` does the same for any.
    """

    name: str
    baseline: Baseline
    matching: Matching
    files: Mapping[str, str]
    name_of: Callable[[str], str]
    is_covered: Callable[[str], bool]
    """Whether the scan was to look at a file, by what the report calls it."""
    images: tuple[ReportedImage, ...] | None = None
    """The images that were run then; None where nobody knows."""


def drift(report: Report, compared: Compared, digests: tuple[str, str]) -> Drift:
    """What became different.

    Args:
        report: what was found, with its findings in the order in which those of each file were matched.
        compared: the baseline, matched with them.
        digests: those of the settings and of the policies now (`digest_of_settings`, `digest_of_policies`).
    """
    baseline = compared.baseline
    claims = _claims(report, compared)
    known = [KnownFinding(claim.entry, one) for one, claim in claims if claim]
    gone = [_gone(entry, report, compared) for entry in compared.matching.left]
    covered = [one for one in gone if one is not None]
    then = set(baseline.controls)
    on = {i for i, rule in report.rules.items() if not rule.needs}
    return Drift(
        compared.name,
        baseline.date,
        new=tuple(one for one, claim in claims if claim is None and one.finding.status == "open"),
        fixed=tuple(one for one in covered if one.what == "fixed"),
        moved=tuple(KnownFinding(claim.entry, one) for one, claim in claims if claim and claim.moved),
        severity=tuple(one for one in known if one.entry.severity != one.reported.finding.severity.label),
        suppressed=tuple(one for one in known if one.reported.finding.status == "accepted"),
        excluded=tuple(one for one in covered if one.what == "left out"),
        unjudged=tuple(one for one in covered if one.what == "not judged"),
        unchanged=sum(
            claim is not None
            and not claim.moved
            and claim.entry.severity == one.finding.severity.label
            and one.finding.status != "accepted"
            for one, claim in claims
        ),
        scores=tuple(_scores(report, baseline)),
        new_controls=tuple(sorted(on - then)) if then else (),
        images=compared.images,
        other_settings=bool(baseline.settings) and baseline.settings != digests[0],
        other_policies=bool(baseline.policies) and baseline.policies != digests[1],
    )


def _claims(report: Report, compared: Compared) -> list[tuple[Reported, BaselineMatch | None]]:
    """The findings of a report with what each was then."""
    called = {file: name for name, file in compared.files.items()}
    numbers: Counter[str] = Counter()
    found: list[tuple[Reported, BaselineMatch | None]] = []
    for one in report.findings:
        name = called.get(one.file)
        if name is None:  # of a file that another baseline is for
            continue
        found.append((one, compared.matching.claims[name].get(numbers[one.file])))
        numbers[one.file] += 1
    return found


def _gone(entry: BaselineEntry, report: Report, compared: Compared) -> GoneFinding | None:
    """Why a finding is not there any more; None where nobody was to look."""
    file = compared.files.get(entry.file) or compared.name_of(entry.file)
    if not compared.is_covered(file):
        return None
    rule = report.rules.get(entry.control)
    if rule is None:
        return GoneFinding(entry, file, "left out", f"{entry.control} is off")
    skipped = next((one for one in report.skipped if file == one.file or _is_below(file, one.file)), None)
    if skipped:
        if skipped.reason == "excluded":
            return GoneFinding(entry, file, "left out", "the file is excluded")
        return GoneFinding(entry, file, "not judged", skipped.reason)
    if any(one.file == file for one in report.not_scanned):
        return GoneFinding(entry, file, "not judged", "the file could not be judged, or not wholly")
    text = report.texts.get(file)
    if text is None:
        return GoneFinding(entry, file, why="the file is gone")
    for placed in text.file.documents:
        for verdicts in placed.checked.verdicts:
            for one in verdicts.unevaluated:
                if one.control == entry.control and object_name(verdicts.resource.id) == entry.object:
                    return GoneFinding(entry, file, "not judged", f"not evaluated: {one.reason}")
    return GoneFinding(entry, file)


def _is_below(file: str, folder: str) -> bool:
    return folder.endswith("/") and file.startswith(folder)


def _scores(report: Report, baseline: Baseline) -> Iterable[ScoreChange]:
    before = {one.id: one.score for one in baseline.frameworks}
    now = {one.id: one.score if one.judged else None for one in report.frameworks}
    for framework in dict.fromkeys([*before, *now]):
        if before.get(framework) != now.get(framework):
            yield ScoreChange(framework, before.get(framework), now.get(framework))


def object_name(who: ResourceId) -> str:
    """What a baseline calls an object, for people: a fingerprint tells it from others."""
    name = f"{who.namespace}/{who.name}" if who.namespace else who.name
    return redact(f"{who.kind} {name}".strip())


class Author(Struct, frozen=True):
    """Who takes findings into a baseline, and why."""

    owner: str = ""
    reason: str = ""


NOBODY: Final = Author()
"""Nobody said who, or why."""


def written(
    report: Report,
    compared: Compared | None,
    name_of: Callable[[str], str],
    *,
    tool: str,
    digests: tuple[str, str],
    author: Author = NOBODY,
    take_in: bool = True,
) -> Baseline:
    """The baseline that says what a report says.

    What was in the one before keeps its day, its owner and its reason; what that has and the scan did not look at, or
    could not judge, stays in it.

    Args:
        report: what was found.
        compared: the one before, matched with it.
        name_of: what the baseline calls a file of the report.
        tool: the version of the program.
        digests: as for `drift`.
        author: who takes in what is new.
        take_in: whether what is new is taken in.
    """
    today = report.circumstances.day.isoformat() if report.circumstances.day else ""
    pairs = _claims(report, compared) if compared else [(one, None) for one in report.findings]
    counted: Counter[BaselineEntry] = Counter()
    images = {identity(one.reference): one.vulnerabilities for one in report.images if one.source}
    for one, claim in pairs:
        if one.finding.status == "accepted" or (claim is None and not take_in):
            continue
        finding = one.finding
        before = claim.entry if claim else None
        image = image_with(finding, images.get(identity(str(lookup(finding.data, finding.path)))))
        entry = BaselineEntry(
            file=name_of(one.file),
            object=object_name(finding.resource),
            control=finding.control,
            path=redact(finding.stable_path),
            severity=finding.severity.label,
            fingerprint=fingerprint_of(finding),
            since=before.since if before else today,
            owner=before.owner if before else author.owner,
            reason=before.reason if before else author.reason,
            image=image.reference if image else "",
            vulnerabilities=image.vulnerabilities if image else 0,
        )
        counted[entry] += 1
    if compared:
        for entry in compared.matching.left:
            gone = _gone(entry, report, compared)
            if gone is None or gone.what == "not judged":
                counted[msgspec.structs.replace(entry, count=1)] += entry.count
    return Baseline(
        version=VERSION,
        tool=tool,
        date=today,
        settings=digests[0],
        policies=digests[1],
        frameworks=tuple(
            BaselineScore(
                id=one.id,
                score=round(one.score, 2) if one.judged else None,
                score_accepted=round(one.score_accepted, 2) if one.judged else None,
            )
            for one in report.frameworks
        ),
        controls=tuple(sorted(i for i, rule in report.rules.items() if not rule.needs)),
        findings=tuple(msgspec.structs.replace(entry, count=count) for entry, count in counted.items()),
    )


def digest_of_settings(settings: Iterable[Settings]) -> str:
    """What tells what was chosen from other choices; what is as it is by default is no choice.

    So a version that knows more settings takes none of those that say nothing about them for others.
    """
    of_gates = {"baseline", "gate", "diagnostics"}
    texts = [
        msgspec.json.encode({key: value for key, value in chosen(one).items() if key not in of_gates})
        for one in settings
    ]
    return hashlib.sha256(b"\n".join(sorted(set(texts)))).hexdigest()[:_DIGITS]


def digest_of_policies(rulesets: Iterable[Ruleset]) -> str:
    """What tells the controls that were on, and their severities, from others."""
    parts = {
        repr((control.id, ruleset.severities[control.id].label, *_questions(control))).encode()
        for ruleset in rulesets
        for control in ruleset.controls.values()
    }
    return hashlib.sha256(b"\n".join(sorted(parts))).hexdigest()[:_DIGITS]


def _questions(control: Control) -> Iterable[str]:
    for check in control.checks:
        for expression in check.expressions():
            yield expression.source
    for rule in control.rego:
        yield rule.source.digest


def counted_by_severity(found: Iterable[Reported]) -> dict[Severity, int]:
    """How many findings there are of each severity, the worst first; none are left out."""
    counted = Counter(one.finding.severity for one in found)
    return {severity: counted[severity] for severity in sorted(Severity, reverse=True) if counted[severity]}
