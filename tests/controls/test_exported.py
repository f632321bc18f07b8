"""Every control that is written as an admission policy says the same there; of every other it is said why not."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kscan_lsp.admission.exporting import exported
from kscan_lsp.admission.translating import RefusedError
from kscan_lsp.admission.writing import documents
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.testing.exported import is_compared, refuse_difference
from kscan_lsp.testing.marks import read_marks
from kscan_lsp.testing.run import settings_of
from kscan_lsp.workspace.policies import builtin_policies, complete_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, split
from tests.support.apiserver import ask, case_of

PROGRAM = os.environ.get("KSCAN_APISERVER", "")
PAGE = (Path(__file__).parents[2] / "docs/exported.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(builtin_policies().controls))
def test_a_control_is_the_same_as_a_policy_or_refused(name: str) -> None:
    policies = complete_policies()
    control = policies.controls[name]
    rules, _ = choose(policies, Settings())
    if f"\n* {name} " not in PAGE:
        with pytest.raises(RefusedError) as refused:
            exported(control, rules)
        assert f"| {refused.value} |" in PAGE
        return
    made = exported(control, rules)
    assert refuse_difference(control, policies) > 1
    objects = [part for one in made for part in one]
    read = [read_document(piece) for piece in split(documents(objects))]
    assert [(document.data, document.problems) for document in read] == [(one, ()) for one in objects]


@pytest.mark.skipif(not PROGRAM, reason="KSCAN_APISERVER names no program: see tests/support/apiserver.py")
def test_the_api_server_denies_what_the_controls_find() -> None:
    policies = complete_policies()
    asked: list[dict[str, Any]] = []
    found: list[tuple[str, str, bool, int]] = []
    for name, control in policies.controls.items():
        for test in policies.sources[name].tests if f"\n* {name} " in PAGE else ():
            rules, _ = choose(policies, settings_of(test), only=(name,))
            project = Project(Evaluator(rules, Evidence(date(2026, 1, 1))))
            file = project.with_file("a.yaml", read_marks(test.manifest)[0]).files["a.yaml"]
            made = exported(control, rules)
            for verdicts in (one for part in file.parts for one in part.verdicts):
                if is_compared(verdicts.resource, control):
                    found.append((name, test.name, bool(verdicts.findings), len(made)))
                    asked += [case_of(one.policy, verdicts.resource) for one in made]
    denied = [bool(answer) for answer in ask(PROGRAM, asked)]
    assert len(found) > 350
    at = 0
    for name, test, finds, parts in found:
        assert any(denied[at : at + parts]) == finds, (name, test)
        at += parts
