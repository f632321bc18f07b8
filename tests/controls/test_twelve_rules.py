"""Twelve rules of a platform team, each one control with its tests: what the language has to be able to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.policies import complete_policies, load_policies

FOLDER = Path(__file__).parent / "twelve_rules"
POLICIES = load_policies(sorted(FOLDER.glob("TWELVE-*.yaml")), base=complete_policies())
RULES = [f"TWELVE-{number:04}" for number in range(1, 13)]


def test_all_can_be_read() -> None:
    assert [(one.source, one.problem.message) for one in POLICIES.problems] == []
    assert [name for name in POLICIES.controls if name.startswith("TWELVE")] == RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_what_breaks_it_and_nothing_else(rule: str) -> None:
    outcomes = run_tests(POLICIES.controls[rule], POLICIES)
    assert [(one.name, one.failure) for one in outcomes if one.failure] == []
