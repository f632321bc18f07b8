"""The process that evaluates Rego: what it says, and what rules cannot do to it or to us."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from kscan_lsp.gatekeeper.rego import rego_of
from kscan_lsp.policy.rego import AlertedObject, RegoAlert, RegoAnswer, source_of
from kscan_lsp.workspace import rego as evaluating
from kscan_lsp.workspace.rego import RegoProcess
from kscan_lsp.workspace.rego_worker import RegoSources

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOW = """package x
violation[{"msg": m}] {
  a := numbers.range(1, 9000)
  m := count([k | i := a[_]; j := a[_]; k := i * j])
}
"""
FAST = 'package x\nviolation[{"msg": m}] { m := sprintf("no %v", [input.parameters.a]) }\n'


@pytest.fixture(scope="module")
def process() -> Iterator[RegoProcess]:
    """One process for all tests: it takes a while to start."""
    pytest.importorskip("regorus")
    made = RegoProcess(seconds=0.5)
    yield made
    made.close()


def asked(process: RegoProcess, text: str, *libraries: str, **given: Any) -> RegoAnswer:
    source = rego_of({"rego": text, "libs": list(libraries)})
    (answer,) = process.ask([source], {"parameters": {"a": 1}, **given})
    return answer


def test_messages_come_in_order_and_once(process: RegoProcess) -> None:
    assert asked(process, FAST).messages == ("no 1",)
    many = 'package x\nviolation[{"msg": m, "details": d}] { d := ["b", "a"][_]; m := ["z", "y"][_] }\n'
    assert asked(process, many).messages == ("y", "z")
    assert asked(process, 'package x\nviolation[{"msg": "a"}] { false }\n') == RegoAnswer()


def test_libraries_and_the_inventory(process: RegoProcess) -> None:
    text = 'package x\nimport data.lib.f\nviolation[{"msg": m}] { m := f.g(data.inventory.cluster.v1.Node[_]) }\n'
    library = "package lib.f\ng(node) = n { n := node.metadata.name }\n"
    nodes = {"cluster": {"v1": {"Node": {"n": {"metadata": {"name": "n"}}}}}}
    assert asked(process, text, library, kscan_inventory=nodes).messages == ("n",)


def test_a_rule_that_takes_too_long_is_set_aside_and_the_others_go_on(process: RegoProcess) -> None:
    first = asked(process, SLOW)
    assert "it took more than" in first.why
    before = process._process
    assert asked(process, SLOW) == first
    assert process._process is before, "it is not even started again"
    assert asked(process, FAST).messages == ("no 1",)


def test_a_rule_sees_no_environment_and_no_network(
    process: RegoProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "KSCAN_TEST_TOKEN", "hunter2")
    process.close()
    said = asked(process, 'package x\nviolation[{"msg": m}] { m := json.marshal(opa.runtime().env) }\n')
    assert "hunter2" not in str(said)
    assert "network" in asked(process, 'package x\nviolation[{"msg": "a"}] { http.send({"url": "x"}) }\n').why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("package x\nviolation[{", "it cannot be read"),
        ('package x\nviolation[{"msg": m}] { m := absent(1) }\n', "could not find function absent"),
        ("package x\nviolation[m] { m := 1 }\n", "no set of objects with 'msg'"),
        ("package x\nother { true }\n", "fails"),
    ],
)
def test_what_has_no_answer_says_why(process: RegoProcess, text: str, why: str) -> None:
    found = asked(process, text)
    assert (found.messages, why in found.why) == ((), True), found


def test_what_is_said_has_a_limit(process: RegoProcess) -> None:
    many = 'package x\nviolation[{"msg": m}] { n := numbers.range(1, 90)[_]; m := long(n) }\n'
    text = f'{many}long(n) = s {{ s := concat("", [sprintf("%v", [i]) | i := numbers.range(n, 300)[_]]) }}\n'
    said = asked(process, text)
    assert len(said.messages) == 50
    assert {len(one) for one in said.messages} == {500}


def test_values_that_are_no_json_are_said(process: RegoProcess) -> None:
    assert "not JSON" in asked(process, FAST, review={1, 2}).why


class Engine:
    """A library that answers with a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def Engine(self) -> Engine:  # noqa: N802 - the library's name
        return self

    def set_rego_v0(self, _: bool) -> None: ...

    def add_policy(self, _name: str, _text: str) -> None: ...

    def set_input_json(self, _: str) -> None: ...

    def eval_rule_as_json(self, _: str) -> str:
        return self.text

    eval_query_as_json = eval_rule_as_json


