"""Answers are remembered by what they rest on: a ruleset that has judged much says what a new one says."""

from __future__ import annotations

import copy
import itertools
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kscan_lsp import asking, elements, engine, policies
from kscan_lsp.configuration import builtin_policies
from kscan_lsp.documents import read_document
from kscan_lsp.project import Project, check_file
from kscan_lsp.ruleset import Ruleset, choose
from kscan_lsp.settings import Settings

TODAY = date(2026, 1, 1)
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: shop, labels: {{app: shop}}}}
spec:
  hostNetwork: {network}
  securityContext: {{runAsUser: {user}}}
  containers:
  - name: {name}
    image: shop:1.0
    securityContext: {{privileged: {privileged}}}
    env:
    - {{name: DB_PASSWORD, value: {value}}}
  - name: helper
    image: helper
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop}
spec: {podSelector: {matchLabels: {app: APP}}}
"""
VALUES = {
    "network": ("true", "false"),
    "user": ("0", "1000"),
    "name": ("api", "web"),
    "privileged": ("true", "1", '"true"', "1.0", "null", "[]", "false"),
    "value": ("hunter2", '""', "1"),
}
RECKONED = """\
id: KS-9001
title: Title
score: 5.0
description: d
remediation: r
checks:
- each: containers
  deny: container.args.all(a, (container.args + container.args).size() > 0)
  message: m
- each: containers
  deny: size(container.env) > 0
  message: has variables
