"""What all built-in controls say of a text, by an evaluator that remembers and one that does not."""

from __future__ import annotations

from datetime import date

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project

TODAY = date(2026, 1, 1)


def fresh(policy_set=None) -> Evaluator:
    """An evaluator of all controls that has judged nothing."""
    chosen = Settings.of({"frameworks": ["allcontrols"]})
    return Evaluator(choose(policy_set or builtin_policies(), chosen)[0], Evidence(TODAY))


def judged(text: str, evaluator: Evaluator) -> list[tuple]:
    return [
        (verdicts.findings, verdicts.passed, verdicts.unevaluated)
        for placed in Project(evaluator).with_file("pod.yaml", text).files["pod.yaml"].documents
        for verdicts in placed.checked.verdicts
    ]
