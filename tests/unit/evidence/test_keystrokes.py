"""What is known of images costs an edit nothing that is about something else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from support import images
from support.images import NGINX, as_bytes

from kscan_lsp.engine import evaluate
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.images import evidence_of, of_images
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from kscan_lsp.engine.memo import Answer

POD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  containers:
  - name: web
    image: {NGINX}
    env: [{{name: A, value: b}}]
  - name: side
    image: {NGINX}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}}
"""


def test_only_what_images_rest_on_has_their_controls_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.grype.json").write_bytes(as_bytes(images.grype()))
    configuration, _ = configure(tmp_path, changes={"frameworks": ["allcontrols"]})
    evidence = evidence_of(configuration.images, date(2026, 1, 15))
    project = Project(Evaluator(configuration.ruleset, evidence))
    project = project.with_files([("a.yaml", POD, False), ("b.yaml", SERVICE, False)])
    about = {*of_images(configuration.ruleset.policies), "C-0083", "C-0084", "C-0085"}
    asked: list[str] = []
    ask = evaluate.ask

    def noted(expression: object, *others: object) -> Answer:
        asked.extend(
            control.id
            for control in configuration.ruleset.controls.values()
            for check in control.checks
            if check.deny is expression
        )
        return ask(expression, *others)  # type: ignore[arg-type, return-value]

    monkeypatch.setattr(evaluate, "ask", noted)

    def after(old: str, new: str) -> set[str]:
        asked.clear()
        project.with_document("a.yaml", 0, POD.replace(old, new))
        return {control for control in asked if control in about}

    assert after("value: b", "value: c") == set()
    assert after("labels: {", "annotations: {a: b}, labels: {") == set()
    # KS-0060 asks for what is critical, of which there is nothing: who reaches it would only be said in its message
    exposed = after("env:", "ports: [{containerPort: 80, hostPort: 80}]\n    env:")
    assert "C-0083" in exposed
    assert "KS-0060" not in exposed
    assert after(NGINX, f"docker.io/library/{NGINX}") >= {"KS-0060", "C-0085"}