@pytest.mark.parametrize("text", ["", "1", '{"a": 1}', "[1]", '[{"a": 1}]'])
def test_an_answer_that_is_none(text: str) -> None:
    sources = RegoSources(Engine(text))
    asked = {"id": "a", "package": "x"}
    assert sources.answers({"asked": [asked], "input": {}}) == [{"unknown": True}]
    (answer,) = sources.answers({"asked": [{**asked, "modules": ["a"]}], "input": {}})
    assert "error" in answer


@pytest.mark.parametrize(
    "text", ["1", "{}", '{"result": []}', '{"result": [{"expressions": [{"value": 3}]}]}']
)
def test_a_package_without_alerts(text: str) -> None:
    asked = {"id": "a", "package": "x", "asks": "alerts", "modules": ["a"]}
    assert RegoSources(Engine(text)).answers({"asked": [asked], "input": []}) == [{"alerts": []}]


ALERTS = """package armo_builtins
import rego.v1
deny contains alert if {
  pod := input[_]
  alert := {
    "alertMessage": sprintf("pod %v", [pod.metadata.name]),
    "failedPaths": ["spec.a", 3], "reviewPaths": ["spec.a"], "deletePaths": ["spec.b"],
    "fixPaths": [{"path": "spec.c", "value": true}],
    "alertObject": {"k8SApiObjects": [pod]},
  }
}
names contains pod.metadata.name if pod := input[_]
"""


def test_alerts_of_a_package_name_objects_and_paths(process: RegoProcess) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}
    (answer,) = process.ask([source_of([ALERTS], asks="alerts")], [pod])
    assert answer.alerts == (
        RegoAlert(
            "pod p", ("spec.a", "spec.b"), (("spec.c", "true"),), (AlertedObject("v1", "Pod", "n", "p"),)
        ),
    )


def test_several_are_asked_together_and_one_that_is_late_holds_up_none_of_the_others(
    process: RegoProcess,
) -> None:
    slow, fast = rego_of({"rego": SLOW.replace("package x", "package y")}), rego_of({"rego": FAST})
    network = rego_of({"rego": 'package x\nviolation[{"msg": "a"}] { http.send({}) }'})
    answers = process.ask([fast, slow, network, fast], {"parameters": {"a": 2}})
    assert [answer.messages for answer in answers] == [("no 2",), (), (), ("no 2",)]
    assert "took more than" in answers[1].why
    assert "network" in answers[2].why


def test_what_is_asked_about_has_a_limit(process: RegoProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "MOST_INPUT", 100)
    assert "more than 100 characters" in asked(process, FAST, review="a" * 100).why
    assert asked(process, FAST).messages == ("no 1",)


def test_an_answer_without_end_is_given_up(process: RegoProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "MOST_ANSWER", 200)
    pods = [{"kind": "Pod", "metadata": {"name": f"pod{number}"}} for number in range(9)]
    source = source_of([ALERTS + "# more\n"], asks="alerts")
    (answer,) = process.ask([source], pods)
    assert "says more than 200 bytes" in answer.why
    monkeypatch.undo()
    assert process.ask([source], pods) == [answer]
    assert asked(process, FAST).messages == ("no 1",)


def test_more_alerts_than_anybody_reads_are_no_answer(process: RegoProcess) -> None:
    many = (
        'package x\ndeny[a] { n := numbers.range(1, 5001)[_]; a := {"alertMessage": sprintf("%v", [n])} }\n'
    )
    (answer,) = process.ask([source_of([many], asks="alerts")], [])
    assert "more than 5,000 alerts" in answer.why
