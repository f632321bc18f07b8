"""Files come in the order of their names, and documents stand where the text has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.objects import RULES, empty_project, listed, results

from kscan_lsp.engine import related
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.findings import Location
from kscan_lsp.graph.index import key_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.objects import objects_of

if TYPE_CHECKING:
    from kscan_lsp.engine.edited import Edited
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.graph.binding import Bound

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: store, labels: {app: web}}
spec: {containers: [{name: a, image: 'a:1'}]}
"""


@pytest.mark.parametrize("how", ["judged", "declared", "unreadable"])
def test_files_come_in_the_order_of_their_names(how: str) -> None:
    project = empty_project()
    for name in ("b/c.yaml", "a-b.yaml", "a/c.yaml", "a/b/d.yaml", "A.yaml"):
        text = listed("ConfigMap", "a")
        if how == "judged":
            project = project.with_file(name, text)
        elif how == "declared":
            project = project.with_objects(name, objects_of(name, text, RULES))
        else:
            project = project.with_unreadable(name, "it is a folder")
    names = ["A.yaml", "a/b/d.yaml", "a/c.yaml", "a-b.yaml", "b/c.yaml"]
    assert list(project.files) == ([] if how == "declared" else names)
    assert list(project.index.files) == ([] if how == "unreadable" else names)
    found = [one.file for one in project.index.find(key_of("kind", "ConfigMap"))]
    assert found == list(project.index.files)


@pytest.mark.parametrize("edited", range(4))
def test_documents_stand_where_the_text_has_them(edited: int) -> None:
    pieces = [f"---\n{listed('ConfigMap', name)}" for name in "abcd"]
    project = empty_project().with_file("a.yaml", "".join(pieces))
    for text in (f"{pieces[edited]}# longer\n", pieces[edited], f"{pieces[edited]}---\n# one more\n", ""):
        now = "".join([*pieces[:edited], text, *pieces[edited + 1 :]])
        project = project.with_file("a.yaml", now)
        for placed in project.files["a.yaml"].documents:
            document = placed.checked.document.text
            assert now[placed.offset : placed.offset + len(document)] == document
            assert placed.line == now[: placed.offset].count("\n")
            assert placed.locate(Span(1, 2)) == Location("a.yaml", Span(placed.offset + 1, placed.offset + 2))


@pytest.mark.parametrize("copy", [1, 2])
def test_a_copy_of_a_document_is_edited(copy: int) -> None:
    # documents with one text are read once; what one of them becomes says nothing about the other
    policy = listed("NetworkPolicy", "p", api="networking.k8s.io/v1", rest="spec: {podSelector: {}}")
    pieces = [listed("Pod", "web", rest="spec: {containers: [{name: a}]}"), *[f"---\n{policy}"] * 2]
    before = empty_project().with_file("a.yaml", "".join(pieces))
    pieces[copy] = pieces[copy].replace("store", "elsewhere")
    text = "".join(pieces)
    fresh = empty_project().with_file("a.yaml", text)
    for edited in (before.with_file("a.yaml", text), before.with_document("a.yaml", copy, pieces[copy])):
        assert results(edited) == results(fresh)
        there = [one.namespace for one in edited.index.find(key_of("kind", "NetworkPolicy"))]
        assert there == [one.namespace for one in edited.index.files["a.yaml"][1:]]


def test_values_that_have_a_kind_mean_nothing_to_others() -> None:
    values, ruleset = "apiVersion: v1\nkind: Service\nspec: {}\n", RULES
    assert objects_of("a/values.yaml", values, ruleset) == ()
    assert len(objects_of("a/service.yaml", values, ruleset)) == 1
    assert len(objects_of("a/values.yaml", values + "metadata: {name: a}\n", ruleset)) == 1
    assert len(objects_of("a/values.yaml", values + "a: 'b\n", ruleset)) == 1


def test_an_edit_of_a_pod_judges_no_policy_again_that_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    evaluate = Evaluator.evaluate_related

    def counted(self: Evaluator, alone: Verdicts, bound: Bound, edited: Edited | None = None) -> Verdicts:
        judged.append(alone.resource.id.name)
        return evaluate(self, alone, bound, edited)

    monkeypatch.setattr(Evaluator, "evaluate_related", counted)
    policy = "spec: {podSelector: {matchLabels: {app: web}}}"
    names = [f"p{number}" for number in range(30)]
    files = {
        f"{name}.yaml": listed("NetworkPolicy", name, api="networking.k8s.io/v1", rest=policy)
        for name in names
    }
    project = empty_project().with_files(
        [(path, text, False) for path, text in {**files, "pod.yaml": POD}.items()]
    )
    judged.clear()
    edited = project.with_file("pod.yaml", POD.replace("a:1", "a:2"))
    assert judged == ["web"]
    fresh = empty_project().with_files([(path, file.text, False) for path, file in edited.files.items()])
    assert results(edited) == results(fresh)
    judged.clear()
    edited.with_file("p7.yaml", files["p7.yaml"].replace("podSelector", "policyTypes: [Egress], podSelector"))
    assert sorted(judged) == ["p7", "web"]


def test_what_an_edit_leaves_as_it_was_is_not_made_ready_again(monkeypatch: pytest.MonkeyPatch) -> None:
    policies = listed(
        "NetworkPolicy",
        *[f"p{n}" for n in range(30)],
        api="networking.k8s.io/v1",
        rest="spec: {podSelector: {}}",
    )
    project = empty_project().with_files([("pod.yaml", POD, False), ("policies.yaml", policies, False)])
    made: list[int] = []
    make = related._list
    monkeypatch.setattr(
        related, "_list", lambda name, links, fields: made.append(len(links)) or make(name, links, fields)
    )
    project.with_file("pod.yaml", POD.replace("a:1", "a:2"))
    assert 30 not in made


def test_objects_of_a_kind_that_no_policy_is_about_share_what_policies_say() -> None:
    texts = [(name, listed("ConfigMap", name), False) for name in ("a", "b")]
    project = empty_project().with_files(texts)
    one, other = (project.files[name].parts[0].admitted[0] for name in ("a", "b"))
    assert one is other
    rule = "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}"
    policy = listed(
        "ValidatingAdmissionPolicy",
        "p",
        api="admissionregistration.k8s.io/v1",
        rest=f"spec: {{matchConstraints: {{resourceRules: [{rule}]}}, validations: [{{expression: 'false'}}]}}",
    )
    project = project.with_file("p", policy)
    one, other = (project.files[name].parts[0].admitted[0] for name in ("a", "b"))
    assert one is not other
    assert one.asked.any
