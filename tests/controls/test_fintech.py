"""The fintech pack: its controls' own tests, its framework, and what it says of the example service."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.policies import builtin_policies, complete_policies, load_policies
from kscan_lsp.workspace.project import Project

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies/packs/fintech"
POLICIES = load_policies(sorted(PACK.glob("*/*.yaml")), base=complete_policies())
OWN = {i: control for i, control in POLICIES.controls.items() if i.startswith("FIN-")}
SECTION = re.compile(
    r"(PCI \d+(\.\d+)*(, \d+(\.\d+)*)*|NIST 4(\.\d+)+(, 4(\.\d+)+)*|DORA \d+(\(\w\))*(, \d+(\(\w\))*)*)"
)


def test_it_is_whole() -> None:
    assert POLICIES.problems == complete_policies().problems == ()
    assert len(OWN) >= 30
    assert builtin_policies().framework("fintech") is None  # read only where settings name it


@pytest.mark.parametrize("control", OWN.values(), ids=list(OWN))
def test_the_tests_of_its_controls_pass(control) -> None:
    assert [outcome.failure for outcome in run_tests(control, POLICIES) if outcome.failure] == []
    assert control.references
    assert control.remediation


def test_its_framework_has_each_of_them_with_what_it_serves() -> None:
    framework = POLICIES.framework("fintech")
    assert framework is not None
    assert set(OWN) <= set(members_of(framework, POLICIES)) == set(framework.members)
    for member in framework.members.values():
        assert all(SECTION.fullmatch(part) for part in member.section.split("; ")), member.section
        assert member.reason
    assert {part.section.split()[0] for part in framework.unseen} == {"PCI", "NIST", "DORA"}


def judged(variant: str) -> Project:
    configuration, words = configure(ROOT, settings_path=ROOT / "examples/payments/fintech.yaml")
    assert (words, configuration.problems) == ((), ())
    texts = [
        (path.name, path.read_text(encoding="utf-8"), path.suffix == ".json")
        for path in sorted((ROOT / "examples/payments" / variant).iterdir())
    ]
    return Project(Evaluator(configuration.ruleset, Evidence(date(2026, 1, 1)))).with_files(texts)


def test_the_hardened_example_scores_100() -> None:
    project = judged("hardened")
    found = [f"{f.finding.control} {f.finding.message}" for c in project.files.values() for f in c.findings()]
    assert found == []
    unevaluated = [
        u.reason
        for c in project.files.values()
        for p in c.documents
        for v in p.checked.verdicts
        for u in v.unevaluated
    ]
    assert unevaluated == []


def test_the_insecure_example_fails_with_places_and_fixes() -> None:
    project = judged("insecure")
    found = [f.finding for c in project.files.values() for f in c.findings()]
    broken = {finding.control for finding in found}
    assert len(broken & set(OWN)) >= 20, sorted(broken)
    assert all(finding.span.end > finding.span.start for finding in found)
    fixed = set()
    for path, checked in project.files.items():
        for number, part in enumerate(checked.parts):
            for finding in part.findings:
                if finding.fixable and fixes_of(Site(project, path, number), finding)[0]:
                    fixed.add(finding.control)
    assert {"FIN-0005", "FIN-0011"} <= fixed