"""


def rules(policy_set=None) -> Ruleset:
    return choose(policy_set or builtin_policies(), Settings.model_validate({"frameworks": ["allcontrols"]}))[
        0
    ]


def said(text: str, ruleset: Ruleset) -> list[tuple]:
    return [
        (verdicts.findings, verdicts.passed, verdicts.unevaluated)
        for placed in check_file("pod.yaml", text, ruleset, TODAY).documents
        for verdicts in placed.checked.verdicts
    ]


def test_remembered_answers_are_those_of_a_new_ruleset() -> None:
    warm = rules()
    for values in itertools.product(*VALUES.values()):
        text = POD.format(**dict(zip(VALUES, values, strict=True)))
        assert said(text, warm) == said(text, rules()), values


EXAMPLES = [
    placed.checked.document.data
    for path in sorted((Path(__file__).parents[2] / "examples" / "payments").rglob("*.yaml"))
    for placed in Project(choose(policies.PolicySet(), Settings())[0], TODAY)
    .with_file(path.name, path.read_text(encoding="utf-8"))
    .files[path.name]
    .documents
]
ODD = (None, True, False, 0, 1, 1.0, "", "0", "root", "*", [], {}, [None], {"name": "x"})


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The paths of everything inside of plain data."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in ((*path, key), *places(item, (*path, key)))]


def at(value, path):
    for key in path:
        value = value[key]
    return value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_edited_is_judged_as_by_a_new_ruleset(data: st.DataObject) -> None:
    """What was said is found again by what it rests on, so nothing that it rests on may be missing there."""
    warm = rules()
    subject = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
    for _ in range(data.draw(st.integers(2, 6))):
        *way, last = data.draw(st.sampled_from(places(subject)))
        holder = at(subject, way)
        edit = data.draw(st.sampled_from(("remove", "replace", "repeat", "copy")))
        if edit == "replace":
            holder[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        elif edit == "repeat" and isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[last]))
        elif edit == "copy" and isinstance(last, str):
            mappings = [place for place in places(subject) if isinstance(at(subject, place), dict)]
            if mappings:
                at(subject, data.draw(st.sampled_from(mappings)))[last] = copy.deepcopy(holder[last])
        else:
            del holder[last]
        text = json.dumps(subject)
        assert said(text, warm) == said(text, rules())
        if not places(subject):
            break


@pytest.mark.parametrize("field", ["runAsUser: 0", "seccompProfile: {type: Unconfined}"])
def test_what_holds_from_elsewhere_now_is_shown_there(field: str) -> None:
    """The answer is the same, but not the place."""
    warm = rules()
    context = f"securityContext: {{{field}}}"
    shown = set()
    for pod, container in ((context, ""), (context, context), ("", context)):
        text = (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\n"
            f"spec:\n  {pod}\n  containers:\n  - name: shop\n    image: shop\n    {container}\n"
        )
        assert said(text, warm) == said(text, rules())
        ((findings, *_),) = said(text, warm)
        shown |= {finding.path for finding in findings if "securityContext" in finding.path}
    assert {path[1] for path in shown} == {"securityContext", "containers"}


def test_asked_again_nothing_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = rules()
    text = POD.format(network="true", user="0", name="api", privileged="true", value="hunter2")
    expected = said(text, warm)
    asked: list[object] = []
    deny = engine.cel.deny
    monkeypatch.setattr(engine.cel, "deny", lambda *what: asked.append(what) or deny(*what))
    moved = text.replace("metadata:", "# moved by a comment\nmetadata:")
    assert [[f.message for f in findings] for findings, *_ in said(moved, warm)] == [
        [f.message for f in findings] for findings, *_ in expected
    ]
    assert asked == []
    said(text.replace("hunter2", "hunter3"), warm)
    assert 0 < len(asked) < 12


def test_an_answer_that_depends_on_size_is_asked_for_every_size() -> None:
    known = policies.load([("own.yaml", read_document(RECKONED))], builtin_policies())
    assert known.problems == ()
    warm = rules(known)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    args: [x]\n"
    large = f"    env: [{', '.join(f'{{name: V{n}}}' for n in range(8000))}]\n"
    for text in (pod, pod + large, pod):
        assert said(text, warm) == said(text, rules(known))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_ANSWERS", 100)
    warm = rules()
    for name in ("api", "web", "job"):
        text = POD.format(network="true", user="0", name=name, privileged="true", value="hunter2")
        assert said(text, warm) == said(text, rules())
        assert len(warm.answers) <= 100
        assert len(warm.said) <= 100


def test_an_answer_that_rests_on_other_objects_is_asked_again_when_they_change() -> None:
    warm = rules()
    text = POD.format(network="false", user="1000", name="api", privileged="false", value="1")
    for app in ("shop", "cart", "shop"):
        failed = [
            "C-0260" in placed.checked.verdicts[0].failed
            for project in (Project(warm, TODAY), Project(rules(), TODAY))
            for placed in project.with_file("policy.yaml", POLICY.replace("APP", app))
            .with_file("pod.yaml", text)
            .files["pod.yaml"]
            .documents
        ]
        assert failed == [app == "cart"] * 2


def test_a_variable_without_a_field_is_not_one_without_a_value() -> None:
    """A pod that is no mapping cannot be judged, whatever is remembered of pods that lack the field asked for."""
    text = POD.format(network="false", user="1000", name="api", privileged="false", value="1")
    broken = text.partition("spec:")[0] + "spec: nonsense\n"
    warm = rules()
    for manifest in (text, broken, text):
        assert said(manifest, warm) == said(manifest, rules())
    assert "C-0034" in {entry.control for _, _, missing in said(broken, warm) for entry in missing}


def test_what_is_too_much_to_judge_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    control = RECKONED.replace("each: containers", "each: containers.env[*]")
    text = POD.format(**{name: given[0] for name, given in VALUES.items()}).replace(
        "env:", "env:\n" + 3 * "    - {name: A}\n", 1
    )
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 3)
    loaded = policies.load([("c.yaml", read_document(control))])
    chosen = choose(
        loaded, Settings.model_validate({"frameworks": [], "controls": {"include": ["KS-9001"]}})
    )[0]
    ((_, _, unevaluated),) = said(text, chosen)
    assert {entry.reason for entry in unevaluated} == {
        "more than 3 entries are too many to judge; shorten the list, or split it over several objects"
    }
