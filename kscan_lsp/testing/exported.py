"""Whether an exported policy says the same as its control: both judge the manifests of the control's own tests.

A policy denies an object where the control finds anything in it, and admits it where it finds nothing. What the API
server fills in before a policy sees an object counts, as it does in a cluster. Objects of kinds that the policy leaves
out on purpose are not compared.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from kscan_lsp.admission.exporting import WORKLOAD_GROUPS, exported
from kscan_lsp.admission.model import GROUP
from kscan_lsp.admission.translating import RefusedError
from kscan_lsp.admission.writing import documents
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy import ruleset
from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.testing.marks import read_marks
from kscan_lsp.testing.run import settings_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.policy.schema import TestFile

_FILE: Final = "manifest.yaml"
_POLICY: Final = "policy.yaml"
_TODAY: Final = date(2026, 1, 1)
_ERROR: Final = "resulted in error: "


def refuse_difference(control: Control, policies: PolicySet) -> int:
    """Hold a control against itself as a policy, by all of its tests; returns how many objects were compared.

    Raises:
        RefusedError: they differ, or there is no test in which the control finds anything.
    """
    compared = denied = 0
    for test in policies.sources[control.id].tests:
        for found, refused, what in _pairs(control, policies, test):
            if found != refused:
                did = "admits" if found else "denies"
                raise RefusedError(f"as a policy it {did} {what}, in its test '{test.name}'")
            compared += 1
            denied += found
    if not denied or denied == compared:
        raise RefusedError("no test of it shows both what it finds and what it does not")
    return compared


def _pairs(control: Control, policies: PolicySet, test: TestFile) -> list[tuple[bool, bool, str]]:
    """Of each object of a test whether the control finds anything in it, whether the policy denies it, what it is."""
    manifest, _ = read_marks(test.manifest)
    rules, _ = ruleset.choose(policies, settings_of(test), only=(control.id,))
    alone = Project(Evaluator(rules, Evidence(_TODAY))).with_file(_FILE, manifest)
    text = documents(part for made in exported(control, rules) for part in made)
    judging = Project(Evaluator(ruleset.admission_alone(rules), Evidence(_TODAY)))
    admitted = judging.with_files([(_POLICY, text, False), (_FILE, manifest, False)])
    compared = []
    for one, other in zip(_verdicts(alone), _verdicts(admitted), strict=True):
        who = one.resource.id
        if not is_compared(one.resource, control):
            continue
        unanswered = [entry.reason for entry in other.unevaluated if is_of_admission(entry.control)]
        refusals = [finding.message for finding in other.findings if is_of_admission(finding.control)]
        errors = [message for message in refusals if _ERROR in message]
        if unanswered or errors:
            raise RefusedError(f"as a policy it does not judge {who.kind}: {(unanswered or errors)[0]}")
        compared.append((bool(one.findings), bool(refusals), f"{who.kind} '{who.shown_name}'"))
    return compared


def is_compared(resource: Resource, control: Control) -> bool:
    """Whether a policy is about an object that its control is about: custom kinds that run pods are left out."""
    workloads = any(check.match is None for check in control.checks)
    left_out = workloads and resource.templates and resource.id.group not in WORKLOAD_GROUPS
    return resource.id.group != GROUP and not left_out


def _verdicts(project: Project) -> list[Verdicts]:
    return [verdicts for part in project.files[_FILE].parts for verdicts in part.verdicts]
