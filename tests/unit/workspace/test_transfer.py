"""What a copy of this process sends is what it made, and what both had is not there twice."""

from __future__ import annotations

from msgspec.structs import replace
from support.evaluating import fresh

from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.transfer import Shared

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


def test_what_both_have_is_the_same_object_here() -> None:
    project = Project(fresh()).with_file("a.yaml", MANIFESTS)
    file = project.files["a.yaml"]
    first = file.parts[0]
    found = replace(first.findings[0], message="found by a copy")
    verdicts = replace(first.verdicts[0], findings=(found,))
    made = file.with_parts([replace(first, verdicts=(verdicts,)), *file.parts[1:]])
    shared = Shared([project])
    packed = shared.packed([made])
    (here,) = shared.unpacked(packed)
    assert here is not made
    assert here.text is file.text
    assert b"privileged: true" not in packed
    assert [part.read for part in here.parts] == [part.read for part in file.parts]
    assert here.parts[0].verdicts[0].resource is first.verdicts[0].resource
    assert here.parts[0].findings == (found,)
    assert here.parts[0].findings[0].data is found.data


def test_a_text_that_is_to_be_read_is_not_sent() -> None:
    text = MANIFESTS.partition("---")[0]
    project = Project(fresh())
    made = project.read("a.yaml", text)
    shared = Shared([project], [text])
    (here,) = shared.unpacked(shared.packed([made]))
    assert here.text is text
    assert here.parts[0].document.text is text
    assert here.parts[0].document.lines.starts == made.parts[0].document.lines.starts
    assert [one.message for one in here.parts[0].findings] == [one.message for one in made.parts[0].findings]


def test_what_was_related_elsewhere_is_related_again_after_an_edit() -> None:
    read = Project(fresh()).with_file("a.yaml", MANIFESTS)
    shared = Shared([])
    project = read.with_judged({"a.yaml": shared.unpacked(shared.packed(read.files["a.yaml"]))})
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: shop}\n"
    policy += "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"

    def said(one: Project) -> list[tuple[str, str]]:
        return [(finding.control, finding.message) for _, finding in one.files["a.yaml"].findings()]

    with_policy = project.with_file("p.yaml", policy)
    assert said(with_policy) != said(project)
    assert said(with_policy) == said(read.with_file("p.yaml", policy))
    assert said(with_policy.without_file("p.yaml")) == said(project)
