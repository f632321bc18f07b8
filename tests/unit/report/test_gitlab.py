"""What GitLab reads: one id for each finding, the end of its lines, and a signature that survives moved lines."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from support.forms import check_gitlab, check_gitlab_sast
from support.reporting import POD, report_of

from kscan_lsp.findings import Severity
from kscan_lsp.report import gitlab
from kscan_lsp.report.circumstances import Circumstances
from kscan_lsp.report.model import FILE_START, FileProblem, Gate, NotScanned, Report

ACCEPTED = POD.replace("privileged: true", "privileged: true # kscan:ignore T-0001 -- it mounts disks")


def quality(report: Report) -> list[dict[str, Any]]:
    text = gitlab.code_quality(report)
    check_gitlab(text)
    return json.loads(text)


def sast(report: Report) -> dict[str, Any]:
    text = gitlab.sast(report)
    check_gitlab_sast(text)
    return json.loads(text)


def test_code_quality() -> None:
    report = report_of({"web.yaml": POD}, circumstances=Circumstances(inside="deploy"))
    found = next(one for one in quality(report) if one["check_name"] == "T-0001")
    assert found == {
        "type": "issue",
        "check_name": "T-0001",
        "description": "T-0001 Privileged: container 'api' is privileged",
        "categories": ["Security"],
        "severity": "critical",
        "fingerprint": report.findings[1].fingerprint.removeprefix("v1:"),
        "location": {"path": "deploy/web.yaml", "lines": {"begin": 9, "end": 9}},
    }


def test_a_fingerprint_is_there_once() -> None:
    report = report_of({"web.yaml": POD})
    twice = replace(report, findings=report.findings * 3)
    assert len({one["fingerprint"] for one in quality(twice)}) == 6
    assert len({one["id"] for one in sast(twice)["vulnerabilities"]}) == 6
    assert quality(twice)[:2] == quality(report)


@pytest.mark.parametrize(
    ("severity", "of_quality"),
    [
        (Severity.CRITICAL, "blocker"),
        (Severity.HIGH, "critical"),
        (Severity.MEDIUM, "major"),
        (Severity.LOW, "minor"),
    ],
)
def test_severities(severity: Severity, of_quality: str) -> None:
    report = report_of({"web.yaml": POD})
    entry = report.findings[0]
    changed = replace(report, findings=(replace(entry, finding=replace(entry.finding, severity=severity)),))
    assert quality(changed)[0]["severity"] == of_quality
    assert sast(changed)["vulnerabilities"][0]["severity"] == severity.label.capitalize()


def test_the_security_report() -> None:
    report = report_of({"web.yaml": POD}, circumstances=Circumstances(date(2026, 1, 2)))
    data = sast(report)
    assert data["scan"]["start_time"] == "2026-01-02T00:00:00"
    assert data["scan"]["status"] == "success"
    found = data["vulnerabilities"][1]
    assert found["name"] == "Privileged"
    assert found["description"] == "container 'api' is privileged\n\nd"
    assert found["identifiers"] == [{"type": "kscan", "name": "kscan T-0001", "value": "T-0001"}]
    assert found["location"] == {
        "file": "web.yaml", "start_line": 9, "end_line": 9, "class": "Pod shop/web",
        "method": "spec.containers[0].securityContext.privileged",
    }  # fmt: skip
    assert found["tracking"]["items"][0]["signatures"][0]["value"] == report.findings[1].fingerprint


def test_an_id_survives_moved_lines() -> None:
    before = sast(report_of({"web.yaml": POD}))["vulnerabilities"]
    after = sast(report_of({"web.yaml": f"# moved\n{POD}"}))["vulnerabilities"]
    assert [one["id"] for one in before] == [one["id"] for one in after]
    assert before != after


def test_references_are_links() -> None:
    report = report_of({"web.yaml": POD})
    entry = report.findings[0]
    rule = replace(
        entry.rule, references=("CVE-1", "https://example.com/a"), title="t" * 300, remediation="r" * 9_000
    )
    (found,) = sast(replace(report, findings=(replace(entry, rule=rule),)))["vulnerabilities"]
    assert found["links"] == [{"url": "https://example.com/a"}]
    assert found["identifiers"][0]["url"] == "https://example.com/a"
    assert (len(found["name"]), len(found["solution"])) == (255, 7_000)


def test_what_was_not_scanned_and_problems_are_messages() -> None:
    report = replace(
        report_of({"web.yaml": POD}, gate=Gate()),
        not_scanned=(NotScanned("gone.yaml", 3, "no YAML"),),
        problems=(FileProblem("a.yaml", FILE_START, "of no use", "unused"),),
    )
    scan = sast(report)["scan"]
    assert scan["status"] == "failure"
    assert scan["messages"] == [
        {"level": "warn", "value": "gone.yaml:3: not scanned: no YAML"},
        {"level": "info", "value": "a.yaml:1: of no use"},
    ]
    many = sast(replace(report, not_scanned=report.not_scanned * 2_000))["scan"]["messages"]
    assert many[-1] == {"level": "warn", "value": "and 1,001 more"}


def test_accepted_findings_are_left_out() -> None:
    report = report_of({"web.yaml": ACCEPTED})
    assert [one["check_name"] for one in quality(report)] == ["T-0002"]
    assert len(sast(report)["vulnerabilities"]) == 1
