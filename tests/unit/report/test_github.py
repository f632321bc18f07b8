"""Workflow commands: escaped as GitHub wants it, the worst first, and never more than a step may show."""

from __future__ import annotations

from msgspec.structs import replace
from support.reporting import POD, report_of

from kscan_lsp.findings import Severity
from kscan_lsp.report import github
from kscan_lsp.report.circumstances import Circumstances
from kscan_lsp.report.model import FileRange, Gate, NotScanned, Report


def lines(report: Report) -> list[str]:
    return github.render(report).splitlines()


def with_severities(*severities: Severity) -> Report:
    report = report_of({"web.yaml": POD})
    entry = report.findings[0]
    return replace(
        report,
        findings=tuple(
            replace(entry, finding=replace(entry.finding, severity=severity)) for severity in severities
        ),
    )


def test_a_finding_is_a_command_at_its_place() -> None:
    assert lines(report_of({"web.yaml": POD}, circumstances=Circumstances(inside="deploy")))[0] == (
        "::error file=deploy/web.yaml,line=9,endLine=9,col=7,endColumn=23,title=T-0001 Privileged (high)"
        "::container 'api' is privileged%0AHow to fix it: r"
    )


def test_columns_are_left_out_where_there_are_several_lines() -> None:
    report = report_of({"web.yaml": POD})
    span = FileRange(2, 3, 4, 5)
    entry = replace(report.findings[0], range=span)
    assert "line=2,endLine=4,title=" in lines(replace(report, findings=(entry,)))[0]


def test_what_has_a_meaning_in_a_command_is_escaped() -> None:
    said = lines(report_of({"a,b:c%.yaml": POD.replace("- name: api", "- name: '100%, a: ::error::b'")}))[0]
    assert said.startswith("::error file=a%2Cb%3Ac%25.yaml,line=")
    assert "::container '100%25, a: ::error::b' is privileged%0A" in said


def test_severities_are_three_kinds() -> None:
    found = lines(with_severities(*Severity))
    assert [line.split()[0] for line in found] == ["::error", "::error", "::warning", "::notice"]
    assert "(critical)::" in found[0]


def test_ten_of_each_kind_and_a_line_that_counts_the_others() -> None:
    report = with_severities(*[Severity.LOW] * 12, *[Severity.HIGH] * 9, *[Severity.CRITICAL] * 3)
    found = lines(report)
    assert [line.split()[0] for line in found[:20]] == ["::error"] * 10 + ["::notice"] * 10
    assert [line.count("(critical)") for line in found[:4]] == [1, 1, 1, 0]
    assert found[20].startswith("kscan: 2 errors, 2 notices more, which GitHub would not show")
    assert len(found) == 21


def test_ten_are_all_and_no_line_says_more() -> None:
    assert len(lines(with_severities(*[Severity.HIGH] * 10))) == 10


def test_what_was_not_scanned_comes_first_and_counts() -> None:
    places = (NotScanned("gone.yaml", 3, "it is no YAML"), NotScanned("b.yaml", 1, "x"))
    report = replace(with_severities(*[Severity.HIGH] * 10), not_scanned=places)
    found = lines(report)
    assert found[0] == "::error file=gone.yaml,line=3,title=Not scanned::it is no YAML (and 1 other place)"
    assert sum(line.startswith("::error") for line in found) == 10
    assert found[-1].startswith("kscan: 1 error more")
    allowed = replace(report, gate=Gate(unscanned=True))
    assert lines(allowed)[0].startswith("::warning file=gone.yaml")


def test_nothing_found_is_said() -> None:
    assert lines(report_of({})) == ["kscan: nothing was found in 0 files"]
