"""JUnit XML: a suite for each file, and nothing of a manifest that is no text."""

from __future__ import annotations

from datetime import date

from lxml import etree
from msgspec.structs import replace
from support.forms import HOSTILE, check_junit
from support.reporting import POD, report_of

from kscan_lsp.report import junit
from kscan_lsp.report.circumstances import Circumstances
from kscan_lsp.report.model import FILE_START, FileProblem, NotScanned, Report

CLEAN = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'a:1'}]}\n"


def suites(report: Report) -> dict[str, etree._Element]:
    text = junit.render(report)
    check_junit(text)
    return {suite.get("name"): suite for suite in etree.fromstring(text.encode())}


def test_a_finding_is_a_test_that_failed() -> None:
    found = suites(report_of({"web.yaml": POD}, circumstances=Circumstances(date(2026, 1, 2))))
    (suite,) = found.values()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "2", "0")
    assert suite.get("timestamp") == "2026-01-02T00:00:00"
    case = suite.findall("testcase")[1]
    assert case.get("name") == "T-0001 Privileged: Pod shop/web spec.containers[0].securityContext.privileged"
    assert case.get("classname") == "web.yaml"
    failure = case.find("failure")
    assert failure.get("type") == "high"
    assert failure.get("message") == "container 'api' is privileged"
    assert failure.text == "web.yaml:9:7: container 'api' is privileged\nHow to fix it: r"


def test_a_file_without_findings_is_a_test_that_passed() -> None:
    (suite,) = suites(report_of({"a.yaml": CLEAN})).values()
    assert [case.get("name") for case in suite.findall("testcase")] == ["no findings"]
    assert suite.get("failures") == "0"


def test_what_was_not_scanned_is_an_error_and_problems_are_told() -> None:
    report = replace(
        report_of({"web.yaml": POD}),
        not_scanned=(NotScanned("gone.yaml", 3, "no YAML"),),
        problems=(FileProblem(".kscan.yaml", FILE_START, "no such <key>", "setting"),),
    )
    found = suites(report)
    error = found["gone.yaml"].find("testcase/error")
    assert error.get("message") == "no YAML"
    assert found["gone.yaml"].get("errors") == "1"
    assert found[".kscan.yaml"].find("system-err").text == "1: no such <key>"


def test_hostile_texts_are_nothing_but_text() -> None:
    report = report_of({"web.yaml": POD})
    entry = report.findings[0]
    texts = [replace(entry.finding, message=word) for word in HOSTILE]
    found = suites(replace(report, findings=tuple(replace(entry, finding=one) for one in texts)))
    said = [failure.get("message") for failure in found["web.yaml"].iter("failure")]
    assert len(said) == len(HOSTILE)
    assert said[1] == HOSTILE[1]
    assert said[0] == "\u241b[31mred\u241b]0;title\u2407"
