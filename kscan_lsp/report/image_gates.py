"""What makes a scan fail by the vulnerabilities of the images that are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.evidence.images import identity
from kscan_lsp.findings import Severity
from kscan_lsp.report.added import added_by
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.image_model import ImageGate
    from kscan_lsp.report.model import Report

_MAX_NAMED: Final = 3
"""Vulnerabilities and images that are named for a gate."""


def failures_of_images(report: Report, gate: ImageGate) -> Iterator[tuple[str, str]]:
    """Why the gate about images does not pass, and what to do about it."""
    new = gate.only_new and bool(report.drift)
    looked_at = [(image, image.vulnerabilities) for image in report.images]
    if new:
        added = {one.image.reference: one for drift in report.drift for one in added_by(drift, report.images)}
        looked_at = [(one.image, one.added) for one in added.values()]
    failing = [(image, one) for image, found in looked_at for one in found if gate.fails(one)]
    if failing:
        images = list(dict.fromkeys(image.reference for image, _ in failing))
        listed = [f"{one.id} in {one.package} of {image.reference}" for image, one in failing[:_MAX_NAMED]]
        more = f" and {len(failing) - _MAX_NAMED} more" if len(failing) > _MAX_NAMED else ""
        kind = "new " if new else ""
        found = counted(len(failing), f"{kind}vulnerability", f"{kind}vulnerabilities")
        why = f"{found} of {counted(len(images), 'image')} {_is_what(gate, len(failing))}: {', '.join(listed)}{more}"
        advice = "move to images that have the fixes, or say in a VEX statement why it does not matter here"
        yield why, advice
    there = {identity(one.reference) for drift in report.drift for one in drift.images or () if new}
    unknown = [
        one.reference for one in report.images if not one.source and identity(one.reference) not in there
    ]
    if unknown and not report.gate.unscanned:
        more = f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else ""
        no_report = counted(len(unknown), "image has", "images have")
        named = f"{', '.join(unknown[:_MAX_NAMED])}{more}"
        why = f"{no_report} no report, and a gate about vulnerabilities was asked for: {named}"
        advice = "have a scanner look at them (docs/images.md), or pass with --allow-unscanned"
        yield why, advice


def _is_what(gate: ImageGate, number: int) -> str:
    worse = gate.fail_on is not None and gate.fail_on is not Severity.CRITICAL
    what = [f"{gate.fail_on.label}{' or worse' if worse else ''}"] if gate.fail_on is not None else []
    what += ["exploited"] if gate.kev else []
    fixable = f" and {'has a fix' if number == 1 else 'have fixes'}" if gate.only_fixable else ""
    return f"{'is' if number == 1 else 'are'} {' or '.join(what)}{fixable}"
