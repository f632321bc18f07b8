"""What a copy of this process sends is what it made, and what both had is not there twice."""

from __future__ import annotations

import msgspec
from support.evaluating import fresh

from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.transfer import Transfer

MANIFESTS = """\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {app: a}}
spec:
  containers: [{name: a, image: nginx, securityContext: {privileged: true}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: all, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
"""


def test_objects_that_both_know_are_the_same_here() -> None:
    project = Project(fresh()).with_file("a.yaml", MANIFESTS)
    file = project.files["a.yaml"]
    transfer = Transfer([project.evidence, file.text], [project])
    packed = transfer.packed([file])
    (here,) = transfer.unpacked(packed)
    assert here is not file
    assert b"privileged: true" not in packed
    assert here.objects == file.objects
    before, now = file.parts[0], here.parts[0]
    assert now.read.evidence is project.evidence
    assert now.findings == before.findings
    assert now.findings[0].data is before.findings[0].data
    assert now.verdicts[0].resource.data is before.verdicts[0].resource.data
    assert now.verdicts[0].view.value is before.verdicts[0].view.value


def test_objects_that_both_know_may_be_others_there() -> None:
    """Two processes with the same files have objects of their own, in the same order."""
    here, there = (
        Project(fresh())
        .with_file("a.yaml", MANIFESTS)
        .with_file("b.yaml", MANIFESTS.replace("name: a", "name: b"))
        for _ in range(2)
    )
    sent, received = Transfer([], [there]), Transfer([], [here])
    file = received.unpacked(sent.packed(there.files["b.yaml"]))
    assert file.objects == here.files["b.yaml"].objects != there.files["b.yaml"].objects
    assert file.parts[0].findings[0].data is here.files["b.yaml"].parts[0].findings[0].data


def test_a_text_that_is_to_be_read_is_not_sent_and_read_again_when_asked_for() -> None:
    text = MANIFESTS.partition("---")[0]
    project = Project(fresh())
    made = project.read("a.yaml", text)
    transfer = Transfer([text], [project])
    (here,) = transfer.unpacked(transfer.packed([made]))
    assert here.text is text
    document, before = here.parts[0].document, made.parts[0].document
    assert document.text is text
    assert document.lines.starts == before.lines.starts
    assert [one.message for one in here.parts[0].findings] == [one.message for one in made.parts[0].findings]
    assert document.content is None
    assert document.data == before.data
    assert msgspec.to_builtins(document.root) == msgspec.to_builtins(before.root)
    assert document.root is document.root


def test_what_was_related_elsewhere_is_related_again_after_an_edit() -> None:
    read = Project(fresh()).with_file("a.yaml", MANIFESTS)
    transfer = Transfer([], [])
    project = read.with_judged({"a.yaml": transfer.unpacked(transfer.packed(read.files["a.yaml"]))})
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: shop}\n"
    policy += "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"

    def said(one: Project) -> list[tuple[str, str]]:
        return [(finding.control, finding.message) for _, finding in one.files["a.yaml"].findings()]

    with_policy = project.with_file("p.yaml", policy)
    assert said(with_policy) != said(project)
    assert said(with_policy) == said(read.with_file("p.yaml", policy))
    assert said(with_policy.without_file("p.yaml")) == said(project)
