"""What rests on facts that no manifest holds is judged by them, and judged again when they change."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace
from support.evidence import FINDS, NEEDS, POD, SERVICE, outcomes, project_with

from kscan_lsp.engine import evaluate
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.image_facts import image_facts
from kscan_lsp.evidence.images import ImageReport
from kscan_lsp.evidence.model import NO_REPORT, TODAY, Evidence, facts, key_for

DAY = date(2026, 1, 1)


def test_facts_are_told_apart_by_what_they_say() -> None:
    assert facts({"a": [1], "b": 2}).digest == facts({"b": 2, "a": [1]}).digest
    assert facts({"a": 1}).digest != facts({"a": True}).digest
    assert facts({"a": "1"}).digest != facts({"a": 1}).digest
    assert facts({"a": None, "b": 1}).data == {"b": 1}


def test_facts_that_no_expression_can_see_are_refused() -> None:
    deep: list[object] = []
    deep.append(deep)
    with pytest.raises(ValueError, match="contain themselves"):
        facts(deep)


def test_what_changed_is_told_by_kind() -> None:
    before = Evidence(DAY, {"images": facts({"a": 1}), "hosts": facts({})})
    assert before.changed(before) == frozenset()
    assert before.changed(Evidence(DAY, {"images": facts({"a": 1}), "hosts": facts({})})) == frozenset()
    after = Evidence(date(2026, 1, 2), {"images": facts({"a": 2}), "accounts": facts({})})
    assert before.changed(after) == {key_for(kind) for kind in ("images", "hosts", "accounts", TODAY)}
    assert after.changed(before) == before.changed(after)


def test_a_control_is_evaluated_where_there_is_the_evidence_it_asks_for() -> None:
    absent = project_with(Evidence(DAY)).with_file("pod.yaml", POD)
    assert outcomes(absent) == {"pod.yaml": ["unevaluated: no manifest says this; it takes a scan of images"]}
    clean = absent.with_evidence(Evidence(DAY, {"images": facts({"shop:1": []})}))
    assert outcomes(clean) == {"pod.yaml": ["passed"]}
    found = clean.with_evidence(Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1"]})}))
    assert outcomes(found) == {"pod.yaml": ["shop:1 has CVE-2026-1"]}
    unknown = found.with_evidence(Evidence(DAY, {"images": facts({})}))
    assert outcomes(unknown) == {"pod.yaml": [f"unevaluated: {NO_REPORT}"]}
    assert outcomes(unknown.with_evidence(Evidence(DAY))) == outcomes(absent)


def test_a_new_report_has_only_those_judged_again_who_run_the_image() -> None:
    def known(*reports: ImageReport) -> Evidence:
        return Evidence(DAY, {"images": image_facts(reports, (), DAY, max_age_days=30)})

    def report(name: str) -> ImageReport:
        return ImageReport((f"docker.io/library/{name}",), frozenset(), (), "trivy")

    first = report("shop:1")
    other = POD.replace("shop:1", "other:1")
    before = project_with(known(first)).with_files([("a.yaml", POD, False), ("b.yaml", other, False)])
    told = before.told(known(first, report("other:1")))
    assert [path for path in told.files if told.is_outdated(path)] == ["b.yaml"]
    after = before.with_evidence(told.evidence)
    assert after.files["a.yaml"] is before.files["a.yaml"]
    assert after.files["b.yaml"] is not before.files["b.yaml"]
    # what was not judged again is not taken for older than it is, nor newer, by what comes later
    last = after.with_evidence(known(report("other:1")))
    assert last.files["a.yaml"] is not after.files["a.yaml"]


def test_only_what_rests_on_changed_evidence_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [("a.yaml", f"{POD}---\n{SERVICE}", False), ("b.yaml", SERVICE, False)]
    before = project_with(Evidence(DAY, {"images": facts({"shop:1": []})})).with_files(texts)
    after = before.with_evidence(Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1"]})}))
    assert after.files["b.yaml"] is before.files["b.yaml"]
    pod, service = zip(before.files["a.yaml"].parts, after.files["a.yaml"].parts, strict=True)
    assert pod[0] is not pod[1]
    assert service[0] is service[1]
    assert after.index is before.index
    # the same facts read again are no change, and neither are others that nobody asks for
    monkeypatch.setattr(evaluate.cel, "deny", lambda *_: pytest.fail("something was evaluated again"))
    for same in ({"images": facts({"shop:1": []})}, {"images": facts({"shop:1": []})}):
        again = before.with_evidence(Evidence(DAY, same))
        assert again.files["a.yaml"] is before.files["a.yaml"]


def test_evidence_that_nobody_asks_for_changes_nothing() -> None:
    before = project_with(Evidence(DAY)).with_file("pod.yaml", POD)
    after = before.with_evidence(Evidence(DAY, {"hosts": facts({"a": 1})}))
    assert after.files["pod.yaml"] is before.files["pod.yaml"]


def test_other_facts_of_the_same_kinds_share_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Evidence(DAY, {"images": facts({"shop:1": found})}) for found in ([], ["CVE-2026-1"]))
    project = project_with(first).with_file("pod.yaml", POD).with_evidence(second)
    monkeypatch.setattr(evaluate.cel, "deny", lambda *_: pytest.fail("something was evaluated again"))
    for evidence, expected in ((first, ["passed"]), (second, ["shop:1 has CVE-2026-1"])):
        assert outcomes(project.with_evidence(evidence)) == {"pod.yaml": expected}


def test_a_file_read_before_the_evidence_changed_is_judged_by_what_holds() -> None:
    before = project_with(Evidence(DAY, {"images": facts({"shop:1": []})}))
    read = before.read("pod.yaml", POD)
    after = before.with_evidence(Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1"]})}))
    assert outcomes(after.with_read([read])) == {"pod.yaml": ["shop:1 has CVE-2026-1"]}


def test_a_control_can_read_evidence_and_other_objects() -> None:
    """It waits for both, and is judged again when either changes."""
    related = FINDS.replace("- each", "- relations: {services: services}\n  each").replace(
        "size() > 0", "size() > services.size()"
    )
    project = project_with(Evidence(DAY), related).with_file("pod.yaml", POD)
    assert outcomes(project) == {"pod.yaml": [f"unevaluated: {NEEDS}"]}
    project = project.with_evidence(Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1"]})}))
    assert outcomes(project) == {"pod.yaml": ["shop:1 has CVE-2026-1"]}
    project = project.with_file("service.yaml", SERVICE)
    assert outcomes(project)["pod.yaml"] == ["passed"]
    project = project.with_evidence(
        Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1", "CVE-2026-2"]})})
    )
    assert outcomes(project)["pod.yaml"] == ["shop:1 has CVE-2026-1, CVE-2026-2"]


def test_until_the_project_is_whole_only_what_needs_no_other_objects_is_judged_again() -> None:
    project = replace(project_with(Evidence(DAY)), whole=False).with_file("pod.yaml", POD)
    project = project.with_evidence(Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1"]})}))
    assert outcomes(project) == {"pod.yaml": ["shop:1 has CVE-2026-1"]}


@pytest.mark.parametrize(("day", "status"), [(30, "accepted"), (31, "accepted"), (1, "open")])
def test_another_day_is_other_evidence(day: int, status: str) -> None:
    evidence = Evidence(DAY, {"images": facts({"shop:1": ["CVE-2026-1"]})})
    text = POD.replace("  - name", "  # kscan:ignore KS-9001 until=2027-01-31\n  - name")
    before = project_with(evidence).with_files([("pod.yaml", text, False), ("other.yaml", POD, False)])
    after = before.with_evidence(replace(evidence, today=date(2027, 2 if day == 1 else 1, day)))
    (found,) = after.files["pod.yaml"].findings()
    assert found.finding.status == status
    assert bool(list(after.files["pod.yaml"].problems())) == (status == "open")
    assert after.files["other.yaml"] is before.files["other.yaml"]


def test_an_evaluator_with_other_evidence_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_with(Evidence(DAY))
    evaluator = project.evaluator
    other = evaluator.with_evidence(Evidence(date(2026, 1, 2)))
    assert isinstance(other, Evaluator)
    assert (evaluator.evidence.today, other.evidence.today) == (DAY, date(2026, 1, 2))
    assert other.ruleset is evaluator.ruleset
