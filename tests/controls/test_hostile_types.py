"""No control raises on a manifest with anything of any type anywhere, and none takes a wrong type for a pass.

For every manifest in a control's tests and every path in it, the value is taken away, made null, `{}`, `[]` and a
string. Where taking it away makes a finding vanish, the control reads that path: then a value of a type that
Kubernetes refuses there must not make the control pass either.
"""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy import ruleset
from kscan_lsp.settings.model import Settings
from kscan_lsp.testing.marks import read_marks
from kscan_lsp.testing.run import settings_of
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, split

POLICIES = complete_policies()
ABSENT = object()
REPLACEMENTS = [ABSENT, None, {}, [], "x"]


def paths_in(value: Any, path: tuple[Any, ...] = ()):
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from paths_in(child, (*path, key))


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = here = copy.copy(data)
    for key in path[:-1]:
        here[key] = here = copy.copy(here[key])
    if value is ABSENT:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return made


def verdict(control: str, others: Project, text: str) -> str:
    """The worst that is said of any object, this one or the others in the test.

    What is wrong with an object that the control does not judge, but only asks about, is told as a problem of its own.
    """
    asks = any(check.relations for check in POLICIES.controls[control].checks)
    project = others.with_file("this.json", text, json=True)
    states = set()
    for file in project.files.values():
        for placed in file.documents:
            for verdicts in placed.checked.verdicts:
                states |= {"failed"} if control in verdicts.failed else set()
                states |= {"passed"} if control in verdicts.passed else set()
                states |= (
                    {"unevaluated"} if any(u.control == control for u in verdicts.unevaluated) else set()
                )
    told = asks and any(
        v.problems for placed in project.files["this.json"].documents for v in placed.checked.verdicts
    )
    states |= {"told"} if told else set()
    for state in ("failed", "unevaluated", "told", "passed"):
        if state in states:
            return state
    return "not applicable"


def wrong_types(control):
    """Judge every manifest with everything in it replaced.

    Yields: (test, path, value, verdict) for values of a wrong type where the control passes if there is none.
    """
    known: dict[
        tuple[str, str, str], str
    ] = {}  # tests of a control differ in little: much is the same in several
    for test in POLICIES.sources[control.id].tests:
        rules, _ = ruleset.choose(POLICIES, settings_of(test), only=(control.id,))
        pieces = split(read_marks(test.manifest)[0])
        for number, piece in enumerate(pieces):
            data = read_document(piece).data
            if not isinstance(data, dict):
                continue
            rest = "\n".join([*pieces[:number], *pieces[number + 1 :]])
            around = (repr(settings_of(test)), rest)
            others = Project(Evaluator(rules, Evidence(date(2026, 1, 1)))).with_file("others.yaml", rest)

            def judged(data: Any, others: Project = others, around: tuple[str, str] = around) -> str:
                one = (*around, json.dumps(data))
                if one not in known:
                    known[one] = verdict(control.id, others, one[-1])
                return known[one]

            before = judged(data)
            for path in paths_in(data):
                if path in {("kind",), ("apiVersion",)}:
                    continue
                original = data
                for key in path:
                    original = original[key]
                states = [(value, judged(replaced(data, path, value))) for value in REPLACEMENTS]
                missing = states[0][1]
                if before == "failed" and missing == "passed":
                    for value, state in states[2:]:
                        if not isinstance(value, type(original)):
                            yield test, path, value, state


@pytest.mark.parametrize("control", POLICIES.controls.values(), ids=lambda c: c.id)
def test_wrong_types(control) -> None:
    for test, path, value, state in wrong_types(control):
        assert state != "passed", f"{test.name}: {path} = {value!r} turned a failure into a pass"


def test_there_are_wrong_types_to_judge() -> None:
    assert {state for *_, state in wrong_types(POLICIES.controls["C-0057"])} == {"unevaluated"}


@pytest.mark.parametrize("policy", [[], "none", {"egress": "none"}, {"egress": {"to": []}}])
def test_a_sandbox_policy_of_a_wrong_type_limits_nothing(policy: Any) -> None:
    data = {
        "apiVersion": "extensions.agents.x-k8s.io/v1beta1",
        "kind": "SandboxTemplate",
        "spec": {"networkPolicy": policy},
    }
    rules, _ = ruleset.choose(POLICIES, Settings(), only=("C-0301",))
    assert (
        verdict("C-0301", Project(Evaluator(rules, Evidence(date(2026, 1, 1)))), json.dumps(data)) == "failed"
    )
