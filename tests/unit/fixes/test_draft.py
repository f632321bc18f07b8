"""A draft is made of what a finding remembers: each element is bound again, and no check is evaluated on it."""

from __future__ import annotations

import gc

import pytest
from support.judging import FILE, project_of

from kscan_lsp.engine import evaluate
from kscan_lsp.findings import Cause
from kscan_lsp.fixes.changes import DataChange
from kscan_lsp.fixes.draft import Draft, drafts

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: api, args: [a, b]}
  - {name: proxy, args: [b]}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: web}}
"""
ARGS = """\
- {each: containers, deny: container.name == 'none', message: m, fix: {set: {tty: true}}}
- each: containers.args[*]
  deny: item == 'b'
  message: "{container.name}"
  fix: {set: {item: {expr: "item + container.name"}}}
"""


def drafted(checks: str, text: str = POD, **others: str) -> list[list[Draft]]:
    project = project_of(checks, a=text, **others)
    (checked,) = project.files[FILE].parts
    return [options for _, options in drafts(checked, project.evaluator, project.index, lambda _: True)]


def test_a_finding_remembers_the_check_and_the_element() -> None:
    (checked,) = project_of(ARGS, a=POD).files[FILE].parts
    assert [(f.message, f.causes) for f in checked.findings] == [
        ("api", (Cause(1, 1),)),
        ("proxy", (Cause(1, 2),)),
    ]


def test_a_draft_is_about_the_element_that_failed() -> None:
    assert [option.changes for (option,) in drafted(ARGS)] == [
        (DataChange("set", ("spec", "containers", 0, "args", 1), "bapi"),),
        (DataChange("set", ("spec", "containers", 1, "args", 0), "bproxy"),),
    ]


def test_no_check_is_evaluated_again_to_draft_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(ARGS, a=POD)
    monkeypatch.setattr(evaluate.cel, "deny", lambda *_: pytest.fail("a check was evaluated again"))
    monkeypatch.setattr(evaluate.cel, "render", lambda *_: pytest.fail("a message was made again"))
    (checked,) = project.files[FILE].parts
    assert len(list(drafts(checked, project.evaluator, project.index, lambda _: True))) == 2


def test_a_fix_may_look_at_other_objects() -> None:
    check = """\
- each: containers
  relations: {services: services}
  deny: services.size() > 0
  message: m
  fix: {when: "services[0].object.metadata.name == 'shop'", set: {tty: {expr: services.size() > 0}}}
"""
    assert [option.changes[0].value for (option,) in drafted(check, b=SERVICE)] == [True, True]
    assert drafted(check, b=SERVICE.replace("name: shop", "name: other")) == [[], []]


def test_of_two_values_for_one_place_the_first_is_taken() -> None:
    check = (
        "- {each: containers, deny: container.name == 'api', at: tty, message: m, fix: {set: {tty: VALUE}}}\n"
    )
    ((option,),) = drafted(check.replace("VALUE", "true") + check.replace("VALUE", "false"))
    assert [change.value for change in option.changes] == [True]


def test_drafts_leave_nothing_to_the_garbage_collector() -> None:
    project = project_of(ARGS, a=POD)
    (checked,) = project.files[FILE].parts
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        assert len(list(drafts(checked, project.evaluator, project.index, lambda _: True))) == 2
        gc.collect()
        left = {type(thing).__name__ for thing in gc.garbage if "kscan" in type(thing).__module__}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == set()


def test_a_condition_is_asked_once_for_all_containers_that_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    check = """\
- each: containers
  deny: "true"
  message: m
  fix: {when: container.image == 'b' || pod.containers.size() > 2, set: {stdin: true}}
"""
    containers = "".join(f"  - {{name: c{n}, image: a}}\n" for n in range(9)) + "  - {name: c9, image: b}\n"
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n{containers}"
    project = project_of(check, a=text)
    (checked,) = project.files[FILE].parts
    asked: list[str] = []
    deny = evaluate.cel.deny
    monkeypatch.setattr(evaluate.cel, "deny", lambda one, on: asked.append(one.source) or deny(one, on))
    found = list(drafts(checked, project.evaluator, project.index, lambda _: True))
    assert [len(options) for _, options in found] == [1] * 10
    assert len(asked) == 2
