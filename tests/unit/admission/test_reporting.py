"""Findings of admission policies in reports, and how they are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document
from tests.support.admitting import admitting_project, policy

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p{comment}\nspec: {{containers: [{{name: a, image: b}}]}}\n"


def findings(comment: str, settings: str = "{}") -> tuple[list[Finding], list[str]]:
    """What one policy, `no.latest`, finds in a pod with a comment behind its name; and the problems there."""
    chosen = Settings.of(read_document(settings).data)
    evidence = admitting_project().evidence
    project = Project(Evaluator(choose(PolicySet(), chosen)[0], evidence))
    files = [
        ("a.yaml", POD.format(comment=comment), False),
        ("p.yaml", policy("false", name="no.latest"), False),
    ]
    file = project.with_files(files).files["a.yaml"]
    found = [finding for _, finding in file.findings() if finding.control == "VAP/no.latest"]
    return found, [problem.message for _, problem in file.problems()]


def test_a_comment_accepts_what_a_policy_finds() -> None:
    (one,), problems = findings("  # kscan:ignore VAP/no.latest -- agreed")
    assert one.disposition is not None
    assert one.disposition.reason == "agreed"
    assert problems == []
    (one,), _ = findings("  # kscan:ignore VAP/other -- agreed")
    assert one.disposition is None


def test_settings_leave_a_policy_out_or_make_it_less_severe() -> None:
    assert findings("", "controls: {exclude: [VAP/no.latest]}")[0] == []
    assert findings("", "controls: {exclude: [VAP/other]}")[0] != []
    assert findings("", "controls: {severity: {VAP/no.latest: low}}")[0][0].severity.label == "low"
    assert findings("", "admission: {evaluate: false}")[0] == []


def test_a_finding_leads_to_its_validation() -> None:
    (related,) = findings("")[0][0].related
    assert related.file == "p.yaml"
    assert related.document[related.span.start : related.span.end] == '"false"'
