"""What makes a scan fail, and the exit status that stands for it.

Each failure says which gate it is, by which findings, and what to do: it is what somebody reads whose pipeline is red.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.findings import Severity
from kscan_lsp.report.model import ANY
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.model import Report, Reported


class GateFailure(Struct, frozen=True):
    """Why a gate does not pass, the findings it is for, the worst first, and what to do."""

    why: str
    findings: tuple[Reported, ...]
    advice: str

    def places(self, most: int) -> str:
        """Where the first findings are, in words; empty where it is for none."""
        shown = [
            f"{one.finding.control} at {one.file}:{one.range.start.line}" for one in self.findings[:most]
        ]
        left = len(self.findings) - len(shown)
        return ", ".join([*shown, f"and {left} more"] if left else shown)


def gate_failures(report: Report) -> list[GateFailure]:
    """Why the gate does not pass; empty where it does."""
    found = [*_severities(report), *_compliance(report)]
    if report.gate.images is not None and report.gate.images.asks:
        from kscan_lsp.report.image_gates import failures_of_images  # few scans ask for vulnerabilities

        found += [
            GateFailure(why, (), advice) for why, advice in failures_of_images(report, report.gate.images)
        ]
    return found


def _severities(report: Report) -> Iterator[GateFailure]:
    level = report.gate.fail_on
    if level is None:
        return
    found = [one for one in report.open() if one.finding.severity >= level]
    if not found:
        return
    named = level.label + ("" if level is Severity.CRITICAL else " or worse")
    new = "new " if report.drift else ""
    why = f"{counted(len(found), f'{new}finding is', f'{new}findings are')} {named}"
    advice = "fix them ('kscan fix' shows how), or accept each with a reason"
    if report.drift:
        advice += "; 'kscan baseline update' takes them into the baseline"
    yield GateFailure(why, tuple(sorted(found, key=lambda one: -one.finding.severity)), advice)


def _compliance(report: Report) -> Iterator[GateFailure]:
    own = dict(report.gate.compliance)
    for framework in report.frameworks:
        least = own.get(framework.id, own.get(ANY))
        if least is None or not framework.judged or framework.score_accepted >= least:
            continue
        why = f"compliance with {framework.id} is {framework.score_accepted:.4g}%, below {least:g}%"
        if framework.score_accepted != framework.score:
            why += " (accepted risks counted as passed)"
        members = {member.id for member in framework.members}
        found = [
            one
            for one in report.findings
            if one.finding.control in members and one.finding.status != "accepted"
        ]
        advice = f"fix findings of the controls of {framework.id}; the report lists them"
        yield GateFailure(why, tuple(sorted(found, key=lambda one: -one.finding.severity)), advice)
    on = {framework.id for framework in report.frameworks}
    for name, least in own.items():
        if name != ANY and name not in on:
            why = f"compliance with {name} is not known, and was to be {least:g}%: it is not on"
            yield GateFailure(
                why, (), f"add {name} to the frameworks of the settings, or take its threshold out"
            )


def exit_status(report: Report) -> int:
    """The highest status that applies: 3 not all was scanned, 2 wrong setup, 1 gate failed, 0."""
    if report.not_scanned and not report.gate.unscanned:
        return 3
    if report.wrong_setup:
        return 2
    return 1 if gate_failures(report) else 0
