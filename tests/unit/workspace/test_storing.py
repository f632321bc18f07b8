"""Controls judge objects as policies change them: findings and fixes are those of the text."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import TYPE_CHECKING

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.fix_all import containers_of, outlook
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.report.build import build
from kscan_lsp.report.json import render
from kscan_lsp.report.summary import summary
from kscan_lsp.settings.model import Settings
from kscan_lsp.settings.sections import AdmissionSettings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from tests.support.admitting import mutating

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: api
    image: registry.example.com/api:1
    securityContext:
      allowPrivilegeEscalation: true
  - name: log
    image: registry.example.com/log:2
"""
FIRST = mutating(
    '[JSONPatch{op: "add", path: "/spec/containers/0",'
    ' value: Object.spec.containers{name: "first", image: "f:1"}}]',
    name="first",
)
ESCALATION = "C-0016"
HARDEN = mutating(
    """Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{
        name: c.name,
        securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false}})}}""",
    name="harden",
)


def project_of(text: str, *policies: str) -> Project:
    settings = Settings(admission=AdmissionSettings(mutate=True))
    ruleset, _ = choose(builtin_policies(), settings, only=[ESCALATION])
    files = [("a.yaml", text, False), *((f"{n}.yaml", one, False) for n, one in enumerate(policies))]
    return Project(Evaluator(ruleset, Evidence(date(2026, 11, 29)))).with_files(files)


def found(project: Project) -> list[tuple[str, str, bool]]:
    file = project.files["a.yaml"]
    return [
        (
            one.finding.stable_path,
            file.text[one.finding.span.start : one.finding.span.end],
            one.finding.fixable,
        )
        for one in file.findings()
    ]


def finding(project: Project, name: str) -> Finding:
    (one,) = [f for _, f in project.files["a.yaml"].findings() if f"name={name}" in f.stable_path]
    return one


def test_a_fix_goes_where_the_text_has_the_container() -> None:
    project = project_of(POD, FIRST)
    end = "securityContext.allowPrivilegeEscalation"
    assert found(project) == [
        (f"spec.containers[name=first].{end}", "containers", False),
        (f"spec.containers[name=api].{end}", "allowPrivilegeEscalation: true", True),
        (f"spec.containers[name=log].{end}", "name: log", True),
    ]
    site = Site(project, "a.yaml", 0)
    ((fix,), _) = fixes_of(site, finding(project, "api"))
    assert fix.text == POD.replace("Escalation: true", "Escalation: false")
    assert "container 'api'" in fix.title
    ((fix,), _) = fixes_of(site, finding(project, "log"))
    assert fix.text == POD + "    securityContext:\n      allowPrivilegeEscalation: false\n"
    assert fixes_of(site, finding(project, "first"))[0] == []


def test_all_that_is_wrong_with_a_container_is_that_of_the_text() -> None:
    project = project_of(POD, FIRST)
    site = Site(project, "a.yaml", 0)
    (container,) = containers_of(site, finding(project, "api"))
    assert container.path == ("spec", "containers", 0)
    assert outlook(site, container) == (1, 1)
    assert containers_of(site, finding(project, "first")) == []


def test_what_policies_undo_has_no_fix() -> None:
    undo = '[JSONPatch{op: "add", path: "/spec/containers/1/securityContext", value: {}}]'
    text = POD + "    securityContext: {allowPrivilegeEscalation: false}\n"
    project = project_of(text, mutating(undo))
    one = finding(project, "log")
    assert one.related[-1].message == "set by MutatingAdmissionPolicy 'm'" or not one.related
    fixes, why = fixes_of(Site(project, "a.yaml", 0), one)
    assert (fixes, bool(why)) == ([], True)


def test_what_a_policy_answers_is_counted_and_never_silent() -> None:
    project = project_of(POD, HARDEN)
    assert found(project) == []
    report = build([(file, project) for file in project.files.values()])
    assert report.answered == (("harden", 2),)
    assert json.loads(render(report))["summary"]["answered"] == [{"policy": "harden", "findings": 2}]
    lines = ["".join(piece.text for piece in line) for line in summary(report, 100)]
    assert "answered     2 findings by MutatingAdmissionPolicy 'harden'" in lines
    told = "2 findings are answered by MutatingAdmissionPolicy 'harden': C-0016"
    assert [(one.file, one.message, one.is_fault) for one in report.problems] == [("a.yaml", told, False)]


def test_nothing_is_said_of_answers_where_nothing_is_changed() -> None:
    project = project_of(POD)
    report = build([(file, project) for file in project.files.values()])
    assert "answered" not in json.loads(render(report))["summary"]


def test_findings_have_the_fingerprints_that_they_have_without_the_policy() -> None:
    alone = {f.stable_path for _, f in project_of(POD).files["a.yaml"].findings()}
    changed = {f.stable_path for _, f in project_of(POD, FIRST).files["a.yaml"].findings()}
    assert alone < changed


def test_what_was_judged_elsewhere_says_the_same() -> None:
    """Another process has other addresses: what goes by them is not sent."""
    ((admission,),) = [part.admitted for part in project_of(POD, FIRST).files["a.yaml"].parts]
    assert admission.stored is not None
    trace = admission.stored.mutated.trace
    path = ("spec", "containers", 2, "name")
    assert trace.of(path).path == ("spec", "containers", 1, "name")
    assert pickle.loads(pickle.dumps(trace)).of(path).path == ("spec", "containers", 1, "name")  # noqa: S301 - our own


def test_edits_judge_what_a_fresh_start_judges() -> None:
    texts = [
        POD,
        POD.replace("true", "false"),
        POD.replace("name: api", "name: apis"),
        POD.replace("true", "false") + "    securityContext: {allowPrivilegeEscalation: false}\n",
        POD + "  - name: late\n    image: x\n",
        POD.replace("kind: Pod", "kind: Pd"),
        POD,
    ]
    edited = project_of(POD, FIRST, HARDEN)
    for text in texts:
        edited = edited.with_document("a.yaml", 0, text)
        fresh = project_of(text, FIRST, HARDEN)
        assert found(edited) == found(fresh)
        notes = [[p.message for _, p in one.files["a.yaml"].problems()] for one in (edited, fresh)]
        assert notes[0] == notes[1]
