"""A List whose objects share parts by aliases and merges, and what it declares."""

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
