"""What an editor shows beside the text: counts and scores of a file, the frameworks there are, totals of a scan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kscan_lsp.findings import Severity
from kscan_lsp.report.compliance import compliance, control_results

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.results import CheckedFile


def status(snapshot: DocumentSnapshot) -> dict[str, Any] | None:
    """A document's open findings by severity, what is suppressed, and its score in each chosen framework.

    None for a document that is left alone: nothing is known about it. A framework that looked at nothing in it is left
    out: it has no score.
    """
    if snapshot.checked.skipped:
        return None
    findings = [finding for placed in snapshot.checked.documents for finding in placed.checked.findings]
    statuses = Counter(finding.status for finding in findings)
    counted = Counter(finding.severity for finding in findings if finding.status == "open")
    results = control_results((judged.verdicts, judged.failing()) for judged in snapshot.objects())
    scores = compliance([snapshot.configuration.ruleset], results)
    return {
        **{severity.label: counted[severity] for severity in sorted(Severity, reverse=True)},
        "suppressed": statuses["accepted"],
        "frameworks": [
            {"id": f.id, "name": f.title, "score": f.score, "scoreAccepted": f.score_accepted}
            for f in scores
            if f.judged
        ],
    }


def frameworks(configuration: Configuration) -> list[dict[str, Any]]:
    """Every framework there is, and whether it is chosen."""
    ruleset = configuration.ruleset
    chosen = {framework.id for framework in ruleset.frameworks}
    return [
        {"id": framework.id, "name": framework.title, "active": framework.id in chosen}
        for framework in ruleset.policies.frameworks.values()
    ]


def totals(files: Iterable[CheckedFile]) -> dict[str, Any]:
    """How many manifests there are among some files, and their open findings by severity."""
    judged = [file for file in files if not file.skipped]
    counted = Counter(f.severity for file in judged for _, f in file.findings() if f.status == "open")
    findings = {severity.label: counted[severity] for severity in sorted(Severity, reverse=True)}
    return {"files": len(judged), "findings": findings}
