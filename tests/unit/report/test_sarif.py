"""SARIF: what code scanning needs to show an alert at the right characters, know it again, and not refuse the file."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.forms import check_sarif
from support.reporting import POD, report_of
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.findings import Disposition, ResourceId, Severity
from kscan_lsp.report.circumstances import Circumstances
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.model import (
    FILE_START,
    FileProblem,
    FileRange,
    Gate,
    NotScanned,
    RelatedLocation,
    Rule,
)
from kscan_lsp.report.sarif import log, rules
from kscan_lsp.report.sarif.line_hash import LineHashes
from kscan_lsp.report.standards import FrameworkSection
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.report.model import Report

ACCEPTED = POD.replace(
    "privileged: true", "privileged: true # kscan:ignore T-0001 until=2099-01-31 -- mounts disks"
)


def run_of(report: Report, *, accepted: bool = False) -> dict[str, Any]:
    text = log.render_with_accepted(report) if accepted else log.render(report)
    check_sarif(text)
    return json.loads(text)["runs"][0]


def by_rule(run: dict[str, Any], control: str) -> dict[str, Any]:
    (found,) = [one for one in run["results"] if one["ruleId"] == control]
    return found


def changed(report: Report, **fields: Any) -> Report:
    """The report with its first finding of T-0001 changed, which is then the only one."""
    entry = next(one for one in report.findings if one.finding.control == "T-0001")
    return replace(report, findings=(replace(entry, **fields),))


# -- places


def test_a_region_is_the_very_characters_in_code_points() -> None:
    text = POD.replace("privileged: true", "'\U0001f600': 1, privileged: true").replace(
        "securityContext:\n      ", "securityContext: {"
    )
    text = text.replace("privileged: true\n", "privileged: true}\n")
    run = run_of(report_of({"web.yaml": text}))
    region = by_rule(run, "T-0001")["locations"][0]["physicalLocation"]["region"]
    line = text.splitlines()[region["startLine"] - 1]
    assert run["columnKind"] == "unicodeCodePoints"
    assert region["startLine"] == region["endLine"]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "privileged: true"


def test_a_region_ends_with_its_first_line() -> None:
    span = FileRange(6, 3, 9, 7)
    run = run_of(changed(report_of({"web.yaml": POD}), range=span))
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 3, "endLine": 6, "endColumn": len("  containers:") + 1}


def test_what_has_no_extent_is_a_line() -> None:
    run = run_of(changed(report_of({"web.yaml": POD}), range=FILE_START))
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("web.yaml", ("deploy/web.yaml", "%SRCROOT%")),
        ("a b/\u00e4#%.yaml", ("deploy/a%20b/%C3%A4%23%25.yaml", "%SRCROOT%")),
        ("/srv/shop/x.yaml", ("x.yaml", "%SRCROOT%")),
        ("/srv/shopping/x.yaml", ("file:///srv/shopping/x.yaml", None)),
        ("C:/x y.yaml", ("deploy/C%3A/x%20y.yaml", "%SRCROOT%")),
        ("<stdin>", ("deploy/%3Cstdin%3E", "%SRCROOT%")),
    ],
)
def test_files_count_from_the_root_of_the_repository(file: str, uri: tuple[str, str | None]) -> None:
    known = Circumstances(repository="/srv/shop", inside="deploy")
    run = run_of(report_of({file: POD}, circumstances=known))
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert (place["uri"], place.get("uriBaseId")) == uri
    assert run["originalUriBaseIds"] == {
        "%SRCROOT%": {"description": {"text": "The root of the repository."}}
    }


def test_without_a_repository_a_windows_name_is_absolute() -> None:
    place = run_of(report_of({"C:/x y.yaml": POD}))["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///C:/x%20y.yaml"}


# -- identities

# pairs of github/codeql-action, src/fingerprints.test.ts
KNOWN = [
    ("", ["c129715d7a2bc9a3:1"]),
    (" a\nb\n  \t\tc\n d", ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]),
    (
        " hello; \t\r\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
        ["e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1",
         "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"],
    ),
    (
        "Lorem ipsum dolor sit amet.\n" * 10,
        [*(f"a7f2ff13bc495cf2:{n}" for n in range(1, 7)), "a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1",
         "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "hashes"), KNOWN)
def test_the_hash_of_a_line_is_codeqls(text: str, hashes: list[str]) -> None:
    found = LineHashes(text)
    assert [found.of(line + 1) for line in range(len(hashes))] == hashes


def rolling(text: str) -> dict[int, str]:
    """The same a code unit at a time, as CodeQL goes: a window that rolls, and a line that is told when it is full."""
    window, pending = [0] * 100, [0] * 100
    at = value = line = 0
    seen: dict[str, int] = {}
    told: dict[int, str] = {}
    encoded = text.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(encoded[i : i + 2], "little") for i in range(0, len(encoded), 2)]
    starts, after_cr = True, False

    def push(unit: int) -> None:
        nonlocal at, value
        if pending[at]:
            name = f"{value:x}"
            seen[name] = seen.get(name, 0) + 1
            told[pending[at]] = f"{name}:{seen[name]}"
            pending[at] = 0
        value = (value * 37 + unit - window[at] * 37**100) % 2**64
        window[at] = unit

    for unit in (*units, 0xFFFF):
        if unit in {32, 9} or (after_cr and unit == 10):
            after_cr = False
            continue
        after_cr = unit == 13
        read = 10 if unit == 13 else unit
        push(read)
        if starts:
            line += 1
            pending[at] = line
        starts = read == 10
        at = (at + 1) % 100
    for _ in range(100):
        push(0)
        at = (at + 1) % 100
    return told


@given(st.text(alphabet=st.sampled_from("ab \t\r\n\U0001f600\u00e9:-"), max_size=400))
def test_the_hash_is_that_of_a_rolling_window(text: str) -> None:
    found = LineHashes(text)
    assert {line: found.of(line) for line in rolling(text)} == rolling(text)


@given(st.text(alphabet=st.sampled_from("ab \t\r\n:"), max_size=300), st.integers(1, 20))
def test_a_hash_reads_what_it_says_it_reads(text: str, number: int) -> None:
    line = min(number, text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1)
    start, end = LineHashes(text).reads(line)
    read = re.sub(r"[ \t]", "", text[start:end].replace("\r\n", "\n"))
    assert len(read) == 100 or not text[end:].strip(" \t")
    if len(read) == 100:  # what follows counts for nothing
        cut = LineHashes(f"{text[:end]}z").of(line)
        assert cut.partition(":")[0] == LineHashes(text).of(line).partition(":")[0]


def test_a_result_has_the_hash_of_its_line_and_our_own_identity() -> None:
    report = report_of({"web.yaml": POD})
    found = by_rule(run_of(report), "T-0001")
    entry = next(one for one in report.findings if one.finding.control == "T-0001")
    assert found["partialFingerprints"] == {
        "primaryLocationLineHash": rolling(POD)[entry.range.start.line],
        "kscanFingerprint/v1": entry.fingerprint,
    }


SECRET = POD.replace(
    "    securityContext:", "    env: [{name: PASSWORD, value: hunter2hunter2}]\n    securityContext:"
)


def test_no_hash_is_made_of_a_secret() -> None:
    run = run_of(report_of({"web.yaml": SECRET}))
    kept = {one["ruleId"]: "primaryLocationLineHash" in one["partialFingerprints"] for one in run["results"]}
    assert kept == {"T-0004": False, "T-0002": False, "T-0001": True}


def test_moving_a_finding_keeps_both_identities() -> None:
    before = by_rule(run_of(report_of({"web.yaml": POD})), "T-0001")
    after = by_rule(run_of(report_of({"web.yaml": "# a\n# b\n" + POD})), "T-0001")
    assert before["locations"] != after["locations"]
    assert before["partialFingerprints"] == after["partialFingerprints"]


def test_two_findings_with_one_fingerprint_have_two_identities() -> None:
    report = report_of({"web.yaml": POD})
    run = run_of(replace(report, findings=report.findings * 2))
    own = [one["partialFingerprints"]["kscanFingerprint/v1"] for one in run["results"]]
    assert len(own) == len(set(own)) == 4


# -- rules

RULE = Rule(
    "C-0057", "Privileged container", "d" * 2_000, "Take `privileged` out.", 8.0, Severity.HIGH, "Access control",
    ("CVE-2024-1", "https://example.com/a"),
    (FrameworkSection("recommended", "Recommended", "", ""), FrameworkSection("nsa", "NSA guidance", "", ""),
     *(FrameworkSection("cis", "CIS", f"5.{n}", "Minimize it") for n in range(20))),
    "",
)  # fmt: skip


def test_a_rule_says_what_github_shows() -> None:
    made = rules.rule(RULE)
    assert made["name"] == "PrivilegedContainer"
    assert made["shortDescription"] == {"text": "Privileged container"}
    assert len(made["fullDescription"]["text"]) == 1_024
    assert made["helpUri"] == "https://example.com/a"
    assert "- CIS: 5.0 Minimize it" in made["help"]["markdown"]
    assert "### How to fix it\n\nTake `privileged` out." in made["help"]["markdown"]
    assert "- <https://example.com/a>" in made["help"]["markdown"]
    assert "- CVE-2024-1" in made["help"]["markdown"]
    assert made["defaultConfiguration"] == {"level": "error"}


def test_tags_are_ten_at_most_and_sections_come_first() -> None:
    found = rules.tags(RULE)
    assert found == ["security", "kubernetes", "access-control", *(f"cis/5.{n}" for n in range(7))]


@pytest.mark.parametrize(
    ("score", "severity", "expected"),
    [
        (8.0, Severity.HIGH, "8.0"), (10.0, Severity.CRITICAL, "10.0"), (0.0, Severity.LOW, "0.1"),
        (8.0, Severity.LOW, "2.0"), (2.0, Severity.CRITICAL, "9.5"), (2.0, Severity.MEDIUM, "5.5"),
    ],
)  # fmt: skip
def test_the_score_is_in_the_band_of_the_severity(score: float, severity: Severity, expected: str) -> None:
    rule = replace(RULE, score=score, severity=severity)
    assert rules.security_severity(rule) == expected
    assert Severity.of_score(float(expected)) is severity


def test_precision_is_high_for_what_is_recommended() -> None:
    assert rules.precision(RULE) == "very-high"
    assert rules.precision(replace(RULE, category="Secrets")) == "high"
    assert rules.precision(replace(RULE, frameworks=())) == "medium"


def test_a_run_names_its_rules_by_number() -> None:
    run = run_of(report_of({"web.yaml": POD}))
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == ["T-0001", "T-0002", "T-0003", "T-0004"]
    assert all(ids[one["ruleIndex"]] == one["ruleId"] for one in run["results"])


# -- what a finding rests on


def place(kind: str, message: str, line: int = 1) -> RelatedLocation:
    who = ResourceId("rbac.authorization.k8s.io/v1", kind, "shop", "reader")
    return RelatedLocation(who, "rbac.yaml", FileRange(line, 1, line, 5), "rules", message)


def test_a_message_links_its_related_places() -> None:
    related = (place("Role", "the [permissions]"), place("RoleBinding", "granted to 'reader'", 9))
    found = run_of(changed(report_of({"web.yaml": POD}), related=related))["results"][0]
    assert found["message"]["text"].endswith(
        r"privileged ([the \[permissions\]: Role shop/reader](1), [granted to 'reader'](2))."
    )
    assert [one["id"] for one in found["relatedLocations"]] == [1, 2]
    assert found["relatedLocations"][1]["physicalLocation"]["region"]["startLine"] == 9


def test_a_way_from_kind_to_kind_is_a_code_flow() -> None:
    related = tuple(place(kind, "x") for kind in ("Secret", "ServiceAccount", "RoleBinding", "Role"))
    found = run_of(changed(report_of({"web.yaml": POD}), related=related))["results"][0]
    steps = found["codeFlows"][0]["threadFlows"][0]["locations"]
    told = [step["location"]["logicalLocations"][0]["fullyQualifiedName"].split("/")[-3] for step in steps]
    assert told == ["Role", "RoleBinding", "ServiceAccount", "Secret", "Pod"]


@pytest.mark.parametrize("kinds", [("Role",), ("Role", "Role"), ("Role", "Pod")])
def test_a_list_of_places_is_no_code_flow(kinds: tuple[str, ...]) -> None:
    related = tuple(place(kind, "x") for kind in kinds)
    assert "codeFlows" not in run_of(changed(report_of({"web.yaml": POD}), related=related))["results"][0]


def test_only_so_many_related_places_are_linked() -> None:
    found = run_of(changed(report_of({"web.yaml": POD}), related=(place("Role", "x"),) * 300))["results"][0]
    assert len(found["relatedLocations"]) == 100
    assert "](100)" in found["message"]["text"]
    assert "](101)" not in found["message"]["text"]


# -- fixes


def test_fixes_have_edits_where_they_were_worked_out() -> None:
    assert "fixes" not in by_rule(run_of(report_of({"web.yaml": POD})), "T-0001")
    run = run_of(report_of({"web.yaml": POD}, fixes=FixDetail.EDITS))
    (fix,) = by_rule(run, "T-0001")["fixes"]
    (change,) = fix["artifactChanges"]
    (edit,) = change["replacements"]
    region, lines = edit["deletedRegion"], POD.splitlines()
    line = lines[region["startLine"] - 1]
    before, after = line[: region["startColumn"] - 1], line[region["endColumn"] - 1 :]
    assert before + edit["insertedContent"]["text"] + after == "      privileged: false"
    assert fix["description"]["text"].endswith("(review it: it can change what the workload does)")


# -- accepted findings


def test_accepted_findings_are_left_out_unless_asked_for() -> None:
    report = report_of({"web.yaml": ACCEPTED})
    assert [one["ruleId"] for one in run_of(report)["results"]] == ["T-0002"]
    found = by_rule(run_of(report, accepted=True), "T-0001")
    (suppression,) = found["suppressions"]
    assert suppression["kind"] == "inSource"
    assert suppression["justification"] == "mounts disks; until 2099-01-31"
    assert suppression["location"]["physicalLocation"]["region"] == {"startLine": 9}


def with_disposition(disposition: Disposition) -> Report:
    report = report_of({"web.yaml": POD})
    entry = next(one for one in report.findings if one.finding.control == "T-0001")
    return replace(
        report, findings=(replace(entry, finding=replace(entry.finding, disposition=disposition)),)
    )


def test_what_is_accepted_elsewhere_is_suppressed_externally() -> None:
    said = Disposition("accepted", "exception", Span(0, 1), "", "team-a")  # type: ignore[arg-type]
    (suppression,) = run_of(with_disposition(said), accepted=True)["results"][0]["suppressions"]
    assert suppression == {"kind": "external", "status": "accepted", "justification": "owner: team-a"}


def test_what_is_in_a_baseline_is_unchanged() -> None:
    said = Disposition("baseline", "baseline", Span(0, 1))  # type: ignore[arg-type]
    report = with_disposition(said)
    assert run_of(report)["results"] == []
    found = run_of(report, accepted=True)["results"][0]
    assert found["baselineState"] == "unchanged"
    assert found["suppressions"][0]["justification"] == "baseline, without a reason"


def test_the_option_is_about_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web.yaml").write_text(ACCEPTED.replace("T-0001", "C-0057"))
    argv = ["scan", "web.yaml", "--control", "C-0057"]
    assert json.loads(CliRunner().invoke(app, [*argv, "-f", "sarif"]).stdout)["runs"][0]["results"] == []
    said = CliRunner().invoke(app, [*argv, "-f", "sarif", "--sarif-accepted"])
    assert len(json.loads(said.stdout)["runs"][0]["results"]) == 1
    refused = CliRunner().invoke(app, [*argv, "--sarif-accepted"])
    assert refused.exit_code == 2
    assert "--format sarif" in refused.stderr


# -- the run


def test_a_clean_run_has_no_results() -> None:
    run = run_of(report_of({"web.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"}))
    assert run["results"] == []


def test_an_invocation_says_how_it_ended() -> None:
    failed = run_of(report_of({"web.yaml": POD}, gate=Gate(Severity.HIGH)))["invocations"][0]
    assert (failed["exitCode"], failed["executionSuccessful"]) == (1, True)
    assert failed["toolExecutionNotifications"] == []


@pytest.mark.parametrize(
    ("allowed", "ended", "level"), [(False, (3, False), "error"), (True, (0, True), "warning")]
)
def test_what_was_not_scanned_is_a_notification(allowed: bool, ended: tuple[int, bool], level: str) -> None:
    report = report_of({"web.yaml": "apiVersion: v1\n"}, gate=Gate(unscanned=allowed))
    places = (NotScanned("a.yaml", 3, "it\nis broken"),)
    found = run_of(replace(report, not_scanned=places))["invocations"][0]
    assert (found["exitCode"], found["executionSuccessful"]) == ended
    (said,) = found["toolExecutionNotifications"]
    assert (said["level"], said["message"]["text"]) == (level, "it is broken")
    assert said["descriptor"] == {"id": "not-scanned", "index": 0}
    assert said["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}


def test_problems_are_notifications_and_those_of_settings_are_about_the_set_up() -> None:
    report = report_of({"web.yaml": POD})
    problems = (
        FileProblem("web.yaml", FILE_START, "a key is there twice", "duplicate-key"),
        FileProblem(".kscan.yaml", FILE_START, "there is no such key", "setting"),
        FileProblem(".kscan.yaml", FILE_START, "nothing matches", "unused"),
    )
    found = run_of(replace(report, problems=problems, wrong_setup=True))["invocations"][0]
    assert [one["level"] for one in found["toolExecutionNotifications"]] == ["warning"]
    assert [one["level"] for one in found["toolConfigurationNotifications"]] == ["error", "note"]
    assert found["exitCode"] == 2


# -- limits


def many(number: int) -> Report:
    report = report_of({"web.yaml": POD})
    return replace(report, findings=report.findings * (number // 2))


def limits(run: dict[str, Any]) -> list[str]:
    told = run["invocations"][0]["toolExecutionNotifications"]
    return [one["message"]["text"] for one in told if one["descriptor"]["id"] == "limit"]


def test_more_than_github_shows_is_noted() -> None:
    assert limits(json.loads(log.render(many(5_000)))["runs"][0]) == []
    run = json.loads(log.render(many(6_000)))["runs"][0]
    assert len(run["results"]) == 6_000
    assert limits(run) == ["GitHub shows the 5,000 worst of these 6,000 findings"]


def test_more_than_github_takes_is_left_out_the_least_severe_first() -> None:
    run = json.loads(log.render(many(30_000)))["runs"][0]
    assert [one["level"] for one in run["results"]] == ["error"] * 15_000 + ["warning"] * 10_000
    assert limits(run)[0].startswith("the 5,000 least severe of 30,000 findings are left out")


def test_a_file_that_is_too_large_packed_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_PACKED", 20_000)
    text = log.render(many(4_000))
    run = json.loads(text)["runs"][0]
    assert log._packed(text) <= 20_000
    assert 0 < len(run["results"]) < 4_000
    assert {one["level"] for one in run["results"]} == {"error"}
    assert "are left out" in limits(run)[0]


def test_notifications_are_bounded() -> None:
    report = replace(report_of({"web.yaml": POD}), not_scanned=(NotScanned("a.yaml", 1, "x"),) * 1_200)
    said = run_of(report)["invocations"][0]["toolExecutionNotifications"]
    assert len(said) == 1_001
    assert said[-1]["message"]["text"] == "and 200 more"


def test_the_day_changes_nothing() -> None:
    texts = [
        log.render(report_of({"web.yaml": POD}, circumstances=Circumstances(day)))
        for day in (date(2026, 1, 1), date(2027, 1, 1))
    ]
    assert texts[0] == texts[1]
