"""Findings of Kyverno's rules in reports, and how they are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.findings import ResourceId
from kscan_lsp.policy.admission import is_of_admission, kyverno_id, stand_in
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.report.kinds import kinds_not_judged
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document
from tests.support.admitting import admitting_project
from tests.support.kyverno import about, cluster_policy, denying

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p{comment}\nspec: {{containers: [{{name: a, image: b}}]}}\n"
ALWAYS = {"name": "No Latest", "match": about("Pod"), "validate": denying(("a", "Equals", "a"))}
ID = "Kyverno/images/No-Latest"


def findings(comment: str, settings: str = "{}") -> tuple[list[Finding], list[str]]:
    """What one rule finds in a pod with a comment behind its name; and the problems there."""
    chosen = Settings.of(read_document(settings).data)
    project = Project(Evaluator(choose(PolicySet(), chosen)[0], admitting_project().evidence))
    files = [
        ("a.yaml", POD.format(comment=comment), False),
        ("p.yaml", cluster_policy(ALWAYS, name="images"), False),
    ]
    file = project.with_files(files).files["a.yaml"]
    return [finding for _, finding in file.findings() if finding.control == ID], [
        problem.message for _, problem in file.problems()
    ]


def test_a_comment_accepts_what_a_rule_finds() -> None:
    (one,), problems = findings(f"  # kscan:ignore {ID} -- agreed")
    assert one.disposition is not None
    assert one.disposition.reason == "agreed"
    assert problems == []
    (one,), _ = findings("  # kscan:ignore Kyverno/images/other -- agreed")
    assert one.disposition is None


def test_settings_leave_a_rule_out_or_make_it_less_severe() -> None:
    assert findings("", f"controls: {{exclude: [{ID}]}}")[0] == []
    assert findings("", "controls: {exclude: [Kyverno/images/other]}")[0] != []
    assert findings("", f"controls: {{severity: {{{ID}: low}}}}")[0][0].severity.label == "low"
    assert findings("", "admission: {evaluate: false}")[0] == []


def test_what_a_rule_says_is_counted() -> None:
    passing = {"name": "ok", "match": about("Pod"), "validate": denying(("a", "Equals", "b"))}
    open_one = {
        "name": "who",
        "match": about("Pod"),
        "validate": denying(("{{ request.roles }}", "AnyIn", ["x"])),
    }
    skipped = {**ALWAYS, "name": "skip", "preconditions": [{"key": "a", "operator": "Equals", "value": "b"}]}
    elsewhere = {**ALWAYS, "name": "elsewhere", "match": about("Service")}
    text = cluster_policy(passing, open_one, skipped, elsewhere, ALWAYS, name="images")
    project = admitting_project().with_files(
        [("a.yaml", POD.format(comment=""), False), ("p.yaml", text, False)]
    )
    (verdicts,) = [one for part in project.files["a.yaml"].parts for one in part.verdicts]
    assert verdicts.passed == {"Kyverno/images/ok"}
    assert verdicts.failed == {ID}
    assert {one.control for one in verdicts.unevaluated} == {"Kyverno/images/who"}


@pytest.mark.parametrize(
    ("policy", "rule", "name"),
    [
        ("p", "r", "Kyverno/p/r"),
        ("p", "check for labels!", "Kyverno/p/check-for-labels"),
        ("p", "a -- b", "Kyverno/p/a-b"),
        ("p", "", "Kyverno/p"),
    ],
)
def test_an_id_can_be_written_anywhere(policy: str, rule: str, name: str) -> None:
    assert kyverno_id(policy, rule) == name
    assert is_of_admission(name)
    assert policy in stand_in(name).title


def test_an_annotation_accepts_several() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n"
        f"    kscan.dev/ignore: C-0057 -- one; {ID} -- two\nspec: {{containers: [{{name: a, image: b}}]}}\n"
    )
    files = [("a.yaml", text, False), ("p.yaml", cluster_policy(ALWAYS, name="images"), False)]
    ((_, finding),) = admitting_project().with_files(files).files["a.yaml"].findings()
    assert finding.disposition is not None
    assert finding.disposition.reason == "two"


def test_a_policy_is_no_kind_that_nobody_knows() -> None:
    rules, _ = choose(PolicySet(), Settings.of({}))
    known = ResourceId("kyverno.io/v1", "ClusterPolicy", "", "images")
    other = ResourceId("kyverno.io/v1", "ClusterPolicie", "", "images")
    assert [one.kind for one in kinds_not_judged([(known, rules), (other, rules)])] == ["ClusterPolicie"]
