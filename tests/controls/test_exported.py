"""Every control that is written as an admission policy says the same there; of every other it is said why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kscan_lsp.admission.exporting import exported
from kscan_lsp.admission.translating import RefusedError
from kscan_lsp.admission.writing import documents
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.testing.exported import refuse_difference
from kscan_lsp.workspace.policies import builtin_policies, complete_policies
from kscan_lsp.yaml.document import read_document, split

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
