"""A control that asks for evidence, and what becomes of it in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.policy.load import load
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.evidence.model import Evidence

FINDS = """\
id: KS-9001
title: Known to be vulnerable
score: 5.0
description: d
remediation: r
needs: a scan of images
evidence: images
checks:
- each: containers
  let: {known: "evidence.images[container.image]"}
  deny: known.size() > 0
  message: "{container.image} has {known.join(', ')}"
"""
NEEDS = "no manifest says this; it takes a scan of images"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: shop}}
spec:
  containers:
  - name: shop
    image: shop:1
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}}
"""


def project_with(evidence: Evidence, *controls: str) -> Project:
    """A project of some controls that ask for what is known of images."""
    known = load((f"{n}.yaml", read_document(text)) for n, text in enumerate(controls or (FINDS,)))
    assert known.problems == ()
    chosen = Settings.of({"frameworks": [], "controls": {"include": list(known.controls)}})
    return Project(Evaluator(choose(known, chosen)[0], evidence))


def outcomes(project: Project) -> dict[str, list[str]]:
    """By file, what the controls say of each object: messages, why one was not evaluated, or that they passed."""
    return {
        path: [
            text
            for checked in file.parts
            for verdicts in checked.verdicts
            for text in (
                *(finding.message for finding in verdicts.findings),
                *(f"unevaluated: {entry.reason}" for entry in verdicts.unevaluated),
                *("passed" for _ in verdicts.passed),
            )
        ]
        for path, file in sorted(project.files.items())
    }
