"""Every control's own tests, as `kscan test` runs them."""

from __future__ import annotations

import re

import pytest

from kscan_lsp import cel
from kscan_lsp.testing.run import Outcome, run_tests
from kscan_lsp.workspace.policies import complete_policies

POLICIES = complete_policies()
OUTCOMES = [outcome for control in POLICIES.controls.values() for outcome in run_tests(control, POLICIES)]


def test_every_policy_file_is_right() -> None:
    assert [(p.source, p.problem.message) for p in POLICIES.problems] == []


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda o: f"{o.control}-{o.name}")
def test_control(outcome: Outcome) -> None:
    assert outcome.failure == ""


@pytest.mark.parametrize("control", POLICIES.controls.values(), ids=lambda c: c.id)
def test_control_is_documented_and_tested(control) -> None:
    assert len(control.description) > 60
    assert len(control.remediation) > 30
    assert control.references
    manifests = [test.manifest for test in POLICIES.sources[control.id].tests]
    assert any("^" in manifest for manifest in manifests), "no test shows it failing"
    assert any("^" not in manifest for manifest in manifests), "no test shows it passing"
    if control.fixable:
        assert any(test.fixed for test in POLICIES.sources[control.id].tests), "no test shows its fix"


@pytest.mark.parametrize("control", POLICIES.controls.values(), ids=lambda c: c.id)
def test_a_message_names_an_object_as_reports_do(control) -> None:
    for check in control.checks:
        for part in check.message.parts:
            if isinstance(part, cel.Expression):
                assert not re.search(r"object\.\??metadata\.\??name\b", part.source)
