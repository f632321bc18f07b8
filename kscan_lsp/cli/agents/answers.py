"""What is wrong with manifests, and the fixes that hold: answers to agents, short, with places and fingerprints.

Whatever a workspace says is below a key `fromWorkspace`; all else is kscan's own words, numbers and ids.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.cli.agents.asked import MOST, quoted, scanned, some
from kscan_lsp.cli.baselines import compare
from kscan_lsp.cli.fix import diff, fix_files
from kscan_lsp.cli.gates import gate_of
from kscan_lsp.cli.proof import prove
from kscan_lsp.cli.reports import report_of
from kscan_lsp.fixes.fix_all import is_open
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.gates import exit_status, gate_failures
from kscan_lsp.report.places import range_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from kscan_lsp.cli.agents.asked import Question
    from kscan_lsp.cli.fix import FixResult
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.findings import Finding
    from kscan_lsp.report.model import Report, Reported
    from kscan_lsp.workspace.project import Project

RENDERED: Final = frozenset({"helm-template", "jinja-template", "kustomize-patch"})
_VERDICTS: Final = {
    0: "passed",
    1: "failed",
    2: "a setting or a policy is wrong",
    3: "not everything was scanned",
}


def check(question: Question, today: date, limit: int) -> dict[str, Any]:
    """What is wrong with what was asked about."""
    scan = scanned(question, today)
    gate, _ = gate_of(scan, None, (), allow_unscanned=False)
    compared = compare(scan, None)
    report = report_of(compared.scan, question, today, gate=gate, most=FixDetail.NONE)
    found = sorted(report.open(), key=lambda one: -one.finding.severity)
    status = exit_status(report)
    statuses = Counter(one.finding.status for one in report.findings)
    return {
        "verdict": _VERDICTS[status],
        "status": status,
        "files": report.files,
        "resources": report.resources,
        "open": {severity.label: count for severity, count in report.by_severity().items()},
        "accepted": statuses["accepted"],
        "inBaseline": statuses["baseline"],
        "findings": [_finding(one) for one in islice(found, limit)],
        "left": max(len(found) - limit, 0),
        **_unscanned(report),
        # both may name frameworks of the workspace's own
        "fromWorkspace": {
            "gate": [quoted(failure.why) for failure in gate_failures(report)],
            "scores": {quoted(one.id): round(one.score, 1) for one in report.frameworks if one.judged},
        },
    }


def _unscanned(report: Report) -> dict[str, Any]:
    """What is not known, and why."""
    rendered = [one for one in report.skipped if one.reason in RENDERED]
    return {
        "notScanned": some(
            {"fromWorkspace": {"file": quoted(one.file), "line": one.line, "reason": quoted(one.reason)}}
            for one in report.not_scanned
        ),
        "problems": some(
            {
                "fromWorkspace": {
                    "file": quoted(one.file), "line": one.range.start.line, "message": quoted(one.message)
                }
            }
            for one in report.problems
        ),
        "notRendered": some(
            {"reason": one.reason, "fromWorkspace": {"file": quoted(one.file), "render": quoted(one.hint)}}
            for one in rendered
        ),
    }  # fmt: skip


def _finding(one: Reported) -> dict[str, Any]:
    finding = one.finding
    return {
        "control": finding.control,
        "severity": finding.severity.label,
        "fingerprint": one.fingerprint,
        "hasFix": finding.fixable,
        "fromWorkspace": {
            "file": quoted(one.file),
            "line": one.range.start.line,
            "column": one.range.start.column,
            "endLine": one.range.end.line,
            "endColumn": one.range.end.column,
            "object": quoted(f"{finding.resource.kind} {finding.resource.shown_name}"),
            "path": quoted(finding.printed_path),
            "message": quoted(finding.message),
        },
    }


def verified_fix(question: Question, today: date, *, unsafe: bool) -> dict[str, Any]:
    """Fixes as a diff, with the proof that they hold. Nothing is written."""
    scan = scanned(question, today)
    result = fix_files(scan, question.paths, unsafe=unsafe)
    proof = prove(scan, result, today)
    made = diff(result)
    left = [*_left(scan, result, unsafe=unsafe)]
    holds = not proof.new
    return {
        "verified": holds,
        "fixed": proof.fixed if holds else 0,
        "new": [{"fromWorkspace": {"finding": quoted(one)}} for one in islice(proof.new, MOST)],
        "toDo": [{"fromWorkspace": {"finding": quoted(one)}} for one in islice(proof.left, MOST)],
        "left": left[:MOST],
        "leftInAll": len(left),
        "notFixed": [{"fromWorkspace": {"reason": quoted(one)}} for one in islice(result.failures, MOST)],
        "masked": made.masked,
        "written": False,
        "fromWorkspace": {"diff": made.text if holds else ""},
    }


def _left(scan: Scan, result: FixResult, *, unsafe: bool) -> Iterator[dict[str, Any]]:
    """The findings that are open after the fixes, each with what kept it."""
    fixed: dict[int, Project] = {}
    for made in result.files:
        own = made.scanned.project
        text = (made.scanned.checked.path, made.text, made.fixed.json)
        fixed[id(own)] = fixed.get(id(own), own).with_file(text[0], text[1], json=text[2])
    for file in scan.files:
        path = file.checked.path
        project = fixed.get(id(file.project), file.project)
        for number, placed in enumerate(project.files[path].documents):
            for finding in placed.checked.findings:
                if not is_open(finding):
                    continue
                place = range_of(placed.locate(finding.span), project).start
                reason, detail = _why_left(Site(project, path, number), finding, unsafe=unsafe)
                yield {
                    "control": finding.control,
                    "reason": reason,
                    "fromWorkspace": {
                        "detail": quoted(detail),
                        "file": quoted(path),
                        "line": place.line,
                        "path": quoted(finding.printed_path),
                    },
                }


def _why_left(site: Site, finding: Finding, *, unsafe: bool) -> tuple[str, str]:
    """What kept a finding, and what the fix or the refusal says, which may name things of the manifest."""
    if not finding.fixable:
        return "there is no automatic fix for this control; 'explain' says what to do", ""
    fixes, reason = fixes_of(site, finding)
    if len(fixes) > 1:
        return "somebody has to choose a value", "; ".join(one.title for one in fixes[:5])
    if fixes and not unsafe:
        return "the fix can change what a workload does; ask with unsafe for it, and review it", fixes[
            0
        ].title
    return "it cannot be made here without a person", reason
