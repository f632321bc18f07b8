"""A workspace with admission policies: what they say of the objects in it."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from kscan_lsp import paths
from kscan_lsp.admission import remembered
from kscan_lsp.admission.before import as_it_was, file_before, of_revision
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.policy.model import PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.settings.sections import AdmissionSettings
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from kscan_lsp.workspace.results import CheckedFile

EVERYTHING = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]


class Said(NamedTuple):
    """What a policy says of an object: the path, the text that is marked, the severity, and the message."""

    path: str
    marked: str
    severity: str
    message: str


def admitting_project(*, mutate: bool = False, settings: Settings | None = None) -> Project:
    """A project that is judged by the admission policies in it, and by nothing else."""
    settings = settings or Settings(admission=AdmissionSettings(mutate=mutate))
    ruleset, _ = choose(PolicySet(), settings)
    return Project(Evaluator(ruleset, Evidence(date(2026, 11, 29))))


def at_revision(project: Project, files: dict[str, str], *unread: str, why: str = "") -> Project:
    """A project with what its files were at a revision, some of which nobody knows; or why nothing is known."""
    before = [of_revision("HEAD", "1", why)]
    for name, text in files.items():
        before += [file_before(name, "1"), *map(as_it_was, objects_of(name, text, project.ruleset))]
    before += [file_before(name, "1", unread=True) for name in unread]
    return project.with_objects(BEFORE, tuple(before))


def policy(validations: list[dict[str, Any]] | str, *, name: str = "p", **spec: Any) -> str:
    """The text of a policy, about everything where `spec` does not say, and of a binding that denies."""
    if isinstance(validations, str):
        validations = [{"expression": validations}]
    constraints = spec.pop("matchConstraints", {"resourceRules": EVERYTHING})
    binding = spec.pop("binding", {})
    documents = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {"matchConstraints": constraints, "validations": validations, **spec},
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"], **binding},
        },
    ]
    return "\n---\n".join(json.dumps(document) for document in documents)


def mutating(*mutations: str, name: str = "m", version: str = "v1", **spec: Any) -> str:
    """The text of a policy that changes everything, and of its binding: JSON patches, or apply configurations."""
    listed = [
        {"patchType": "JSONPatch", "jsonPatch": {"expression": one}}
        if "JSONPatch{" in one
        else {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": one}}
        for one in mutations
    ]
    constraints = spec.pop("matchConstraints", {"resourceRules": EVERYTHING})
    binding = spec.pop("binding", {})
    documents = [
        {
            "apiVersion": f"admissionregistration.k8s.io/{version}",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": constraints,
                "mutations": listed,
                "reinvocationPolicy": "Never",
                **spec,
            },
        },
        {
            "apiVersion": f"admissionregistration.k8s.io/{version}",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, **binding},
        },
    ]
    return "\n---\n".join(json.dumps(document) for document in documents)


def said(text: str, *policies: str, others: str = "") -> list[Said]:
    """What policies say of the objects of a text."""
    return said_of(_file(text, policies, others))


def unanswered(text: str, *policies: str, others: str = "") -> list[str]:
    """Why policies do not say anything of the objects of a text."""
    checked = _file(text, policies, others)
    return [
        entry.reason
        for part in checked.parts
        for verdicts in part.verdicts
        for entry in verdicts.unevaluated
        if is_of_admission(entry.control)
    ]


def said_of(checked: CheckedFile) -> list[Said]:
    """What policies say of the objects of a file."""
    return [
        Said(
            paths.show(finding.path),
            placed.checked.document.text[finding.span.start : finding.span.end],
            finding.severity.label,
            finding.message,
        )
        for placed, finding in checked.findings()
        if is_of_admission(finding.control)
    ]


def assert_edits_say_what_a_fresh_start_says(around: Project, texts: list[str]) -> None:
    """What is said of an object at each of its texts, one after the other, is what is said of it alone."""
    remembered.forget()
    project, edited = around, []
    for text in texts:
        project = project.with_file("web.json", text, json=True)
        edited.append(_all_said(project))
    fresh = []
    for text in texts:
        remembered.forget()
        fresh.append(_all_said(around.with_file("web.json", text, json=True)))
    assert edited == fresh


def _all_said(project: Project) -> object:
    file = project.files["web.json"]
    return said_of(file), [one.unevaluated for part in file.parts for one in part.verdicts]


def _file(text: str, policies: tuple[str, ...], others: str) -> CheckedFile:
    files = [("a.yaml", text, False), ("others.yaml", others, False)]
    files += [(f"policy{number}.yaml", one, False) for number, one in enumerate(policies)]
    return admitting_project().with_files(files).files["a.yaml"]
