"""Drift as plain values: the same in the JSON of a report and in that of `kscan baseline diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, Reported


def drift_data(one: Drift) -> dict[str, Any]:
    """Drift as plain values."""
    return {
        "baseline": one.name,
        "date": one.date,
        "new": [_reported(entry) for entry in one.new],
        "fixed": [_gone(entry) for entry in one.fixed],
        "moved": [_known(entry) for entry in one.moved],
        "severityChanged": [_known(entry) for entry in one.severity],
        "accepted": [_known(entry) for entry in one.suppressed],
        "leftOut": [_gone(entry) for entry in one.excluded],
        "notJudged": [_gone(entry) for entry in one.unjudged],
        "unchanged": one.unchanged,
        "scores": [{"framework": s.framework, "before": s.before, "now": s.now} for s in one.scores],
        "newControls": list(one.new_controls),
        "otherSettings": one.other_settings,
        "otherPolicies": one.other_policies,
    }


def _reported(entry: Reported) -> dict[str, Any]:
    return {
        "file": entry.file,
        "line": entry.range.start.line,
        "control": entry.finding.control,
        "severity": entry.finding.severity.label,
        "fingerprint": entry.fingerprint,
        "message": entry.finding.message,
    }


def _known(known: KnownFinding) -> dict[str, Any]:
    before = {"file": known.entry.file, "severity": known.entry.severity, "since": known.entry.since}
    return {**_reported(known.reported), "before": before}


def _gone(gone: GoneFinding) -> dict[str, Any]:
    entry = gone.entry
    return {
        "file": gone.file,
        "object": entry.object,
        "control": entry.control,
        "path": entry.path,
        "severity": entry.severity,
        "fingerprint": entry.fingerprint,
        "count": entry.count,
        "why": gone.why or None,
    }
