"""Where a path stands."""

from __future__ import annotations

from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.yaml.document import read_document

TEXT = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: web}
  spec: &spec
    hostPID: true
    containers:
    - {name: a, image: b}
    - name: c
      securityContext: &own {privileged: true}
    - <<: {image: d, securityContext: *own}
      name: e
- {apiVersion: v1, kind: Pod, spec: *spec}
"""
RESOURCES = resources_of(read_document(TEXT), {})[0]


def test_what_comes_through_an_alias_is_marked_where_it_is_used() -> None:
    found = RESOURCES[0].resolve(("spec", "containers", 2, "securityContext", "privileged"))
    assert TEXT[found.span.start : found.span.end] == "securityContext: *own"
    assert found.definition is not None
    assert TEXT[found.definition.start : found.definition.end] == "privileged: true"
