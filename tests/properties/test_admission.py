"""What policies said of an object before an edit holds after it only where nothing that they read differs."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.admitting import (
    admitting_project,
    assert_edits_say_what_a_fresh_start_says,
    at_revision,
    policy,
    said_of,
)
from support.evaluating import fresh

from kscan_lsp.admission import remembered
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.workspace.project import Project

EXPRESSIONS = [
    "object.spec.replicas == 1",
    "!has(object.spec.paused) || object.spec.paused == true",
    "object.metadata.?labels.?tier.orValue('') != ''",
    "object.metadata.?labels['owner'].orValue('') == 'me'",
    "object.spec.template.spec.containers.all(c, c.image.startsWith('shop/'))",
    "object.spec.template.spec.containers.exists(object, object.name == 'b')",
    "variables.first.image != 'b' && object.spec.replicas < 3",
    "[object].all(o, has(o.spec.paused))",
    "request.name == 'a' || namespaceObject.metadata.labels.?env.orValue('') == 'prod'",
    "object.spec.strategy.type == 'Recreate'",
    "params.data.least < string(object.spec.replicas)",
    "(object.kind == 'Pod' ? object.spec : object.spec.template.spec).containers.filter(c, c.name == 'a').size() < 2",
    "object.spec.template.spec.containers.map(c, c.image).exists_one(i, i == 'b')",
    "object.metadata.?labels.orValue({}).all(k, k != 'tier')",
    "object.spec.template.spec.containers.all(c, has(c.image))",
]
POLICIES = "\n---\n".join(
    policy(
        [{"expression": one, "messageExpression": "'it has ' + string(object.spec.?replicas.orValue(0))"}],
        name=f"p{number}",
        matchConditions=[{"name": "c", "expression": "object.metadata.name != 'c'"}],
        variables=[{"name": "first", "expression": "object.spec.template.spec.containers[0]"}],
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        binding={
            "paramRef": {"name": "limits", "parameterNotFoundAction": "Deny"},
            "matchResources": {
                "objectSelector": {"matchExpressions": [{"key": "off", "operator": "DoesNotExist"}]}
            },
        },
    )
    for number, one in enumerate(EXPRESSIONS)
)
AROUND = """\
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {env: test}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: limits, namespace: default}
data: {least: "1"}
"""

RULE = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
VALUES = st.sampled_from([1, 1.0, True, False, "1", "", "a", "b", "me", "shop/a", 5, None])
EDITS = st.one_of(
    st.tuples(st.just(("spec", "replicas")), VALUES),
    st.tuples(st.just(("spec", "paused")), VALUES),
    st.tuples(st.just(("spec", "strategy")), st.sampled_from([{"type": "Recreate"}, {}, None])),
    st.tuples(
        st.just(("metadata", "labels")), st.dictionaries(st.sampled_from(["tier", "owner", "off"]), VALUES)
    ),
    st.tuples(st.just(("metadata", "name")), st.sampled_from("abc")),
    st.tuples(
        st.just(("spec", "template", "spec", "containers")),
        st.lists(st.fixed_dictionaries({"name": st.sampled_from("ab"), "image": VALUES}), max_size=2),
    ),
)


def deployment(edits: list[tuple[tuple[str, ...], Any]]) -> str:
    made: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "shop/a"}]}}},
    }
    for path, value in edits:
        place = made
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
    return json.dumps(made)


@settings(max_examples=30, deadline=None)
@given(st.lists(EDITS, max_size=8))
def test_what_is_remembered_is_what_is_said(edits: list[tuple[tuple[str, ...], Any]]) -> None:
    around = admitting_project().with_file("policies.yaml", POLICIES)
    around = around.with_file("around.yaml", AROUND)
    assert_edits_say_what_a_fresh_start_says(around, [deployment(edits[:n]) for n in range(len(edits) + 1)])


UPDATES = "\n---\n".join(
    policy(
        expression,
        name=f"u{number}",
        matchConstraints={"resourceRules": [{**RULE, "operations": operations}], "objectSelector": selector},
    )
    for number, (expression, operations, selector) in enumerate(
        [
            ("object.spec.replicas == oldObject.spec.replicas", ["UPDATE"], {}),
            ("oldObject == null || oldObject.metadata.?labels == object.metadata.?labels", ["*"], {}),
            ("request.operation == 'CREATE'", ["CREATE", "UPDATE"], {}),
            ("object.spec.replicas == 1", ["CREATE"], {}),
            ("false", ["CREATE", "UPDATE"], {"matchLabels": {"tier": "a"}}),
        ]
    )
)
NAMES = st.sampled_from(["dev/a.json", "prod/a.json", "b.json"])
STEPS = st.one_of(
    st.tuples(st.just("edit"), NAMES, st.lists(EDITS, max_size=2)),
    st.tuples(st.just("remove"), NAMES, st.none()),
    st.tuples(st.just("commit"), st.none(), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none()),
    st.tuples(st.just("policies"), st.none(), st.booleans()),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_edits_and_commits_in_any_order_say_what_a_fresh_start_says(
    steps: list[tuple[str, str, Any]],
) -> None:
    remembered.forget()
    project = admitting_project().with_file("policies.yaml", UPDATES)
    files: dict[str, str] = {}
    committed: dict[str, str] | None = None
    policies = UPDATES
    for what, name, given_ in steps:
        if what == "edit":
            files[name] = deployment(given_)
            project = project.with_file(name, files[name], json=True)
        elif what == "remove":
            files.pop(name, None)
            project = project.without_file(name)
        elif what == "policies":
            policies = UPDATES if given_ else POLICIES
            project = project.with_file("policies.yaml", policies)
        else:
            committed = dict(files) if what == "commit" else None
            project = (
                project.with_objects(BEFORE, ()) if committed is None else at_revision(project, committed)
            )
    edited = _said_in(project)
    remembered.forget()
    anew = admitting_project().with_file("policies.yaml", policies)
    anew = anew.with_files([(name, text, True) for name, text in files.items()])
    assert edited == _said_in(anew if committed is None else at_revision(anew, committed))


def _said_in(project: Project) -> dict[str, Any]:
    return {
        name: (said_of(file), [one.unevaluated for part in file.parts for one in part.verdicts])
        for name, file in project.files.items()
    }


TYPED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, labels: {tier: x}}
spec:
  replicas: %s
  paused: %s
  strategy:
    type: %s
  template:
    spec:
      containers:
      - name: %s
        image: %s
      - name: c
        image: %s
"""
SCALARS = st.sampled_from(["1", "true", "b", "shop/a", "null"])


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[SCALARS] * 6), st.lists(st.tuples(st.integers(0, 5), SCALARS), min_size=4, max_size=8))
def test_what_is_typed_into_one_value_says_what_a_fresh_start_says(
    first: tuple[str, ...], edits: list[tuple[int, str]]
) -> None:
    # with controls, as what is known of a document after an edit is known by them
    around = Project(fresh()).with_file("policies.yaml", POLICIES)
    around = around.with_file("around.yaml", AROUND)
    values = [*first]
    texts = [TYPED % first, f"# a line that moves the rest\n{TYPED % first}"]
    for number, value in edits:
        values[number] = value
        texts.append(f"# a line that moves the rest\n{TYPED % tuple(values)}")
    assert_edits_say_what_a_fresh_start_says(around, texts, json=False)
