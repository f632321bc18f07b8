"""Counting, scoring, gating, and the JSON contract."""

from __future__ import annotations

import json

import jsonschema
import pytest
from msgspec.structs import replace
from support.reporting import POD, PRIVILEGED, SCHEMA, checked, policy_set, report_of, rules

from kscan_lsp.findings import Severity
from kscan_lsp.fixes import verify
from kscan_lsp.policy.load import load
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.report import fixes as fixes_module
from kscan_lsp.report import html, json_lines, pretty
from kscan_lsp.report import json as json_format
from kscan_lsp.report.build import MAX_REASONS, build
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.gates import exit_status, gate_failures
from kscan_lsp.report.model import (
    FileProblem,
    FileRange,
    Gate,
    NotScanned,
    Report,
    Skipped,
)
from kscan_lsp.report.standards import FrameworkSection, StandardChange
from kscan_lsp.settings.model import Settings
from kscan_lsp.text import LineIndex, Position, Span, TextEdit, apply_edits
from kscan_lsp.yaml.document import read_document

FINE = POD.replace("true", "false").replace("name: api", "name: api\n    image: a")
ODD = POD.replace("  - name: api", "  - 1\n  - name: api")
"""A pod that nobody can judge: one of its containers is a number."""


def data(report: Report) -> dict:
    read = json.loads(json_format.render(report))
    jsonschema.Draft202012Validator(SCHEMA).validate(read)
    return read


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_contract_key_by_key() -> None:
    report = report_of({"deploy/pod.yaml": "# first\n---\n" + POD})
    assert list(data(report)) == [
        "schema",
        "tool",
        "summary",
        "controls",
        "packs",
        "changes",
        "skipped",
        "kindsNotJudged",
        "notScanned",
        "problems",
        "findings",
        "drift",
        "images",
    ]
    assert data(report)["summary"] == {
        "files": 1,
        "resources": 1,
        "findings": {"critical": 0, "high": 1, "medium": 1, "low": 0},
        "suppressed": 0,
        "baseline": 0,
        "skipped": {
            "excluded": 0,
            "helm-template": 0,
            "jinja-template": 0,
            "kustomize-patch": 0,
            "not-kubernetes": 0,
        },
        "frameworks": [
            {
                "id": "test",
                "score": 50.0,
                "scoreAccepted": 50.0,
                "replacedBy": None,
                "controls": {"run": 4, "excluded": [], "replaced": [], "lowered": [], "notEvaluated": []},
            }
        ],
    }
    assert data(report)["controls"][0] == {
        "id": "T-0001",
        "evaluated": 1,
        "failed": 1,
        "accepted": 0,
        "notEvaluated": None,
    }
    finding = data(report)["findings"][1]
    assert finding.pop("fingerprint").startswith("v1:")
    assert list(finding.items()) == list({
        "control": "T-0001",
        "title": "Privileged",
        "severity": "high",
        "score": 8.0,
        "resource": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
        "file": "deploy/pod.yaml",
        "range": {"start": {"line": 11, "column": 7}, "end": {"line": 11, "column": 23}},
        "path": "spec.containers[0].securityContext.privileged",
        "message": "container 'api' is privileged",
        "remediation": "r",
        "related": [],
        "fix": {"title": "Set securityContext.privileged of container 'api' to false", "safe": False},
        "status": "open",
        "accepted": None,
        "baseline": None,
        "renderedWith": [],
    }.items())  # fmt: skip


def test_kinds_that_nobody_knows_are_listed() -> None:
    texts = {
        "a.yaml": "apiVersion: apps/v1\nkind: Deploymnet\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\n",
        "b.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\n---\n" + POD,
    }
    assert data(report_of(texts))["kindsNotJudged"] == [
        {"kind": "Application", "apiVersion": "argoproj.io/v1alpha1", "count": 2, "meant": ""},
        {"kind": "Deploymnet", "apiVersion": "apps/v1", "count": 1, "meant": "apps/v1 Deployment"},
    ]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Endpoints"),
        ("argoproj.io/v1alpha1", "Rollout"),
        ("projectcalico.org/v3", "NetworkPolicy"),
        ("cilium.io/v2", "CiliumNetworkPolicy"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("shop.example/v1", "Shop"),
        ("own.example/v1", "Own"),
    ],
)
def test_a_kind_is_known_to_tables_settings_and_controls(api_version: str, kind: str) -> None:
    match = "- match: [{groups: [own.example], kinds: [Own]}]\n  each: containers"
    own = PRIVILEGED.replace("- each: containers", match).replace("T-0001", "T-0009")
    known = load([("own.yaml", read_document(own))], policy_set())
    assert known.problems == ()
    settings = {
        "frameworks": ["test"],
        "podSpecPaths": [{"kind": "Shop", "group": "shop.example", "path": "a"}],
    }
    ruleset, _ = choose(known, Settings.of(settings))
    report = build([checked("a.yaml", f"apiVersion: {api_version}\nkind: {kind}\n", ruleset)])
    assert report.kinds_not_judged == ()


