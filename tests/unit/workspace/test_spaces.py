"""Controls with `each: namespace`: every namespace of a project is judged once, be it declared or only named."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.load import load
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.policy.ruleset import Ruleset

CONTROL = """\
id: ORG-0001
title: Quota
severity: medium
description: d
remediation: r
checks:
- each: namespace
  relations: {quotas: "namespace:ResourceQuota", policies: networkPolicies}
  when: "!objectName.startsWith('kube-')"
  deny: quotas.size() == 0
  message: >-
    {objectName} {object.?metadata.?labels.?domain.orValue('-')} {policies.size()} {policies.map(p, p.ref.name).sort()}
  related: policies.map(p, p.ref)
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {domain: pay}\n"
QUOTA = (
    "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {pods: '1'}}\n"
)


def thing(name: str, namespace: str = "shop", kind: str = "ConfigMap") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"


def policy(name: str) -> str:
    return (
        f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n"
        "spec: {podSelector: {}}\n"
    )


def rules(control: str = CONTROL, **settings: object) -> Ruleset:
    policies = load([("c.yaml", read_document(control))])
    assert [one.problem.message for one in policies.problems] == []
    chosen = {"frameworks": [], "controls": {"include": [*policies.controls]}, **settings}
    return choose(policies, Settings.of(chosen))[0]


def project(files: dict[str, str], ruleset: Ruleset | None = None) -> Project:
    made = Project(Evaluator(ruleset or rules(), Evidence(date(2026, 1, 1))))
    return made.with_files([(name, text, False) for name, text in files.items()])


def found(judged: Project) -> list[tuple[str, str, str]]:
    """File, the text at fault, and message of every finding."""
    return [
        (path, file.text[at.start : at.end], one.finding.message)
        for path, file in judged.files.items()
        for one in file.findings()
        if (at := one.placed.locate(one.finding.span).span) is not None
    ]


def counted(judged: Project) -> list[tuple[str, str, bool]]:
    return [
        (path, verdicts.resource.id.kind, bool(verdicts.failed))
        for path, file in judged.files.items()
        for part in file.parts
        for verdicts in part.verdicts
        if verdicts.failed or verdicts.passed or verdicts.unevaluated
    ]


def test_one_that_a_file_declares_is_judged_there() -> None:
    judged = project({"a.yaml": thing("a"), "n.yaml": NAMESPACE, "p.yaml": policy("x")})
    assert found(judged) == [("n.yaml", "name: shop", "shop pay 1 x")]
    assert counted(judged) == [("n.yaml", "Namespace", True)]


def test_one_that_is_only_named_is_judged_at_the_first_object_that_names_it() -> None:
    files = {
        "c.yaml": thing("c"),
        "a.yaml": thing("a", "default"),
        "b.yaml": policy("v") + "---\n" + policy("x"),
    }
    judged = project(files)
    assert found(judged) == [
        ("a.yaml", "namespace: default", "default - 0 "),
        ("b.yaml", "namespace: shop", "shop - 2 v, x"),
    ]
    assert counted(judged) == [("a.yaml", "ConfigMap", True), ("b.yaml", "NetworkPolicy", True)]
    [finding] = [one.finding for one in judged.files["b.yaml"].findings()]
    assert [(one.resource.name, one.file) for one in finding.related] == [("x", "b.yaml")]
    assert not finding.fixable


def test_it_passes_once_too_and_what_names_none_says_nothing() -> None:
    unnamed = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    role = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a, namespace: wrong}\n"
    )
    judged = project({"a.yaml": unnamed, "b.yaml": role, "c.yaml": thing("c", "kube-x"), "d.yaml": QUOTA})
    assert found(judged) == []
    assert counted(judged) == [("c.yaml", "ConfigMap", False), ("d.yaml", "ResourceQuota", False)]


def test_a_quota_in_another_file_counts_as_soon_as_it_comes_or_goes() -> None:
    judged = project({"b.yaml": thing("b"), "c.yaml": thing("c")})
    assert [path for path, _, _ in found(judged)] == ["b.yaml"]
    judged = judged.with_file("z.yaml", QUOTA)
    assert found(judged) == []
    judged = judged.with_document("z.yaml", 0, QUOTA.replace("namespace: shop", "namespace: other"))
    assert [path for path, _, _ in found(judged)] == ["b.yaml"]
    judged = judged.without_file("z.yaml").with_file("a.yaml", thing("a"))
    assert [path for path, _, _ in found(judged)] == ["a.yaml"]
    judged = judged.with_file("n.yaml", NAMESPACE)
    assert [path for path, _, _ in found(judged)] == ["n.yaml"]
    judged = judged.without_file("n.yaml").without_file("a.yaml")
    assert [path for path, _, _ in found(judged)] == ["b.yaml"]


