"""What expressions see of images: for each a few numbers and names, never the thousands that a report has.

A pod sees what is known of its own images, so a new report of one image is news to those who run it, and to nobody
else: what was found of others is found again by the digest of what they see.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.evidence.images import Images, images_of
from kscan_lsp.evidence.model import IMAGES, Facts, facts
from kscan_lsp.evidence.vex import with_statements
from kscan_lsp.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from kscan_lsp.evidence.images import ImageReport, Vulnerability
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.evidence.vex import Statement

NAMED: Final = 5
"""Ids that are listed of those that are many."""


class ImageFacts(Struct, frozen=True, eq=False):
    """What is known of images on one day; made by `image_facts`."""

    images: Images
    summaries: Mapping[int, Facts]
    """By the identity of the reports in `images`."""
    digest: bytes
    today: date
    only_fixable: bool = False
    """Whether what nobody has fixed yet does not count."""

    def about(self, images: Iterable[str]) -> Facts:
        """What is known of some images, by how a manifest refers to them; those are not there of which nothing is."""
        known = {}
        for image in images:
            report = self.images.of(image)
            if report is not None:
                known[image] = self.summaries[id(report)]
        digest = hashlib.blake2b(digest_size=16)
        for image in sorted(known):
            digest.update(image.encode("utf-8", "surrogatepass") + b"\0" + known[image].digest)
        return Facts({image: one.data for image, one in known.items()}, digest.digest())


def facts_in(evidence: Evidence) -> ImageFacts | None:
    """What is known of images; None where nothing is."""
    # there is one kind of facts about images, made by `image_facts`
    return evidence.kinds.get(IMAGES)  # type: ignore[return-value]


def image_facts(
    reports: Sequence[ImageReport],
    statements: Sequence[Statement],
    today: date,
    *,
    max_age_days: int,
    only_fixable: bool = False,
) -> ImageFacts:
    """Make facts of reports.

    Args:
        reports: what sources say.
        statements: what is said of vulnerabilities besides.
        today: the day that ages are counted to, and that statements hold on.
        max_age_days: how old a report may be.
        only_fixable: whether what nobody has fixed yet does not count.
    """
    images = images_of(with_statements(_dated(report, today), statements, today) for report in reports)
    summaries = {
        id(one): facts(summary_of(one, today, max_age_days=max_age_days, only_fixable=only_fixable))
        for one in images.reports
    }
    digest = hashlib.blake2b(digest_size=16)
    for name, report in sorted((*images.by_name.items(), *images.by_digest.items()), key=lambda one: one[0]):
        digest.update(name.encode("utf-8", "surrogatepass") + b"\0" + summaries[id(report)].digest)
    return ImageFacts(images, summaries, digest.digest(), today, only_fixable)


def _dated(report: ImageReport, today: date) -> ImageReport:
    """A report that is not from the future: it would be newer than any other, and never too old."""
    if report.made is None or report.made <= today:
        return report
    # a day ahead is what other parts of the world are
    return replace(report, made=today if report.made - today == timedelta(days=1) else None)


def counted_of(report: ImageReport, *, only_fixable: bool) -> list[Vulnerability]:
    """The vulnerabilities of an image that count, the worst first."""
    found = [one for one in report.vulnerabilities if one.counts and (one.fixed or not only_fixable)]
    return sorted(found, key=lambda one: one.rank, reverse=True)


def counts_text(vulnerabilities: Sequence[Vulnerability]) -> str:
    """How many of each severity, and of how many there is a fix: `2 critical, 9 high; 8 have fixes`."""
    by_severity = Counter(one.severity for one in vulnerabilities)
    named = [f"{by_severity[one]} {one.label}" for one in sorted(Severity, reverse=True) if by_severity[one]]
    if by_severity[None]:
        named.append(f"{by_severity[None]} not rated")
    fixable = sum(bool(one.fixed) for one in vulnerabilities)
    number = len(vulnerabilities)
    has = (
        "all have fixes"
        if fixable == number > 1
        else f"{fixable} {'has a fix' if fixable == 1 else 'have fixes'}"
    )
    return f"{', '.join(named)}; {has if fixable else 'none has a fix'}" if named else "nothing known"


def summary_of(
    report: ImageReport, today: date, *, max_age_days: int, only_fixable: bool = False
) -> dict[str, Any]:
    """What controls see of an image."""
    found = counted_of(report, only_fixable=only_fixable)
    by_severity = Counter(one.severity for one in found)
    rated = [severity for severity in by_severity if severity]
    severe = [one for one in found if one.severity is Severity.CRITICAL]
    age = (today - report.made).days if report.made else -1
    return {
        **{severity.label: by_severity[severity] for severity in Severity},
        "unrated": by_severity[None],
        "total": len(found),
        "fixable": sum(bool(one.fixed) for one in found),
        "worst": max(rated).label if rated else "",
        "counts": counts_text(found),
        "criticals": _names(severe),
        "kev": _names([one for one in found if one.kev]),
        "rce": _names(
            [one for one in found if one.rce and one.severity in {Severity.CRITICAL, Severity.HIGH}]
        ),
        "system": report.system,
        "endOfLife": report.end_of_life,
        "source": report.source,
        "ageDays": age,
        "stale": age > max_age_days,
    }


def _names(found: Sequence[Vulnerability]) -> list[str]:
    """What some are called, each with what fixes it; of many the first."""
    names = dict.fromkeys(f"{one.id} in {one.package}" for one in found)
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return [*list(names)[:NAMED], *more]