def test_columns_are_code_points_and_lines_end_where_yaml_ends_them() -> None:
    flow = (
        '{apiVersion: v1, kind: Pod, metadata: {name: "\U0001f600\u2028"}, spec: {containers: [{name: a}]}}'
    )
    report = report_of({"a.yaml": "# \u2028\r\n---\r\n" + flow + "\r\n"})
    start = data(report)["findings"][0]["range"]["start"]
    assert (start["line"], start["column"]) == (3, flow.index("name: a") + 1)


def test_related_places_are_in_the_file_too() -> None:
    text = POD.replace("securityContext:\n      privileged: true", "securityContext: *s")
    text = text.replace("hostNetwork: false", "x: &s {privileged: true}")
    report = report_of({"a.yaml": text})
    finding = next(f for f in data(report)["findings"] if f["control"] == "T-0001")
    assert [(r["file"], r["range"]["start"]["line"]) for r in finding["related"]] == [("a.yaml", 5)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_edits_are_given_when_asked_for_and_make_the_finding_go_away(newline: str) -> None:
    text = ("# caf\u00e9\n---\n" + POD.replace("hostNetwork: false", "hostNetwork: true")).replace(
        "\n", newline
    )
    report = report_of({"a.yaml": text}, fixes=FixDetail.EDITS)
    found = data(report)["findings"]
    assert {f["control"]: (f["fix"] or {}).get("safe") for f in found} == {
        "T-0001": False,
        "T-0002": None,
        "T-0003": True,
    }
    lines = LineIndex(text)

    def offset(place: dict) -> int:
        return lines.offset(Position(place["line"] - 1, place["column"] - 1))

    for finding in found:
        if finding["fix"]:
            edits = [
                TextEdit(Span(offset(e["range"]["start"]), offset(e["range"]["end"])), e["newText"])
                for e in finding["fix"]["edits"]
            ]
            after = report_of({"a.yaml": apply_edits(text, edits)})
            assert finding["control"] not in {f["control"] for f in data(after)["findings"]}


def test_accepted_findings_stay_in_the_report_and_are_not_fixed() -> None:
    text = POD.replace("privileged: true", "privileged: true  # kscan:ignore T-0001 until=2026-06-01 -- gpu")
    report = report_of({"a.yaml": text})
    finding = next(f for f in data(report)["findings"] if f["control"] == "T-0001")
    assert finding["status"] == "accepted"
    assert finding["accepted"] == {
        "by": "comment",
        "reason": "gpu",
        "owner": "",
        "until": "2026-06-01",
        "ticket": "",
        "approvedBy": "",
        "file": "a.yaml",
        "line": 9,
    }
    summary = data(report)["summary"]
    assert summary["suppressed"] == 1
    assert [summary["frameworks"][0][key] for key in ("score", "scoreAccepted")] == [50.0, 75.0]
    control = data(report)["controls"][0]
    assert [control[key] for key in ("evaluated", "failed", "accepted")] == [1, 0, 1]
    for level, status in ((Severity.HIGH, 0), (Severity.MEDIUM, 1)):
        assert exit_status(report_of({"a.yaml": text}, gate=Gate(level))) == status


def score(report: Report, control: str) -> float:
    return next(c.score for c in report.controls if c.id == control)


def test_a_control_scores_the_share_of_passed_resources() -> None:
    report = report_of({"a.yaml": POD, "b.yaml": FINE, "c.yaml": FINE + "---\n" + FINE})
    assert score(report, "T-0001") == 75.0
    assert score(report, "T-0003") == 100.0
    assert data(report)["summary"]["frameworks"][0]["score"] == (75 + 75 + 100 + 100) / 4


def test_what_nothing_applies_to_scores_full() -> None:
    report = report_of({"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
    assert (report.resources, score(report, "T-0001")) == (1, 100.0)


def test_a_framework_that_looked_at_nothing_has_no_score() -> None:
    other = "id: other\ntitle: Other\ncontrols: [{id: T-0006}]\n"
    about = SIGNED.replace("T-0005", "T-0006").replace(
        "needs: the image's signature",
        "checks: [{match: [{groups: [apps], kinds: [DaemonSet]}], deny: 'true', message: m}]",
    )
    known = load([("e.yaml", read_document(about)), ("g.yaml", read_document(other))], base=policy_set())
    ruleset, _ = choose(known, Settings(frameworks=("other", *policy_set().frameworks)))
    report = build([checked("a.yaml", POD, ruleset)], gate=Gate(None, (("", 100.0),)))
    none, some = data(report)["summary"]["frameworks"]
    assert (none["id"], none["score"], none["scoreAccepted"]) == ("other", None, None)
    assert some["score"] < 100
    assert "other" not in "".join(one.why for one in gate_failures(report))
    assert "other no score, " in pretty.render(report)
    assert "no score" in html.render(report)


def test_what_could_not_be_judged_counts_beside_what_is_suppressed() -> None:
    """One container fails and is suppressed, of another nobody knows: that object has not passed."""
    odd = (
        POD.replace("privileged: true", "privileged: true # kscan:ignore T-0001")
        + "  - name: odd\n    securityContext: 1\n"
    )
    for text, expected in ((odd, (0, 0, 1)), (odd.replace("# kscan:ignore T-0001", ""), (1, 1, None))):
        report = report_of({"a.yaml": text})
        control = data(report)["controls"][0]
        untold = control["notEvaluated"]
        assert (control["evaluated"], control["failed"], untold and untold["count"]) == expected
        assert len(next(c for c in report.controls if c.id == "T-0001").reasons) == (untold is not None)


def test_not_evaluated_is_shown_and_never_a_pass() -> None:
    report = report_of({"a.yaml": FINE, "b.yaml": ODD})
    control = data(report)["controls"][0]
    assert (control["evaluated"], control["failed"], control["notEvaluated"]["count"]) == (1, 0, 1)
    reason = control["notEvaluated"]["reasons"][0]
    assert (reason["file"], reason["path"]) == ("b.yaml", "spec.containers[0]")
    assert reason["line"] == 7
    assert score(report, "T-0001") == 50.0


SIGNED = """\
id: T-0005
title: Signed
score: 9.0
description: d
remediation: r
needs: the image's signature
"""
TWO = "id: two\ntitle: Two\ncontrols: [{id: T-0001}, {id: T-0005}]\n"


def test_what_no_manifest_answers_is_not_evaluated_and_in_no_mean() -> None:
    known = load([("e.yaml", read_document(SIGNED)), ("g.yaml", read_document(TWO))], base=policy_set())
    ruleset, _ = choose(known, Settings(frameworks=("two",)))
    report = build([checked("a.yaml", FINE, ruleset), checked("b.yaml", POD, ruleset)])
    control = data(report)["controls"][1]
    assert (control["id"], control["evaluated"], control["failed"]) == ("T-0005", 0, 0)
    assert control["notEvaluated"]["count"] == 2
    reason = "no manifest says this; it takes the image's signature"
    assert control["notEvaluated"]["reasons"][0] == {
        "file": "a.yaml",
        "line": 2,
        "path": "",
        "reason": reason,
    }
    (framework,) = data(report)["summary"]["frameworks"]
    assert (framework["score"], framework["controls"]["run"]) == (50.0, 1)
    assert framework["controls"]["notEvaluated"] == ["T-0005"]
    assert data(report)["problems"] == data(report)["notScanned"] == []
    assert exit_status(report) == 0


def test_reasons_are_bounded_and_counts_are_not() -> None:
    report = report_of({"a.yaml": "---\n".join([ODD] * 30)})
    missing = data(report)["controls"][0]["notEvaluated"]
    assert (missing["count"], len(missing["reasons"])) == (30, MAX_REASONS)


def test_a_control_that_settings_leave_out_is_in_no_mean() -> None:
    report = report_of({"a.yaml": POD}, controls={"exclude": ["T-0001", "T-0002"]})
    (framework,) = data(report)["summary"]["frameworks"]
    assert (framework["score"], framework["controls"]["run"]) == (100.0, 2)


def test_rules_say_all_that_a_format_may_show() -> None:
    report = report_of({"a.yaml": POD}, controls={"severity": {"T-0001": "low"}, "exclude": ["T-0003"]})
    assert list(report.rules) == [result.id for result in report.controls] == ["T-0001", "T-0002", "T-0004"]
    rule = report.rules["T-0001"]
    assert (rule.title, rule.description, rule.remediation) == ("Privileged", "d", "r")
    assert (rule.score, rule.severity, rule.needs) == (8.0, Severity.LOW, "")
    assert rule.frameworks == (FrameworkSection("test", "Test", "", ""),)
    assert all(entry.rule is report.rules[entry.finding.control] for entry in report.findings)
    assert {name: text.masked() for name, text in report.texts.items()} == {"a.yaml": POD}


def test_fixes_are_looked_for_as_far_as_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(detail: FixDetail) -> list:
        report = report_of({"a.yaml": POD}, fixes=detail)
        return [option for entry in report.findings for option in entry.fixes]

    (proven,) = found(FixDetail.EDITS)
    assert proven.edits
    monkeypatch.setattr(verify, "fixes_of", None)  # no fix is made to name it
    assert found(FixDetail.TITLES) == [replace(proven, edits=None)]
    monkeypatch.setattr(fixes_module.FixNames, "of", None)
    assert found(FixDetail.NONE) == []


def test_a_rule_is_that_of_the_settings_of_its_file() -> None:
    other = load([("o.yaml", read_document(PRIVILEGED.replace("Privileged", "Ours")))], base=policy_set())
    theirs, _ = choose(other, Settings(frameworks=("test",)))
    report = build([checked("a.yaml", POD), checked("b.yaml", POD, theirs)])
    titles = {
        (entry.file, entry.rule.title) for entry in report.findings if entry.finding.control == "T-0001"
    }
    assert titles == {("a.yaml", "Privileged"), ("b.yaml", "Ours")}
    assert report.rules["T-0001"].title == "Ours"


def test_lines_say_the_same_whatever_is_remembered_of_lines_before(monkeypatch: pytest.MonkeyPatch) -> None:
    other = load([("o.yaml", read_document(PRIVILEGED.replace("Privileged", "Ours")))], base=policy_set())
    theirs, _ = choose(other, Settings(frameworks=("test",)))
    shop = POD.replace("name: api", "name: shop")
    files = [checked("a.yaml", POD), checked("b.yaml", POD, theirs), checked("c.yaml", shop)]
    apart = [found for one in files for found in data(build([one]))["findings"]]
    assert data(build(files))["findings"] == apart
    monkeypatch.setattr(json_lines, "MAX_RULES", 1)
    monkeypatch.setattr(json_lines, "MAX_TEXTS", 1)
    assert data(build(files))["findings"] == apart


def test_two_rulesets_make_one_report() -> None:
    files = [checked("a.yaml", POD, rules()), checked("b.yaml", POD, rules(controls={"exclude": ["T-0001"]}))]
    report = build(files)
    assert [(c.id, c.evaluated) for c in report.controls] == [
        ("T-0001", 1),
        ("T-0002", 2),
        ("T-0003", 2),
        ("T-0004", 2),
    ]
    assert len(report.frameworks) == 1


def test_severities_are_those_of_the_settings() -> None:
    report = report_of({"a.yaml": POD}, controls={"severity": {"T-0001": "low"}})
    finding = next(f for f in data(report)["findings"] if f["control"] == "T-0001")
    assert (finding["severity"], finding["score"]) == ("low", 8.0)


def test_skipped_files_are_counted_by_reason() -> None:
    files = [checked("a.yaml", "a: 1\n"), checked("b.yaml", "kind: {{ x }}\n")]
    left = [Skipped("b.yaml", "helm-template", "helm template . | kscan scan -"), Skipped("x/", "excluded")]
    report = build(files, skipped=left)
    assert report.files == 0
    counts = {
        "excluded": 1,
        "helm-template": 1,
        "jinja-template": 0,
        "kustomize-patch": 0,
        "not-kubernetes": 1,
    }
    assert report.skipped_by_reason() == counts
    assert report.skipped == (Skipped("a.yaml", "not-kubernetes"), *left)


CHANGES = [
    StandardChange("excluded", "T-0001", ".kscan.yaml", 3),
    StandardChange("lowered", "T-0003", ".kscan.yaml", 5, "critical to low"),
    StandardChange("replaced", "T-0002", "own/c.yaml", 1),
    StandardChange("replaced", "test", "own/f.yaml", 1),
    StandardChange("excluded", "C-0057", "", 0),
]


def test_what_weakens_a_standard_is_said_of_each_framework_that_it_concerns() -> None:
    ruleset = rules(controls={"exclude": ["T-0001"], "severity": {"T-0003": "low"}})
    report = build([checked("a.yaml", POD, ruleset)], changes=CHANGES)
    (framework,) = data(report)["summary"]["frameworks"]
    assert framework["replacedBy"] == {"file": "own/f.yaml", "line": 1}
    assert framework["controls"] == {
        "run": 3,
        "excluded": [{"id": "T-0001", "file": ".kscan.yaml", "line": 3}],
        "replaced": [{"id": "T-0002", "file": "own/c.yaml", "line": 1}],
        "lowered": [{"id": "T-0003", "file": ".kscan.yaml", "line": 5, "detail": "critical to low"}],
        "notEvaluated": [],
    }
    assert data(report)["changes"][-1] == {"change": "excluded", "id": "C-0057", "file": None, "line": None}


def test_a_resource_that_could_not_be_judged_fully_is_not_scanned_fully() -> None:
    report = report_of({"a.yaml": POD.replace("privileged: true", "privileged: [yes]")})
    (place,) = report.not_scanned
    assert (place.file, place.line) == ("a.yaml", 9)
    assert place.reason.startswith("not fully judged, by T-0001")
    assert exit_status(report) == 3
    assert exit_status(report_of({"a.yaml": FINE}, gate=Gate(None))) == 0
    text = POD.replace("privileged: true", "privileged: [yes]")
    assert exit_status(report_of({"a.yaml": text}, gate=Gate(None, unscanned=True))) == 0


def test_what_no_control_looks_at_is_not_scanned() -> None:
    role = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
    report = report_of({"a.yaml": role, "b.yaml": f"{role}---\n{role}"})
    (place,) = report.not_scanned
    assert place.reason == "no control that is on looks at what is here: ServiceAccount 3"
    assert exit_status(report) == 3
    assert report_of({"a.yaml": role, "b.yaml": FINE}).not_scanned == ()


def test_a_repaired_document_is_not_fully_scanned() -> None:
    report = report_of({"a.yaml": POD + "   broken\n"})
    assert [(n.file, n.line) for n in report.not_scanned] == [("a.yaml", 10)]
    assert report.not_scanned[0].reason.startswith("not fully scanned: ")
    assert data(report)["problems"][0]["line"] == 10
    assert "T-0001" in {entry.finding.control for entry in report.findings}


def test_broken_text_that_is_no_manifest_is_none_of_ours() -> None:
    report = report_of({"a.yaml": "a: [\n"})
    assert (report.not_scanned, report.skipped) == ((), (Skipped("a.yaml", "not-kubernetes"),))


def test_a_broken_json_manifest_is_not_silently_clean() -> None:
    report = report_of({"a.json": '{"apiVersion": "v1", "kind": "Pod", '})
    assert [n.file for n in report.not_scanned] == ["a.json"]


PROBLEM = FileProblem(".kscan.yaml", FileRange(1, 1, 1, 2), "unknown key", "setting")


@pytest.mark.parametrize(
    ("text", "gate", "problems", "lost", "status"),
    [
        (FINE, Gate(), [], [], 0),
        (POD, Gate(), [], [], 1),
        (POD, Gate(None), [], [], 0),
        (POD, Gate(Severity.CRITICAL), [], [], 0),
        (FINE, Gate(None, (("", 100),)), [], [], 0),
        (POD, Gate(None, (("", 51),)), [], [], 1),
        (POD, Gate(None, (("", 50),)), [], [], 0),
        (POD, Gate(), [PROBLEM], [], 2),
        (FINE, Gate(), [PROBLEM], [], 2),
        (POD, Gate(), [PROBLEM], [NotScanned("x", 1, "gone")], 3),
        (FINE, Gate(), [], [NotScanned("x", 1, "gone")], 3),
    ],
)
def test_the_highest_status_counts(text: str, gate: Gate, problems: list, lost: list, status: int) -> None:
    report = build([checked("a.yaml", text)], problems=problems, not_scanned=lost, gate=gate)
    data(report)
    assert exit_status(report) == status


def test_a_name_that_is_half_a_character_can_be_written() -> None:
    text = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\\ud800"}, "spec": {"containers": [{}]}}'
    )
    report = report_of({"a.json": text})
    written = json_format.render(report).encode("utf-8", "backslashreplace")
    assert json.loads(written)["findings"]