def test_an_object_that_says_all_that_another_says_speaks_in_its_place() -> None:
    judged = project({"b.yaml": thing("same")}).with_file("a.yaml", thing("same"))
    assert [path for path, _, _ in found(judged)] == ["a.yaml"]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_and_goes_all_is_said_as_in_a_new_project(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    texts = [
        "",
        NAMESPACE,
        QUOTA,
        policy("x"),
        *(thing(n, s) for n in "ab" for s in ("shop", "other", "kube-x")),
    ]
    ruleset = rules()
    judged = project({}, ruleset)
    files: dict[str, str] = {}
    for _ in range(25):
        name = chance.choice(["a.yaml", "b.yaml", "c.yaml", "d.yaml"])
        files[name] = "---\n".join(chance.sample(texts, chance.randint(1, 3)))
        judged = judged.with_file(name, files[name])
        fresh = project(files, ruleset)
        assert found(judged) == found(fresh)
        assert counted(judged) == counted(fresh)


def test_an_edit_beside_it_leaves_it() -> None:
    judged = project({"a.yaml": thing("a") + "data: {x: '1'}\n", "b.yaml": thing("b")})
    before = found(judged)
    judged = judged.with_document("a.yaml", 0, thing("a") + "data: {x: '2'}\n")
    judged = judged.with_document("b.yaml", 0, thing("b") + "data: {x: '2'}\n")
    assert found(judged) == before == [("a.yaml", "namespace: shop", "shop - 0 ")]


def test_where_a_namespace_is_declared_others_do_not_rest_on_each_other() -> None:
    judged = project({"n.yaml": NAMESPACE, **{f"{n}.yaml": thing(f"x{n}") for n in range(5)}})
    parts = {path: file.parts for path, file in judged.files.items()}
    judged = judged.with_document("0.yaml", 0, thing("x0") + "data: {a: b}\n").with_file("q.yaml", QUOTA)
    assert {path for path, file in judged.files.items() if file.parts != parts.get(path)} == {
        "0.yaml",
        "q.yaml",
        "n.yaml",
    }


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: [x]}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: 5}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: [a]\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: &m {name: a, namespace: shop, labels: *m}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: '\U0001f4a5'\r\n",
        "kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}, 5]\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: [x], labels: 5}\n",
    ],
)
def test_whatever_stands_there_nothing_breaks(text: str) -> None:
    judged = project({"a.yaml": text, "b.yaml": QUOTA.replace("namespace: shop", "namespace: 7")})
    assert found(judged) == found(project({"b.yaml": judged.files["b.yaml"].text, "a.yaml": text}))
    assert all(file.limit is None for file in judged.files.values())


def test_in_a_list_it_stands_at_the_object_that_names_it() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- " + thing("a").replace("\n", "\n  ")
    assert found(project({"a.yaml": text})) == [("a.yaml", "namespace: shop", "shop - 0 ")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("match: workloads", "'each: namespace' is about namespaces, so there is nothing to match"),
        ("deny: item == 1", None),
    ],
)
def test_what_is_about_no_namespace_is_refused(line: str, message: str | None) -> None:
    control = CONTROL.replace(
        "  deny: quotas.size() == 0\n", "" if line.startswith("deny") else "  deny: quotas.size() == 0\n"
    )
    policies = load(
        [("c.yaml", read_document(control.replace("- each: namespace\n", f"- each: namespace\n  {line}\n")))]
    )
    said = [one.problem.message for one in policies.problems]
    assert said
    assert message is None or said == [message]


def test_controls_may_not_ask_for_who_speaks() -> None:
    policies = load([("c.yaml", read_document(CONTROL.replace('"namespace:ResourceQuota"', "undeclared")))])
    assert "unknown relation 'undeclared'" in policies.problems[0].problem.message


def test_it_can_be_tested_like_any_control() -> None:
    manifest = "".join(f"    {line}\n" for line in thing("a").splitlines())
    tests = f"tests:\n- name: none\n  manifest: |\n{manifest}    # ^^^^^^^^^^^^^^^ ORG-0001\n"
    policies = load([("c.yaml", read_document(CONTROL + tests))], complete_policies())
    assert [outcome.failure for outcome in run_tests(policies.controls["ORG-0001"], policies)] == [""]
