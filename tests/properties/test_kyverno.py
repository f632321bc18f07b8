"""Kyverno's policies with values of any type, and what they said of an object before an edit."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.admitting import admitting_project, assert_edits_say_what_a_fresh_start_says
from support.kyverno import about, cluster_policy, denying
from support.kyverno_rules import EXCEPTION, POD_RULES, VALIDATING

POLICIES = [json.loads(cluster_policy(rule, name=f"p{n}")) for n, rule in enumerate(POD_RULES)]
DECLARED = [*POLICIES, VALIDATING, EXCEPTION]
VALUES = st.sampled_from(
    [1, 1.0, True, False, "1", "", "a", "b", "me", "shop/a", "x:latest", 5, None, {}, []]
)
PLACES = [
    ("spec", "replicas"),
    ("spec", "paused"),
    ("metadata", "labels"),
    ("metadata", "labels", "owner"),
    ("metadata", "annotations"),
    ("metadata", "name"),
    ("spec", "template", "spec", "hostNetwork"),
    ("spec", "template", "spec", "volumes"),
    ("spec", "template", "spec", "containers"),
    ("spec", "template", "spec", "containers", 0),
    ("spec", "template", "spec", "containers", 0, "image"),
    ("spec", "template", "spec", "containers", 0, "env"),
    ("spec", "template", "spec", "containers", 0, "securityContext"),
    ("spec", "template", "spec", "containers", 1, "name"),
    ("spec", "template", "spec", "containers", 1, "securityContext", "privileged"),
    ("spec", "template", "spec", "containers", 1, "securityContext", "capabilities", "add", 0),
]
EDITS = st.tuples(
    st.sampled_from(PLACES),
    st.one_of(VALUES, st.just([{"name": "c", "image": "shop/c"}]), st.just({"owner": "me", "team": "x"})),
)
MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "labels": {"owner": "me"}},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [
                    {"name": "a", "image": "shop/a"},
                    {
                        "name": "b",
                        "image": "shop/b",
                        "securityContext": {"privileged": False, "capabilities": {"add": ["CHOWN"]}},
                    },
                ]
            }
        },
    },
}
HOSTILE = st.sampled_from(
    [None, {}, [], "", 0, 1.5, True, "{{", "{{ }}", "{{ @ }}", "{{ {{ a }} }}", "$(./../x)", [[]], [None], {"": None},
     "*", "\U0001f389\r\n", "(a)", "^(a)", -1, {"all": [1, None, {}]}, "((((((", {"any": {}}, "request.object", 10**30,
     "{{ request.object }}", "{{ element }}"]
)  # fmt: skip


def _with(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value at a path, as far as the path is there."""
    made = copy.deepcopy(data)
    place = made
    for name in path[:-1]:
        try:
            place = place[name]
        except (KeyError, IndexError, TypeError):
            return made
    if isinstance(place, dict) or (
        isinstance(place, list) and isinstance(path[-1], int) and path[-1] < len(place)
    ):
        place[path[-1]] = value  # type: ignore[index]
    return made


@settings(max_examples=10, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=6))
def test_what_is_remembered_is_what_is_said(edits: list[tuple[tuple[str | int, ...], Any]]) -> None:
    declared = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*POLICIES, VALIDATING]})
    around = admitting_project().with_file("policies.json", declared, json=True)
    texts, manifest = [json.dumps(MANIFEST)], MANIFEST
    for path, value in edits:
        manifest = _with(manifest, path, value)
        texts.append(json.dumps(manifest))
    assert_edits_say_what_a_fresh_start_says(around, texts)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inner for one in _paths(part, (*path, key)))]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_value_in_a_policy_or_an_object_is_too_strange(data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(DECLARED))
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path for path in _paths(policy) if path and path[0] not in {"kind", "apiVersion"}]
        policy = _with(policy, data.draw(st.sampled_from(places)), data.draw(HOSTILE))
    manifest = MANIFEST
    if data.draw(st.booleans()):
        places = [path for path in _paths(manifest) if path and path[0] not in {"kind", "apiVersion"}]
        manifest = _with(manifest, data.draw(st.sampled_from(places)), data.draw(HOSTILE))
    always = cluster_policy({"match": about("*"), "validate": denying(("a", "Equals", "a"))}, name="always")
    files = [
        ("a.json", json.dumps(manifest), True),
        ("p.json", json.dumps(policy), True),
        ("q.json", always, True),
    ]
    project = admitting_project().with_files(files)
    # a policy that is broken keeps no other from being asked
    assert "Kyverno/always/r0" in {finding.control for _, finding in project.files["a.json"].findings()}
