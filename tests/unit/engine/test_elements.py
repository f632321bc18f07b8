"""Rounds without elements are known before anything is looked for in them, whatever an object is made of."""

from __future__ import annotations

import pytest
from support.evaluating import fresh, judged

from kscan_lsp.engine import evaluate

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, annotations: ANNOTATIONS}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      securityContext: CONTEXT
      volumes: VOLUMES
      initContainers: FIRST
      containers: CONTAINERS
"""
GOOD = {
    "ANNOTATIONS": "{a: b}",
    "CONTEXT": "{seccompProfile: {type: Unconfined}}",
    "VOLUMES": "[{name: a, hostPath: {path: /}}]",
    "FIRST": "[]",
    "CONTAINERS": "[{name: api, image: a, env: [{name: PASSWORD, value: hunter22}]}, {name: b, image: b:1}]",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[
            (field, value)
            for field in GOOD
            for value in (GOOD[field], "text", "[]", "[text]", "{}", "{a: 1}", "null")
        ],
        ("CONTEXT", "{seccompProfile: text}"),
        ("CONTEXT", "{windowsOptions: [hostProcess]}"),
        ("CONTAINERS", "[{name: api, env: {a: b}, args: text, securityContext: {capabilities: [add]}}]"),
        (
            "CONTAINERS",
            "[{name: api, livenessProbe: {exec: [command]}}, {livenessProbe: {exec: {command: [a]}}}]",
        ),
        ("CONTAINERS", "[text, {name: api}]"),
    ],
)
def test_what_is_known_before_says_what_looking_says(
    field: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = POD
    for name, good in {**GOOD, field: value}.items():
        text = text.replace(name, good)
    known = judged(text, fresh())
    monkeypatch.setattr(
        evaluate, "possibly_there", lambda trie, _: sorted(n for node in trie.values() for n in node.all)
    )
    assert judged(text, fresh()) == known
